"""Pooling: the largest element of each window, or the average; and back.

Windows lie in the last dimensions, as many as the number in the name says; those in front of them (channels, a batch)
are left alone. `pooling_windows` has the geometry and the work on arrays.

The largest: d loss/dx is d loss/d result, moved to the place of the largest element. That is linear in d loss/d
result, and its adjoint, picking from those places, is `gather`. So where gradients are recorded, the places are
computed and the rule is `put_along`, the adjoint of `gather`; without, `to_largest`, which is faster and only compares.

The average is linear: avg_pool and avg_unpool are each other's adjoint.
"""

import functools
import math
import operator

import numpy as np

from ..define import case, composite, op
from ..errors import OperationError
from ..tensor import Tensor, of_array
from .indexing import getitem, put, put_along
from .joining import pad_zeros, stack
from .pooling_windows import (
    at, geometry, places_of_largest, reduced, spread, stages, steps_of, to_largest, windows_for,
)  # fmt: skip
from .reduce import amax, sum
from .shape import reshape


def by_stacking(reduction, value):
    """The definition of pooling: along one dimension after the other, what the windows look at at each step is
    stacked, and the stack is reduced. The border is padded with `value`."""

    def pooled(x, windows):
        for axis, w in stages(x, windows):
            last = (w.count - 1) * w.stride
            pads = [(0, 0)] * x.ndim
            pads[axis] = w.padding, max(0, last + (w.kernel - 1) * w.dilation + 1 - w.size - w.padding)
            padded, starts = pad_zeros(x, tuple(pads), value), range(0, w.kernel * w.dilation, w.dilation)
            x = reduction(stack([getitem(padded, at(axis, slice(j, j + last + 1, w.stride))) for j in starts]), 0)
        return x

    return pooled


def by_putting(g, windows, divisor):
    """The definition of avg_unpool: what a step looks at gets what its window has, and the steps are added."""
    g = g / divisor
    for axis, w in reversed(stages(g, windows)):
        shape = (*g.shape[:axis], w.size, *g.shape[axis + 1 :])
        parts = [put(getitem(g, at(axis, some)), shape, at(axis, places)) for _, some, places in steps_of(w)]
        g = functools.reduce(operator.add, parts)
    return g


ONE, TWO = (geometry(7, 2, 2, 0, 1),), (geometry(5, 3, 2, 1, 1), geometry(6, 2, 3, 0, 2, True))
TILES, ALL = (geometry(4, 2, 2, 0, 1),) * 2, (geometry(1, 1, 1, 0, 1), geometry(9, 9, 9, 0, 1))
COUNTS = np.array([[4.0, 2.0], [5.0, 3.0], [4.0, 2.0]])
SAMPLES = [
    case((2, 7), windows=ONE), case((5, 6), windows=TWO), case((2, 4, 4), windows=TILES), case((2, 1, 9), windows=ALL),
    case((0, 4), windows=(geometry(4, 3, 1, 1, 1),)), case((4,), windows=(geometry(4, 1, 1, 0, 1),)),
]  # fmt: skip


# ---- the largest


def flat_places(x, windows):
    """Where the windows have their largest elements: the numbers of places in the last dimensions, flattened."""
    number = 0
    for w, places in zip(windows, places_of_largest(x, windows)):
        number = number * w.size + places
    return number


def max_pool_gradient(g, x, out, windows):
    if not isinstance(g, Tensor):
        return to_largest(g, x, out, windows)
    lead = tuple(x.shape[: x.ndim - len(windows)])
    size, count = math.prod(w.size for w in windows), math.prod(w.count for w in windows)
    places = flat_places(x.array, windows).reshape(*lead, count)
    return reshape(put_along(reshape(g, places.shape), (*lead, size), -1, places), tuple(x.shape))


@op(
    lambda g, x, out, windows: max_pool_gradient(g, x, out, windows),
    internal=True, label="max pool", avoid=["ties"], definition=by_stacking(amax, -np.inf), samples=SAMPLES,
)  # fmt: skip
def max_pool(x, windows):
    """The largest element of each window; NaN if there is one. The gradient goes to the first of equal ones."""
    if x.dtype.kind not in "fiu":
        raise TypeError(f"there is no largest of {x.dtype} values; convert them with .float()")
    return reduced(np.maximum, x, windows)


