"""Inverses, linear systems, determinants, and what is computed from them; for stacks of matrices (leading dimensions).

The derivatives are those of M. B. Giles, "An extended collection of matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008), section 2; others are cited where they stand.
"""

import numpy as np

from ..define import case, composite, op
from ..errors import OperationError
from ..tensor import Tensor, of_array
from ..text import named_results
from .arithmetic import square
from .comparison import where
from .indexing import getitem, put
from .linear import matmul
from .reduce import sum
from .shape import expand, squeeze, transpose, unsqueeze

SignAndLog = named_results("linalg_slogdet", "sign", "logabsdet")
LeastSquares = named_results("linalg_lstsq", "solution", "residuals", "rank", "singular_values")

SQUARE = (case((3, 3)), case((1, 1)), case((2, 3, 3)))


def mT(x):
    """Matrices transposed: the last two dimensions exchanged."""
    return transpose(x, -1, -2)


def identity_like(x):
    """The identity matrix with the last size and the dtype of x."""
    return np.eye(x.shape[-1], dtype=x.dtype)


def values_of(x):
    """The array of an operand of a rule, which is an array or a Tensor."""
    return x.array if isinstance(x, Tensor) else np.asarray(x)


def need_square(x, name="x"):
    need_matrix(x, name)
    if x.shape[-1] != x.shape[-2]:
        raise OperationError(f"{name} must be a square matrix or a stack of them, (..., n, n), not {x.shape}")


def need_matrix(x, name="x"):
    if x.ndim < 2:
        raise OperationError(f"{name} must be a matrix or a stack of them, (..., n, m), not {x.shape}")
    if x.dtype == np.float16:
        raise TypeError(f"{name} is float16, for which LAPACK has no routines; convert it: {name}.float()")


# ---- inverses and linear systems


@op(
    lambda g, out: -matmul(matmul(mT(out), g), mT(out)),
    floating=True, aliases=["inverse"], label="inverse", numpy=[np.linalg.inv],
    domain="well conditioned", samples=SQUARE,
)  # fmt: skip
def inv(x):
    """The inverse of square matrices (..., n, n). A singular one is an error."""
    need_square(x)
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise ValueError(
            "the matrix is singular, it has no inverse; pinv computes the pseudo-inverse of any matrix"
        ) from None


def _solve_gradient(g, A, out, needs):
    """dB = A⁻ᵀ g, dA = −dB · outᵀ (Giles 2008, section 2.3.1)."""
    dB = solve(mT(A), g)
    if not needs[0]:
        return None, dB
    if is_stack_of_vectors(A, g):
        return -unsqueeze(dB, -1) * unsqueeze(out, -2), dB
    return -matmul(dB, mT(out)), dB


def is_stack_of_vectors(A, B):
    """Whether B is one vector, or one for each matrix in A. Everything else is matrices (PyTorch's rule)."""
    return B.ndim == 1 or B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1])


@op(
    joint=lambda g, A, out, needs: _solve_gradient(g, A, out, needs), operands=2,
    floating=True, method=False, numpy=[np.linalg.solve], domain=("well conditioned", (-3.0, 3.0)),
    samples=[
        case((3, 3), (3,)), case((3, 3), (3, 2)), case((1, 1), (1,)), case((2, 3, 3), (2, 3)), case((2, 3, 3), (3, 2)),
        case((3, 3), (2, 3, 2)),
    ],
)  # fmt: skip
def solve(A, B):
    """The X with A X = B, for square A (..., n, n) and B of vectors (..., n) or matrices (..., n, k).

    B is taken as vectors if it has one dimension or the shape of A without its last size; stacks are broadcast.
    A singular A is an error.
    """
    need_square(A, "A")
    vectors = is_stack_of_vectors(A, B)
    if B.ndim == 0 or B.shape[-1 if vectors else -2] != A.shape[-1]:
        raise ValueError(
            f"A {A.shape} needs a B of {A.shape[-1]} rows, as vectors (..., n) or matrices (..., n, k), not {B.shape}"
        )
    try:
        return np.linalg.solve(A, B[..., None])[..., 0] if vectors else np.linalg.solve(A, B)
    except np.linalg.LinAlgError:
        raise ValueError(
            "A is singular, there is no unique solution; lstsq solves any system in the least-squares sense"
        ) from None


