"""What an operation costs: multiply-adds, floating-point operations, memory; from shapes alone.

Products of matrices, convolutions and the layers made of them say in the table how many products of two numbers they
add up (`multiply_adds`). Of all other operations an estimate is enough, because next to products they are cheap: one
floating-point operation for each element of the largest operand or result, none where elements are only moved.
Decompositions of matrices (`svd`, `inv`, ...), which cost O(n³), are estimated so too, which is too little.
"""

import math

from .recording import Value

__all__ = ["flops", "multiply_adds", "nbytes"]

MOVING = ("arranging", "indexing", "joining", "memory", "padding", "shape", "writing")
"""The modules of operations that only move elements."""


def multiply_adds(step):
    """How many products of two numbers a Step of a recording adds up; 0 for operations that do not consist of that."""
    rule = getattr(step.entry, "multiply_adds", None)
    if rule is None or not step.results:
        return 0
    shapes = dict(zip(step.entry.operands, map(shape_of, step.operands)), out=step.results[0].shape)
    known = {**step.attributes, **shapes}
    return rule(*[known[name] for name in rule.__code__.co_varnames[: rule.__code__.co_argcount]])


def flops(step):
    """Floating-point operations of a Step, of which a multiply-add is two; an estimate, see the head of this file."""
    if getattr(step.entry, "multiply_adds", None) is not None:
        return 2 * multiply_adds(step)
    kernel = getattr(step.entry, "kernel", None)
    if step.entry is None or (kernel is not None and kernel.__module__.rpartition(".")[2] in MOVING):
        return 0
    values = [value for value in (*step.operands, *step.results) if isinstance(value, Value)]
    return max([math.prod(value.shape) for value in values], default=0)


def nbytes(step):
    """The memory of the results of a Step, in bytes; 0 for views, which share that of their operand."""
    if step.entry is None or getattr(step.entry, "view", False):
        return 0
    return sum(math.prod(value.shape) * value.dtype.itemsize for value in step.results)


def shape_of(operand):
    """The shape of an operand: a Value, an array, a number, or None."""
    return getattr(operand, "shape", None if operand is None else ())
