"""Random programs: they have what they promise, run as they are printed, have right gradients, and find wrong ones."""

import itertools
from collections import Counter

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import check
from tinygrad_edu.check.choices import Choices, choose_partner, choose_shape
from tinygrad_edu.check.operands import suits
from tinygrad_edu.check.programs import (
    Program,
    Step,
    assert_program,
    check_program,
    find_fault,
    operations_for_programs,
    random_program,
    reduced,
)
from tinygrad_edu.check.programs.program import memory_groups
from tinygrad_edu.check.programs.reduce import is_sound, states
from tinygrad_edu.check.programs.text import NotWritable, as_text, index_as_text
from tinygrad_edu.check.programs.written import WRITTEN
from tinygrad_edu.define import OPS, op
from tinygrad_edu.tensor import Tensor

PROGRAMS = [random_program(seed) for seed in range(300)]


# ---- what programs are made of


def features(program):
    """What is remarkable about a program."""
    groups, at = memory_groups(program), states(program)
    reads = Counter(itertools.chain.from_iterable(step.reads for step in program.steps))
    yield f"{len(program.steps)} steps"
    yield from ("several inputs",) * (len(program.inputs) > 1) + ("several outputs",) * (len(program.outputs) > 1)
    yield from ("reused result",) * any(n > 1 for name, n in reads.items() if name not in program.names)
    for step, before, after in zip(program.steps, at, at[1:]):
        shapes = [before[x].shape for x in step.reads]
        if step.in_place:
            yield "in place"
            yield f"in place: {step.operation}{' (method)' if step.text else ''}"
            if sum(groups[name] == groups[step.operands[0]] for name in before) > 1:
                yield "write seen through another tensor"
            if len(step.reads) > 1 and shapes[1] != shapes[0]:
                yield "broadcast write"
        else:
            if any(groups[result] == groups[x] for result in step.results for x in step.reads):
                yield "view"
            if len(step.results) > 1:
                yield "operation with several results"
            entry = OPS[step.operation]
            if entry.elementwise and len(set(shapes)) > 1:
                yield "broadcast"
            if any(x not in program.names for x in step.reads):
                yield "chain"
        yield from (f"{x.ndim} dimensions" for x in after.values())


def test_programs_have_everything():
    found = Counter()
    for program in PROGRAMS:
        found.update(set(features(program)))
    least = {
        "several inputs": 200, "several outputs": 200, "reused result": 60, "in place": 100, "view": 100,
        "broadcast": 60, "chain": 200,
        "write seen through another tensor": 30, "broadcast write": 30, "operation with several results": 10,
        "2 dimensions": 200,
        "0 dimensions": 150,
        "in place: setitem": 10, "in place: copy_": 10, "in place: add": 10, "in place: add (method)": 5,
        "in place: mul": 10,
        "in place: mul (method)": 5, "8 steps": 50,
    }  # fmt: skip
    few = {what: found[what] for what, count in least.items() if found[what] < count}
    assert not few, f"seldom: {few} in {dict(found)}"


def test_every_operation_takes_part():
    """Of the differentiable operations only two are missing, which others stand for."""
    drawn = Counter(itertools.chain.from_iterable(random_program(seed).operations for seed in range(500)))
    kinds = {kind.name for kind in operations_for_programs() if not isinstance(kind, str)}
    assert not kinds - set(drawn)
    table = {
        entry.name
        for entry in OPS.values()
        if entry.differentiable and not entry.random and entry.kernel.__module__.startswith("tinygrad_edu.ops")
    }
    assert table - kinds == {"overwrite", "avg_unpool"}  # a write through a view is the one; avg_pool's rule the other


def test_same_seed_same_program():
    assert [str(random_program(seed)) for seed in range(20)] == [str(program) for program in PROGRAMS[:20]]


def test_values_are_well_conditioned():
    for program in PROGRAMS[:100]:
        assert is_sound(program)
        assert all((np.abs(x.array) <= 1e3).all() for x in program.values().values())
        assert sum(x.size for x in program.inputs) <= 60


def test_no_dead_steps():
    """Every step is needed by an output: leaving it out changes a value or a gradient, or does not even run."""
    for program in PROGRAMS[:60]:
        assert len(program.needed().steps) == len(program.steps)
        assert {x for step in program.steps for x in step.reads} >= set(program.names)


@pytest.mark.parametrize("name", WRITTEN)
def test_written_calls_use_the_operation(name):
    """The calls in WRITTEN are recorded as the operation that they stand for."""
    for number in range(40):
        program = random_program(number, 1, [name])
        assert set(program.operations) == {name}
        nodes, seen = [x.node for x in program(*[tg.tensor(x, requires_grad=True) for x in program.inputs])], set()
        while nodes:
            node = nodes.pop()
            if node is not None and node not in seen:
                seen.add(node)
                nodes += node.parents
        assert name in {node.op.name for node in seen if node.op is not None}


