"""Sums in which a part is scaled, as optimizers written by hand use them: w.add_(gradient, alpha=-0.1)."""

from ..define import OPS, composite

plus, minus = OPS["add"].call, OPS["sub"].call


@composite(inplace=True)
def add(x, y, alpha=1):
    """x + alpha · y."""
    return plus(x, y if alpha == 1 else y * alpha)


@composite(inplace=True)
def sub(x, y, alpha=1):
    """x − alpha · y."""
    return minus(x, y if alpha == 1 else y * alpha)


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
