"""Windows of pooling: how many there are, which element of each a step looks at, and what is computed from them.

Pooling over a box of k × k elements is pooling over k elements along one dimension after the other, here from the
last to the first. Along one dimension, the window with number o looks at the places o · stride − padding + j ·
dilation, j = 0 … kernel − 1. All windows take the same step j at once: what they look at is a slice of the array,
with the stride of the windows. So there are `kernel` passes over whole arrays and no loop over windows. Steps outside
of the array are left out of the slice; nothing is padded.

A *stage* is the work along one dimension. Its gradient goes back the same way.
"""

import functools
from typing import NamedTuple

import numpy as np

from ..blocks import in_parts
from ..errors import OperationError
from ..tensor import Tensor

MANY = 6
"""Steps from which on a window that holds everything is reduced by NumPy at once."""


class Windows(NamedTuple):
    """The windows along one dimension of `size` elements: `count` of them."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    count: int

    @property
    def trivial(self):
        """Whether each window holds just the element of its number."""
        return self.kernel == self.stride == 1 and self.count == self.size

    @property
    def apart(self):
        """Whether no element is in two windows."""
        return (self.kernel - 1) * self.dilation < self.stride

    @property
    def tiles(self):
        """Whether every element is in exactly one window."""
        return (
            self.kernel == self.stride
            and self.dilation == 1
            and not self.padding
            and self.count * self.stride == self.size
        )

    @property
    def holds_all(self):
        """Whether there is one window, of every element."""
        return self.count == 1 and self.dilation == 1 and self.padding == 0 and self.kernel >= self.size


def geometry(size, kernel, stride, padding, dilation, ceil_mode=False):
    """The windows along one dimension: those that fit in, with ceil_mode also one that begins inside and ends
    outside."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return Windows(size, kernel, stride, padding, dilation, count)


