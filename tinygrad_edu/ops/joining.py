"""Joining several tensors, splitting one, padding."""

import numpy as np

from ..define import case, composite, op
from ..tensor import Tensor
from .indexing import getitem
from .shape import flip, normalized_dim


def _sections(g, shapes, dim):
    """The parts of g that came from tensors of these shapes, joined along dim."""
    dim = normalized_dim(dim, len(shapes[0]))
    parts, start = [], 0
    for shape in shapes:
        parts.append(getitem(g, (slice(None),) * dim + (slice(start, start + shape[dim]),)))
        start += shape[dim]
    return parts


@op(
    joint=lambda g, shapes, dim: _sections(g, shapes, dim), internal=True, linear=("all",), label="concat",
    samples=[case((2, 3), (1, 3)), case((2, 3), (2, 1), (2, 2), dim=-1), case((0,), (2,))],
)  # fmt: skip
def concatenate(*xs, dim=0):
    """The tensors one after the other along an existing dimension; all other sizes must agree."""
    return np.concatenate(xs, dim)


def _slices(g, shapes, dim):
    dim = normalized_dim(dim, len(shapes[0]) + 1)
    return [getitem(g, (slice(None),) * dim + (i,)) for i in range(len(shapes))]


@op(
    joint=lambda g, shapes, dim: _slices(g, shapes, dim), internal=True, linear=("all",), label="stack",
    samples=[case((2, 3), (2, 3)), case((2, 3), (2, 3), dim=-1), case((), ())],
)  # fmt: skip
def stack_all(*xs, dim=0):
    """The tensors, all of one shape, along a new dimension."""
    return np.stack(xs, dim)


def _operands(tensors, name):
    if isinstance(tensors, (Tensor, np.ndarray)):
        tensors = list(tensors)
    if not isinstance(tensors, (list, tuple)) or not tensors:
        raise TypeError(f"{name} takes a list or tuple of at least one tensor, not {tensors!r:.80}")
    return tensors


@composite(method=False, aliases=("concat", "concatenate"), numpy=[np.concatenate])
def cat(tensors, dim=0):
    """The tensors one after the other along an existing dimension; all other sizes must agree.

    As in PyTorch, empty vectors of shape (0,) may stand among them and are skipped.
    """
    tensors = _operands(tensors, "cat")
    if any(len(x.shape) != 1 for x in tensors):
        tensors = [x for x in tensors if tuple(x.shape) != (0,)]
    return concatenate(*tensors, dim=dim)


@composite(method=False, numpy=[np.stack])
def stack(tensors, dim=0):
    """The tensors, all of one shape, along a new dimension."""
    return stack_all(*_operands(tensors, "stack"), dim=dim)


@composite(method=False, numpy=[np.hstack])
def hstack(tensors):
    """Joined along dimension 1 (vectors: along dimension 0)."""
    tensors = [x.reshape((1,)) if x.ndim == 0 else x for x in _operands(tensors, "hstack")]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@composite(method=False, numpy=[np.vstack])
def vstack(tensors):
    """Joined along dimension 0; vectors become rows."""
    return cat([x.reshape((1, -1)) if x.ndim < 2 else x for x in _operands(tensors, "vstack")], 0)


@composite
def split(x, split_size_or_sections, dim=0):
    """Views of x: pieces of one size (the last may be smaller), or of the listed sizes, along `dim`."""
    dim = normalized_dim(dim, x.ndim)
    length, pieces = x.shape[dim], split_size_or_sections
    if isinstance(pieces, (list, tuple)):
        lengths = [int(n) for n in pieces]
        if sum(lengths) != length:
            raise ValueError(f"split: the sizes {lengths} must add up to {length}, the size of dimension {dim}")
    else:
        if pieces <= 0:
            raise ValueError(f"split: the size of the pieces must be positive, not {pieces}")
        lengths = [min(pieces, length - start) for start in range(0, length, pieces)] or [0]
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return tuple([getitem(x, (slice(None),) * dim + (slice(s, s + n),)) for s, n in zip(starts, lengths)])


