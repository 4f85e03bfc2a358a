"""Comparison, logic and choice."""

import numpy as np

from ..define import bools, case, op
from ..tensor import Tensor


def _comparison(ufunc, label, operator, aliases=()):
    """The operation of a comparing ufunc: boolean, hence without gradients."""

    def define(kernel):
        return op(None, None, label=label, operators=operator, ufunc=ufunc, elementwise=True, aliases=aliases)(kernel)

    return define


@_comparison(np.equal, "=", ["__eq__"])
def eq(x, y):
    """x = y, element by element."""
    return np.equal(x, y)


@_comparison(np.not_equal, "≠", ["__ne__"], ["not_equal"])
def ne(x, y):
    """x ≠ y, element by element."""
    return np.not_equal(x, y)


@_comparison(np.less, "<", ["__lt__"], ["less"])
def lt(x, y):
    """x < y, element by element."""
    return np.less(x, y)


@_comparison(np.less_equal, "≤", ["__le__"], ["less_equal"])
def le(x, y):
    """x ≤ y, element by element."""
    return np.less_equal(x, y)


@_comparison(np.greater, ">", ["__gt__"], ["greater"])
def gt(x, y):
    """x > y, element by element."""
    return np.greater(x, y)


@_comparison(np.greater_equal, "≥", ["__ge__"], ["greater_equal"])
def ge(x, y):
    """x ≥ y, element by element."""
    return np.greater_equal(x, y)


@_comparison(np.logical_and, "and", [])
def logical_and(x, y):
    """Whether both are true (not 0)."""
    return np.logical_and(x, y)


@_comparison(np.logical_or, "or", [])
def logical_or(x, y):
    """Whether at least one is true (not 0)."""
    return np.logical_or(x, y)


@_comparison(np.logical_xor, "xor", [])
def logical_xor(x, y):
    """Whether exactly one is true (not 0)."""
    return np.logical_xor(x, y)


@op(None, label="not", ufunc=np.logical_not, elementwise=True)
def logical_not(x):
    """Whether it is false (0)."""
    return np.logical_not(x)


@op(None, None, label="&", operators=["__and__", "__rand__"], ufunc=np.bitwise_and, domain="integers", elementwise=True)
def bitwise_and(x, y):
    """The bits that are set in both; for booleans: and."""
    return np.bitwise_and(x, y)


@op(None, None, label="|", operators=["__or__", "__ror__"], ufunc=np.bitwise_or, domain="integers", elementwise=True)
def bitwise_or(x, y):
    """The bits that are set in at least one; for booleans: or."""
    return np.bitwise_or(x, y)


@op(None, None, label="^", operators=["__xor__", "__rxor__"], ufunc=np.bitwise_xor, domain="integers", elementwise=True)
def bitwise_xor(x, y):
    """The bits that are set in exactly one; for booleans: exclusive or."""
    return np.bitwise_xor(x, y)


@op(None, label="~", operators=["__invert__"], ufunc=np.invert, domain="integers", elementwise=True)
def bitwise_not(x):
    """All bits turned over; for booleans: not."""
    return np.invert(x)


@op(None, ufunc=np.isnan, elementwise=True)
def isnan(x):
    """Whether it is NaN, not a number."""
    return np.isnan(x)


@op(None, ufunc=np.isinf, elementwise=True)
def isinf(x):
    """Whether it is +∞ or −∞."""
    return np.isinf(x)


@op(None, ufunc=np.isfinite, elementwise=True)
def isfinite(x):
    """Whether it is neither infinite nor NaN."""
    return np.isfinite(x)


@op(
    None, lambda g, condition: where(condition, g, 0.0), lambda g, condition: where(condition, 0.0, g),
    method=False, elementwise=True, linear=(1, 2), numpy=[np.where], promotes=(1, 2),
    samples=[case(bools(3, 4), (3, 4), (3, 4)), case(bools(3, 1), (4,), ()), case(bools(4), (3, 4), (1, 4)),
             case(bools(0), (0,), (1,))],
)  # fmt: skip
def where(condition, x, y):
    """x where the condition holds, y elsewhere. The branch not taken gets the gradient 0, whatever it holds."""
    return chosen(condition, x, y)


BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}
MANY = 2048
"""Elements from which on `chosen` does better without branches."""


def chosen(condition, x, y):
    """np.where(condition, x, y), without a branch for each element: where the condition is irregular, the processor
    predicts every other one wrongly, and np.where is ten times slower. Here an integer of all ones or all zeros masks
    the bits of x, and its complement those of y, NaN, infinities and all.
    """
    large, other = (x, y) if np.ndim(x) >= np.ndim(y) and np.size(x) >= np.size(y) else (y, x)
    bits = BITS.get(getattr(large, "dtype", None))
    if bits is None or max(np.size(condition), large.size) < MANY:
        return np.where(condition, x, y)
    if type(other) is float or type(other) is int:
        other = np.array(other, large.dtype)
    if getattr(other, "dtype", None) != large.dtype:
        return np.where(condition, x, y)
    condition = np.asarray(condition)
    condition = condition if condition.dtype == np.bool_ else condition != 0
    if large is x and large.itemsize <= 4 and not (other.ndim or other.view(bits)):  # x or 0: its bits times 1 or 0
        return np.multiply(large.view(bits), condition).view(large.dtype)
    result = np.empty(np.broadcast(condition, large, other).shape, large.dtype)
    mask = condition.astype(bits)
    if large is x:
        np.negative(mask, out=mask)
    else:
        mask -= 1
    target = result.view(bits)
    np.bitwise_and(large.view(bits), mask, out=target)
    other = other.view(bits)
    if other.ndim or other:  # not the number 0
        np.invert(mask, out=mask)
        target |= other & mask
    return result


@op(
    lambda g, x: where(isfinite(x), g, 0.0),
    numpy=[np.nan_to_num], inplace=True, elementwise=True, samples=[case((3, 4))],
)  # fmt: skip
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with NaN, +∞ and −∞ replaced (the infinities by default by the largest and smallest finite number)."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


Tensor.where = lambda self, condition, other: where(condition, self, other)
