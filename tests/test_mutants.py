"""Are the gradient tests able to fail? Every fault that the library knows is planted into every operation, and noticed.

A fault is *caught* if the gradient check objects on one of a few random operands, *idle* if on none of them it changed
anything (then there was nothing to catch). Faults that survive must be in equivalent_mutants.ini, with the reason why
no test of gradients can tell them from the original. Here the check is what is tested; whether the test suite notices
the same faults says `python -m tinygrad_edu.check mutants tests`.
"""

import copy
import functools
import zlib
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.check import gradcheck, gradients
from tinygrad_edu.check.comparison import Comparison
from tinygrad_edu.check.mutants import ENGINE_FAULTS, KINDS, TableOperation, explanations, faults_of, same
from tinygrad_edu.check.mutants.subjects import IN_PLACE
from tinygrad_edu.check.operands import as_function, differentiable_operands, operands_of
from tinygrad_edu.define import OPS, make_general
from tinygrad_edu.tensor import of_array

SHAPES = ([(3, 3), (3, 3), (3, 3)], [(3, 1), (3,), ()], [(2,), (4, 1), (2,)])
"""Shapes for operations that work element by element: square, and two that broadcast."""

ENTRIES = [entry for entry in OPS.values() if entry.differentiable and not entry.random]
EQUIVALENT = explanations.read(Path(__file__).with_name(explanations.NAME))


KINDS_TRIED = [kind for kind in KINDS if kind not in ("sign", "zero")]
"""A check that notices a gradient 1 % too large notices one that is off by 100 or 200 % in the same elements."""


class Wrong(Exception):
    """An element was judged wrong, and so is the gradient: the others need not be looked at, which takes far longer."""


@pytest.fixture(autouse=True)
def verdict_only(monkeypatch):
    """Which operation is to blame is known here, and to find it takes longer than the verdict."""
    monkeypatch.setattr(gradcheck, "find_culprit", lambda *_: None)
    monkeypatch.setattr(gradcheck, "where_lost", lambda *_: None)
    judge = Comparison.element

    def element(*arguments):
        found = judge(*arguments)
        if found.verdict == "wrong":
            raise Wrong
        return found

    monkeypatch.setattr(Comparison, "element", element)


def verdict_of(fn, inputs, place):
    """The gradient check's, of the gradient with respect to one input."""
    try:
        return gradients(fn, *inputs, wrt=place).verdict
    except Wrong:
        return "wrong"


@functools.cache
def cases_of(entry):
    """A few operands and attributes, always the same ones, small ones first."""
    random = np.random.default_rng(zlib.crc32(entry.name.encode()))
    samples = entry.samples or [(shapes[: len(entry.operands)], {}) for shapes in SHAPES]
    cases = [Case(entry, operands_of(entry, shapes, random), dict(attributes)) for shapes, attributes in samples]
    return sorted(cases, key=lambda case: sum(np.size(x) for x in case.arrays))


def twice(fn):
    """All results of fn, called two times with the same inputs, so that gradients add up."""

    def both(*inputs):
        values = [fn(*inputs), fn(*inputs)]
        return [x for value in values for x in (value if isinstance(value, (tuple, list)) else (value,))]

    return both


