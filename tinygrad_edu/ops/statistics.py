"""Order statistics, counts and running extremes: what sorts or counts, and picks elements by position.

Values are picked with `gather` or `getitem`, whose gradients go to the elements that were picked.
"""

import numpy as np

from ..define import composite
from ..tensor import Tensor, of_array
from ..text import named_results
from .arithmetic import add, mul, sub
from .comparison import isnan, where
from .elementary import exp, log
from .indexing import gather, sort
from .joining import cat
from .reduce import amax, amin, mean, std, sum, var
from .shape import cast, normalized_dim, reshape, squeeze, unsqueeze

Median, NanMedian, Mode, Kth, CumMax, CumMin, MinMax = [
    named_results(name, *fields)
    for name, fields in (
        ("median", ("values", "indices")), ("nanmedian", ("values", "indices")), ("mode", ("values", "indices")),
        ("kthvalue", ("values", "indices")), ("cummax", ("values", "indices")), ("cummin", ("values", "indices")),
        ("aminmax", ("min", "max")),
    )
]  # fmt: skip


def array_of(x):
    return x.array if isinstance(x, Tensor) else np.asarray(x)


def picked(x, indices, dim, keepdim, results):
    """(values, indices): the elements of x at `indices` (with `dim` of size 1) along `dim`."""
    indices = of_array(np.asarray(indices, np.int64), None)
    values = gather(x, dim, indices)
    return results(values, indices) if keepdim else results(squeeze(values, dim), squeeze(indices, dim))


def at_rank(x, rank, dim):
    """The position of the element of each line along `dim` that has the given rank (an array with `dim` of size 1)."""
    if x.ndim == 0:
        return np.zeros((), np.int64)
    return np.take_along_axis(np.argsort(x.array, axis=dim, kind="stable"), rank, dim)


@composite
def median(x, dim=None, keepdim=False):
    """The middle element (the lower one of two; NaN if there is one); with `dim`, (values, indices)."""
    return _median(x, dim, keepdim, Median, False)


@composite
def nanmedian(x, dim=None, keepdim=False):
    """The middle one of the elements that are not NaN; with `dim`, (values, indices)."""
    return _median(x, dim, keepdim, NanMedian, True)


def _median(x, dim, keepdim, results, ignore):
    if dim is None:
        return _median(reshape(x, (-1,)), 0, False, results, ignore).values
    dim = normalized_dim(dim, x.ndim)
    size = x.shape[dim] if x.ndim else 1
    if size == 0:
        raise IndexError(f"median: dimension {dim} of {tuple(x.shape)} has no elements")
    missing = np.isnan(x.array).sum(dim, keepdims=True) if x.ndim else np.zeros((), int)
    rank = np.maximum(size - missing - 1, 0) // 2  # NaNs sort last
    if not ignore:
        rank = np.where(missing > 0, size - missing, rank)
    return picked(x, at_rank(x, rank, dim), dim, keepdim, results)


@composite
def kthvalue(x, k, dim=-1, keepdim=False):
    """(values, indices) of the k-th smallest elements along `dim`, counted from 1."""
    dim = normalized_dim(dim, x.ndim)
    size = x.shape[dim] if x.ndim else 1
    if not 1 <= k <= size:
        raise IndexError(f"kthvalue: k counts from 1 to {size}, the size of dimension {dim}, and is {k}")
    shape = [1 if d == dim else n for d, n in enumerate(x.shape)]
    return picked(x, at_rank(x, np.full(shape, k - 1), dim), dim, keepdim, Kth)


@composite
def mode(x, dim=-1, keepdim=False):
    """(values, indices) of the most frequent elements along `dim`: the smallest of them, and its last position."""
    dim = normalized_dim(dim, x.ndim)
    rows = np.moveaxis(x.array, dim, -1) if x.ndim else x.array[None]
    indices = np.empty((*rows.shape[:-1], 1), np.int64)
    for place in np.ndindex(rows.shape[:-1]):
        values, counts = np.unique(rows[place], return_counts=True)
        indices[(*place, 0)] = np.flatnonzero(rows[place] == values[np.argmax(counts)])[-1]
    return picked(x, np.moveaxis(indices, -1, dim) if x.ndim else np.zeros((), int), dim, keepdim, Mode)