def largest(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, n):
    """What the functions max_pool1d, 2d and 3d do."""
    windows = windows_for(input, kernel_size, stride, padding, dilation, ceil_mode, n, f"max_pool{n}d")
    values = max_pool(input, windows)
    return (values, indices_of_largest(input, windows)) if return_indices else values


def indices_of_largest(input, windows):
    """`flat_places`, as a tensor if the input is one."""
    return (
        of_array(flat_places(input.array, windows), None) if isinstance(input, Tensor) else flat_places(input, windows)
    )


@composite(method=False)
def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window: input (N, C, L) or (C, L). See max_pool2d."""
    return largest(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 1)


@composite(method=False)
def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window: input (N, C, H, W) or (C, H, W), result the same with

        H' = ⌊(H + 2 padding − dilation (kernel_size − 1) − 1) / stride⌋ + 1

    kernel_size     size of a window, an int or one for each dimension, as all of these
    stride          how far windows lie apart; by default their size
    padding         how many places that count as −∞ lie around the input; at most half a window
    dilation        how far the elements of a window lie apart
    ceil_mode       round up instead of down: the last windows may reach over the end
    return_indices  return (values, indices): where the largest elements lie, as row · W + column

    The gradient goes to the largest element of a window, the first if there are several. If there is NaN the result
    is NaN.
    """
    return largest(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 2)


@composite(method=False)
def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window: input (N, C, D, H, W) or (C, D, H, W). See max_pool2d."""
    return largest(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 3)


# ---- the average


@op(
    lambda g, windows, divisor: avg_unpool(g, windows, divisor), linear=(0,), internal=True, label="avg pool",
    definition=lambda x, windows, divisor: by_stacking(sum, 0)(x, windows) / divisor,
    samples=[case(*operands, **attributes, divisor=3.0) for operands, attributes in SAMPLES]
    + [case((5, 6), windows=TWO, divisor=COUNTS)],
)  # fmt: skip
def avg_pool(x, windows, divisor):
    """The sum of each window divided by `divisor`, a number or one for each window."""
    if x.dtype.kind != "f":
        raise TypeError(f"averages of {x.dtype} values are no {x.dtype} values; convert them with .float()")
    result = reduced(np.add, x, windows)
    result /= divisor
    return result


@op(
    lambda g, windows, divisor: avg_pool(g, windows, divisor), linear=(0,), internal=True, label="avg unpool",
    definition=by_putting,
    samples=[
        case((2, 3), windows=ONE, divisor=2.0),
        case((3, 2), windows=TWO, divisor=COUNTS),
        case((2, 2), windows=TILES, divisor=-1.0),
        case((2, 1, 1), windows=ALL, divisor=9.0),
    ],
)  # fmt: skip
def avg_unpool(x, windows, divisor):
    """x of each window, divided by `divisor`, added at every place that the window looks at: the adjoint of
    avg_pool."""
    return spread(x / np.asarray(divisor, x.dtype), windows)


@functools.lru_cache(maxsize=256)
def sizes_of(windows, count_include_pad):
    """How many elements the windows have, as one number or an array."""
    counts = np.ones(())
    for w in windows:
        start = np.arange(w.count) * w.stride - w.padding
        end = np.minimum(start + w.kernel, w.size + w.padding)
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, w.size)
        counts = np.multiply.outer(counts, end - start)
    first = counts.flat[0]
    return float(first) if (counts == first).all() else counts


def average(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, n):
    """What the functions avg_pool1d, 2d and 3d do."""
    windows = windows_for(input, kernel_size, stride, padding, 1, ceil_mode, n, f"avg_pool{n}d")
    if divisor_override == 0:
        raise OperationError(
            f"avg_pool{n}d: divisor_override must not be 0; leave it out to divide by the size of the windows"
        )
    return avg_pool(
        input, windows, sizes_of(windows, count_include_pad) if divisor_override is None else divisor_override
    )


@composite(method=False)
def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The average of each window: input (N, C, L) or (C, L). See avg_pool2d."""
    return average(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, 1)


@composite(method=False)
def avg_pool2d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """The average of each window: input (N, C, H, W) or (C, H, W). See max_pool2d for the sizes.

    count_include_pad  whether the places of the padding count, as zeros; places beyond it never do
    divisor_override   divide by this instead of by the number of places
    """
    return average(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 2)


@composite(method=False)
def avg_pool3d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """The average of each window: input (N, C, D, H, W) or (C, D, H, W). See avg_pool2d."""
    return average(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 3)
