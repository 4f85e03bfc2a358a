"""Which operation is to blame: every recorded step's own rule is checked at the values that it met."""

import numpy as np

from ..clock import calling_line
from ..observing import Observer, observing
from ..recording import record
from .functions import TensorFunction

MOST_STEPS = 10_000


class Culprit:
    """The operation whose own gradient rule is wrong.

    operation   its name;  step  its number among the calls that fn made, from 0;  place  the line that called it,
                "file:line"
    input       the number of its operand, and `operand`, what that is called;  index  the element
    expected    the numerical derivative of the operation alone, for `weights` of its results, and `error`, how far it
                may be off
    given       what the rule gives
    """

    def __init__(self, step, number, element, steps):
        self.operation, self.step, self.place = step.entry.name, number, step.place
        self.input, self.index, self.weights = element.operand, element.index, element.weights
        self.operand = step.name_of(element.operand)
        self.expected, self.error, self.given = element.numerical, element.error, element.analytic
        self.steps = steps

    def __str__(self):
        place = "" if self.index is None else f" [{', '.join(map(str, self.index))}]"
        return (
            f"`{self.operation}`, step {self.step} of {self.steps}, called at {self.place}: its rule for "
            f"{self.operand}{place} "
            f"gives {self.given:.10g} and should give {self.expected:.10g} ± {self.error:.1g} (for {self.weights})"
        )

    def __repr__(self):
        return f"<{self}>"


def find_culprit(function, random, check):
    """The Culprit among the operations that a TensorFunction calls at its inputs, the first that is wrong; None if none
    is.

    check(function, random) gives the Elements of a check of first order.
    """
    with record() as recording:
        function.call(function.inputs)
    steps = recording.steps
    for number, step in enumerate(steps[:MOST_STEPS]):
        if not step.recorded:
            continue
        worst = max(check(alone(step), random), key=lambda element: element.rank, default=None)
        if worst is not None and worst.verdict == "wrong":
            return Culprit(step, number, worst, len(steps))
    return None


def alone(step):
    """The TensorFunction of one step: its traced operands are inputs."""
    chosen = [
        n for n, (x, traced) in enumerate(zip(step.arrays(), step.traced)) if traced and np.asarray(x).dtype.kind == "f"
    ]
    operands = step.arrays()
    inputs = [np.array(operands[n]) for n in chosen]
    names = [step.name_of(n) for n in chosen]
    return TensorFunction(lambda *xs: step.call(*xs, **step.attributes), operands, chosen, inputs, names)


def where_lost(function):
    """Where the gradient may be lost, if every operation's own rule is right."""
    with observing(Cuts()) as found:
        function.call(function.inputs)
    cuts = "; ".join(dict.fromkeys(found.places))
    return "every recorded operation's own rule is right at its values" + (
        f": the gradient is lost where values leave the graph: {cuts}" if cuts else ""
    )


class Cuts(Observer):
    """Takes notes of how values are taken out of a graph, and of the lines that did it."""

    def __init__(self):
        self.places = []

    def left_graph(self, tensor, how, result):
        self.places.append(f"{how} at {calling_line()}")
