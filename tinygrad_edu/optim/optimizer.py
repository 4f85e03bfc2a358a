"""What all optimizers share: parameter groups, steps with their hooks, and what is remembered of each parameter."""

import functools
import operator
from collections import defaultdict

import numpy as np

from .. import lately
from ..autograd.hooks import RemovableHandle
from ..dtypes import default_float
from ..grad_mode import enable_grad
from ..modes import state
from ..tensor import Tensor, of_array
from .batches import Batch
from .saving import Saving

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

INFINITE = float("inf")

_before_all, _after_all = {}, {}


def hooked(step):
    """A method `step` that runs the hooks, once also where it calls the method of a base class."""

    @functools.wraps(step)
    def call(self, *args, **named):
        if self._stepping:
            return step(self, *args, **named)
        if _before_all or self._before:
            args, named = self._run_hooks_before(args, named)
        self._stepping, observer = True, state.mode.observer
        if observer is not None:
            observer.optimizer_starts(self)
        if "_opt_called" in self.__dict__:  # a schedule wants to know
            self._opt_called = True
        try:
            result = step(self, *args, **named)
        finally:
            self._stepping = False
            if observer is not None:
                observer.optimizer_ends(self)
        if _after_all or self._after:
            for hook in (*self._after.values(), *_after_all.values()):
                hook(self, (self, *args), named)
        return result

    call.counts_for_schedules = True
    return call


