"""Padding: values around a tensor, a number or such as its border suggests; and taking values away.

What is added is taken from the tensor along one dimension after the other, so that corners come by themselves:

    mode         left of a b c d    right     the source of place k outside 0 … n − 1
    reflect            … c b        c b …     −k, or 2 (n − 1) − k: the border is a mirror, and is not repeated
    replicate          … a a        d d …     the place on the border
    circular           … c d        a b …     k modulo n

The adjoint of pad_border, fold_border, adds what lies outside to where it came from.
"""

import numpy as np

from ..define import case, composite, op
from ..errors import OperationError
from .indexing import getitem, put
from .joining import pad_zeros

MODES = ("constant", "reflect", "replicate", "circular")


def sources(size, before, after, mode):
    """For each place along a padded dimension, the place inside from which its value comes."""
    k = np.arange(-before, size + after)
    if mode == "replicate":
        return np.clip(k, 0, size - 1)
    return k % size if mode == "circular" else np.where(k < size, np.abs(k), 2 * (size - 1) - k)


def by_index(x, pads, mode):
    """What pad_border does, as reading along one dimension after the other."""
    for dim, (before, after) in enumerate(pads):
        if before or after:
            x = getitem(x, (slice(None),) * dim + (sources(x.shape[dim], before, after, mode),))
    return x


def back_by_index(x, pads, mode):
    """What fold_border does, as adding along one dimension after the other."""
    for dim, (before, after) in reversed([*enumerate(pads)]):
        if before or after:
            size = x.shape[dim] - before - after
            shape = (*x.shape[:dim], size, *x.shape[dim + 1 :])
            x = put(x, shape, (slice(None),) * dim + (sources(size, before, after, mode),))
    return x


def borders(shape, pads, mode):
    """For each border of a padded array of `shape`, (dim, the border, where it comes from): two indices of one size,
    or of size 1 in dim where one place is the source of all. In this order, each reads only what is there already."""
    region = [slice(before, size - after) for size, (before, after) in zip(shape, pads)]
    for dim, (before, after) in enumerate(pads):
        first, end = before, shape[dim] - after
        if mode == "reflect":
            left, right = slice(2 * before, before, -1), backwards(end - 2, after)
        elif mode == "replicate":
            left, right = slice(first, first + 1), slice(end - 1, end)
        else:
            left, right = slice(end - before, end), slice(first, first + after)
        for count, border, source in ((before, slice(0, first), left), (after, slice(end, None), right)):
            if count:
                yield dim, (*region[:dim], border, *region[dim + 1 :]), (*region[:dim], source, *region[dim + 1 :])
        region[dim] = slice(None)


def backwards(start, count):
    """A slice of `count` places from `start` down."""
    stop = start - count
    return slice(start, stop if stop >= 0 else None, -1)


SAMPLES = [
    case((2, 4), pads=((0, 0), (2, 1)), mode="reflect"), case((3, 4), pads=((1, 2), (0, 3)), mode="reflect"),
    case((2, 3, 2), pads=((0, 0), (2, 4), (1, 0)), mode="replicate"),
    case((3, 4), pads=((2, 0), (4, 1)), mode="circular"),
    case((0, 3), pads=((0, 0), (1, 1)), mode="circular"),
]  # fmt: skip


@op(
    lambda g, pads, mode: fold_border(g, pads, mode),
    linear=(0,), internal=True, label="pad", definition=by_index, samples=SAMPLES,
)  # fmt: skip
def pad_border(x, pads, mode):
    """x continued beyond its borders as `mode` says: pads[i] = (how many before, how many after) along dimension i."""
    shape = tuple([before + size + after for (before, after), size in zip(pads, x.shape)])
    result = np.empty(shape, x.dtype)
    result[tuple([slice(before, before + size) for (before, _), size in zip(pads, x.shape)])] = x
    for _, border, source in borders(shape, pads, mode):
        result[border] = result[source]
    return result


@op(
    lambda g, pads, mode: pad_border(g, pads, mode),
    linear=(0,), internal=True, label="fold", definition=back_by_index,
    samples=[
        case((2, 7), pads=((0, 0), (2, 1)), mode="reflect"), case((6, 7), pads=((1, 2), (0, 3)), mode="reflect"),
        case((2, 9, 3), pads=((0, 0), (2, 4), (1, 0)), mode="replicate"),
        case((5, 9), pads=((2, 0), (4, 1)), mode="circular"),
    ],
)  # fmt: skip
def fold_border(x, pads, mode):
    """x without what pads[i] says of dimension i, each part added to where pad_border takes it from: the adjoint of
    that."""
    x = x.copy()
    for dim, border, source in reversed([*borders(x.shape, pads, mode)]):
        x[source] += x[border].sum(dim, keepdims=True) if mode == "replicate" else x[border]
    return x[tuple([slice(before, size - after) for size, (before, after) in zip(x.shape, pads)])].copy()


