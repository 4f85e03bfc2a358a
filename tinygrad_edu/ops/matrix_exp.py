"""The exponential of matrices, and products of Householder reflections: two ways to orthogonal matrices."""

import math

import numpy as np

from ..define import case, composite, op
from .joining import cat
from .linalg import mT, need_square
from .linear import matmul
from .shape import tril, unsqueeze

PADE_13 = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0,
    670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
"""The coefficients of the numerator of the [13/13] Padé approximant of eˣ; those of the denominator alternate in
sign."""

LARGEST_NORM = 5.371920351148152
"""The norm up to which the approximant is exact to double precision (Higham 2005, table 2.3)."""


def _gradient(g, x):
    """The upper right block of exp([[xᵀ, g], [0, xᵀ]]): the derivative of exp at xᵀ in the direction g (Van Loan
    1978)."""
    n = x.shape[-1]
    xT = mT(x)
    block = cat((cat((xT, g), -1), cat((0 * xT, xT), -1)), -2)
    return matrix_exp(block)[..., :n, n:]


@op(
    lambda g, x: _gradient(g, x),
    floating=True, label="exp", domain=(-1.0, 1.0),
    samples=[case((3, 3)), case((2, 2, 2)), case((1, 1)), case((0, 0))],
)  # fmt: skip
def matrix_exp(x):
    """exp(x) = Σ xᵏ / k! of square matrices (..., n, n), by scaling and squaring a Padé approximant (Higham 2005)."""
    need_square(x)
    if not x.size:
        return x.copy()
    a = x.astype(np.float64)
    norm = np.abs(a).sum(-2).max()
    squarings = max(0, math.ceil(math.log2(norm / LARGEST_NORM))) if 0 < norm < math.inf else 0
    a = a * 0.5**squarings
    b, one = PADE_13, np.eye(a.shape[-1])
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one
    odd = a @ odd
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    result = np.linalg.solve(even - odd, even + odd) if np.isfinite(norm) else np.full_like(a, np.nan)
    for _ in range(squarings):
        result = result @ result
    return result.astype(x.dtype)


@composite(method=False)
def householder_product(x, tau):
    """The first k columns of H₁ H₂ ⋯, with Hᵢ = I − τᵢ vᵢ vᵢᵀ: x (..., n, k) holds vᵢ below the diagonal of column i
    (vᵢ has 1 on the diagonal and 0 above), tau (..., at most k) the factors.
    """
    n, k = x.shape[-2:]
    if n < k or tau.shape[-1] > k:
        raise ValueError(
            f"householder_product takes matrices (..., n, k) with n ≥ k and at most k factors, not {tuple(x.shape)} "
            f"and {tuple(tau.shape)}"
        )
    one = np.eye(n, k, dtype=x.dtype)
    vectors = tril(x, -1) + one
    result = one + 0 * x
    for i in reversed(range(tau.shape[-1])):
        v = vectors[..., i : i + 1]
        result = result - unsqueeze(tau[..., i : i + 1], -1) * matmul(v, matmul(mT(v), result))
    return result
