"""Saving and loading what an optimizer remembers, in PyTorch's layout."""

from collections import defaultdict

import numpy as np

from ..autograd.hooks import RemovableHandle
from ..tensor import Tensor, of_array


class Saving:
    """The part of an optimizer that concerns its state: `state_dict`, `load_state_dict` and their hooks."""

    def _prepare(self):
        self._before_saving, self._after_saving, self._before_loading, self._after_loading = {}, {}, {}, {}

    def state_dict(self):
        """Everything to go on from here, in PyTorch's layout: {"state": {number: {...}}, "param_groups": [...]}.

        Parameters are numbered in the order of the groups. The tensors are those of the optimizer, not copies.
        """
        for hook in tuple(self._before_saving.values()):
            hook(self)
        numbers, groups = {}, []
        for group in self.param_groups:
            for p in group["params"]:
                numbers[p] = len(numbers)
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**options, "params": [numbers[p] for p in group["params"]]})
        saved = {
            "state": {numbers.get(p, p): values for p, values in self.state.items() if values},
            "param_groups": groups,
        }
        for hook in tuple(self._after_saving.values()):
            answer = hook(self, saved)
            saved = saved if answer is None else answer
        return saved

    def load_state_dict(self, state_dict):
        """Go on from where `state_dict` was called, also PyTorch's. Tensors are copied and get the dtype of their
        parameters; numbers keep the dtype in which they were saved. Names of parameters are not compared."""
        state_dict = dict(state_dict)
        for hook in tuple(self._before_loading.values()):
            answer = hook(self, state_dict)
            state_dict = state_dict if answer is None else answer
        saved = state_dict["param_groups"]
        lengths = [len(group["params"]) for group in self.param_groups], [len(group["params"]) for group in saved]
        if lengths[0] != lengths[1]:
            raise ValueError(
                f"the optimizer has groups of {lengths[0]} parameters, the saved state groups of {lengths[1]}; it "
                "belongs to another optimizer"
            )
        state, owner = defaultdict(dict), {}
        for group, other in zip(self.param_groups, saved):
            owner.update(zip(other["params"], group["params"]))
        for number, values in state_dict["state"].items():
            p = owner.get(number, number)
            state[p] = {name: self._loaded(name, value, p) for name, value in values.items()}
        for group, other in zip(self.param_groups, saved):
            group.update({name: as_ours(value) for name, value in other.items() if name != "params"})
        self.state = state
        for hook in tuple(self._after_loading.values()):
            hook(self)

    def _loaded(self, name, value, p):
        """A copy of an entry of a saved state, for the parameter `p`."""
        if isinstance(value, (list, tuple)):
            return type(value)(self._loaded(None, item, p) for item in value)
        if not hasattr(value, "shape"):
            return value
        keeps = name == "step" or name in self.numbers or not isinstance(p, Tensor)
        array = np.array(np.asarray(value), None if keeps else p.array.dtype, order="C")
        if name in self.remembers and array.shape != p.array.shape:
            raise ValueError(f"the saved {name} has shape {array.shape}, and its parameter {p.array.shape}")
        return of_array(array, None)

    # ---- hooks

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call hook(optimizer) before `state_dict`. Returns a handle. `prepend`: before the other hooks."""
        return registered(self._before_saving, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call hook(optimizer, state_dict) after `state_dict`; what it returns, if anything, takes the result's
        place."""
        return registered(self._after_saving, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call hook(optimizer, state_dict) before `load_state_dict`; what it returns, if anything, is loaded
        instead."""
        return registered(self._before_loading, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call hook(optimizer) after `load_state_dict`."""
        return registered(self._after_loading, hook, prepend)


def registered(hooks, hook, prepend):
    """Add a hook to a dict of them, at its end or its beginning; returns the handle."""
    handle = RemovableHandle(hooks, hook)
    if prepend:
        for number in [number for number in hooks if number != handle.number]:
            hooks[number] = hooks.pop(number)
    return handle


def as_ours(option):
    """An option of a saved group: tensors, of whichever library, as new Tensors."""
    return of_array(np.array(np.asarray(option)), None) if hasattr(option, "shape") else option
