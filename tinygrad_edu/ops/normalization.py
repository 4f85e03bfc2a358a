"""Normalisation over the last dimensions: layer_norm and rms_norm; and over others: normalize, local_response_norm.

Both work on rows: x as a matrix (m, n), where each row of n numbers is normalised on its own,

    x̂ = (x − mean) · r,   r = 1 / √(variance + eps),   result = x̂ · weight + bias

The fast way takes few passes over the matrix, because on rows of some hundred numbers a pass is what costs. Sums of
rows and columns are products with vectors, which BLAS does. As

    x̂ · weight + bias = x · (r ⊗ weight) + (−mean r ⊗ weight + 1 ⊗ bias),

what is multiplied and what is added are matrices of rank one and two, which BLAS makes as well. The gradient, with
h = g · weight and the means of rows,

    d loss/dx = r (h − mean(h) − x̂ mean(h x̂))

takes the same form. Where gradients are recorded, rules use this formula in operations of the library.
"""

import functools
import math

import numpy as np

from ..define import case, composite, op
from ..dtypes import finfo
from ..errors import OperationError
from .arithmetic import clamp, square
from .elementary import rsqrt
from .joining import pad_zeros
from .reduce import mean, vector_norm
from .shape import sum_to_size

FAR = 8.0
"""A mean this many times farther from 0 than the standard deviation (both squared) is taken out before the variance is
computed: mean(x²) − mean(x)² then would lose accuracy, at this limit three bits."""

row_products = getattr(np, "vecdot", None) or (lambda a, b: np.einsum("ij,ij->i", a, b))
"""The scalar product of each row of one matrix with that row of another; vecdot exists since NumPy 2."""


@functools.lru_cache(maxsize=64)
def filled(n, value, dtype):
    """A vector of n times the same value, made once."""
    vector = np.full(n, value, dtype)
    vector.flags.writeable = False
    return vector


