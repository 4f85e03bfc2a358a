"""Schedules along a cosine."""

import math

from .base import LRScheduler, put, values


class CosineAnnealingLR(LRScheduler):
    """eta_min + (lr₀ − eta_min) · (1 + cos(π t / T_max)) / 2: half a cosine, from lr₀ down to `eta_min` at t = T_max.

    Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5 (without the restarts).
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def _next_lr(self):
        t, period, least = self.last_epoch, self.T_max, self.eta_min
        now = values(self.optimizer, "lr")
        if self._is_initial:
            return now
        if (t - 1 - period) % (2 * period) == 0:  # from the minimum there is no ratio to the next value
            rise = (1 - math.cos(math.pi / period)) / 2
            return [rate + (base - least) * rise for rate, base in zip(now, self.base_lrs)]
        ratio = (1 + math.cos(math.pi * t / period)) / (1 + math.cos(math.pi * (t - 1) / period))
        return [ratio * (rate - least) + least for rate in now]

    def _get_closed_form_lr(self):
        return falling(self.base_lrs, self.eta_min, self.last_epoch / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """A cosine from lr₀ down to `eta_min`, again and again, over periods of T₀, T₀ · T_mult, T₀ · T_mult², … epochs.

    Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5. `step(epoch)` goes to
    any epoch, which may be a fraction: step(epoch + i / len(loader)) after batch i.
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"CosineAnnealingWarmRestarts: T_0 must be a positive integer, and is {T_0!r}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"CosineAnnealingWarmRestarts: T_mult must be an integer of at least 1, and is {T_mult!r}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(
                f"CosineAnnealingWarmRestarts: eta_min must be a number, and is a {type(eta_min).__name__}"
            )
        self.T_0 = self.T_i = T_0  # the first period and the present one
        self.T_mult, self.eta_min = T_mult, eta_min
        self.T_cur = last_epoch  # epochs since the last restart
        super().__init__(optimizer, last_epoch)

    def _next_lr(self):
        return falling(self.base_lrs, self.eta_min, self.T_cur / self.T_i)

    def step(self, epoch=None):
        """Go on to the next epoch, or to `epoch`, which may be a fraction."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            self._find(epoch)
        self.last_epoch = math.floor(epoch)
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, rates):
            put(group, "lr", rate)
        self._last_lr = values(self.optimizer, "lr")

    def _find(self, epoch):
        """Set the period in which an epoch lies, and the place in it."""
        if epoch < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts: an epoch cannot be negative, and this is {epoch}")
        first, factor = self.T_0, self.T_mult
        if epoch < first:
            self.T_i, self.T_cur = first, epoch
        elif factor == 1:
            self.T_cur = epoch % first
        else:  # the first n periods last first · (factorⁿ − 1) / (factor − 1)
            n = int(math.log(epoch / first * (factor - 1) + 1, factor))
            self.T_cur = epoch - first * (factor**n - 1) / (factor - 1)
            self.T_i = first * factor**n


def falling(starts, end, part):
    """`part` of the way down half a cosine from each of `starts` to `end`."""
    height = (1 + math.cos(math.pi * part)) / 2
    return [end + (start - end) * height for start in starts]
