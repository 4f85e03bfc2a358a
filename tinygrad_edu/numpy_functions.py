"""Adapters: NumPy's functions whose arguments or meaning differ from the operation that computes the same.

Each has NumPy's parameters in NumPy's order, without `out` and the like. Read about their use in `numpy_protocol.py`.
"""

import math

import numpy as np

from .define import COMPOSITES, OPS
from .ops.arithmetic import abs, clamp, mul, pow, round
from .ops.comparison import isnan, nan_to_num, where
from .ops.conversion import ravel
from .ops.indexing import argsort, gather, getitem, index_select, sort, take
from .ops.joining import cat, pad_zeros, repeat_interleave, stack, tensor_split, unbind
from .ops.linear import matmul
from .ops.reduce import amax, amin, any, cumprod, cumsum, mean, std, sum
from .ops.shape import clone, expand, flip, normalized_dim, normalized_dims, permute, reshape, squeeze, unsqueeze
from .tensor import Tensor, as_tensor, of_array

ADAPTERS = {}
"""NumPy function -> what is called instead of it."""

PLAIN = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.iscomplexobj, np.isrealobj,
    np.shares_memory, np.may_share_memory, np.array_repr, np.array_str, np.array2string, np.save, np.savez,
    np.savez_compressed, np.savetxt, np.allclose, np.array_equal, np.array_equiv,
}  # fmt: skip
"""Functions whose results are no tensors: they get the arrays, and their results are returned as they are."""

NO_GRADIENT = {
    np.isclose, np.searchsorted, np.digitize, np.argwhere, np.flatnonzero, np.isin, np.lexsort, np.argpartition,
    np.bincount, np.histogram, np.signbit, np.isposinf, np.isneginf, np.iscomplex, np.isreal, np.nanargmax,
    np.nanargmin, np.rint, np.heaviside, np.spacing, np.nextafter,
}  # fmt: skip
"""Functions whose gradient is 0 wherever it exists: they get the arrays even of tensors that require gradients."""

WRITERS = {
    np.copyto: "write x.copy_(source)",
    np.put: "write x[index] = values",
    np.place: "write x[mask] = values",
    np.putmask: "write x[mask] = values",
    np.put_along_axis: "write x.scatter_(dim, index, values)",
    np.fill_diagonal: "write x.diagonal().fill_(value)",
}
"""Functions that change their argument, and what to write instead."""


def adapter(*functions):
    def register(function):
        for of_numpy in functions:
            ADAPTERS[of_numpy] = function
        return function

    return register


# ---- ufuncs without an operation of their own

ADAPTERS.update({
    np.fabs: abs,
    np.float_power: pow,
    np.deg2rad: lambda x: x * (math.pi / 180),
    np.radians: lambda x: x * (math.pi / 180),
    np.rad2deg: lambda x: x * (180 / math.pi),
    np.degrees: lambda x: x * (180 / math.pi),
    np.divmod: lambda x, y: (x // y, x % y),
    np.logaddexp2: lambda x, y: OPS["logaddexp"].call(x * math.log(2.0), y * math.log(2.0)) / math.log(2.0),
    np.copysign: lambda x, y: where(np.signbit(np.asarray(y)), -abs(x), abs(x)),
})  # fmt: skip


# ---- shape


@adapter(np.transpose, np.permute_dims)
def transpose(a, axes=None):
    return permute(a, tuple(range(a.ndim))[::-1] if axes is None else tuple(axes))


@adapter(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x):
    return OPS["transpose"].call(x, -1, -2)


@adapter(np.reshape)
def numpy_reshape(a, /, shape=None, order="C", *, newshape=None, copy=None):
    shape = newshape if shape is None else shape
    if order not in ("C", "A", "K"):
        raise TypeError(f"numpy.reshape of a Tensor: only order='C', not {order!r}; transpose before and after instead")
    return reshape(clone(a) if copy else a, shape)


@adapter(np.ravel)
def numpy_ravel(a, order="C"):
    return numpy_reshape(a, -1, order)


@adapter(np.squeeze)
def numpy_squeeze(a, axis=None):
    if axis is not None:
        wrong = [d for d in normalized_dims(axis, a.ndim) if a.shape[d] != 1]
        if wrong:
            raise ValueError(
                f"numpy.squeeze: axis {wrong[0]} of the shape {tuple(a.shape)} has size {a.shape[wrong[0]]}, not 1"
            )
    return squeeze(a, axis)


@adapter(np.expand_dims)
def expand_dims(a, axis):
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    for d in sorted(normalized_dims(axes, a.ndim + len(axes))):
        a = unsqueeze(a, d)
    return a


@adapter(np.broadcast_to)
def broadcast_to(array, shape, subok=False):
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"numpy.broadcast_to: sizes cannot be negative: {shape}")
    return expand(array, shape)


@adapter(np.broadcast_arrays)
def broadcast_arrays(*args, subok=False):
    shape = np.broadcast_shapes(*[np.shape(x) for x in args])
    return tuple(expand(as_tensor(x), shape) for x in args)


