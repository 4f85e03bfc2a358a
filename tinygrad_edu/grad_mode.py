"""Whether operations are recorded: `no_grad`, `enable_grad`, `set_grad_enabled`, as context managers and decorators.

Each thread has its own setting.
"""

import functools
import sys

from . import lately
from .modes import state

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]


def is_grad_enabled():
    """Whether operations on tensors that require gradients are being recorded in this thread."""
    return state.grad_enabled


class _GradMode:
    """A context manager and decorator that records, or does not record, within it."""

    def __init__(self, mode):
        self.mode = mode
        self.outer = []  # a stack: the same object may be entered again within itself

    def __enter__(self):
        self.outer.append(state.grad_enabled)
        state.grad_enabled = self.mode
        if not self.mode and not lately.of_this_package(sys._getframe(1).f_code.co_filename):
            lately.unrecorded.append(lately.noted("no_grad()"))

    def __exit__(self, *error):
        state.grad_enabled = self.outer.pop()

    def __call__(self, function):
        mode = self.mode
        if not callable(function):
            raise TypeError(f"a grad mode decorates functions, not {function!r}")

        @functools.wraps(function)
        def in_mode(*args, **kwargs):
            with _GradMode(mode):
                return function(*args, **kwargs)

        return in_mode


class no_grad(_GradMode):
    """Within it nothing is recorded and results do not require gradients. `with no_grad():` or `@no_grad()`."""

    def __new__(cls, function=None):
        self = super().__new__(cls)
        _GradMode.__init__(self, cls.MODE)
        return self if function is None else self(function)

    MODE = False

    def __init__(self, function=None):
        pass


class enable_grad(no_grad):
    """Within it operations are recorded, also inside a `no_grad` block."""

    MODE = True


inference_mode = no_grad


class set_grad_enabled(_GradMode):
    """`set_grad_enabled(mode)` takes effect at once; as a context manager it restores the former setting at the end."""

    def __init__(self, mode):
        super().__init__(bool(mode))
        self.before = state.grad_enabled
        state.grad_enabled = self.mode

    def __enter__(self):
        self.outer.append(self.before)
        state.grad_enabled = self.mode

    def __call__(self, function):
        state.grad_enabled = self.before  # as a decorator it means the calls of the function, not what comes after
        return super().__call__(function)
