"""What a film remembers: a recording with every contribution to every gradient, cut into training steps.

Of an array only a Sample is kept (see values.py), so that a film of a large model is small. Gradients are those that
the engine adds up itself: what is told in `contributed` is what it has, bit for bit.
"""

import weakref

import numpy as np

from ..modes import state
from ..observing import without
from ..recording import Recorder, Recording, Step, Value, passed_on
from ..tensor import Tensor
from .values import sampled, text_of

LARGEST, SMALLEST = 2048, 64
"""Elements of a sample: at first, and when the film has many."""


class TrainingStep:
    """One training step of a film.

    number    counted from 1
    events    what happened, in order: Steps (forward), Contributions and Arrivals (backward), Updates
    roots     the Values whose gradients were asked for: the losses
    leftover  whether parameters were updated by gradients that still had those of an earlier step in them
    """

    def __init__(self, number):
        self.number, self.events, self.roots, self.leftover = number, [], [], False

    @property
    def steps(self):
        """The operations."""
        return [event for event in self.events if isinstance(event, Step)]

    @property
    def loss(self):
        """The number of which the gradients were computed, the last one if there were several; None without one."""
        numbers = [value.data.elements.item() for value in self.roots if value.data.elements.size == 1]
        return numbers[-1] if numbers else None

    def __repr__(self):
        return f"<training step {self.number}: {len(self.events)} events, loss {self.loss}>"


class Contribution:
    """A use of a value has contributed to its gradient.

    number    when;  step  the Step that used the value;  position  as which operand
    part      the contribution;  so_far  the sum of those until now, `part` itself if it is the first: Samples
    """

    __slots__ = ("number", "part", "position", "so_far", "step")

    def __init__(self, number, step, position, part, so_far):
        self.number, self.step, self.position, self.part, self.so_far = number, step, position, part, so_far

    @property
    def value(self):
        """The Value of the operand."""
        return self.step.operands[self.position]

    def __repr__(self):
        total = "" if self.so_far is self.part else f", in all {text_of(self.so_far)}"
        return f"<{self.step.name_of(self.position)} of `{self.step.name}` gets {text_of(self.part)}{total}>"


class Arrival:
    """The gradient of a value is now `gradient`, for another reason than a contribution.

    why  "start": backpropagation starts here;  "added": to what the leaf had from before;  "hook": a hook has changed
         it;  "changed": the program has, before the optimizer's step
    """

    __slots__ = ("gradient", "number", "value", "why")

    def __init__(self, number, value, gradient, why):
        self.number, self.value, self.gradient, self.why = number, value, gradient, why

    def __repr__(self):
        return f"<gradient of value {self.value.number} ({self.why}): {text_of(self.gradient)}>"


