"""Factorizations of matrices, and of stacks of them: Cholesky, QR, singular values, symmetric eigenvalues.

Orthogonal factors are not unique: columns of U, V and of eigenvectors may change sign, and may be rotated among
themselves where singular values or eigenvalues are equal. Only functions that do not depend on this choice have a
meaningful gradient. Where values are equal the gradient of others is ±∞ (huge, where they are nearly equal); terms 0/0,
which functions that do not depend on the choice produce there, count as 0.

Derivatives: Murray, "Differentiation of the Cholesky decomposition" (arXiv:1602.07527, 2016); Walter & Lehmann,
"Algorithmic differentiation of linear algebra functions with application in optimum experimental design" (2011) for QR;
Seeger et al., "Auto-differentiating linear algebra" (arXiv:1710.08717, 2017) and Giles 2008 for the others.
"""

import numpy as np

from ..define import case, composite, op
from ..errors import OperationError
from ..text import named_results
from .comparison import where
from .linalg import identity_like, mT, need_matrix, need_square, solve, values_of
from .joining import cat
from .linear import matmul
from .shape import tril, unsqueeze

QR = named_results("linalg_qr", "Q", "R")
SVD = named_results("linalg_svd", "U", "S", "Vh")
Eigen = named_results("linalg_eigh", "eigenvalues", "eigenvectors")

SYMMETRIC = (case((3, 3)), case((1, 1)), case((2, 3, 3)))
ANY_SHAPE = (case((3, 3)), case((4, 2)), case((2, 4)), case((1, 1)), case((2, 3, 2)))
ASYMMETRY = 0.01


def symmetrised(x):
    """½(x + xᵀ) of an array. Matrices that are far from symmetric were not meant, and are an error."""
    need_square(x)
    xT = x.swapaxes(-1, -2)
    difference = np.abs(x - xT).max(initial=0)
    if difference > ASYMMETRY * np.abs(x).max(initial=0):
        raise ValueError(
            f"the matrix must be symmetric, but x[i, j] and x[j, i] differ by up to {difference:.3g}; to use its "
            "lower triangle only, pass x.tril() + x.tril(-1).mT"
        )
    return (x + xT) * x.dtype.type(0.5)


def symmetric_part(x):
    return 0.5 * (x + mT(x))


def is_absent(g):
    """Whether a gradient is zero for certain: all zeros, and not computed from anything that could change it."""
    return getattr(g, "node", None) is None and not values_of(g).any()


def quotient(x, y):
    """x / y, but 0 for 0/0."""
    undefined = (x == 0) & (y == 0)
    return where(undefined, 0.0, x / where(undefined, 1.0, y))


# ---- Cholesky


def _cholesky_gradient(g, out, upper):
    """½(S + Sᵀ) with S = L⁻ᵀ Φ(Lᵀ g) L⁻¹, Φ the lower triangle with half the diagonal (Murray 2016, section 3)."""
    L, g = (mT(out), mT(g)) if upper else (out, g)
    P = matmul(mT(L), g)
    P = tril(P) * (1 - 0.5 * identity_like(L))
    LT = mT(L)
    return symmetric_part(mT(solve(LT, mT(solve(LT, P)))))


@op(
    lambda g, out, upper: _cholesky_gradient(g, out, upper),
    floating=True, numpy=[np.linalg.cholesky], domain="positive definite",
    samples=[*SYMMETRIC, case((2, 2), upper=True)],
)  # fmt: skip
def cholesky(x, upper=False):
    """The lower triangular L with L Lᵀ = x, for symmetric positive definite x (..., n, n); its transpose with `upper`.

    x is replaced by ½(x + xᵀ) first, and the gradient is that of this function, hence symmetric.
    """
    x = symmetrised(x)
    try:
        L = np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        lowest = np.linalg.eigvalsh(x).min()
        raise ValueError(
            f"the matrix is not positive definite: its lowest eigenvalue is {lowest:.3g}. Of a covariance matrix add "
            "a small multiple of the identity"
        ) from None
    return L.swapaxes(-1, -2) if upper else L


# ---- QR


def _qr_gradient(g, x, out, mode):
    gQ, gR = g
    Q, R = out
    n, m = x.shape[-2:]
    if mode == "r" or mode == "complete" and n > m:
        raise OperationError(f"qr has no gradient with mode={mode!r} for a matrix {tuple(x.shape)}; use mode='reduced'")
    if n >= m:
        return (_tall_qr_gradient(gQ, gR, Q, R),)
    # x = [X Y] with X square: X = Q R₁ is a factorization of its own, and R₂ = Qᵀ Y
    gR1, gR2 = gR[..., :n], gR[..., n:]
    Y = x[..., n:]
    gX = _tall_qr_gradient(gQ + matmul(Y, mT(gR2)), gR1, Q, R[..., :n])
    return (cat((gX, matmul(Q, gR2)), -1),)


def _tall_qr_gradient(gQ, gR, Q, R):
    """(gQ + Q sym(M)) R⁻ᵀ, where sym mirrors the lower triangle of M = R gRᵀ − gQᵀ Q (Walter & Lehmann 2011)."""
    M = matmul(R, mT(gR)) - matmul(mT(gQ), Q)
    lower = tril(M, -1)
    M = lower + mT(lower) + M * identity_like(R)
    try:
        return mT(solve(R, mT(gQ + matmul(Q, M))))
    except ValueError:
        raise OperationError("qr has no gradient at a matrix without full rank: its R is singular") from None


