"""Sums in which a part is scaled, as optimizers written by hand use them: w.add_(gradient, alpha=-0.1); rounded
quotients."""

import numpy as np

from ..define import OPS, composite
from ..dtypes import result_type
from ..tensor import Tensor, as_tensor
from .arithmetic import floor_divide

plus, minus, over = OPS["add"].call, OPS["sub"].call, OPS["div"].call


@composite(inplace=True)
def add(x, y, alpha=1):
    """x + alpha · y."""
    return plus(x, y if alpha == 1 else y * alpha)


@composite(inplace=True)
def sub(x, y, alpha=1):
    """x − alpha · y."""
    return minus(x, y if alpha == 1 else y * alpha)


@composite(inplace=True, aliases=OPS["div"].aliases)
def div(x, y, rounding_mode=None):
    """x / y; with rounding_mode "floor" rounded down, with "trunc" towards 0, integers then staying integers."""
    if rounding_mode is None:
        return over(x, y)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div: rounding_mode is None, 'floor' or 'trunc', not {rounding_mode!r}")
    if rounding_mode == "floor":
        return floor_divide(x, y)
    if all(np.issubdtype(as_tensor(v).array.dtype, np.integer) for v in (x, y)):
        return (over(x.double(), y) if isinstance(x, Tensor) else over(x, y.double())).trunc().to(result_type(x, y))
    return over(x, y).trunc()


@composite(inplace=True)
def addcmul(x, tensor1, tensor2, value=1):
    """x + value · tensor1 · tensor2."""
    return add(x, tensor1 * tensor2, value)


@composite(inplace=True)
def addcdiv(x, tensor1, tensor2, value=1):
    """x + value · tensor1 / tensor2."""
    return add(x, tensor1 / tensor2, value)


@composite(inplace=True)
def lerp(x, end, weight):
    """x + weight · (end − x): the point between x (weight 0) and `end` (weight 1)."""
    return x + weight * (end - x)
