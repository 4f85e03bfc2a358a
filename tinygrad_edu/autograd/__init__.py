"""Gradients: `backward`, `grad`, custom `Function`s, and derivatives of functions (`functional`)."""

from . import functional, hooks
from .function import Function, FunctionCtx, once_differentiable
from .gradients import backward, grad

__all__ = ["Function", "FunctionCtx", "backward", "functional", "grad", "hooks", "once_differentiable"]
