"""Drawings of graphs: what is in them, what it is called, in which box it lies, and the files that come out."""

import itertools
import os
import random
import subprocess
import sys
import threading
import warnings
from collections import Counter, namedtuple
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.draw import graph

HOSTILE = ['"', "a<b>c", "x & y", "&lt;", "two\nlines", "\\N\\G\\n", "x\\\\y\\", "<b>"]
HOSTILE += ["Größe Σ 漢字 🙂", "{|}", "tab\there", "]]>", "\x00"]


def leaf(*shape):
    return tg.ones(shape, requires_grad=True)


def called(drawing, name):
    """The one vertex of this name, or of this operation."""
    (found,) = [v for v in drawing.picture.vertices if name in (v.name, v.operation)]
    return found


def parsed(drawing):
    """The DOT text as Graphviz understands it: (labels by id, edges as pairs of ids, graph)."""
    pygraphviz = pytest.importorskip("pygraphviz")
    dot = pygraphviz.AGraph(string=drawing.source)
    return {node: node.attr["label"] for node in dot.nodes()}, [tuple(edge) for edge in dot.edges()], dot


def svg_texts(drawing):
    pytest.importorskip("pygraphviz")
    elements = ElementTree.fromstring(drawing.render("svg")).iter()
    return [element.text for element in elements if element.tag.endswith("}text")]


# ---- structure


def test_one_box_per_operation_and_one_edge_per_operand():
    rng = random.Random(0)
    for _ in range(5):
        values = {f"v{i}": leaf(2) for i in range(3)}
        expected = []
        for number in range(3, 25):
            operation = rng.choice([tg.mul, tg.add, tg.maximum, tg.tanh])
            operands = rng.choices(list(values), k=1 if operation is tg.tanh else 2)
            values[f"v{number}"] = operation(*[values[name] for name in operands])
            expected += [(operand, f"v{number}") for operand in operands]
        drawing = graph({"end": sum(values.values())}, inputs=values)
        vertices = drawing.picture.vertices
        edges = [(operand.name, vertex.name) for vertex in vertices for operand in vertex.operands]
        assert Counter(edge for edge in edges if None not in edge and edge[1] != "end") == Counter(expected)
        assert sum(vertex.kind == "operation" and vertex.name is not None for vertex in vertices) == 22

        labels, drawn, _ = parsed(drawing)
        assert len(labels) == len(vertices) and len(drawn) == len(edges)
        ids = {vertex: f"n{number}" for number, vertex in enumerate(vertices)}
        assert Counter(drawn) == Counter((ids[p], ids[v]) for v in vertices for p in v.operands)


def test_listing():
    x, w, b = leaf(2, 3), leaf(3), leaf(3)
    loss = (x * w - b).square()[0, 1:].sum(dim=0, keepdim=True)
    assert str(graph({"loss": loss}, {"w": w, "b": b}, {"x": x}, title="Why?")).split("\n") == [
        "Why?",
        "5 operations, 2 parameters, 1 input, 1 output",
        "x = input                           (2, 3)",
        "w = parameter                       (3,)",
        "b = parameter                       (3,)",
        "%1 = mul(x, w)                      (2, 3)",
        "%2 = sub(%1, b)                     (2, 3)",
        "%3 = square(%2)                     (2, 3)",
        "%4 = %3[0, 1:]                      (2,)",
        "%5 = sum(%4, dim=0, keepdim=True)   (1,)",
        "loss = %5",
    ]


def test_it_works_after_backward():
    x, w = tg.ones(3), leaf(3)
    loss = (x * w * 2.0).tanh().sum()
    before = graph(loss, {"w": w}, {"x": x})
    loss.backward()
    after = graph(loss, {"w": w}, {"x": x})
    assert [v.label for v in before.picture.vertices if v.kind == "constant"] == ["2"]
    assert [v.label for v in after.picture.vertices if v.kind == "constant"] == ["", ""]
    assert called(before, "x").kind == "input" and "released by backward(): x" in str(after)
    operations = [[v.label for v in g.picture.vertices if v.kind == "operation"] for g in (before, after)]
    assert operations[0] == operations[1] == ["×", "×", "tanh", "Σ"]
    assert "shape=point" in after.source and "shape=point" not in before.source