@composite
def chunk(x, chunks, dim=0):
    """At most `chunks` views of x of equal size (the last may be smaller) along `dim`."""
    if chunks <= 0:
        raise ValueError(f"chunk: the number of chunks must be positive, not {chunks}")
    return split(x, max(1, -(-x.shape[normalized_dim(dim, x.ndim)] // chunks)), dim)


@composite
def tensor_split(x, indices_or_sections, dim=0):
    """Views of x along `dim`: that many parts of nearly equal size, or cut before the given indices."""
    dim = normalized_dim(dim, x.ndim)
    length, parts = x.shape[dim], indices_or_sections
    if isinstance(parts, int):
        cuts = [length // parts * i + min(i, length % parts) for i in range(1, parts)]
    else:
        cuts = [int(i) for i in parts]
    edges = [0, *cuts, length]
    return tuple([getitem(x, (slice(None),) * dim + (slice(a, b),)) for a, b in zip(edges, edges[1:])])


@composite
def unbind(x, dim=0):
    """All slices of x along `dim`, without that dimension: views."""
    dim = normalized_dim(dim, x.ndim)
    return tuple([getitem(x, (slice(None),) * dim + (i,)) for i in range(x.shape[dim])])


@op(
    lambda g, pads: unpad(g, pads), linear=(0,), internal=True,
    samples=[case((2, 3), pads=((1, 0), (0, 2))), case((3,), pads=((1, 1),)),
             case((2, 3), pads=((1, 2), (0, 1)), value=0.5)],
)  # fmt: skip
def pad_zeros(x, pads, value=0):
    """x with zeros, or another number, around it: pads[i] = (how many before, how many after) along dimension i."""
    shape = tuple([before + size + after for (before, after), size in zip(pads, x.shape)])
    result = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    result[tuple([slice(before, before + size) for (before, _), size in zip(pads, x.shape)])] = x
    return result


@op(
    lambda g, pads: pad_zeros(g, pads), linear=(0,), internal=True,
    samples=[case((3, 5), pads=((1, 0), (0, 2)))],
)  # fmt: skip
def unpad(x, pads):
    """x without pads[i] = (how many in front, how many behind) along dimension i: the adjoint of pad_zeros."""
    return x[tuple([slice(a, size - b) for (a, b), size in zip(pads, x.shape)])].copy()


@composite(numpy=[np.tile])
def tile(x, dims):
    """Copies laid side by side: dims[i] times along dimension i, counted from the last one if there are fewer."""
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    return x.repeat((1,) * (x.ndim - len(dims)) + dims)


@composite
def repeat_interleave(x, repeats, dim=None):
    """Each element `repeats` times in a row (a number, or one number per element), along `dim` or flattened."""
    if dim is None:
        x, dim = x.reshape((-1,)), 0
    dim = normalized_dim(dim, x.ndim)
    count = repeats.array if isinstance(repeats, Tensor) else np.asarray(repeats)
    return getitem(x, (slice(None),) * dim + (np.repeat(np.arange(x.shape[dim]), count),))


@composite(numpy=[np.rot90])
def rot90(x, k=1, dims=(0, 1)):
    """Turned k times by 90° from the first towards the second of `dims`."""
    a, b = dims
    turn = k % 4
    if turn == 2:
        return flip(x, (a, b))
    if turn == 1:
        return flip(x, (b,)).transpose(a, b)
    return flip(x.transpose(a, b), (b,)) if turn == 3 else x.clone()


def iterate(self):
    """The slices along the first dimension, one after the other."""
    if self.ndim == 0:
        raise TypeError("a 0-dimensional tensor has no elements to go through; its value is x.item()")
    return iter(unbind(self, 0))


Tensor.__iter__ = iterate
