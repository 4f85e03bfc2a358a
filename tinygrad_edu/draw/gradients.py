"""Gradients for pictures: where they come from, and how large they are."""

import numpy as np

from ..engine import array_sum_to, sweep
from ..observing import Observer, observing
from ..recording import Step, Value
from ..tensor import of_array


def magnitude(arrays):
    """The root of the mean square of a gradient; the largest of several. None if there is none."""
    found = None
    for array in arrays:
        if array.size:
            wide = np.abs(array).astype(np.float64)
            largest = wide.max()
            usual = largest and np.isfinite(largest)
            size = float(largest * np.sqrt(np.mean((wide / largest) ** 2))) if usual else float(largest)
            found = size if found is None else float(np.maximum(found, size))  # NaN, if one of them is
    return found


class RecordedGradients:
    """The gradients of all Values of a Recording, by their number; those of several backward passes added up."""

    def __init__(self, recording):
        self.of_value = {}
        for event in recording.gradients:
            given = event.given if isinstance(event.given, dict) else {0: event.given}
            for index, gradient in given.items():
                self.add(event.step.results[index], gradient)
            for position, part in event.parts.items():
                value = event.step.operands[position] if position < len(event.step.operands) else None
                if isinstance(value, Value) and value.leaf and isinstance(part, np.ndarray):
                    self.add(value, part)

    def add(self, value, gradient):
        gradient = np.asarray(gradient)
        if gradient.shape != value.shape:
            gradient = array_sum_to(gradient, value.shape)
        known = self.of_value.get(value.number)
        self.of_value[value.number] = gradient if known is None else known + gradient

    def of(self, member):
        """The gradients of what a vertex stands for: the results of a Step, or a Value."""
        values = member.results if isinstance(member, Step) else (member,)
        return [self.of_value[value.number] for value in values if value.number in self.of_value]


class ComputedGradients(Observer):
    """The gradients of the sum of some Tensors, by node; computed here, without adding to the gradients of leaves."""

    def __init__(self, tensors, leaves):
        self.of_node = {}
        seeds = [(x.node, np.ones(x.array.shape, x.array.dtype)) for x in tensors]
        with observing(self):
            found = sweep(seeds, of_array, wanted=leaves, retain_graph=True)
        self.of_node.update((leaf, [g]) for leaf, g in zip(leaves, found) if g is not None)

    def gradients(self, node, g, parts):
        self.of_node[node] = [np.asarray(part) for part in g.values()] if isinstance(g, dict) else [np.asarray(g)]

    def of(self, member):
        return self.of_node.get(member, [])


def measure(vertices, gradients):
    """Give each vertex the gradient of what it stands for, and its magnitude."""
    for vertex in vertices:
        found = [gradients.of(member) for member in vertex.members]
        vertex.magnitude = magnitude([array for arrays in found for array in arrays])
        vertex.gradient = found[0][0] if found and len(found[0]) == 1 else None
