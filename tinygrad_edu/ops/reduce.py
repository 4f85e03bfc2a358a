"""Reductions and scans: one number from many along some dimensions, or running totals.

`dim` is an int, a tuple of ints or None for all dimensions; with `keepdim` the reduced dimensions stay, with size 1.
"""

import numpy as np

from ..define import bools, case, composite, op
from ..dtypes import as_dtype
from ..text import named_results
from .arithmetic import abs, maximum, minimum, sign, square
from .comparison import isfinite, where
from .elementary import exp, log, sqrt
from .indexing import gather
from .joining import cat
from .shape import cast, expand, flip, movedim, normalized_dim, normalized_dims, permute, reshape, squeeze, unsqueeze

Max, Min = [named_results(name, "values", "indices") for name in ("max", "min")]

REDUCTIONS = (
    case((3, 4)), case((3, 4), dim=0), case((3, 4), dim=-1, keepdim=True), case((2, 3, 2), dim=(0, 2)),
    case((2, 3), dim=None, keepdim=True),
)  # fmt: skip
WITH_ZEROS = np.array([[0.0, 2.0, -1.5], [0.5, 0.0, 0.7]])
OF_BOTH_SIGNS = np.array([[0.7, -1.9, 2.2, -0.4], [-1.1, 0.5, -2.6, 1.4]])
SAMPLES = (*REDUCTIONS, case(()), case((1,), dim=0))


def restored(reduced, x_shape, dim, keepdim):
    """`reduced` with its reduced dimensions back, of size 1, so that it broadcasts against x."""
    if keepdim:
        return reduced
    dims = normalized_dims(dim, len(x_shape))
    return reshape(reduced, tuple([1 if d in dims else size for d, size in enumerate(x_shape)]))


def spread_over(g, x_shape, dim, keepdim):
    """A gradient of the reduced tensor, repeated for every element that was reduced into it."""
    return expand(restored(g, x_shape, dim, keepdim), x_shape)


def axes(x, dim):
    """`dim` as NumPy's reductions take it. A number counts as a vector of one element, as in PyTorch."""
    dims = None if dim is None else normalized_dims(dim, x.ndim)
    return dims if x.ndim else ()


@op(
    lambda g, x_shape, dim, keepdim: spread_over(g, x_shape, dim, keepdim),
    label="Σ", numpy=[np.sum, np.add.reduce], linear=(0,), samples=[*SAMPLES, case((0, 3), dim=0), case((0,))],
)  # fmt: skip
def sum(x, dim=None, keepdim=False, dtype=None):
    """The sum. Booleans and integers give int64."""
    if dtype is None and x.dtype.kind in "biu":
        dtype = np.int64
    return np.add.reduce(x, axes(x, dim), None if dtype is None else as_dtype(dtype), None, keepdim)


@op(
    lambda g, x_shape, dim, keepdim: spread_over(g, x_shape, dim, keepdim) / count(x_shape, dim),
    numpy=[np.mean], linear=(0,), samples=SAMPLES,
)  # fmt: skip
def mean(x, dim=None, keepdim=False, dtype=None):
    """The arithmetic mean."""
    if dtype is not None:
        x = x.astype(as_dtype(dtype))
    if x.dtype.kind not in "fc":
        raise TypeError(f"the mean of {x.dtype} values has no dtype; write x.float().mean()")
    total = np.add.reduce(x, axes(x, dim), None, None, keepdim)
    return np.true_divide(total, count(x.shape, dim), dtype=x.dtype)


def count(shape, dim):
    """How many elements are reduced into one."""
    n = 1
    for d in normalized_dims(dim, len(shape)):
        n *= shape[d] if shape else 1
    return n


