"""`python -m tinygrad_edu.check mutants` on small projects: what it plants, what it finds, what it says and returns."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tinygrad_edu
from tinygrad_edu.check.mutants import TableOperation, explanations, faults_of, rewriting
from tinygrad_edu.define import OPS

HERE = Path(tinygrad_edu.__file__).parent.parent
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")

OPERATIONS = '''
from tinygrad_edu.define import op

def slope(x):
    return 3.0 * x * x

@op(lambda g, x: g * slope(x), elementwise=True)
def my_cube(x):
    """x³."""
    return x**3

@op(lambda g, y: g * y, lambda g, x: g * x, elementwise=True)
def my_product(x, y):
    """x·y."""
    return x * y

@op(lambda g, x_shape, dim: _spread(g, x_shape, dim))
def my_total(x, dim):
    """The sum along a dimension."""
    return x.sum(dim)

def _spread(g, x_shape, dim):
    from tinygrad_edu import expand, unsqueeze
    return expand(unsqueeze(g, dim), x_shape)
'''

STRONG = """
import numpy as np, tinygrad_edu as tg
from tinygrad_edu.check import assert_gradients
import my_ops

A = np.array([[0.5, -1.5, 2.0], [1.0, 0.7, -0.3], [0.2, 0.9, -2.0]])

def test_cube():
    assert_gradients(my_ops.my_cube, A)

def test_product():
    assert_gradients(lambda x, y: my_ops.my_product(x, y) + my_ops.my_product(x, y), A, A[0] + 0.1)
    assert_gradients(my_ops.my_product, A[:, :1], A[1] * 2)
    assert_gradients(my_ops.my_product, A, A.T + 0.3)

def test_total():
    assert_gradients(lambda x: my_ops.my_total(x, 0), A)
    assert_gradients(lambda x: my_ops.my_total(x, 1), A)
"""

WEAK = """
import numpy as np, tinygrad_edu as tg
import my_ops

def test_cube_has_a_gradient():
    x = tg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    my_ops.my_cube(x).sum().backward()
    assert x.grad.shape == x.shape and (x.grad > 0).all()

def test_product_by_one():
    x = tg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    my_ops.my_product(x, tg.tensor(np.ones(2))).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
"""

FUNCTION = """
import numpy as np, tinygrad_edu as tg
from tinygrad_edu.autograd import Function

