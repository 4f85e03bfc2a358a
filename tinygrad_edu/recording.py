"""A recording: everything that a program did with Tensors while it lasted, in order.

    with record() as recording:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()

    recording.steps      the operations, with operands, settings, results, the calling line and the calls of modules
    recording.gradients  what each gradient rule made of the gradient it was given
    recording.updates    what optimizers changed

The graph keeps only what gradient rules need; a recording keeps all, for those who look at a computation step by step:
the checker, to find the operation whose rule is wrong; pictures and films; searches for lost gradients. Off by default.

A `Value` is what a Tensor held at one time. It has a number of its own, so that equal numbers mean the same value, and
an operation in place gives its tensor a new one.
"""

import contextlib
import weakref

import numpy as np

from .clock import calling_line
from .modes import state
from .observing import Observer, observing
from .operation import SelectOp
from .tensor import Tensor

__all__ = ["GradientStep", "ModuleCall", "Recording", "Step", "Update", "Value", "record"]


class Value:
    """What a Tensor held at one time.

    number        its own, counted from 0
    shape, dtype  of its array
    data          what the recording's `keep` made of the array: a copy, if not told otherwise
    source        the Step or Update that made it; None: it was there before;  index  the how-manieth result of that
    traced        whether it is part of a graph;  leaf  whether it is a leaf of one
    """

    __slots__ = ("data", "dtype", "index", "leaf", "number", "shape", "source", "traced")

    def __init__(self, number, tensor, data, source, index):
        self.number, self.data, self.source, self.index = number, data, source, index
        self.shape, self.dtype = tensor.array.shape, tensor.array.dtype
        self.traced = tensor.node is not None
        self.leaf = self.traced and tensor.node.op is None

    def __repr__(self):
        return f"<value {self.number}: {self.dtype} {self.shape}>"


class ModuleCall:
    """One call of a module.

    module       the module;  around  the ModuleCall from within which it was called, or None
    start, stop  when it started and stopped (or raised), as numbers of events; None: it has not stopped
    arguments    its positional arguments: Values, and anything else as it was
    place        "file:line" outside this library
    """

    __slots__ = ("arguments", "around", "module", "place", "start", "stop")

    def __init__(self, module, around, start, arguments):
        self.module, self.around, self.start, self.stop = module, around, start, None
        self.arguments = arguments
        self.place = calling_line()

    def chain(self):
        """This call and those around it, innermost first."""
        call = self
        while call is not None:
            yield call
            call = call.around


class Step:
    """One call of an operation.

    number        when: one count for steps, gradients and updates
    entry         the operation: an entry of the table, what stands for a custom Function, or None where values only
                  `left` the graph
    left          how values left the graph, "detach()"; or None
    call          the function that was called
    operands      what it was given: Values, and anything else as it was
    attributes    its settings by name
    results       Values
    error         what it raised instead of giving results; or None
    grad_enabled  whether operations were being recorded in graphs
    in_place      the operation in place that wrote the result into a tensor, "add_"; or None
    place         "file:line" outside this library
    module_call   the ModuleCall within which it was called, or None
    """

    __slots__ = (
        "attributes", "call", "entry", "error", "grad_enabled", "in_place", "left", "module_call", "number", "operands",
        "place", "results",
    )  # fmt: skip

    def __init__(self, number, entry, call, operands, attributes, module_call, left=None, error=None):
        self.number, self.entry, self.call, self.operands = number, entry, call, operands
        self.attributes, self.module_call, self.left, self.error = dict(attributes), module_call, left, error
        self.results, self.in_place = (), None
        self.grad_enabled = state.grad_enabled
        self.place = calling_line()

    @property
    def name(self):
        return self.left if self.entry is None else self.entry.name

    @property
    def traced(self):
        """For each operand, whether it was part of a graph."""
        return [isinstance(x, Value) and x.traced for x in self.operands]

    @property
    def recorded(self):
        """Whether the result is part of a graph."""
        return any(value.traced for value in self.results)

    def arrays(self):
        """The operands, Values as their data."""
        return [x.data if isinstance(x, Value) else x for x in self.operands]

    def name_of(self, number):
        """What operand `number` is called."""
        names = getattr(self.entry, "operands", ())
        return f"operand `{names[number]}`" if number < len(names) else f"operand {number}"

    def __repr__(self):
        return f"<step {self.number}: {self.name}>"


class GradientStep:
    """What the gradient rules of one Step made of the gradient of its result.

    number  when;  step  the Step
    given   the gradient of the result, as `keep` has it; of a step with several results a dict by their number
    parts   {number of an operand: its gradient, as `keep` has it, before it is summed over broadcast axes}
    """

    __slots__ = ("given", "number", "parts", "step")

    def __init__(self, number, step, given, parts):
        self.number, self.step, self.given, self.parts = number, step, given, parts


class Update:
    """One step of an optimizer: when, which, and [(Value before, Value after)] of its parameters."""

    __slots__ = ("changes", "number", "optimizer", "place")

    def __init__(self, number, optimizer, changes):
        self.number, self.optimizer, self.changes = number, optimizer, changes
        self.place = calling_line()