# ---- as text


def run(source):
    space = {}
    exec(compile(source, "snippet", "exec"), space)
    return space


def test_source_gives_the_same_to_the_last_bit():
    for program in PROGRAMS:
        lines = program.source().splitlines()
        assert lines[-1].startswith("check.assert_gradients(program, ")
        space = run("\n".join(lines[:-1]))
        inputs = [space[name] for name in program.names]
        assert_identical(inputs, program.inputs)
        ours, theirs = (f(*map(tg.tensor, inputs)) for f in (program, space["program"]))
        assert_identical([x.numpy() for x in ours], [x.numpy() for x in theirs])


def assert_identical(arrays, others):
    assert [(x.shape, x.dtype, x.tobytes()) for x in arrays] == [(x.shape, x.dtype, x.tobytes()) for x in others]


def test_source_runs():
    """As it is pasted, check included."""
    for program in PROGRAMS[:8]:
        run(program.source())
    assert "order=2)" in PROGRAMS[0].source(order=2)


def test_steps_are_data():
    a = Step(("c",), "mul", ("a", "b"))
    b = Step(("c",), "add", ("c", "a"), {}, True)
    c = Step(("d",), "getitem", ("c",), {"index": (0, slice(None, None, -1))})
    program = Program([np.array([[1.0, 2.0]]), np.array(3.0)], "ab", [a, b, c], ["d"])
    assert program.body() == "def program(a, b):\n    c = a * b\n    c += a\n    d = c[0, ::-1]\n    return d,"
    (d,) = program(tg.tensor([[1.0, 2.0]]), tg.tensor(3.0))
    assert d.tolist() == [8.0, 4.0]
    assert program.operations == ["mul", "add", "getitem"] and "3 steps: mul, add, getitem" in repr(program)
    assert program.needed().body() == program.body()
    dead = Program(program.inputs, "ab", [a, Step(("e",), "sin", ("b",)), b, c], ["d"]).needed()
    assert dead.operations == ["mul", "add", "getitem"]


@pytest.mark.parametrize(
    "value",
    [
        0.1, -2.0, float("inf"), 3, True, None, "text", ..., slice(1, None, -2), (1,), (), [1, (2.5, None)], np.float64,
        np.array(0.1), np.array([[1.0, np.nan], [-np.inf, 1 / 3]]), np.array([1, 2]), np.zeros((0, 3)),
        np.array([True]),
        np.array([1.5], np.float32), np.float32(0.1),
    ],
)  # fmt: skip
def test_text_of_values(value):
    again = eval(as_text(value), {"np": np})
    if isinstance(value, np.ndarray):
        assert again.dtype == value.dtype and again.shape == value.shape and again.tobytes() == value.tobytes()
    else:
        assert again == value


def test_what_has_no_text():
    with pytest.raises(NotWritable):
        as_text(object())
    with pytest.raises(NotWritable):
        as_text(np.array([1j]))


@pytest.mark.parametrize(
    "index",
    [0, (0,), (), ..., None, (slice(1), ...), (slice(None, None, 2), None, -1), np.array([0, 1]), (np.eye(2) > 0,)],
)
def test_text_of_indices(index):
    x = np.arange(4.0).reshape(2, 2)
    np.testing.assert_array_equal(eval(f"x[{index_as_text(index)}]", {"np": np, "x": x}), x[index])


# ---- right gradients

ENOUGH = {1: 400, 2: 100}


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_of_random_programs(order):
    """None is wrong, and the checker can tell for all but a few."""
    verdicts = Counter()
    for seed in range(ENOUGH[order]):
        program = random_program([order, seed])
        verdicts[assert_program(program, order).verdict] += 1
    assert verdicts["inconclusive"] <= 0.02 * ENOUGH[order], verdicts


def test_gradients_of_every_element():
    for program in PROGRAMS[:25]:
        report = check_program(program, every_element=True)
        assert report.verdict != "wrong", f"{report}\n{program}"


# ---- wrong gradients

FAULTS = {
    "scaled": lambda d: d * 1.01,
    "negated": lambda d: -d,
    "zero": lambda d: d * 0,
    "transposed": lambda d: d.mT if isinstance(d, Tensor) and d.ndim > 1 else d.swapaxes(-1, -2) if d.ndim > 1 else d,
}
"""What a wrong rule makes of the right gradient."""

