"""Normalisation of channels: batch_norm, group_norm, instance_norm.

x has shape (N, C, ...): N examples of C channels. What is normalised together, x̂ = (x − mean) / √(variance + eps), are

    batch_norm      all elements of a channel, of all examples
    group_norm      all elements of a group of channels, of one example
    instance_norm   all elements of one channel of one example: groups of one channel

and then each channel has its weight and bias. Statistics thus have the shape (N or 1, groups, 1), and everything that a
channel of an example is multiplied with, or that is added to it, the shape (N or 1, groups, channels of a group).

With those small arrays known the large ones take few passes: two for sums, two for the result x · factor + addend. So
it is in the backward pass, where d loss/dx is g · factor + x · factor + addend.
"""

import numpy as np

from ..clock import writes
from ..define import case, composite, op
from ..errors import OperationError
from ..tensor import Tensor
from .elementary import rsqrt
from .normalization import FAR, filled, input_gradient_by_ops, normalized_by_ops, row_products
from .reduce import sum as sum_
from .shape import reshape

WIDE = 2048
"""Elements of a row that is long enough for the time of a pass to be spent in the rows and not between them."""


class Layout:
    """How x lies in memory, and what is summed up and spread accordingly.

    A matrix holds either one row for each channel of each example; or, where channels are the last in memory (always if
    x has two dimensions), one column for each channel.
    """

    def __init__(self, x, groups):
        n, c = x.shape[:2]
        self.columns = groups is None and (
            x.ndim == 2 or (not x.flags.c_contiguous and channels_last(x).flags.c_contiguous)
        )
        self.x_shape = x.shape
        if groups is None:
            self.shape, self.axis = (1 if self.columns else n, c, 1), 0
        else:
            self.shape, self.axis = (n, groups, c // groups), 2
        self.count = x.size // max(c if groups is None else n * groups, 1)  # elements that are normalised together

    def matrix(self, x):
        x = x.astype(np.float32) if x.dtype.itemsize == 2 else x
        n, c = self.x_shape[:2]
        return channels_last(x).reshape(-1, c) if self.columns else x.reshape(n * c, -1)

    def restored(self, matrix, dtype):
        """A matrix in the shape of x."""
        n, c, *others = self.x_shape
        if self.columns and others:
            x = matrix.reshape(n, *others, c).transpose(0, -1, *range(1, 1 + len(others)))
        else:
            x = matrix.reshape(self.x_shape)
        return x.astype(dtype, copy=False)

    def sums(self, a):
        ones = filled(len(a) if self.columns else a.shape[1], 1, a.dtype)
        return (ones.dot(a) if self.columns else a.dot(ones)).astype(np.float64).reshape(self.shape)

    def products(self, a, b):
        """The sums of the products of two matrices."""
        result = np.einsum("ij,ij->j", a, b) if self.columns else row_products(a, b)
        return result.astype(np.float64).reshape(self.shape)

    def pooled(self, sums):
        """Sums of channels, added up over what is normalised together."""
        return np.add.reduce(sums, self.axis, keepdims=True)

    def times(self, a, factor):
        """A matrix times a number for each channel."""
        wide, factor = self._wide(a, factor)
        return np.multiply(wide, factor).reshape(a.shape)

    def plus(self, a, addend):
        """A number for each channel added to a matrix, in place."""
        a, addend = self._wide(a, addend)
        a += addend

    def _wide(self, a, small):
        """A matrix and the numbers of channels as NumPy can combine them, in long rows."""
        if not self.columns:
            column = np.empty(self.shape, a.dtype)
            column[...] = small
            return a, column.reshape(-1, 1)
        m, c = a.shape
        repeats = 1
        while repeats * c < WIDE and m % (2 * repeats) == 0 and m:
            repeats *= 2
        row = np.empty((repeats, c), a.dtype)
        row[...] = np.reshape(small, -1)
        return a.reshape(m // repeats, repeats * c), row.reshape(-1)


def channels_last(x):
    """x (N, C, ...) seen as (N, ..., C)."""
    return x if x.ndim == 2 else x.transpose(0, *range(2, x.ndim), 1)


def of_channels(parameter, layout):
    """A weight or bias (C,) in the shape of the numbers of channels, in double precision; None stays None."""
    return None if parameter is None else parameter.astype(np.float64).reshape(layout.shape[1:])


# ---- on arrays


def channel_gradients(g, matrix, statistics, x, weight, needs):
    """The gradients of x, weight and bias. With h = g · weight it is r (h − mean(h) − x̂ mean(h x̂)) for x."""
    layout, average, r = statistics
    g = layout.matrix(g)
    sums = layout.sums(g)
    products = layout.products(g, matrix) - average * sums  # of g and x − mean
    gradients = [None] * 5
    if needs[1]:
        gradients[1] = np.add.reduce(products * r, 0).reshape(-1).astype(x.dtype)
    if needs[2]:
        gradients[2] = np.add.reduce(sums, 0).reshape(-1).astype(x.dtype)
    if needs[0]:
        factor = r
        if weight is not None:
            weight = of_channels(weight, layout)
            factor, sums, products = r * weight, sums * weight, products * weight
        factor_x = layout.pooled(products) * (-r * r * r / layout.count)
        addend = layout.pooled(sums) * (-r / layout.count) - average * factor_x
        dx = layout.times(g, factor)
        part = layout.times(matrix, factor_x)
        layout.plus(part, addend)
        dx += part
        gradients[0] = layout.restored(dx, x.dtype)
    return gradients


def update(running, found, momentum):
    """Move a running statistic (C,) towards the mean of those found, in place."""
    running *= 1 - momentum
    running += momentum * found.mean(0).reshape(-1)


# ---- by operations


def _in_groups(x, groups):
    """(x in the shape (N, groups, channels of a group, all others), the dimensions over which it is normalised)."""
    n, c = x.shape[:2]
    shape = (n, c, 1, -1) if groups is None else (n, groups, c // groups, -1)
    return reshape(x, shape) if 0 not in x.shape else x, (0, 2, 3) if groups is None else (2, 3)


def _gradients_by_ops(g, x, weight, groups, eps, needs):
    inner, dims = _in_groups(x, groups)
    g = _in_groups(g, groups)[0]
    normalized, r = normalized_by_ops(inner, dims, eps)
    h = g if weight is None else g * reshape(weight, (*inner.shape[1:3], 1))
    return [
        reshape(input_gradient_by_ops(h, normalized, r, dims), x.shape) if needs[0] else None,
        reshape(sum_(g * normalized, (0, 3)), (-1,)) if needs[1] else None,
        reshape(sum_(g, (0, 3)), (-1,)) if needs[2] else None,
        None, None,
    ]  # fmt: skip


def _by_ops(x, weight, bias, groups, eps):
    inner, dims = _in_groups(x, groups)
    result = normalized_by_ops(inner, dims, eps)[0]
    if weight is not None:
        result = result * reshape(weight, (*inner.shape[1:3], 1))
    if bias is not None:
        result = result + reshape(bias, (*inner.shape[1:3], 1))
    return reshape(result, x.shape)


def _gradients(g, matrix, statistics, x, weight, groups, eps, needs):
    if statistics is None:
        return _gradients_by_ops(g, x, weight, groups, eps, needs)
    return channel_gradients(g, matrix, statistics, x, weight, needs)


# ---- the operations


@op(
    joint=lambda g, matrix, statistics, x, weight, groups, eps, needs: _gradients(
        g, matrix, statistics, x, weight, groups, eps, needs),
    operands=5, saves=("matrix", "statistics"), promotes=False, internal=True, label="normalise",
    samples=[
        case((3, 2, 4), (2,), (2,), None, None, eps=0.1), case((5, 3), (3,), (3,), None, None, eps=0.1),
        case((2, 2, 2, 3), None, None, None, None, eps=0.1), case((2, 4, 3), (4,), (4,), None, None, groups=2, eps=0.1),
        case((2, 4, 2, 2), None, None, None, None, groups=4, eps=0.1),
        case((3, 4), None, (4,), None, None, groups=1, eps=0.1),
        case((3, 2, 4), (2,), None, None, None, eps=0.1),
    ],
    definition=lambda x, weight, bias, running_mean=None, running_var=None, groups=None, momentum=0.1, eps=1e-5: (
        _by_ops(x, weight, bias, groups, eps)),
)  # fmt: skip
def normalize_channels(x, weight, bias, running_mean=None, running_var=None, groups=None, momentum=0.1, eps=1e-5):
    """x normalised over each channel of all examples (`groups` None), or over each group of channels of each example;
    times the weight and plus the bias of its channel. Running statistics, if any, are moved towards those found, in
    place."""
    check_channels(x, weight, bias, running_mean, running_var)
    layout = Layout(x, groups)
    matrix, count = layout.matrix(x), max(layout.count, 1)
    average = layout.pooled(layout.sums(matrix)) / count
    variance = layout.pooled(layout.products(matrix, matrix)) / count - average * average
    offset = average  # the mean of what is in the matrix
    if not (average * average <= FAR * (variance + eps)).all():  # also if it is NaN
        matrix = matrix.copy()
        layout.plus(matrix, -average)
        offset = layout.pooled(layout.sums(matrix)) / count
        variance = layout.pooled(layout.products(matrix, matrix)) / count - offset * offset
        average = average + offset
    if x.size and running_mean is not None:
        update(running_mean, average, momentum)
    if x.size and running_var is not None:
        update(running_var, variance * (count / max(count - 1, 1)), momentum)
    r = 1 / np.sqrt(variance + eps)
    factor = r if weight is None else r * of_channels(weight, layout)
    addend = -offset * factor
    out = layout.times(matrix, factor)
    layout.plus(out, addend if bias is None else addend + of_channels(bias, layout))
    return layout.restored(out, x.dtype), matrix, (layout, offset, r)


def _others(x):
    return (0, *range(2, x.ndim))


@op(
    lambda g, scale: scale_channels(g, scale, None), lambda g, x: sum_(g * x, _others(x)),
    lambda g: sum_(g, _others(g)),
    promotes=False, internal=True, label="scale", samples=[
        case((3, 2, 4), (2,), (2,)), case((5, 3), (3,), (3,)), case((2, 2, 2, 3), (2,), None),
        case((3, 2, 0), (2,), (2,)),
    ],
    definition=lambda x, scale, shift: (
        x * reshape(scale, (-1,) + (1,) * (x.ndim - 2)) + (
            0.0 if shift is None else reshape(shift, (-1,) + (1,) * (x.ndim - 2)))),
)  # fmt: skip
def scale_channels(x, scale, shift):
    """x · scale + shift, with a number of each for each channel."""
    layout = Layout(x, None)
    out = layout.times(layout.matrix(x), scale.reshape(layout.shape[1:]))
    if shift is not None:
        layout.plus(out, shift.reshape(layout.shape[1:]))
    return layout.restored(out, x.dtype)


def check_channels(x, *parameters):
    if x.dtype.kind != "f":
        raise TypeError(f"only floating-point numbers can be normalised, not {x.dtype}; convert them with .float()")
    for name, parameter in zip(("weight", "bias", "running_mean", "running_var"), parameters):
        if parameter is None:
            continue
        if parameter.shape != x.shape[1:2]:
            raise OperationError(
                f"{name} must have one element for each of the {x.shape[1]} channels, shape ({x.shape[1]},), and has "
                f"shape {parameter.shape}"
            )
        if parameter.dtype != x.dtype and x.dtype.itemsize > 2:
            raise OperationError(
                f"{name} is {parameter.dtype} and the input {x.dtype}; convert one: x.to({parameter.dtype}) or "
                f"module.to({x.dtype})"
            )


def with_running(name, x, weight, bias, running_mean, running_var, groups, momentum, eps):
    """normalize_channels, with a note of what it writes."""
    result = normalize_channels(x, weight, bias, running_mean, running_var, groups, momentum, eps)
    for running in (running_mean, running_var):
        if isinstance(running, Tensor):
            writes.note(running.array, name)
    return result


# ---- as PyTorch names them


@composite(method=False)
def batch_norm(x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """(x − mean) / √(variance + eps) · weight + bias for each channel (Ioffe & Szegedy 2015).

    x             (N, C, ...), floating; the result has its shape and dtype
    running_mean, running_var  of shape (C,). In training they are moved towards the batch's mean and unbiased variance:
                  (1 − momentum) · running + momentum · found; they may be None
    training      take the statistics of the batch; otherwise the running ones
    weight, bias  of shape (C,), or None
    """
    need_channels("batch_norm", x)
    if training:
        if x.shape[0] * number_of_others(x) == 1:
            raise ValueError(
                f"batch_norm: Expected more than 1 value per channel when training, got input size {tuple(x.shape)}: "
                "one value has no variance. Use a larger batch, or call module.eval()"
            )
        return with_running("batch_norm", x, weight, bias, running_mean, running_var, None, momentum, eps)
    if running_mean is None or running_var is None:
        raise OperationError(
            "batch_norm: running_mean and running_var must be given when training=False; or pass training=True, to "
            "use the statistics of the batch"
        )
    arrays = [p.array if isinstance(p, Tensor) else p for p in (x, weight, bias, running_mean, running_var)]
    check_channels(*arrays)
    scale = rsqrt(running_var + eps)
    if weight is not None:
        scale = weight * scale
    shift = -running_mean * scale
    return scale_channels(x, scale, shift if bias is None else bias + shift)


@composite(method=False)
def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    """(x − mean) / √(variance + eps) · weight + bias, with the statistics of each channel of each example (Ulyanov,
    Vedaldi & Lempitsky 2016).

    x                (N, C, ...), floating; the result has its shape and dtype
    running_mean, running_var  of shape (C,), or None; moved towards the means of the examples' statistics, as for
                               batch_norm
    use_input_stats  take the statistics of the examples; otherwise the running ones
    weight, bias     of shape (C,), or None
    """
    need_channels("instance_norm", x)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    if number_of_others(x) == 1:
        raise ValueError(
            f"instance_norm: Expected more than 1 spatial element when training, got input size {tuple(x.shape)}: one "
            "value has no variance"
        )
    return with_running("instance_norm", x, weight, bias, running_mean, running_var, x.shape[1], momentum, eps)


@composite(method=False)
def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    """(x − mean) / √(variance + eps) · weight + bias, with the statistics of each group of channels of each example (Wu
    & He 2018).

    x             (N, C, ...), floating, C a multiple of num_groups; the result has its shape and dtype
    weight, bias  of shape (C,), or None
    """
    need_channels("group_norm", x)
    channels = x.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise OperationError(
            f"group_norm: the {channels} channels of an input of shape {tuple(x.shape)} cannot be divided into "
            f"{num_groups} groups of equal size"
        )
    if x.shape[0] * channels // num_groups * number_of_others(x) == 1:
        raise ValueError(
            f"group_norm: Expected more than 1 value per channel when training, got input size {tuple(x.shape)}: one "
            "value has no variance"
        )
    return normalize_channels(x, weight, bias, None, None, num_groups, 0.0, eps)


def need_channels(name, x):
    if x.ndim < 2:
        raise OperationError(f"{name} takes at least two dimensions, (N, C, ...), not {tuple(x.shape)}")


def number_of_others(x):
    """How many values a channel of an example has."""
    size = 1
    for other in x.shape[2:]:
        size *= other
    return size
