"""Callbacks that write files: the best weights, and a table of the epochs."""

import os

from ...files import write_whole
from ...serialization import save
from ..history import is_number
from .base import Callback
from .monitoring import Monitoring

__all__ = ["CSVLogger", "ModelCheckpoint"]


class ModelCheckpoint(Monitoring):
    """Saves the model's state_dict after epochs: `model.load_state_dict(tg.load("best.pt"))`. To resume training there
    is `fit(..., checkpoint="run.pt")`.

    path                      where to; it may name the epoch, counted from 1, and values:
                              "out/{epoch:03}_{val_loss:.3f}.pt". Missing folders are made
    monitor, mode, min_delta  see Monitoring: "val_loss" by default
    best_only                 only if that is the best so far; with False after every epoch, and monitor is not used
    """

    def __init__(self, path, monitor="val_loss", mode=None, best_only=True, min_delta=0.0):
        super().__init__(monitor, mode, min_delta)
        self.path, self.best_only = os.fspath(path), best_only

    def on_fit_begin(self, run):
        if self.best_only:
            super().on_fit_begin(run)
        else:
            self.best = self.best_epoch = None

    def on_epoch_end(self, run):
        if self.best_only and not self.improved(run):
            return
        try:
            path = self.path.format(epoch=run.epoch + 1, **run.logs)
        except (KeyError, IndexError) as error:
            raise ValueError(
                f"ModelCheckpoint: the path {self.path!r} names {error}, and there are epoch, {', '.join(run.logs)}"
            ) from None
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        save(run.model.state_dict(), path)


class CSVLogger(Callback):
    """Writes a line per epoch to a table: the number of the epoch, counted from 1, and the values of the history that
    are numbers, with all their digits.

    path  of the file, which is replaced when training begins. A resumed run begins it with the lines of the epochs that
          are done, so that it is in the end that of a run without interruption

    Lines are written whole, each when its epoch ends. The columns are those of the first epoch.
    """

    def __init__(self, path):
        self.path = os.fspath(path)

    def on_fit_begin(self, run):
        self.columns = None
        history = run.history.numbers()
        if history:
            self.columns = list(history)
            rows = [dict(zip(history, values)) for values in zip(*history.values())]
            lines = [self.line(epoch, row) for epoch, row in enumerate(rows, 1)]
            write_whole(self.path, self.header() + "".join(lines))

    def on_epoch_end(self, run):
        if self.columns is None:
            self.columns = [name for name, value in run.logs.items() if is_number(value)]
            write_whole(self.path, self.header())
        with open(self.path, "ab", buffering=0) as file:  # one write for the line
            file.write(self.line(run.epoch + 1, run.logs).encode())

    def header(self):
        return ",".join(["epoch", *self.columns]) + "\n"

    def line(self, epoch, values):
        texts = ["" if values.get(name) is None else repr(float(values[name])) for name in self.columns]
        return ",".join([str(epoch), *texts]) + "\n"
