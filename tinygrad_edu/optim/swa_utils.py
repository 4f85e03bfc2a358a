"""Averages of models over the course of training, and the schedule that goes with them."""

import copy
import math

import numpy as np

from ..define import op
from ..devices import check_device
from ..grad_mode import no_grad
from ..nn import Module
from ..tensor import tensor
from .batches import apply
from .lr_scheduler.base import LRScheduler, for_groups

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


class AveragedModel(Module):
    """A copy of a model, `module`, whose parameters are averages of those that the model had at each
    `update_parameters`.

    Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization": the mean of all of them.
    An exponential moving average is `AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))`.

    avg_fn        how to average: a function of (average, parameter, number of parameters in the average), which returns
                  the new average
    multi_avg_fn  the same for lists of parameters, which it changes in place
    use_buffers   average the buffers as well; otherwise they are copied from the model
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        check_device(device)
        self.module = copy.deepcopy(model)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model):
        """Take the present parameters of `model` into the average; the first time they become the average."""
        averages, parameters = (
            [x.detach() for x in (*m.parameters(), *(m.buffers() if self.use_buffers else ()))]
            for m in (self.module, model)
        )
        if self.n_averaged == 0:
            copy_all(averages, parameters)
        elif self.avg_fn is not None:
            copy_all(averages, [self.avg_fn(*pair, self.n_averaged) for pair in zip(averages, parameters)])
        else:
            average = self.multi_avg_fn or get_swa_multi_avg_fn()
            for dtype in dict.fromkeys(x.dtype for x in averages):
                pairs = [(x, y) for x, y in zip(averages, parameters) if x.dtype == dtype]
                average(*map(list, zip(*pairs)), self.n_averaged)
        if not self.use_buffers:
            copy_all(list(self.module.buffers()), list(model.buffers()))
        self.n_averaged += 1


def get_ema_multi_avg_fn(decay=0.999):
    """A function for lists of parameters that makes average ← decay · average + (1 − decay) · parameter."""
    check_decay(decay)
    return lambda averages, parameters, _: move_towards(averages, parameters, 1 - decay)


def get_swa_multi_avg_fn():
    """A function for lists of parameters that makes average ← average + (parameter − average) / (number + 1)."""
    return lambda averages, parameters, number: move_towards(averages, parameters, 1 / (int(number) + 1))


def get_ema_avg_fn(decay=0.999):
    """A function that returns decay · average + (1 − decay) · parameter."""
    check_decay(decay)
    return no_grad(lambda average, parameter, _: decay * average + (1 - decay) * parameter)


def get_swa_avg_fn():
    """A function that returns average + (parameter − average) / (number + 1): the mean, if number parameters are in the
    average so far."""
    return no_grad(lambda average, parameter, number: average + (parameter - average) / (number + 1))


def check_decay(decay):
    if not 0 <= decay <= 1:
        raise ValueError(f"the decay of an average must lie between 0 and 1, and is {decay}")


def copy_all(targets, values):
    move_towards(targets, values, 1.0)


def move_towards(targets, values, part):
    """Move each of a list of tensors `part` of the way to its value."""
    apply(averaging, "update_parameters", [x.array for x in targets], [x.array for x in values], part)


@op(None, None, internal=True, method=False, promotes=False)
def averaging(targets, values, part):
    """targets ← targets + part · (values − targets), for lists of arrays; integers are cut off."""
    for target, value in zip(targets, values):
        if part != 1:
            value = target + (value - target) * np.asarray(part, target.dtype if target.dtype.kind == "f" else None)
        np.copyto(target, value, casting="unsafe")


@no_grad()
def update_bn(loader, model, device=None):
    """Compute the running statistics of all batch normalisation layers of `model` anew, as averages over a pass through
    `loader`.

    loader  batches: the input of the model, or lists or tuples that begin with it
    """
    from ..nn.batchnorm import _BatchNorm

    check_device(device)
    layers = [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]
    if not layers:
        return
    momenta, training = [layer.momentum for layer in layers], model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
    try:
        for batch in loader:
            model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    finally:
        for layer, momentum in zip(layers, momenta):
            layer.momentum = momentum
        model.train(training)


class SWALR(LRScheduler):
    """From the present learning rate to `swa_lr` over `anneal_epochs` epochs, where it stays.

    swa_lr           a number, or a list with one for each group
    anneal_strategy  "cos" (half a cosine) or "linear"
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        for group, rate in zip(optimizer.param_groups, for_groups("SWALR: swa_lr", optimizer, swa_lr)):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy is 'cos' or 'linear', not {anneal_strategy!r}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs must be an integer of at least 0, and is {anneal_epochs!r}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _progress(self, step):
        """How much of the way is done after so many steps, from 0 to 1."""
        part = max(0, min(1, step / max(1, self.anneal_epochs)))
        return part if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * part)) / 2

    def _next_lr(self):
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._progress(step - 1), self._progress(step)
        rates = []
        for group in self.optimizer.param_groups:
            end = group["swa_lr"]
            start = end if before == 1 else (group["lr"] - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
