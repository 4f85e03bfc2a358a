"""Run: one training run as callbacks see it, and as a checkpoint holds it."""

import inspect

from .callbacks import Callbacks
from .evaluation import Meters
from .history import History

__all__ = ["Run"]


class Run:
    """What is trained how, and where it stands; what each callback is given.

    model, optimizer, loss    loss is a function (output, target)
    metrics                   a list of Metrics, those of the training batches
    epochs, batches           how many epochs there will be at most, and batches in each (None if unknown)
    history                   the History of the epochs that are done

    epoch, batch              how many epochs are done, and batches of the present one: the present ones' numbers,
                              counted from 0
    step                      how many batches are done in all
    inputs, target, output    of the present batch: a tuple with the model's arguments; what the loss is given
    batch_loss                its loss, a float; before the first batch None
    logs                      in on_epoch_end: {"loss": …, "val_loss": …, …} of the epoch
    stopped                   why a callback ended training; None as long as none did
    """

    def __init__(self, model, optimizer, loss, metrics, callbacks, loader, epochs):
        self.model, self.optimizer, self.loss, self.loader, self.epochs = model, optimizer, loss, loader, epochs
        self.callbacks, self.meters, self.history = Callbacks(callbacks), Meters(metrics), History()
        self.batches = length_of(loader)
        self.epoch = self.batch = self.step = 0
        self.logs, self.stopped, self.batch_loss = {}, None, None
        self.forget_batch()
        closure = inspect.signature(optimizer.step).parameters.get("closure")
        self.needs_closure = closure is not None and closure.default is closure.empty

    @property
    def metrics(self):
        return self.meters.metrics

    def stop(self, reason):
        """End training after the present batch, or in on_epoch_end after the epoch. In on_backward_end: before the
        optimizer's step (unless it is one that computes the loss several times, as LBFGS). The reason is shown, and
        kept as `history.stopped`."""
        self.stopped = str(reason)

    def forget_batch(self):
        """Let the memory of a batch go."""
        self.inputs = self.target = self.output = None

    # ---- for checkpoints

    def state_dict(self):
        """All but the random generators."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "optimizer class": type(self.optimizer).__name__,
            "callbacks": self.callbacks.state_dict(),
            "callback classes": self.callbacks.names(),
            "metric names": [metric.name for metric in self.metrics],
            "meters": self.meters.state_dict(),
            "history": dict(self.history),
            "position": {"epoch": self.epoch, "batch": self.batch, "step": self.step, "batches": self.batches},
            "stopped": self.stopped,
        }

    def load_progress(self, state):
        """History and position, which callbacks may look at as they begin."""
        for key, now in (
            ("optimizer class", type(self.optimizer).__name__),
            ("callback classes", self.callbacks.names()),
            ("metric names", [metric.name for metric in self.metrics]),
        ):
            if state[key] != now:
                raise ValueError(f"it was written by a run with other settings: its {key} were {state[key]}, now {now}")
        position = state["position"]
        if position["batches"] != self.batches:
            raise ValueError(
                f"it was written by a run with {position['batches']} batches per epoch, and now there are "
                f"{self.batches}"
            )
        self.history = History(state["history"])
        self.epoch, self.batch, self.step = (position[name] for name in ("epoch", "batch", "step"))
        self.history.resumed, self.stopped = self.epoch, state["stopped"]

    def load_state_dict(self, state):
        """The rest."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.callbacks.load_state_dict(state["callbacks"])
        self.meters.load_state_dict(state["meters"])


def length_of(loader):
    """How many batches there are; None if that is unknown, as for an iterable data set."""
    try:
        return len(loader)
    except TypeError:
        return None
