"""The table of functions with right and wrong gradients (cases_check.py): what the checker says of each."""

import numpy as np
import pytest
from cases_check import CASES, NATIVE
from gradient_cases import as_function, as_pair, as_torch

import tinygrad_edu as tg
from tinygrad_edu import check

GOOD = ("ok", "kink")
NAMES = {case.name: case for case in CASES}
THROUGH = ("factor", "sign", "zero")  # of the common faults, those that are also tried as Functions


def test_the_table_is_large_and_mixed():
    wrong = sum(len(case.wrong) for case in CASES)
    assert len(NAMES) == len(CASES) >= 130 and wrong >= 800 and len(NATIVE) >= 25
    assert {case.inputs[0].dtype.name for case in CASES} == {"float64", "float32", "float16"}


def test_few_right_gradients_are_expected_to_be_inconclusive():
    """And few wrong ones. Each says why."""
    doubtful = [case for case in CASES if case.right == "inconclusive"]
    assert len(doubtful) <= 0.1 * len(CASES) and all(case.why for case in doubtful)
    hard = sum(len(case.hard) for case in CASES)
    assert hard <= 0.02 * sum(len(case.wrong) for case in CASES)
    assert all(set(case.hard) <= set(case.wrong) and (case.why or not case.hard) for case in CASES)


def test_the_wrong_gradients_are_wrong():
    """Each differs from the right one by more than rounding, for some weights of the outputs."""
    for case in CASES:
        g = np.random.default_rng(2).uniform(0.5, 1.5, case.result().shape).astype(case.result().dtype)
        right = case.vjp(g, *case.inputs)
        for fault, vjp in case.wrong.items():
            differs = any(not np.allclose(w, r, rtol=4e-7, atol=0) for w, r in zip(vjp(g, *case.inputs), right))
            assert differs, (case.name, fault)


@pytest.mark.parametrize("name", NAMES)
def test_verdicts(name):
    case = NAMES[name]
    for fault in (None, *case.wrong):
        report = check.gradients(as_pair(case, fault), *case.inputs)
        assert report.verdict == case.expected(fault), f"{fault}: {report}"


@pytest.mark.parametrize("name", NAMES)
def test_custom_functions_are_judged_likewise(name):
    """As a Function of this library, and as one of PyTorch: no wrong gradient passes, no right one fails."""
    torch = pytest.importorskip("torch", reason="checks functions of PyTorch")
    case = NAMES[name]
    assert torch.autograd
    for fault in (None, *[fault for fault in case.wrong if fault in THROUGH]):
        for fn in (as_function(case, fault), check.of_torch(as_torch(case, fault))):
            verdict = check.gradients(fn, *case.inputs).verdict
            assert verdict in ("inconclusive", case.expected() if fault is None else "wrong"), (fault, verdict)


@pytest.mark.parametrize("name", NATIVE)
def test_functions_of_tensors(name):
    fn, inputs, order, expected = NATIVE[name]
    report = check.gradients(lambda *xs: fn(tg, *xs), *inputs, order=order)
    assert report.verdict == expected, str(report)


def test_inputs_that_share_a_graph():
    """A change of x is none of 3x here: each input is a number of its own."""
    x = tg.tensor([1.0, -2.0], dtype=tg.float64, requires_grad=True)
    assert check.gradients(lambda a, b: (a * b).sum(), x, 3 * x).verdict == "ok"
    assert check.gradients(lambda a, b: (a * b.detach()).sum(), x, 3 * x).verdict == "wrong"
