"""What Tensor has to do with gradients: backward(), hooks, retain_grad()."""

import itertools

from ..engine import extras_of
from ..errors import AutogradError
from ..tensor import Tensor
from .gradients import backward

_numbers = itertools.count()


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook away. Also a context manager that does so at its
    end."""

    def __init__(self, hooks, hook):
        self.hooks, self.number = hooks, next(_numbers)
        hooks[self.number] = hook

    def remove(self):
        self.hooks.pop(self.number, None)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.remove()


def _backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Compute the gradients of this tensor with respect to the leaves it was computed from, and add them to their
    `grad`.

    gradient      d(something)/d(this tensor), of its shape; may be left out for a tensor of one element (then 1)
    retain_graph  keep what another backward pass through the same graph needs
    create_graph  record the pass itself, for gradients of gradients
    """
    backward(self, gradient, retain_graph, create_graph, inputs)


def _register_hook(self, hook):
    """Call hook(gradient) whenever the gradient of this tensor has been computed; a Tensor it returns takes its
    place."""
    if self.node is None:
        raise AutogradError("this tensor does not require gradients, hence no hook would ever be called")
    return RemovableHandle(extras_of(self.node).hooks, hook)


def _retain_grad(self):
    """Keep the gradient of this tensor in `grad` although it is no leaf."""
    if self.node is None:
        raise AutogradError("this tensor does not require gradients, hence it will have none to retain")
    extras_of(self.node).retains = True


Tensor.backward = _backward
Tensor.register_hook = _register_hook
Tensor.retain_grad = _retain_grad
Tensor.retains_grad = property(
    lambda self: not self.is_leaf and self.node.extras is not None and self.node.extras.retains
)
for _name in ("backward", "register_hook", "retain_grad"):
    getattr(Tensor, _name).__name__ = _name
