"""Arithmetic: + − × ÷, powers, remainders, signs, the larger and the smaller of two."""

import numpy as np

from ..define import case, composite, op
from .comparison import where
from .elementary import log

NONZERO = (0.3, 3.0)


@op(
    lambda g: g, lambda g: g,
    label="+", operators=["__add__", "__radd__"], ufunc=np.add, elementwise=True, linear=(0, 1), inplace=True,
)  # fmt: skip
def add(x, y):
    """x + y, element by element."""
    return np.add(x, y)


@op(
    lambda g: g, lambda g: -g,
    label="−", operators=["__sub__", "__rsub__"], ufunc=np.subtract, elementwise=True, linear=(0, 1), inplace=True,
    aliases=["subtract"],
)  # fmt: skip
def sub(x, y):
    """x − y, element by element."""
    return np.subtract(x, y)


@op(
    lambda g, y: g * y, lambda g, x: g * x,
    label="×", operators=["__mul__", "__rmul__"], ufunc=np.multiply, elementwise=True, inplace=True,
    aliases=["multiply"],
)  # fmt: skip
def mul(x, y):
    """x · y, element by element."""
    return np.multiply(x, y)


@op(
    lambda g, y: g / y, lambda g, y, out: -g * out / y,
    label="÷", operators=["__truediv__", "__rtruediv__"], ufunc=np.true_divide, elementwise=True, floating=True,
    inplace=True, aliases=["divide", "true_divide"], domain=((-3.0, 3.0), NONZERO),
)  # fmt: skip
def div(x, y):
    """x / y, element by element; integers give floats."""
    return np.true_divide(x, y)


@op(
    lambda g, x, y: g * where(y == 0, 0.0, y * x ** where(y == 0, 1.0, y - 1)),
    lambda g, x, y, out: g * where((x == 0) & (y >= 0), 0.0, out * log(where((x == 0) & (y >= 0), 1.0, x))),
    label="^", operators=["__pow__", "__rpow__"], ufunc=np.power, elementwise=True, inplace=True,
    domain=(NONZERO, (-2.0, 3.0)),
)  # fmt: skip
def pow(x, y):
    """x to the power y. The gradients at x = 0 are the limits that exist: d(x⁰)/dx = 0, d(0^y)/dy = 0 for y ≥ 0."""
    return np.power(x, y)


@op(lambda g: -g, label="−", operators=["__neg__"], ufunc=np.negative, elementwise=True, linear=(0,), inplace=True)
def neg(x):
    """−x."""
    return np.negative(x)


@op(lambda g: g, label="+", operators=["__pos__"], ufunc=np.positive, elementwise=True, linear=(0,))
def positive(x):
    """+x."""
    return np.positive(x)


@op(
    lambda g, x: g * sign(x),
    label="|·|", operators=["__abs__"], ufunc=np.absolute, elementwise=True, inplace=True, avoid=(0.0,),
    aliases=["absolute"],
)  # fmt: skip
def abs(x):
    """|x|; the gradient at 0 is 0, the middle of its subgradients."""
    return np.absolute(x)


@op(lambda g: g * 0, ufunc=np.sign, elementwise=True, inplace=True, avoid=(0,))
def sign(x):
    """−1, 0 or 1; its gradient is 0 wherever it exists."""
    return np.sign(x)


@op(lambda g, x: 2 * g * x, label="x²", ufunc=np.square, elementwise=True, inplace=True)
def square(x):
    """x²."""
    return np.square(x)


@op(
    lambda g, out: -g * out * out,
    label="1/x", ufunc=np.reciprocal, elementwise=True, floating=True, inplace=True, domain=NONZERO,
)  # fmt: skip
def reciprocal(x):
    """1/x."""
    return np.reciprocal(x)


@op(
    None, None, operators=["__floordiv__", "__rfloordiv__"], label="//", ufunc=np.floor_divide, elementwise=True,
    domain=((-3.0, 3.0), NONZERO),
)  # fmt: skip
def floor_divide(x, y):
    """The largest integer that is at most x / y."""
    return np.floor_divide(x, y)


@op(
    lambda g: g, lambda g, x, y: -g * floor_divide(x, y),
    label="mod", operators=["__mod__", "__rmod__"], ufunc=np.remainder, elementwise=True, inplace=True,
    domain=((3.15, 3.55), (0.9, 1.03)),
)  # fmt: skip
def remainder(x, y):
    """x − y·⌊x/y⌋: the remainder with the sign of y."""
    return np.remainder(x, y)


@op(
    lambda g: g, lambda g, x, y: -g * trunc(x / y),
    ufunc=np.fmod, elementwise=True, inplace=True, domain=((3.2, 3.5), (1.31, 1.4)),
)  # fmt: skip
def fmod(x, y):
    """x − y·trunc(x/y): the remainder with the sign of x."""
    return np.fmod(x, y)


