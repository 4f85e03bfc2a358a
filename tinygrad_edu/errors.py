"""Errors that a caller may want to tell apart. Each also is the built-in error that PyTorch or NumPy would raise."""

__all__ = ["AutogradError", "GraphFreedError", "OperationError", "OverwrittenError"]


class OperationError(RuntimeError, ValueError):
    """An operation was given operands that it cannot take. (PyTorch raises RuntimeError, NumPy ValueError.)"""


class AutogradError(RuntimeError):
    """A gradient was asked for that cannot be given."""


class GraphFreedError(AutogradError):
    """A second backward pass through a graph whose kept values the first one has freed."""

    def __init__(self, name):
        super().__init__(
            f"backward through `{name}` a second time: the values that its gradient needs were freed by the first "
            "backward pass. Write `backward(retain_graph=True)` the first time (or `grad(..., retain_graph=True)`) to "
            "keep them, or run the forward computation again."
        )


class OverwrittenError(AutogradError):
    """A value that a gradient needs was changed in place after it had been used."""
