"""A Recording made of the graph of a tensor: for losses that were computed when nobody was recording.

Nodes know neither lines nor the values that their rules did not ask for; what they kept is here under the names that a
Recording has for it.
"""

import numpy as np

from ..draw.naming import operand_value
from ..engine import reachable, sweep
from ..errors import AutogradError
from ..modes import state
from ..observing import Observer, observing
from ..recording import GradientStep, Recording, Step, Value
from ..tensor import of_array


class Gradients(Observer):
    """Collects what the rules of a backward pass make."""

    def __init__(self, recording, steps):
        self.recording, self.steps = recording, steps

    def gradients(self, node, g, parts):
        given = dict(g) if isinstance(g, dict) else np.asarray(g)
        made = {
            i: part if isinstance(part, dict) else np.asarray(part) for i, part in enumerate(parts) if part is not None
        }
        self.recording.gradients.append(GradientStep(len(self.recording.gradients), self.steps[node], given, made))


def value_for(number, shape, dtype, data, source, leaf):
    value = object.__new__(Value)
    value.number, value.shape, value.dtype, value.data = number, shape, dtype, data
    value.source, value.index, value.traced, value.leaf = source, 0, True, leaf
    return value


def recording_of_graph(loss, leaves=()):
    """The Recording of the graph below `loss`, with `values_of`: {node: its Values}, and gradients, unless a backward
    pass has freed what they need.

    leaves  Tensors whose values are to be known
    """
    order = reachable([loss.node])
    recording, values, steps = Recording(), {}, {}
    known = {leaf.node: leaf.array for leaf in leaves}
    for node in reversed(order):
        step = None if node.op is None else step_for(node, values, len(steps), recording)
        values[node] = value_for(
            len(values), node.shape, node.dtype, known.get(node, data_of(node)), step, node.op is None
        )
        if step is not None:
            steps[node] = step
            if values[node].data is None:
                values[node].data = computed(step)
            step.results = (values[node],)
            recording.steps.append(step)
    values[loss.node].data = loss.array
    recording.roots.append(values[loss.node])
    recording.values_of = {node: [value] for node, value in values.items()}
    recording.freed = any(node.kept is None for node in order if node.op is not None)
    if not recording.freed:
        try:
            with observing(Gradients(recording, steps)):
                seed = np.ones(loss.array.shape, loss.array.dtype)
                wanted = [node for node in order if node.op is None]
                sweep([(loss.node, seed)], of_array, wanted=wanted, retain_graph=True)
        except AutogradError:
            recording.gradients.clear()
    return recording


def step_for(node, values, number, recording):
    step = object.__new__(Step)
    step.number, step.entry, step.call, step.left, step.error = number, node.op, None, None, None
    step.attributes, step.module_call, step.grad_enabled, step.place = node.attributes or {}, None, True, None
    step.operands, step.tensors, step.in_place = [], {}, None
    for index, parent in enumerate(node.parents):
        kept = kept_operand(node, index)
        if parent is not None and values[parent].data is None:
            values[parent].data = kept
        step.operands.append(kept if parent is None else values[parent])
    return step


def kept_operand(node, index):
    """The array of an operand, if the rules asked for it."""
    try:
        return operand_value(node, index)[0]
    except (AttributeError, IndexError):
        return None


def data_of(node):
    """The values of a node as far as its own rules kept them."""
    if node.op is None or node.kept is None:
        return None
    named = dict(node.op.kept_by_name(node))
    return named.get("result")


def computed(step):
    """The result of an operation of elements again, from operands that are known; else None."""
    arrays = [x.data if isinstance(x, Value) else x for x in step.operands]
    if not getattr(step.entry, "elementwise", False) or any(array is None for array in arrays):
        return None
    try:
        return np.asarray(state.quiet(step.entry.kernel, *arrays, **step.attributes))
    except Exception:  # it was computed once, from what is not known here
        return None
