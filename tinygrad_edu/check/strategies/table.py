"""Operands for an operation of the table, and random programs made of its operations."""

import hypothesis.strategies as st
import numpy as np

from ..operands import domain_of, entry_of, laid_out, operands_of
from ..programs import operations_for_programs, program_from
from ..programs.build import BYTES
from .arrays import layouts, seeds
from .shapes import broadcastable_shapes


@st.composite
def operands(draw, operation, dtype=np.float64, any_layout=False, min_side=0):
    """(operands, attributes) that fit the operation: arrays, or whatever its samples say.

    operation   one of the library's, its name, or its entry in the table
    any_layout  floating operands lie in memory in any way, not only contiguously
    min_side    smallest size of a dimension where shapes are not given by the operation's samples
    """
    entry = entry_of(operation)
    if entry.samples:
        shapes_, attributes = draw(st.sampled_from(list(entry.samples)))
    elif entry.elementwise:
        shapes_, attributes = draw(broadcastable_shapes(len(entry.operands), min_side=min_side)), {}
    else:
        raise ValueError(
            f"`{entry.name}` works on more than single elements and has no samples: nothing says what fits it"
        )
    drawn = operands_of(entry, shapes_, np.random.default_rng(draw(seeds())), dtype)
    if any_layout:
        for number, x in enumerate(drawn):
            if isinstance(x, np.ndarray) and x.dtype.kind == "f":
                # repeated rows are equal: not for operations that must not see equal values, nor for matrices of a kind
                equal_allowed = "ties" not in entry.avoid and not isinstance(domain_of(entry, number), str)
                drawn[number] = laid_out(x, draw(layouts(repeated=equal_allowed)))
    return drawn, dict(attributes)


def tensors_or_arrays(number):
    """For each of `number` operands, whether to give it as a Tensor; at least one is."""
    return st.lists(st.booleans(), min_size=number, max_size=number).filter(lambda flags: not flags or any(flags))


def programs(max_operations=8, operations=None):
    """Random differentiable programs (`check.programs.Program`) of at most `max_operations` steps.

        @given(programs())
        def test_my_operation(program):
            check.programs.assert_program(program)

    They are made of operations of the table (or of those given: functions, names or entries), in chains that reuse
    results, with broadcasting, views, writes in place, and several inputs and outputs. Shapes fit by construction, and
    values stay where every operation is smooth and well conditioned. A failing program is shrunk to the few steps that
    matter; `str(program)` is Python that runs.
    """
    kinds = operations_for_programs(operations)
    step = st.tuples(st.integers(0, len(kinds) - 1), st.binary(min_size=BYTES, max_size=BYTES))
    # unique: so that hypothesis does not copy steps of one program over one another, which makes programs alike
    steps = st.lists(step, min_size=1, max_size=max_operations, unique=True)
    made = st.tuples(steps, st.binary(max_size=8)).map(
        lambda drawn: program_from(drawn[0], kinds, max_operations, drawn[1])
    )
    return made.filter(lambda program: program is not None)
