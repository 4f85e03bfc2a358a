"""Products of matrices and of tensors of more dimensions, composed of matmul; and distances between points."""

import math

import numpy as np

from ..define import case, composite, op
from ..errors import OperationError
from .comparison import where
from .linear import dot, matmul
from .reduce import sum, vector_norm
from .shape import diagonal, normalized_dim, normalized_dims, permute, reshape, roll, transpose, unsqueeze


def need_dims(name, **operands):
    """Raise unless each operand has its number of dimensions: need_dims("mv", x=(x, 2), y=(y, 1))."""
    for operand, (x, ndim) in operands.items():
        if x.ndim != ndim:
            raise OperationError(f"{name}: `{operand}` must have {ndim} dimensions, not the shape {tuple(x.shape)}")


def plus_scaled(x, beta, product, alpha):
    """β x + α product; x is ignored, NaN and all, if β is 0."""
    product = product if alpha == 1 else alpha * product
    if beta == 0:
        return product
    return (x if beta == 1 else beta * x) + product


@composite
def addmm(x, mat1, mat2, *, beta=1, alpha=1):
    """β x + α mat1 @ mat2, for matrices (n, m) and (m, p); x broadcasts to (n, p)."""
    need_dims("addmm", mat1=(mat1, 2), mat2=(mat2, 2))
    return plus_scaled(x, beta, matmul(mat1, mat2), alpha)


@composite
def addmv(x, mat, vec, *, beta=1, alpha=1):
    """β x + α mat @ vec, for a matrix (n, m) and a vector (m,); x broadcasts to (n,)."""
    need_dims("addmv", mat=(mat, 2), vec=(vec, 1))
    return plus_scaled(x, beta, matmul(mat, vec), alpha)


@composite
def addr(x, vec1, vec2, *, beta=1, alpha=1):
    """β x + α vec1 vec2ᵀ, for vectors (n,) and (m,); x broadcasts to (n, m)."""
    need_dims("addr", vec1=(vec1, 1), vec2=(vec2, 1))
    return plus_scaled(x, beta, unsqueeze(vec1, -1) * vec2, alpha)


@composite
def baddbmm(x, batch1, batch2, *, beta=1, alpha=1):
    """β x + α batch1 @ batch2, for stacks of matrices (b, n, m) and (b, m, p); x broadcasts to (b, n, p)."""
    need_dims("baddbmm", batch1=(batch1, 3), batch2=(batch2, 3))
    return plus_scaled(x, beta, matmul(batch1, batch2), alpha)


@composite
def addbmm(x, batch1, batch2, *, beta=1, alpha=1):
    """β x + α Σ_b batch1[b] @ batch2[b], for stacks of matrices (b, n, m) and (b, m, p); x broadcasts to (n, p)."""
    need_dims("addbmm", batch1=(batch1, 3), batch2=(batch2, 3))
    return plus_scaled(x, beta, tensordot(batch1, batch2, ([0, 2], [0, 1])), alpha)


@composite(numpy=[np.inner])
def inner(x, y):
    """Σ over the last dimensions of the products: (..., n) and (*, n) give (..., *). A number multiplies."""
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return tensordot(x, y, ([-1], [-1]))


@composite(numpy=[np.vdot])
def vdot(x, y):
    """The scalar product of two vectors."""
    return dot(x, y)


@composite(method=False, numpy=[np.vecdot, np.linalg.vecdot])
def vecdot(x, y, dim=-1):
    """Scalar products of the vectors along `dim`; the other dimensions broadcast."""
    return sum(x * y, dim)


