"""Gradients: `backward`, `grad`, custom `Function`s, and derivatives of functions (`functional`)."""

from ..grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from . import functional, hooks
from .anomaly import detect_anomaly, set_detect_anomaly
from .function import Function, FunctionCtx, once_differentiable
from .gradients import backward, grad

__all__ = [
    "Function", "FunctionCtx", "backward", "detect_anomaly", "enable_grad", "functional", "grad", "hooks",
    "inference_mode", "no_grad", "once_differentiable", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip


def __getattr__(name):
    """PyTorch's older names, loaded when asked for."""
    if name in ("GradcheckError", "Variable", "gradcheck", "gradgradcheck"):
        import importlib

        return getattr(importlib.import_module("tinygrad_edu.compat.autograd"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
