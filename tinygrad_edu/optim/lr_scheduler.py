"""Schedules: learning rates that change as training goes on. Call `scheduler.step()` after `optimizer.step()`, once
per epoch.

Most schedules compute a learning rate from the one before it, as PyTorch's do: so several of them can act on one
optimizer, each multiplying what the others left. The formula in a schedule's docstring says what it gives alone, lr₀
being the initial learning rate and t the number of steps of the schedule.
"""

import math
import warnings
from bisect import bisect_right

from .optimizer import Optimizer

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "ExponentialLR", "InverseTimeLR", "LRScheduler", "LambdaLR", "LinearLR",
    "MultiStepLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip


class LRScheduler:
    """The base of all schedules: a subclass says in `get_lr` what the learning rates of the groups are after
    `last_epoch` steps.

    last_epoch  −1 for a new schedule. To go on from an epoch, the groups must hold "initial_lr"; usually
                `load_state_dict` is simpler

    base_lrs    the learning rate of each group at the start
    """

    def __init__(self, optimizer, last_epoch=-1):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} needs an Optimizer, not a {type(optimizer).__name__}")
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param_groups[{index}] has no 'initial_lr', which is needed to go on from epoch {last_epoch}; "
                    f"load the state of "
                    "the optimizer before the schedule is made, or start at last_epoch=-1 and use load_state_dict"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._calls = 0
        self._advance(last_epoch + 1)

    def get_lr(self):
        """The learning rate of each group for `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr")

    def get_last_lr(self):
        """The learning rates that were set last, one per group."""
        return self._last_lr

    def step(self):
        """Go on to the next epoch and set the learning rates."""
        self._calls += 1
        if self._calls == 1 and self.optimizer._steps == 0:
            warnings.warn(
                "scheduler.step() was called before optimizer.step(): the first learning rate of the schedule is "
                "skipped. "
                "Call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        self._advance(self.last_epoch + 1)

    def _advance(self, epoch):
        self.last_epoch = epoch
        self._set(self.get_lr())

    def _set(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = rate
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _scaled(self, factor):
        """The present learning rates times `factor`."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def state_dict(self):
        """Everything but the optimizer, to go on from here."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict):
        """Go on from where `state_dict` was called. Load the state of the optimizer as well: it holds the learning
        rates."""
        self.__dict__.update(state_dict)


class LambdaLR(LRScheduler):
    """lr₀ · lr_lambda(t); `lr_lambda` is one function, or a list with one for each group."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        count = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise ValueError(f"LambdaLR: {len(self.lr_lambdas)} functions for {count} parameter groups; give one each")
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * factor(self.last_epoch) for base, factor in zip(self.base_lrs, self.lr_lambdas)]

    def state_dict(self):
        """Everything but the optimizer and the functions, which cannot be saved."""
        return {name: value for name, value in super().state_dict().items() if name != "lr_lambdas"}


class InverseTimeLR(LRScheduler):
    """lr₀ / (1 + gamma · t): the "1/t decay" of the literature (Robbins & Monro 1951, "A stochastic approximation
    method").

    PyTorch has no schedule by this name; there it is `LambdaLR(optimizer, lambda t: 1 / (1 + gamma * t))`.
    """

    def __init__(self, optimizer, gamma, last_epoch=-1):
        if gamma < 0:
            raise ValueError(f"InverseTimeLR: gamma must not be negative, and is {gamma}")
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base / (1 + self.gamma * self.last_epoch) for base in self.base_lrs]


class StepLR(LRScheduler):
    """Multiplied by `gamma` every `step_size` epochs."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return self._scaled(self.gamma if self.last_epoch > 0 and self.last_epoch % self.step_size == 0 else 1)


class MultiStepLR(LRScheduler):
    """Multiplied by `gamma` at each epoch in `milestones` (twice where one is named twice)."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return self._scaled(self.gamma ** self.milestones.count(self.last_epoch))


class ExponentialLR(LRScheduler):
    """Multiplied by `gamma` every epoch: lr₀ · gammaᵗ."""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return self._scaled(self.gamma if self.last_epoch > 0 else 1)