def test_constants_show_what_is_known_of_them():
    x, w, mask = tg.ones(4, 3), leaf(3), tg.ones(3)
    loss = tg.cat([(x[0] * w + mask) * np.ones(3, np.float32), tg.zeros(5)]).sum()
    constants = [v for v in graph(loss, inputs={"x": x}).picture.vertices if v.kind == "constant"]
    # adding keeps nothing; joining only keeps shapes
    assert [(v.label, v.shape) for v in constants] == [("view of x", "(3,)"), ("", None), ("", "(3,)"), ("", "(5,)")]
    without_bias = called(graph(nn.functional.linear(leaf(2, 3), leaf(4, 3))), "linear")
    assert len(without_bias.operands) == 2


def test_an_operation_of_several_results():
    a = leaf(3, 3)
    values, vectors = tg.linalg.eigh(a + a.T)
    drawing = graph(values.sum() + vectors.sum(), {"a": a})
    first, second = [v for v in drawing.picture.vertices if v.operation == "select"]
    assert (first.label, first.shape, second.label, second.shape) == ("result 0", "(3,)", "result 1", "(3, 3)")
    assert first.operands == second.operands == [called(drawing, "eigh")] and called(drawing, "eigh").shape is None


def test_a_custom_function():
    class Cube(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x, power):
            return x**power

        @staticmethod
        def backward(ctx, g):
            return g, None

    cube = called(graph(Cube.apply(leaf(2), 3)), "Cube")
    assert [operand.kind for operand in cube.operands] == ["leaf"]


# ---- names


def test_names_of_leaves_results_and_outputs():
    a, b, c = leaf(3, 4), leaf(3, 4), tg.ones(3, 4, dtype=tg.float64, requires_grad=True)
    hidden = (a + b).tanh()
    drawing = graph([hidden * a, (hidden * c).sum()], {"a": a, "a again": a}, {"h": hidden})
    boxes = {v.label: (v.kind, v.shape) for v in drawing.picture.vertices if not v.operands}
    assert boxes == {
        "a = a again": ("parameter", "(3, 4)"), "leaf": ("leaf", "(3, 4)"), "leaf 2": ("leaf", "float64 (3, 4)"),
    }  # fmt: skip
    assert called(drawing, "h").label == "tanh" and "h = tanh(%1)" in str(drawing)
    assert [v.name for v in drawing.picture.vertices if v.kind == "output"] == ["output 0", "output 1"]
    pair = namedtuple("Pair", "left right")(a.sum(), b.sum())
    assert [v.name for v in graph(pair).picture.vertices if v.kind == "output"] == ["left", "right"]
    assert str(graph(a)).endswith("output = leaf")


def test_settings_are_those_that_are_not_the_default():
    x = leaf(2, 3)
    drawing = graph(x.t().reshape(2, 3).softmax(1).sum(0, keepdim=True).mean())
    settings = {v.operation: v.settings for v in drawing.picture.vertices if v.kind == "operation"}
    assert settings == {"t": "", "reshape": "", "softmax": "dim=1", "sum": "dim=0, keepdim=True", "mean": ""}
    assert called(graph(x.sum(1)), "sum").settings == "dim=1" and "dim=1" in svg_texts(graph(x.sum(1)))


def test_shapes_can_be_left_out():
    drawing = graph(leaf(3, 4).sum(0), shapes=False)
    assert "(3, 4)" not in drawing.source and "(3, 4)" not in str(drawing)
    assert "(3, 4)" in graph(leaf(3, 4).sum(0)).source


def test_hostile_names_appear_as_text():
    leaves = {name: leaf(2) for name in HOSTILE}
    drawing = graph({HOSTILE[1]: sum(leaves.values())}, leaves, title="\\T <&>")
    texts = svg_texts(drawing)
    visible = {"two\nlines": "two\\nlines", "tab\there": "tab\\there", "\x00": "\\x00"}
    for name in HOSTILE:
        assert visible.get(name, name) in texts
        assert visible.get(name, name) + " = parameter" in str(drawing)
    assert "\\T <&>" in texts
    odd = nn.Sequential()
    odd.add_module('<i> "&\\N', nn.Tanh())
    assert '<i> "&\\N: Tanh' in svg_texts(graph(odd(leaf(2)), odd))


# ---- modules


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head, self.idle = nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 1), nn.Tanh()), nn.Linear(1, 1)

    def forward(self, x):
        x = self.cell(self.cell(x) * 2)
        return self.head(x)


