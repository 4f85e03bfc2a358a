"""Indexing: reading and writing parts of a tensor. Reading and putting back are adjoint pairs:

getitem / put,  gather / put_along,  index_select / put along a dimension
"""

import math

import numpy as np

from ..define import case, composite, op
from ..dtypes import bool_
from ..tensor import Tensor, of_array
from ..text import named_results
from ..views import replay
from .comparison import where
from .shape import expand, normalized_dim, reshape

Sorted, Largest = [named_results(name, "values", "indices") for name in ("sort", "topk")]


def plain_index(index):
    """An index as NumPy takes it: Tensors and lists in it become arrays, whatever the nesting."""
    if isinstance(index, tuple):
        return tuple([plain_index(i) for i in index])
    if isinstance(index, Tensor):
        index = index.array
    if isinstance(index, list):
        index = np.asarray(index) if index else np.empty(0, np.int64)
    if isinstance(index, np.ndarray):
        if index.dtype.kind not in "biu":
            raise IndexError(f"an index must hold integers or booleans, not {index.dtype}; convert it with .long()")
        return index if index.ndim or index.dtype == bool_ else int(index)
    if isinstance(index, slice):
        parts = [None if i is None else int(i) for i in (index.start, index.stop, index.step)]
        return slice(*parts)
    return index


def is_basic(index):
    """Whether reading with this (plain) index gives a view."""
    items = index if isinstance(index, tuple) else (index,)
    return all(
        item is None or item is Ellipsis or isinstance(item, (slice, int)) and item is not True and item is not False
        for item in items
    )


def after_integers(x, index):
    """Where integers stand in an index beside arrays: the view of x that the integers choose, and the rest of the
    index.

    For NumPy such integers are arrays too, which may move dimensions: x[0, :, [1, 2]] has shape (2, n). In PyTorch, and
    here, they come first: it is x[0][:, [1, 2]], of shape (n, 2).
    """
    if not isinstance(index, tuple) or not any(isinstance(item, np.ndarray) for item in index):
        return x, index
    if not any(isinstance(item, int) and not isinstance(item, bool) for item in index):
        return x, index
    first, rest = [], []
    for item in index:
        if isinstance(item, np.ndarray):
            first.extend([slice(None)] * (item.ndim if item.dtype == bool_ else 1))
            rest.append(item)
        else:
            first.append(item)
            if item is Ellipsis:
                rest.append(item)
            elif not isinstance(item, int):
                rest.append(slice(None))
    return x[tuple(first)], tuple(rest)


@op(
    lambda g, index, x_shape: put(g, x_shape, index),
    adds=lambda total, g, index, x_shape: add_at(total, index, g),
    view=True, linear=(0,), internal=True, label="[·]",
    samples=[
        case((3, 4), index=1), case((3, 4), index=(slice(None), slice(1, None, 2))),
        case((3, 4), index=(Ellipsis, None, 0)),
        case((3, 4), index=np.array([2, 0, 2])), case((3, 4), index=(np.array([[0], [2]]), np.array([1, 1]))),
        case((3,), index=np.array([True, False, True])), case((4,), index=slice(None, None, -1)),
        case((3, 4), index=(0, np.array([1, 1]))),
    ],
)  # fmt: skip
def getitem(x, index):
    """x[index]: any index that NumPy or PyTorch knows. Basic indices give views, arrays of integers or booleans
    copies."""
    if type(index) is slice or (type(index) is int and x.ndim > 1):  # the usual cases, fast
        return x[index]
    index = plain_index(index)
    x, index = after_integers(x, index)
    result = x[index]
    if type(result) is not np.ndarray and is_basic(index):  # one element: keep it a view
        index = index if isinstance(index, tuple) else (index,)
        result = x[(*index, Ellipsis)]
    return result