@composite(numpy=[np.quantile])
def quantile(x, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The values below which the fraction(s) q of the elements lie; between two elements by `interpolation`.

    q              a number or a one-dimensional tensor, whose length is then the first size of the result
    interpolation  "linear", "lower", "higher", "midpoint" or "nearest"
    """
    return _quantile(x, q, dim, keepdim, interpolation, False)


@composite(numpy=[np.nanquantile])
def nanquantile(x, q, dim=None, keepdim=False, *, interpolation="linear"):
    """`quantile` of the elements that are not NaN."""
    return _quantile(x, q, dim, keepdim, interpolation, True)


def _quantile(x, q, dim, keepdim, interpolation, ignore):
    fractions = np.atleast_1d(np.asarray(array_of(q), x.array.dtype))
    if not ((fractions >= 0) & (fractions <= 1)).all():
        raise RuntimeError(f"quantile: q lies between 0 and 1, and is {q}")
    everything, ndim = dim is None, x.ndim
    if everything:
        x, dim = reshape(x, (-1,)), 0
    dim = normalized_dim(dim, x.ndim)
    values = sort(x, dim).values
    missing = np.isnan(x.array).sum(dim, keepdims=True)
    last = x.shape[dim] - 1
    shown = []
    for fraction in fractions:
        place = fraction * np.maximum(last - missing, 0) if ignore else np.where(missing > 0, last, fraction * last)
        below, above = np.floor(place).astype(int), np.ceil(place).astype(int)
        share = (place - below).astype(x.array.dtype)
        if interpolation != "linear":
            rules = dict(lower=0 * share, higher=share > 0, midpoint=0.5 * (share > 0), nearest=np.round(place) - below)
            if interpolation not in rules:
                raise RuntimeError(f"quantile: interpolation is linear, {', '.join(rules)}, not {interpolation!r}")
            share = np.asarray(rules[interpolation], x.array.dtype)
        low, high = [gather(values, dim, of_array(i, None)) for i in (below, above)]
        result = low if not share.any() else add(low, mul(sub(high, low), of_array(share, None)))
        if everything:
            result = reshape(result, (1,) * ndim if keepdim else ())
        shown.append(result if keepdim or everything else squeeze(result, dim))
    if np.ndim(array_of(q)) == 0:
        return shown[0]
    return cat([unsqueeze(result, 0) for result in shown])


@composite
def nansum(x, dim=None, keepdim=False, *, dtype=None):
    """The sum of the elements that are not NaN."""
    return sum(where(isnan(x), 0, x), dim, keepdim) if dtype is None else nansum(x.to(dtype), dim, keepdim)


@composite
def nanmean(x, dim=None, keepdim=False, *, dtype=None):
    """The mean of the elements that are not NaN."""
    if dtype is not None:
        return nanmean(x.to(dtype), dim, keepdim)
    return nansum(x, dim, keepdim) / cast(sum(~isnan(x), dim, keepdim), x.dtype)


@composite
def std_mean(x, dim=None, correction=1, keepdim=False):
    """(standard deviation, mean)"""
    return std(x, dim, correction=correction, keepdim=keepdim), mean(x, dim, keepdim)


@composite
def var_mean(x, dim=None, correction=1, keepdim=False):
    """(variance, mean)"""
    return var(x, dim, correction=correction, keepdim=keepdim), mean(x, dim, keepdim)


@composite
def aminmax(x, *, dim=None, keepdim=False):
    """(smallest, largest) element, of the whole tensor or along `dim`."""
    return MinMax(amin(x, dim, keepdim), amax(x, dim, keepdim))


def _running(x, dim, results, better):
    """(values, positions) of the best element so far along `dim`; of equal ones the last."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim == 0:
        return results(x.clone(), of_array(np.zeros((), np.int64), None))
    array = np.moveaxis(x.array, dim, 0)
    indices = np.zeros(array.shape, np.int64)
    for i in range(1, len(array)):
        so_far = np.take_along_axis(array, indices[i - 1 : i], 0)[0]
        indices[i] = np.where(better(array[i], so_far) | np.isnan(array[i]), i, indices[i - 1])
    indices = of_array(np.moveaxis(indices, 0, dim), None)
    return results(gather(x, dim, indices), indices)


@composite
def cummax(x, dim):
    """(values, indices) of the largest element so far, along `dim`."""
    return _running(x, dim, CumMax, lambda new, old: ~(new < old) & ~np.isnan(old))


@composite
def cummin(x, dim):
    """(values, indices) of the smallest element so far, along `dim`."""
    return _running(x, dim, CumMin, lambda new, old: ~(new > old) & ~np.isnan(old))


@composite
def logcumsumexp(x, dim):
    """log of the running sum of exp(x) along `dim`; the largest element so far is taken out first."""
    pieces, running = [], None
    for part in x.split(1, normalized_dim(dim, x.ndim)) if x.ndim else [x]:
        if running is None:
            running = part
        else:
            largest = where(running.detach() > part.detach(), running, part).detach()
            largest = where(largest.isfinite(), largest, 0.0)
            running = log(exp(running - largest) + exp(part - largest)) + largest
        pieces.append(running)
    return cat(pieces, dim) if x.ndim else running


@composite(numpy=[np.diff])
def diff(x, n=1, dim=-1, prepend=None, append=None):
    """Differences of neighbours along `dim`, n times over."""
    parts = [part for part in (prepend, x, append) if part is not None]
    x = cat(parts, dim) if len(parts) > 1 else x
    dim = normalized_dim(dim, x.ndim)
    for _ in range(n):
        size = x.shape[dim]
        fewer = size - 1 if size else 0
        late, early = x.narrow(dim, size - fewer, fewer), x.narrow(dim, 0, fewer)
        x = late ^ early if x.array.dtype == bool else late - early
    return x


@composite(aliases=("trapz",))
def trapezoid(y, x=None, *, dx=1.0, dim=-1):
    """The integral of y along `dim` by the trapezoidal rule, at the points x, or at distances dx."""
    size = y.shape[normalized_dim(dim, y.ndim)]
    pairs = y.narrow(dim, 1, size - 1) + y.narrow(dim, 0, size - 1)
    if x is None:
        return sum(pairs, dim) * (dx / 2)
    steps = diff(x, dim=-1 if x.ndim == 1 else dim)
    if x.ndim == 1 and y.ndim > 1:
        steps = reshape(steps, tuple([-1 if d == normalized_dim(dim, y.ndim) else 1 for d in range(y.ndim)]))
    return sum(pairs * steps, dim) / 2


@composite(numpy=[np.cov])
def cov(x, *, correction=1, fweights=None, aweights=None):
    """The covariances of the rows of x (variables, observations): (variables, variables)."""
    single = x.ndim < 2
    x = reshape(x, (1, -1)) if single else x
    weights = None
    for w in (fweights, aweights):
        if w is not None:
            weights = cast(w, x.dtype) if weights is None else weights * cast(w, x.dtype)
    if weights is None:
        centred, total = x - mean(x, 1, True), x.shape[1]
        product, freedom = centred @ centred.mT, total - correction
    else:
        total = sum(weights)
        centred = x - sum(x * weights, 1, True) / total
        product = (centred * weights) @ centred.mT
        extra = 1.0 if aweights is None else sum(weights * cast(aweights, x.dtype)) / total
        freedom = total - correction * extra
    result = product / freedom
    return reshape(result, ()) if single else result


@composite(numpy=[np.corrcoef])
def corrcoef(x):
    """The correlation coefficients of the rows of x (variables, observations)."""
    c = cov(x)
    if c.ndim == 0:
        return c / c
    deviation = c.diagonal().sqrt()
    return (c / unsqueeze(deviation, 0) / unsqueeze(deviation, 1)).clamp(-1, 1)


# ---- counts, which have no gradients


@composite
def histc(x, bins=100, min=0, max=0):
    """How many elements lie in each of `bins` intervals of equal width between `min` and `max` (both 0: of the
    data)."""
    if bins <= 0:
        raise RuntimeError(f"histc: the number of bins must be positive, not {bins}")
    array = x.array
    low, high = float(min), float(max)
    if low == high == 0 and array.size:
        low, high = float(array.min()), float(array.max())
    if low > high or not np.isfinite([low, high]).all():
        raise RuntimeError(f"histc: the limits must be finite and in order, not {low} and {high}")
    if low == high:
        low, high = low - 1, high + 1
    counts = np.histogram(array[np.isfinite(array)], bins, (low, high))[0]
    return of_array(counts.astype(array.dtype), None)


@composite(numpy=[np.bincount])
def bincount(x, weights=None, minlength=0):
    """How often (or with what total weight) each number from 0 to the largest occurs in x, one-dimensional, int."""
    array = x.array
    if array.dtype.kind not in "iu" or array.ndim != 1 or array.size and array.min() < 0:
        raise RuntimeError(f"bincount counts integers ≥ 0 in one dimension; here are {array.dtype} {array.shape}")
    if weights is None:
        return of_array(np.bincount(array, minlength=minlength), None)
    kind = array_of(weights).dtype
    counts = np.bincount(array, array_of(weights), minlength)
    return of_array(counts.astype(kind if kind == np.float32 else np.float64), None)


@composite(numpy=[np.unique])
def unique(x, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements (with `dim`: slices) of x in ascending order; where each element went, how often each is.

    Of equal elements the first one gets the gradient.
    """
    _, first, inverse, counts = np.unique(x.array, True, True, True, axis=dim)
    inverse = np.asarray(inverse).reshape(x.array.shape if dim is None else (-1,))
    values = x.reshape(-1)[first] if dim is None else x.index_select(dim, first)
    return _unique_results(values, inverse, counts, return_inverse, return_counts)


@composite
def unique_consecutive(x, return_inverse=False, return_counts=False, dim=None):
    """x without the elements (with `dim`: slices) that equal the one before."""
    array = x.array.reshape(-1) if dim is None else np.moveaxis(x.array, dim, 0)
    new = np.ones(len(array), bool)
    new[1:] = (array[1:] != array[:-1]).reshape(len(array) - 1, -1).any(1) if len(array) > 1 else []
    inverse = np.cumsum(new) - 1
    counts = np.bincount(inverse) if len(array) else np.zeros(0, int)
    values = x.reshape(-1)[np.flatnonzero(new)] if dim is None else x.index_select(dim, np.flatnonzero(new))
    return _unique_results(
        values, inverse.reshape(x.array.shape if dim is None else -1), counts, return_inverse, return_counts
    )


def _unique_results(values, inverse, counts, return_inverse, return_counts):
    arrays = [*[inverse] * return_inverse, *[counts] * return_counts]
    return (values, *[of_array(np.ascontiguousarray(array), None) for array in arrays]) if arrays else values


# ---- searches and comparisons of whole tensors


@composite(numpy=[np.searchsorted])
def searchsorted(sorted_sequence, x, *, out_int32=False, right=False, side=None, sorter=None):
    """Where the values x would be put into the ascending `sorted_sequence`, row by row: before (right: behind) equals.

    sorted_sequence  (n,), or (..., n) with the sizes of x before the last
    sorter           the order that sorts it, if it is not sorted
    """
    right = right if side is None else side == "right"
    sequence, values = array_of(sorted_sequence), array_of(x)
    if sorter is not None:
        sequence = np.take_along_axis(sequence, array_of(sorter), -1)
    kind = np.int32 if out_int32 else np.int64
    if sequence.ndim == 1:
        return of_array(np.asarray(np.searchsorted(sequence, values, "right" if right else "left")).astype(kind), None)
    if sequence.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            f"searchsorted: sizes before the last must agree; the sequence has {sequence.shape}, the values "
            f"{values.shape}"
        )
    result = np.empty(values.shape, kind)
    for row in np.ndindex(sequence.shape[:-1]):
        result[row] = np.searchsorted(sequence[row], values[row], "right" if right else "left")
    return of_array(result, None)


@composite
def bucketize(x, boundaries, *, out_int32=False, right=False):
    """The number of the interval between ascending `boundaries` in which each value lies (`searchsorted`)."""
    return searchsorted(boundaries, x, out_int32=out_int32, right=right)


@composite(numpy=[np.isin])
def isin(elements, test_elements, *, assume_unique=False, invert=False):
    """Whether each element is one of `test_elements`."""
    return of_array(np.isin(array_of(elements), array_of(test_elements), invert=invert), None)


@composite(numpy=[np.array_equal])
def equal(x, other):
    """Whether both tensors have the same size and elements. A bool."""
    return x.shape == other.shape and bool(np.equal(x.array, other.array).all())


@composite(numpy=[np.isclose])
def isclose(x, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |x − other| ≤ atol + rtol · |other|, element by element. `other` has the dtype of x, or is a number."""
    if isinstance(other, (int, float)):
        other = np.asarray(other, x.array.dtype)
    if x.array.dtype != array_of(other).dtype:
        raise RuntimeError(f"isclose: x is {x.dtype} and other {array_of(other).dtype}; convert one of them")
    return of_array(np.asarray(np.isclose(x.array, array_of(other), rtol, atol, equal_nan)), None)


@composite(numpy=[np.allclose])
def allclose(x, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |x − other| ≤ atol + rtol · |other| everywhere. A bool."""
    return bool(isclose(x, other, rtol, atol, equal_nan).array.all())