@op(
    joint=lambda g, x, out, mode: _qr_gradient(g, x, out, mode), operands=1,
    floating=True, numpy=[np.linalg.qr], domain="distinct singular values", samples=ANY_SHAPE,
)  # fmt: skip
def qr(x, mode="reduced"):
    """(Q, R) with Q R = x, Q with orthonormal columns, R upper triangular; x (..., n, m), k = min(n, m).

    mode  "reduced": Q (..., n, k), R (..., k, m); "complete": Q (..., n, n), R (..., n, m); "r": Q empty, R (..., k, m)

    Gradients need full rank (of the first k columns), and exist for "reduced", and for "complete" if n ≤ m.
    """
    need_matrix(x)
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"mode must be 'reduced', 'complete' or 'r', not {mode!r}")
    if mode == "r":
        return QR(np.empty(0, x.dtype), np.linalg.qr(x, "r"))
    return QR(*np.linalg.qr(x, mode))


# ---- singular values


def _svd_gradient(g, out, full_matrices):
    """U [(K_U ∘ 1/E) S + S (K_V ∘ 1/E) + diag(gS)] Vᵀ and the parts outside the spaces of U and V.

    K_U = UᵀgU − gUᵀU, K_V = VᵀgV − gVᵀV, E_ij = s_j² − s_i² (Seeger et al. 2017, section 3.4). The columns of a full U
    beyond the first k span what those do not, so that their gradient enters there; likewise V.
    """
    gU, gS, gVh = g
    U, S, Vh = out
    k = S.shape[-1]
    row, column = unsqueeze(S, -2), unsqueeze(S, -1)
    inner = identity_like(S) * unsqueeze(gS, -2)
    U1, V1h = U[..., :k], Vh[..., :k, :]
    if is_absent(gU) and is_absent(gVh):  # the usual case: functions of S alone
        return (matmul(matmul(U1, inner), V1h),)
    V, gV = mT(Vh), mT(gVh)
    V1 = mT(V1h)
    E = (row - column) * (row + column)
    off = 1 - identity_like(S)
    KU = matmul(mT(U1), gU[..., :k])
    KV = matmul(mT(V1), gV[..., :k])
    inner = inner + quotient((KU - mT(KU)) * off, E + identity_like(S)) * row
    inner = inner + column * quotient((KV - mT(KV)) * off, E + identity_like(S))
    gradient = matmul(matmul(U1, inner), V1h)
    if U.shape[-2] > k:
        gradient = gradient + matmul(quotient(_outside(U, gU, k), row), V1h)
    if V.shape[-2] > k:
        gradient = gradient + matmul(U1, mT(quotient(_outside(V, gV, k), row)))
    return (gradient,)


def _outside(U, g, k):
    """(I − U₁U₁ᵀ) g₁ − U₂ g₂ᵀ U₁, for the first k columns U₁ and the others U₂."""
    U1, g1 = U[..., :k], g[..., :k]
    result = g1 - matmul(U1, matmul(mT(U1), g1))
    if U.shape[-1] > k:
        result = result - matmul(U[..., k:], matmul(mT(g[..., k:]), U1))
    return result


@op(
    joint=lambda g, out, full_matrices: _svd_gradient(g, out, full_matrices), operands=1, internal=True,
    floating=True, numpy=[np.linalg.svd], domain="distinct singular values",
    samples=[*(case(*operands, full_matrices=False) for operands, _ in ANY_SHAPE), case((3, 2)), case((2, 3))],
)  # fmt: skip
def svd(x, full_matrices=True):
    """(U, S, Vh) with U diag(S) Vh = x, for x (..., n, m): U and V with orthonormal columns, S ≥ 0 in descending order.

    U is (..., n, n) and Vh (..., m, m); without `full_matrices` (..., n, k) and (..., k, m), k = min(n, m).

    The gradient is finite for functions of S alone. For functions of U and V it needs distinct singular values (and
    none 0 if x is not square), and a function that does not depend on the choice of U and V, see the head of this file.
    """
    need_matrix(x)
    return SVD(*np.linalg.svd(x, full_matrices))


@composite(method=False, numpy=[np.linalg.svdvals])
def svdvals(x):
    """The singular values of matrices (..., n, m) in descending order, (..., k). Differentiable where distinct."""
    return svd(x, full_matrices=False).S


# ---- symmetric eigenvalues


def _eigh_gradient(g, out):
    """V (diag(gw) + ½ K ∘ 1/E) Vᵀ, K = VᵀgV − gVᵀV, E_ij = w_j − w_i (Giles 2008, section 3.1, symmetrised)."""
    gw, gV = g
    w, V = out
    inner = identity_like(w) * unsqueeze(gw, -2)
    if not is_absent(gV):
        E = unsqueeze(w, -2) - unsqueeze(w, -1)
        K = matmul(mT(V), gV)
        inner = inner + 0.5 * quotient((K - mT(K)) * (1 - identity_like(w)), E + identity_like(w))
    return (matmul(matmul(V, inner), mT(V)),)


@op(
    joint=lambda g, out: _eigh_gradient(g, out), operands=1,
    floating=True, method=False, numpy=[np.linalg.eigh], domain="positive definite", samples=SYMMETRIC,
)  # fmt: skip
def eigh(x, UPLO="L"):
    """(eigenvalues, eigenvectors) of symmetric matrices (..., n, n): x V = V diag(w), w in ascending order, V
    orthogonal.

    x is replaced by ½(x + xᵀ) first, and the gradient is that of this function, hence symmetric; UPLO, which names a
    triangle to read, is therefore without effect. The gradient of the eigenvectors needs distinct eigenvalues and a
    function that does not depend on their signs, see the head of this file.
    """
    return Eigen(*np.linalg.eigh(symmetrised(x)))


@composite(method=False, numpy=[np.linalg.eigvalsh])
def eigvalsh(x, UPLO="L"):
    """The eigenvalues of symmetric matrices in ascending order; differentiable where they are distinct."""
    return eigh(x).eigenvalues