def test_clusters_are_the_calls_of_modules():
    model, x = Recurrent(), tg.ones(5, 3)
    model(x)  # an earlier call, which is no part of this graph
    drawing = graph(model(x).sum() + model.head[0].weight.sum(), model, {"x": x})
    linear = [v for v in drawing.picture.vertices if v.operation == "linear"]
    titles = [[cluster.title for cluster in v.cluster.chain()] for v in linear]
    assert titles == [
        ["cell: Linear (call 1)", "Recurrent"],
        ["cell: Linear (call 2)", "Recurrent"],
        ["head.0: Linear", "head: Sequential", "Recurrent"],
    ]
    assert called(drawing, "mul").cluster.title == "Recurrent" and called(drawing, "add").cluster is None
    assert called(drawing, "head.0.weight").cluster is linear[2].cluster  # with the only call of its module, its owner
    assert called(drawing, "cell.weight").cluster.title == "Recurrent"  # around all calls
    assert called(drawing, "x").cluster is None
    assert "not in this graph: idle.weight, idle.bias" in str(drawing)
    assert "    cell: Linear (call 2)\n        %3 = linear(%2, cell.weight, cell.bias)" in str(drawing)
    assert str(drawing).count("Recurrent") == 1

    _, _, dot = parsed(drawing)
    nesting, waiting = {}, [(None, dot)]
    for outer, part in waiting:
        waiting += [(inner.graph_attr["label"], inner) for inner in part.subgraphs()]
        nesting.update({inner.graph_attr["label"]: outer for inner in part.subgraphs()})
    assert {name.strip("<>"): outer and outer.strip("<>") for name, outer in nesting.items()} == {
        "Recurrent": None, "head: Sequential": "Recurrent", "0: Linear": "head: Sequential",
    }  # fmt: skip
    # what would be alone in its frame says in its box to which call it belongs
    assert {"cell: Linear (call 1)", "cell: Linear (call 2)", "1: Tanh", "weight"} <= set(svg_texts(drawing))


def test_several_modules_and_tensors_as_params():
    model, loss, scale = nn.Linear(3, 2), nn.MSELoss(), leaf()
    drawing = graph(loss(model(tg.ones(1, 3)) * scale, tg.zeros(1, 2)), {"model": model, "loss": loss, "scale": scale})
    assert called(drawing, "linear").cluster.title == "model: Linear"
    assert called(drawing, "model.weight").kind == called(drawing, "scale").kind == "parameter"
    assert "loss: MSELoss" in str(drawing)


def test_shared_parameters_are_one_box_and_frozen_ones_are_named():
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    model[2].bias.requires_grad_(False)
    model.register_buffer("scale", tg.ones(3))
    picture = graph(model(leaf(2, 3)) * model.scale, model).picture
    (weight,) = [v for v in picture.vertices if v.label == "0.weight = 2.weight"]
    assert [v.operation for v in picture.vertices if weight in v.operands] == ["linear", "linear"]
    assert weight.cluster.title == "Sequential"
    assert [v.label for v in picture.vertices if v.kind == "constant"][-1] == "scale"


# ---- large graphs


def test_long_graphs_are_elided_and_say_so():
    x = leaf(3)
    y = x
    for _ in range(20_000):
        y = y.tanh()
    drawing = graph(y.sum(), {"x": x}, roll=False)
    kinds = Counter(v.kind for v in drawing.picture.vertices)
    assert kinds == {"operation": 399, "parameter": 1, "gap": 1, "output": 1}
    assert "… 19,602 operations not shown" in drawing.source and "… 19,602 operations not shown" in str(drawing)
    assert str(drawing).startswith("20,001 operations, 1 parameter, 1 output")
    seen = set()
    for vertex in drawing.picture.vertices:  # one path, in topological order
        assert len(vertex.operands) == (vertex.kind != "parameter") and seen.issuperset(vertex.operands)
        seen.add(vertex)
    assert "… 19,602 operations not shown" in svg_texts(drawing)

    whole = graph(y.sum(), {"x": x}, max_nodes=None, roll=False)
    assert whole.source.count(" -> ") == 20_002 and "not shown" not in whole.source


def test_elision_counts_leaves_and_keeps_the_edges_around_the_gap():
    leaves = [leaf(1) for _ in range(50)]
    drawing = graph(tg.stack([w * leaves[0] for w in leaves]), max_nodes=10, roll=False)
    gap = [v for v in drawing.picture.vertices if v.kind == "gap"]
    assert [v.label for v in gap] == ["… 46 operations and 45 leaves not shown"]
    assert drawing.picture.vertices[0] in gap[0].operands  # the first leaf is used by hidden products
    assert called(drawing, "stack_all").operands.count(gap[0]) == 1


