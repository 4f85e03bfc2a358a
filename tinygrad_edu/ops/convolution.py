"""Convolutions in any number of dimensions, and their adjoints.

A convolution is linear in the image and in the weight. Its two adjoints are operations as well, and the three are each
other's gradients, so that gradients of any order come out:

    conv(x, w)            the result
    conv_transpose(g, w)  the gradient of the image, a "transposed convolution": where conv reads, it adds
    conv_weight(x, g)     the gradient of the weight

As in all of deep learning the kernel is not reversed: y[o, p] = Σ_c,k w[o, c, k] x[c, stride · p + dilation · k −
padding], which signal processing calls correlation. How it is computed fast is in convolution_plan.py.
"""

import math

import numpy as np

from ..define import case, op
from . import convolution_rows, convolution_taps
from .convolution_plan import plan_of
from .convolution_windows import col2im, im2col, places
from .indexing import getitem
from .joining import pad_zeros, unpad
from .linear import matmul
from .neural import sum_along
from .reduce import sum
from .shape import reshape, transpose


def way(plan):
    return convolution_rows if plan.by_rows else convolution_taps


def computed_in(x, weight):
    """The dtype to compute in: float16 in float32, everything else in its own."""
    if x.dtype != weight.dtype:
        raise ValueError(
            f"the input is {x.dtype} and the weight {weight.dtype}; convert one: input.to({weight.dtype}) or "
            f"module.to({x.dtype})"
        )
    if x.dtype.kind not in "fiu":
        raise TypeError(f"convolutions of {x.dtype} are not defined; convert the operands, for example with .float()")
    return np.dtype(np.float32) if x.dtype == np.float16 else x.dtype


def out_sizes(sizes, kernel, stride, padding, dilation):
    """How many places a kernel has along each dimension of an image."""
    return places([size + a + b for size, (a, b) in zip(sizes, padding)], kernel, stride, dilation)


def by_channel(bias, ndim):
    return reshape(bias, (-1,) + (1,) * (ndim - 2))


def none_in_batch(padding):
    return ((0, 0), (0, 0), *padding)


# ---- definitions: the same by im2col, a product of matrices, and col2im


