"""What each thread has for itself: whether operations are recorded, and a way to run NumPy without warnings."""

import contextvars
import threading

import numpy as np

from . import lately


class Mode:
    """What each thread has for itself: whether operations are recorded, and how to keep NumPy quiet.

    `quiet(function, *arguments)` calls the function with NumPy's floating-point warnings off (log(0) is -inf, as in
    PyTorch), and leaves the settings of the code around it alone. It enters a context that was made once, which takes
    20 ns; `np.errstate` takes 900.
    """

    __slots__ = ("grad_enabled", "observer", "quiet")

    def __init__(self):
        self.grad_enabled = True
        self.observer = None  # an Observer that is told what happens: see observing.py
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")
        self.quiet = context.run


class ThreadState(threading.local):
    """The `mode` of the running thread."""

    def __init__(self):
        self.mode = Mode()

    quiet = property(lambda self: self.mode.quiet)
    grad_enabled = property(
        lambda self: self.mode.grad_enabled, lambda self, flag: setattr(self.mode, "grad_enabled", flag)
    )


state = ThreadState()


def taken_out(tensor, how, result):
    """Tell that values of a recorded tensor have left the graph: what is computed from `result` is not recorded."""
    if tensor.node is not None:
        lately.left(tensor.node, how)
        if state.mode.observer is not None:
            state.mode.observer.left_graph(tensor, how, result)
    return result


def call(function, *arguments, **named):
    """`Mode.quiet` for where it is quiet already."""
    return function(*arguments, **named)
