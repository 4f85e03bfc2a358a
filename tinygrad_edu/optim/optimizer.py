"""What all optimizers share: parameter groups, per-parameter state, saving and loading it."""

from collections import defaultdict

import numpy as np

from ..clock import calling_line, writes
from ..grad_mode import enable_grad
from ..modes import state as thread
from ..tensor import Tensor, as_tensor, of_array

__all__ = ["Optimizer"]


class Optimizer:
    """Changes parameters, step by step, so that a loss decreases; the base of all optimizers.

    params    parameters (leaf tensors), or (name, parameter) pairs, or dicts: groups with options of their own, as in
              `[{"params": model.base.parameters()}, {"params": model.head.parameters(), "lr": 0.01}]`
    defaults  the options of groups that do not have their own

    param_groups  a list of dicts: "params" and the options; schedules change "lr" here
    state         for each parameter what the optimizer remembers of it, a dict

    A new optimizer is a class with a method `update(group, batch)`; or with a `step` of its own, as in PyTorch.
    """

    def __init__(self, params, defaults):
        if isinstance(params, (Tensor, np.ndarray)):
            raise TypeError(
                f"{type(self).__name__}: the parameters must be an iterable of tensors, or of dicts, and this is a "
                f"single tensor; "
                "put it into a list: [x]"
            )
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        self._steps = 0 if type(self).step is Optimizer.step else None  # None: not counted, see LRScheduler
        groups = list(params)
        if not groups:
            raise ValueError(
                f"{type(self).__name__}: the list of parameters is empty. If they come from model.parameters(): does "
                f"the model have "
                "any, and was the generator not used up before?"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group):
        """Add a dict with "params" and, if they differ from the defaults, options such as "lr"."""
        if not isinstance(param_group, dict):
            raise TypeError(f"a parameter group is a dict with the key 'params', not {type(param_group).__name__}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError("parameters need an order, which a set has not; give a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        group = {"params": (), **self.defaults, **param_group}
        if params and all(isinstance(p, tuple) for p in params):
            group["param_names"] = [name for name, _ in params]
            params = [p for _, p in params]
        known = {p for other in self.param_groups for p in other["params"]}
        for index, p in enumerate(params):
            self._check_parameter(p, index)
            if p in known:
                raise ValueError(
                    f"parameter {index}, of shape {tuple(p.shape)}, is in the groups of this optimizer already; each "
                    f"can be there once"
                )
            known.add(p)
        group["params"] = params
        self.check(group)
        self.param_groups.append(group)

    def _check_parameter(self, p, index):
        if not isinstance(p, Tensor):
            raise TypeError(
                f"{type(self).__name__} optimizes tensors; parameter {index} is a {type(p).__name__}: {p!r:.60}"
            )
        if not p.is_leaf:
            raise ValueError(
                f"{type(self).__name__} optimizes leaves, and parameter {index}, of shape {tuple(p.shape)}, was "
                f"computed by "
                f"`{p.node.name}`. Make it a leaf before it is used: x = (...).detach().requires_grad_()"
            )

    def check(self, group):
        """Raise if an option of the group is out of its range."""

    def zero_grad(self, set_to_none=True):
        """Forget the gradients; with set_to_none=False fill them with zeros instead."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = of_array(np.zeros(p.array.shape, p.array.dtype), None)

    def step(self, closure=None):
        """Change every parameter that has a gradient, once.

        closure  a function that computes the loss, and its gradients, anew; called first, and its result is returned
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for batch in self._batches(group):
                self.update(group, batch)
        if self._steps is not None:
            self._steps += 1
        return loss

    def _batches(self, group):
        """The parameters that have gradients, as lists of (parameter, state) of equal dtype and `key` (usually one
        list)."""
        batches = {}
        for p in group["params"]:
            if p.grad is not None:
                state = self.state[p]
                if "step" in self.remembers and not state:
                    self.start(p, state, group)
                key = p.array.dtype, state.get("step")
                if key in batches:
                    batches[key].append((p, state))
                else:
                    batches[key] = [(p, state)]
        return batches.values()

    remembers = ()
    """Names of what `state` holds for each parameter after the first step."""

    def start(self, p, state, group):
        """Fill the state of a parameter before its first step: "step" 0, and zeros like the parameter for the rest."""
        for name in self.remembers:
            state[name] = 0 if name == "step" else of_array(np.zeros(p.array.shape, p.array.dtype), None)

    def update(self, group, batch):
        """Change the parameters of `batch`, a list of (parameter, state) of one dtype, by the options of `group`."""
        raise NotImplementedError(f"{type(self).__name__} has neither a method `update` nor a `step` of its own")

    # ---- saving and loading

    def state_dict(self):
        """Everything to go on from here, in PyTorch's layout: {"state": {number: {...}}, "param_groups": [...]}.

        Parameters are numbered in the order of the groups. The tensors are those of the optimizer, not copies.
        """
        numbers, groups = {}, []
        for group in self.param_groups:
            for p in group["params"]:
                numbers[p] = len(numbers)
            groups.append({**group, "params": [numbers[p] for p in group["params"]]})
        state = {
            numbers.get(p, p): {k: as_tensor(float(v)) if k == "step" else v for k, v in values.items()}
            for p, values in self.state.items()
            if values
        }
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Go on from where `state_dict` was called, also PyTorch's. Tensors are copied and get the dtype of their
        parameters."""
        saved = state_dict["param_groups"]
        lengths = [len(group["params"]) for group in self.param_groups], [len(group["params"]) for group in saved]
        if lengths[0] != lengths[1]:
            raise ValueError(
                f"the optimizer has groups of {lengths[0]} parameters, the saved state groups of {lengths[1]}; it "
                f"belongs to another "
                "optimizer"
            )
        state, owner = defaultdict(dict), {}
        for group, other in zip(self.param_groups, saved):
            owner.update(zip(other["params"], group["params"]))
        for number, values in state_dict["state"].items():
            p = owner.get(number, number)
            state[p] = {name: self._loaded(name, value, p) for name, value in values.items()}
        for group, other in zip(self.param_groups, saved):
            group.update({name: value for name, value in other.items() if name != "params"})
        self.state = state

    def _loaded(self, name, value, p):
        if name == "step":
            return int(value)
        if value is None or not hasattr(value, "shape"):
            return value
        array = np.array(np.asarray(value), p.array.dtype if isinstance(p, Tensor) else None)
        if isinstance(p, Tensor) and array.shape != p.array.shape:
            raise ValueError(f"the saved {name} has shape {array.shape}, and its parameter {p.array.shape}")
        return of_array(array, None)

    def __repr__(self):
        lines = [f"{type(self).__name__} ("]
        for index, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {index}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name not in ("params", "param_names")]
        return "\n".join([*lines, ")"])


def apply(operation, name, params, *arguments):
    """Run `operation` of the table on lists of arrays, the first of which it overwrites, and note the writes as `name`.

    All optimizers change parameters through this one function, so that whoever wants to see all updates has one place
    to look.
    """
    thread.quiet(operation.op.kernel, params, *arguments)
    place = calling_line()
    for array in params:
        writes.note(array, name, place)


def arrays(batch, name=None):
    """The arrays of the parameters in a batch, or those of an entry of their state (a list of None if it is not
    there)."""
    if name is None:
        return [p.array for p, _ in batch]
    return [state[name].array for _, state in batch] if name in batch[0][1] else [None] * len(batch)


def gradients(batch):
    """The arrays of the gradients in a batch."""
    return [p.grad.array for p, _ in batch]


def constant(value, dtype):
    """A number as a 0-dimensional array: NumPy's ufuncs take these twice as fast as Python floats."""
    return np.array(value, dtype)


def total_gradient(param, grad, weight_decay, maximize, scratch):
    """grad + weight_decay · param, of −grad for `maximize`; in `scratch` where it is not simply `grad`."""
    if maximize:
        grad = np.negative(grad, scratch)
    if weight_decay:
        if maximize:
            grad += weight_decay * param
        else:
            np.multiply(param, weight_decay, scratch)
            grad = np.add(scratch, grad, scratch)
    return grad


def check_range(kind, group, **ranges):
    """Raise if an option lies outside its half-open range [low, high)."""
    for name, (low, high) in ranges.items():
        value = float(group[name])
        if not low <= value < high:
            allowed = f"at least {low}" + (f" and less than {high}" if high != float("inf") else "")
            raise ValueError(f"{kind}: {name} must be {allowed}, and is {value}")


def refuse(kind, **flags):
    """Raise for PyTorch's options that ask for an implementation which does not exist here; `False` and `None` ask
    for nothing."""
    for name, value in flags.items():
        if value:
            raise ValueError(f"{kind}: {name}={value!r} is not available: there is one implementation; leave it out")