RULES = [
    ("log", 0, "scaled"), ("cos", 0, "negated"), ("sigmoid", 0, "zero"), ("div", 1, "negated"), ("relu", 0, "scaled"),
    ("where", 2, "zero"),
    ("softmax", 0, "scaled"), ("cumsum", 0, "negated"), ("amax", 0, "scaled"), ("var", 0, "scaled"),
    ("prod", 0, "negated"),
    ("matmul", 1, "transposed"), ("getitem", 0, "scaled"), ("copy_into", 1, "zero"), ("gather", 0, "scaled"),
    ("solve", 0, "transposed"),
    ("cholesky", 0, "scaled"), ("conv", 1, "negated"), ("layer_norm", 2, "zero"), ("lstm_layer", 3, "scaled"),
]  # fmt: skip
"""(operation, operand, fault)."""


def plant(monkeypatch, name, number, fault):
    """Make one rule of an operation wrong."""
    entry, change = OPS[name], FAULTS[fault]
    if entry.joint is not None:
        right = entry.joint

        def joint(g, *values):
            ds = list(right(g, *values))
            ds[number] = None if ds[number] is None else change(ds[number])
            return ds

        monkeypatch.setattr(entry, "joint", joint)
    else:
        rules = list(entry.rules)
        rule = rules[number]
        rules[number] = lambda g, *values: change(rule(g, *values))
        monkeypatch.setattr(entry, "rules", tuple(rules))


@pytest.mark.parametrize(("name", "number", "fault"), RULES)
def test_planted_fault_is_found(name, number, fault, monkeypatch):
    """Within 500 programs, and shown by one of at most 3 operations that does not pass the check when it is pasted."""
    plant(monkeypatch, name, number, fault)
    found = find_fault(programs=500)
    assert found is not None, "not found"
    assert len(found.program.steps) <= 3 and found.number <= 500
    with pytest.raises(AssertionError, match="gradients: wrong"):
        run(str(found))
    monkeypatch.undo()
    run(str(found))  # the program itself is all right