class ConstantLR(LRScheduler):
    """lr₀ · factor for the first `total_iters` epochs, then lr₀."""

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor must lie between 0 and 1, and is {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        return self._scaled(1 / self.factor if self.last_epoch == self.total_iters else 1)


class LinearLR(LRScheduler):
    """lr₀ times a factor that goes from `start_factor` to `end_factor` in equal steps over `total_iters` epochs, and
    then stays."""

    def __init__(self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
        if not 0 < start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor must be above 0 and at most 1, and is {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must lie between 0 and 1, and is {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        t, n = self.last_epoch, self.total_iters
        if t == 0:
            return self._scaled(self.start_factor)
        if t > n:
            return self._scaled(1)
        rise = self.end_factor - self.start_factor  # the factor now over the factor before
        return self._scaled(1 + rise / (n * self.start_factor + (t - 1) * rise))


class CosineAnnealingLR(LRScheduler):
    """eta_min + (lr₀ − eta_min) · (1 + cos(π t / T_max)) / 2: half a cosine, from lr₀ down to `eta_min` at t = T_max.

    Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5 (without the restarts).
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        t, period, least = self.last_epoch, self.T_max, self.eta_min
        now = [group["lr"] for group in self.optimizer.param_groups]
        if t == 0:
            return now
        if (t - 1 - period) % (2 * period) == 0:  # from the minimum there is no ratio to the next value
            rise = (1 - math.cos(math.pi / period)) / 2
            return [rate + (base - least) * rise for rate, base in zip(now, self.base_lrs)]
        ratio = (1 + math.cos(math.pi * t / period)) / (1 + math.cos(math.pi * (t - 1) / period))
        return [ratio * (rate - least) + least for rate in now]


class SequentialLR(LRScheduler):
    """One schedule after the other: schedulers[i] takes over at epoch milestones[i − 1], where it starts from its
    beginning."""

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones, not {len(milestones)}"
            )
        if any(scheduler.optimizer is not optimizer for scheduler in schedulers):
            raise ValueError("SequentialLR: all schedulers must be made for the optimizer that it is given")
        self.optimizer, self._schedulers, self._milestones = optimizer, list(schedulers), list(milestones)
        self.last_epoch, self._calls = last_epoch + 1, 0
        self.base_lrs = schedulers[0].base_lrs
        for (
            group
        ) in optimizer.param_groups:  # undo the first learning rates, which the schedulers set when they were made
            group["lr"] = group["initial_lr"]
        for scheduler in self._schedulers:
            scheduler.last_epoch -= 1
        self._begin(self._schedulers[0])

    def _begin(self, scheduler):
        scheduler._advance(scheduler.last_epoch + 1)
        self._last_lr = scheduler.get_last_lr()

    def _advance(self, epoch):
        self.last_epoch = epoch
        index = bisect_right(self._milestones, epoch)
        scheduler = self._schedulers[index]
        if index and self._milestones[index - 1] == epoch:
            for group in self.optimizer.param_groups:
                group["lr"] = group["initial_lr"]
            scheduler.last_epoch = -1
        self._begin(scheduler)

    def state_dict(self):
        own = {name: value for name, value in super().state_dict().items() if name != "_schedulers"}
        return {**own, "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict):
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler.load_state_dict(state)
        self.__dict__.update({name: value for name, value in state_dict.items() if name != "_schedulers"})


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the learning rate by `factor` when a quantity, given to `step`, has not improved for more than
    `patience` epochs.

    mode            "min" if the quantity should decrease, "max" if it should increase
    threshold       an improvement is one by more than this: a fraction of the best value (threshold_mode "rel") or
                    absolute ("abs")
    cooldown        epochs to wait after a reduction before counting again
    min_lr          the least learning rate: a number, or a list with one for each group
    eps             changes of the learning rate that are not larger than this are not made
    """

    def __init__(
        self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0,
        eps=1e-8,
    ):  # fmt: skip
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be less than 1, and is {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"ReduceLROnPlateau: mode is 'min' or 'max', threshold_mode 'rel' or 'abs', not {mode!r}, {threshold_mode!r}"
            )
        count = len(optimizer.param_groups)
        self.min_lrs = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * count
        if len(self.min_lrs) != count:
            raise ValueError(f"ReduceLROnPlateau: {len(self.min_lrs)} values of min_lr for {count} parameter groups")
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        super().__init__(optimizer)

    def get_lr(self):
        return self._scaled(1)

    def step(self, metrics):
        """Tell the quantity (a number, or a tensor of one element) at the end of an epoch."""
        value = float(metrics)
        self.last_epoch += 1
        if self.is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            now = [float(group["lr"]) for group in self.optimizer.param_groups]
            lower = [max(rate * self.factor, least) for rate, least in zip(now, self.min_lrs)]
            self._set([new if rate - new > self.eps else rate for rate, new in zip(now, lower)])
        else:
            self._set(self.get_lr())

    def is_better(self, value, best):
        """Whether `value` improves on `best` by more than the threshold."""
        sign = 1 if self.mode == "max" else -1
        relative = self.threshold_mode == "rel"
        target = best * (1 + sign * self.threshold) if relative else best + sign * self.threshold
        return sign * value > sign * target
