"""Modules whose first values somebody else is going to set."""

import inspect

from ...generator import fork_rng
from ..module import Module

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """module_cls(*args, **kwargs), from which no random numbers are taken; its parameters have arbitrary values.

    The module must accept `device`, as all layers do.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"skip_init makes modules, and {module_cls.__name__} is no subclass of nn.Module")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError(f"skip_init: {module_cls.__name__}() does not accept `device`; make the module yourself")
    with fork_rng():
        return module_cls(*args, **kwargs)
