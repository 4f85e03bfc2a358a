"""Learning rates that change during training."""

from ...optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from .base import Callback

__all__ = ["LearningRateScheduler"]


class LearningRateScheduler(Callback):
    """Sets the learning rate of every epoch, or of every batch.

        LearningRateScheduler(lambda epoch: 0.1 * 0.95**epoch)
        LearningRateScheduler(lr_scheduler.StepLR(optimizer, step_size=10))
        LearningRateScheduler(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=900, every="batch")
        LearningRateScheduler(lr_scheduler.ReduceLROnPlateau, patience=2, monitor="val_loss")

    schedule  a function of the number of the epoch (of the batch), counted from 0, that gives the learning rate; or a
              schedule of `optim.lr_scheduler`; or the class of one, made with the optimizer and `options` when
              training begins
    every     "epoch" or "batch": when the schedule goes on to the next value
    monitor   for ReduceLROnPlateau: the name of the quantity in the history

    The history gets a list "lr": the learning rate of the (first group of) parameters at the end of each epoch.
    """

    remembers = ("state",)

    def __init__(self, schedule, every="epoch", monitor="val_loss", **options):
        if every not in ("epoch", "batch"):
            raise ValueError(f"LearningRateScheduler: every is 'epoch' or 'batch', not {every!r}")
        kind = schedule if isinstance(schedule, type) else type(schedule)
        self.is_function = not issubclass(kind, LRScheduler)
        if self.is_function and (isinstance(schedule, type) or not callable(schedule)):
            raise TypeError(f"LearningRateScheduler: {schedule!r} is neither a function of the epoch nor a schedule")
        if options and not isinstance(schedule, type):
            raise TypeError(f"LearningRateScheduler: the options {list(options)} need the class of a schedule")
        self.watches = issubclass(kind, ReduceLROnPlateau)
        if self.watches and every == "batch":
            raise ValueError("LearningRateScheduler: ReduceLROnPlateau goes on once per epoch")
        self.given, self.every, self.monitor, self.options = schedule, every, monitor, options
        self.schedule = None

    @property
    def state(self):
        return None if self.is_function else self.schedule.state_dict()

    @state.setter
    def state(self, state):
        if not self.is_function:
            self.schedule.load_state_dict(state)

    def on_fit_begin(self, run):
        self.schedule = self.given(run.optimizer, **self.options) if isinstance(self.given, type) else self.given
        if not self.is_function and self.schedule.optimizer is not run.optimizer:
            raise ValueError(
                "LearningRateScheduler: the schedule was made for another optimizer than that of fit; give its class "
                "instead, and its options: LearningRateScheduler(StepLR, step_size=10)"
            )

    def on_epoch_begin(self, run):
        if self.is_function and self.every == "epoch":
            self.put(run, run.epoch)

    def on_batch_begin(self, run):
        if self.is_function and self.every == "batch":
            self.put(run, run.step)

    def on_batch_end(self, run):
        if not self.is_function and self.every == "batch":
            self.schedule.step()

    def on_epoch_end(self, run):
        run.logs["lr"] = float(run.optimizer.param_groups[0]["lr"])
        if self.is_function or self.every == "batch":
            return
        if not self.watches:
            self.schedule.step()
        elif self.monitor in run.logs:
            self.schedule.step(run.logs[self.monitor])
        else:
            raise ValueError(
                f"LearningRateScheduler: the history has no {self.monitor!r} for ReduceLROnPlateau, only "
                f"{', '.join(run.logs)}; give monitor=…, or fit validation=…"
            )

    def put(self, run, number):
        rate = float(self.schedule(number))
        if not rate >= 0:
            raise ValueError(
                f"LearningRateScheduler: the learning rate {rate} for {self.every} {number} is negative or NaN"
            )
        for group in run.optimizer.param_groups:
            group["lr"] = rate
