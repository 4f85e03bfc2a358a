"""Gradient checks: `gradients` compares them with numerical derivatives, `assert_gradients` raises where they differ.

`strategies` has hypothesis strategies for operands, to test operations of your own (needs hypothesis:
`pip install "tinygrad-edu[check]"`).
"""

from .culprit import Culprit
from .foreign import of_jax, of_numpy, of_torch
from .gradcheck import assert_gradients, gradients
from .report import VERDICTS, Element, Report

__all__ = [
    "VERDICTS",
    "Culprit",
    "Element",
    "Report",
    "assert_gradients",
    "gradients",
    "of_jax",
    "of_numpy",
    "of_torch",
]


def __getattr__(name):
    """`strategies` is imported when first asked for, because it needs hypothesis."""
    if name == "strategies":
        import importlib

        return importlib.import_module(f"{__name__}.strategies")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
