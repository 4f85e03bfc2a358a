"""Gradients that may be used, but not differentiated again: better an error than a wrong second derivative."""

import numpy as np

from ..clock import tick
from ..engine import Node
from ..errors import AutogradError
from ..tensor import of_array


def refusing(d, nodes, reason):
    """The Tensor `d` with a node that raises `reason` when it is differentiated with respect to anything below `nodes`.

    Derivatives along other ways into `d` stay possible: a gradient is linear in the gradient that it was computed from,
    whatever was saved. So the refusal is a node of its own, to which a backward pass goes only if it has to.
    """
    if not nodes:
        return d
    refusal = Node(Refusal(reason), tuple(dict.fromkeys(nodes)), (), None, (), d.dtype, tick())
    return of_array(d.array, Node(GUARD, (d.node, refusal), ((), ()), None, d.array.shape, d.dtype, tick()))


class Guard:
    """Passes a gradient on, and leads to a refusal."""

    name = label = "guard"
    rules = joint = definition = None
    keeps = view = False
    elementwise = differentiable = True

    def gradients(self, node, g, box, create_graph):
        zero = np.zeros((), node.dtype)
        return g, box(zero, None) if create_graph else zero

    def kept_by_name(self, node):
        return ()


GUARD = Guard()


class Refusal:
    """An operation without a gradient, for the reason given."""

    name = label = "not differentiable"
    rules = joint = definition = None
    keeps = elementwise = view = differentiable = False

    def __init__(self, reason):
        self.reason = reason

    def gradients(self, node, g, box, create_graph):
        raise AutogradError(self.reason)

    def kept_by_name(self, node):
        return ()
