"""Random programs: which operations take part, and how choices become a finished program."""

import numpy as np

from ...define import OPS
from ..choices import Choices
from ..operands import entry_of
from .build import BYTES, STEEP, Builder, Unfit, gradients_of
from .fitting import is_fitted
from .plan import add_operation, usable_samples
from .program import Program
from .writes import WRITES, add_write
from .written import CASES, WRITTEN

TRIES = 2  # choices that lead to no step are read again, from a later byte


def operations_for_programs(operations=None):
    """What a step of a program may be: entries of the table, and the forms of writes in place; the simplest first.

    operations  functions, names or entries to use instead of all that are differentiable and deterministic
    """
    if operations is not None:
        chosen = [entry_of(operation) for operation in operations]
        wrong = [entry.name for entry in chosen if not hasattr(entry, "rules") or not can_take_part(entry)]
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)}: no program can be made of operations that have no gradient, that draw random "
                "numbers, or of which nothing says what operands fit (give them `samples` or `elementwise=True`)"
            )
        return chosen
    return list(_everything())


def can_take_part(entry):
    """Whether the operation has gradients, gives the same every time, and it is known which operands fit."""
    if not entry.differentiable or entry.random or entry.kernel.__module__.split(".")[1:2] == ["optim"]:
        return False
    known = entry.name in WRITTEN or entry.name in CASES or entry.name == "matmul" or is_fitted(entry)
    return bool(known or (entry.elementwise and not entry.samples) or usable_samples(entry))


def _everything():
    if len(_CACHE.get("table", ())) != len(OPS):
        entries = sorted((entry for entry in OPS.values() if can_take_part(entry)), key=_difficulty)
        writes = list(WRITES) * max(1, len(entries) // 45)  # one step in six or so
        _CACHE["table"] = tuple(OPS)
        _CACHE["kinds"] = entries + writes
    return _CACHE["kinds"]


_CACHE = {}


def _difficulty(entry):
    """Operations in the order in which a failing program would rather have them."""
    first = (
        "mul",
        "add",
        "sub",
        "neg",
        "sin",
        "exp",
        "tanh",
        "square",
        "sum",
        "clone",
        "getitem",
        "reshape",
        "transpose",
    )
    if entry.name in first:
        return 0, first.index(entry.name)
    plain = entry.elementwise and not entry.avoid and not entry.internal
    return (1 if plain else 2 if is_fitted(entry) else 4 if entry.internal else 3), len(entry.operands)


def program_from(steps, kinds, max_operations, ending=b""):
    """The program that choices make: `steps` has for each step the place of its operation in `kinds`, and bytes.

    Returns None if they make no step at all.
    """
    entries = {kind.name: kind for kind in kinds if not isinstance(kind, str) and OPS.get(kind.name) is not kind}
    builder = Builder(max_operations, entries)
    for number, data in steps:
        for attempt in range(TRIES):
            mark = builder.mark()
            choices, kind = Choices(data[5 * attempt :]), kinds[number]
            try:
                if isinstance(kind, str):
                    add_write(builder, kind, choices)
                else:
                    add_operation(builder, kind, choices)
                break
            except Unfit:
                builder.back_to(mark)
        if len(builder.steps) >= max_operations:
            break
    while builder.steps:
        try:
            slopes = gradients_of(builder.run, builder.inputs, builder.pool)
        except Exception:  # a rule is wrong: the program is good, for it shows that
            slopes = ()
        if all((np.abs(g) <= STEEP).all() for g in slopes):
            return finished(builder, Choices(ending), entries)
        builder.steps.pop()
        builder.replay()
        builder.pool = [name for name in builder.pool if name in builder.run]
    return None


def finished(builder, choices, entries):
    """The program that returns what no later step uses, and perhaps more."""
    used = {x for step in builder.steps for x in step.reads if not (step.in_place and x == step.operands[0])}
    results = [name for name in builder.pool if name not in builder.inputs]
    outputs = [name for name in results if name not in used]
    for name in results:  # what was overwritten through a view is looked at, too
        if name in used and choices.chance(8):
            outputs.append(name)
    inputs = builder.inputs
    program = Program(list(inputs.values()), list(inputs), builder.steps, outputs or results[-1:], entries)
    return program.needed()


def random_program(seed=0, max_operations=8, operations=None):
    """A random differentiable Program of at most `max_operations` steps; the same for the same seed.

    operations  functions, names or entries of the table to use; by default all that are differentiable
    """
    random = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    kinds = operations_for_programs(operations)
    while True:
        count = max_operations - int(random.integers(max(1, max_operations // 2)))
        steps = [(int(random.integers(len(kinds))), random.bytes(BYTES)) for _ in range(count)]
        program = program_from(steps, kinds, max_operations, random.bytes(BYTES))
        if program is not None:
            return program
