"""Gradient checks: `gradients` compares them with numerical derivatives, `assert_gradients` raises where they differ.

`strategies` has hypothesis strategies for operands, to test operations of your own (needs hypothesis:
`pip install "tinygrad-edu[check]"`).
"""

from .gradcheck import assert_gradients, gradients
from .report import VERDICTS, Element, Report

__all__ = ["VERDICTS", "Element", "Report", "assert_gradients", "gradients"]
