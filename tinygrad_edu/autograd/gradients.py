"""`backward` and `grad`: what users call to get gradients. The work is done by `engine.sweep`."""

import numpy as np

from .. import lately
from ..engine import extras_of, sweep
from ..errors import AutogradError
from ..modes import state
from ..tensor import NUMBERS, Tensor, of_array

__all__ = ["backward", "grad"]


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Add d(Σ tensors · grad_tensors)/d(leaf) to the `grad` of every leaf from which the tensors were computed.

    tensors       a Tensor or a sequence of them
    grad_tensors  for each one the gradient to start from, of the same shape; None (for tensors of one element) means 1
    retain_graph  keep what another backward pass through the same graph needs; default: `create_graph`
    create_graph  record the pass itself, so that gradients can be differentiated again
    inputs        if given, only these tensors get gradients
    """
    tensors = _sequence(tensors, "tensors")
    seeds = _seeds(tensors, grad_tensors, create_graph)
    for node, _ in seeds:
        lately.backwards.append(lately.noted("backward()", node, node.number))
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        sweep(seeds, of_array, retain_graph=retain, create_graph=create_graph)
        return
    inputs = _sequence(inputs, "inputs")
    found = grad(tensors, inputs, grad_tensors, retain, create_graph, allow_unused=True)
    for x, g in zip(inputs, found):
        if g is not None:
            extras_of(x.node).grad = g if x.grad is None else x.grad + g


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    allow_unused=None,
    materialize_grads=False,
):
    """d(Σ outputs · grad_outputs)/d(input) for each input, as a tuple of Tensors; nothing is added to any `grad`.

    inputs             Tensors (leaves or not) that require gradients
    allow_unused       whether an input on which the outputs do not depend gets None instead of an error
    materialize_grads  zeros instead of None for those
    For the others see `backward`.
    """
    outputs, inputs = _sequence(outputs, "outputs"), _sequence(inputs, "inputs")
    for index, x in enumerate(inputs):
        if x.node is None:
            raise AutogradError(
                f"inputs[{index}], of shape {tuple(x.shape)}, does not require gradients; call x.requires_grad_() on "
                "it before the outputs are computed"
            )
    seeds = _seeds(outputs, grad_outputs, create_graph)
    found = sweep(
        seeds,
        of_array,
        wanted=[x.node for x in inputs],
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
    )
    gradients = []
    for index, (x, g) in enumerate(zip(inputs, found)):
        if g is None and materialize_grads:
            g = np.zeros(x.shape, x.dtype)
        elif g is None and not allow_unused:
            raise AutogradError(
                f"the outputs do not depend on inputs[{index}], of shape {tuple(x.shape)}. Pass allow_unused=True to "
                "get None for it, or materialize_grads=True for zeros; if they should depend on it, look for detach(), "
                "numpy() or a no_grad block on the way, or for an in-place operation after which x is another tensor"
            )
        gradients.append(of_array(np.array(g), None) if isinstance(g, (np.ndarray, np.generic)) else g)
    return tuple(gradients)


def _sequence(tensors, name):
    tensors = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    for index, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}[{index}] must be a Tensor, not {type(x).__name__}")
    return tensors


def _seeds(tensors, gradients, create_graph):
    if gradients is None:
        gradients = (None,) * len(tensors)
    elif isinstance(gradients, (Tensor, np.ndarray, *NUMBERS)):
        gradients = (gradients,)
    if len(gradients) != len(tensors):
        raise AutogradError(f"{len(tensors)} tensors, but {len(gradients)} gradients to start from; give one for each")
    seeds = [(x.node, _seed(x, g, create_graph)) for x, g in zip(tensors, gradients)]
    if state.mode.observer is not None:
        for x in tensors:
            state.mode.observer.backward_starts(x)
    return seeds


def _seed(x, g, create_graph):
    """The gradient to start from, checked: an array, or a Tensor if the pass is recorded."""
    if x.node is None:
        raise AutogradError(
            f"a tensor of shape {tuple(x.shape)} does not require gradients and was not computed from any tensor that "
            "does: there is nothing to differentiate. Was requires_grad forgotten, or is it computed under no_grad() "
            "or after detach()?"
        )
    if g is None:
        if x.array.size != 1:
            raise AutogradError(
                f"backward() of a tensor of shape {tuple(x.shape)}: only a single number has a gradient. Reduce it "
                "first (loss.sum().backward() or .mean()), or say what to multiply it with: "
                "x.backward(gradient=ones_like(x))"
            )
        g = np.ones(x.array.shape, x.array.dtype)
        return of_array(g, None) if create_graph else g
    if not isinstance(g, Tensor):
        g = of_array(np.asarray(g), None)
    if g.array.shape != x.array.shape:
        raise AutogradError(
            f"the gradient to start from has shape {tuple(g.shape)}, its tensor {tuple(x.shape)}; they must be equal"
        )
    if g.array.dtype != x.array.dtype:
        g = g.to(x.array.dtype)
    return g if create_graph else g.array