def test_hypothesis_finds_and_shrinks(monkeypatch):
    """`@given(programs())` prints a program of at most 3 operations, too."""
    pytest.importorskip("hypothesis")
    from hypothesis import HealthCheck, Phase, given, settings

    plant(monkeypatch, "cumsum", 0, "scaled")

    @settings(
        max_examples=500, deadline=None, database=None, derandomize=True, phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(check.strategies.programs(operations=["mul", "sin", "cumsum", "reshape", "add", "clone"]))
    def test(program):
        assert_program(program)

    with pytest.raises(AssertionError, match="gradients: wrong") as caught:
        test()
    source = str(caught.value).split("\n\n", 1)[1]
    body = source.split("def program", 1)[1].split("return", 1)[0]
    assert "cumsum" in body and len(body.splitlines()) - 2 <= 3
    with pytest.raises(AssertionError, match="gradients: wrong"):
        run(source)


def test_second_order_fault_is_found(monkeypatch):
    """A rule that is right on arrays and wrong on Tensors, which only gradients of gradients go through."""
    entry = OPS["sin"]
    (rule,) = entry.rules
    monkeypatch.setattr(entry, "rules", (lambda g, x: rule(g, x.detach() if isinstance(x, Tensor) else x),))
    found = find_fault(order=2, programs=300, operations=["sin", "mul", "sum", "add"])
    assert len(found.program.steps) <= 3 and "sin" in found.program.operations
    assert found.order == 2 and "order=2)" in str(found)


def test_exceptions_are_found(monkeypatch):
    """A rule that raises is a fault, too; generation goes on where it does."""

    def rule(g, x):
        raise ZeroDivisionError("in the rule")

    monkeypatch.setattr(OPS["tanh"], "rules", (rule,))
    found = find_fault(programs=300, operations=["tanh", "mul", "clone", "reshape"])
    assert found.program.operations == ["tanh"] and isinstance(found.found, ZeroDivisionError)
    assert "ZeroDivisionError: in the rule" in str(found) and "tanh" in repr(found)


def test_no_fault():
    assert find_fault(programs=20, seed=5) is None


def test_own_check():
    """Any function that gives a Report can be the check: here one that counts."""
    seen = []

    def own(program):
        seen.append(program)
        return check_program(program)

    assert find_fault(own, programs=3) is None and len(seen) == 3


# ---- operations of users


@pytest.fixture
def own_operations():
    """Operations defined here, out of the table again after the test."""
    before = dict(OPS)
    yield
    for name in set(OPS) - set(before):
        del OPS[name]
        delattr(Tensor, name)


def test_operation_of_a_user(own_operations):
    @op(lambda g, x: g * 3 * x * x, elementwise=True, domain=(-2.0, 2.0))
    def cubed_for_test(x):
        """x³"""
        return x**3

    @op(lambda g, x: g * 3 * x, elementwise=True)
    def wrongly_cubed_for_test(x):
        """x³"""
        return x**3

    mixed = ["mul", "sin", "sum"]
    assert find_fault(programs=40, operations=[cubed_for_test, *mixed]) is None
    fault = find_fault(programs=100, operations=[wrongly_cubed_for_test, *mixed])
    assert fault.program.operations == ["wrongly_cubed_for_test"]
    assert "# wrongly_cubed_for_test: the operation under test" in str(fault)


@pytest.mark.parametrize("operation", ["argsort", "eq", "draw_uniform"])
def test_operations_without_gradients(operation):
    with pytest.raises(ValueError, match=f"{operation}: no program can be made"):
        operations_for_programs([operation])


# ---- making programs small


def test_reduced_keeps_what_fails():
    """The smallest program with a tanh: one step, one input, one number of few digits."""
    program = next(program for program in PROGRAMS if "tanh" in program.operations and len(program.steps) > 4)
    small = reduced(program, lambda smaller: "tanh" in smaller.operations)
    assert small.operations == ["tanh"] and [x.size for x in small.inputs] == [1]


def test_reduced_keeps_writes_legal():
    """A write stays a write into a copy; a view that it goes through stays a view."""
    for program in PROGRAMS:
        if any(step.in_place for step in program.steps):
            small = reduced(program, lambda smaller: any(step.in_place for step in smaller.steps))
            assert len(small.steps) <= 2 and small.operations[0] == "clone"
            break


def test_symmetric_matrices_stay_symmetric():
    program = random_program(0, 8, ["cholesky"])
    alone = Program([np.eye(2) * 2], "a", [Step(("b",), "cholesky", ("a",))], ["b"])
    assert program.operations[:3] == ["transpose", "add", "cholesky"] and is_sound(program) and not is_sound(alone)


# ---- choices and conditions


def test_choices_run_out():
    choices = Choices(b"\x05")
    assert [choices.below(4), choices.below(4), choices.below(1)] == [1, 0, 0]
    assert Choices(b"\x01\x02").below(1000) == 513 and Choices(b"\x01").of("ab") == "b"
    assert Choices(b"\x02").chance(3) and not Choices(b"").chance(3)


def test_partners_broadcast():
    random = np.random.default_rng(0)
    for _ in range(300):
        choices = Choices(random.bytes(12))
        shape = choose_shape(choices)
        assert np.prod(shape) <= 12 and np.broadcast_shapes(choose_partner(choices, shape), shape) == shape


@pytest.mark.parametrize(
    ("name", "operands", "good"),
    [
        ("log", [np.array(0.05)], False), ("log", [np.array(0.5)], True), ("abs", [np.array(0.04)], False),
        ("abs", [np.array(0.06)], True),
        ("maximum", [np.array(1.0), np.array(1.04)], False), ("maximum", [np.array(1.0), np.array(1.06)], True),
        ("sin", [np.array(7.0)], False), ("sin", [np.array(np.nan)], False), ("inv", [np.eye(2)], True),
        ("inv", [np.ones((2, 2))], False), ("qr", [np.eye(2)], False), ("qr", [np.diag([1.0, 2.0])], True),
        ("cholesky", [np.diag([1.0, -2.0])], False), ("cholesky", [np.array([[2.0, 1.0], [0.0, 3.0]])], False),
    ],
)  # fmt: skip
def test_suits(name, operands, good):
    assert suits(OPS[name], operands) == good


# ---- what random programs found: bugs that are mended


def test_number_that_is_read_twice():
    """The gradient of a number is a NumPy number once two of them were added, and cannot be added to in place."""
    x = tg.tensor(1.5, requires_grad=True)
    y = x * 1.0
    (g,) = tg.grad([y[None] * 1, y * 2.0, y * 3.0], [x], [tg.ones(1), tg.tensor(1.0), tg.tensor(1.0)])
    assert g.item() == 6.0


@pytest.mark.parametrize("index", [None, ...])
def test_number_that_is_overwritten_and_read_twice(index):
    x = tg.tensor(1.5, requires_grad=True)
    y = x * 2.0
    y[index] = y * 3.0
    (g,) = tg.grad([y * 1.0, y * 2.0], [x], [tg.tensor(1.0), tg.tensor(1.0)])
    assert g.item() == 18.0


@pytest.mark.parametrize("size", [(3,), (1, 3)])
def test_expanded_tensor_without_repetition_can_be_written_into(size):
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    y.expand(size).add_(1)
    assert y.tolist() == [3.0, 5.0, 7.0]
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