@op(
    lambda g, x, out, dim, keepdim: _prod_gradient(g, x, dim, keepdim, out),
    label="Π", numpy=[np.prod], domain=(-2.0, 2.0),
    samples=[*SAMPLES, case((0, 3), dim=0), case(WITH_ZEROS, dim=1), case(WITH_ZEROS[:, None], dim=(0, 2))],
)  # fmt: skip
def prod(x, dim=None, keepdim=False, dtype=None):
    """The product. The gradient is right also where factors are 0."""
    if dtype is None and x.dtype.kind in "biu":
        dtype = np.int64
    return np.multiply.reduce(x, axes(x, dim), None if dtype is None else as_dtype(dtype), None, keepdim)


def _prod_gradient(g, x, dim, keepdim, out):
    """g times the product of the other factors: out / x, or where a factor is 0 the product of those before and
    after."""
    shape = tuple(x.shape)
    g, out = restored(g, shape, dim, keepdim), restored(out, shape, dim, keepdim)
    if not bool((x == 0).any()):
        return g * out / x
    reduced = normalized_dims(dim, len(shape))
    order = (*[d for d in range(len(shape)) if d not in reduced], *reduced)
    n = count(shape, dim)
    rows = reshape(permute(x, order), (-1, n))
    ones = rows[:, :1] * 0 + 1
    before = cumprod(cat((ones, rows[:, :-1]), 1), 1)
    after = flip(cumprod(cat((ones, flip(rows[:, 1:], (1,))), 1), 1), (1,))
    others = reshape(before * after, tuple([shape[d] for d in order]))
    return g * permute(others, tuple([order.index(d) for d in range(len(shape))]))


@op(
    lambda g, dim: flip(cumsum(flip(g, (dim,)), dim), (dim,)),
    numpy=[np.cumsum], linear=(0,),
    samples=[case((3, 4), dim=0), case((3, 4), dim=-1), case((4,), dim=0), case((0, 3), dim=0)],
)  # fmt: skip
def cumsum(x, dim):
    """Running sums along `dim`."""
    dtype = np.int64 if x.dtype.kind in "biu" else None
    return np.cumsum(x, normalized_dim(dim, x.ndim), dtype) if x.ndim else x.astype(dtype or x.dtype)


@op(
    lambda g, x, out, dim: _cumprod_gradient(g, x, out, dim),
    numpy=[np.cumprod],
    samples=[case((3, 4), dim=0), case((3, 4), dim=-1), case((4,), dim=0), case((0, 3), dim=0),
             case(WITH_ZEROS, dim=1)],
)  # fmt: skip
def cumprod(x, dim):
    """Running products along `dim`. The gradient is right also where factors are 0."""
    dtype = np.int64 if x.dtype.kind in "biu" else None
    return np.cumprod(x, normalized_dim(dim, x.ndim), dtype) if x.ndim else x.astype(dtype or x.dtype)


def _cumprod_gradient(g, x, out, dim):
    """Σ over i ≥ j of g_i · (the product of the first i factors without the j-th)."""
    if x.ndim == 0:
        return g
    if not bool((x == 0).any()):
        return flip(cumsum(flip(g * out, (dim,)), dim), (dim,)) / x
    n = x.shape[dim]
    x, g = movedim(x, dim, -1), movedim(g, dim, -1)
    without = where(np.eye(n, dtype=bool), 1.0, unsqueeze(x, -2))  # (..., j, i): the factors, the j-th replaced by 1
    terms = unsqueeze(g, -2) * cumprod(without, -1)
    return movedim(sum(where(np.tri(n, dtype=bool).T, terms, 0.0), -1), -1, dim)


def _extreme(kernel_name, ufunc, numpy_functions):
    """amax or amin: at ties every one of the extreme elements gets an equal share of the gradient, as in PyTorch."""

    def kernel(x, dim=None, keepdim=False):
        return ufunc.reduce(x, axes(x, dim), None, None, keepdim)

    kernel.__name__ = kernel_name
    return op(
        lambda g, x, out, dim, keepdim: _shared(g, x, out, dim, keepdim),
        numpy=numpy_functions, samples=SAMPLES, avoid=("ties",),
    )(kernel)  # fmt: skip


