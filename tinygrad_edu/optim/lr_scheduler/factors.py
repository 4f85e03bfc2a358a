"""Schedules that multiply the learning rate by a factor, which depends on the epoch."""

from bisect import bisect_right
from collections import Counter

from .base import LRScheduler, attributes_of, functions_for_groups, values


class FunctionLR(LRScheduler):
    """A schedule by functions of the user's. Functions cannot be saved; the attributes of objects that are called like
    functions are."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.lr_lambdas = functions_for_groups(type(self).__name__, optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def state_dict(self):
        return {**super().state_dict(), "lr_lambdas": [attributes_of(function) for function in self.lr_lambdas]}

    def load_state_dict(self, state_dict):
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            if attributes is not None:
                function.__dict__.update(attributes)


class LambdaLR(FunctionLR):
    """lr₀ · lr_lambda(t); `lr_lambda` is one function, or a list with one for each group."""

    def _next_lr(self):
        return [base * factor(self.last_epoch) for base, factor in zip(self.base_lrs, self.lr_lambdas)]


class MultiplicativeLR(FunctionLR):
    """Multiplied by lr_lambda(t) in epoch t; `lr_lambda` is one function, or a list with one for each group."""

    def _next_lr(self):
        if self._is_initial:
            return values(self.optimizer, "lr")
        now = values(self.optimizer, "lr")
        return [rate * factor(self.last_epoch) for rate, factor in zip(now, self.lr_lambdas)]


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

    def _next_lr(self):
        return [base / (1 + self.gamma * self.last_epoch) for base in self.base_lrs]


class StepLR(LRScheduler):
    """Multiplied by `gamma` every `step_size` epochs."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _next_lr(self):
        return self._scaled(self.gamma if self.last_epoch > 0 and self.last_epoch % self.step_size == 0 else 1)

    def _get_closed_form_lr(self):
        return self._from_start(self.gamma ** (self.last_epoch // self.step_size))


class MultiStepLR(LRScheduler):
    """Multiplied by `gamma` at each epoch in `milestones` (twice where one is named twice)."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _next_lr(self):
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self):
        return self._from_start(self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch))


class ExponentialLR(LRScheduler):
    """Multiplied by `gamma` every epoch: lr₀ · gammaᵗ."""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next_lr(self):
        return self._scaled(1 if self._is_initial else self.gamma)

    def _get_closed_form_lr(self):
        return self._from_start(self.gamma**self.last_epoch)


class ConstantLR(LRScheduler):
    """lr₀ · factor for the first `total_iters` epochs, then lr₀."""

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor must lie between 0 and 1, and is {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _next_lr(self):
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        return self._scaled(1 / self.factor if self.last_epoch == self.total_iters else 1)

    def _get_closed_form_lr(self):
        return self._from_start(1 if self.last_epoch >= self.total_iters else self.factor)


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

    def _next_lr(self):
        t, n = self.last_epoch, self.total_iters
        if t == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or t > n:
            return self._scaled(1)
        rise = self.end_factor - self.start_factor  # the factor now over the factor before
        return self._scaled(1 + rise / (n * self.start_factor + (t - 1) * rise))

    def _get_closed_form_lr(self):
        part = min(self.total_iters, self.last_epoch) / self.total_iters
        return self._from_start(self.start_factor + (self.end_factor - self.start_factor) * part)


class PolynomialLR(LRScheduler):
    """lr₀ · (1 − t / total_iters) ^ power until t = total_iters, and 0 from there on."""

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _next_lr(self):
        t, n = self.last_epoch, self.total_iters
        if self._is_initial or t > n:
            return self._scaled(1)
        return self._scaled(((1 - t / n) / (1 - (t - 1) / n)) ** self.power)

    def _get_closed_form_lr(self):
        left = 1 - min(self.total_iters, self.last_epoch) / self.total_iters
        return self._from_start(left**self.power)