@functools.lru_cache(maxsize=256)
def steps_of(windows):
    """For each step inside the array: (its number, slice of the windows for which it is inside, slice of what they
    look at)."""
    size, kernel, stride, padding, dilation, count = windows
    steps = []
    for j in range(kernel):
        start = j * dilation - padding
        low, high = max(0, -(start // stride)), min(count, (size - 1 - start) // stride + 1)
        if low < high:
            steps.append((j, slice(low, high), slice(start + low * stride, start + (high - 1) * stride + 1, stride)))
    return steps


def stages(x, windows):
    """(axis, windows) for the last dimensions of x, from the last to the first, without those that change nothing."""
    first = x.ndim - len(windows)
    return [(first + i, windows[i]) for i in reversed(range(len(windows))) if not windows[i].trivial]


def at(axis, places):
    """The index of `places` along an axis."""
    return (slice(None),) * axis + (places,)


def empty_for(x, axis, count):
    """A new array of x's dtype, and order in memory, with `count` places along an axis."""
    return np.empty_like(x, shape=(*x.shape[:axis], count, *x.shape[axis + 1 :]))


def lowest(dtype):
    """The number of a dtype that is less than all others."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


# ---- one result for each window


def reduce_stage(ufunc, x, axis, windows, out):
    """The elements of each window along one axis put together by `ufunc`, np.maximum or np.add, into `out`."""
    if windows.holds_all and windows.size >= MANY:
        return ufunc.reduce(x, axis, keepdims=True, out=out)
    steps = steps_of(windows)
    begin = [step for step in steps if step[1] == slice(0, windows.count)][:2]
    if len(begin) == 2:
        ufunc(x[at(axis, begin[0][2])], x[at(axis, begin[1][2])], out=out)
    elif begin:
        out[...] = x[at(axis, begin[0][2])]
    else:
        out.fill(lowest(x.dtype) if ufunc is np.maximum else 0)
    for step in steps:
        if step not in begin:
            part = out[at(axis, step[1])]
            ufunc(part, x[at(axis, step[2])], out=part)
    return out


def reduced(ufunc, x, windows):
    """The elements of each window in the last dimensions of x put together by `ufunc`: a new array."""
    passes = stages(x, windows)
    if not passes:
        return x.copy()
    if all(w.holds_all for _, w in passes):
        return ufunc.reduce(x, tuple([axis for axis, _ in passes]), keepdims=True)
    out = x
    for axis, w in passes:
        out = empty_for(out, axis, w.count)

    def work(some):
        part = x[some]
        for axis, w in passes[:-1]:
            part = reduce_stage(ufunc, part, axis, w, empty_for(part, axis, w.count))
        axis, w = passes[-1]
        reduce_stage(ufunc, part, axis, w, out[some])

    run(work, x, windows)
    return out


def run(work, x, windows):
    """work(index) for parts of x that have whole windows; on several threads if x is large."""
    if x.ndim == len(windows):
        work(...)
    elif x.shape[0] == 1 and x.ndim > len(windows) + 1:  # a batch of one
        in_parts(lambda start, stop: work((slice(None), slice(start, stop))), x.shape[1], x.size)
    else:
        in_parts(lambda start, stop: work(slice(start, stop)), x.shape[0], x.size)


# ---- the largest


def step_numbers(x, out, axis, windows):
    """The number of the step at which each window meets its largest element: the first such step, as in PyTorch; but
    the last at which it meets NaN."""
    numbers = np.zeros(out.shape, np.intp)
    for j, some, places in reversed(steps_of(windows)):
        np.copyto(numbers[at(axis, some)], j, where=x[at(axis, places)] == out[at(axis, some)])
    if out.dtype.kind == "f" and np.isnan(out).any():
        for j, some, places in steps_of(windows):
            np.copyto(numbers[at(axis, some)], j, where=np.isnan(x[at(axis, places)]))
    return numbers


def places_of_largest(x, windows):
    """The places in x, an array for each of the last dimensions, at which the windows have their largest elements."""
    found = []
    for axis, w in reversed([*enumerate(windows, x.ndim - len(windows))]):
        out = reduce_stage(np.maximum, x, axis, w, empty_for(x, axis, w.count))
        first = np.arange(w.count).reshape((-1,) + (1,) * (x.ndim - 1 - axis)) * w.stride - w.padding
        places = np.clip(first + w.dilation * step_numbers(x, out, axis, w), 0, w.size - 1)
        found = [places, *[np.take_along_axis(others, places, axis) for others in found]]
        x = out
    return found


def to_largest(g, x, out, windows):
    """The gradient of the largest elements `out` of x: g of each window at the place of its largest element."""
    passes = stages(x, windows)
    if not passes:
        return g.copy()
    result = np.empty_like(x)

    def work(some):
        values = [x[some]]
        for axis, w in passes[:-1]:
            values.append(reduce_stage(np.maximum, values[-1], axis, w, empty_for(values[-1], axis, w.count)))
        values.append(out[some])
        part = g[some]
        # Multiplying by 0 and 1 does not keep infinities and NaN apart; and NaN equals nothing. A NaN of x is in `out`.
        multiplies = np.isfinite(np.add.reduce(part, None)) and not np.isnan(np.add.reduce(values[-1], None))
        stage = to_equals_stage if multiplies else to_step_stage
        while len(values) > 1:
            after, before = values.pop(), values[-1]
            axis, w = passes[len(values) - 1]
            target = np.empty_like(before) if len(values) > 1 else result[some]
            if not w.tiles:
                target.fill(0)
            stage(part, before, after, axis, w, target)
            part = target

    run(work, x, windows)
    return result


def to_equals_stage(g, x, out, axis, windows, target):
    """The same along one axis, into `target`: whatever equals the largest gets all that is left of g, which leaves
    nothing for later equals. Where windows are tiles, what is left after the last step but one belongs to the last."""
    left, steps = g, steps_of(windows)
    last = at(axis, steps[-1][2]) if windows.tiles else None
    for j, some, places in steps:
        equals = x[at(axis, places)] == out[at(axis, some)]
        part, rest = target[at(axis, places)], left[at(axis, some)]
        if windows.apart:
            mine = np.multiply(rest, equals, out=part)
        else:
            mine = rest * equals
            part += mine
        if windows.tiles and j == windows.kernel - 2:
            np.subtract(left, mine, out=target[last])
            return
        if left is g:
            left = g.copy()
            rest = left[at(axis, some)]
        rest -= mine


def to_step_stage(g, x, out, axis, windows, target):
    """The same by the numbers of steps, for infinities and NaN."""
    numbers = step_numbers(x, out, axis, windows)
    for j, some, places in steps_of(windows):
        part = target[at(axis, places)]
        share = np.where(numbers[at(axis, some)] == j, g[at(axis, some)], g.dtype.type(0))
        part[...] = share if windows.apart else part + share


# ---- the sum


def spread(g, windows):
    """The adjoint of the sum over windows: g of each window at every place it looks at."""
    passes = stages(g, windows)[::-1]
    if not passes:
        return g.copy()
    result = g
    for axis, w in passes:
        result = empty_for(result, axis, w.size)

    def work(some):
        part = g[some]
        for axis, w in passes:
            part = spread_stage(part, axis, w, result[some] if axis == passes[-1][0] else empty_for(part, axis, w.size))

    run(work, result, windows)
    return result


def spread_stage(g, axis, windows, target):
    """The same along one axis, into `target`."""
    if windows.holds_all:
        target[...] = g
        return target
    if not windows.tiles:
        target.fill(0)
    for _, some, places in steps_of(windows):
        part = target[at(axis, places)]
        if windows.apart:
            part[...] = g[at(axis, some)]
        else:
            part += g[at(axis, some)]
    return target


# ---- arguments


def several(value, n, name, what):
    """A setting of a pooling function as n ints: given as one, or as a sequence of n, or of one."""
    if isinstance(value, Tensor):
        value = value.tolist()
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if not all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values):
        raise TypeError(f"{name}: {what} must be an int, or a tuple of {n} of them, not {value!r}")
    if len(values) not in (1, n):
        raise OperationError(f"{name}: {what} must be an int, or a tuple of {n} of them, not {value!r}")
    return tuple([int(v) for v in values]) * (n if len(values) == 1 else 1)


def check_input(input, n, name, empty_channels=False):
    """The sizes of the last n dimensions of an input with channels, and perhaps a batch, in front of them."""
    shape = tuple(input.shape)
    if not n + 1 <= len(shape) <= n + 2:
        raise OperationError(
            f"{name}: the input has channels and {n} more dimensions, perhaps after a batch: {n + 1} or {n + 2} in "
            "all, not "
            f"{len(shape)} {shape}; add missing ones with unsqueeze(0)"
        )
    first = len(shape) - n - (0 if empty_channels else 1)
    if 0 in shape[first:]:
        raise OperationError(
            f"{name}: there is nothing to pool in an input of shape {shape}; only the batch may be empty"
        )
    return shape[-n:]


def windows_for(input, kernel_size, stride, padding, dilation, ceil_mode, n, name):
    """The windows of a pooling function, its arguments checked."""
    sizes = check_input(input, n, name)
    kernel = several(kernel_size, n, name, "kernel_size")
    stride = kernel if stride is None or stride == () or stride == [] else several(stride, n, name, "stride")
    padding, dilation = several(padding, n, name, "padding"), several(dilation, n, name, "dilation")
    for values, what in ((kernel, "kernel_size"), (stride, "stride"), (dilation, "dilation")):
        if min(values) < 1:
            raise OperationError(f"{name}: {what} must be positive, not {values}")
    for k, p, d in zip(kernel, padding, dilation):
        if not 0 <= p <= ((k - 1) * d + 1) // 2:
            raise OperationError(
                f"{name}: padding must be between 0 and half of the window, {((k - 1) * d + 1) // 2}, not {p}: "
                "windows of padding "
                "alone have no result"
            )
    windows = tuple([geometry(*values, ceil_mode) for values in zip(sizes, kernel, stride, padding, dilation)])
    if min(w.count for w in windows) < 1:
        raise OperationError(
            f"{name}: not one window of kernel_size {kernel} and dilation {dilation} fits in {sizes} with padding "
            f"{padding}; use a "
            "smaller kernel"
        )
    return windows