class Optimizer(Saving):
    """Changes parameters, step by step, so that a loss decreases; the base of all optimizers.

    params    parameters (leaf tensors), or (name, parameter) pairs, or dicts: groups with options of their own, as in
              `[{"params": model.base.parameters()}, {"params": model.head.parameters(), "lr": 0.01}]`
    defaults  the options of groups that do not have their own

    param_groups  a list of dicts: "params" and the options; schedules change "lr" here
    state         for each parameter what the optimizer remembers of it, a dict

    A new optimizer is a class with a `step` of its own, as in PyTorch; or one with a method `update(group, batch,
    grads)` and the names of what it remembers in `numbers` and `remembers`.

    Options that choose between PyTorch's implementations (`foreach`, `fused`) are accepted and change nothing: there is
    one. `capturable` and `differentiable` ask for what does not exist here, and raise.
    """

    numbers = ()
    """Names of what `state` holds of each parameter as a number, a 0-dimensional tensor."""

    remembers = ()
    """Names of the arrays, of the shape of the parameter, that `state` may hold."""

    _stepping = False

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "step" in cls.__dict__:
            cls.step = hooked(cls.__dict__["step"])

    def __init__(self, params, defaults):
        if isinstance(params, (Tensor, np.ndarray)):
            raise TypeError(
                f"{type(self).__name__}: the parameters must be an iterable of tensors, or of dicts, and this is a "
                "single tensor; put it into a list: [x]"
            )
        self.check(defaults)
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        self._prepare()
        groups = list(params)
        if not groups:
            raise ValueError(
                f"{type(self).__name__}: the list of parameters is empty. If they come from model.parameters(): does "
                "the model have any, and was the generator not used up before?"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def _prepare(self):
        """Make what is not saved: hooks and batches."""
        super()._prepare()
        self._before, self._after = {}, {}
        self._batches = {}  # id of a group -> (the group, all arrays that the batches are made of, the batches)

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, attributes):
        self.__dict__.update(attributes)
        self._prepare()

    # ---- groups

    def add_param_group(self, param_group):
        """Add a dict with "params" and, if they differ from the defaults, options such as "lr"."""
        kind = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"a parameter group is a dict with the key 'params', not {type(param_group).__name__}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(f"{kind}: parameters need an order, which a set has not; give a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        group = {**param_group, "params": params}
        named = [isinstance(p, tuple) for p in params]
        if any(named):
            if not all(named):
                raise ValueError(f"{kind}: either all parameters come with names, as (name, parameter), or none")
            group["param_names"], group["params"] = [name for name, _ in params], [p for _, p in params]
        for other in self.param_groups:
            if ("param_names" in group) != ("param_names" in other):
                raise ValueError(f"{kind}: the parameters of all groups come with names, or those of none")
        known = {p for other in self.param_groups for p in other["params"]}
        for index, p in enumerate(group["params"]):
            self._check_parameter(p, index)
            if p in known:
                raise ValueError(
                    f"parameter {index}, of shape {tuple(p.shape)}, is in the groups of this optimizer already; each "
                    f"can be there once"
                )
            known.add(p)
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        self.check(group)
        param_group.update(group)
        self.param_groups.append(param_group)

    def _check_parameter(self, p, index):
        kind = type(self).__name__
        if not isinstance(p, Tensor):
            raise TypeError(f"{kind} optimizes tensors; parameter {index} is a {type(p).__name__}: {p!r:.60}")
        if not (p.is_leaf or p.retains_grad):
            raise ValueError(
                f"{kind} optimizes leaves, and parameter {index}, of shape {tuple(p.shape)}, was computed by "
                f"`{p.node.name}`. Make it a leaf before it is used: x = (...).detach().requires_grad_()"
            )

    def check(self, group):
        """Raise if an option of the group (or of the defaults) is out of its range."""

    def __repr__(self):
        text = f"{type(self).__name__} ("
        for index, group in enumerate(self.param_groups):
            text += f"\nParameter Group {index}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"

    # ---- steps

    def zero_grad(self, set_to_none=True):
        """Forget the gradients; with set_to_none=False fill them with zeros instead."""
        lately.resets.append(lately.noted("zero_grad()", self))
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad.detach_().zero_()

    def step(self, closure=None):
        """Change every parameter that has a gradient, once.

        closure  a function that computes the loss, and its gradients, anew; called first, and its result is returned
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self.step_group(group)
        return loss

    step = hooked(step)

    def step_group(self, group):
        """Change every parameter of a group that has a gradient."""
        for batch, grads in self.batches(group):
            self.update(group, batch, grads)

    def update(self, group, batch, grads):
        """Change the parameters of a Batch by their gradients, a list of arrays, and the options of the group."""
        raise NotImplementedError(f"{type(self).__name__} has neither a method `update` nor a `step` of its own")

    def arrays(self, group):
        """Which arrays of those in `remembers` the options of the group need."""
        return self.remembers

    def joins(self, group):
        """From how many small parameters on it pays to join them in a step: fewer, the more passes the step makes."""
        return 3

    def start(self, p, state, group):
        """Fill in what the state of a parameter lacks before its first step: zeros."""
        for name in self.numbers:
            if name not in state:
                state[name] = of_array(np.zeros((), default_float()), None)
        for name in self.arrays(group):
            if name not in state:
                state[name] = of_array(np.zeros(p.array.shape, p.array.dtype), None)

    def live(self, group):
        """The (parameter, state) of a group whose parameters have gradients."""
        return [(p, self.state[p]) for p in group["params"] if p.grad is not None]

    def batches(self, group):
        """The parameters of a group that have gradients as (Batch, arrays of the gradients), usually one.

        The batches of the last step are used again if they have the same parameters and no array has been replaced.
        """
        members, grads = [], []
        for p in group["params"]:
            grad = p.grad
            if grad is not None:
                members.append((p, self.state[p]))
                grads.append(grad.array)
        if not members:
            return []
        names = (*self.numbers, *self.arrays(group))
        known, arrays, batches = self._batches.get(id(group), (None, (), ()))
        if (
            known is not group
            or not same(arrays, all_arrays(members, names))
            or not all([batch.intact() for batch, _ in batches])
        ):
            batches = self._new_batches(group, members)
            self._batches[id(group)] = group, all_arrays(members, names), batches
        return [(batch, [grads[i] for i in which]) for batch, which in batches]

    def _new_batches(self, group, members):
        """(Batch, which members are in it), for each dtype, age and other numbers that occur."""
        found, names = defaultdict(list), self.arrays(group)
        for i, (p, state) in enumerate(members):
            first = any(name not in state for name in (*self.numbers, *names))
            if first:
                self.start(p, state, group)
            for name in self.numbers:
                if not isinstance(state[name], Tensor):
                    state[name] = of_array(np.array(state[name], default_float()), None)
            key = (p.array.dtype, first, *(state[name].array.tobytes() for name in self.numbers))
            found[key].append(i)
        return [
            (Batch([members[i] for i in which], names, self.numbers, first, self.joins(group)), which)
            for (_, first, *_), which in found.items()
        ]

    # ---- hooks

    def _run_hooks_before(self, args, named):
        """Run the hooks before a step; returns its arguments, which they may change."""
        for hook in (*_before_all.values(), *self._before.values()):
            answer = hook(self, (self, *args), named)
            if answer is not None:
                if not (isinstance(answer, tuple) and len(answer) == 2):
                    raise RuntimeError(f"a hook before a step returns None or (args, kwargs), and not {answer!r:.60}")
                (_, *args), named = answer
        return args, named

    def register_step_pre_hook(self, hook):
        """Call hook(optimizer, args, kwargs) before each step; it may return new (args, kwargs). Returns a handle."""
        return RemovableHandle(self._before, hook)

    def register_step_post_hook(self, hook):
        """Call hook(optimizer, args, kwargs) after each step. Returns a handle."""
        return RemovableHandle(self._after, hook)


def register_optimizer_step_pre_hook(hook):
    """Call hook(optimizer, args, kwargs) before each step of any optimizer. Returns a handle."""
    return RemovableHandle(_before_all, hook)


def register_optimizer_step_post_hook(hook):
    """Call hook(optimizer, args, kwargs) after each step of any optimizer. Returns a handle."""
    return RemovableHandle(_after_all, hook)


def all_arrays(members, names):
    """The arrays of parameters and of entries of their states; none if anything is missing."""
    found = [p.array for p, _ in members]
    try:
        for name in names:
            found += [state[name].array for _, state in members]
    except (KeyError, AttributeError):  # a new state, or a number that somebody has written into it
        return ()
    return found


def same(arrays, others):
    """Whether two lists hold the very same arrays."""
    return len(arrays) == len(others) and all(map(operator.is_, arrays, others))


# ---- for the optimizers: numbers and options


def constant(value, dtype):
    """A number as a 0-dimensional array: NumPy's ufuncs take these twice as fast as Python floats."""
    return np.array(value, dtype)


