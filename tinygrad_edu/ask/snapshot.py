"""The state of a program, saved before something is tried and put back after it."""

import copy
import gc
import random
import sys
from collections import defaultdict

import numpy as np

from .. import lately
from ..generator import Generator
from ..nn.module import Module
from ..optim.lr_scheduler.base import LRScheduler
from ..optim.optimizer import Optimizer
from ..tensor import Tensor, of_array

RESTORED = (
    "The function was run. Parameters, buffers, gradients, modes, optimizers, schedules and random generators were put "
    "back; lists of the program and readers of data were not."
)


class Snapshot:
    """Saves, and with `restore` puts back, all leaves with gradients, modules' buffers and modes, optimizers, schedules
    and random generators that exist."""

    def __init__(self):
        gc.collect()  # cycles that are garbage are not worth saving
        self.leaves, self.modules, self.optimizers, self.schedules = [], [], [], []
        for thing in gc.get_objects():
            kind = type(thing)
            if issubclass(kind, Tensor):
                node = getattr(thing, "node", None)  # another thread may be about to make it
                if node is not None and node.op is None:
                    self.leaves.append((thing, thing.array, thing.array.copy(), thing.grad, copied(thing.grad)))
            elif issubclass(kind, Module):
                if "_modules" in thing.__dict__:
                    buffers = {name: (b, b.array.copy()) for name, b in thing._buffers.items() if b is not None}
                    self.modules.append((thing, thing.training, buffers, dict(thing._parameters)))
            elif issubclass(kind, Optimizer):
                if "param_groups" in thing.__dict__:
                    groups = [({**group, "params": list(group["params"])}, group) for group in thing.param_groups]
                    self.optimizers.append((thing, {p: state_copy(s) for p, s in thing.state.items()}, groups))
            elif issubclass(kind, LRScheduler):
                rest = {name: value for name, value in thing.__dict__.items() if name != "optimizer"}
                self.schedules.append((thing, copy.copy(rest)))
        generators = [thing for thing in gc.get_objects() if type(thing) is Generator]
        self.generators = [(generator, generator.get_state()) for generator in generators]
        self.numpy_state = np.random.get_state() if "numpy.random" in sys.modules else None
        self.python_state = random.getstate()
        queues = lately.departures, lately.departures_of_leaves, lately.backwards, lately.resets, lately.unrecorded
        self.queues = [(queue, list(queue)) for queue in queues]
        self.unrecorded = [(module, module.__dict__.get("_unrecorded")) for module, *_ in self.modules]

    def restore(self):
        for tensor, array, values, grad, grad_values in self.leaves:
            if tensor.array.shape == values.shape and tensor.array.dtype == values.dtype:
                np.copyto(tensor.array, values)
            else:
                tensor.array = array
                np.copyto(array, values)
            if tensor.node is None or tensor.node.op is not None:
                continue
            if grad is not None:
                grad.array, grad.node = grad_values, None
            tensor.node.extras.grad = grad
        for module, training, buffers, parameters in self.modules:
            object.__setattr__(module, "training", training)
            for name, (buffer, values) in buffers.items():
                if module._buffers.get(name) is buffer and buffer.array.shape == values.shape:
                    np.copyto(buffer.array, values)
        for optimizer, state, groups in self.optimizers:
            optimizer.state = defaultdict(dict, state)
            optimizer._batches = {}
            for saved, group in groups:
                group.clear()
                group.update(saved)
            optimizer.param_groups[:] = [group for _, group in groups]
        for schedule, rest in self.schedules:
            schedule.__dict__.update(rest)
        for generator, state in self.generators:
            generator.set_state(state)
        if self.numpy_state is not None:
            np.random.set_state(self.numpy_state)
        random.setstate(self.python_state)
        for queue, notes in self.queues:
            queue.clear()
            queue.extend(notes)
        for module, note in self.unrecorded:
            if note is None:
                module.__dict__.pop("_unrecorded", None)
            else:
                module.__dict__["_unrecorded"] = note


def copied(grad):
    return None if grad is None else grad.array.copy()


def state_copy(state):
    """What an optimizer remembers of a parameter, with copies of its tensors."""
    return {
        name: of_array(value.array.copy(), None) if isinstance(value, Tensor) else copy.copy(value)
        for name, value in state.items()
    }