class Scaled(Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x * weight

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return g * weight, g * x

def test_gradients():
    x = tg.tensor(np.array([1.5, -2.0]), requires_grad=True)
    w = tg.tensor(np.array([3.0, 0.5]), requires_grad=True)
    (Scaled.apply(x, w) * tg.tensor(np.array([1.0, 2.0]))).sum().backward()
    assert np.allclose(x.grad.array, [3.0, 1.0])
    %s
"""


def project(folder, **files):
    """A folder with test_<name>.py for each text; `operations` becomes my_ops.py."""
    for name, text in files.items():
        (folder / ("my_ops.py" if name == "operations" else f"test_{name}.py")).write_text(text, encoding="utf-8")
    return folder


def start(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(folder)))}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.Popen(
        [sys.executable, "-m", "tinygrad_edu.check", "mutants", *arguments, "--jobs", "1"],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


def command(folder, *arguments):
    """(exit status, what it prints, the JSON it writes or None)."""
    process = start(folder, *arguments, "--json", "found.json")
    out, errors = process.communicate(timeout=200)
    path = folder / "found.json"
    return process.returncode, out + errors, json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def by_status(found, status):
    return {(mutant["operation"], mutant["fault"]) for mutant in found["mutants"] if mutant["status"] == status}


def test_strong_tests_catch_everything(tmp_path):
    code, text, found = command(project(tmp_path, operations=OPERATIONS, strong=STRONG), ".", "--module", "my_ops")
    assert code == 0, text
    assert "score 100.0 %" in text and found["score"] == 100 and not by_status(found, "survived")
    faults = {mutant["kind"] for mutant in found["mutants"] if mutant["status"] == "caught"}
    assert faults >= {
        "scale",
        "sign",
        "zero",
        "transpose",
        "offset",
        "stale",
        "axis",
        "exchange",
        "drop",
        "unbroadcast",
    }
    caught = by_status(found, "caught")
    assert ("my_cube", "x: 3.0 * x -> x in slope") in caught  # in a function that the rule calls
    assert {
        ("my_product", "exchange x and y"),
        ("my_product", "unbroadcast y"),
        ("my_total", "axis dim for x"),
    } <= caught
    assert found["counts"] == {**found["counts"], "caught": len(caught), "survived": 0}
    by_name = {(mutant["operation"], mutant["fault"]): mutant for mutant in found["mutants"]}
    assert by_name["my_cube", "scale x"]["caught_by"].endswith("test_strong.py::test_cube")
    for wrong in (("my_cube", "scale x"), ("my_product", "exchange x and y"), ("my_product", "stale y for x")):
        assert by_name[wrong]["how"].startswith("AssertionError")  # wrong numbers, and nothing that crashes
    assert {mutant["operation"] for mutant in found["mutants"]} == {"my_cube", "my_product", "my_total"}


def test_survivors_of_weak_tests_are_named(tmp_path):
    code, text, found = command(project(tmp_path, operations=OPERATIONS, weak=WEAK), ".", "--module", "my_ops")
    assert code == 1, text
    survived = by_status(found, "survived")
    assert {("my_cube", "scale x"), ("my_cube", "x: g * slope(x) -> g"), ("my_product", "scale y")} <= survived
    assert {("my_cube", "sign x"), ("my_cube", "zero x"), ("my_product", "scale x")} <= by_status(found, "caught")
    # of gradients that are ones the factor 1 can be missing
    assert ("my_product", "x: g * y -> g") in by_status(found, "idle")
    for line in ("my_cube (my_ops), scale x: the gradient is 1.01 times", "1 test computes it and passes", "score "):
        assert line in text
    assert "my_product (my_ops), scale y" in text and "no test computes this gradient" in text
    assert 0 < found["score"] < 100


def test_default_operations_are_those_that_run(tmp_path):
    """Without --module: all gradients that the tests compute, of this library too, and no others."""
    _, _, found = command(project(tmp_path, operations=OPERATIONS, weak=WEAK), ".", "--faults", "sign,= for +=")
    operations = {mutant["operation"] for mutant in found["mutants"]}
    assert operations == {"my_cube", "my_product", "sum", "engine"}
    assert {mutant["fault"] for mutant in found["mutants"]} == {"sign x", "= for +="}  # nobody computes that of y
    assert ("engine", "= for +=") in by_status(found, "idle")  # no tensor is used twice


def test_failing_baseline(tmp_path):
    tests = WEAK + "\ndef test_that_fails():\n    assert 1 == 2, 'never'\n"
    code, text, found = command(project(tmp_path, operations=OPERATIONS, weak=tests), ".")
    assert code == 2 and found is None
    assert "test_weak.py::test_that_fails fails without any fault" in text and "never" in text


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("nowhere",), "there is no nowhere"),
        ((".", "--faults", "sgin"), "there are no faults of the kind 'sgin', only"),
        ((".", "--jobs", "0"), "at least 1"),
        ((".", "--module", "other"), "of an operation defined in other"),
        ((".", "--", "-k", "nothing_at_all"), "pytest can collect"),
    ],
)
def test_mistaken_command_lines(tmp_path, arguments, words):
    code, text, _ = command(project(tmp_path, operations=OPERATIONS, weak=WEAK), *arguments)
    assert code == 2 and words in text


def test_files_that_cannot_be_imported(tmp_path):
    code, text, _ = command(project(tmp_path, broken="import no_such_module_anywhere"), ".")
    assert code == 2 and "no_such_module_anywhere" in text


@pytest.mark.parametrize("complete", [True, False])
def test_custom_functions(tmp_path, complete):
    check = "assert np.allclose(w.grad.array, [1.5, -4.0])" if complete else ""
    code, text, found = command(project(tmp_path, function=FUNCTION % check), ".", "--module", "test_function")
    caught, survived = by_status(found, "caught"), by_status(found, "survived")
    name = "test_function.Scaled"
    assert (code, bool(survived)) == ((0, False) if complete else (1, True)), text
    assert {(name, "scale x"), (name, "g * weight -> g"), (name, "exchange x and weight")} <= caught
    assert {(name, "scale weight"), (name, "g * x -> g")} <= (caught if complete else survived)
    # the first tensor saved is x: only the gradient of the weight uses it
    assert (name, "stale saved tensors") in (caught if complete else survived)


def test_explanations(tmp_path):
    folder = project(tmp_path, operations=OPERATIONS, weak=WEAK)
    (folder / explanations.NAME).write_text(
        "[my_cube]\nscale x = the test asks for the sign only,\n    and means it\nsign x = wrong\nno such = fault\n"
        "[my_product]\nx: g * y -> g = idle anyway\n",
        encoding="utf-8",
    )
    code, text, found = command(folder, ".", "--operations", "my_cube")
    assert code == 1
    assert by_status(found, "equivalent") == {("my_cube", "scale x")}
    assert "my_cube, scale x: the test asks for the sign only, and means it" in text
    assert "The explanation of `sign x` of [my_cube] is out of date: it is caught." in text
    assert "The explanation of `no such` of [my_cube] is out of date: there is no such fault." in text
    code, text, found = command(folder, ".", "--operations", "my_cube", "--faults", "scale")
    assert code == 0 and found["score"] == 100, text


def test_explanation_without_reason(tmp_path):
    path = tmp_path / "explained.ini"
    path.write_text("[mul]\nscale x\n", encoding="utf-8")
    with pytest.raises(ValueError, match="needs a reason"):
        explanations.read(path)


SLOW = """
import time, numpy as np, tinygrad_edu as tg
import my_ops

def test_slow_where_wrong():
    x = tg.tensor(np.array([1.0]), requires_grad=True)
    my_ops.my_cube(x).backward()
    if x.grad.item() != 3.0:
        time.sleep(100)

def test_dies_where_negative():
    x = tg.tensor(np.array([1.0]), requires_grad=True)
    my_ops.my_cube(x).backward()
    if x.grad.item() < 0:
        import os
        os._exit(7)
"""


@forks
def test_too_slow_or_dead_is_caught(tmp_path):
    folder = project(tmp_path, operations=OPERATIONS, slow=SLOW)
    code, text, found = command(
        folder, ".", "--operations", "my_cube", "--faults", "scale,sign", "--timeout", "3", "--html", "found.html"
    )
    assert code == 0, text
    how = {mutant["fault"]: mutant["how"] for mutant in found["mutants"]}
    assert "was stopped" in how["scale x"] and "of them because the tests took too long" in text
    assert "status 7" in how["sign x"] or "was stopped" in how["sign x"]
    page = (folder / "found.html").read_text(encoding="utf-8")
    assert "my_cube" in page and "scale x" in page and "score 100.0 %" in page


@forks
def test_ctrl_c_prints_the_score_so_far(tmp_path):
    tests = SLOW.replace("time.sleep(100)", "time.sleep(1000)")
    process = start(
        project(tmp_path, operations=OPERATIONS, slow=tests), ".", "--operations", "my_cube", "--timeout", "900"
    )
    while "faults of" not in process.stderr.readline():  # the baseline is over
        pass
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped after" in out and "score" in out


def test_without_fork(tmp_path):
    """As where there is no fork: a Python for each mutant."""
    code, text, found = command(
        project(tmp_path, operations=OPERATIONS, weak=WEAK),
        ".",
        "--operations",
        "my_cube",
        "--faults",
        "scale,sign",
        "--no-fork",
    )
    assert code == 1, text
    assert by_status(found, "survived") == {("my_cube", "scale x")} and by_status(found, "caught") == {
        ("my_cube", "sign x")
    }


HYPOTHESIS = """
import numpy as np, tinygrad_edu as tg
from hypothesis import given, strategies as st
import my_ops

@given(st.floats(0.5, 2.0))
def test_cube(value):
    x = tg.tensor(np.array([value]), requires_grad=True)
    my_ops.my_cube(x).backward()
    assert abs(x.grad.item() - 3 * value**2) < 1e-9
"""


def test_settings_of_the_project(tmp_path):
    """pytest-xdist is switched off, hypothesis remembers nothing, and two runs say the same."""
    pytest.importorskip("hypothesis")
    pytest.importorskip("xdist")
    folder = project(tmp_path, operations=OPERATIONS, hypothesis=HYPOTHESIS)
    (folder / "setup.cfg").write_text("[tool:pytest]\naddopts = -q -n 2 --dist worksteal\n", encoding="utf-8")
    runs = [command(folder, ".", "--operations", "my_cube", "--faults", "scale,drop") for _ in range(2)]
    for code, text, found in runs:
        assert code == 0, text
    assert len({json.dumps([(m["fault"], m["how"]) for m in found["mutants"]]) for *_, found in runs}) == 1
    assert not (folder / ".hypothesis" / "examples").exists()


def test_sample_is_the_same_for_the_same_seed(tmp_path):
    folder = project(tmp_path, operations=OPERATIONS, weak=WEAK)
    found = [
        command(folder, ".", "--module", "my_ops", "--sample", "4", "--seed", seed)[2]["mutants"]
        for seed in ("1", "1", "2")
    ]
    names = [[(m["operation"], m["fault"]) for m in mutants] for mutants in found]
    assert names[0] == names[1] != names[2] and all(len(set(n)) == 4 for n in names)


LATER = """
import numpy as np, tinygrad_edu as tg
from tinygrad_edu.define import OPS, op
import pytest

def test_defines_its_own():
    @op(lambda g, x: 2 * g * x, elementwise=True, method=False)
    def defined_late(x):
        "x²."
        return x * x

    x = tg.tensor(np.array([3.0]), requires_grad=True)
    defined_late(x).backward()
    del OPS["defined_late"]
    assert x.grad.item() == 6.0

@pytest.fixture(scope="module")
def gradient():
    x = tg.tensor(np.array([3.0]), requires_grad=True)
    x.exp().backward()
    return x.grad.item()

def test_one(gradient):
    assert gradient

def test_other(gradient):
    assert abs(gradient - np.exp(3.0)) < 1e-9
"""


def test_operations_defined_in_tests_and_gradients_computed_in_fixtures(tmp_path):
    code, text, found = command(project(tmp_path, later=LATER), ".", "--operations", "defined_late,exp")
    assert code == 0, text
    assert {("defined_late", "x: 2 * g -> g"), ("defined_late", "sign x"), ("exp", "scale x")} <= by_status(
        found, "caught"
    )


@pytest.mark.parametrize(
    "entry", [entry for entry in OPS.values() if entry.differentiable], ids=lambda entry: entry.name
)
def test_source_of_every_rule_is_found(entry):
    """Or its factors could not be dropped."""
    faults = faults_of(TableOperation(entry))
    assert len({fault.name for fault in faults}) == len(faults)
    for _, _, rule in TableOperation(entry).functions:
        for name, function in rewriting.parts_of(rule).items():
            assert rewriting.node_of(function) is not None, name or "the rule"
