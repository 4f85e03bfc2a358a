"""The pytest plugin: the fixture and the marker `gradcheck`, the report of what was checked, and what they cost others.

Most of it is seen from outside: small test files are run by a pytest of their own.
"""

import configparser
import html.parser
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("hypothesis")

from hypothesis import given, settings

import tinygrad_edu as tg
from tinygrad_edu import define
from tinygrad_edu.check import gradients
from tinygrad_edu.check.gradient_report import FIELDS, Coverage, as_data, facts_of, layout_of, name_of, write
from tinygrad_edu.check.operands import LAYOUTS, copied, laid_out, steps_of
from tinygrad_edu.check.pytest_marker import Case, Misuse, Options, cases, snippet
from tinygrad_edu.check.pytest_plugin import ReportPlugin

ROOT = Path(tg.__file__).parent.parent
ENTRY = ("tinygrad_edu", "tinygrad_edu_plugins.pytest_plugin")
installed = any((entry.name, entry.value) == ENTRY for entry in metadata.entry_points(group="pytest11"))
needs_installation = pytest.mark.skipif(
    not installed, reason="tinygrad_edu is not installed, so that pytest does not see its plugin"
)

WRONG = '''
import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.define import op

tg.manual_seed(0)

@op(lambda g, x: g * 3.01 * x * x, elementwise=True)
def my_cube(x):
    """x³, with a rule that is wrong."""
    return x**3

class Cubed(nn.Module):
    def forward(self, x):
        return my_cube(x)
'''

OWN = """
import numpy as np
import pytest
import tinygrad_edu as tg
from tinygrad_edu import nn

def softplus(x):
    return tg.log(1 + tg.exp(x))
"""

TESTS = """
def test_right(gradcheck):
    report = gradcheck(softplus, np.array([[0.5, 1.0, 2.0], [1.0, -1.0, 0.0]])[:, ::2], order=2)
    assert report.verdict == "ok"
    gradcheck(lambda x, y: tg.sin(x) * y, np.ones((2, 3)), np.ones(3))
    gradcheck((np.sin, np.cos), 0.5)
    gradcheck(nn.Linear(2, 2), tg.ones(3, 2), wrt="weight", name="<script>alert('1')</script> & \\udc80")

def test_wrong(gradcheck):
    gradcheck(lambda x: my_cube(x).sum(), np.ones(3))

def test_expected(gradcheck):
    assert gradcheck.expect("kink", tg.relu, np.zeros(2)).verdict == "kink"
    gradcheck.expect(("wrong", "inconclusive"), my_cube, np.ones(2))
    with pytest.raises(AssertionError, match="expected wrong, but the gradients are ok"):
        gradcheck.expect("wrong", tg.exp, np.ones(2))
    with pytest.raises(ValueError, match="verdicts are ok, kink, inconclusive, wrong, not 'bad'"):
        gradcheck.expect("bad", tg.exp, np.ones(2))
    with pytest.raises(AssertionError, match="gradients: wrong"):  # seen by the report as expected
        tg.check.assert_gradients(my_cube, np.ones(2))

test_softplus = pytest.mark.gradcheck(
    softplus, shapes=[(2, 3)], order=2, layouts="any", dtypes=["float32", "float64"], examples=8
)
test_linear = pytest.mark.gradcheck(nn.Linear(2, 3), examples=3, dtypes=["float64"])
test_wrong_op = pytest.mark.gradcheck(my_cube)
test_table = pytest.mark.gradcheck(tg.log, examples=4)
test_pair = pytest.mark.gradcheck((np.sin, np.cos), shapes=[(3,)], examples=2)
cubed = nn.Sequential(nn.Linear(1, 1, dtype=tg.float64), Cubed())
test_wrong_layer = pytest.mark.gradcheck(cubed, shapes=[(1,)], examples=4)
test_of_function = pytest.mark.gradcheck(shapes=[(2,)], examples=2)(softplus)

seen = []

def both(x, y):
    seen.append((x.shape, y.shape))
    return tg.maximum(x, y)

test_both = pytest.mark.gradcheck(both, shapes=[(2, 3), (2, 3)], broadcast=True, domain=[(-3, 0), (1, 3)], examples=12)

def test_both_was_broadcast():
    assert {(2, 3)} < {a for a, _ in seen} and {(2, 3)} < {b for _, b in seen}
    assert all((2, 3) in shapes for shapes in seen)

def test_raises_marked(): return lambda x: x.reshape(7)
test_raises_marked = pytest.mark.gradcheck(shapes=[(2,)], examples=2)(test_raises_marked)

@pytest.mark.gradcheck(shapes=[(2,)], examples=3)
class TestLayers:
    @pytest.fixture
    def scale(self):
        return 2.0

    @pytest.mark.parametrize("kind", [tg.tanh, tg.sigmoid], ids=["tanh", "<b>"])
    @pytest.mark.gradcheck(examples=2)
    def test_scaled(self, kind, scale):
        return lambda x: scale * kind(x)
"""


