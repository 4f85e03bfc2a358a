"""Checkpoints: files from which training goes on as if it had never been interrupted."""

import os

from ..serialization import LoadError, load, save
from .generators import Generators

__all__ = ["Checkpoint", "NoCheckpoint"]

FORMAT = "tinygrad_edu.train checkpoint 1"


class NoCheckpoint:
    """What stands in for a Checkpoint where none is wanted."""

    state = None

    def note_start(self):
        """An epoch is about to ask for its first batch."""

    def note_end(self):
        """All batches of an epoch are done, validation is about to begin."""

    def save(self, run, ended=False):
        """Write where the run stands. ended: validation was given up; the random numbers it drew are to be undone."""

    def load_rest(self, run):
        """Load what callbacks must not overwrite as they begin."""

    def replay(self, run):
        """The batches of an epoch that was interrupted, after those that are done."""


class Checkpoint(NoCheckpoint):
    """The file of a run: model, optimizer, callbacks, metrics so far, history, and the random generators, now and at
    the start of the epoch. Within an epoch the order of its samples follows from the latter: the batches that are done
    are asked for again and thrown away.

    The file is written whole, by tinygrad_edu.serialization, and nothing in it is executed.
    """

    def __init__(self, path, run):
        self.path = os.fspath(path)
        self.generators = Generators(run.loader, run.model, run.callbacks.all)
        self.at_start = self.at_end = self.state = None
        if os.path.exists(self.path):
            self.state = self.read()
            try:
                run.load_progress(self.state)
            except ValueError as error:
                raise ValueError(f"{self.path} cannot be resumed: {error}. Another path starts a new run") from None

    def read(self):
        """The contents of the file."""
        try:
            state = load(self.path)
        except LoadError as error:
            raise LoadError(f"{self.path} cannot be resumed: {error}") from error
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise ValueError(f"{self.path} is no checkpoint of train.fit, and will not be replaced; give another path")
        return state

    def note_start(self):
        self.at_start = self.generators.get()

    def note_end(self):
        self.at_end = self.generators.get()

    def save(self, run, ended=False):
        os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
        now = self.at_end if ended else self.generators.get()
        state = run.state_dict()
        save({"format": FORMAT, **state, "generators": {"now": now, "start of epoch": self.at_start}}, self.path)

    def load_rest(self, run):
        if self.state is not None:
            run.load_state_dict(self.state)
            generators = self.state["generators"]
            self.at_start = generators["start of epoch"]
            self.generators.set(generators["now"])

    def replay(self, run):
        now = self.generators.get()
        self.generators.set(self.at_start)
        iterator = iter(run.loader)
        for _ in range(run.batch):
            if next(iterator, None) is None:
                raise ValueError(f"{self.path} cannot be resumed: the data now have fewer than {run.batch} batches")
        self.generators.set(now)
        return iterator