class Case:
    """An operation's operands and attributes, and what the gradient check says of them."""

    def __init__(self, entry, arrays, attributes):
        self.entry, self.arrays, self.attributes = entry, arrays, attributes
        self.numbers = differentiable_operands(entry, arrays)

    @functools.cache
    def passes(self, place):
        """Whether the check accepts the gradient of the original with respect to one operand."""
        fn, inputs = self._function(self.entry)
        return verdict_of(twice(fn), inputs, place) != "wrong"

    @functools.cached_property
    def right(self):
        fn, inputs = self._function(self.entry)
        return compute(twice(fn), inputs)

    def _function(self, entry):
        return as_function(entry, self.arrays, self.attributes, make_general(entry))

    def is_noticed(self, mutant, fault, numbers=None):
        """Whether the check objects to a mutant, with respect to the operands of these numbers (by default all): to the
        smallest one whose gradient differs from the right one, because a check of all takes many times as long. If there
        is such a one, the fault is noted to make `changes`."""
        fn, inputs = self._function(mutant)
        places = [
            place
            for place, number in enumerate(self.numbers)
            if inputs[place].size and (numbers is None or number in numbers or not mutant.operands)
        ]
        if not places:
            return False
        try:
            found = compute(twice(fn), inputs)
            changed = [place for place in range(len(inputs)) if not same([found[place]], [self.right[place]])]
            if not changed:
                return False
            fault.changes = True
            place = min([place for place in changed if place in places] or places, key=lambda p: inputs[p].size)
            verdict = verdict_of(twice(fn), inputs, place)
        except Exception:  # a wrong shape, or a value that the rule cannot compute with, is noticed as well
            return True
        if verdict == "wrong":
            fault.objected.append((self, place))
        return verdict == "wrong"


def assert_original_passes(fault):
    for case, place in fault.objected:
        assert case.passes(place), f"the original `{case.entry.name}` does not pass its own check"


def compute(fn, inputs):
    """Gradients of a random combination of the results."""
    leaves = [of_array(x.copy(), None) for x in inputs]
    for x in leaves:
        x.requires_grad = True
    results = [x for x in fn(*leaves) if x.requires_grad]
    random = np.random.default_rng(0)
    weights = [tg.tensor(random.uniform(0.5, 1.5, x.shape)) for x in results]
    return tg.grad(results, leaves, weights, allow_unused=True) if results else []


def survivors_of(entry):
    """([names of faults that were not caught], how many were caught, how many were idle)."""
    cases = cases_of(entry)
    survivors, caught, idle = [], 0, 0
    for fault in faults_of(TableOperation(entry), KINDS_TRIED):
        mutant, fault.changes, fault.objected = copy.copy(entry), False, []
        fault.plant(TableOperation(mutant))
        numbers = {0 if number == IN_PLACE else number for number in fault.numbers}
        try:
            noticed = next((case for case in cases if case.is_noticed(mutant, fault, numbers)), None)
        finally:
            fault.remove()
        if noticed is not None:
            assert_original_passes(fault)
            caught += 1
        elif fault.changes:
            survivors.append(fault.name)
        else:
            idle += 1
    return survivors, caught, idle


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_wrong_rules_are_caught(entry):
    survivors, caught, _ = survivors_of(entry)
    unexplained = [name for name in survivors if (entry.name, name) not in EQUIVALENT]
    assert not unexplained, f"nobody notices these faults of `{entry.name}`: {unexplained}"
    assert caught, "not one fault was caught"


def test_every_explanation_is_of_a_fault_that_exists():
    for name, fault in EQUIVALENT:
        assert fault in {fault.name for fault in faults_of(TableOperation(OPS[name]))}, f"[{name}] {fault}"


# ---- faults of the engine

FLAT = {"sign", "floor", "ceil", "trunc", "round"}
"""Operations whose gradient is 0: what is lost of it is 0."""


@pytest.mark.parametrize("kind", ENGINE_FAULTS, ids=[kind.kind for kind in ENGINE_FAULTS])
def test_faults_of_the_engine_are_caught(kind):
    """Every operation for which the fault changes anything objects to it."""
    missed, caught = [], 0
    if kind.kind == "second backward overwrites":
        pytest.skip("the gradient check adds to no tensor's .grad; test_autograd.py does")
    for entry in ENTRIES:
        cases, fault = cases_of(entry), kind()
        fault.objected = []
        fault.changes = not all(case.right for case in cases)  # False: they are computed now, without the fault
        fault.plant()
        try:
            noticed = next((case for case in cases if case.is_noticed(entry, fault)), None)
        finally:
            fault.remove()
        if noticed is not None:
            assert_original_passes(fault)
            caught += 1
        elif fault.changes and entry.name not in FLAT:
            missed.append(entry.name)
        assert getattr(fault, "places", 3) >= 3, "the engine adds gradients up in a way that the fault does not know"
    assert not missed
    assert caught >= 20
