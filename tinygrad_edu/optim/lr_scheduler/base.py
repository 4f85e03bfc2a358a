"""What all schedules share."""

import types
import warnings

from ...clock import calling_line, writes
from ...tensor import Tensor
from ..optimizer import Optimizer


class LRScheduler:
    """The base of all schedules: a subclass says in `get_lr` what the learning rates of the groups are after
    `last_epoch` steps; and if it can, in `_get_closed_form_lr`, from the initial learning rates alone.

    last_epoch  −1 for a new schedule. To go on from an epoch, the groups must hold "initial_lr"; usually
                `load_state_dict` is simpler

    base_lrs    the learning rate of each group at the start
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer, last_epoch=-1):
        self.optimizer = check_optimizer(self, optimizer)
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", own(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param_groups[{index}] has no 'initial_lr', which is needed to go on from epoch {last_epoch}; "
                    "load the state of the optimizer before the schedule is made, or start at last_epoch=-1 and use "
                    "load_state_dict"
                )
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        optimizer.__dict__.setdefault("_opt_called", False)
        self._initial_step()

    def _initial_step(self):
        """Set the first learning rates; that the optimizer has not taken a step yet is no mistake now."""
        called, self.optimizer._opt_called = self.optimizer._opt_called, True
        self._step_count, self._is_initial = 0, True
        try:
            self.step()
        finally:
            self.optimizer._opt_called, self._is_initial = called, False

    def get_lr(self):
        """The learning rate of each group for `last_epoch`. For `step` to call: see `get_last_lr`."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "get_lr() computes the next learning rates from the present ones; get_last_lr() gives those that were "
                "set last",
                UserWarning,
                stacklevel=2,
            )
        return self._next_lr()

    def _next_lr(self):
        """What `get_lr` returns, for the schedules here."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr")

    def get_last_lr(self):
        """The learning rates that were set last, one per group."""
        return self._last_lr

    def step(self, epoch=None):
        """Go on to the next epoch and set the learning rates.

        epoch  the epoch to go to instead of the next one, from the initial learning rates where that is possible
               (deprecated, as in PyTorch)
        """
        if self._step_count == 1:
            self._check_order()
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _check_order(self):
        """Warn if the optimizer has not taken a step since there are schedules for it."""
        if self.optimizer._opt_called:
            return
        if hasattr(self.optimizer.step, "counts_for_schedules"):
            message = (
                "scheduler.step() was called before optimizer.step(): the first learning rate of the schedule is "
                "skipped. Call optimizer.step() first"
            )
        else:
            message = (
                "optimizer.step was replaced after the schedule was made, so that it cannot be told whether it is "
                "called before scheduler.step(), as it should be"
            )
        warnings.warn(message, UserWarning, stacklevel=3)

    def _update_lr(self, epoch=None):
        compute = self.get_lr
        if epoch is None:
            self.last_epoch += 1
        else:
            self.last_epoch = epoch
            compute = getattr(self, "_get_closed_form_lr", compute)
        self._get_lr_called_within_step = True
        try:
            rates = compute()
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, rates):
            put(group, "lr", rate)
        self._last_lr = values(self.optimizer, "lr")

    def _scaled(self, factor):
        """The present learning rates times `factor`."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _from_start(self, factor):
        """The initial learning rates times `factor`."""
        return [base * factor for base in self.base_lrs]

    def state_dict(self):
        """Everything but the optimizer, to go on from here."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict):
        """Go on from where `state_dict` was called. Load the state of the optimizer as well: it holds the learning
        rates."""
        self.__dict__.update(state_dict)


def check_optimizer(schedule, optimizer):
    """The optimizer, if it is one."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(schedule).__name__} needs an Optimizer, not a {type(optimizer).__name__}")
    return optimizer


def warn_of_epoch():
    warnings.warn(
        "scheduler.step(epoch) is deprecated, call step() once per epoch; where there is a formula from the initial "
        "learning rates, it is used for now",
        UserWarning,
        stacklevel=3,
    )


def own(value):
    """A number, or a copy of a tensor."""
    return value.detach().clone() if isinstance(value, Tensor) else value


def values(optimizer, name):
    """An option of all groups."""
    return [own(group[name]) for group in optimizer.param_groups]


def put(group, name, value):
    """Set an option of a group; a tensor stays the same tensor and gets the value."""
    if isinstance(group[name], Tensor):
        array = group[name].array
        array.fill(float(value))
        writes.note(array, "scheduler.step", calling_line())
    else:
        group[name] = value


def for_groups(name, optimizer, value):
    """An argument that is one value, or a list with one for each group, as such a list."""
    count = len(optimizer.param_groups)
    if isinstance(value, (list, tuple)):
        if len(value) != count:
            raise ValueError(f"{name}: {len(value)} values for {count} parameter groups; give one, or one for each")
        return [own(item) for item in value]
    return [own(value) for _ in range(count)]


def functions_for_groups(kind, optimizer, function):
    """A function, or a list with one for each group, as such a list."""
    functions = for_groups(f"{kind}: lr_lambda", optimizer, function)
    for f in functions:
        if not callable(f):
            raise TypeError(f"{kind}: lr_lambda must be a function of the epoch, not a {type(f).__name__}")
    return functions


def attributes_of(function):
    """What can be saved of a function: nothing, or the attributes of an object that is called like one."""
    return None if isinstance(function, types.FunctionType) else function.__dict__.copy()
