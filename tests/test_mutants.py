"""Are the gradient tests able to fail? Wrong rules are planted into every operation, and all of them must be noticed.

A mutant is an operation with one fault, or the engine with one. It is *caught* if the gradient check objects on one of
a few random operands, *idle* if on none of them the fault changed anything (then there was nothing to catch).
Mutants that survive must be in EQUIVALENT, with the reason why no test of gradients can tell them from the original.
"""

import ast
import copy
import inspect
import zlib

import numpy as np
import pytest

from tinygrad_edu import engine
from tinygrad_edu.check import gradients
from tinygrad_edu.check.operands import as_function, operands_of
from tinygrad_edu.define import OPS, make_general
from tinygrad_edu.tensor import Tensor

SHAPES = ([(3, 3), (3, 3), (3, 3)], [(3, 1), (3,), ()], [(2,), (4, 1), (2,)])
"""Shapes for operations that work element by element: square, and two that broadcast."""

ENTRIES = [entry for entry in OPS.values() if entry.differentiable and not entry.random]


# ---- faults of rules: each takes the right gradients (a list) and the number of the one to spoil


def scaled(d, g):
    return d * 1.01


def negated(d, g):
    return -d


def zero(d, g):
    return d * 0


def transposed(d, g):
    if d.ndim < 2 or d.shape[-1] != d.shape[-2]:
        return d
    return d.swapaxes(-1, -2) if isinstance(d, np.ndarray) else d.transpose(-1, -2)


def shifted(d, g):
    """Too large by a constant times the incoming gradient's sum: right wherever one looks at differences only."""
    return d + 0.01 * (g.sum() if not isinstance(g, tuple) else 1.0)


SPOILS = (scaled, negated, zero, transposed, shifted)


def spoil(entry, number, change, fired):
    """A copy of an operation in which the gradient of operand `number` is changed by `change(gradient, g)`."""

    def spoiled(d, g):
        if d is None:
            return None
        wrong = change(d, g)
        fired.append(not same(wrong, d))
        return wrong

    mutant = copy.copy(entry)
    if entry.joint is not None:

        def joint(g, *values):
            ds = list(entry.joint(g, *values))
            if number < len(ds):
                ds[number] = spoiled(ds[number], g)
            return ds

        mutant.joint = joint
    else:
        rules = list(entry.rules)
        rule = rules[number]
        rules[number] = lambda g, *values: spoiled(rule(g, *values), g)
        mutant.rules = tuple(rules)
    return mutant


def stale(entry, number, fired):
    """A copy of an operation whose rule finds other values in the first array that it kept: written into since."""

    def aged(values):
        """The values, the first floating array among them changed (it may be within a tuple of operands)."""
        for place, value in enumerate(values):
            inner = aged(value) if isinstance(value, tuple) else None
            if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f" and value.size:
                inner = 0.5 - value
            if inner is not None:
                fired.append(True)
                return (*values[:place], inner, *values[place + 1 :])
        return None

    def with_aged(rule):
        return lambda g, *values: rule(g, *(aged(values) or values))

    mutant = copy.copy(entry)
    if entry.joint is not None:
        mutant.joint = with_aged(entry.joint)
    else:
        rules = list(entry.rules)
        rules[number] = with_aged(rules[number])
        mutant.rules = tuple(rules)
    return mutant


def exchanged(entry, fired):
    """A copy of an operation on two operands with the rules of the two exchanged."""
    fired.append(True)
    mutant = copy.copy(entry)
    mutant.rules, mutant.names = entry.rules[::-1], entry.names[::-1]
    return mutant


def same(a, b):
    a, b = (np.asarray(x.array if isinstance(x, Tensor) else x) for x in (a, b))
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=1e-300, equal_nan=True)


def mutants_of(entry):
    """(name of the fault, the operation with it, list that tells whether it ever changed anything)."""
    if entry.joint is not None:
        numbers = range(len(entry.operands) or 2)
    else:
        numbers = [number for number, rule in enumerate(entry.rules) if rule is not None]
    for number in numbers:
        for change in SPOILS:
            fired = []
            yield f"{change.__name__} {number}", spoil(entry, number, change, fired), fired
        if entry.joint is None or number == 0:
            fired = []
            yield f"stale {number}", stale(entry, number, fired), fired
    if entry.joint is None and len(numbers) == len(entry.rules) == 2:
        fired = []
        yield "exchanged", exchanged(entry, fired), fired


def cases_of(entry):
    """A few operands and attributes, always the same ones."""
    random = np.random.default_rng(zlib.crc32(entry.name.encode()))
    samples = entry.samples or [(shapes[: len(entry.operands)], {}) for shapes in SHAPES]
    for shapes, attributes in samples:
        yield operands_of(entry, shapes, random), dict(attributes)