@adapter(np.flip)
def numpy_flip(m, axis=None):
    return flip(m, normalized_dims(axis, m.ndim))


ADAPTERS[np.flipud] = lambda m: flip(m, (0,))
ADAPTERS[np.fliplr] = lambda m: flip(m, (1,))


@adapter(np.rollaxis)
def rollaxis(a, axis, start=0):
    axis, start = normalized_dim(axis, a.ndim), start % a.ndim if start < 0 else start
    return OPS["movedim"].call(a, axis, start - 1 if start > axis else start)


@adapter(np.atleast_1d)
def atleast_1d(*arys):
    results = [reshape(x, (1,)) if x.ndim == 0 else x for x in map(as_tensor, arys)]
    return results[0] if len(results) == 1 else tuple(results)


@adapter(np.atleast_2d)
def atleast_2d(*arys):
    results = [reshape(x, (1, -1)) if x.ndim < 2 else x for x in map(as_tensor, arys)]
    return results[0] if len(results) == 1 else tuple(results)


# ---- joining, splitting, repeating


@adapter(np.concatenate, np.concat)
def concatenate(arrays, /, axis=0, out=None, *, dtype=None, casting=None):
    arrays = [as_tensor(x) for x in arrays]
    result = cat([ravel(x) for x in arrays], 0) if axis is None else cat(arrays, axis)
    return result if dtype is None else result.to(dtype)


@adapter(np.stack)
def numpy_stack(arrays, axis=0):
    return stack([as_tensor(x) for x in arrays], axis)


@adapter(np.column_stack)
def column_stack(tup):
    return cat([reshape(x, (-1, 1)) if x.ndim < 2 else x for x in map(as_tensor, tup)], 1)


@adapter(np.append)
def append(arr, values, axis=None):
    return concatenate([arr, values], axis)


@adapter(np.array_split)
def array_split(ary, indices_or_sections, axis=0):
    return list(tensor_split(ary, _cuts(indices_or_sections), axis))


@adapter(np.split)
def numpy_split(ary, indices_or_sections, axis=0):
    cuts = _cuts(indices_or_sections)
    if isinstance(cuts, int) and ary.shape[axis] % cuts:
        raise ValueError(
            f"numpy.split: {ary.shape[axis]} elements do not divide into {cuts} equal parts; use numpy.array_split"
        )
    return array_split(ary, cuts, axis)


def _cuts(value):
    return int(value) if np.ndim(value) == 0 else [int(i) for i in value]


ADAPTERS[np.vsplit] = lambda ary, indices_or_sections: numpy_split(ary, indices_or_sections, 0)
ADAPTERS[np.hsplit] = lambda ary, indices_or_sections: numpy_split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)
ADAPTERS[np.unstack if hasattr(np, "unstack") else unbind] = lambda x, /, *, axis=0: unbind(x, axis)  # NumPy 2.1


@adapter(np.repeat)
def repeat(a, repeats, axis=None):
    return repeat_interleave(a, repeats, axis)


@adapter(np.tile)
def tile(A, reps):
    reps = tuple(reps) if isinstance(reps, (tuple, list, np.ndarray)) else (reps,)
    return COMPOSITES["tile"](A, reps)


@adapter(np.pad)
def pad(array, pad_width, mode="constant", *, constant_values=0):
    """Constant padding; for other modes use tinygrad_edu's `pad`."""
    if mode != "constant" or np.ndim(constant_values) != 0:
        raise TypeError(
            f"numpy.pad of a Tensor: only mode='constant' with one number around it, not {mode!r}, {constant_values!r}"
        )
    pads = tuple([(int(a), int(b)) for a, b in np.broadcast_to(pad_width, (array.ndim, 2))])
    if constant_values == 0:
        return pad_zeros(array, pads)
    inside = np.pad(np.ones(array.shape, bool), pads)
    return where(inside, pad_zeros(array, pads), constant_values)


# ---- choosing


@adapter(np.where)
def numpy_where(condition, x=None, y=None, /):
    if x is None and y is None:
        return numpy_nonzero(condition)
    return where(condition, x, y)


@adapter(np.nonzero)
def numpy_nonzero(a):
    return COMPOSITES["nonzero"](a, as_tuple=True)


@adapter(np.take)
def numpy_take(a, indices, axis=None, out=None, mode="raise"):
    if mode != "raise":
        raise TypeError(f"numpy.take of a Tensor: only mode='raise', not {mode!r}")
    if axis is None:
        return take(a, indices)
    return getitem(a, (slice(None),) * normalized_dim(axis, a.ndim) + (indices,))


@adapter(np.take_along_axis)
def take_along_axis(arr, indices, axis=-1):
    arr, axis = (ravel(arr), 0) if axis is None else (arr, axis)
    return gather(arr, axis, indices)


@adapter(np.compress)
def compress(condition, a, axis=None):
    a, axis = (ravel(a), 0) if axis is None else (a, axis)
    return index_select(a, axis, np.flatnonzero(np.asarray(condition)))


