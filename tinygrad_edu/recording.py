"""A recording: everything that a program did with Tensors while it lasted, in order.

    with record() as recording:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()

    recording.steps      the operations, with operands, settings, results, the calling line and the calls of modules
    recording.gradients  what each gradient rule made of the gradient it was given
    recording.updates    how parameters changed

The graph keeps only what gradient rules need; a recording keeps all, for those who look at a computation step by step:
the checker, to find the operation whose rule is wrong; pictures and films; searches for lost gradients. Off by default.

A `Value` is what a Tensor held at one time. It has a number of its own, so that equal numbers mean the same value, and
an operation in place gives its tensor a new one.
"""

import contextlib
import weakref

import numpy as np

from .clock import calling_line, owner_of, writes
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
    tensors       those settings that are Tensors, or the arrays of Tensors, as Values by name: the index of x[index]
    results       Values
    error         what it raised instead of giving results; or None
    grad_enabled  whether operations were being recorded in graphs
    in_place      the operation in place that wrote the result into a tensor, "add_"; or None
    place         "file:line" outside this library
    module_call   the ModuleCall within which it was called, or None
    """

    __slots__ = (
        "attributes", "call", "entry", "error", "grad_enabled", "in_place", "left", "module_call", "number", "operands",
        "place", "results", "tensors",
    )  # fmt: skip

    def __init__(self, number, entry, call, operands, attributes, module_call, left=None, error=None, tensors=()):
        self.number, self.entry, self.call, self.operands = number, entry, call, operands
        self.attributes, self.module_call, self.left, self.error = dict(attributes), module_call, left, error
        self.results, self.in_place, self.tensors = (), None, dict(tensors)
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
    """How parameters (leaves that require gradients) changed.

    number     when: at a step of an optimizer, or an operation in place; else when the change was noticed
    optimizer  which; None: the program has written into them itself
    changes    [(Value before, Value after)]
    place      "file:line" outside this library
    """

    __slots__ = ("changes", "number", "optimizer", "place")

    def __init__(self, number, optimizer, changes):
        self.number, self.optimizer, self.changes = number, optimizer, changes
        self.place = calling_line()

    def __repr__(self):
        numbers = [f"{before.number} → {after.number}" for before, after in self.changes]
        return f"<update of values {', '.join(numbers)}>"


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
        """The Value that a Tensor had when it was last met; None if it never was."""
        return self._recorder.last(tensor)

    def _repr_svg_(self):
        from .draw import graph

        return graph(self)._repr_svg_()

    def __len__(self):
        return len(self.steps)

    def __iter__(self):
        return iter(self.steps)


class Known:
    """What the recorder knows of a Tensor: a weak reference to it, its Value, the id of its array, and the time up to
    which the writes into that have been seen (None: up to the next look)."""

    __slots__ = ("array", "reference", "time", "value")

    def __init__(self, reference, value, array, time):
        self.reference, self.value, self.array, self.time = reference, value, array, time

    def changed(self, tensor):
        """Whether the Tensor has been written into, given another array, or made (no) part of a graph, and nobody said
        so."""
        if self.time is None:
            self.time = writes.latest
            return False
        if self.array != id(tensor.array) or self.value.traced != (tensor.node is not None):
            return True
        if writes.latest <= self.time:
            return False
        write = writes.by_owner.get(id(owner_of(tensor.array)))
        changed = write is not None and write.time > self.time
        self.time = writes.latest
        return changed


class Recorder(Observer):
    """Fills a Recording.

    A Tensor that is part of a graph is known by its node, which changes whenever its values do; any other one by
    itself. One that was written into while nobody said so has a new Value from the time at which that is noticed.
    """

    def __init__(self, recording, keep):
        self.recording, self.keep = recording, keep
        self.time = self.count = 0
        self.of_node, self.step_of_node = weakref.WeakKeyDictionary(), weakref.WeakKeyDictionary()
        self.of_tensor = {}  # id -> Known
        self.tensor_of_array = {}  # id of an array -> that of a Tensor
        self.within = None  # the innermost ModuleCall under way
        self.sweeping, self.optimizing = False, 0  # whether a backward pass is under way, how many optimizers are
        self.before = ()

    @property
    def muted(self):
        """Whether operations are not part of the program that is recorded: those by which optimizers, hooks and
        gradient rules compute, unless they are part of a graph themselves."""
        return (self.sweeping or self.optimizing) and not state.grad_enabled

    # ---- values

    def known(self, tensor):
        """The Value that a Tensor has; None if it has none yet, or has changed."""
        known, node = self.of_tensor.get(id(tensor)), passed_on(tensor.node)
        if known is not None and known.reference() is not tensor:
            known = None
        if node is not None and node in self.of_node:
            value = self.of_node[node]
            return None if known is not None and known.value is value and known.changed(tensor) else value
        return None if known is None or known.changed(tensor) else known.value

    def last(self, tensor):
        """The Value that a Tensor had when it was last met, or None."""
        node = passed_on(tensor.node)
        if node is not None and node in self.of_node:
            return self.of_node[node]
        known = self.of_tensor.get(id(tensor))
        return known.value if known is not None and known.reference() is tensor else None

    def now(self, tensor, value, time=None):
        """Say that a Tensor has this Value from now on, whatever was written into it up to `time` (None: up to the
        next look)."""
        if tensor.node is not None:
            self.of_node[tensor.node] = value
        key, array, forget, forget_array = id(tensor), id(tensor.array), self.of_tensor.pop, self.tensor_of_array.pop
        reference = weakref.ref(tensor, lambda _: (forget(key, None), forget_array(array, None)))
        self.of_tensor[key] = Known(reference, value, array, time)
        self.tensor_of_array[array] = key

    def new(self, tensor, source=None, index=0):
        value = Value(self.count, tensor, self.keep(tensor.array), source, index)
        self.count += 1
        self.now(tensor, value, writes.latest)
        return value

    def value_of(self, tensor):
        """The Value of a Tensor, a new one if need be."""
        value = self.known(tensor)
        if value is not None:
            return value
        if tensor.node is None or tensor.node.op is not None or tensor.node not in self.of_node:
            return self.new(tensor)
        before, after = self.of_node[tensor.node], self.new(tensor)
        self.update(None, [(before, after)])
        return after

    def update(self, optimizer, changes):
        """Parameters have changed: [(Value before, Value after)]."""
        update = Update(self.tick(), optimizer, changes)
        for _, after in changes:
            after.source = update
        self.recording.updates.append(update)

    def value(self, operand):
        """A Tensor as its Value, also in lists; all else as it is."""
        if isinstance(operand, Tensor):
            return self.value_of(operand)
        if isinstance(operand, (list, tuple)) and any(isinstance(item, Tensor) for item in operand):
            return tuple([self.value(item) for item in operand])
        return operand

    def among(self, attributes):
        """Those of the settings of an operation that are Tensors, or the arrays of Tensors that are known, as Values.
        (Of an index of several, each is one: index[0], ...)"""
        found = {}
        for name, setting in attributes.items():
            several = type(setting) is tuple
            for number, item in enumerate(setting if several else (setting,)):
                if type(item) is np.ndarray:
                    known = self.of_tensor.get(self.tensor_of_array.get(id(item)))
                    item = None if known is None or known.array != id(item) else known.reference()
                if isinstance(item, Tensor):
                    found[f"{name}[{number}]" if several else name] = self.value_of(item)
        return found

    def tick(self):
        self.time += 1
        return self.time

    # ---- what happens

    def add(self, entry, call, operands, attributes, **more):
        operands = [self.value(operand) for operand in operands]
        step = Step(self.tick(), entry, call, operands, attributes, self.within, tensors=self.among(attributes), **more)
        self.recording.steps.append(step)
        return step

    def operation(self, entry, call, operands, attributes, result):
        if self.muted:
            return
        step = self.add(entry, call, operands, attributes)
        several = isinstance(result, (tuple, list))
        tensors = [x for x in (result if several else [result]) if isinstance(x, Tensor)]
        for tensor in tensors:
            if tensor.node is not None and tensor.node.op is not None:
                select = isinstance(tensor.node.op, SelectOp)
                self.step_of_node[tensor.node.parents[0] if select else tensor.node] = step
        step.results = tuple([self.new(tensor, step, index) for index, tensor in enumerate(tensors)])
        if entry.name == "overwrite" and step.results[0].leaf:  # part of a parameter was written into
            self.update(None, [(step.operands[0], step.results[0])])

    def failed(self, entry, operands, attributes, error):
        if not self.muted:
            self.add(entry, getattr(entry, "call", None), operands, attributes, error=error)

    def written(self, target, result, name):
        if self.muted:
            return
        value, root = self.value_of(result), target._base
        if isinstance(value.source, Step):
            value.source.in_place = name
        if root is not None:  # what it was before is about to be an operand of `overwrite`
            self.now(root, self.value_of(root))
        if target.node is not None and target.node.op is None:
            self.write_leaf(target, value)
        elif target.node is None or result.node is None:
            self.now(target, value)

    def write_leaf(self, leaf, value):
        """A parameter is about to hold what has this Value."""
        before, after = self.value_of(leaf), Value(self.count, leaf, value.data, None, 0)
        self.count += 1
        self.now(leaf, after)
        self.update(None, [(before, after)])

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
        self.sweeping = True

    def backward_ends(self):
        self.sweeping = False

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
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.before = [(parameter, self.value_of(parameter)) for parameter in parameters]
        self.optimizing += 1

    def optimizer_ends(self, optimizer):
        self.optimizing -= 1
        changed = [(parameter, value) for parameter, value in self.before if parameter.grad is not None]
        self.update(optimizer, [(value, self.new(parameter)) for parameter, value in changed])
        self.before = ()


def passed_on(node):
    """The node of which this one hands on the result; the node itself if it makes one of its own."""
    while node is not None and isinstance(node.op, SelectOp) and node.parents[0].op is not None:
        maker = node.parents[0]
        if not getattr(maker.op, "passes_on", False):
            break
        node = maker.parents[node.attributes["index"]]
    return node


@contextlib.contextmanager
def record(keep=np.array):
    """Record what this thread does with Tensors, until the end of the block; as a Recording.

    keep  what is kept of an array: by default a copy of it. `lambda array: None` keeps nothing but shapes and dtypes
    """
    recording = Recording()
    recording._recorder = Recorder(recording, keep)
    with observing(recording._recorder):
        yield recording