def _pinv_gradient(g, x, P):
    """Golub & Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least squares problems", (4.12)."""
    gT, PT = mT(g), mT(P)
    outside_columns = gT - matmul(x, matmul(P, gT))  # (I − A P) gᵀ
    outside_rows = gT - matmul(matmul(gT, P), x)  # gᵀ (I − P A)
    return matmul(outside_columns, matmul(P, PT)) + matmul(matmul(PT, P), outside_rows) - matmul(PT, matmul(g, PT))


@op(
    lambda g, x, out: _pinv_gradient(g, x, out),
    floating=True, aliases=["pinverse"], numpy=[np.linalg.pinv], domain="distinct singular values",
    samples=[case((3, 3)), case((4, 2)), case((2, 4)), case((1, 1)), case((2, 3, 2))],
)  # fmt: skip
def pinv(x, rtol=None):
    """The Moore–Penrose pseudo-inverse of matrices (..., n, m); (..., m, n).

    Singular values below rtol (default: max(n, m) · eps) times the largest count as 0. The gradient assumes that small
    changes of x leave the rank as it is; where they do not, the pseudo-inverse is not continuous.
    """
    need_matrix(x)
    return np.linalg.pinv(x, default_rtol(x) if rtol is None else rtol)


def default_rtol(x):
    return max(x.shape[-2:]) * np.finfo(x.dtype).eps


@op(
    None, floating=True, method=False, numpy=[np.linalg.matrix_rank], domain="distinct singular values",
    samples=[case((3, 3)), case((2, 4, 2)), case(np.array([[1.0, 2.0], [2.0, 4.0]]))],
)  # fmt: skip
def matrix_rank(x, rtol=None):
    """The number of singular values greater than rtol (default: max(n, m) · eps) times the largest one."""
    need_matrix(x)
    return np.linalg.matrix_rank(x, rtol=default_rtol(x) if rtol is None else rtol)


@composite(method=False, numpy=[np.linalg.lstsq])
def lstsq(A, B, rcond=None):
    """The X of least norm that minimises ‖A X − B‖: A (..., n, m), B (..., n, k) or vectors as for `solve`.

    Returns (solution, residuals, rank, singular_values). `residuals` are the sums of squares Σ (A X − B)² over the
    rows, empty unless n > m and A has full rank. rcond is the rtol of `pinv`. The solution is pinv(A) B, and so is its
    gradient.
    """
    matrix = values_of(A)
    need_matrix(matrix)
    n, m = matrix.shape[-2:]
    vectors = is_stack_of_vectors(matrix, B)
    if B.ndim == 0 or B.shape[-1 if vectors else -2] != n:
        raise OperationError(f"lstsq: A {tuple(A.shape)} needs a B of {n} rows, not {tuple(B.shape)}")
    right = unsqueeze(B, -1) if vectors else B
    solution = matmul(pinv(A, rcond), right)
    rank = np.asarray(np.linalg.matrix_rank(matrix, rtol=default_rtol(matrix) if rcond is None else rcond))
    if n > m and (rank == m).all():
        residuals = sum(square(matmul(A, solution) - right), -2)
        residuals = squeeze(residuals, -1) if vectors else residuals
    else:
        residuals = of_array(np.empty(0, matrix.dtype), None)
    singular_values = of_array(np.linalg.svd(matrix, compute_uv=False), None)
    solution = squeeze(solution, -1) if vectors else solution
    return LeastSquares(solution, residuals, of_array(rank, None), singular_values)


@composite(numpy=[np.linalg.matrix_power])
def matrix_power(x, n):
    """Powers of square matrices by repeated squaring; the identity for n = 0, powers of the inverse for n < 0."""
    need_square(values_of(x))
    if n < 0:
        return matrix_power(inv(x), -n)
    if n == 0:
        return expand(identity_like(x), x.shape) + 0 * x
    result, squared = None, x
    while True:
        if n & 1:
            result = squared if result is None else matmul(result, squared)
        n >>= 1
        if n == 0:
            return result
        squared = matmul(squared, squared)


# ---- determinants


