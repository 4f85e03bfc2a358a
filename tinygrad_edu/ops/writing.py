"""Copies of a tensor with parts replaced or added to: by index along a dimension, by mask, by slice."""

import numpy as np

from ..define import composite
from ..tensor import Tensor, as_tensor
from .comparison import where
from .indexing import getitem, index_put, plain_indices, put_along, scatter_add_values, scatter_values
from .reduce import amax, amin
from .shape import cast, expand, flatten, normalized_dim, reshape


def _slices(index, dim, ndim):
    """The index of the slices with numbers `index` along `dim`."""
    index = plain_indices(index)
    if index.ndim > 1:
        raise IndexError(f"the numbers of slices stand in one dimension, not in the shape {index.shape}")
    return (slice(None),) * normalized_dim(dim, ndim) + (np.atleast_1d(index),)


@composite(inplace=True)
def index_add(x, dim, index, source, *, alpha=1):
    """A copy of x where alpha · source[i] is added to slice number index[i] along `dim`."""
    source = source if alpha == 1 else source * alpha
    if x.ndim == 0:
        return x + reshape(source, ())
    return index_put(x, source, _slices(index, dim, x.ndim), True)


@composite(inplace=True)
def index_copy(x, dim, index, source):
    """A copy of x where slice number index[i] along `dim` is source[i]."""
    return reshape(source, ()) if x.ndim == 0 else index_put(x, source, _slices(index, dim, x.ndim))


@composite(inplace=True)
def index_fill(x, dim, index, value):
    """A copy of x where the slices with numbers `index` along `dim` hold `value`, a number or 0-dimensional tensor."""
    if np.ndim(value if not isinstance(value, Tensor) else value.array):
        raise RuntimeError(f"index_fill fills with one number, not with a tensor of shape {tuple(value.shape)}")
    value = cast(as_tensor(value), x.dtype)
    return value.clone() if x.ndim == 0 else index_put(x, value, _slices(index, dim, x.ndim))


@composite
def index_reduce(x, dim, index, source, reduce, *, include_self=True):
    """A copy of x where source[i] is combined into slice number index[i] along `dim` by prod, mean, amax or amin."""
    index = plain_indices(index).reshape([-1 if d == normalized_dim(dim, x.ndim) else 1 for d in range(x.ndim)])
    return scatter_reduce(x, dim, np.broadcast_to(index, source.shape), source, reduce, include_self=include_self)


@composite(inplace=True)
def scatter_reduce(x, dim, index, src, reduce, *, include_self=True):
    """A copy of x where the elements of `src` that `scatter` would write to one place are combined with it.

    reduce        "sum", "prod", "mean", "amax" or "amin"
    include_self  whether the element of x takes part

    Equal largest (smallest) elements share the gradient.
    """
    index = plain_indices(index)
    src = getitem(src, tuple([slice(size) for size in index.shape]))
    hit = put_along(np.ones(index.shape, np.int64), tuple(x.shape), dim, index)  # how many are written to each place
    touched = hit > 0
    start = x if include_self else where(touched, _neutral(reduce, x), x)
    if reduce in ("sum", "mean"):
        total = scatter_add_values(start, src, dim, index)
        count = np.where(touched, hit + include_self, 1)
        return total if reduce == "sum" else total / as_tensor(count.astype(x.array.dtype))
    if reduce not in ("prod", "amax", "amin"):
        raise ValueError(f"scatter_reduce: reduce is sum, prod, mean, amax or amin, not {reduce!r}")
    layers = [start]  # one element of src for each place, then the next ones
    order = _occurrence(index, normalized_dim(dim, x.ndim), x.shape)
    for number in range(int(order.max()) + 1 if order.size else 0):
        chosen = np.nonzero(order == number)
        place = list(chosen)
        place[normalized_dim(dim, x.ndim)] = index[chosen]
        layers.append(
            index_put(cast(expand(as_tensor(_neutral(reduce, x)), x.shape), x.dtype), src[chosen], tuple(place))
        )
    stacked = as_tensor(np.empty(0)) if not layers else _stack(layers)
    if reduce == "prod":
        return stacked.prod(0)
    return (amax if reduce == "amax" else amin)(stacked, 0)


def _neutral(reduce, x):
    """What changes nothing when combined."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    kind = x.array.dtype
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    infinite = {"amax": -np.inf, "amin": np.inf} if kind.kind == "f" else {"amax": limits.min, "amin": limits.max}
    return infinite.get(reduce, 0)


def _occurrence(index, dim, shape):
    """For each element of an index: how many before it name the same place."""
    grid = list(np.indices(index.shape, sparse=False))
    grid[dim] = index
    flat = np.ravel_multi_index([g.ravel() for g in grid], tuple(shape)) if index.size else np.zeros(0, int)
    order = np.argsort(flat, kind="stable")
    ranked = flat[order]
    first = np.searchsorted(ranked, ranked)
    result = np.empty(flat.size, int)
    result[order] = np.arange(flat.size) - first
    return result.reshape(index.shape)


def _stack(tensors):
    from .joining import stack

    return stack(tensors)


@composite(inplace=True)
def masked_scatter(x, mask, source):
    """A copy of x where the mask is true holds the elements of `source`, one after the other."""
    mask = np.broadcast_to(mask.array if isinstance(mask, Tensor) else np.asarray(mask), x.shape)
    number = int(np.count_nonzero(mask))
    flat = flatten(source) if source.ndim else reshape(source, (1,))
    if flat.shape[0] < number:
        raise RuntimeError(
            f"masked_scatter: the mask is true at {number} places, and source has {flat.shape[0]} elements"
        )
    return index_put(x, flat[:number], mask)


@composite
def select_scatter(x, src, dim, index):
    """A copy of x where x.select(dim, index) is `src`."""
    return index_put(x, src, (slice(None),) * normalized_dim(dim, x.ndim) + (int(index),))


@composite
def slice_scatter(x, src, dim=0, start=None, end=None, step=1):
    """A copy of x where the slice start:end:step along `dim` is `src`."""
    return index_put(x, src, (slice(None),) * normalized_dim(dim, x.ndim) + (slice(start, end, step),))


@composite(numpy=[np.take_along_axis])
def take_along_dim(x, indices, dim=None):
    """Elements of x at positions `indices` along `dim` (broadcast over the others), or in the flattened tensor."""
    if dim is None:
        return x.reshape(-1)[plain_indices(indices).reshape(-1)]
    dim, index = normalized_dim(dim, x.ndim), plain_indices(indices)
    shape = np.broadcast_shapes(
        tuple([1 if d == dim else n for d, n in enumerate(x.shape)]),
        tuple([1 if d == dim else n for d, n in enumerate(index.shape)]),
    )
    full = [tuple([n if d == dim else m for d, m in enumerate(shape)]) for n in (x.shape[dim], index.shape[dim])]
    return expand(x, full[0]).gather(dim, np.broadcast_to(index, full[1]))


@composite
def put(x, index, source, accumulate=False):
    """A copy of x where the elements of the flattened tensor with the numbers `index` are those of `source`."""
    flat = index_put(reshape(x, (-1,)), reshape(source, (-1,)), (plain_indices(index).reshape(-1),), accumulate)
    return reshape(flat, tuple(x.shape))
