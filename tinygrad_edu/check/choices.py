"""Choices read from bytes: what turns a string of bytes into a shape, an index, a whole program.

Whoever draws something asks `below(n)` for a number from 0 to n - 1. The bytes come from hypothesis, which makes a
failing example simpler by making them fewer and smaller, or from a random generator. So 0 must always be the simplest
choice; when the bytes are used up, every further choice is 0.
"""

import math

import numpy as np

INDEX_KINDS = ("int", "slice", "array", "mask", "ellipsis", "none")
"""What an index may be made of."""


class Choices:
    """The choices that a string of bytes makes."""

    def __init__(self, data):
        self._bytes = iter(data)

    def below(self, n):
        """A number from 0 to n - 1."""
        if n <= 1:
            return 0
        value = next(self._bytes, 0)
        if n > 256:
            value += 256 * next(self._bytes, 0)
        return value % n

    def of(self, items):
        """One of several items; the first is the simplest."""
        return items[self.below(len(items))]

    def chance(self, one_in):
        """True once in so many times."""
        return self.below(one_in) == one_in - 1


def choose_shape(choices, most=12, max_dims=3):
    """A shape of at most `most` elements, none of its sizes 0."""
    shape = []
    for _ in range(choices.of((0, 1, 2, 2, 1, 3)[: max_dims + 3])):
        room = min(most // max(math.prod(shape), 1), 4)
        size = 1 + choices.below(room)
        shape.append(shape[-1] if shape and shape[-1] <= room and choices.below(2) else size)  # often square
    return tuple(shape[:max_dims])


def choose_partner(choices, shape):
    """A shape that broadcasts with `shape`, and does not make it larger: the same, (), fewer dimensions, or ones."""
    kind = choices.below(4)
    if kind == 0:
        return shape
    if kind == 1:
        return ()
    shape = shape[choices.below(len(shape) + 1) :]
    if kind == 2:
        return shape
    return tuple([1 if choices.below(2) else size for size in shape])


def choose_axis(choices, ndim):
    """An axis of a tensor with `ndim` dimensions, often negative. Of a tensor without dimensions 0 or -1."""
    axis = choices.below(max(ndim, 1))
    return axis - max(ndim, 1) if choices.below(3) == 2 else axis


def choose_axes(choices, ndim):
    """A tuple of one or more different axes, in any order, some of them negative."""
    order = list(range(ndim))
    chosen = [order.pop(choices.below(len(order))) for _ in range(1 + choices.below(ndim))] if ndim else []
    return tuple([axis - ndim if choices.below(3) == 2 else axis for axis in chosen])


def choose_slice(choices, size):
    """A slice with any step: for size > 0 it takes at least one element."""
    if not size:
        return slice(None)
    start, step = choices.below(size), choices.of((None, 2, -1, -2, 3))
    direction = 1 if (step or 1) > 0 else -1
    count = 1 + choices.below(size if direction > 0 else start + 1)
    stop = start + direction * count
    start = choices.of((start, start - size))
    if direction > 0:
        return slice(start if start else None, stop if stop < size else None, step)
    return slice(start, stop if stop >= 0 else None, step)


def choose_index(choices, shape, kinds=INDEX_KINDS):
    """An index that is valid for a tensor of this shape and, if no size is 0, takes at least one element.

    kinds  what it may be made of. An index array and a mask do not meet in one index, and there is one mask at most
    """
    forms = ((1 + choices.below(3),), (1 + choices.below(2), 1 + choices.below(2)))
    common = forms[choices.chance(4)]  # the shape that all index arrays broadcast to
    index, axis, advanced, ellipsis = [], 0, None, False
    while axis < len(shape):
        fits = [kind for kind in kinds if _fits(kind, shape[axis], advanced, ellipsis, index)]
        if not fits or (index and not ellipsis and choices.below(2) == 0):
            break
        kind = choices.of(fits)
        if kind == "none":
            index.append(None)
        elif kind == "ellipsis":
            index.append(Ellipsis)
            ellipsis, axis = True, axis + choices.below(len(shape) - axis + 1)
        elif kind == "int":
            index.append(choices.below(shape[axis]) - shape[axis] * choices.below(2))
            axis += 1
        elif kind == "slice":
            index.append(choose_slice(choices, shape[axis]))
            axis += 1
        elif kind == "array":
            form = choices.of((common, common[-1:], (1,) * len(common)))
            values = [choices.below(shape[axis]) - shape[axis] * choices.below(2) for _ in range(math.prod(form))]
            index.append(np.array(values, np.int64).reshape(form))
            advanced, axis = kind, axis + 1
        else:
            last = axis + 1 + choices.below(len(shape) - axis)
            index.append(_choose_mask(choices, shape[axis:last]))
            advanced, axis = kind, last
    if not index:
        return choices.of(
            [item for item, kind in ((Ellipsis, "ellipsis"), ((), "int"), (None, "none")) if kind in kinds]
        )
    return index[0] if len(index) == 1 and choices.below(2) == 0 else tuple(index)


def _fits(kind, size, advanced, ellipsis, index):
    if kind == "ellipsis":
        return not ellipsis
    if kind == "none":
        return index.count(None) < 2 if all(not isinstance(item, np.ndarray) for item in index) else False
    if kind == "slice" or not size:
        return kind == "slice"
    return advanced is None if kind == "mask" else kind == "int" or advanced != "mask"


def _choose_mask(choices, shape):
    """A mask with at least one True, unless it has no elements."""
    mask = np.array([choices.below(2) == 0 for _ in range(math.prod(shape))], bool)
    if mask.size and not mask.any():
        mask[0] = True
    return mask.reshape(shape)
