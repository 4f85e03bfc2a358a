"""A schedule that waits until training gets on no more."""

import math

from .base import LRScheduler, check_optimizer, for_groups, put, values, warn_of_epoch


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
        self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0,
        min_lr=0, eps=1e-8,
    ):  # fmt: skip
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be less than 1, and is {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"ReduceLROnPlateau: mode is 'min' or 'max', threshold_mode 'rel' or 'abs', not {mode!r}, "
                f"{threshold_mode!r}"
            )
        self.optimizer = check_optimizer(self, optimizer)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = for_groups("ReduceLROnPlateau: min_lr", optimizer, min_lr)
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.last_epoch = 0
        self._last_lr = values(optimizer, "lr")
        self._reset()

    def _reset(self):
        """Forget all quantities."""
        self.best = self.mode_worse
        self.num_bad_epochs = self.cooldown_counter = 0

    @property
    def in_cooldown(self):
        """Whether epochs without improvement are not counted yet."""
        return self.cooldown_counter > 0

    def step(self, metrics, epoch=None):
        """Tell the quantity (a number, or a tensor of one element) at the end of an epoch."""
        value = float(metrics)
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = values(self.optimizer, "lr")

    def _reduce_lr(self):
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau has {len(self.min_lrs)} values of min_lr, and the optimizer {len(groups)} "
                    "groups by now; append to `min_lrs` when you add a group"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs):
            rate = float(group["lr"])
            lower = max(rate * self.factor, least)
            if rate - lower > self.eps:
                put(group, "lr", lower)

    def _is_better(self, value, best):
        """Whether `value` improves on `best` by more than the threshold."""
        sign = 1 if self.mode == "max" else -1
        relative = self.threshold_mode == "rel"
        target = best * (1 + sign * self.threshold) if relative else best + sign * self.threshold
        return sign * value > sign * target
