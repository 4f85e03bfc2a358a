"""Which values depend on which: the steps of a recording, followed forward and backward."""

import numpy as np

from ..engine import array_sum_to
from ..recording import Update, Value


def values_in(operands):
    """All Values among operands, also in tuples."""
    for operand in operands:
        if isinstance(operand, Value):
            yield operand
        elif isinstance(operand, tuple):
            yield from values_in(operand)


def given(step):
    """All Values that a Step was given: its operands, and the tensors among its settings, such as an index."""
    yield from values_in(step.operands)
    yield from values_in(step.tensors.values())


class Flow:
    """A recording, as steps that values flow through.

    An array or number that left a graph may come back as a new tensor: `returned` finds those by their contents.
    """

    def __init__(self, recording):
        self.recording, self.steps = recording, recording.steps
        self.consumers = {}
        for step in self.steps:
            for value in dict.fromkeys(given(step)):
                self.consumers.setdefault(value.number, []).append(step)

    def values_of(self, tensor):
        """All Values that a tensor had: before and after updates."""
        value, found = self.recording.value_of(tensor), []
        while value is not None:
            found.append(value)
            update = value.source
            value = None
            if isinstance(update, Update):
                value = next((before for before, after in update.changes if after is found[-1]), None)
        return found

    def reached(self, values, traced=False):
        """{number: Value} of everything computed from these values; `traced`: with recorded operations only."""
        found = {value.number: value for value in values}
        for step in self.steps:
            for value in given(step):
                if value.number in found and (value.traced or not traced):
                    for result in step.results:
                        if result.traced or not traced:
                            found.setdefault(result.number, result)
                    break
        return found

    def ancestors(self, value):
        """{number: Value} of everything that a value was computed from, and itself."""
        found = {value.number: value}
        for step in reversed(self.steps):
            if any(result.number in found for result in step.results):
                for operand in given(step):
                    found.setdefault(operand.number, operand)
        return found

    def cuts(self, reached):
        """The steps that take a recorded value and give one that is not: where gradients stop."""
        found = []
        for step in self.steps:
            taken = [v for v in values_in(step.operands) if v.number in reached and v.traced]
            if taken and (step.left is not None or (step.results and not any(r.traced for r in step.results))):
                found.append(step)
        return found

    def returned(self, step, ancestors):
        """Whether what left a graph by `step` came back among `ancestors`: as a tensor or number of equal contents."""
        (value,) = list(values_in(step.operands))[:1]
        if not isinstance(value.data, np.ndarray) or value.data.size == 0:
            return False
        flat = value.data.ravel()
        for other in ancestors.values():
            fresh = other.source is None and not other.leaf or (other.leaf and other.number > value.number)
            if other is not value and fresh and isinstance(other.data, np.ndarray) and other.data.size == flat.size:
                if other.number > value.number and np.array_equal(other.data.ravel(), flat, equal_nan=True):
                    return True
        if flat.size == 1:
            number = float(flat[0])
            for later in self.steps:
                if later.number > step.number and any(r.number in ancestors for r in later.results):
                    if any(isinstance(x, float) and abs(x) == abs(number) for x in later.operands):
                        return number != 0
        return False

    # ---- gradients

    def gradient_steps(self):
        """The GradientSteps by their Step."""
        found = {}
        for gradient in self.recording.gradients:
            found.setdefault(gradient.step, []).append(gradient)
        return found

    def gradient_of(self, values):
        """The sum of the gradients that rules made for any of these values; None if there were none."""
        numbers, total = {value.number for value in values}, None
        for gradient in self.recording.gradients:
            for index, part in gradient.parts.items():
                operands = gradient.step.operands
                value = operands[index] if index < len(operands) else None
                if isinstance(value, Value) and value.number in numbers and isinstance(part, np.ndarray):
                    part = part if part.shape == value.shape else array_sum_to(part, value.shape)
                    with np.errstate(all="ignore"):
                        total = part if total is None else total + part
        return total
