"""What `graph` was asked to draw: Tensors, a Recording, or a Module that is called here with an example."""

import contextlib

import numpy as np

from .. import random
from ..autograd import grad
from ..engine import reachable
from ..errors import AutogradError
from ..observing import Observer, observing
from ..recording import Recording, Step, record
from ..tensor import Tensor, of_array
from .gradients import ComputedGradients, RecordedGradients, measure
from .naming import names_of_outputs
from .nodes import picture_of_graph
from .program import picture_of_recording


def picture_of(subject, params, inputs, outputs, gradients, keep, **how):
    """(Picture, error) of a subject; the error is what the forward pass of a model raised, or None."""
    if isinstance(subject, Recording):
        picture = picture_of_recording(subject, params, inputs, outputs, **how)
        if gradients and not subject.gradients:
            raise ValueError(
                "graph: this recording contains no gradients to show; call loss.backward() within `with record():`"
            )
        found, error = RecordedGradients(subject) if gradients else None, None
    elif hasattr(subject, "named_parameters") and callable(subject):
        recording, results, error = called(subject, example(params, inputs), gradients, keep)
        picture = picture_of_recording(recording, subject, None, results or None, **how)
        if error is not None:
            picture.notes.insert(0, f"The model failed: {type(error).__name__}: {error}")
        found = RecordedGradients(recording) if gradients else None
        if gradients and error is None and not (len(results) == 1 and next(iter(results.values())).array.size == 1):
            picture.notes.append("gradients are those of the sum of all outputs")
    else:
        picture, error = picture_of_graph(subject, params, inputs, **how), None
        tensors = [tensor for _, tensor in names_of_outputs(subject)]
        found = computed(tensors) if gradients else None
    if gradients:
        measure(picture.vertices, found)
    return picture, error


def example(params, inputs):
    """What a model is called with: (positional arguments, named ones)."""
    if params is not None and inputs is not None:
        raise TypeError("graph(model, x) or graph(model, inputs=x): the example input was given twice")
    given = inputs if params is None else params
    if given is None:
        raise TypeError("graph of a Module needs an input to call it with: graph(model, x)")
    if isinstance(given, dict):
        return (), {name: as_tensor(x) for name, x in given.items()}
    return [as_tensor(x) for x in (given if isinstance(given, (tuple, list)) else (given,))], {}


def as_tensor(x):
    return of_array(x, None) if isinstance(x, np.ndarray) else x


def called(model, arguments, gradients, keep):
    """(Recording, results by name, error) of one call of a model, which is afterwards as it was before."""
    positional, named = arguments
    results, error = {}, None
    with undisturbed(model), record(keep) as recording:
        try:
            with observing(Unfinished()) as unfinished:
                result = model(*positional, **named)
        except Exception as caught:  # drawn up to here
            error = caught
            if not any(step.error is error for step in recording.steps):
                recording.steps.append(unfinished.step(recording, error))
        else:
            results = named_tensors(result)
            traced = [tensor for tensor in results.values() if tensor.node is not None]
            if gradients:
                leaves = [p for p in model.parameters() if p.node is not None]
                leaves += [x for x in (*positional, *named.values()) if isinstance(x, Tensor) and x.node is not None]
                if not traced or not leaves:
                    raise ValueError("graph: no output of this model depends on something that requires gradients")
                ones = [of_array(np.ones(tensor.array.shape, tensor.array.dtype), None) for tensor in traced]
                grad(traced, leaves, ones, allow_unused=True)
    return recording, results, error


class Unfinished(Observer):
    """Notes which calls of modules have raised: those that ended last, without a result."""

    def __init__(self):
        self.modules = []

    def module_ends(self, module, result):
        self.modules = [*self.modules, module] if result is None else []

    def step(self, recording, error):
        """The innermost of them as a Step, for errors that no operation has raised."""
        call = next(call for call in reversed(recording.calls) if call.module is self.modules[0])
        step = Step(len(recording.events) + 1, Stopped(call.module), None, call.arguments, {}, call, error=error)
        step.place = call.place
        return step


class Stopped:
    """Stands for an operation: what a module was about to do."""

    view, operands, doc = False, (), "The module raised before it could return a result."

    def __init__(self, module):
        self.name = self.label = type(module).__name__


@contextlib.contextmanager
def undisturbed(model):
    """Undo what a call changes besides its result: running averages and the state of the random numbers."""
    buffers = [(buffer, buffer.array.copy()) for buffer in model.buffers()]
    state = random.get_rng_state()
    try:
        yield
    finally:
        random.set_rng_state(state)
        for buffer, array in buffers:
            buffer.array[...] = array


def named_tensors(result):
    """name -> Tensor of everything that a model returned."""
    found, waiting = {}, [("output", result)]
    while waiting:
        name, each = waiting.pop()
        if isinstance(each, Tensor):
            found[name] = each
        elif hasattr(each, "items"):
            waiting += [(str(key), part) for key, part in reversed(list(each.items()))]
        elif isinstance(each, (tuple, list)):
            names = getattr(each, "_fields", [f"{name} {number}" for number in range(len(each))])
            waiting += list(zip(names, each))[::-1]
    return found


def computed(tensors):
    """The gradients of some Tensors, by a backward pass of our own."""
    leaves = [node for node in reachable([tensor.node for tensor in tensors]) if node.op is None]
    try:
        return ComputedGradients(tensors, leaves)
    except AutogradError as error:
        raise ValueError(
            f"graph: gradients=True runs a backward pass through this graph, which fails: {error} Draw before "
            "backward(), or record both: `with record() as program:`, then graph(program, gradients=True)"
        ) from error
