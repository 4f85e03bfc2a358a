"""Gradients: `backward`, `grad`, custom `Function`s, and derivatives of functions (`functional`)."""

from . import functional, hooks
from .anomaly import detect_anomaly, set_detect_anomaly
from .function import Function, FunctionCtx, once_differentiable
from .gradients import backward, grad

__all__ = [
    "Function", "FunctionCtx", "backward", "detect_anomaly", "functional", "grad", "hooks", "once_differentiable",
    "set_detect_anomaly",
]  # fmt: skip


def __getattr__(name):
    """PyTorch's older names, loaded when asked for."""
    if name in ("GradcheckError", "Variable", "gradcheck", "gradgradcheck"):
        import importlib

        return getattr(importlib.import_module("tinygrad_edu.compat.autograd"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
