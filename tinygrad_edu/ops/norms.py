"""Norms of vectors and matrices, as in torch.linalg, and torch.norm.

vector_norm   (Σ |x|ᵖ)^(1/p) over some dimensions, taken as one vector
matrix_norm   norms of the matrices in two dimensions
linalg_norm   one or the other, by the number of dimensions: torch.linalg.norm and np.linalg.norm
norm          torch.norm: `dim` None means all elements, "fro" is the vector norm with p = 2
"""

import math

import numpy as np

from ..define import composite
from ..errors import OperationError
from .arithmetic import abs
from .factorizations import svdvals
from .linalg import values_of
from .reduce import amax, amin, sum
from .reduce import vector_norm as p_norm
from .shape import cast, movedim, normalized_dims, unsqueeze

INFINITY = math.inf


def as_floating(x, dtype):
    if dtype is not None:
        return cast(x, np.dtype(dtype))
    if values_of(x).dtype.kind not in "fc":
        raise TypeError(f"a norm of {x.dtype} values has no dtype; write x.float() or pass dtype=")
    return x


@composite(method=False, numpy=[np.linalg.vector_norm])
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(Σ |x|ᵖ)^(1/p), p = ord, over the dimensions `dim` (default: all). ±∞: the largest or smallest |x|; 0: how many
    are not 0.
    """
    return p_norm(as_floating(x, dtype), float(ord), dim, keepdim)


@composite(method=False, numpy=[np.linalg.matrix_norm])
def matrix_norm(x, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """A norm of the matrices in the two dimensions `dim`.

    ord  "fro": √Σ x²; "nuc": the sum of the singular values; 2, −2: the largest, smallest singular value;
         1, −1: the largest, smallest sum of |x| in a column; ∞, −∞: the same for rows
    """
    x = as_floating(x, dtype)
    if x.ndim < 2:
        raise OperationError(f"matrix_norm: expected a matrix or a stack of them, not the shape {tuple(x.shape)}")
    rows, columns = dims = normalized_dims(tuple(dim), x.ndim)
    if ord == "fro":
        return p_norm(x, 2.0, dims, keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(movedim(x, dims, (-2, -1)))
        result = sum(s, -1) if ord == "nuc" else (amax if ord > 0 else amin)(s, -1)
    elif ord in (1, -1, INFINITY, -INFINITY):
        summed, compared = (rows, columns) if ord in (1, -1) else (columns, rows)
        totals = sum(abs(x), summed, True)
        result = (amax if ord > 0 else amin)(totals, (summed, compared))
    else:
        raise OperationError(f"matrix_norm: ord must be 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2, not {ord!r}")
    if keepdim:
        for d in sorted(dims):
            result = unsqueeze(result, d)
    return result


@composite(method=False, numpy=[np.linalg.norm])
def linalg_norm(x, ord=None, dim=None, keepdim=False, *, dtype=None):
    """`torch.linalg.norm`. ord None: √Σ x² over `dim` (default: all dimensions). Else the vector norm of that order if
    `dim` is one dimension (or x has only one), the matrix norm if it is two (or x has two)."""
    if ord is None:
        return vector_norm(x, 2, dim, keepdim, dtype=dtype)
    if dim is None and x.ndim > 2:
        raise OperationError(
            f"linalg.norm: ord={ord!r} of the shape {tuple(x.shape)}: say with dim= which one or two dimensions"
        )
    count = x.ndim if dim is None else 1 if isinstance(dim, int) else len(dim)
    if count == 2:
        return matrix_norm(x, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise OperationError(f"linalg.norm: ord={ord!r} is a matrix norm, and needs two dimensions, not {count}")
    return vector_norm(x, ord, dim, keepdim, dtype=dtype)


@composite
def norm(x, p="fro", dim=None, keepdim=False, dtype=None):
    """`torch.norm`: the vector norm of order p over `dim`, by default over all elements; p "fro" means 2, "nuc" the
    nuclear matrix norm.

    For a spectral norm and other matrix norms see `linalg.matrix_norm`.
    """
    if p == "nuc":
        if dim is None and x.ndim != 2:
            raise OperationError(
                f"norm: p='nuc' of the shape {tuple(x.shape)}: say with dim= which two dimensions hold the matrices"
            )
        return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if isinstance(p, str) and p != "fro":
        raise OperationError(f"norm: p must be a number, 'fro' or 'nuc', not {p!r}")
    return vector_norm(x, 2 if p == "fro" or p is None else p, dim, keepdim, dtype=dtype)