@op(
    lambda g, index: getitem(g, index),
    linear=(0,), internal=True,
    samples=[case((4,), shape=(3, 4), index=1), case((3, 4), shape=(3, 4), index=np.array([2, 0, 2])),
             case((), shape=(3,), index=1)],
)  # fmt: skip
def put(x, shape, index):
    """Zeros of `shape` to which x is added at `index`, as often as it names a place: the adjoint of getitem."""
    result = np.zeros(shape, x.dtype)
    if type(index) is int or type(index) is slice:
        result[index] = x
        return result
    index = plain_index(index)
    if is_basic(index):
        result[index] = x
    else:
        add_at(result, index, x)
    return result


def add_at(target, index, x):
    """target[index] += x, as often as the (plain) index names a place."""
    index = plain_index(index)
    part, index = after_integers(target, index)
    if is_basic(index):
        part[index] += x
    elif isinstance(index, np.ndarray) and index.dtype.kind in "iu" and part.flags.c_contiguous:
        add_rows(part, index, x)
    else:
        np.add.at(part, index, x)


def add_rows(target, index, rows):
    """target[index] += rows for an array of row numbers, which may repeat.

    np.add.at takes every element on its own. Where there are many, it is faster to let BLAS multiply by a matrix of
    zeros and ones (if the target has few rows), or to count in bins.
    """
    count = len(target)
    width = target.size // max(count, 1)
    few = count <= 256
    if (
        target.dtype.kind != "f" or rows.shape != index.shape + target.shape[1:] or rows.size < 1024
        or not (few and target.ndim > 1 or count <= 4 * index.size)
    ):  # fmt: skip
        np.add.at(target, index, rows)
        return
    index, rows = index.reshape(-1), rows.reshape(-1, width)
    if few and target.ndim > 1:
        chosen = np.zeros((index.size, count), target.dtype)
        chosen[np.arange(index.size), index] = 1
        sums = chosen.T.dot(rows)
        if np.isfinite(np.add.reduce(sums, None)):  # 0 · ∞ is NaN, also where it does not belong
            target += sums.reshape(target.shape)
            return
    bins = np.where(index < 0, index + count, index)
    if width > 1:
        bins = (bins[:, None] * width + np.arange(width)).reshape(-1)
    target += np.bincount(bins, rows.reshape(-1), target.size).reshape(target.shape).astype(target.dtype, copy=False)


@op(
    lambda g, steps: overwrite(g, 0 * replay(steps, g), steps), lambda g, steps: replay(steps, g),
    linear=(0, 1), internal=True, label="write",
    samples=[
        case((3, 4), (2, 4), steps=((getitem, {"index": slice(1, None)}),)),
        case((3, 4), (3,), steps=((getitem, {"index": (slice(None), 0)}), (reshape, {"shape": (3,)}))),
    ],
)  # fmt: skip
def overwrite(x, value, steps):
    """A copy of x in which the part that the view made by `steps` looks at is `value`."""
    # a gradient of no dimensions may be a NumPy number, whose copy is none to write into
    result = np.array(x, order="C")
    replay(steps, result)[...] = value
    return result


@op(
    lambda g, index, accumulate: g if accumulate else index_put(g, 0 * getitem(g, index), index, False),
    lambda g, index: getitem(g, index),
    linear=(0, 1), inplace=True,
    samples=[
        case((3, 4), (2, 4), index=np.array([2, 0])), case((3, 4), (), index=(np.array([0, 1]), np.array([3, 3]))),
        case((3, 4), (3, 4), index=np.array([2, 0, 2]), accumulate=True),
        case((3, 4), (2,), index=np.eye(3, 4) * [1, 1, 0, 0] > 0),
    ],
)  # fmt: skip
def index_put(x, value, index, accumulate=False):
    """A copy of x with `value` written at `index`, or added with `accumulate` (as often as the index names a place)."""
    index = plain_index(index)
    result = np.array(x, order="C")
    part, index = after_integers(result, index)
    if accumulate:
        np.add.at(part, index, value)
    else:
        part[index] = value
    return result


