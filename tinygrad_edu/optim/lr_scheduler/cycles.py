"""Schedules that raise the learning rate and lower it again, and momentum the other way round. One step per batch."""

import math

from .base import LRScheduler, attributes_of, check_optimizer, for_groups, put


class CyclesMomentum(LRScheduler):
    """A schedule that also sets the momentum of the groups, or β₁ where the optimizer has betas."""

    def _cycle_momentum(self, cycle_momentum, base_momentum, max_momentum, last_epoch):
        """Note the limits of the momentum, if it is to be cycled, and set it to the highest; returns the limits."""
        self.cycle_momentum = cycle_momentum
        if not cycle_momentum:
            return None
        kind, optimizer = type(self).__name__, self.optimizer
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(
                f"{kind}: {type(optimizer).__name__} has neither a momentum nor betas; give cycle_momentum=False"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        limits = [
            for_groups(f"{kind}: {name}", optimizer, value)
            for name, value in (("base_momentum", base_momentum), ("max_momentum", max_momentum))
        ]
        if last_epoch == -1:
            for group, least, most in zip(optimizer.param_groups, *limits):
                self._put_momentum(group, most)
                group["max_momentum"], group["base_momentum"] = most, least
        return limits

    def _put_momentum(self, group, value):
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(CyclesMomentum):
    """From `base_lr` up to `max_lr` in `step_size_up` steps, and down again in `step_size_down`, in straight lines;
    and so on.

    Smith 2017, "Cyclical learning rates for training neural networks". In cycle n = 1, 2, … the height max_lr −
    base_lr is multiplied by a factor:

    mode        "triangular": 1. "triangular2": 1 / 2^(n − 1). "exp_range": gamma^t
    scale_fn    the factor, as a function of n (scale_mode "cycle") or of t ("iterations"), instead of a mode
    cycle_momentum, base_momentum, max_momentum
                momentum goes from `max_momentum` down to `base_momentum` while the learning rate goes up, and back

    base_lr, max_lr and the momenta are numbers, or lists with one for each group.
    """

    def __init__(
        self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0,
        scale_fn=None, scale_mode="cycle", cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1,
    ):  # fmt: skip
        self.optimizer = check_optimizer(self, optimizer)
        base_lrs = for_groups("CyclicLR: base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs):
                put(group, "lr", rate)
        self.max_lrs = for_groups("CyclicLR: max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if scale_fn is None:
            if mode not in ("triangular", "triangular2", "exp_range"):
                raise ValueError(
                    f"CyclicLR: mode is 'triangular', 'triangular2' or 'exp_range', or give scale_fn; not {mode!r}"
                )
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.mode, self.gamma, self.scale_mode, self._scale_fn_custom = mode, gamma, scale_mode, scale_fn
        limits = self._cycle_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch)
        if limits:
            self.base_momentums, self.max_momentums = limits
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x):
        """The factor of the height in cycle x, or in step x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else self.gamma**x

    def _next_lr(self):
        t = self.last_epoch
        cycle = math.floor(1 + t / self.total_size)
        part = 1.0 + t / self.total_size - cycle
        height = part / self.step_ratio if part <= self.step_ratio else (part - 1) / (self.step_ratio - 1)
        factor = self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.cycle_momentum:
            for group, least, most in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                self._put_momentum(group, most - (most - least) * height * factor)
        return [least + (most - least) * height * factor for least, most in zip(self.base_lrs, self.max_lrs)]

    def state_dict(self):
        """Everything but the optimizer, and of `scale_fn` what can be saved: the attributes of an object."""
        custom = self._scale_fn_custom
        return {**super().state_dict(), "_scale_fn_custom": None if custom is None else attributes_of(custom)}

    def load_state_dict(self, state_dict):
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_scale_fn_custom"})
        if state_dict["_scale_fn_custom"] is not None:
            self._scale_fn_custom.__dict__.update(state_dict["_scale_fn_custom"])


class OneCycleLR(CyclesMomentum):
    """From max_lr / div_factor up to `max_lr`, and then down to max_lr / div_factor / final_div_factor, in one cycle.

    Smith & Topin 2018, "Super-convergence: very fast training of neural networks using large learning rates".

    total_steps      the length of the cycle; or epochs and steps_per_epoch, their product
    pct_start        which part of it goes up
    anneal_strategy  "cos" or "linear"
    cycle_momentum, base_momentum, max_momentum
                     momentum goes from `max_momentum` down to `base_momentum` while the learning rate goes up, and back
    three_phase      go down to the initial learning rate as fast as up, and in the rest to the last one

    max_lr and the momenta are numbers, or lists with one for each group.
    """

    def __init__(
        self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3,
        anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
        final_div_factor=1e4, three_phase=False, last_epoch=-1,
    ):  # fmt: skip
        self.optimizer = check_optimizer(self, optimizer)
        self.total_steps = length_of_cycle(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start must be a float between 0 and 1, and is {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy is 'cos' or 'linear', not {anneal_strategy!r}")
        self._schedule_phases = phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        most = for_groups("OneCycleLR: max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, most):
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self._cycle_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _next_lr(self):
        t, start = self.last_epoch, 0.0
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR: step {t} of a schedule of {self.total_steps} steps")
        for phase in self._schedule_phases:
            if t <= phase["end_step"]:
                break
            if phase is not self._schedule_phases[-1]:
                start = phase["end_step"]
        part = (t - start) / (phase["end_step"] - start)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                ends = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._put_momentum(group, between(self._anneal_func_type, *ends, part))
        groups = self.optimizer.param_groups
        return [
            between(self._anneal_func_type, group[phase["start_lr"]], group[phase["end_lr"]], part) for group in groups
        ]


def length_of_cycle(total_steps, epochs, steps_per_epoch):
    """The number of steps that the arguments of OneCycleLR mean."""
    given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    if total_steps is not None:
        given = {"total_steps": total_steps}
    for name, value in given.items():
        if value is None:
            raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"OneCycleLR: {name} must be a positive integer, and is {value!r}")
    return math.prod(given.values())


def phases(total, up, three):
    """The phases of a cycle: when each ends, and the options of the groups between which it goes."""
    rise = float(up * total) - 1
    if three:
        plan = [
            (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
            (float(2 * up * total) - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
            (total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
        ]
    else:
        plan = [
            (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
            (total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"),
        ]
    return [dict(zip(("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum"), phase)) for phase in plan]


def between(strategy, start, end, part):
    """`part` of the way from `start` to `end`, along half a cosine or a straight line."""
    if strategy == "linear":
        return start + (end - start) * part
    return end + (start - end) / 2 * (math.cos(math.pi * part) + 1)