def _chosen(g, x, y, chosen):
    """The gradient of a choice between x and y: all of it where x is chosen, half of it at ties."""
    return where(x == y, g / 2, where(chosen, g, 0.0))


@op(
    lambda g, x, y: _chosen(g, x, y, x > y), lambda g, x, y: _chosen(g, x, y, x < y),
    label="max", ufunc=np.maximum, elementwise=True, avoid=("ties",),
)  # fmt: skip
def maximum(x, y):
    """The larger of x and y, NaN if either is; at ties the gradient is shared equally."""
    return np.maximum(x, y)


@op(
    lambda g, x, y: _chosen(g, x, y, x < y), lambda g, x, y: _chosen(g, x, y, x > y),
    label="min", ufunc=np.minimum, elementwise=True, avoid=("ties",),
)  # fmt: skip
def minimum(x, y):
    """The smaller of x and y, NaN if either is; at ties the gradient is shared equally."""
    return np.minimum(x, y)


@op(
    lambda g, x, y: where((x >= y) | (y != y), g, 0.0), lambda g, x, y: where((x >= y) | (y != y), 0.0, g),
    ufunc=np.fmax, elementwise=True, avoid=("ties",),
)  # fmt: skip
def fmax(x, y):
    """The larger of x and y, the number if one of them is NaN; at ties the gradient goes to x, as in PyTorch."""
    return np.fmax(x, y)


@op(
    lambda g, x, y: where((x <= y) | (y != y), g, 0.0), lambda g, x, y: where((x <= y) | (y != y), 0.0, g),
    ufunc=np.fmin, elementwise=True, avoid=("ties",),
)  # fmt: skip
def fmin(x, y):
    """The smaller of x and y, the number if one of them is NaN; at ties the gradient goes to x, as in PyTorch."""
    return np.fmin(x, y)


@op(
    lambda g, x, out: g * x / out, lambda g, y, out: g * y / out,
    ufunc=np.hypot, elementwise=True, floating=True, domain=NONZERO,
)  # fmt: skip
def hypot(x, y):
    """√(x² + y²), without overflow."""
    return np.hypot(x, y)


@op(
    lambda g, x, min, max: where(_inside(x, min, max), g, 0.0),
    elementwise=True, internal=True, label="clamp", avoid=(-1.0, 1.5), oracle=np.clip,
    samples=[case((3, 4), min=-1.0, max=1.5), case((3, 4), min=-1.0, max=None), case((5,), min=None, max=1.5)],
)  # fmt: skip
def clamp_to_numbers(x, min, max):
    """x limited to [min, max], numbers, one of which may be None; gradient 1 inside and at the limits, 0 outside."""
    return np.clip(x, min, max)


def _inside(x, min, max):
    inside = True if min is None else x >= min
    return inside if max is None else inside & (x <= max)


@composite(inplace=True, aliases=["clip"], numpy=[np.clip])
def clamp(x, min=None, max=None):
    """x limited to [min, max], either of which may be None, a number or a tensor (then it gets gradients, too, where x
    is outside). Where min > max the result is max."""
    if min is None and max is None:
        raise ValueError("clamp: at least one of `min` and `max` must be given")
    numbers = (int, float, type(None))
    if isinstance(min, numbers) and isinstance(max, numbers):
        return clamp_to_numbers(x, min, max)
    if min is not None:
        x = where(x < min, min, x)
    return x if max is None else where(x > max, max, x)


STEPS = (-3, -2, -1, 0, 1, 2, 3)


@op(lambda g: g * 0, ufunc=np.floor, elementwise=True, inplace=True, avoid=STEPS)
def floor(x):
    """The largest integer that is at most x."""
    return np.floor(x)


@op(lambda g: g * 0, ufunc=np.ceil, elementwise=True, inplace=True, avoid=STEPS)
def ceil(x):
    """The smallest integer that is at least x."""
    return np.ceil(x)


@op(lambda g: g * 0, ufunc=np.trunc, elementwise=True, inplace=True, aliases=["fix"], avoid=STEPS)
def trunc(x):
    """x without its fraction."""
    return np.trunc(x)


@op(
    lambda g: g * 0, numpy=[np.round], elementwise=True, inplace=True, avoid=(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5),
    samples=[(((3, 4),), {}), (((3, 4),), dict(decimals=1))],
)  # fmt: skip
def round(x, decimals=0):
    """x rounded to `decimals` digits; halves go to the even neighbour."""
    return np.round(x, decimals)


@op(
    lambda g: g,
    elementwise=True,
    inplace=True,
    oracle=lambda x: x - np.trunc(x),
    avoid=(-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0),
)
def frac(x):
    """The fraction of x, with its sign: x − trunc(x)."""
    return x - np.trunc(x)
