"""Schedules: learning rates that change as training goes on. Call `scheduler.step()` after `optimizer.step()`, once
per epoch (`CyclicLR` and `OneCycleLR`: once per batch).

Most schedules compute a learning rate from the one before it, as PyTorch's do: so several of them can act on one
optimizer, each multiplying what the others left. The formula in a schedule's docstring says what it gives alone, lr₀
being the initial learning rate and t the number of steps of the schedule.
"""

from .base import LRScheduler
from .combined import ChainedScheduler, SequentialLR
from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from .cycles import CyclicLR, OneCycleLR
from .factors import (
    ConstantLR,
    ExponentialLR,
    InverseTimeLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from .plateau import ReduceLROnPlateau

_LRScheduler = LRScheduler  # its name in older programs

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "InverseTimeLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR",
    "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip
