"""Softmax: numbers turned into probabilities along a dimension."""

import numpy as np

from ..define import case, composite, op
from .elementary import exp, log
from .reduce import sum
from .shape import normalized_dim

SAMPLES = (case((3, 4), dim=1), case((3, 4), dim=0), case((2, 3, 4), dim=-1), case((), dim=0))


@op(
    lambda g, out, dim: softmax_adjoint(g, out, dim),
    floating=True, definition=lambda x, dim: exp(x) / sum(exp(x), dim, True), samples=SAMPLES,
)  # fmt: skip
def softmax(x, dim):
    """exp(xᵢ) / Σ exp(xⱼ) along `dim`, without overflow."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim == 0:
        return np.ones_like(x)
    e, sums, _ = exponentials(x, dim)
    e /= sums
    return e


MODERATE, ENOUGH = 60.0, 1e-6
"""Numbers up to this have exponentials whose sums do not overflow; and a sum of at least this is not made of
underflow."""


def exponentials(x, dim):
    """(exp(x − c), its sums along `dim`, c), with c such that nothing overflows.

    Usually c is the largest number along `dim`. But finding that for many short rows takes longer than all the rest,
    and where numbers are moderate, c = 0 gives exponentials that are more accurate, if anything; whether they are
    moderate, the largest of all and the smallest sum tell.
    """
    if x.size and np.maximum.reduce(x, None) <= MODERATE and x.dtype.itemsize > 2:
        e = np.exp(x)
        sums = sum_along(e, dim)
        if np.minimum.reduce(sums, None) >= ENOUGH:
            return e, sums, x.dtype.type(0)
    largest = largest_along(x, dim)
    e = x - largest
    np.exp(e, out=e)
    return e, sum_along(e, dim), largest


def largest_along(x, dim):
    """The largest elements along `dim`, which stays with size 1; those of rows by argmax, which is faster if they are
    short."""
    n = x.shape[dim]
    if dim < x.ndim - 1 or not x.size or n > 512 or not x.flags.c_contiguous:
        return np.maximum.reduce(x, dim, keepdims=True, initial=-np.inf)
    rows = x.reshape(-1, n)
    return rows[np.arange(len(rows)), rows.argmax(1)].reshape(*x.shape[:-1], 1)


def sum_along(x, dim):
    """Sums along `dim`, which stays with size 1; those of rows as a product with ones, many times faster if they are
    short."""
    if dim == x.ndim - 1 and x.size and x.dtype.itemsize > 2 and x.flags.c_contiguous:
        n = x.shape[-1]
        return x.reshape(-1, n).dot(np.ones(n, x.dtype)).reshape(*x.shape[:-1], 1)
    return np.add.reduce(x, dim, keepdims=True)


@op(
    lambda g, y, dim: softmax_adjoint(g, y, dim),
    lambda g, x, y, dim: g * (x - sum(x * y, dim, True)) - x * sum(g * y, dim, True),
    internal=True, linear=(0,), label="softmax'", samples=[case(x, x, **settings) for (x,), settings in SAMPLES],
    oracle=lambda x, y, dim: y * (x - np.sum(x * y, dim if y.ndim else None, keepdims=True)),
)  # fmt: skip
def softmax_adjoint(x, y, dim):
    """y (x − Σ x y), the gradient of softmax where its result is y. Its matrix diag(y) − y yᵀ is symmetric."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim == 0:
        return y * (x - x * y)
    result = x * y
    sums = sum_along(result, dim)
    np.subtract(x, sums, out=result)
    result *= y
    return result


@op(
    lambda g, out, dim: g - exp(out) * sum(g, dim, True),
    floating=True, label="log softmax", definition=lambda x, dim: x - log(sum(exp(x), dim, True)), samples=SAMPLES,
)  # fmt: skip
def log_softmax(x, dim):
    """log(softmax(x)), finite wherever x is."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim == 0:
        return np.zeros_like(x)
    shifted = x - largest_along(x, dim)
    shifted -= np.log(sum_along(np.exp(shifted), dim))
    return shifted


@composite(samples=SAMPLES)
def softmin(x, dim):
    """softmax(−x): the smallest element gets the most."""
    return softmax(-x, dim)
