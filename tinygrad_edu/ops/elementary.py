"""Elementary functions of one variable (and atan2, logaddexp), with their textbook derivatives.

Derivatives: Abramowitz & Stegun 1964, chapters 4 and 7.
"""

import math

import numpy as np

from ..define import op

POSITIVE = (0.1, 3.0)
UNIT = (-0.9, 0.9)

# Each has the shape op(rule, ufunc)(kernel): the ufunc is the kernel, and NumPy's function calls it when given Tensors.


def _function(rule, ufunc, label=None, domain=(-3.0, 3.0), aliases=()):
    """An elementary function: element by element, of floating numbers, with an in-place version."""
    return op(
        rule, ufunc=ufunc, label=label, domain=domain, elementwise=True, floating=True, inplace=True, aliases=aliases
    )


@_function(lambda g, out: g * out, np.exp)
def exp(x):
    """e to the power x."""
    return np.exp(x)


@_function(lambda g, out: g * out * math.log(2.0), np.exp2)
def exp2(x):
    """2 to the power x."""
    return np.exp2(x)


@_function(lambda g, out: g * (out + 1), np.expm1)
def expm1(x):
    """e to the power x, minus 1; accurate near 0."""
    return np.expm1(x)


@_function(lambda g, x: g / x, np.log, domain=POSITIVE)
def log(x):
    """Natural logarithm."""
    return np.log(x)


@_function(lambda g, x: g / (x * math.log(2.0)), np.log2, domain=POSITIVE)
def log2(x):
    """Logarithm to base 2."""
    return np.log2(x)


@_function(lambda g, x: g / (x * math.log(10.0)), np.log10, domain=POSITIVE)
def log10(x):
    """Logarithm to base 10."""
    return np.log10(x)


@_function(lambda g, x: g / (1 + x), np.log1p, domain=(-0.7, 3.0))
def log1p(x):
    """log(1 + x); accurate near 0."""
    return np.log1p(x)


@_function(lambda g, out: g / (2 * out), np.sqrt, label="√", domain=POSITIVE)
def sqrt(x):
    """Square root."""
    return np.sqrt(x)


@op(
    lambda g, out: -0.5 * g * out * out * out,
    label="1/√", elementwise=True, floating=True, inplace=True, domain=POSITIVE, oracle=lambda x: 1 / np.sqrt(x),
)  # fmt: skip
def rsqrt(x):
    """1/√x."""
    return np.reciprocal(np.sqrt(x))


@_function(lambda g, x: g * cos(x), np.sin)
def sin(x):
    """Sine of an angle in radians."""
    return np.sin(x)


@_function(lambda g, x: -g * sin(x), np.cos)
def cos(x):
    """Cosine of an angle in radians."""
    return np.cos(x)


@_function(lambda g, out: g * (1 + out * out), np.tan, domain=(-1.2, 1.2))
def tan(x):
    """Tangent of an angle in radians."""
    return np.tan(x)


@_function(lambda g, x: g / sqrt((1 - x) * (1 + x)), np.arcsin, domain=UNIT, aliases=["arcsin"])
def asin(x):
    """The angle in [−π/2, π/2] whose sine is x."""
    return np.arcsin(x)


@_function(lambda g, x: -g / sqrt((1 - x) * (1 + x)), np.arccos, domain=UNIT, aliases=["arccos"])
def acos(x):
    """The angle in [0, π] whose cosine is x."""
    return np.arccos(x)


@_function(lambda g, x: g / (1 + x * x), np.arctan, aliases=["arctan"])
def atan(x):
    """The angle in (−π/2, π/2) whose tangent is x."""
    return np.arctan(x)


@_function(lambda g, x: g * cosh(x), np.sinh)
def sinh(x):
    """Hyperbolic sine."""
    return np.sinh(x)


@_function(lambda g, x: g * sinh(x), np.cosh)
def cosh(x):
    """Hyperbolic cosine."""
    return np.cosh(x)


@_function(lambda g, out: g * (1 - out * out), np.tanh)
def tanh(x):
    """Hyperbolic tangent."""
    return np.tanh(x)


@_function(lambda g, x: g / sqrt(x * x + 1), np.arcsinh, aliases=["arcsinh"])
def asinh(x):
    """Inverse of the hyperbolic sine."""
    return np.arcsinh(x)


@_function(lambda g, x: g / (sqrt(x - 1) * sqrt(x + 1)), np.arccosh, domain=(1.2, 4.0), aliases=["arccosh"])
def acosh(x):
    """Inverse of the hyperbolic cosine, for x ≥ 1."""
    return np.arccosh(x)


@_function(lambda g, x: g / ((1 - x) * (1 + x)), np.arctanh, domain=UNIT, aliases=["arctanh"])
def atanh(x):
    """Inverse of the hyperbolic tangent, for |x| < 1."""
    return np.arctanh(x)


@op(
    lambda g, x, y: g * y / (x * x + y * y), lambda g, x, y: -g * x / (x * x + y * y),
    ufunc=np.arctan2, elementwise=True, floating=True, aliases=["arctan2"], domain=(0.3, 3.0),
)  # fmt: skip
def atan2(x, y):
    """The angle of the point with ordinate x and abscissa y, in (−π, π]."""
    return np.arctan2(x, y)


@op(
    lambda g, x, out: g * exp(x - out), lambda g, y, out: g * exp(y - out),
    ufunc=np.logaddexp, elementwise=True, floating=True,
)  # fmt: skip
def logaddexp(x, y):
    """log(eˣ + eʸ), without overflow."""
    return np.logaddexp(x, y)


@op(
    lambda g, x: g * (2 / math.sqrt(math.pi)) * exp(-x * x),
    elementwise=True, floating=True, inplace=True, oracle=np.vectorize(math.erf, otypes=[float]),
)  # fmt: skip
def erf(x):
    """The error function, 2/√π ∫₀ˣ exp(−t²) dt."""
    from ..special import erf

    return erf(x)


@op(
    lambda g, x: -g * (2 / math.sqrt(math.pi)) * exp(-x * x),
    elementwise=True, floating=True, inplace=True, oracle=np.vectorize(math.erfc, otypes=[float]),
)  # fmt: skip
def erfc(x):
    """1 − erf(x); accurate where erf is nearly 1."""
    from ..special import erfc

    return erfc(x)


@op(
    lambda g, out: g * (math.sqrt(math.pi) / 2) * exp(out * out),
    elementwise=True, floating=True, inplace=True, domain=(-0.9, 0.9),
)  # fmt: skip
def erfinv(x):
    """y with erf(y) = x, for x from −1 to 1."""
    from ..inverse_erf import erfinv

    return erfinv(x)
