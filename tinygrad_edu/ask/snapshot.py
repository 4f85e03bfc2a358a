"""The state of a program, saved before something is tried and put back after it."""

import copy
import gc
import random
import sys
from collections import defaultdict

import numpy as np

from .. import lately
from ..generator import Generator, default_generator
from ..nn.module import Module
from ..optim.lr_scheduler.base import LRScheduler
from ..optim.optimizer import Optimizer
from ..tensor import Tensor, of_array
from .things import living

RESTORED = (
    "The function was run. Parameters, buffers, gradients, modes, optimizers, schedules and random generators were put "
    "back; lists of the program and readers of data were not."
)


class Snapshot:
    """Saves, and with `restore` puts back, all leaves with gradients, modules' buffers and modes, optimizers, schedules
    and random generators that exist."""

    def __init__(self):
        gc.collect()  # cycles that are garbage are not worth saving
        kinds = Tensor, Module, Optimizer, LRScheduler, Generator
        tensors, modules, optimizers, schedules, generators = living(*kinds)
        # Another thread may be about to make one of them, so that its parts do not exist yet.
        leaves = [t for t in tensors if (node := getattr(t, "node", None)) is not None and node.op is None]
        self.leaves = [(t, t.array, t.array.copy(), t.grad, copied(t.grad)) for t in leaves]
        self.modules, self.optimizers, self.schedules = [], [], []
        for module in modules:
            if "_modules" in module.__dict__:
                buffers = {name: (b, b.array.copy()) for name, b in module._buffers.items() if b is not None}
                self.modules.append((module, module.training, buffers, dict(module._parameters)))
        for optimizer in optimizers:
            if "param_groups" in optimizer.__dict__:
                groups = [({**group, "params": list(group["params"])}, group) for group in optimizer.param_groups]
                self.optimizers.append((optimizer, {p: state_copy(s) for p, s in optimizer.state.items()}, groups))
        for schedule in schedules:
            rest = {name: value for name, value in schedule.__dict__.items() if name != "optimizer"}
            self.schedules.append((schedule, copy.copy(rest)))
        generators = {default_generator, *generators}  # a program that froze its objects (gc.freeze) hides the first
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
