"""What is seen of training while it runs: a bar for each epoch, lines, or nothing."""

import shutil
import sys
import time

from .history import is_number, number_text

__all__ = ["progress_of"]

FORMAT = "{desc}  {percentage:3.0f}%|{bar:10}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
FORMAT_WITHOUT_END = "{desc}  {n_fmt} batches [{elapsed}]"
"""Of bars. What does not fit into the terminal's width is cut off at the right; the values of the epoch stand left."""

REDRAWN = 0.1
"""Seconds between two pictures of a bar. What is shown costs more than a small training step."""


def progress_of(progress):
    """What shows the progress of `fit`, for its argument of this name."""
    if progress is False:
        return Silent()
    if not isinstance(progress, int) or progress < 1:
        raise ValueError(f"progress is True, False, or how many epochs a line is for; not {progress!r}")
    if progress is True and sys.stderr is not None and sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            return Lines(1)
        return Bars(tqdm)
    return Lines(int(progress))


def values_text(logs):
    """ "loss 0.1234  accuracy 0.9500": the numbers among the values."""
    return "  ".join(f"{name} {number_text(value)}" for name, value in logs.items() if is_number(value))


class Silent:
    """Shows nothing; the base of the others."""

    def message(self, text):
        """Something that happens once: resumed, stopped."""

    def epoch_begins(self, run):
        pass

    def batch_ends(self, run):
        pass

    def epoch_ends(self, run):
        pass

    def close(self):
        """No more will be shown, also because an exception ended training."""


class Lines(Silent):
    """A line for the first, the last, and every n-th epoch."""

    def __init__(self, every):
        self.every = every

    def message(self, text):
        print(text, flush=True)

    def epoch_begins(self, run):
        self.start = time.perf_counter()

    def epoch_ends(self, run):
        number = run.epoch + 1
        if number in (1, run.epochs) or number % self.every == 0 or run.stopped:
            seconds = time.perf_counter() - self.start
            print(f"{title(run)}  {values_text(run.logs)}  {seconds:.1f} s", flush=True)


class Bars(Silent):
    """A bar of tqdm for each epoch: how many batches, the time left, loss and metrics so far."""

    def __init__(self, tqdm):
        self.tqdm, self.bar = tqdm, None

    def message(self, text):
        self.tqdm.write(text, file=sys.stderr)

    def epoch_begins(self, run):
        columns, rows = shutil.get_terminal_size()  # sensible also where the terminal does not know its size
        self.bar = self.tqdm(
            desc=title(run), total=run.batches, initial=run.batch, mininterval=0, ncols=columns - 1, nrows=rows,
            bar_format=FORMAT if run.batches else FORMAT_WITHOUT_END,
        )  # fmt: skip
        self.run, self.due = run, time.perf_counter() + REDRAWN

    def batch_ends(self, run):
        now = time.perf_counter()
        if now >= self.due:
            self.due = now + REDRAWN
            self.show(run, run.meters.values())

    def epoch_ends(self, run):
        self.show(run, run.logs)
        self.close_bar()

    def show(self, run, logs):
        self.bar.set_description_str(f"{title(run)}  {values_text(logs)}", refresh=False)
        self.bar.update(run.batch - self.bar.n)
        self.bar.refresh()

    def close(self):
        if self.bar is not None:  # an epoch that was left early
            if self.run.batch:
                self.show(self.run, self.run.meters.values())
            self.close_bar()

    def close_bar(self):
        self.bar.close()
        self.bar = None


def title(run):
    return f"epoch {run.epoch + 1:{len(str(run.epochs))}}/{run.epochs}"
