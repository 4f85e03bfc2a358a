"""Further arrangements of elements: other names, stacks of columns, diagonals as matrices, combinations."""

import itertools

import numpy as np

from ..define import composite
from ..tensor import Tensor, as_tensor, of_array
from .indexing import getitem
from .joining import cat, hstack, stack, tensor_split
from .shape import diagonal_scatter, expand, flip, movedim, normalized_dim, reshape, transpose, unsqueeze


@composite(method=False)
def broadcast_tensors(*tensors):
    """All tensors expanded to their common shape."""
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    shape = np.broadcast_shapes(*[tuple(x.shape) for x in tensors])
    return tuple([expand(x, shape) for x in tensors])


@composite(method=False)
def broadcast_shapes(*shapes):
    """The shape to which tensors of these shapes broadcast."""
    from ..tensor import Size

    return Size(np.broadcast_shapes(*[tuple(s) if isinstance(s, (tuple, list)) else (s,) for s in shapes]))


@composite(aliases=("swapdims",), numpy=[np.swapaxes])
def swapaxes(x, axis0, axis1):
    """The two dimensions exchanged: `transpose`."""
    return transpose(x, axis0, axis1)


@composite(numpy=[np.fliplr])
def fliplr(x):
    """The columns in reverse order."""
    return flip(x, (1,))


@composite(numpy=[np.flipud])
def flipud(x):
    """The rows in reverse order."""
    return flip(x, (0,))


def _at_least(x, ndim):
    x = as_tensor(x)
    if x.ndim >= ndim:
        return x
    if ndim == 3 and x.ndim == 2:
        return unsqueeze(x, -1)
    x = x if x.ndim else reshape(x, (1,))
    return unsqueeze(x, 0) if ndim == 2 else x if ndim == 1 else unsqueeze(unsqueeze(x, 0), -1)


def _each(tensors, ndim):
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    results = tuple([_at_least(x, ndim) for x in tensors])
    return results


@composite(method=False)
def atleast_1d(*tensors):
    """Numbers as vectors of one element; others unchanged."""
    results = _each(tensors, 1)
    return results[0] if len(tensors) == 1 and isinstance(tensors[0], Tensor) else results


@composite(method=False)
def atleast_2d(*tensors):
    """Numbers and vectors as matrices of one row; others unchanged."""
    results = _each(tensors, 2)
    return results[0] if len(tensors) == 1 and isinstance(tensors[0], Tensor) else results


@composite(method=False)
def atleast_3d(*tensors):
    """Tensors of fewer than three dimensions with sizes of 1 put in front and behind."""
    results = _each(tensors, 3)
    return results[0] if len(tensors) == 1 and isinstance(tensors[0], Tensor) else results


@composite(method=False, numpy=[np.dstack])
def dstack(tensors):
    """Laid behind each other, along the third dimension."""
    return cat([_at_least(x, 3) for x in tensors], 2)


@composite(method=False, numpy=[np.column_stack])
def column_stack(tensors):
    """Side by side; vectors are columns."""
    return hstack([reshape(x, (-1, 1)) if x.ndim < 2 else x for x in tensors])


@composite(numpy=[np.hsplit])
def hsplit(x, indices_or_sections):
    """Cut along the second dimension (vectors: the first)."""
    return tensor_split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@composite(numpy=[np.vsplit])
def vsplit(x, indices_or_sections):
    """Cut along the first dimension."""
    return tensor_split(x, indices_or_sections, 0)


@composite(method=False)
def block_diag(*tensors):
    """A matrix with the given matrices along its diagonal and zeros elsewhere."""
    tensors = [_at_least(x, 2) for x in tensors]
    width = sum([x.shape[1] for x in tensors])
    rows, left = [], 0
    for x in tensors:
        zeros = [of_array(np.zeros((x.shape[0], n), x.array.dtype), None) for n in (left, width - left - x.shape[1])]
        rows.append(cat([zeros[0], x, zeros[1]], 1))
        left += x.shape[1]
    return cat(rows, 0)


@composite
def diag_embed(x, offset=0, dim1=-2, dim2=-1):
    """Matrices whose diagonals (moved by `offset`) are the last dimension of x, in dimensions dim1 and dim2."""
    size = x.shape[-1] + abs(offset)
    matrices = diagonal_scatter(x, (*x.shape[:-1], size, size), offset, x.ndim - 1, x.ndim)
    ndim = x.ndim + 1
    first, second = normalized_dim(dim1, ndim), normalized_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diag_embed: dim1 and dim2 must differ, and both are {first}")
    return movedim(matrices, (ndim - 2, ndim - 1), (first, second))


@composite(numpy=[np.diagflat])
def diagflat(x, offset=0):
    """A matrix with the elements of the flattened x on its diagonal."""
    return diag_embed(reshape(x, (-1,)), offset)


@composite(method=False)
def combinations(x, r=2, with_replacement=False):
    """All choices of r elements of the vector x, one in each row."""
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(x.shape[0]), r)), np.int64).reshape(-1, r)
    return getitem(x, (rows,))


@composite(method=False)
def vander(x, N=None, increasing=False):
    """The powers of the elements of x, one row for each: x^(N−1), ..., x, 1, or in ascending order."""
    powers = range(x.shape[0] if N is None else N)
    columns = [x**n if n else x * 0 + 1 for n in (powers if increasing else reversed(powers))]
    return stack(columns, -1) if columns else of_array(np.empty((x.shape[0], 0), x.array.dtype), None)


@composite(method=False)
def triu_indices(row, col=None, offset=0):
    """The rows and columns of the upper triangle of a (row, col) matrix: (2, number of elements), int64."""
    return of_array(np.stack(np.triu_indices(row, offset, col)).astype(np.int64), None)


@composite(method=False)
def tril_indices(row, col=None, offset=0):
    """The rows and columns of the lower triangle of a (row, col) matrix: (2, number of elements), int64."""
    return of_array(np.stack(np.tril_indices(row, offset, col)).astype(np.int64), None)


@composite(method=False, numpy=[np.unravel_index])
def unravel_index(indices, shape):
    """The index in each dimension of a tensor of `shape` of elements numbered as in the flattened tensor."""
    places = np.unravel_index(indices.array, tuple(shape) if isinstance(shape, (tuple, list)) else (shape,))
    return tuple([of_array(np.asarray(place), None) for place in places])


@composite
def msort(x):
    """Sorted along the first dimension."""
    return x.sort(0).values


@composite
def positive(x):
    """x itself."""
    return x


@composite
def renorm(x, p, dim, maxnorm):
    """x with each slice along `dim` whose p-norm exceeds `maxnorm` scaled down to it."""
    others = tuple([d for d in range(x.ndim) if d != normalized_dim(dim, x.ndim)])
    norm = x.norm(p, others, True)
    factor = (maxnorm / (norm + 1e-7)).where(norm > maxnorm, norm.new_ones(()))
    return x * factor