def is_caught(entry, cases, fired=None):
    """Whether the gradient check of the operation (used twice, so that gradients add up) objects to a case."""
    call = make_general(entry)
    for arrays, attributes in cases:
        fn, inputs = as_function(entry, arrays, attributes, call)
        if not any(x.size for x in inputs):
            continue
        try:
            if not gradients(lambda *xs: (*results(fn(*xs)), *results(fn(*xs))), *inputs):
                return True
        except Exception as error:  # a wrong shape, or a value that the rule cannot compute with, is noticed as well
            if isinstance(error, (TypeError, AttributeError)):
                raise
            return True
    return False


def results(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


EQUIVALENT = {
    ("add", "exchanged"): "x + y is symmetric: both rules are the same",
    ("nll_loss", "stale 0"): "it is linear in the scores: their values play no part in its gradient",
    (
        "nan_to_num",
        "stale 0",
    ): "the rule looks only at which elements are finite, and the other values are finite as well",
}
"""(operation, fault): why no check of gradients can notice it."""


def survivors_of(entry):
    """([mutants that were not caught], how many were caught, how many were idle)."""
    cases = list(cases_of(entry))
    assert not is_caught(entry, cases), f"the original `{entry.name}` does not pass its own check"
    survivors, caught, idle = [], 0, 0
    for name, mutant, fired in mutants_of(entry):
        if is_caught(mutant, cases):
            caught += 1
        elif any(fired):
            survivors.append(name)
        else:
            idle += 1
    return survivors, caught, idle


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_wrong_rules_are_caught(entry):
    survivors, caught, _ = survivors_of(entry)
    unexplained = [name for name in survivors if (entry.name, name) not in EQUIVALENT]
    assert not unexplained, f"nobody notices these faults of `{entry.name}`: {unexplained}"
    assert caught, "not one mutant was caught"


def test_no_explanation_is_out_of_date():
    """Every mutant of EQUIVALENT exists and survives."""
    for name, fault in EQUIVALENT:
        assert fault in survivors_of(OPS[name])[0], f"`{fault}` of `{name}` is caught; take it off the list"


# ---- faults of the engine


def first_slice(array, shape):
    """What a forgotten sum over broadcast dimensions looks like: one of the terms."""
    array = array[(0,) * (array.ndim - len(shape))]
    return np.array(array[tuple([slice(size) for size in shape])])


def test_forgotten_unbroadcasting_is_caught(monkeypatch):
    """The engine takes the first slice instead of the sum: every operation in which that is something else objects."""
    met, missed, caught = [], [], 0
    right = engine.array_sum_to

    def wrong(array, shape):
        result = first_slice(array, shape)
        met.append(not same(result, right(array, shape)))
        return result

    monkeypatch.setattr(engine, "array_sum_to", wrong)
    for entry in ENTRIES:
        met.clear()
        if is_caught(entry, cases_of(entry)):
            caught += 1
        elif any(met):
            missed.append(entry.name)
    assert not missed
    assert caught >= 20


class OneTerm(ast.NodeTransformer):
    """Replaces a + b, total(a, b), and what adds to an array in place, by one of the two."""

    def __init__(self, keep):
        self.keep, self.count = keep, 0

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.Add):
            return node
        self.count += 1
        return (node.left, node.right)[self.keep]

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "adds":
            self.count += 1
            return ast.parse(("None", "np.copyto(so_far, rule(g, *values))")[self.keep], mode="eval").body
        if not (isinstance(node.func, ast.Name) and node.func.id == "total"):
            return node
        self.count += 1
        return node.args[self.keep]


@pytest.mark.parametrize("keep", [0, 1], ids=["the first gradient stays", "= for +="])
def test_missing_accumulation_is_caught(keep, monkeypatch):
    """The sweep forgets one of two gradients that a tensor gets: every operation objects, since it is used twice."""
    one_term = OneTerm(keep)
    functions = [node for node in ast.parse(inspect.getsource(engine)).body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        if any(isinstance(node, ast.Subscript) and ast.unparse(node.value) == "pending" for node in ast.walk(function)):
            namespace = {}
            spoiled = ast.fix_missing_locations(ast.Module([one_term.visit(function)], []))
            exec(compile(spoiled, engine.__file__, "exec"), vars(engine), namespace)
            monkeypatch.setattr(engine, function.name, namespace[function.name])
    assert one_term.count >= 3, "the engine adds gradients up in a way that this test does not know"
    flat = {"sign", "floor", "ceil", "trunc", "round"}  # 0 + 0 is 0
    assert not [entry.name for entry in ENTRIES if entry.name not in flat and not is_caught(entry, cases_of(entry))]
