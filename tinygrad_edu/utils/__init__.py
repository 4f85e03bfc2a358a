"""PyTorch's place for `data`: `from tinygrad_edu.utils.data import DataLoader`."""

from . import data

__all__ = ["data"]
