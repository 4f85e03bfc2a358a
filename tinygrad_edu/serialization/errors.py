"""What goes wrong with files."""

import pickle

__all__ = ["LoadError", "RefusedError"]


class LoadError(RuntimeError, ValueError):
    """A file is damaged, or is none that `load` reads. (PyTorch raises RuntimeError.)"""


class RefusedError(LoadError, pickle.UnpicklingError):
    """A file asks for something that is not loaded, because it would have to be executed or has no counterpart here."""
