"""PyTorch's place for `data` and `checkpoint`: `from tinygrad_edu.utils.data import DataLoader`."""

from . import checkpoint, data

__all__ = ["checkpoint", "data"]