@op(
    lambda g, x: unsqueeze(unsqueeze(g, -1), -1) * cofactors(x),
    floating=True, numpy=[np.linalg.det], domain="well conditioned",
    samples=[*SQUARE, case((2, 2)), case((0, 0))],
)  # fmt: skip
def det(x):
    """Determinants of square matrices (..., n, n). Its gradient, the cofactors, is right where x is singular, too."""
    need_square(x)
    return np.linalg.det(x)


@op(
    lambda g, x, out: _cofactors_gradient(g, x, out),
    floating=True, internal=True, domain="well conditioned", samples=[*SQUARE, case((2, 2))],
    oracle=lambda x: np.linalg.det(x)[..., None, None] * np.linalg.inv(x).swapaxes(-1, -2),
)  # fmt: skip
def cofactors(x):
    """The matrix C of cofactors, the derivative of det: C = det(x) · x⁻ᵀ, and its limit where x is singular.

    Where x has no accurate inverse, C comes from the singular value decomposition x = U S Vᵀ as
    det(U) det(V) · U diag(∏_{j≠i} s_j) Vᵀ, which divides by nothing.
    """
    need_square(x)
    inverse = accurate_inverse(x)
    if inverse is not None:
        return np.linalg.det(x)[..., None, None] * inverse.swapaxes(-1, -2)
    u, s, vh = np.linalg.svd(x)
    others = np.where(np.eye(s.shape[-1], dtype=bool), x.dtype.type(1), s[..., None, :]).prod(-1)
    return (np.linalg.det(u) * np.linalg.det(vh))[..., None, None] * ((u * others[..., None, :]) @ vh)


def accurate_inverse(x):
    """The inverse of an array of matrices, or None if one is so ill-conditioned that half its digits would be lost."""
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return None
    condition = np.linalg.norm(x, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    return inverse if (condition < np.finfo(x.dtype).eps ** -0.5).all() else None


def _cofactors_gradient(g, x, C):
    """With C = det · x⁻ᵀ: (⟨g, C⟩ C − C gᵀ C) / det. For singular x each cofactor is differentiated as the determinant
    of its minor, at a cost of n² small determinants."""
    n = x.shape[-1]
    if n == 1:
        return 0 * g  # the cofactor is 1
    if accurate_inverse(values_of(x)) is not None:
        inner = sum(g * C, (-2, -1), True)
        return (inner * C - matmul(matmul(C, mT(g)), C)) / unsqueeze(unsqueeze(det(x), -1), -1)
    kept = np.array([[j for j in range(n) if j != i] for i in range(n)])  # row i: all numbers but i
    index = (Ellipsis, kept[:, None, :, None], kept[None, :, None, :])
    minors = getitem(x, index)  # (..., n, n, n - 1, n - 1)
    signs = (1 - 2 * (np.add.outer(np.arange(n), np.arange(n)) % 2)).astype(x.dtype)
    return put(unsqueeze(unsqueeze(g * signs, -1), -1) * cofactors(minors), tuple(x.shape), index)


def _slogdet_gradient(g, x):
    """d log|det x| = x⁻ᵀ; the sign is constant."""
    try:
        inverse = inv(x)
    except ValueError:
        raise OperationError(
            "slogdet has no gradient at a singular matrix, where log|det| is -inf; det has one"
        ) from None
    return (unsqueeze(unsqueeze(g[1], -1), -1) * mT(inverse),)


@op(
    joint=lambda g, x: _slogdet_gradient(g, x), operands=1,
    floating=True, numpy=[np.linalg.slogdet], domain="well conditioned", samples=SQUARE,
)  # fmt: skip
def slogdet(x):
    """(sign, logabsdet): the sign of the determinant of square matrices and the logarithm of its absolute value.

    Neither overflows. A singular matrix has sign 0 and logabsdet −∞, where there is no gradient: asking for it is an
    error.
    """
    need_square(x)
    return SignAndLog(*np.linalg.slogdet(x))


@composite
def logdet(x):
    """The logarithm of the determinant of square matrices; NaN where it is negative, −∞ where it is 0."""
    sign, logabsdet = slogdet(x)
    return where(values_of(sign) < 0, float("nan"), logabsdet)