class FilmRecorder(Recorder):
    """Fills the training steps of a film, at most `steps`, with at most `most_values` samples; then it stops listening.

    A training step ends when, after a backward pass, parameters have been changed or gradients cleared, and something
    is computed from parameters again. Operations after the change that need no gradient (the next batch is cut out) belong
    to the next step.
    """

    def __init__(self, steps, most_values):
        super().__init__(Recording(), self.sample)
        self.recording._recorder = self
        self.most_steps, self.most_values = steps, most_values
        self.over = None  # why nothing is recorded any more
        self.samples, self.thinned = 0, False  # how many; whether there are any that are not whole
        self.training = [TrainingStep(1)]
        self.swept = self.updated = False  # since the training step began: gradients came, parameters were changed
        self.mark = 0  # when the last backward pass or change of parameters ended
        self.pending = {}  # id of a node -> (id of its gradient so far, the Sample of that)
        self.started = weakref.WeakKeyDictionary()  # the node of a loss -> its Value
        self.collected = weakref.WeakKeyDictionary()  # node of a leaf -> the Sample of its gradient
        self.told = {}  # number of a Value -> the Sample of its gradient in this pass
        self.added = set()  # ids of leaves that have a gradient from an earlier pass
        self.dirty = set()  # Values of leaves whose gradient includes that of an earlier training step
        self.arrays = {}  # id of an array that is an operand -> (weak reference, Value)

    # ---- samples

    def sample(self, array):
        self.samples += 1
        if self.samples >= self.most_values and self.over is None:
            self.stop(f"the film ends here, with {self.samples:,} arrays; more with a larger `max_values`")
        sample = sampled(array, max(SMALLEST, LARGEST >> (self.samples >> 12)))
        self.thinned = self.thinned or sample.extremes is not None
        return sample

    def gradient(self, g):
        return self.sample(g.array if isinstance(g, Tensor) else g)

    def value(self, operand):
        """A Tensor or array as its Value; all else as it is."""
        return self.value_of_array(operand) if type(operand) is np.ndarray and operand.ndim else super().value(operand)

    def value_of_array(self, array):
        key, forget = id(array), self.arrays.pop
        if key not in self.arrays:
            value = Value(self.count, Plain(array), self.sample(array), None, 0)
            self.count += 1
            self.arrays[key] = weakref.ref(array, lambda _: forget(key, None)), value
        return self.arrays[key][1]

    # ---- training steps

    def note(self, event):
        self.training[-1].events.append(event)

    def next_step(self):
        """A training step has ended: another begins."""
        self.notice()
        ended = self.training[-1]
        following = TrainingStep(ended.number + 1)
        later = [event for event in ended.events if isinstance(event, Step) and event.number > self.mark]
        if later:
            ended.events = [event for event in ended.events if not isinstance(event, Step) or event.number <= self.mark]
            following.events = later
        self.swept = self.updated = False
        for collection in (self.arrays, self.dirty, self.collected):
            collection.clear()
        if ended.number == self.most_steps:
            self.stop(f"the film has the first {self.most_steps} training steps; more with a larger `steps`")
        else:
            self.training.append(following)

    def notice(self):
        """Look whether parameters have changed without anybody saying so."""
        for known in list(self.of_tensor.values()):
            tensor = known.reference()
            if tensor is not None and tensor.node is not None and tensor.node.op is None:
                self.value_of(tensor)

    def stop(self, why):
        self.over = why
        state.mode.observer = without(state.mode.observer, self)

    def finish(self, error):
        """The block of the film has ended, by `error` if that is not None."""
        if self.over is None and self.swept:
            self.notice()
        last = self.training[-1]
        if len(self.training) > 1 and not last.roots and error is None:  # what came after the last step
            self.training.pop()

    # ---- what happens: forward

    def operation(self, entry, call, operands, attributes, result):
        if self.listens(operands, result):
            super().operation(entry, call, operands, attributes, result)
            self.note_operation()

    def failed(self, entry, operands, attributes, error):
        if self.listens(operands, operands):
            super().failed(entry, operands, attributes, error)
            self.note_operation()

    def note_operation(self):
        step = self.recording.steps[-1]
        step.attributes = light(step.attributes)
        self.note(step)

    def listens(self, operands, results):
        """Whether an operation is to be recorded. It may be the first one of a training step."""
        if self.over is not None or self.muted:
            return False
        if self.swept:
            for operand in operands:  # a parameter that has changed is noticed here
                self.value(operand)
            if (self.updated or self.cleared()) and is_traced(results):
                self.next_step()
        return self.over is None

    def cleared(self):
        """Whether the gradients that the training step has collected are gone."""
        leaf = next(iter(self.collected), None)
        return leaf is not None and leaf.extras.grad is None

    def left_graph(self, tensor, how, result):
        if self.over is None and not self.muted:
            super().left_graph(tensor, how, result)
            self.note_operation()

    def written(self, target, result, name):
        if self.over is None and not self.muted:
            before = len(self.recording.updates)
            super().written(target, result, name)
            if len(self.recording.updates) > before:
                self.mark = self.time

    def update(self, optimizer, changes):
        super().update(optimizer, changes)
        if optimizer is not None or not all(before.data.same(after.data) for before, after in changes):
            self.note(self.recording.updates[-1])
            self.updated = self.swept
            if any(before in self.dirty for before, _ in changes):
                self.training[-1].leftover = True

    def module_starts(self, module, arguments):
        if self.over is None:
            super().module_starts(module, arguments)

    def module_ends(self, module, result):
        if self.over is None:
            super().module_ends(module, result)

    # ---- backward

    def backward_starts(self, tensor):
        if self.over is None:
            super().backward_starts(tensor)
            value = self.recording.roots[-1]
            self.training[-1].roots.append(value)
            self.started[tensor.node] = value

    def gradients(self, node, g, parts):
        if self.over is None and not isinstance(g, dict):
            self.arrive(node, g)

    def arrive(self, node, g):
        """`g` is the whole gradient of a node: note it where it is not the sum of the contributions."""
        pending = self.pending.pop(id(node), None)
        value = self.started.pop(node, None)
        if value is not None:
            self.note(Arrival(self.tick(), value, self.gradient(g), "start"))
        elif pending is not None and pending[0] != id(g) and node in self.of_node:
            gradient = self.gradient(g)
            if not gradient.same(pending[1]):
                self.note(Arrival(self.tick(), self.of_node[node], gradient, "hook"))
                return gradient
        return None if pending is None else pending[1]

    def contributed(self, node, number, part, so_far):
        if self.over is not None or isinstance(part, dict):
            return
        parent, sample = node.parents[number], self.gradient(part)
        total = sample if so_far is part else self.gradient(so_far)
        if parent.op is None and id(parent) not in self.pending and parent.extras.grad is not None:
            self.added.add(id(parent))
            if not self.swept and parent in self.of_node and parent.extras.grad.array.any():
                self.dirty.add(self.of_node[parent])
        self.pending[id(parent)] = id(so_far), total
        step, value = self.step_of_node.get(node), self.of_node.get(parent)
        if step is not None:
            self.note(Contribution(self.tick(), step, number, sample, total))
        elif value is not None and not total.same(self.told.get(value.number, total)):
            self.note(Arrival(self.tick(), value, total, "hook"))  # of a module, which hands gradients on
        value = self.of_node.get(passed_on(parent))
        if value is not None:
            self.told[value.number] = total

    def arrived(self, node, g, collected):
        if self.over is not None:
            return
        gradient = self.arrive(node, g)
        if not collected or node.op is not None or node not in self.of_node:
            return
        if id(node) in self.added or gradient is None:
            gradient = self.gradient(node.extras.grad)
            if id(node) in self.added:
                self.note(Arrival(self.tick(), self.of_node[node], gradient, "added"))
        self.collected[node] = gradient

    def backward_ends(self):
        super().backward_ends()
        if self.over is None:
            for collection in (self.pending, self.started, self.told, self.added):
                collection.clear()
            self.swept, self.mark = True, self.time

    # ---- update

    def optimizer_starts(self, optimizer):
        if self.over is not None:
            return
        super().optimizer_starts(optimizer)
        for parameter, value in self.before:
            if parameter.grad is not None and parameter.node in self.collected:
                gradient = self.gradient(parameter.grad)
                if not gradient.same(self.collected[parameter.node]):
                    self.collected[parameter.node] = gradient
                    self.note(Arrival(self.tick(), value, gradient, "changed"))

    def optimizer_ends(self, optimizer):
        if self.over is None and self.optimizing:
            super().optimizer_ends(optimizer)
            self.mark = self.time


class Plain:
    """An array in the manner of a Tensor outside of any graph."""

    node = None

    def __init__(self, array):
        self.array = array


def light(setting):
    """A setting, or several, with large arrays replaced by such as take no memory and have their shape and dtype."""
    if isinstance(setting, np.ndarray) and setting.size > SMALLEST:
        return np.broadcast_to(np.zeros((), setting.dtype), setting.shape)
    if isinstance(setting, dict):
        return {name: light(value) for name, value in setting.items()}
    return tuple([light(value) for value in setting]) if type(setting) is tuple else setting


def is_traced(result):
    results = result if isinstance(result, (tuple, list)) else (result,)
    return any(isinstance(each, Tensor) and each.node is not None for each in results)