def as_rows(x, size):
    """x as a matrix whose rows hold its last dimensions, `size` numbers each; half precision as single."""
    rows = x.reshape(x.size // size if size else 0, size)
    return rows.astype(np.float32) if x.dtype.itemsize == 2 else rows


def check_last_dimensions(name, x, weight, bias, shape):
    """The size of the last dimensions of x, after a check that they are `shape` and fit the other operands."""
    count = len(shape)
    if not count or x.shape[x.ndim - count :] != shape or count > x.ndim:
        raise OperationError(
            f"{name}: normalized_shape {shape} must be the last sizes of the input, at least one of them, and the "
            f"input has shape {x.shape}" + (f"; for its last dimension write ({x.shape[-1]},)" if x.ndim else "")
        )
    if x.dtype.kind != "f":
        raise TypeError(f"{name} normalises floating-point numbers, not {x.dtype}; convert the input with .float()")
    for parameter, kind in ((weight, "weight"), (bias, "bias")):
        if parameter is not None and (parameter.shape != shape or parameter.dtype != x.dtype):
            raise OperationError(
                f"{name}: {kind} must have the shape normalized_shape, {shape}, and the input's dtype, {x.dtype}, and "
                f"is {parameter.dtype} {parameter.shape}"
            )
    return math.prod(shape)


# ---- on arrays


def layer_statistics(rows, eps):
    """(rows, table): a table with the rows r, mean · r, 1 and mean. If a mean is far from 0, the rows come back
    centred."""
    m, n = rows.shape
    table = np.empty((4, m), rows.dtype)
    r, mean_r, ones, average = table
    ones[...] = 1
    averaging = filled(n, 1 / max(n, 1), rows.dtype)
    rows.dot(averaging, out=average)
    np.multiply(average, average, out=mean_r)
    inverse_deviation(rows, eps, mean_r, r)
    np.multiply(average, r, out=mean_r)
    if m and not np.maximum.reduce(mean_r * mean_r) <= FAR:  # also if it is NaN
        rows = rows - average[:, None]
        rows.dot(averaging, out=average)  # what rounding left
        inverse_deviation(rows, eps, average * average, r)
        np.multiply(average, r, out=mean_r)
    return rows, table


def rms_statistics(rows, eps):
    """The same without means: (rows, table)."""
    table = np.zeros((4, len(rows)), rows.dtype)
    inverse_deviation(rows, eps, None, table[0])
    return rows, table


def inverse_deviation(rows, eps, mean_squared, out):
    """1 / √(mean(x²) − mean_squared + eps) for each row."""
    variance = row_products(rows, rows)
    variance *= 1 / max(rows.shape[1], 1)
    if mean_squared is not None:
        variance -= mean_squared
    variance += eps
    np.reciprocal(np.sqrt(variance, out=variance), out=out)


def scaled_rows(rows, table, weight, shape):
    """rows · (r ⊗ weight): an array of `shape`, and itself as a matrix."""
    result = np.empty(shape, rows.dtype)
    matrix = result.reshape(rows.shape)
    if weight is None:
        np.multiply(rows, table[0][:, None], out=matrix)
    else:
        factors = np.zeros((2, rows.shape[1]), rows.dtype)
        factors[0] = weight.reshape(-1)
        np.dot(table[:2].T, factors, out=matrix)  # BLAS is faster with a rank of two, the second part 0, than of one
        matrix *= rows
    return result, matrix


def row_gradients(g, rows, table, x_shape, weight, normalized_shape, needs, centred):
    """The gradients of x, weight and bias."""
    n = rows.shape[1]
    g = as_rows(g, n)
    r, mean_r, ones, average = table
    gx = g * rows
    dx = dweight = dbias = None
    if needs[1]:
        dweight = r.dot(gx)
        if centred:
            dweight -= mean_r.dot(g)
        dweight = dweight.reshape(normalized_shape)
    if needs[-1] and len(needs) == 3:
        dbias = ones.dot(g).reshape(normalized_shape)
    if needs[0]:
        w = filled(n, 1, rows.dtype) if weight is None else weight.reshape(n)
        a = gx.dot(w)  # becomes what x is multiplied with: −r³ mean(h (x − mean))
        if centred:
            b = g.dot(w)  # and this what is subtracted, with −mean a
            a -= average * b
        a *= r * r
        a *= r
        a *= -1 / max(n, 1)
        np.copyto(gx, a[:, None])  # filling and multiplying is faster than multiplying by a column
        gx *= rows
        if centred:
            b *= r
            b *= 1 / max(n, 1)
            b += average * a
            gx -= b[:, None]
        dx, matrix = scaled_rows(g, table, weight, x_shape)
        matrix += gx
    return dx, dweight, dbias


# ---- by operations


def normalized_by_ops(x, dims, eps, centred=True):
    """(x̂, r): x normalised over `dims`, by operations."""
    if centred:
        x = x - mean(x, dims, True)
    r = rsqrt(mean(square(x), dims, True) + eps)
    return x * r, r


def input_gradient_by_ops(h, normalized, r, dims, centred=True):
    """r (h − mean(h) − x̂ mean(h x̂)): the gradient of x, for h = d loss/dx̂."""
    d = h - normalized * mean(h * normalized, dims, True)
    return r * (d - mean(h, dims, True) if centred else d)


def row_gradients_by_ops(g, x, weight, normalized_shape, eps, needs, centred=True):
    dims = tuple(range(-len(normalized_shape), 0))
    normalized, r = normalized_by_ops(x, dims, eps, centred)
    h = g if weight is None else g * weight
    return [
        input_gradient_by_ops(h, normalized, r, dims, centred) if needs[0] else None,
        sum_to_size(g * normalized, normalized_shape) if needs[1] else None,
        sum_to_size(g, normalized_shape) if len(needs) > 2 and needs[2] else None,
    ]


def _layer_gradients(g, rows, table, x, weight, normalized_shape, eps, needs):
    if table is None:
        return row_gradients_by_ops(g, x, weight, normalized_shape, eps, needs)
    return row_gradients(g, rows, table, x.shape, weight, normalized_shape, needs, True)


def _rms_gradients(g, rows, table, x, weight, normalized_shape, eps, needs):
    if table is None:
        return row_gradients_by_ops(g, x, weight, normalized_shape, eps, needs, centred=False)[:2]
    return row_gradients(g, rows, table, x.shape, weight, normalized_shape, needs, False)[:2]


def _affine_by_ops(normalized, weight, bias=None):
    if weight is not None:
        normalized = normalized * weight
    return normalized if bias is None else normalized + bias


def _dims(shape):
    return tuple(range(-len(shape), 0))


@op(
    joint=lambda g, rows, table, x, weight, normalized_shape, eps, needs: _layer_gradients(
        g, rows, table, x, weight, normalized_shape, eps, needs),
    operands=3, saves=("rows", "table"), promotes=False, internal=True, label="layer norm",
    samples=[
        case((3, 4), (4,), (4,), normalized_shape=(4,), eps=0.1),
        case((2, 3, 4), (3, 4), (3, 4), normalized_shape=(3, 4), eps=0.1),
        case((3, 4), None, None, normalized_shape=(4,), eps=0.1),
        case((5, 4), (4,), None, normalized_shape=(4,), eps=0.1),
        case((4,), None, (4,), normalized_shape=(4,), eps=0.1),
        case((0, 4), (4,), (4,), normalized_shape=(4,), eps=0.1),
    ],
    definition=lambda x, weight, bias, normalized_shape, eps: _affine_by_ops(
        normalized_by_ops(x, _dims(normalized_shape), eps)[0], weight, bias),
)  # fmt: skip
def layer_norm_(x, weight, bias, normalized_shape, eps):
    """(x − mean) / √(variance + eps) · weight + bias, with the statistics of the last dimensions,
    `normalized_shape`."""
    size = check_last_dimensions("layer_norm", x, weight, bias, normalized_shape)
    rows, table = layer_statistics(as_rows(x, size), eps)
    if weight is None and bias is not None:
        weight = filled(size, 1, rows.dtype)
    out, matrix = scaled_rows(rows, table, weight, x.shape)
    if weight is None:
        matrix -= table[1][:, None]
    else:
        added = np.empty((2, size), rows.dtype)
        np.negative(weight.reshape(size), out=added[0])
        added[1] = 0 if bias is None else bias.reshape(size)
        matrix += np.dot(table[1:3].T, added)
    return out.astype(x.dtype, copy=False), rows, table


@op(
    joint=lambda g, rows, table, x, weight, normalized_shape, eps, needs: _rms_gradients(
        g, rows, table, x, weight, normalized_shape, eps, needs),
    operands=2, saves=("rows", "table"), promotes=False, internal=True, label="RMS norm",
    samples=[
        case((3, 4), (4,), normalized_shape=(4,), eps=0.1), case((2, 3, 4), (3, 4), normalized_shape=(3, 4), eps=0.1),
        case((3, 4), None, normalized_shape=(4,), eps=0.1), case((0, 4), (4,), normalized_shape=(4,), eps=0.1),
    ],
    definition=lambda x, weight, normalized_shape, eps: _affine_by_ops(
        normalized_by_ops(x, _dims(normalized_shape), eps, centred=False)[0], weight),
)  # fmt: skip
def rms_norm_(x, weight, normalized_shape, eps):
    """x / √(mean(x²) + eps) · weight, with the mean over the last dimensions, `normalized_shape`."""
    size = check_last_dimensions("rms_norm", x, weight, None, normalized_shape)
    rows, table = rms_statistics(as_rows(x, size), eps)
    return scaled_rows(rows, table, weight, x.shape)[0].astype(x.dtype, copy=False), rows, table


# ---- as PyTorch names them


@composite(method=False)
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """(x − mean) / √(variance + eps) · weight + bias, with the statistics of the last dimensions of each example (Ba,
    Kiros & Hinton 2016). The variance is the mean of the squared deviations.

    x                (..., *normalized_shape), floating; the result has its shape and dtype
    normalized_shape the sizes of the last dimensions, a tuple (or one number)
    weight, bias     of shape normalized_shape, or None
    """
    return layer_norm_(x, weight, bias, sizes_of(normalized_shape), eps)


@composite(method=False)
def rms_norm(x, normalized_shape, weight=None, eps=None):
    """x / √(mean(x²) + eps) · weight, with the mean over the last dimensions of each example (Zhang & Sennrich 2019).

    x                (..., *normalized_shape), floating; the result has its shape and dtype
    normalized_shape the sizes of the last dimensions, a tuple (or one number)
    weight           of shape normalized_shape, or None
    eps              by default the smallest number that makes a difference to 1 in the dtype that is computed in
    """
    if eps is None:
        eps = finfo(np.float64 if x.dtype == np.float64 else np.float32).eps
    return rms_norm_(x, weight, sizes_of(normalized_shape), eps)


def sizes_of(normalized_shape):
    """A number or a sequence of them as a tuple."""
    if type(normalized_shape) is tuple:
        return normalized_shape
    return (int(normalized_shape),) if isinstance(normalized_shape, (int, np.integer)) else tuple(normalized_shape)


@composite(method=False)
def normalize(x, p=2.0, dim=1, eps=1e-12):
    """x divided by its p-norm along `dim`, or by eps if the norm is smaller: vectors of length 1."""
    return x / clamp(vector_norm(x, float(p), dim, True), min=eps)


@composite(method=False)
def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """x / (k + alpha · mean(x²))^beta, the mean over `size` neighbouring channels, where those outside count as 0
    (Krizhevsky, Sutskever & Hinton 2012, section 3.3, who take the sum for the mean).

    x  (N, C, ...), at least three dimensions
    """
    if x.ndim < 3:
        raise ValueError(
            f"local_response_norm takes at least three dimensions, (N, C, ...), not {tuple(x.shape)}; write "
            "x.unsqueeze(-1)"
        )
    channels = x.shape[1]
    pads = ((0, 0), (size // 2, (size - 1) // 2), *((0, 0),) * (x.ndim - 2))
    squares = pad_zeros(square(x), pads)
    total = squares[:, :channels]
    for start in range(1, size):
        total = total + squares[:, start : start + channels]
    return x / (total * (alpha / size) + k) ** beta