@composite(method=False)
def pad(input, pad, mode="constant", value=None):
    """The tensor with places added around it, or taken away.

    pad    how many places: (before, after) of the last dimension, then of the one before it, and so on; negative
           numbers take places away
    mode   what the new places hold: "constant", the number `value` (0 unless given); "reflect", "replicate" or
           "circular", values of the tensor: see the top of ops/padding.py. These pad the last one, two or three
           of 2 to 5 dimensions, all but the first one or two
    """
    numbers = checked_numbers(pad)
    ndim = len(input.shape)
    if len(numbers) > 2 * ndim:
        raise OperationError(
            f"pad: {len(numbers)} numbers are for {len(numbers) // 2} dimensions, two each, and the tensor has {ndim}"
        )
    pads = [(0, 0)] * ndim
    for i in range(len(numbers) // 2):
        pads[ndim - 1 - i] = numbers[2 * i], numbers[2 * i + 1]
    for dim, (before, after) in enumerate(pads):
        size = input.shape[dim]
        if min(before, 0) + min(after, 0) + size < 0:
            raise OperationError(
                f"pad: {(before, after)} takes away more places of dimension {dim} than it has, {size}"
            )
    if mode == "constant":
        input = cropped(input, pads)
        pads = tuple([(max(before, 0), max(after, 0)) for before, after in pads])
        return pad_zeros(input, pads, 0 if value is None else value) if any(map(any, pads)) else input
    check_mode(mode, value, len(numbers), ndim)
    return continued(input, pads, mode)


def checked_numbers(pad):
    """The argument `pad` as a tuple of ints."""
    if not isinstance(pad, (tuple, list)) or not all(isinstance(n, (int, np.integer)) for n in pad):
        raise TypeError(f"pad: the numbers of places must be a tuple of ints such as (1, 1), not {pad!r:.80}")
    if len(pad) % 2:
        raise OperationError(
            f"pad: each dimension takes two numbers, before and after, and there are {len(pad)}: {pad}"
        )
    return tuple([int(n) for n in pad])


def check_mode(mode, value, count, ndim):
    if mode not in MODES:
        raise NotImplementedError(f"pad: there is no mode {mode!r}; the modes are {', '.join(MODES)}")
    if value:
        raise OperationError(f"pad: mode {mode!r} takes its values from the tensor; leave out value={value}")
    if count not in (2, 4, 6) or not count // 2 + 1 <= ndim <= count // 2 + 2:
        raise NotImplementedError(
            f"pad: mode {mode!r} pads the last 1, 2 or 3 dimensions (2, 4 or 6 numbers) of a tensor that has one or "
            "two more "
            f"in front (channels, or a batch of them), not {count} numbers for {ndim} dimensions; reshape the tensor"
        )


def continued(x, pads, mode):
    """x padded from its own values, and cropped where numbers are negative."""
    if mode == "circular":  # what is cropped is gone; the other modes look at it
        x = cropped(x, pads)
    for dim, (before, after) in enumerate(pads):
        size, most = x.shape[dim], max(before, after)
        if mode == "circular" and most > size:
            raise OperationError(
                f"pad: {(before, after)} would go around dimension {dim} of size {size} more than once"
            )
        if mode == "reflect" and (before or after) and most >= size:
            raise OperationError(
                f"pad: {(before, after)} of dimension {dim} needs at least {most + 1} values to reflect, and there "
                f"are {size}"
            )
        if mode == "replicate" and size == 0 and most > 0:
            raise OperationError(f"pad: dimension {dim} is empty: there is no border to replicate")
    added = tuple([(max(before, 0), max(after, 0)) for before, after in pads])
    if any(map(any, added)):
        x = pad_border(x, added, mode)
    return x if mode == "circular" else cropped(x, pads)


def cropped(x, pads):
    """x without the places that negative numbers take away: a view."""
    if min(map(min, pads), default=0) >= 0:
        return x
    return getitem(x, tuple([slice(max(-a, 0), size - max(-b, 0)) for (a, b), size in zip(pads, x.shape)]))
