"""A recording: every call of an operation while it lasts, with operands, settings, result, and the line that asked for
it.

    with record() as steps:
        loss = fn(x)

The graph keeps only what gradient rules need; a recording keeps all, for those who look at a computation step by step
(the checker, to find the operation whose rule is wrong). Off by default, and then it costs one comparison per call.
"""

import contextlib

import numpy as np

from .clock import calling_line
from .modes import state
from .tensor import Tensor

__all__ = ["Step", "record"]


class Step:
    """One call of an operation.

    entry       the operation: an entry of the table, or what stands for a custom Function
    call        the function that was called
    operands    what it was given, Tensors as copies of their arrays; `traced` says which of them were part of a graph
    attributes  its settings by name
    recorded    whether the result is part of a graph
    place       "file:line" outside this library
    """

    __slots__ = ("attributes", "call", "entry", "operands", "place", "recorded", "traced")

    def __init__(self, entry, call, operands, attributes, result):
        self.entry, self.call = entry, call
        self.traced = [isinstance(x, Tensor) and x.node is not None for x in operands]
        self.operands = [np.array(x.array) if isinstance(x, Tensor) else x for x in operands]
        self.attributes = dict(attributes)
        results = result if isinstance(result, (tuple, list)) else [result]
        self.recorded = any(isinstance(x, Tensor) and x.node is not None for x in results)
        self.place = calling_line()

    def name_of(self, number):
        """What operand `number` is called."""
        names = getattr(self.entry, "operands", ())
        return f"operand `{names[number]}`" if number < len(names) else f"operand {number}"


@contextlib.contextmanager
def record():
    """Collect the Steps of this thread in a list, until the end of the block."""
    steps, before = [], state.mode.record
    state.mode.record = lambda *call: steps.append(Step(*call))
    try:
        yield steps
    finally:
        state.mode.record = before
