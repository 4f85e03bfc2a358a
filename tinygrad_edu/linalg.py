"""Linear algebra under the names of torch.linalg: `tinygrad_edu.linalg.solve(A, B)`. The operations are in ops/.

All take stacks of matrices (leading dimensions), and all but `matrix_rank` have gradients, of any order.
"""

from .ops.factorizations import cholesky, eigh, eigvalsh, qr, svd, svdvals
from .ops.linalg import det, inv, lstsq, matrix_power, matrix_rank, mT, pinv, slogdet
from .ops.linalg import solve as _solve
from .ops.linear import matmul
from .ops.matrix_exp import householder_product, matrix_exp
from .ops.norms import linalg_norm as norm
from .ops.norms import matrix_norm, vector_norm
from .ops.products import cross as _cross
from .ops.products import multi_dot, vecdot
from .ops.shape import diagonal as _diagonal

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "householder_product", "inv", "lstsq", "matmul",
    "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve",
    "svd", "svdvals", "vecdot", "vector_norm",
]  # fmt: skip


def solve(A, B, *, left=True):
    """The X with A X = B; with left=False that with X A = B. Shapes and errors as of the operation `solve`: A (..., n,
    n), B vectors (..., n) or matrices (..., n, k), or (..., k, n) with left=False."""
    return _solve(A, B) if left else mT(_solve(mT(A), mT(B)))


def cross(x, y, *, dim=-1):
    """The cross product of the vectors of 3 elements along `dim`; the other dimensions broadcast."""
    return _cross(x, y, dim)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The elements of a diagonal of the matrices in dimensions `dim1` and `dim2`, as a last dimension."""
    return _diagonal(A, offset, dim1, dim2)
