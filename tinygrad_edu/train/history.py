"""History: what training has reached after each epoch."""

from numbers import Real

import numpy as np

__all__ = ["History", "number_text"]

VALIDATION = "val_"


class History(dict):
    """A dict of lists with one entry per epoch: "loss", the metrics' names, and the same with "val_" before them.

        history["val_loss"][-1]
        print(history)                                   # a table
        plots.save(history.plot(), "out/history.png")

    interrupted  whether Ctrl-C ended training before its last epoch
    stopped      why a callback ended training, or None
    resumed      how many whole epochs came from a checkpoint: 0 for a run that started afresh
    """

    def __init__(self, lists=()):
        super().__init__({name: list(values) for name, values in dict(lists).items()})
        self.interrupted, self.stopped, self.resumed = False, None, 0

    @property
    def epochs(self):
        """How many epochs there are values of."""
        return max(map(len, self.values()), default=0)

    def append(self, values):
        """Add the values of an epoch, a dict. What is missing, here or in the epochs before, is None."""
        before = self.epochs
        for name in {**self, **values}:
            self.setdefault(name, [None] * before).append(values.get(name))

    def numbers(self):
        """The lists that hold numbers, not matrices."""
        return {name: values for name, values in self.items() if all(x is None or is_number(x) for x in values)}

    def best(self, name="val_loss", mode="min"):
        """(number of the epoch, counted from 1; the value) of the least value in a list, or the largest (mode="max");
        the first of them. Entries that are None or NaN are none.

        Raises ValueError if there is none.
        """
        values = np.array([np.nan if x is None else x for x in self.get(name, ())], np.float64)
        if not np.isfinite(values).any():
            raise ValueError(f"there are no values of {name!r}; there are those of {', '.join(self) or 'nothing'}")
        index = int(np.nanargmin(values) if mode == "min" else np.nanargmax(values))
        return index + 1, self[name][index]

    def plot(self, names=None, log=(), title=None):
        """The curves as a matplotlib Figure: a panel for each quantity, of training and validation.

        names  of the quantities, without "val_"; by default all that are numbers
        log    names of those whose axis is logarithmic
        """
        from ..plots import curves

        lists = self.numbers()
        panels = {}
        for name in lists if names is None else names:
            name = name.removeprefix(VALIDATION)
            lines = {"training": lists.get(name), "validation": lists.get(VALIDATION + name)}
            panels[name] = {line: values for line, values in lines.items() if values}
        return curves(panels, xlabel="epoch", log=log, title=title)

    def __str__(self):
        lists = self.numbers()
        if not lists:
            return "History: no epoch yet"
        rows = [["epoch", *lists]]
        for epoch in range(self.epochs):
            values = [values[epoch] for values in lists.values()]
            rows.append([str(epoch + 1), *["–" if x is None else number_text(x) for x in values]])
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(text.rjust(width) for text, width in zip(row, widths)) for row in rows)

    def __repr__(self):
        return f"<History of {self.epochs} epochs: {', '.join(self)}>"


def is_number(value):
    return isinstance(value, Real) or np.ndim(value) == 0


def number_text(value):
    """A number with four digits after the point, or in powers of ten where that would say little."""
    value = float(value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 or not np.isfinite(value) else f"{value:.3e}"