# ---- along one dimension, by an integer tensor


def along(index, dim, ndim):
    """The index tuple with which x[...] picks, for each position of `index`, the element at that position but `index`
    in dim."""
    where_ = list(np.ogrid[tuple([slice(size) for size in index.shape])])
    where_[dim] = index
    return tuple(where_)


@op(
    lambda g, dim, index, x_shape: put_along(g, x_shape, dim, index), linear=(0,),
    samples=[case((3, 4), dim=1, index=np.array([[0, 0], [3, 1]])), case((3, 4), dim=0, index=np.array([[2, 0, 1, 0]])),
             case((), dim=0, index=np.array(0))],
)  # fmt: skip
def gather(x, dim, index):
    """result[i, j, ...] = x[index[i, j, ...], j, ...] for dim = 0, and likewise for other dimensions."""
    index = plain_indices(index)
    if index.ndim != x.ndim:
        raise IndexError(f"gather: the index must have as many dimensions as x, {x.ndim}, not {index.ndim}")
    if x.ndim == 0:
        return x.copy()
    dim = normalized_dim(dim, x.ndim)
    too_large = [d for d in range(x.ndim) if d != dim and index.shape[d] > x.shape[d]]
    if too_large:
        raise IndexError(f"gather: index {index.shape} is larger than x {x.shape} in dimension {too_large[0]}")
    return x[along(index, dim, x.ndim)]


def plain_indices(index):
    """An integer array that is an attribute of an operation."""
    index = index.array if isinstance(index, Tensor) else np.asarray(index)
    if index.dtype.kind not in "iu":
        raise IndexError(f"the index must hold integers, not {index.dtype}; convert it with .long()")
    return index


@op(
    lambda g, dim, index: gather(g, dim, index), linear=(0,), internal=True,
    samples=[case((2, 2), shape=(3, 4), dim=1, index=np.array([[0, 0], [3, 1]]))],
)  # fmt: skip
def put_along(x, shape, dim, index):
    """Zeros of `shape` to which x is added where gather would read with the same index: the adjoint of gather."""
    index = plain_indices(index)
    result = np.zeros(shape, x.dtype)
    if result.ndim == 0:
        return result + x
    np.add.at(result, along(index, normalized_dim(dim, result.ndim), result.ndim), x)
    return result


@op(
    lambda g, dim, index: scatter_values(g, 0 * gather(g, dim, index), dim, index),
    lambda g, dim, index: gather(g, dim, index),
    linear=(0, 1), internal=True, label="scatter",
    samples=[case((3, 4), (2, 2), dim=1, index=np.array([[0, 2], [3, 1]])),
             case((3, 4), (), dim=0, index=np.array([[0, 2]]))],
)  # fmt: skip
def scatter_values(x, value, dim, index):
    """A copy of x with `value` written where gather would read."""
    index = plain_indices(index)
    result = np.array(x, order="C")
    result[along(index, normalized_dim(dim, x.ndim), x.ndim)] = value
    return result


@op(
    lambda g: g, lambda g, dim, index: gather(g, dim, index),
    linear=(0, 1), internal=True, label="scatter +",
    samples=[case((3, 4), (2, 2), dim=1, index=np.array([[0, 0], [3, 1]]))],
)  # fmt: skip
def scatter_add_values(x, value, dim, index):
    """A copy of x to which `value` is added where gather would read, as often as the index names a place."""
    index = plain_indices(index)
    result = np.array(x, order="C")
    np.add.at(result, along(index, normalized_dim(dim, x.ndim), x.ndim), value)
    return result


def _cut_to_index(src, index):
    """The part of `src` that an index of smaller sizes uses."""
    if np.ndim(src) == 0 or np.shape(src) == np.shape(index):
        return src
    return getitem(src, tuple([slice(size) for size in np.shape(index)]))


