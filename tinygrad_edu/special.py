"""Special functions that NumPy lacks, of whole arrays: erf, erfc, and the normal distribution function.

float64: the rational minimax approximations of W. J. Cody, "Rational Chebyshev approximations for the error function",
Mathematics of Computation 23 (1969), with the coefficients of his routine CALERF (netlib, specfun). They treat three
intervals of |x|; in the outer two they approximate erfc, which keeps its relative accuracy until it underflows.

float32: erf has a shorter formula: erf(x) = tanh(x · P(x²)), P a polynomial of degree 7 fitted to artanh(erf(x))/x such
that the largest relative error of erf, 7e-8, is least. Unlike a rational approximation it never exceeds 1. The normal
distribution function, where GELU spends its time, is (1 + tanh(x · P(x²))) / 2 with a P of degree 6, fitted such that
its largest absolute error, 3e-8, is least. Everything else is computed in float64 and rounded.
"""

import math

import numpy as np

__all__ = ["erf", "erfc", "normal_cdf"]

INNER, OUTER = 0.46875, 4.0  # Cody's three intervals: |x| ≤ INNER, up to OUTER, beyond

# Coefficients, highest power first. erf(x) = x · P(x²)/Q(x²)
INNER_P = (
    1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3,
)  # fmt: skip
INNER_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
# erfc(x) = exp(−x²) · P(x)/Q(x)
MIDDLE_P = (
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
    8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
)  # fmt: skip
MIDDLE_Q = (
    1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
)  # fmt: skip
# erfc(x) = exp(−x²)/x · (1/√π − z · P(z)/Q(z)), z = 1/x²
OUTER_P = (
    1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
    1.60837851487422766e-2, 6.58749161529837803e-4,
)  # fmt: skip
OUTER_Q = (
    1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
    2.33520497626869185e-3,
)  # fmt: skip
# float32: erf(x) = tanh(x · P(x²)) for |x| ≤ 4
SINGLE = (
    5.420985322e-9, 2.759107568e-8, -4.794736953e-6, 8.459711637e-5, -6.148392671e-4, -1.952872760e-4, 1.027698638e-1,
    1.128379247,
)  # fmt: skip
# float32: Φ(x) = (1 + tanh(x · P(x²))) / 2; the first coefficient is positive: far out tanh gives ±1
SINGLE_CDF = (
    1.756275906e-9, -1.322662288e-7, 3.964772586e-6, -5.530631402e-5, -3.259475030e-5, 3.633308441e-2, 7.978849415e-1,
)  # fmt: skip

INVERSE_SQRT_PI = 0.5641895835477562869
UNDERFLOW = 28.0  # erfc(28) is below the smallest positive double


def erf(x):
    """The error function 2/√π ∫₀ˣ exp(−t²) dt of each element; an array of the same shape.

    float64 and float32 are accurate to 4 units in the last place; float16 is computed in float32, other dtypes in
    float64. erf(±∞) = ±1, erf(NaN) = NaN.
    """
    x = np.asarray(x)
    if x.dtype == np.float32:
        return _erf_single(x)
    if x.dtype == np.float16:
        return _erf_single(x.astype(np.float32)).astype(np.float16)
    flat = x.astype(np.float64).reshape(-1)
    return _by_interval(flat, _erf_inner, lambda y, tail: np.copysign(1.0 - tail, y)).reshape(x.shape)


def erfc(x):
    """1 − erf(x) of each element, to 8 units in the last place, also far out, until it underflows (x = 26.5).

    An array of the same shape; float32 and float16 are computed in float64 and rounded. erfc(∞) = 0, erfc(−∞) = 2.
    """
    x = np.asarray(x)
    flat = x.astype(np.float64).reshape(-1)
    with np.errstate(under="ignore"):
        result = _by_interval(flat, lambda y: 1.0 - _erf_inner(y), lambda y, tail: np.where(y < 0, 2.0 - tail, tail))
        return result.reshape(x.shape).astype(x.dtype if x.dtype.kind == "f" else np.float64, copy=False)


def normal_cdf(x):
    """Φ(x) = (1 + erf(x/√2)) / 2, the distribution function of the standard normal distribution; a new array.

    The absolute error is at most two units in the last place of 1; float16 is computed in float32.
    """
    if x.dtype == np.float16:
        return normal_cdf(x.astype(np.float32)).astype(np.float16)
    if x.dtype == np.float32:
        angle = _polynomial(SINGLE_CDF, np.square(x))
        angle *= x
        result = np.tanh(angle, out=angle if angle.ndim else None)
    else:
        result = erf(x * math.sqrt(0.5))
    half = result.dtype.type(0.5)
    result *= half
    result += half
    return result


def _by_interval(x, inner, outer):
    """inner(x) where |x| ≤ INNER (or NaN), elsewhere outer(x, erfc(|x|))."""
    size = np.abs(x)
    far = size > INNER
    if not far.any():
        return inner(x)
    if far.all():
        return outer(x, _erfc_far(size))
    result = np.empty_like(x)
    near = ~far
    result[near] = inner(x[near])
    result[far] = outer(x[far], _erfc_far(size[far]))
    return result


def _erf_inner(x):
    square = x * x
    return x * _polynomial(INNER_P, square) / _polynomial(INNER_Q, square)


def _erfc_far(y):
    """erfc(y) for y > INNER."""
    y = np.minimum(y, UNDERFLOW)
    beyond = y > OUTER
    if beyond.all():
        ratio = _outer_ratio(y)
    else:
        ratio = _polynomial(MIDDLE_P, y) / _polynomial(MIDDLE_Q, y)
        if beyond.any():
            ratio[beyond] = _outer_ratio(y[beyond])
    # exp(−y²) without the rounding error of y²: the square of a multiple of 1/16 is exact
    coarse = np.trunc(y * 16) / 16
    with np.errstate(under="ignore"):
        return ratio * np.exp(-coarse * coarse) * np.exp((coarse - y) * (coarse + y))


def _outer_ratio(y):
    z = 1 / (y * y)
    return (INVERSE_SQRT_PI - z * _polynomial(OUTER_P, z) / _polynomial(OUTER_Q, z)) / y


def _erf_single(x):
    x = np.clip(x, np.float32(-4), np.float32(4))
    angle = _polynomial(SINGLE, x * x)
    angle *= x
    return np.asarray(np.tanh(angle))


def _polynomial(coefficients, x):
    """Σ cᵢ xⁱ by Horner's rule, in the dtype of x."""
    result = x * x.dtype.type(coefficients[0])
    for c in coefficients[1:-1]:
        result += x.dtype.type(c)
        result *= x
    result += x.dtype.type(coefficients[-1])
    return result