def total_gradient(param, grad, weight_decay, maximize):
    """grad + weight_decay · param, of −grad for `maximize`; a new array where it is not simply `grad`."""
    if weight_decay:
        total = np.multiply(param, constant(weight_decay, param.dtype), np.empty(param.shape, param.dtype))
        return np.subtract(total, grad, total) if maximize else np.add(total, grad, total)
    return np.negative(grad, np.empty(param.shape, param.dtype)) if maximize else grad


def check_common(kind, group):
    """Check what all optimizers have: the learning rate, and flags that exclude each other or ask for what does not
    exist."""
    lr = group["lr"]
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError(f"{kind}: a tensor lr must have one element, and not the shape {tuple(lr.shape)}")
    check_positive(kind, group, "lr")
    if group.get("fused") and group.get("foreach"):
        raise RuntimeError(
            f"{kind}: `fused` and `foreach` cannot both be True; here both change nothing, leave them out"
        )
    if group.get("capturable"):
        raise ValueError(
            f"{kind}: capturable=True is for recording GPU graphs, and the only device is the CPU; leave it out"
        )
    if group.get("differentiable"):
        raise ValueError(
            f"{kind}: differentiable=True is not available, steps are not recorded; compute the new parameters with "
            "operations, as in p = p - lr * grad, with the gradient from tinygrad_edu.grad(..., create_graph=True)"
        )


def check_range(kind, group, below=(), **ranges):
    """Raise if an option lies outside its range (low, high); the options in `below` must lie below `high`."""
    for name, (low, high) in ranges.items():
        value = float(group[name])
        if not low <= value <= high or (name in below and value == high):
            allowed = f"at least {low}"
            if high != INFINITE:
                allowed += f" and {'less than' if name in below else 'at most'} {high}"
            raise ValueError(f"{kind}: {name} must be {allowed}, and is {value:g}")


def check_positive(kind, group, *names):
    """Raise if one of these options is negative."""
    check_range(kind, group, **dict.fromkeys(names, (0, INFINITE)))


def check_betas(kind, group):
    """Raise if one of the betas is not in [0, 1)."""
    betas = {f"betas[{i}]": beta for i, beta in enumerate(group["betas"])}
    check_range(kind, betas, below=betas, **dict.fromkeys(betas, (0, 1)))
