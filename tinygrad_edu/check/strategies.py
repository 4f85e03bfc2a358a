"""Hypothesis strategies for operands of operations.

    @given(operands("softmax"))
    def test_softmax(drawn):
        arrays, attributes = drawn

Hypothesis draws what decides which code runs (shapes, dtypes, memory layouts, the sample) and a seed for the values,
which are drawn by NumPy: element by element would be slow, and which values they are hardly matters.
"""

import numpy as np

try:
    import hypothesis.strategies as st
    from hypothesis.extra import numpy as npst
except ImportError as error:
    raise ImportError('tinygrad_edu.check.strategies needs hypothesis: pip install "tinygrad-edu[check]"') from error

from .operands import LAYOUTS, domain_of, entry_of, laid_out, operands_of

__all__ = ["broadcastable_shapes", "dtypes", "layouts", "operands", "seeds", "shapes", "tensors_or_arrays"]


def shapes(max_dims=3, max_side=4, min_side=0):
    """Shapes with 0 to `max_dims` dimensions; sizes may be 0."""
    return npst.array_shapes(min_dims=0, max_dims=max_dims, min_side=min_side, max_side=max_side)


def broadcastable_shapes(number, max_dims=3, max_side=4, min_side=0):
    """`number` shapes that broadcast against one another: equal sizes, or 1, or missing dimensions."""
    if number == 1:
        return shapes(max_dims, max_side, min_side).map(lambda shape: (shape,))
    drawn = npst.mutually_broadcastable_shapes(
        num_shapes=number, max_dims=max_dims, max_side=max_side, min_side=min_side
    )
    return drawn.map(lambda found: found.input_shapes)


def dtypes(kinds="f"):
    """Dtypes of the given kinds: "f" floating, "i" integer, "b" boolean."""
    known = {"f": (np.float32, np.float64), "i": (np.int32, np.int64, np.uint8), "b": (np.bool_,)}
    return st.sampled_from([np.dtype(dtype) for kind in kinds for dtype in known[kind]])


def layouts():
    """How an array lies in memory: one of `operands.LAYOUTS`."""
    return st.sampled_from(LAYOUTS)


def seeds():
    """Seeds for NumPy's random generators."""
    return st.integers(0, 2**32 - 1)


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
                drawn[number] = laid_out(
                    x, draw(layouts().filter(lambda layout: equal_allowed or layout != "repeated"))
                )
    return drawn, dict(attributes)


def tensors_or_arrays(number):
    """For each of `number` operands, whether to give it as a Tensor; at least one is."""
    return st.lists(st.booleans(), min_size=number, max_size=number).filter(lambda flags: not flags or any(flags))
