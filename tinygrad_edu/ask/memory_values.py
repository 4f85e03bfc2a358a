"""Answers about gradients that are zero or not finite, when nobody was recording: from the graph of the last loss, as
far as it is still there, and the gradients of other parameters."""

import numpy as np

from .. import lately
from ..autograd.nonfinite import bad, statement_about
from ..engine import reachable
from .answer import Answer, line_at, listed
from .zeros import VANISHING, size_of

CERTAIN = (
    "For a certain answer, with values: why(tensor, lambda: loss_of_the_batch()), a function that computes the loss."
)
STOPS = {
    "relu": "dead relu", "hardtanh": "clamped", "clamp_to_numbers": "clamped", "sigmoid": "saturated",
    "tanh": "saturated", "softmax": "saturated", "where": "masked", "mul": "multiplied by zero", "round": "rounded",
    "floor": "rounded", "ceil": "rounded", "sign": "rounded", "trunc": "rounded", "amax": "not chosen",
    "amin": "not chosen", "maximum": "not chosen", "minimum": "not chosen",
}  # fmt: skip
"""Operations that may make a gradient zero -> keyword."""


def zero(question, loss):
    """A gradient of zeros: where it may have been lost, by the operations on the way and the gradients of others."""
    name, tensor, things = question.name, question.tensor, question.things
    backs = lately.events(lately.backwards)
    root = loss.node if loss is not None else backs[0].subject if backs else None
    hooks = tensor.node.extras.hooks
    if hooks:
        return Answer(
            "hook", f"The gradient of {name} is zero, and it has a hook, which may make it so.", None, CERTAIN
        )
    if root is None or tensor.node not in reachable([root]):
        clearing = next((event for event in lately.events(lately.resets)), None)
        if clearing is not None and backs and clearing.time > backs[0].time:
            return Answer(
                "zero_grad after backward",
                f"The gradient of {name} is zero because zero_grad() was called after backward().",
                clearing.place,
                "Call zero_grad() before backward().",
            )
        return after_its_module(question) or Answer("zero", f"The gradient of {name} is zero.", None, CERTAIN)
    way = between(root, tensor.node)
    by_node = {t.node: t for t in things.tensors if t.node is not None}
    by_leaf = {node: t for node, t in by_node.items() if node.op is None}
    for node in way:  # values of the way that some variable still holds
        held = by_node.get(node)
        if held is not None and node.name == "relu" and not held.array.any():
            return Answer(
                "dead relu",
                f"The gradient of {name} is zero: all {held.numel()} results of a `relu` are 0, because "
                f"all values before it are negative{in_module(node, things)}.",
                None,
                CERTAIN,
            )
    for node in way:
        if node.name in ("softmax", "log_softmax") and node.shape[node.attributes["dim"]] == 1:
            return Answer(
                "softmax of one",
                f"The gradient of {name} is zero: `{node.name}` of a single number is constant"
                f"{in_module(node, things)}.",
                None,
                "Use sigmoid for one output, or choose another dimension.",
            )
        for parent in node.parents:
            factor = by_leaf.get(parent)
            if factor is not None and factor is not tensor and factor.ndim > 1 and not factor.array.any():
                return Answer(
                    "zero weights",
                    f"The gradient of {name} is zero: all elements of {things.name(factor)}, with "
                    f"which `{node.name}` multiplies what comes from it, are 0.",
                    None,
                    "Initialise the weights at random: layers of zeros learn nothing.",
                )
    leaves = {node for node in reachable([root]) if node.op is None}
    others = [(things.names[id(t)], t) for t in things.tensors if id(t) in things.names and t.node in leaves]
    others = [(n, t) for n, t in others if t.grad is not None]
    alive = [n for n, t in others if size_of(t.grad.array) > VANISHING]
    lost = nearest(way, things)
    stops = [node for node in lost if node.name in STOPS] or [node for node in way if node.name in STOPS]
    if not stops:
        return Answer(
            "zero",
            f"The gradient of {name} is zero; its way to the loss: {listed([n.name for n in way], 8)}.",
            None,
            CERTAIN,
        )
    node = stops[0]
    neighbours = f" The gradients of {listed(alive, 3)} are not zero." if alive else ""
    kinds = listed(dict.fromkeys(n.name for n in stops))
    return Answer(
        STOPS[node.name],
        f"The gradient of {name} is zero. On its way from the loss it is lost in {kinds}"
        f"{in_module(node, things)}.{neighbours}",
        None,
        CERTAIN,
    )