def start(folder, *arguments, **files):
    """Run pytest in a folder with test_<name>.py for each text, or conftest.py: (exit status, what it prints)."""
    for name, text in files.items():
        (folder / ("conftest.py" if name == "conftest" else f"test_{name}.py")).write_text(text, encoding="utf-8")
    return python(folder, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments)


def python(folder, *arguments):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "HYPOTHESIS", "CI"))
    }
    environment.update(PYTHONIOENCODING="utf-8", COLUMNS="200")
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8",
        timeout=200, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same tests in one process and in two: {number: (exit status, text, JSON, HTML)}."""
    found = {}
    for number in ("0", "2"):
        folder = tmp_path_factory.mktemp(f"run{number}")
        options = [
            "-n",
            number,
            "--hypothesis-profile=gradcheck-ci",
            "--gradient-report=r.json",
            "--gradient-report",
            "r.HTML",
        ]
        code, text = start(folder, *options, mine=WRONG + OWN + TESTS)
        assert (folder / "r.json").exists(), text
        assert sorted(path.name for path in folder.glob("*r.*")) == ["r.HTML", "r.json"]
        data = json.loads((folder / "r.json").read_text(encoding="utf-8"))
        found[number] = code, text, data, (folder / "r.HTML").read_text(encoding="utf-8")
    return found


def outcomes(text):
    return set(re.findall(r"^FAILED test_mine.py::(\S+)", text, re.MULTILINE))


@needs_installation
def test_fixture_and_marker(runs):
    code, text, _, _ = runs["0"]
    assert code == 1
    assert outcomes(text) == {"test_wrong", "test_wrong_op", "test_wrong_layer", "test_raises_marked"}, text
    assert "11 passed" in text, text
    assert (
        ">       gradcheck(lambda x: my_cube(x).sum(), np.ones(3))" in text
    )  # the line of the test, and no line of the plugin
    assert "culprit: `my_cube`, step 0 of 2, called at" in text and "pytest_plugin.py" not in text
    part = text[text.index("__ test_wrong_op __") :]
    part = part[: part.index("\n__")]
    assert part.count("gradients: wrong") == 1 and "Traceback" not in part and "During handling" not in part
    assert "culprit: `my_cube`, step 0 of 1, called by test_wrong_op" in part
    assert "x0 = np.array(1.0)\n    check.assert_gradients(my_cube, x0)" in part  # shrunk
    assert "# module: Sequential(\n" in text and "x0 = np.array([0.0])\n    check.assert_gradients(module, x0)" in text
    assert "raised for these inputs" in text and "x0 = np.array([0.0, 1.0])" in text


@needs_installation
def test_report(runs):
    _, text, data, _ = runs["0"]
    assert list(data) == [name for name in FIELDS if name != "cells"]
    assert "2 more failed as expected" in text and re.search(
        r"\d+ checks of \d+ of the \d+ differentiable operations", text
    )
    assert data["verdict"] == "wrong" and data["expected"] == {"wrong": 2} and data["checks"]["wrong"] == 3
    assert data["missing_workers"] == 0 and "exp" not in data["unchecked"] and "atan2" in data["unchecked"]
    rows = {row["name"]: row for row in data["rows"]}
    assert rows["my_cube"]["verdict"] == "wrong" and rows["exp"]["verdict"] == "ok"
    assert rows["relu"]["verdict"] == "kink"
    assert rows["test_mine.softplus"]["kind"] == "function" and "test_mine.my_cube" not in rows
    assert rows["sin (numpy)"]["verdict"] == "ok" and rows["Linear"]["verdict"] == "ok"
    assert rows["test_mine.py::test_right"]["cells"][0]["broadcast"] == "fewer dims"  # of a lambda
    assert rows["test_mine.py::TestLayers::test_scaled"]["cells"][0]["checks"] == {"ok": 4}
    cells = rows["test_mine.softplus"]["cells"]
    assert {cell["layout"] for cell in cells} == {"contiguous", "transposed", "strided", "reversed"}
    assert {(cell["dtype"], cell["order"]) for cell in cells} == {
        (f"float{bits}", order) for bits in (32, 64) for order in (1, 2)
    }
    assert {cell["broadcast"] for cell in rows["maximum"]["cells"]} >= {"stretched", "fewer dims"}
    assert [failure["test"] for failure in data["failures"]] == [
        f"test_mine.py::{name}" for name in ("test_wrong", "test_wrong_layer", "test_wrong_op")
    ]
    assert all("culprit: `my_cube`" in failure["text"] for failure in data["failures"])


@needs_installation
def test_report_is_the_same_with_xdist(runs):
    (_, _, one, page), (code, _, two, other) = runs["0"], runs["2"]
    assert code == 1 and one["rows"] == two["rows"]
    where = re.compile(r"run\d+")
    assert where.sub("", json.dumps(one)) == where.sub("", json.dumps(two))
    assert where.sub("", page) == where.sub("", other)


class Page(html.parser.HTMLParser):
    """The tags of a page, its text, and which tags were closed out of order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.wrong = [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data


@needs_installation
def test_page(runs):
    page = Page(runs["0"][3])
    assert not page.wrong and not page.open
    tags = {tag for tag, _ in page.tags}
    assert (
        "script" not in tags and "link" not in tags and "img" not in tags
    )  # hostile names are text, and nothing is fetched
    assert not any("src" in attributes or "href" in attributes for _, attributes in page.tags)
    assert "<script>alert('1')</script> & \\udc80" in page.text
    assert "prefers-color-scheme: dark" in page.text and "culprit: `my_cube`" in page.text
    assert {"float64, order 1", "float32, order 2"} <= set(re.findall(r"float\d\d, order \d", page.text))
    colours = [attributes.get("class", "") for tag, attributes in page.tags if tag == "td"]
    assert {"first ok", "first wrong", "first kink", "none"} <= set(colours)


MISUSED = {
    "shapes=(3, 4)": "for one input of shape (3, 4) write shapes=[(3, 4)]",
    "shapes=[3.5]": "shapes is a list of shapes",
    "shape=[(3,)]": "there is no `shape`, perhaps `shapes`",
    "dtypes='float32'": "write dtypes=['float32']",
    "dtypes=['int64']": "only floating numbers have gradients",
    "layouts=['repeated']": "share memory",
    "shapes=[(2,), (3,)], broadcast=True": "do not",
    "order=3": "order is 1 or 2",
    "examples=0": "at least 1",
    "domain=(3, 1)": "domain is an interval",
    "[(3,)], ": "gets the function or module to check first",
}


def test_misuse(tmp_path):
    lines = [
        f"@pytest.mark.gradcheck({given})\ndef test_{number}(): return softplus"
        for number, given in enumerate(list(MISUSED)[:-1])
    ]
    lines += [
        f"@pytest.mark.gradcheck(shapes=[(2,)])\ndef test_returns_{number}(): return {what}"
        for number, what in enumerate(["None", "softplus(tg.ones(2))", "nn.Linear", "'exp'"])
    ]
    lines += [
        "test_count = pytest.mark.gradcheck(lambda *xs: xs[0])",
        "@pytest.mark.gradcheck([(3,)])\ndef test_position(): return softplus",
    ]
    if not installed:
        pytest.skip("tinygrad_edu is not installed")
    code, text = start(
        tmp_path, "-n0", "--continue-on-collection-errors",
        calls=OWN + "\n".join(lines),
        unmarked=OWN + "\n@pytest.mark.gradcheck(shapes=[(3,)])\ndef my_own(x): return x * x\n",
        twice=OWN + "\n".join(f"test_{n} = pytest.mark.gradcheck(shapes=[({n},)])(softplus)" for n in (1, 2)),
        nothing=OWN + "test_a = pytest.mark.gradcheck(shapes=[(3,)])\n",
    )  # fmt: skip
    assert code == 1
    for message in MISUSED.values():
        assert message in text, text
    for message in (
        "it has to return what to check: `return function`, or a module", "without calling it", "the class Linear",
        "returns 'exp'", "by name only", "cannot be seen: write shapes=[...]",
        "my_own is marked gradcheck, but pytest would not run it", "softplus is marked gradcheck 2 times",
    ):  # fmt: skip
        assert message in text, (message, text)
    assert "3 errors" in text and f"{len(lines)} failed" in text and "passed" not in text
    assert "pytest_marker.py" not in text  # no lines of the plugin


def test_without_hypothesis(tmp_path):
    if not installed:
        pytest.skip("tinygrad_edu is not installed")
    tests = (
        WRONG
        + OWN
        + TESTS[: TESTS.index("def test_expected")]
        + "test_marked = pytest.mark.gradcheck(softplus, shapes=[(2,)])\n"
    )
    conftest = 'import sys\nsys.modules["hypothesis"] = None\n'
    code, text = start(
        tmp_path, "-n0", "-p", "no:hypothesispytest", "--gradient-report=r.json", mine=tests, conftest=conftest
    )
    assert code == 1 and outcomes(text) == {"test_wrong", "test_marked"} and "1 passed" in text, text
    assert 'draws inputs with hypothesis, which is not installed: pip install "tinygrad-edu[check]"' in text
    assert json.loads((tmp_path / "r.json").read_text())["checks"] == {"ok": 4, "wrong": 1}


MAINS = """
import pytest, sys
def run(*arguments):
    print("exit", int(pytest.main(["-p", "no:cacheprovider", "-W", "error", "-n0", *arguments])))
run("test_light.py")
run("--markers")
run("--help")
run("--gradient-report=none/r.html")
run("--gradient-report=r.txt")
run("--gradient-report=r.json", "test_light.py")
"""

LIGHT = """
import sys
def test_light(request):
    if not request.config.getoption("gradient_report"):
        assert not {"numpy", "tinygrad_edu", "tinygrad_edu.check", "hypothesis"} & set(sys.modules)
"""


def test_costs_nothing_where_it_is_not_used(tmp_path):
    """Neither the library nor NumPy is imported; options and markers are listed; wrong options are usage errors."""
    if not installed:
        pytest.skip("tinygrad_edu is not installed")
    (tmp_path / "test_light.py").write_text(LIGHT)
    code, text = python(tmp_path, "-c", MAINS)
    assert code == 0 and re.findall(r"^exit (\d)", text, re.MULTILINE) == ["0", "0", "0", "4", "4", "0"], text
    assert "@pytest.mark.gradcheck(function, *, shapes" in text
    assert re.search(r"gradient checks \(tinygrad_edu\):\n +--gradient-report=FILE", text)
    assert "there is no folder" in text and "by the ending, .html or .json" in text
    assert "0 checks" in text and json.loads((tmp_path / "r.json").read_text())["verdict"] is None


def test_entry_points():
    """What setup.cfg names can be imported, and so registers what it should."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    entries = parser["options.entry_points"]
    assert entries["pytest11"].split(" = ")[1] == ENTRY[1] and entries["pytest11"].strip().split(" = ")[0] == ENTRY[0]
    name, function = entries["hypothesis"].split(" = ")[1].split(":")
    import tinygrad_edu_plugins.hypothesis_profiles as profiles

    assert "PYTEST_DONT_REWRITE" in tg.__doc__  # or pytest warns where tinygrad_edu is imported before it
    assert (profiles.__name__, function) == (name, "register")
    profiles.register()
    assert settings.get_profile("gradcheck-ci").derandomize and settings.get_profile("gradcheck-ci").deadline is None
    assert (
        settings.get_profile("gradcheck-quick").max_examples
        < 20
        < settings.get_profile("gradcheck-thorough").max_examples
    )


# ---- the parts


@pytest.mark.parametrize("layout", LAYOUTS)
def test_checked_functions_get_inputs_in_their_layout(layout):
    x, seen = laid_out(np.arange(1.0, 7.0).reshape(2, 3), layout), set()

    def fn(x):
        seen.add((layout_of(x.array), x.dtype.name))
        return x * x

    assert gradients(fn, x, order=2)
    expected = "contiguous" if layout in ("contiguous", "repeated") else {"step 2": "strided"}.get(layout, layout)
    assert {name for name, dtype in seen if dtype == "float64"} >= {expected}
    assert layout_of(x) == ("repeated" if layout == "repeated" else expected)
    seen.clear()
    assert gradients(fn, x.astype(np.float32) if layout == "contiguous" else laid_out(x.astype(np.float32), layout))
    assert (expected, "float32") in seen and (expected, "float64") in seen


def test_copies_lie_as_their_originals():
    base = np.arange(48.0).reshape(2, 4, 6)
    for x in (
        base,
        base.T,
        base[:, ::2],
        base[::-1, :, ::-3],
        base[:, 1:3].transpose(2, 0, 1),
        base[0, 0, 0],
        base[:0],
    ):
        copy = copied(x, steps_of(x))
        np.testing.assert_array_equal(copy, x)
        assert not np.shares_memory(copy, x) and layout_of(copy) == layout_of(x)
        assert x.size < 2 or np.sign(copy.strides).tolist() == np.sign(x.strides).tolist()
    assert steps_of(np.broadcast_to(np.ones(3), (2, 3))) is None
    assert steps_of(np.lib.stride_tricks.sliding_window_view(np.arange(5.0), 2)) is None


def cells_of(fn, *inputs, **options):
    facts = facts_of(fn, inputs, options, gradients(fn, *inputs, **options), "test_x.py::test_y[1]")
    return {(kind, name): (cell, verdict) for kind, name, cell, verdict in facts["cells"]}


def test_facts():
    def writes(x, y):
        z = x.clone()
        z.mul_(y)
        z[0] += 1.0
        return z.T @ tg.ones(z.shape[0], dtype=tg.float64)

    found = cells_of(writes, np.ones((2, 3)), np.ones((1, 3)))
    memory = {name: cell[4] for (kind, name), (cell, _) in found.items() if kind == "operation"}
    assert memory["mul"] == memory["add"] == "in place" and memory["clone"] == "new" and memory["permute"] == "view"
    assert found["operation", "mul"][0] == ("float64", "stretched", "contiguous", False, "in place", 1)
    assert ("function", "test_x.py::test_y writes") in found
    assert ("operation", "exp") not in cells_of(lambda x: x + tg.exp(x.detach()).detach(), np.ones(2), wrt=0)
    empty = cells_of(tg.exp, np.zeros((0, 2)))
    assert empty == {("operation", "exp"): (("float64", "none", "contiguous", True, "new", 1), "ok")}
    kink = cells_of(lambda x: tg.relu(x) + tg.exp(x), np.zeros(2))
    assert kink["operation", "relu"][1] == "kink" and ("operation", "exp") not in kink
    lost = cells_of(lambda x: x.detach() * 2 + x, np.ones(2))  # wrong, and no operation's fault
    assert list(lost) == [("function", "test_x.py::test_y")]


def test_facts_of_another_library(torch):
    x = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    found = cells_of(tg.check.of_torch(torch.mul), x, torch.ones(3, dtype=torch.float64))
    (((_, name), (cell, verdict)),) = found.items()
    assert (name, verdict) == ("mul (torch)", "ok") and cell == ("float64", "fewer dims", "contiguous", False, "new", 1)


def drawn(fn, **options):
    """Some of the cases that the marker draws."""
    found = []

    @settings(max_examples=25, database=None, derandomize=True)
    @given(cases(fn, Options(**options)))
    def draw(case):
        found.append(case)

    draw()
    return found


def test_what_the_marker_draws():
    def shapes(found):
        return [tuple(x.shape for x in case.inputs) for case in found]

    def two(x, y, scale=1.0):
        return x * y * scale

    same = shapes(drawn(two))
    assert all(a == b for a, b in same) and len({a for a, _ in same}) > 5 and not any(0 in a for a, _ in same)
    assert any(a != b for a, b in shapes(drawn(two, broadcast=True)))
    assert any(0 in a for a, _ in shapes(drawn(two, empty=True)))
    found = drawn(two, shapes=[(2, 2), (3,)], domain=(1, 9), away_from=2, dtypes=["float32"], layouts=["reversed"])
    for case in found:
        together = np.concatenate([x.ravel() for x in case.inputs])
        assert together.dtype == np.float32 and together.min() >= 1 and np.abs(together - 2).min() >= 0.05
        assert len(set(together)) == 7 and layout_of(case.inputs[0]) == "reversed"  # no ties, also between inputs
    assert any(len(set(case.inputs[0])) < 3 for case in drawn(lambda x: x, shapes=[(3,)], ties=True))
    low, high = define.OPS["log"].domain
    assert all(low <= x <= high for case in drawn(tg.log) for x in case.inputs[0].ravel())
    assert {len(case.inputs) for case in drawn(tg.matmul)} == {2}  # from its samples
    layer = tg.nn.Linear(2, 3)
    assert {case.inputs[0].dtype.name for case in drawn(layer)} == {"float32"}
    (case, *_) = drawn(layer, dtypes=["float64"])
    assert case.fn.weight.dtype == np.float64 and layer.weight.dtype == np.float32
    with pytest.raises(Misuse, match="contiguous"):
        cases(tg.check.of_torch(two), Options(shapes=[(2,)], layouts="any"))


def test_names():
    import functools

    assert name_of(functools.partial(tg.sum, dim=1)).endswith("sum") and name_of(tg.nn.ReLU()) == "ReLU"
    assert name_of(lambda x: x, "") == "<lambda>" and name_of(lambda x: x, "a.py::t[1]") == "a.py::t"
    assert name_of(tg.check.of_torch(np.sin)) == "sin (torch)" and name_of(as_data).endswith("gradient_report.as_data")


def test_snippet_gives_the_inputs_again():
    arrays = [laid_out(np.array([[1.5, -2.0], [0.25, 3.0]], np.float32), layout) for layout in LAYOUTS[:4]]
    text = snippet(tg.exp, Case(tg.exp, arrays, LAYOUTS[:4]), SimpleNamespace(order=2, wrt=(0,)), "a.exp")
    assert "check.assert_gradients(exp, x0, x1, x2, x3, order=2, wrt=(0,))" in text
    names = {"np": np}
    exec("\n".join(line.strip() for line in text.splitlines()[:-1]), names)
    for number, x in enumerate(arrays):
        again = names[f"x{number}"]
        np.testing.assert_array_equal(again, x)
        assert again.dtype == x.dtype and layout_of(again) == layout_of(x)


def test_workers_are_added_up_and_lost_ones_counted(tmp_path):
    plugin = ReportPlugin(SimpleNamespace(workerinput={}))
    try:
        for number in range(3):
            worker = Coverage()
            facts = facts_of(tg.exp, [np.ones(2)], {}, gradients(tg.exp, np.ones(2)), "")
            worker.add(facts)
            output = {"gradient_report": worker.data()} if number else {}
            plugin.pytest_testnodedown(SimpleNamespace(workeroutput=output), None)
        plugin.pytest_testnodedown(SimpleNamespace(), "crashed")
        assert plugin.coverage.checks == {"ok": 2} and plugin.coverage.missing == 2
        assert "2 of pytest-xdist's workers ended without a report" in plugin.coverage.summary()
        assert as_data(plugin.coverage)["rows"][0]["cells"][0]["checks"] == {"ok": 2}
    finally:
        plugin.pytest_unconfigure()


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    write(Coverage(), path)
    before = path.read_text()
    monkeypatch.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write(Coverage(), path)
    assert path.read_text() == before and [p.name for p in tmp_path.iterdir()] == ["r.json"]
