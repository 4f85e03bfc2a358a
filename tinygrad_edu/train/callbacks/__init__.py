"""Callbacks: what is done at certain moments of training. See Callback for the moments."""

from .base import Callback, Callbacks
from .clipping import ClipGradients
from .files import CSVLogger, ModelCheckpoint
from .monitoring import EarlyStopping
from .nonfinite import TerminateOnNaN
from .schedules import LearningRateScheduler

__all__ = [
    "CSVLogger", "Callback", "Callbacks", "ClipGradients", "EarlyStopping", "LearningRateScheduler", "ModelCheckpoint",
    "TerminateOnNaN",
]  # fmt: skip