@composite(inplace=True)
def scatter(x, dim, index, src):
    """A copy of x with result[index[i, j], j] = src[i, j] (for dim = 0); `src` is a tensor or a number."""
    return scatter_values(x, _cut_to_index(src, index), dim, index)


@composite(inplace=True)
def scatter_add(x, dim, index, src):
    """A copy of x with result[index[i, j], j] += src[i, j] (for dim = 0), as often as the index names a place."""
    return scatter_add_values(x, _cut_to_index(src, index), dim, index)


@composite
def index_select(x, dim, index):
    """The slices of x along `dim` with the numbers in the one-dimensional `index`."""
    dim = normalized_dim(dim, x.ndim)
    return getitem(x, (slice(None),) * dim + (plain_indices(index),))


@composite
def take(x, index):
    """The elements of the flattened x with the numbers in `index`, in the shape of `index`."""
    return getitem(reshape(x, (-1,)), plain_indices(index))


@composite
def masked_select(x, mask):
    """The elements of x where the mask is true, as a vector; x and mask are broadcast."""
    mask = mask.array if isinstance(mask, Tensor) else np.asarray(mask)
    shape = np.broadcast_shapes(x.shape, mask.shape)
    return getitem(expand(x, shape), np.broadcast_to(mask, shape))


@composite(inplace=True)
def masked_fill(x, mask, value):
    """x with `value` where the mask is true."""
    return where(mask, value, x)


@composite
def narrow(x, dim, start, length):
    """The part of x from `start` on, of size `length`, along `dim`: a view."""
    dim = normalized_dim(dim, x.ndim)
    start = start + x.shape[dim] if start < 0 else start
    if not 0 <= start <= start + length <= x.shape[dim]:
        raise IndexError(f"narrow: {start} to {start + length} lies outside dimension {dim} of size {x.shape[dim]}")
    return getitem(x, (slice(None),) * dim + (slice(start, start + length),))


@composite
def select(x, dim, index):
    """Number `index` along `dim`, which disappears: a view."""
    return getitem(x, (slice(None),) * normalized_dim(dim, x.ndim) + (int(index),))


@composite(numpy=[np.nonzero])
def nonzero(x, *, as_tuple=False):
    """The positions of the elements that are not 0: one row each, or with `as_tuple` one index vector per dimension."""
    positions = np.nonzero(x.array if isinstance(x, Tensor) else x)
    if as_tuple:
        return tuple([of_array(p, None) for p in positions])
    return of_array(np.stack(positions, 1) if positions else np.zeros((int(bool(x)), 0), np.int64), None)


# ---- order


@op(None, numpy=[np.argsort], samples=[case((3, 4)), case((3, 4), dim=0, descending=True)])
def argsort(x, dim=-1, descending=False, stable=True):
    """The order of the elements along `dim`: the indices that would sort them. Equal ones keep their order."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable") if x.ndim else np.zeros((), np.int64)
    if x.ndim == 0:
        return np.zeros((), np.int64)
    order = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
    return np.flip(x.shape[dim] - 1 - order, dim)


@composite(numpy=[np.sort])
def sort(x, dim=-1, descending=False, stable=True):
    """(values, indices) in ascending or descending order along `dim`."""
    indices = argsort(x, dim, descending)
    return Sorted(gather(x, dim, indices), indices)


@composite
def topk(x, k, dim=-1, largest=True, sorted=True):
    """(values, indices) of the k largest (or smallest) elements along `dim`, in order."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim and not 0 <= k <= x.shape[dim]:
        raise IndexError(f"topk: there are {x.shape[dim]} elements in dimension {dim}, not {k}")
    indices = argsort(x, dim, largest)
    indices = indices[(slice(None),) * dim + (slice(k),)] if x.ndim else indices
    return Largest(gather(x, dim, indices), indices)


Tensor.__getitem__ = lambda self, index: getitem(self, index)