def _shared(g, x, out, dim, keepdim):
    shape = tuple(x.shape)
    chosen = x == restored(out, shape, dim, keepdim)
    number = restored(sum(chosen, dim, True), shape, dim, True)
    return where(chosen, restored(g, shape, dim, keepdim) / cast(number, x.dtype), 0.0)


amax = _extreme("amax", np.maximum, [np.amax, np.max])
amax.__doc__ = amax.op.doc = "The largest element, NaN if there is one; at ties the gradient is shared equally."
amin = _extreme("amin", np.minimum, [np.amin, np.min])
amin.__doc__ = amin.op.doc = "The smallest element, NaN if there is one; at ties the gradient is shared equally."


@op(None, numpy=[np.argmax], samples=[case((3, 4)), case((3, 4), dim=1), case((3, 4), dim=0, keepdim=True)])
def argmax(x, dim=None, keepdim=False):
    """The position of the largest element (of the first one, at ties; in the flattened tensor if dim is None)."""
    return np.argmax(x, None if dim is None else normalized_dim(dim, x.ndim), keepdims=keepdim)


@op(None, numpy=[np.argmin], samples=[case((3, 4)), case((3, 4), dim=1), case((3, 4), dim=0, keepdim=True)])
def argmin(x, dim=None, keepdim=False):
    """The position of the smallest element (of the first one, at ties; in the flattened tensor if dim is None)."""
    return np.argmin(x, None if dim is None else normalized_dim(dim, x.ndim), keepdims=keepdim)


@op(None, numpy=[np.any], samples=[case(bools(3, 4)), case(bools(3, 4), dim=1)])
def any(x, dim=None, keepdim=False):
    """Whether at least one element is true (not 0)."""
    return np.any(x, axes(x, dim), keepdims=keepdim)


@op(None, numpy=[np.all], samples=[case(bools(3, 4)), case(bools(3, 4), dim=1)])
def all(x, dim=None, keepdim=False):
    """Whether all elements are true (not 0)."""
    return np.all(x, axes(x, dim), keepdims=keepdim)


@op(None, numpy=[np.count_nonzero], samples=[case((3, 4)), case((3, 4), dim=1)])
def count_nonzero(x, dim=None):
    """How many elements are not 0."""
    return np.asarray(np.count_nonzero(x, axes(x, dim)))


@op(
    lambda g, x, dim, correction, keepdim: restored(g, tuple(x.shape), dim, keepdim)
    * (x - mean(x, dim, True)) * (2.0 / _freedom(x, dim, correction)),
    numpy={np.var: dict(correction=0)}, definition=lambda x, dim=None, correction=1, keepdim=False: sum(
        square(x - mean(x, dim, True)), dim, keepdim) / _freedom(x, dim, correction),
    samples=[*REDUCTIONS, case((3, 4), correction=0)],
)  # fmt: skip
def var(x, dim=None, correction=1, keepdim=False):
    """The variance: the sum of the squared deviations from the mean, divided by n − correction."""
    if x.dtype.kind not in "fc":
        raise TypeError(f"the variance of {x.dtype} values has no dtype; write x.float().var()")
    deviation = x - np.add.reduce(x, axes(x, dim), keepdims=True) / x.dtype.type(count(x.shape, dim))
    total = np.add.reduce(deviation * deviation, axes(x, dim), None, None, keepdim)
    return np.true_divide(total, _freedom(x, dim, correction), dtype=x.dtype)


def _freedom(x, dim, correction):
    """n − correction, not below 0; NaN for 0/0, as in PyTorch."""
    freedom = count(tuple(x.shape), dim) - int(correction)
    return float(freedom) if freedom > 0 else 0.0 if count(tuple(x.shape), dim) > 1 else float("nan")


@composite
def std(x, dim=None, correction=1, keepdim=False):
    """The standard deviation, √var."""
    return sqrt(var(x, dim, correction, keepdim))


