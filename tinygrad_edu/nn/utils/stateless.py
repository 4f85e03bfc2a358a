"""Calls of a module with other parameters than its own, under the name that PyTorch once gave it."""

from ...func import functional_call

__all__ = ["functional_call"]