def test_leaves_used_far_apart_are_repeated_only_if_there_is_need():
    def steps(count):
        x, w = leaf(3), leaf(3)
        y = x
        for _ in range(count):
            y = y * w
        return graph(y, {"w": w}, {"x": x}, roll=False)

    short, long = steps(30), steps(150)
    assert sum(v.name == "w" for v in short.picture.vertices) == 1
    copies = [v for v in long.picture.vertices if v.name == "w"]
    assert 1 < len(copies) < 20 and copies[0].repeats is None and all(v.repeats is copies[0] for v in copies[1:])
    products = [v for v in long.picture.vertices if v.operation == "mul"]
    assert len(products) == 150 and all(len(v.operands) == 2 and v.operands[1].name == "w" for v in products)
    assert all(after.operands[0] is before for before, after in itertools.pairwise(products))
    assert all(copy in [w for v in products for w in v.operands] for copy in copies)
    assert "drawn wherever it is used, instead of once: w" in long.source and str(long).count("w = parameter") == 1


# ---- files


@pytest.mark.parametrize("suffix, magic", [(".svg", b"<?xml"), (".PNG", b"\x89PNG\r\n\x1a\n"), (".pdf", b"%PDF-")])
def test_formats(tmp_path, suffix, magic):
    pytest.importorskip("pygraphviz")
    path = tmp_path / "new folder" / f"x{suffix}"
    drawing = graph(leaf(3).sum(), title="Sum", legend=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawing.save(path) == str(path)
    assert path.read_bytes().startswith(magic)
    assert os.listdir(path.parent) == [path.name]


def test_dot_files_and_notebooks(tmp_path):
    drawing = graph(leaf(3).sum(), direction="LR")
    for name in ("x.dot", "x.gv"):
        drawing.save(tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8") == drawing.source
    assert "rankdir=LR" in drawing.source and "rankdir=TB" in graph(leaf(3).sum()).source
    pytest.importorskip("pygraphviz")
    assert ElementTree.fromstring(drawing._repr_svg_().encode()).tag.endswith("svg")


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.dot"
    path.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            graph(leaf(3).sum()).save(path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["x.dot"]


def test_unknown_suffixes(tmp_path):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.html, \.dot, \.gv.*ends in '\.jpeg'"):
        graph(leaf(3).sum()).save(tmp_path / "x.jpeg")
    assert os.listdir(tmp_path) == []
    with pytest.raises(ValueError, match="cannot draw as 'bmp'"):
        graph(leaf(3).sum()).render("bmp")


def test_without_pygraphviz_the_program_dot_draws(tmp_path, monkeypatch):
    if os.name != "posix":
        pytest.skip("needs a script as a program")
    program = tmp_path / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:], sys.stdin.read())\n")
    program.chmod(0o755)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = graph(leaf(3).sum())
    assert drawing.render("svg").decode().strip() == f"{['-Kdot', '-Tsvg']} {drawing.source}".strip()


def test_without_graphviz_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImportError, match=r'pip install "tinygrad-edu\[draw\]"'):
        graph(leaf(3).sum()).save(tmp_path / "x.png")
    assert os.listdir(tmp_path) == []
    graph(leaf(3).sum()).save(tmp_path / "x.dot")


def test_threads_may_draw_at_the_same_time():
    pytest.importorskip("pygraphviz")
    drawing, results = graph((leaf(3) * leaf(3)).sum()), []
    threads = [threading.Thread(target=lambda: results.append(drawing.render("svg"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and set(results) == {drawing.render("svg")}


def test_importing_draw_imports_no_renderer():
    code = "import sys, tinygrad_edu.draw; assert not {'graphviz', 'pygraphviz'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- errors


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ((lambda: (tg.ones(2, 3),)), ValueError, r"output, of shape \(2, 3\), requires no gradient"),
        ((lambda: ([leaf(1), 3.0],)), TypeError, "output 1 must be a Tensor, not float"),
        ((lambda: (3.0,)), TypeError, "outputs must be a Tensor, several of them"),
        ((lambda: ([],)), ValueError, "no output"),
        ((lambda: (leaf(1), [leaf(1)])), TypeError, "params must be a Module or a dict"),
        ((lambda: (leaf(1), {"w": 3})), TypeError, r"params\['w'\] must be a Tensor or a Module, not int"),
        ((lambda: (leaf(1), None, {"x": 3})), TypeError, "inputs: x must be a Tensor, not int"),
        ((lambda: (leaf(1), None, None, "RL")), ValueError, '"TB".*"LR".*not \'RL\''),
        ((lambda: (leaf(1), None, None, "TB", True, None, False, 1)), ValueError, "max_nodes must be .* at least 2"),
    ],
)
def test_errors(arguments, error, text):
    with pytest.raises(error, match=text):
        graph(*arguments())