@adapter(np.sort)
def numpy_sort(a, axis=-1, kind=None, order=None, *, stable=None):
    return sort(ravel(a), 0).values if axis is None else sort(a, axis).values


@adapter(np.argsort)
def numpy_argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    return argsort(ravel(a), 0) if axis is None else argsort(a, axis)


@adapter(np.nan_to_num)
def numpy_nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    if not copy:
        raise TypeError("numpy.nan_to_num of a Tensor: not with copy=False; write x.nan_to_num_()")
    return nan_to_num(x, nan, posinf, neginf)


@adapter(np.clip)
def clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None):
    return clamp(a, a_min if min is None else min, a_max if max is None else max)


@adapter(np.round, np.around)
def numpy_round(a, decimals=0):
    return round(a, decimals)


@adapter(np.copy)
def copy(a, order="K", subok=False):
    return clone(a)


# ---- reductions


@adapter(np.std)
def numpy_std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=0):
    a = a if dtype is None else a.to(dtype)
    return std(a, axis, ddof or correction, keepdims)


@adapter(np.cumsum)
def numpy_cumsum(a, axis=None, dtype=None):
    a = a if dtype is None else a.to(dtype)
    return cumsum(ravel(a), 0) if axis is None else cumsum(a, axis)


@adapter(np.cumprod)
def numpy_cumprod(a, axis=None, dtype=None):
    a = a if dtype is None else a.to(dtype)
    return cumprod(ravel(a), 0) if axis is None else cumprod(a, axis)


@adapter(np.average)
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    if returned:
        raise TypeError("numpy.average of a Tensor: not with returned=True")
    if weights is None:
        return mean(a, axis, keepdims)
    weights = as_tensor(weights)
    if weights.shape != a.shape:
        if weights.ndim != 1 or not isinstance(axis, int):
            raise TypeError("numpy.average: weights of another shape than the tensor must be a vector, with an axis")
        weights = reshape(weights, tuple([-1 if d == normalized_dim(axis, a.ndim) else 1 for d in range(a.ndim)]))
        weights = expand(weights, tuple(a.shape))
    return sum(a * weights, axis, keepdims) / sum(weights, axis, keepdims)


@adapter(np.ptp)
def ptp(a, axis=None, out=None, keepdims=False):
    return amax(a, axis, keepdims) - amin(a, axis, keepdims)


@adapter(np.median)
def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The middle one of the ordered elements, or the mean of the middle two; NaN if there is one among them."""
    dims = normalized_dims(axis, a.ndim)
    kept = [d for d in range(a.ndim) if d not in dims]
    rows = reshape(permute(a, (*kept, *dims)), (*[a.shape[d] for d in kept], -1))
    n = rows.shape[-1]
    ordered = sort(rows, -1).values
    result = mean(getitem(ordered, (..., slice((n - 1) // 2, n // 2 + 1))), -1)
    result = where(any(isnan(rows), -1), float("nan"), result)
    return reshape(result, tuple([1 if d in dims else size for d, size in enumerate(a.shape)])) if keepdims else result


@adapter(np.diff)
def diff(a, n=1, axis=-1):
    start = (slice(None),) * normalized_dim(axis, a.ndim)
    for _ in range(n):
        a = getitem(a, (*start, slice(1, None))) - getitem(a, (*start, slice(None, -1)))
    return a


# ---- products


@adapter(np.dot)
def dot(a, b, out=None):
    """Numbers multiply; else the sum over the last dimension of a and the last but one (or only one) of b."""
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        return mul(a, b)
    if b.ndim <= 2:
        return matmul(a, b)
    return COMPOSITES["tensordot"](a, b, ([a.ndim - 1], [b.ndim - 2]))


@adapter(np.vdot)
def vdot(a, b, /):
    return sum(mul(ravel(as_tensor(a)), ravel(as_tensor(b))))


@adapter(np.outer, np.linalg.outer)
def outer(a, b, out=None):
    return mul(unsqueeze(ravel(as_tensor(a)), -1), ravel(as_tensor(b)))


@adapter(np.einsum)
def einsum(subscripts, *operands, optimize=False):
    return COMPOSITES["einsum"](subscripts, *operands)


@adapter(np.linalg.matmul)
def linalg_matmul(x1, x2, /):
    return matmul(x1, x2)


@adapter(np.meshgrid)
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    if sparse:
        raise TypeError("numpy.meshgrid of Tensors: not with sparse=True")
    return tuple(COMPOSITES["meshgrid"](*[as_tensor(x) for x in xi], indexing=indexing))


# ---- new ones


def _like(fill):
    def like(a, dtype=None, order="K", subok=True, shape=None, *, device=None):
        return of_array(fill(a.array, dtype, shape=shape), None)

    return like


ADAPTERS.update(
    {np.zeros_like: _like(np.zeros_like), np.ones_like: _like(np.ones_like), np.empty_like: _like(np.empty_like)}
)


@adapter(np.full_like)
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    fill_value = fill_value.array if isinstance(fill_value, Tensor) else fill_value
    return of_array(np.full_like(a.array if isinstance(a, Tensor) else a, fill_value, dtype, shape=shape), None)
