"""Shapes, shapes that broadcast, axes, and indices: what fits what."""

import hypothesis.strategies as st
from hypothesis.extra import numpy as npst

from ..choices import INDEX_KINDS, Choices, choose_index


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


def axis(shape):
    """One axis of a tensor of that shape (or with that many dimensions), counted from the first or, negative, the last.

    A tensor without dimensions has the axes 0 and -1, as in PyTorch.
    """
    ndim = max(_ndim(shape), 1)
    return st.integers(0, ndim - 1) | st.integers(-ndim, -1)


@st.composite
def several_axes(draw, shape, min_size=1):
    """A tuple of different axes in any order, some of them negative; () for a tensor without dimensions."""
    ndim = _ndim(shape)
    chosen = draw(st.lists(st.integers(0, ndim - 1), min_size=min(min_size, ndim), unique=True)) if ndim else []
    return tuple([axis - ndim if draw(st.booleans()) else axis for axis in chosen])


def axes(shape, one=True, several=True, none=True):
    """What a reduction takes as `dim`: None (all axes), one axis, or a tuple of several; some can be left out."""
    kinds = [st.none()] * bool(none) + [axis(shape)] * bool(one) + [several_axes(shape)] * bool(several)
    if not kinds:
        raise ValueError("axes(...) leaves nothing to draw: allow one, several or none")
    return st.one_of(kinds)


def _ndim(shape):
    return shape if isinstance(shape, int) else len(shape)


def indices(shape, kinds=INDEX_KINDS):
    """Indices that are valid for a tensor of that shape: x[index] works, and is not empty unless x is.

    kinds  what they are made of: "int", "slice" (with any step), "array" (of integers, one that may repeat), "mask" (of
           booleans, for one dimension or several), "ellipsis", "none" (a new axis); mixed in every way that NumPy has
    """
    unknown = sorted(set(kinds) - set(INDEX_KINDS))
    if unknown or not kinds:
        raise ValueError(f"kinds of indices are {', '.join(INDEX_KINDS)}, not {', '.join(unknown) or 'none at all'}")
    kinds = tuple([kind for kind in INDEX_KINDS if kind in kinds])
    length = 6 + 12 * len(shape)
    return st.binary(min_size=length, max_size=length).map(
        lambda data: choose_index(Choices(data), tuple(shape), kinds)
    )
