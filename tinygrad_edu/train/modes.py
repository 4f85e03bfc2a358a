"""The training mode of modules: changed for a while, and put back module by module."""

import contextlib

from ..grad_mode import no_grad
from ..nn import Module

__all__ = ["check_model", "evaluating", "mode_kept"]


def check_model(model):
    if not isinstance(model, Module):
        kind = f"the class {model.__name__}; make one" if isinstance(model, type) else f"a {type(model).__name__}"
        raise TypeError(f"the model must be an nn.Module, and this is {kind}")


@contextlib.contextmanager
def mode_kept(model):
    """Afterwards each module of the model is in the mode in which it was before."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextlib.contextmanager
def evaluating(model):
    """Within it the model is in evaluation mode, and nothing is recorded."""
    with mode_kept(model), no_grad():
        model.eval()
        yield
