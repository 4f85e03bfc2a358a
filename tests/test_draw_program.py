"""Pictures of recorded programs and of modules: everything that was done, also outside of a graph."""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.draw import graph
from tinygrad_edu.draw.program import picture_of_recording
from tinygrad_edu.recording import record


def leaf(*shape):
    return tg.ones(shape, requires_grad=True)


def lines(drawing):
    """The listing without its first line, the counts."""
    return [" ".join(line.split()) for line in str(drawing).split("\n")][1:]


def only(picture, kind):
    (found,) = [vertex for vertex in picture.vertices if vertex.kind == kind]
    return found


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.norm, self.idle = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(1, 1)

    def forward(self, x, scale=1.0):
        return self.norm(self.layer(x)).relu() * scale


# ---- recordings


def test_a_recorded_training_step():
    model, x, y = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), tg.ones(5, 3), tg.tensor([0, 1, 0, 1, 1])
    optimizer = tg.optim.Adam(model.parameters())
    with record() as program:
        for _ in range(2):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
    picture = picture_of_recording(program, inputs={"y": y})
    names = [vertex.name for vertex in picture.vertices if vertex.kind in ("parameter", "input", "output")]
    assert names == ["input", "0.weight", "0.bias", "2.weight", "2.bias", "y", "loss 0", "loss 1"]  # no updates
    assert picture.counts["operation"] == 8
    titles = [vertex.cluster.title for vertex in picture.vertices if vertex.operation == "tanh"]
    assert titles == ["1: Tanh (call 1)", "1: Tanh (call 2)"]

    second = picture_of_recording(program, steps=program.steps[len(program.steps) // 2 :], inputs={"y": y})
    assert second.counts["operation"] == 4 and only(second, "output").name == "loss"
    weight = next(vertex for vertex in second.vertices if vertex.name == "0.weight")
    assert weight.made.source is program.updates[0]  # the value that it had in that step
    assert [vertex.cluster.title for vertex in second.vertices if vertex.operation == "tanh"] == ["1: Tanh"]


def test_reading_from_what_has_no_name():
    x, index = tg.ones(4, 3), tg.tensor([0, 2])
    with record() as program:
        x[index] * 1.0
    assert lines(graph(program, {}, {"index": index}))[1] == "%1 = constant (4, 3)[int64 (2,)] of index (2, 3)"


def test_what_a_graph_does_not_know():
    x, w, index = tg.ones(4, 3), leaf(3), tg.tensor([0, 2])
    with record() as program:
        h = (x[index] * w).detach() * 2.0
        with tg.no_grad():
            h = h + w
        values, vectors = tg.linalg.eigh(tg.eye(3) * w)
        result = tg.cat([h.sum(0), values, vectors[0]]) * np.ones(9, np.float32)
    drawing = graph(program, {"w": w}, {"x": x, "index": index})
    assert lines(drawing) == [
        "x = input (4, 3)", "index = input int64 (2,)", "w = parameter (3,)",
        "%1 = x[int64 (2,)] of index (2, 3)", "%2 = mul(%1, w) (2, 3)", "%3 = %2.detach() (2, 3)",
        "%4 = mul(%3, 2) (2, 3)", "%5 = add(%4, w) (2, 3)", "%6 = mul(constant (3, 3), w) (3, 3)",
        "%7 = eigh(%6) (3,), (3, 3)", "%8 = sum(%5, dim=0) (3,)", "%9 = %7[1][0] (3,)",
        "%10 = concatenate(%8, %7[0], %9) (9,)", "%11 = mul(%10, constant (9,)) (9,)", "output = %11",
    ]  # fmt: skip
    cut = only(drawing.picture, "cut")
    assert not cut.traced and cut.made.left == "detach()" and cut.operands[0].traced
    joined = next(vertex for vertex in drawing.picture.vertices if vertex.operation == "concatenate")
    assert joined.positions == [0, 1, 2] and joined.picks == [None, 0, None]
    assert only(drawing.picture, "output").members == [program.value_of(result)]
    pale = re.findall(f'(n[0-9]+) -> (n[0-9]+) .color="{drawing.look.theme.faint}" weight', drawing.source)
    vertices = drawing.picture.vertices
    ends = [(vertices[int(a[1:])], vertices[int(b[1:])]) for a, b in pale]
    assert [(a.label, b.label) for a, b in ends] == [
        ("[int64 (2,)]", "×"), ("×", "detach()"), ("detach()", "×"), ("×", "+"), ("+", "Σ"), ("Σ", "concat"),
    ]  # fmt: skip
    assert [v.name for v in graph(program, outputs={"h": h}).picture.vertices if v.kind == "output"] == ["h"]
    assert "eigh" not in str(graph(program, outputs=h))


def test_indices_that_were_computed():
    table, x = nn.Embedding(5, 2), tg.tensor([3, 1, 2])
    with record() as program:
        rows = table(x.argsort())
        chosen = rows[rows.sum(1) > -100, 0]
    names = {"rows": ["argsort", "take_rows"], "chosen": ["argsort", "take_rows", "sum", "gt", "getitem"]}
    for name, tensor in (("rows", rows), ("chosen", chosen)):
        picture = graph(program, inputs={"x": x}, outputs={name: tensor}).picture
        assert [v.operation for v in picture.vertices if v.kind == "operation"] == names[name]
        assert only(picture, "input").name == "x"
    assert "getitem" not in str(graph(program, outputs=chosen))


def test_in_place_writes():
    w, y = leaf(3), tg.zeros(3)
    with record() as program:
        y += w
        y[0] = 5.0
        z = y.sum()
    assert lines(graph(program, {"w": w}, {"z": z})) == [
        "w = parameter (3,)", "%1 = add(constant (3,), w, in place) (3,)", "%2 = %1[0] scalar",
        "%3 = copy_into(%2, 5, in place) scalar", "%4 = overwrite(%1, %3) (3,)", "z = sum(%4) scalar", "output = z",
    ]  # fmt: skip


def test_updates_by_hand_are_left_out():
    w, x = leaf(3), tg.ones(2, 3)
    with record() as program:
        loss = (x * w).sum()
        loss.backward()
        with tg.no_grad():
            w -= 0.1 * w.grad.clamp(-1, 1)
            w[0] = 2.0
    drawn = lines(graph(program, {"w": w}, {"x": x}))
    assert drawn[2:] == ["%1 = mul(x, w) (2, 3)", "%2 = sum(%1) scalar", "loss = %2"]


def test_names_of_modules_are_found_in_the_recording():
    first, second, x = nn.Linear(3, 4), nn.Linear(4, 2), tg.ones(5, 3)
    with record() as program:
        second(first(x))
    names = [vertex.name for vertex in picture_of_recording(program).vertices if vertex.kind == "parameter"]
    assert names == ["Linear 1.weight", "Linear 1.bias", "Linear 2.weight", "Linear 2.bias"]
    picture = picture_of_recording(program, {"f": first}, {"batch": x, "other": tg.ones(1)})
    names = [vertex.name or vertex.label for vertex in picture.vertices if not vertex.operands]
    assert names == ["batch", "f.weight", "f.bias", "leaf", "leaf 2"]
    assert picture.notes == ["not used in this program: other"]


def test_notebooks_show_a_recording():
    pytest.importorskip("pygraphviz")
    with record() as program:
        leaf(3).sum()
    assert "</svg>" in program._repr_svg_()


# ---- modules


def test_a_module_with_an_example():
    model, x = Net(), tg.randn(5, 3)
    state, random_state = {name: b.numpy().copy() for name, b in model.named_buffers()}, tg.get_rng_state()
    for drawing in (graph(model, x), graph(model, inputs=x), graph(model, (x,)), graph(model, {"x": x})):
        operations = [v.label for v in drawing.picture.vertices if v.kind == "operation"]
        assert operations == ["linear", "normalise", "relu", "×"]
        assert "norm: BatchNorm1d" in drawing.source and drawing.error is None
    assert [v.name for v in graph(model, x.numpy()).picture.vertices if v.kind == "input"] == ["x"]
    graph(model, x, gradients=True, values=True)
    assert all(np.array_equal(b.numpy(), state[name]) for name, b in model.named_buffers())
    graph(nn.Dropout(0.5), x)
    assert all(p.grad is None for p in model.parameters()) and tg.get_rng_state().tolist() == random_state.tolist()


def test_several_results_of_a_module():
    class Two(nn.Module):
        def forward(self, x):
            return {"double": x * 2, "more": (x + 1, [x - 1])}

    drawing = graph(Two(), leaf(2))
    assert [v.name for v in drawing.picture.vertices if v.kind == "output"] == ["double", "more 0", "more 1 0"]


def test_depth():
    model, x = nn.Sequential(Net(), nn.Sequential(nn.Linear(4, 4), nn.ReLU())), tg.ones(5, 3)
    boxes = {}
    for depth in range(4):
        picture = graph(model, x, depth=depth).picture
        boxes[depth] = [(v.name, v.label, v.settings, v.shape) for v in picture.vertices if v.kind == "module"]
    assert boxes[0] == [(None, "Sequential", "44 parameters", "(5, 4)")]
    assert boxes[1] == [("0", "Net", "24 parameters", "(5, 4)"), ("1", "Sequential", "20 parameters", "(5, 4)")]
    assert [name for name, *_ in boxes[2]] == ["0.layer", "0.norm", "1.0", "1.1"] and boxes[3] == []
    picture = graph(model, x, depth=1).picture
    assert [v.kind for v in picture.vertices] == ["input", "module", "module", "output"]
    assert len(picture.vertices[1].members) == 4 and picture.counts["operation"] == 6
    loss = graph(model(x).sum(), model, depth=1)  # of a graph alone
    assert [v.name for v in loss.picture.vertices if v.kind == "module"] == ["0", "1"]


def test_parameters_that_several_modules_use_stay_visible():
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    picture = graph(model, tg.ones(2, 3), depth=1).picture
    assert [v.settings for v in picture.vertices if v.kind == "module"] == ["", ""]
    assert only(picture, "parameter").label == "0.weight = 1.weight"


# ---- failures


def test_a_shape_mismatch_is_drawn():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(6, 3), nn.ReLU())
    drawing = graph(model, tg.ones(5, 4), depth=1)
    culprit = only(drawing.picture, "failed")
    assert [v.shape for v in culprit.operands] == ["(5, 8)", "(3, 6)", "(3,)"]
    assert "(5, 8)" in culprit.message and "(3, 6)" in culprit.message
    assert culprit.cluster.title == "2: Linear"  # a module in which an operation failed stays open
    assert [v.name for v in drawing.picture.vertices if v.kind == "module"] == ["0", "1"]
    assert "FAILED: linear(" in str(drawing) and "The model failed: OperationError: linear: " in str(drawing)
    assert isinstance(drawing.error, tg.OperationError) and "output" not in str(drawing)
    assert drawing.look.theme.styles["failed"]["fillcolor"] in drawing.source
    assert str(drawing.error) in repr(drawing)


def test_an_error_between_operations_is_drawn_at_its_module():
    class Picky(nn.Module):
        def forward(self, x):
            raise KeyError("<b>")

    drawing = graph(nn.Sequential(nn.Linear(4, 3), Picky()), tg.ones(2, 4))
    culprit = only(drawing.picture, "failed")
    assert (culprit.label, culprit.message, culprit.cluster.title) == ("Picky", "'<b>'", "1: Picky")
    assert culprit.operands[0].operation == "linear" and isinstance(drawing.error, KeyError)
    assert "&lt;b&gt;" in drawing.source


def test_an_error_that_the_model_caught_is_no_failure():
    class Careful(nn.Module):
        def forward(self, x):
            try:
                x @ tg.ones(7, 7)
            except tg.OperationError:
                return x * 2

    drawing = graph(Careful(), tg.ones(2, 3))
    assert drawing.error is None and only(drawing.picture, "output").operands[0].operation == "mul"


def test_interruptions_are_not_caught():
    class Stopped(nn.Module):
        def forward(self, x):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        graph(Stopped(), tg.ones(1))


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: graph(nn.ReLU()), TypeError, r"graph\(model, x\)"),
        (lambda: graph(nn.ReLU(), tg.ones(1), tg.ones(1)), TypeError, "given twice"),
        (lambda: graph(leaf(1), depth=-1), ValueError, "depth must be"),
        (lambda: graph(leaf(1), shapes="somewhere"), ValueError, "shapes must be"),
        (lambda: graph(leaf(1), theme="sepia"), ValueError, "'light', 'dark', 'print', not 'sepia'"),
        (lambda: graph(nn.ReLU(), tg.ones(1), gradients=True), ValueError, "depends on something that requires grad"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_outputs_that_a_recording_never_met():
    with record() as program:
        leaf(3).sum()
    with pytest.raises(ValueError, match="output is neither used nor made"):
        graph(program, outputs=tg.ones(1))
    with pytest.raises(ValueError, match="contains no gradients"):
        graph(program, gradients=True)