@composite(method=False, numpy=[np.tensordot, np.linalg.tensordot])
def tensordot(x, y, dims=2, axes=None):
    """The products of elements of x and y, summed over pairs of dimensions.

    dims  how many of the last dimensions of x are paired with the first ones of y; or the two lists of the dimensions
          that are paired, one for x and one for y. (`axes` is NumPy's name.)

    The result has the other dimensions of x, then those of y.
    """
    dims = dims if axes is None else axes
    if isinstance(dims, int):
        if not 0 <= dims <= min(x.ndim, y.ndim):
            raise OperationError(
                f"tensordot: cannot pair {dims} dimensions of the shapes {tuple(x.shape)} and {tuple(y.shape)}"
            )
        in_x, in_y = tuple(range(x.ndim - dims, x.ndim)), tuple(range(dims))
    else:
        in_x, in_y = (normalized_dims(pair, z.ndim) for pair, z in zip(dims, (x, y)))
    sizes = tuple([x.shape[d] for d in in_x])
    if sizes != tuple([y.shape[d] for d in in_y]):
        raise OperationError(
            f"tensordot: the dimensions {in_x} of x {tuple(x.shape)} and {in_y} of y {tuple(y.shape)} must be of "
            "equal sizes"
        )
    free_x = tuple([d for d in range(x.ndim) if d not in in_x])
    free_y = tuple([d for d in range(y.ndim) if d not in in_y])
    rows, columns = tuple([x.shape[d] for d in free_x]), tuple([y.shape[d] for d in free_y])
    inner_size = product(sizes)
    left = reshape(permute(x, free_x + in_x), (product(rows), inner_size))
    right = reshape(permute(y, in_y + free_y), (inner_size, product(columns)))
    return reshape(matmul(left, right), rows + columns)


def product(sizes):
    n = 1
    for size in sizes:
        n *= size
    return n


@composite(numpy=[np.kron])
def kron(x, y):
    """The Kronecker product: x with each element replaced by that element times y. Sizes multiply."""
    ndim = max(x.ndim, y.ndim)
    shape_x = (1,) * (ndim - x.ndim) + tuple(x.shape)
    shape_y = (1,) * (ndim - y.ndim) + tuple(y.shape)
    x = reshape(x, tuple([size for n in shape_x for size in (n, 1)]))
    y = reshape(y, tuple([size for n in shape_y for size in (1, n)]))
    return reshape(x * y, tuple([n * m for n, m in zip(shape_x, shape_y)]))


@composite(numpy={np.cross: {"dim": -1}, np.linalg.cross: {"dim": -1}})
def cross(x, y, dim=None):
    """The cross product of the vectors of 3 elements along `dim`; the other dimensions broadcast.

    Without `dim` it is the only dimension of size 3. (PyTorch takes the first one, NumPy the last one; where they would
    disagree, `dim` must be given. `linalg.cross` has the default dim=-1.)
    """
    if dim is None:
        candidates = [d for d, size in enumerate(x.shape) if size == 3]
        if len(candidates) != 1:
            raise OperationError(
                f"cross: {len(candidates)} dimensions of the shape {tuple(x.shape)} have size 3; say which with dim="
            )
        dim = candidates[0] - x.ndim
    for z in (x, y):
        if z.ndim == 0 or z.shape[normalized_dim(dim, z.ndim)] != 3:
            raise OperationError(
                f"cross: both operands need size 3 in dimension {dim}, not {tuple(x.shape)} and {tuple(y.shape)}"
            )
    if x.ndim != y.ndim and dim >= 0:
        raise OperationError(
            f"cross: {x.ndim} and {y.ndim} dimensions; count `dim` from the last one, as broadcasting does: dim=-1"
        )
    # element i of the bracket is x[i] y[i+1] − x[i+1] y[i], which is element i−1 of the result
    return roll(x * roll(y, -1, dim) - roll(x, -1, dim) * y, -1, dim)


