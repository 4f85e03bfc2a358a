"""Where all sources of random numbers stand that a training run may draw from, as data, and back."""

import random
import types

import numpy as np

from ..generator import Generator, present_default
from ..tensor import Tensor

__all__ = ["Generators"]

LONGEST = 100
"""Longer lists are data, and are not searched for generators."""

KINDS = (Generator, np.random.Generator, np.random.RandomState, random.Random)


class Generators:
    """The library's default generator, those of Python's `random` and `numpy.random`, and those that the given objects
    (the loader, the model, callbacks) and what they consist of have as attributes, in containers and in objects."""

    def __init__(self, *objects):
        self.default = present_default()
        self.others = [g for g in generators_in(objects) if g is not self.default]

    def get(self):
        """Where they stand: tensors, arrays, numbers and text."""
        return {
            "default": self.default.get_state(),
            "python": random.getstate(),
            "numpy": np.random.get_state(),
            "others": [state_of(generator) for generator in self.others],
        }

    def set(self, state):
        """Make them go on from where `get` was called."""
        if len(state["others"]) != len(self.others):
            raise ValueError(
                f"the checkpoint was written by a run with {len(state['others'])} random generators in its data, model "
                f"and callbacks, and these have {len(self.others)}"
            )
        self.default.set_state(state["default"])
        random.setstate(state["python"])
        np.random.set_state(state["numpy"])
        for generator, saved in zip(self.others, state["others"]):
            put_state(generator, saved)


def state_of(generator):
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state()


def put_state(generator, state):
    if isinstance(generator, random.Random):
        generator.setstate(state)
    elif isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    else:
        generator.set_state(state)


def generators_in(objects):
    """The generators that can be reached from objects by attributes and items, each once, in a fixed order."""
    found, seen, todo = [], set(), list(reversed(objects))
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, (Tensor, np.ndarray, str, bytes, type, types.ModuleType)):
            continue
        seen.add(id(value))
        if isinstance(value, KINDS):
            found.append(value)
        elif isinstance(value, (list, tuple, dict)):
            if len(value) <= LONGEST:
                todo += reversed(list(value.values()) if isinstance(value, dict) else value)
        elif hasattr(value, "__dict__"):
            todo += reversed(list(vars(value).values()))
    return found