def _columns(x, kernel, stride, padding, dilation, groups):
    """(n, g, channel of the group · taps, places)."""
    columns = im2col(pad_zeros(x, none_in_batch(padding)), kernel, stride, dilation)
    return reshape(columns, (x.shape[0], groups, columns.shape[1] // groups, columns.shape[2]))


def _places(g, sizes, groups):
    """(n, g, channel of the group, places), with zeros for places that fit in, up to `sizes`, and that g does not
    have."""
    if tuple(g.shape[2:]) != sizes:
        g = pad_zeros(g, ((0, 0), (0, 0), *[(0, fit - size) for fit, size in zip(sizes, g.shape[2:])]))
    return reshape(g, (g.shape[0], groups, g.shape[1] // groups, int(np.prod(sizes))))


def _matrix(weight, groups):
    return reshape(weight, (groups, weight.shape[0] // groups, int(np.prod(weight.shape[1:]))))


def _conv(x, weight, bias, stride, padding, dilation, groups):
    kernel = tuple(weight.shape[2:])
    y = matmul(_matrix(weight, groups), _columns(x, kernel, stride, padding, dilation, groups))
    sizes = out_sizes(x.shape[2:], kernel, stride, padding, dilation)
    y = reshape(y, (x.shape[0], weight.shape[0], *sizes))
    return y if bias is None else y + by_channel(bias, y.ndim)


def _conv_transpose(x, weight, bias, size, stride, padding, dilation, groups):
    kernel = tuple(weight.shape[2:])
    sizes = out_sizes(size, kernel, stride, padding, dilation)
    columns = matmul(transpose(_matrix(weight, groups), 1, 2), _places(x, sizes, groups))
    columns = reshape(columns, (x.shape[0], groups * columns.shape[2], columns.shape[3]))
    padded = tuple([n + a + b for n, (a, b) in zip(size, padding)])
    y = unpad(col2im(columns, padded, kernel, stride, dilation), none_in_batch(padding))
    return y if bias is None else y + by_channel(bias, y.ndim)


def _conv_weight(x, g, kernel, stride, padding, dilation, groups):
    columns = _columns(x, kernel, stride, padding, dilation, groups)
    sizes = out_sizes(x.shape[2:], kernel, stride, padding, dilation)
    weight = sum(matmul(_places(g, sizes, groups), transpose(columns, 2, 3)), 0)
    return reshape(weight, (g.shape[1], x.shape[1] // groups, *kernel))


# ---- the operations


def _cut(y, shape):
    """y without the last places that a result of this shape does not have: with output_padding it has fewer than fit
    in."""
    return y if tuple(y.shape) == tuple(shape) else getitem(y, tuple([slice(size) for size in shape]))


def _sum_to_bias(g):
    if not isinstance(g, np.ndarray):
        return sum(g, (0, *range(2, g.ndim)))
    rows = g.reshape(*g.shape[:2], math.prod(g.shape[2:]))
    return np.add.reduce(sum_along(rows, 2), (0, 2))  # BLAS adds up rows several times faster


_1D = {"stride": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1}
_2D = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
_3D = {"stride": (1, 2, 1), "padding": ((1, 0), (0, 1), (1, 1)), "dilation": (1, 1, 2), "groups": 1}
_STRIDED = {"stride": (2, 3), "padding": ((1, 2), (0, 1)), "dilation": (1, 2)}
_DILATED = {"stride": (2, 1), "padding": ((1, 1), (2, 2)), "dilation": (2, 1)}


@op(
    lambda g, weight, x_shape, stride, padding, dilation, groups: conv_transpose(
        g, weight, None, tuple(x_shape[2:]), stride, padding, dilation, groups
    ),
    lambda g, x, weight_shape, stride, padding, dilation, groups: conv_weight(
        x, g, tuple(weight_shape[2:]), stride, padding, dilation, groups
    ),
    lambda g: _sum_to_bias(g),
    promotes=False, internal=True, linear=(0, 1), definition=_conv,
    multiply_adds=lambda weight, out: math.prod(out) * math.prod(weight[1:]),
    samples=[
        case((2, 3, 5), (4, 3, 2), (4,), **_1D), case((2, 2, 4, 5), (3, 2, 3, 2), (3,), **_2D),
        case((1, 2, 3, 4, 5), (2, 2, 2, 1, 2), None, **_3D),
        case((2, 4, 5, 6), (2, 2, 2, 3), (2,), groups=2, **_STRIDED),
        case((9, 4, 5, 4), (8, 1, 3, 2), None, groups=4, **_DILATED), case((0, 2, 4, 4), (3, 2, 3, 3), (3,), **_2D),
        case((33, 2, 3), (4, 2, 2), (4,), **_1D), case((17, 4, 3, 4), (4, 2, 2, 3), None, groups=2, **_STRIDED),
    ],
)  # fmt: skip
def conv(x, weight, bias, stride, padding, dilation, groups):
    """The convolution of images x (N, C, *sizes) with weight (O, C / groups, *kernel), plus bias (O,) if it is not
    None.

    stride, dilation  a number for each dimension; padding: for each dimension how many zeros before and after
    """
    dtype = computed_in(x, weight)
    out = out_sizes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    plan = plan_of(x.shape, weight.shape, out, stride, padding, dilation, groups)
    if plan.empty:
        y = np.zeros((plan.N, plan.O, *out), x.dtype)
        return y if bias is None else y + by_channel(bias, y.ndim)
    y = np.empty((plan.N, plan.O, *out), x.dtype)
    way(plan).forward(plan, x, weight, bias, y, dtype)
    return y


@op(
    lambda g, x_shape, weight, stride, padding, dilation, groups: _cut(
        conv(g, weight, None, stride, padding, dilation, groups), x_shape
    ),
    lambda g, x, weight_shape, stride, padding, dilation, groups: conv_weight(
        g, x, tuple(weight_shape[2:]), stride, padding, dilation, groups
    ),
    lambda g: _sum_to_bias(g),
    promotes=False, internal=True, label="convᵀ", linear=(0, 1), definition=_conv_transpose,
    multiply_adds=lambda x, weight: math.prod(x) * math.prod(weight[1:]),
    samples=[
        case((2, 4, 4), (4, 3, 2), (3,), size=(5,), **_1D), case((2, 3, 2, 4), (3, 2, 3, 2), (2,), size=(4, 5), **_2D),
        case((1, 2, 3, 2, 5), (2, 2, 2, 1, 2), None, size=(3, 3, 5), **_3D),
        case((2, 2, 3, 1), (2, 2, 3, 3), (4,), size=(5, 4), groups=2, **_STRIDED),
        case((9, 8, 2, 6), (8, 1, 3, 3), None, size=(5, 4), groups=4, **_DILATED),
        case((0, 3, 2, 2), (3, 2, 3, 3), None, size=(4, 4), **_2D),
        case((33, 4, 2), (4, 2, 2), None, size=(3,), **_1D),
        case((17, 2, 2, 1), (2, 2, 2, 3), None, size=(4, 4), groups=2, **_STRIDED),
    ],
)  # fmt: skip
def conv_transpose(x, weight, bias, size, stride, padding, dilation, groups):
    """The transposed convolution: of x (N, C, *places) with weight (C, O / groups, *kernel) the images (N, O, *size).

    It adds x[n, c, p] · weight[c, o, k] to the place stride · p + dilation · k − padding of image n, channel o: this is
    the adjoint of `conv` with the same weight. `size` says which of the sizes that have as many places is meant.
    """
    dtype = computed_in(x, weight)
    images = (x.shape[0], weight.shape[1] * groups, *size)
    plan = plan_of(images, weight.shape, x.shape[2:], stride, padding, dilation, groups)
    if plan.empty:
        y = np.zeros(images, x.dtype)
    else:
        y = np.empty(images, x.dtype)
        way(plan).image_gradient(plan, x, weight, y, dtype)
    if bias is not None:
        y += by_channel(bias, y.ndim)
    return y


@op(
    lambda g, y, x_shape, stride, padding, dilation, groups: conv_transpose(
        y, g, None, tuple(x_shape[2:]), stride, padding, dilation, groups
    ),
    lambda g, x, y_shape, stride, padding, dilation, groups: _cut(
        conv(x, g, None, stride, padding, dilation, groups), y_shape
    ),
    promotes=False, internal=True, label="conv ∂w", linear=(0, 1), definition=_conv_weight,
    multiply_adds=lambda y, out: math.prod(y) * math.prod(out[1:]),
    samples=[
        case((2, 3, 5), (2, 4, 4), kernel=(2,), **_1D), case((2, 2, 4, 5), (2, 3, 2, 4), kernel=(3, 2), **_2D),
        case((1, 2, 3, 3, 5), (1, 2, 3, 2, 5), kernel=(2, 1, 2), **_3D),
        case((2, 4, 5, 4), (2, 2, 3, 1), kernel=(3, 3), groups=2, **_STRIDED),
        case((9, 4, 5, 4), (9, 8, 2, 6), kernel=(3, 3), groups=4, **_DILATED),
        case((0, 2, 4, 4), (0, 3, 2, 2), kernel=(3, 3), **_2D),
        case((33, 2, 3), (33, 4, 2), kernel=(2,), **_1D),
        case((17, 2, 4, 4), (17, 2, 2, 1), kernel=(2, 3), groups=2, **_STRIDED),
    ],
)  # fmt: skip
def conv_weight(x, y, kernel, stride, padding, dilation, groups):
    """The gradient of the weight (O, C / groups, *kernel) of a convolution of images x, if y (N, O, *places) is that of
    the result: Σ over images and places p of y[n, o, p] · x[n, c, stride · p + dilation · k − padding]."""
    dtype = computed_in(x, y)
    weight = (y.shape[1], x.shape[1] // groups, *kernel)
    plan = plan_of(x.shape, weight, y.shape[2:], stride, padding, dilation, groups)
    if plan.empty:
        return np.zeros(weight, x.dtype)
    return np.ascontiguousarray(way(plan).weight_gradient(plan, x, y, dtype), x.dtype).reshape(weight)