@op(
    lambda g, x, out, dim, keepdim: restored(g, tuple(x.shape), dim, keepdim)
    * exp(x - restored(where(isfinite(out), out, 0.0), tuple(x.shape), dim, keepdim)),
    definition=lambda x, dim, keepdim=False: log(sum(exp(x), dim, keepdim)),
    samples=[case((3, 4), dim=1), case((3, 4), dim=0, keepdim=True), case((2, 3, 2), dim=(0, 2)), case((), dim=0)],
)  # fmt: skip
def logsumexp(x, dim, keepdim=False):
    """log Σ exp(x), without overflow: the largest element is taken out first."""
    dims = axes(x, dim)
    largest = np.maximum.reduce(x, dims, keepdims=True, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, x.dtype.type(0))
    result = np.log(np.add.reduce(np.exp(x - largest), dims, keepdims=True)) + largest
    return result if keepdim else np.add.reduce(result, dims)


@op(
    lambda g, x, out, p, dim, keepdim: _norm_gradient(
        restored(g, tuple(x.shape), dim, keepdim), x, restored(out, tuple(x.shape), dim, keepdim), p, dim),
    label="‖·‖", internal=True, domain=(0.3, 3.0), avoid=("ties",),
    samples=[case((3, 4)), case((3, 4), p=1.0, dim=1), case((3, 4), p=3.0, dim=0, keepdim=True),
             case((3, 4), p=float("inf"), dim=1), case((5,), p=0.5), case((3, 4), p=0.0, dim=0),
             case(OF_BOTH_SIGNS, p=3.0, dim=1), case(OF_BOTH_SIGNS, p=float("inf"), dim=0)],
)  # fmt: skip
def vector_norm(x, p=2.0, dim=None, keepdim=False):
    """The p-norm (Σ |x|ᵖ)^(1/p); for p = ±∞ the largest or smallest |x|, for p = 0 the number of elements that are not
    0."""
    dims = axes(x, dim)
    size = np.absolute(x)
    if p == 0:
        return np.add.reduce(x != 0, dims, x.dtype, None, keepdim)
    if p in (np.inf, -np.inf):
        return (np.maximum if p > 0 else np.minimum).reduce(size, dims, None, None, keepdim)
    if p == 1:
        return np.add.reduce(size, dims, None, None, keepdim)
    if p == 2:
        return np.sqrt(np.add.reduce(size * size, dims, None, None, keepdim))
    return np.add.reduce(size**p, dims, None, None, keepdim) ** (1.0 / p)


def _norm_gradient(g, x, out, p, dim):
    """d‖x‖/dx = sign(x) (|x| / ‖x‖)^(p−1); 0 where the norm is 0, a subgradient."""
    if p == 0:
        return g * 0 * x
    if p in (np.inf, -np.inf):
        chosen = abs(x) == out
        return where(chosen, g * sign(x) / cast(sum(chosen, dim, True), x.dtype), 0.0)
    safe = where(out == 0, 1.0, out)
    if p == 2:
        return g * x / safe
    ratio = abs(x) / safe
    return g * sign(x) * where(x == 0, 0.0 if p >= 1 else float("inf"), where(x == 0, 1.0, ratio) ** (p - 1))


@composite
def max(x, dim=None, keepdim=False):
    """max(x): the largest element. max(x, dim): (values, indices) along dim. max(x, y): the larger, element by
    element."""
    return _select_extreme(x, dim, keepdim, amax, argmax, maximum, Max)


@composite
def min(x, dim=None, keepdim=False):
    """min(x): the smallest element. min(x, dim): (values, indices) along dim. min(x, y): the smaller, element by
    element."""
    return _select_extreme(x, dim, keepdim, amin, argmin, minimum, Min)


def _select_extreme(x, dim, keepdim, whole, position, between, results):
    if dim is None:
        return whole(x)
    if not isinstance(dim, int):
        return between(x, dim)
    indices = position(x, dim, True)
    values = gather(x, dim, indices)
    return results(values, indices) if keepdim else results(squeeze(values, dim), squeeze(indices, dim))
