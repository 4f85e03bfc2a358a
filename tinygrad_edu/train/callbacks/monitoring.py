"""Watching one quantity of the history: which value is better, and stopping when it no longer improves."""

import math

from ..history import VALIDATION, number_text
from .base import Callback

__all__ = ["EarlyStopping", "Monitoring"]


class Monitoring(Callback):
    """The base of callbacks that compare a quantity from epoch to epoch.

    monitor    its name in the history: "loss", "val_loss", "val_accuracy", ...
    mode       "min" if small values are good, "max" if large ones; by default what the loss or the metric says
    min_delta  what is not better by more than this is not better
    """

    remembers = ("best", "best_epoch")

    def __init__(self, monitor="val_loss", mode=None, min_delta=0.0):
        if mode not in (None, "min", "max"):
            raise ValueError(f"{type(self).__name__}: mode is 'min', 'max' or None, not {mode!r}")
        if not min_delta >= 0:
            raise ValueError(f"{type(self).__name__}: min_delta must not be negative, and is {min_delta}")
        self.monitor, self.mode, self.min_delta = monitor, mode, min_delta

    def on_fit_begin(self, run):
        self.sign = -1 if (self.mode or self.mode_of_metric(run)) == "min" else 1
        self.best, self.best_epoch = None, None

    def mode_of_metric(self, run):
        """ "min" or "max", as the metric that is monitored has it."""
        name = self.monitor.removeprefix(VALIDATION)
        better = "min" if name == "loss" else {metric.name: metric.better for metric in run.metrics}.get(name)
        if better is None:
            raise ValueError(
                f"{type(self).__name__}: are large values of {self.monitor!r} good or bad? Give mode='max' or 'min'"
            )
        return better

    def improved(self, run):
        """Whether the value of this epoch is the best so far, which it then becomes. NaN is never better."""
        if self.monitor not in run.logs:
            hint = "; give fit validation=…" if self.monitor.startswith(VALIDATION) else ""
            raise ValueError(
                f"{type(self).__name__}: the history has no {self.monitor!r}, only {', '.join(run.logs)}{hint}"
            )
        value = float(run.logs[self.monitor])
        if math.isnan(value):
            return False
        if self.best is not None and not self.sign * (value - self.best) > self.min_delta:
            return False
        self.best, self.best_epoch = value, run.epoch + 1
        return True


class EarlyStopping(Monitoring):
    """Ends training when a quantity has not improved for `patience` epochs.

    monitor, mode, min_delta  see Monitoring: "val_loss" by default
    patience                  after so many epochs in a row without an improvement training ends
    restore_best              at the end give the model the weights of its best epoch, also if all epochs were run; not
                              if Ctrl-C ended training, which keeps the weights reached

    best, best_epoch  the best value and the number of its epoch, counted from 1
    best_weights      the state_dict of the model then (with restore_best)
    """

    remembers = (*Monitoring.remembers, "best_weights", "waited")

    def __init__(self, monitor="val_loss", patience=5, min_delta=0.0, mode=None, restore_best=True):
        super().__init__(monitor, mode, min_delta)
        if not isinstance(patience, int) or patience < 1:
            raise ValueError(f"EarlyStopping: patience must be a positive integer, not {patience!r}")
        self.patience, self.restore_best = patience, restore_best

    def on_fit_begin(self, run):
        super().on_fit_begin(run)
        self.waited, self.best_weights = 0, None

    def on_epoch_end(self, run):
        if self.improved(run):
            self.waited = 0
            if self.restore_best:
                self.best_weights = {name: value.clone() for name, value in run.model.state_dict().items()}
            return
        self.waited += 1
        if self.waited >= self.patience:
            epochs = "1 epoch" if self.waited == 1 else f"{self.waited} epochs"
            best = "it never was a number"
            if self.best is not None:
                best = f"the best was {number_text(self.best)} in epoch {self.best_epoch}"
            run.stop(f"EarlyStopping: {self.monitor} has not improved for {epochs}; {best}")

    def on_fit_end(self, run):
        if self.best_weights is not None and not run.history.interrupted:
            run.model.load_state_dict(self.best_weights)
