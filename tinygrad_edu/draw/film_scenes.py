"""Which training steps of a film look alike, and where in the picture each event of them takes place.

Steps that do the same operations with operands of the same shapes share one picture, in which the operations of each
have the same places.
"""

from itertools import takewhile

from ..recording import Step, Value
from .film_recorder import Contribution
from .page import edges_of
from .program import picture_of_recording, values_in


class Part:
    """What is shown of a training step: the operations that lead to its losses, or all if it has none.

    training  the TrainingStep;  steps  its operations that are shown;  outside  the Values they use that they have not
    made, in order of first use;  kind  what it has in common with training steps that look alike
    """

    def __init__(self, training):
        self.training = training
        self.steps = leading_to(training.roots, training.steps) if training.roots else training.steps
        made = {id(value): (number, value.index) for number, step in enumerate(self.steps) for value in step.results}
        self.outside, numbers, rows = [], {}, []
        for step in self.steps:
            operands = []
            for operand in (*step.operands, *step.tensors.values()):
                for item in operand if isinstance(operand, tuple) else (operand,):
                    if not isinstance(item, Value):
                        operands.append(type(item).__name__)
                    elif id(item) in made:
                        operands.append(made[id(item)])
                    else:
                        if id(item) not in numbers:
                            numbers[id(item)] = len(self.outside)
                            self.outside.append(item)
                        operands.append((numbers[id(item)], item.shape, item.dtype.name, item.leaf))
            results = [(value.shape, value.dtype.name, value.traced) for value in step.results]
            rows.append((step.name, id(step.entry), tuple(operands), tuple(results), step.error is None))
        losses = tuple([made.get(id(value)) for value in training.roots])
        self.kind = tuple(rows), losses
        self.settings = [setting_texts(step) for step in self.steps]

    @property
    def hidden(self):
        """How many operations before the backward pass are not shown, without views and what was done in place."""
        steps = list(takewhile(lambda event: isinstance(event, Step), self.training.events))
        written = leading_to([value for step in steps if step.in_place for value in step.results], steps)
        known = {id(step) for step in (*self.steps, *written)}
        return sum(bool(step.results) and id(step) not in known and not is_view(step) for step in steps)


def is_view(step):
    return getattr(step.entry, "view", False)


def leading_to(values, steps):
    """Those of the steps from which values were made."""
    needed, kept = {id(value) for value in values}, []
    for step in reversed(steps):
        if any(id(value) in needed for value in step.results):
            kept.append(step)
            needed.update(id(value) for value in values_in(step))
    return kept[::-1]


def setting_texts(step):
    """The settings of a step that may differ between steps that look alike."""
    simple = (int, float, str, bool, slice, tuple, type(None))
    settings = {name: repr(value) for name, value in step.attributes.items() if isinstance(value, simple)}
    numbers = [repr(operand) for operand in step.operands if isinstance(operand, (int, float))]
    return settings, numbers


class Scene:
    """A picture, and where in it things are.

    picture  drawn from the first training step that looks like this;  part  that
    """

    def __init__(self, part, recording, names, settings):
        self.part = part
        roots = list(dict.fromkeys(part.training.roots))
        outputs = {"loss" if len(roots) == 1 else f"loss {number}": root for number, root in enumerate(roots, 1)}
        self.picture = picture_of_recording(recording, *names, outputs=outputs or None, steps=part.steps, **settings)
        steps = {id(step): number for number, step in enumerate(part.steps)}
        values = {id(value): number for number, value in enumerate(part.outside)}
        self.of_step, self.of_outside = {}, {}  # number of a step, or of a value from outside -> numbers of vertices
        for number, vertex in enumerate(self.picture.vertices):
            if id(vertex.made) in steps:
                self.of_step.setdefault(steps[id(vertex.made)], []).append(number)
            elif id(vertex.made) in values:
                self.of_outside.setdefault(values[id(vertex.made)], []).append(number)
        self.edges = {}  # (number of a vertex, which operand) -> [(number of the edge, of the vertex it comes from)]
        for number, (start, end, position) in enumerate(edges_of(self.picture)):
            self.edges.setdefault((end, position), []).append((number, start))

    def places(self, part):
        """The Places of a training step that looks like this."""
        return Places(self, part)


class Places:
    """Where in a Scene the events of one training step take place."""

    def __init__(self, scene, part):
        self.scene = scene
        self.steps = {id(step): scene.of_step.get(number, ()) for number, step in enumerate(part.steps)}
        self.values = {id(value): scene.of_outside.get(number, ()) for number, value in enumerate(part.outside)}
        for step in part.steps:
            for value in step.results:
                self.values[id(value)] = self.steps[id(step)]

    def of_step(self, step):
        """The numbers of the vertices of a Step: none if it is not shown, more than one if it is drawn repeatedly."""
        return self.steps.get(id(step), ())

    def of_value(self, value):
        """The numbers of the vertices that show a Value."""
        return self.values.get(id(value), ())

    def of_contribution(self, event):
        """(number of the edge, number of the vertex) at which a Contribution arrives; None where there is none."""
        operand = event.step.operands[event.position] if isinstance(event, Contribution) else None
        for value in operand if isinstance(operand, tuple) else (operand,):
            targets = self.of_value(value)
            for user in self.of_step(event.step):
                for edge, start in self.scene.edges.get((user, event.position), ()):
                    if start in targets:
                        return edge, start
            if targets:
                return None, targets[0]
        return None, None