@composite(numpy=[np.trace, np.linalg.trace])
def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of the diagonal of a matrix; of more dimensions, the diagonals in axis1 and axis2, as in NumPy."""
    if x.ndim < 2:
        raise OperationError(f"trace: expected a matrix, not the shape {tuple(x.shape)}")
    return sum(diagonal(x, offset, axis1, axis2), -1)


@composite(method=False, numpy=[np.linalg.multi_dot])
def multi_dot(tensors):
    """The product of two or more matrices, multiplied in the order that needs the fewest multiplications.

    The first may be a vector (a row), the last one too (a column). Order: dynamic programming over the places of the
    last multiplication (Cormen et al., Introduction to Algorithms, section 15.2).
    """
    tensors = list(tensors)
    count = len(tensors)
    if count < 2:
        raise OperationError(f"multi_dot: expected at least 2 tensors, not {count}")
    for i, x in enumerate(tensors):
        if x.ndim != 2 and not (x.ndim == 1 and i in (0, count - 1)):
            raise OperationError(
                f"multi_dot: tensor {i} must be a matrix (the first and the last may be vectors), not {tuple(x.shape)}"
            )
    sizes = [1 if tensors[0].ndim == 1 else tensors[0].shape[0], *(x.shape[0] for x in tensors[1:])]
    sizes.append(1 if tensors[-1].ndim == 1 else tensors[-1].shape[-1])
    cost = {(i, i): 0 for i in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def multiplied(i, j):
        if i == j:
            return tensors[i]
        k = split[i, j]
        return matmul(multiplied(i, k), multiplied(k + 1, j))

    return multiplied(0, count - 1)


# ---- distances


def _weights(g, out):
    """g / distance; 0 where the distance is 0: the middle of the subgradients."""
    return where(out == 0, 0.0, g / where(out == 0, 1.0, out))


def _distance_gradient(weights, x, y):
    """Σ_j w_ij (x_i − y_j), as products of matrices."""
    return sum(weights, -1, True) * x - matmul(weights, y)


@op(
    lambda g, x, y, out: _distance_gradient(_weights(g, out), x, y),
    lambda g, x, y, out: _distance_gradient(transpose(_weights(g, out), -1, -2), y, x),
    floating=True, internal=True, label="distances", multiply_adds=lambda x, out: math.prod(out) * x[-1],
    oracle=lambda x, y: np.linalg.norm(x[..., :, None, :] - y[..., None, :, :], axis=-1),
    samples=[case((3, 2), (4, 2)), case((2, 3, 2), (4, 2)), case((1, 1), (1, 1)), case((3, 2), (0, 2))],
)  # fmt: skip
def euclidean_distances(x, y):
    """‖x_i − y_j‖ from √(‖x‖² + ‖y‖² − 2 x·y): one product of matrices, in float64. Where this difference loses more
    than half its digits it is computed again from x_i − y_j, so that equal points have distance 0."""
    dtype = x.dtype
    x, y = x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    scale = np.sum(x * x, -1)[..., :, None] + np.sum(y * y, -1)[..., None, :]
    squares = scale - 2 * (x @ y.swapaxes(-1, -2))
    *batch, i, j = close = np.nonzero(squares <= 1e-7 * scale)
    if i.size:
        stacks = squares.shape[:-2]
        x = np.broadcast_to(x, stacks + x.shape[-2:])[(*batch, i)]
        y = np.broadcast_to(y, stacks + y.shape[-2:])[(*batch, j)]
        squares[close] = np.sum((x - y) ** 2, -1)
    return np.sqrt(squares).astype(dtype, copy=False)


@composite(method=False)
def cdist(x1, x2, p=2.0):
    """The distance ‖x_i − y_j‖ₚ between each row of x1 (..., n, d) and each row of x2 (..., m, d): (..., n, m).

    The gradient at distance 0 is 0, as in PyTorch. p other than 2 needs memory for n · m · d numbers.
    """
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise OperationError(
            f"cdist: expected points (..., n, d) and (..., m, d), not {tuple(x1.shape)} and {tuple(x2.shape)}"
        )
    if p == 2:
        return euclidean_distances(x1, x2)
    return vector_norm(unsqueeze(x1, -2) - unsqueeze(x2, -3), float(p), -1)
