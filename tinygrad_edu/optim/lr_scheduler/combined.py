"""Schedules made of schedules: one after the other, or all at once."""

from bisect import bisect_right

from .base import LRScheduler, put, values
from .plateau import ReduceLROnPlateau


class Combined(LRScheduler):
    """A schedule made of `_schedulers`."""

    def _check(self, optimizer, schedulers):
        kind = type(self).__name__
        if not schedulers:
            raise ValueError(f"{kind}: give at least one schedule")
        for index, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{kind}: number {index} is no schedule but a {type(scheduler).__name__}")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{kind}: ReduceLROnPlateau (number {index}) has to be told a quantity; step it by itself"
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{kind}: the schedule number {index} was made for another optimizer")

    def state_dict(self):
        """Everything but the optimizer, with the states of the schedules."""
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict):
        """Go on from where `state_dict` was called, with schedules of the same kinds."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler.load_state_dict(state)


class SequentialLR(Combined):
    """One schedule after the other: schedulers[i] takes over at epoch milestones[i − 1], where it starts from its
    beginning."""

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        self._check(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones, "
                f"not {len(milestones)}"
            )
        self._schedulers, self._milestones, self.optimizer = schedulers, milestones, optimizer
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:  # undo the first learning rates, which the schedulers have set
            put(group, "lr", group["initial_lr"])
        undo(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self):
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index and self._milestones[index - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(Combined):
    """All schedules in every step, one after the other, each changing the learning rates that the one before it
    left."""

    def __init__(self, schedulers, optimizer=None):
        if schedulers:
            optimizer = optimizer or getattr(schedulers[0], "optimizer", None)
        self._check(optimizer, schedulers)
        self._schedulers, self.optimizer = schedulers, optimizer
        self._last_lr = values(optimizer, "lr")

    def step(self):
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = values(self.optimizer, "lr")


def undo(schedule):
    """Take back the first step of a schedule, or of all that it is made of."""
    for part in getattr(schedule, "_schedulers", ()):
        undo(part)
    if not hasattr(schedule, "_schedulers"):
        schedule.last_epoch -= 1
