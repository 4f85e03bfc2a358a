"""What all metrics share."""

import copy

from ..remembering import Remembering

__all__ = ["MeanOf", "Metric"]


class Metric(Remembering):
    """A number about outputs and targets, collected batch by batch.

        metric.reset(); metric.update(output, target); ...; metric.compute()
        metric(output, target)    # of these alone; what was collected stays

    A subclass defines the three methods, and names in `remembers` the attributes that `reset` sets.

    better  "max" or "min": which values are better; None if neither
    """

    better = "max"

    def __init__(self, name):
        self.name = name
        self.reset()

    def reset(self):
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} does not define reset()")

    def update(self, output, target):
        """Count a batch: what the model returned (without a graph), and the target."""
        raise NotImplementedError(f"{type(self).__name__} does not define update(output, target)")

    def compute(self):
        """The value for all batches since `reset`."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute()")

    def __call__(self, output, target):
        alone = copy.deepcopy(self)
        alone.reset()
        alone.update(output, target)
        return alone.compute()

    def __repr__(self):
        return f"<{type(self).__name__} {self.name!r}>"


class MeanOf(Metric):
    """The mean of a function (output, target) -> number over the batches, each counted by its samples.

    That is the function of all data at once if it is a mean over samples.
    """

    remembers = ("total", "count")
    better = None

    def __init__(self, function, name=None):
        self.function = function
        super().__init__(name or getattr(function, "__name__", type(function).__name__))

    def reset(self):
        self.total, self.count = 0.0, 0

    def update(self, output, target):
        n = len(first_of(target))
        self.total += n * float(self.function(output, target))
        self.count += n

    def compute(self):
        return self.total / self.count if self.count else float("nan")


def first_of(values):
    """The first array in tuples, lists and dicts within each other."""
    while isinstance(values, (tuple, list, dict)):
        values = next(iter(values.values())) if isinstance(values, dict) else values[0]
    return values
