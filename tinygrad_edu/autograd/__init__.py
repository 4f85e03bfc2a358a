"""Gradients: `backward`, `grad`, custom `Function`s, and derivatives of functions (`functional`)."""

from . import functional, hooks
from .anomaly import detect_anomaly, set_detect_anomaly
from .function import Function, FunctionCtx, once_differentiable
from .gradients import backward, grad

__all__ = [
    "Function", "FunctionCtx", "backward", "detect_anomaly", "functional", "grad", "hooks", "once_differentiable",
    "set_detect_anomaly",
]  # fmt: skip