def after_its_module(question):
    """A guess from the order of the latest calls of modules: the first activation after the tensor's own module."""
    _, module = question.things.owner(question.tensor)
    if module is None or not module._calls:
        return None
    later = [
        (m._calls[-1][0], m) for m in question.things.modules if m._calls and m._calls[-1][0] >= module._calls[-1][1]
    ]
    for _, other in sorted(later, key=lambda pair: pair[0]):
        cause = STOPS.get(type(other).__name__.lower())
        if cause is not None:
            return Answer(
                cause,
                f"The gradient of {question.name} is zero. Its graph is gone; the first module after its own "
                f"that can make it so is {type(other).__name__}.",
                None,
                CERTAIN,
            )
    return None


def between(root, leaf):
    """The nodes on the ways from a leaf to the root, latest first."""
    after, found = {leaf}, []
    for node in reversed(reachable([root])):
        if not after.isdisjoint(node.parents):
            after.add(node)
            found.append(node)
    return found[::-1]


def nearest(way, things):
    """The nodes on the way behind the last one at which another leaf has a gradient that is not zero."""
    grads = {t.node: t.grad for t in things.tensors if t.node is not None and t.node.op is None}
    for position in range(len(way) - 1, -1, -1):
        for parent in way[position].parents:
            if parent is not None and parent.op is None and grads.get(parent) is not None:
                if size_of(grads[parent].array) > VANISHING:
                    return way[position + 1 :]
    return []


def in_module(node, things):
    """', in module `net.1` (ReLU)' for the innermost call within which a node was made; or nothing."""
    found = None
    for root in things.roots:
        for path, module in root.named_modules():
            for start, stop in module._calls:
                if start < node.number < stop and (found is None or start > found[0]):
                    found = start, path, type(module).__name__
    return "" if found is None else f", in module `{found[1]}` ({found[2]})" if found[1] else f", in {found[2]}"


def loss_not_finite(question):
    """The Answer that the loss is not finite although the gradient is, if it is still there; or None."""
    backs = lately.events(lately.backwards)
    root = backs[0].subject if backs else None
    loss = next((t for t in question.things.tensors if t.node is root and bad(t)), None) if root is not None else None
    if loss is None:
        return None
    return Answer(
        "not finite",
        f"{question.name} has a finite gradient, but the loss is not finite: {statement_about(loss)}.",
        backs[0].place,
        f"Run the step within `with autograd.detect_anomaly():`. {CERTAIN}",
    )


def not_finite(question):
    """A gradient with NaN or infinity in it."""
    tensor, name = question.tensor, question.name
    if bad(tensor):
        return Answer(
            "NaN in a parameter",
            f"{name} itself is not finite ({statement_about(tensor)}), so its gradient cannot "
            "be: an earlier update made it so, by a learning rate that is too large or an earlier NaN.",
            None,
            "Start again with new parameters, under detect_anomaly().",
        )
    backs = lately.events(lately.backwards)
    root = backs[0].subject if backs else None
    held = [t for t in question.things.tensors if t.node is not None and bad(t)]
    if root is not None:
        within = set(reachable([root]))
        held = [t for t in held if t.node in within]
    if held:
        first = min(held, key=lambda t: t.node.number)
        return Answer(
            "not finite",
            f"The gradient of {name} is not finite ({statement_about(tensor.grad)}). Of the values that "
            f"are still there, the first such is a result of `{first.node.name}` ({statement_about(first)})"
            f"{in_module(first.node, question.things)}.",
            None,
            CERTAIN,
        )
    where = f" The backward pass was started in {backs[0].place}: {line_at(backs[0].place)}." if backs else ""
    return Answer(
        "not finite",
        f"The gradient of {name} is not finite ({statement_about(np.asarray(tensor.grad.array))}).{where}",
        None,
        f"Run the step within `with autograd.detect_anomaly():`. {CERTAIN}",
    )