class Recording:
    """What was recorded.

    steps, gradients, updates  lists of Steps, GradientSteps and Updates, each in order; `events` has all of them
    calls                      the ModuleCalls, in the order in which they started
    roots                      the Values whose gradients were asked for: the losses
    """

    def __init__(self):
        self.steps, self.gradients, self.updates, self.calls, self.roots = [], [], [], [], []
        self._recorder = None

    @property
    def events(self):
        return sorted([*self.steps, *self.gradients, *self.updates], key=lambda event: event.number)

    def value_of(self, tensor):
        """The Value that a Tensor has now; None if the recording never met it."""
        return self._recorder.known(tensor)

    def __len__(self):
        return len(self.steps)

    def __iter__(self):
        return iter(self.steps)


class Recorder(Observer):
    """Fills a Recording.

    A Tensor that is part of a graph is known by its node, which changes whenever its values do; any other one by
    itself, or, if it is new, by the memory that it shares with one that is known.
    """

    def __init__(self, recording, keep):
        self.recording, self.keep = recording, keep
        self.time = self.count = 0
        self.of_node, self.step_of_node = weakref.WeakKeyDictionary(), weakref.WeakKeyDictionary()
        self.of_tensor = {}  # id -> (weak reference, Value)
        self.within = None  # the innermost ModuleCall under way
        self.muted = 0  # in a backward pass, and within an optimizer, the operations are not those of the user
        self.before = ()

    # ---- values

    def known(self, tensor):
        if tensor.node is not None and tensor.node in self.of_node:
            return self.of_node[tensor.node]
        reference, value = self.of_tensor.get(id(tensor), (None, None))
        return value if reference is not None and reference() is tensor else None

    def now(self, tensor, value):
        """Say that a Tensor has this Value from now on."""
        if tensor.node is not None:
            self.of_node[tensor.node] = value
        key, forget = id(tensor), self.of_tensor.pop
        self.of_tensor[key] = (weakref.ref(tensor, lambda _: forget(key, None)), value)

    def new(self, tensor, source=None, index=0):
        value = Value(self.count, tensor, self.keep(tensor.array), source, index)
        self.count += 1
        self.now(tensor, value)
        return value

    def value(self, operand):
        """A Tensor as its Value, also in lists; all else as it is."""
        if isinstance(operand, Tensor):
            value = self.known(operand)
            return self.new(operand) if value is None else value
        if isinstance(operand, (list, tuple)) and any(isinstance(item, Tensor) for item in operand):
            return tuple([self.value(item) for item in operand])
        return operand

    def tick(self):
        self.time += 1
        return self.time

    # ---- what happens

    def add(self, entry, call, operands, attributes, **more):
        operands = [self.value(operand) for operand in operands]
        step = Step(self.tick(), entry, call, operands, attributes, self.within, **more)
        self.recording.steps.append(step)
        return step

    def operation(self, entry, call, operands, attributes, result):
        if self.muted:
            return
        step = self.add(entry, call, operands, attributes)
        several = isinstance(result, (tuple, list))
        tensors = [x for x in (result if several else [result]) if isinstance(x, Tensor)]
        for tensor in tensors:
            if tensor.node is not None:
                select = isinstance(tensor.node.op, SelectOp)
                self.step_of_node[tensor.node.parents[0] if select else tensor.node] = step
        step.results = tuple([self.new(tensor, step, index) for index, tensor in enumerate(tensors)])

    def failed(self, entry, operands, attributes, error):
        if not self.muted:
            self.add(entry, getattr(entry, "call", None), operands, attributes, error=error)

    def written(self, target, result, name):
        if self.muted:
            return
        value = self.value(result)
        if isinstance(value.source, Step):
            value.source.in_place = name
        if target._base is not None:
            self.value(target._base)  # what it was before: it is about to be told of as an operand of `overwrite`
        if target.node is None or result.node is None:
            self.now(target, value)

    def left_graph(self, tensor, how, result):
        if not self.muted:
            step = self.add(None, None, (tensor,), {}, left=how)
            if isinstance(result, Tensor) and result is not tensor:
                step.results = (self.new(result, step),)

    def module_starts(self, module, arguments):
        values = [self.value(argument) for argument in arguments]
        self.within = ModuleCall(module, self.within, self.tick(), values)
        self.recording.calls.append(self.within)

    def module_ends(self, module, result):
        self.within.stop, self.within = self.tick(), self.within.around

    def backward_starts(self, tensor):
        self.recording.roots.append(self.value(tensor))

    def gradients(self, node, g, parts):
        step = self.step_of_node.get(node)
        if step is None:
            return
        given = {index: self.kept(part) for index, part in g.items()} if isinstance(g, dict) else self.kept(g)
        kept = {index: self.kept(part) for index, part in enumerate(parts) if part is not None}
        self.recording.gradients.append(GradientStep(self.tick(), step, given, kept))

    def kept(self, gradient):
        return self.keep(np.asarray(gradient.array if isinstance(gradient, Tensor) else gradient))

    def optimizer_starts(self, optimizer):
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        self.before = [(parameter, self.value(parameter)) for parameter in parameters]
        self.muted += 1

    def optimizer_ends(self, optimizer):
        self.muted -= 1
        update = Update(self.tick(), optimizer, [])
        update.changes = [(value, self.new(parameter, update)) for parameter, value in self.before]
        self.recording.updates.append(update)
        self.before = ()


@contextlib.contextmanager
def record(keep=np.array):
    """Record what this thread does with Tensors, until the end of the block; as a Recording.

    keep  what is kept of an array: by default a copy of it. `lambda array: None` keeps nothing but shapes and dtypes
    """
    recording = Recording()
    recording._recorder = Recorder(recording, keep)
    with observing(recording._recorder):
        yield recording
