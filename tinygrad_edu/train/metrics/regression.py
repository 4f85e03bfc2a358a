"""Metrics of outputs that are quantities."""

import numpy as np

from .base import Metric
from .decisions import array_of

__all__ = ["MeanAbsoluteError", "mean_absolute_error"]


class MeanAbsoluteError(Metric):
    """The mean of |output − target| over all elements, summed in float64. Shapes must be equal, but for (N, 1) and
    (N,)."""

    remembers = ("total", "count")
    better = "min"

    def __init__(self, name="mae"):
        super().__init__(name)

    def reset(self):
        self.total, self.count = 0.0, 0

    def update(self, output, target):
        output, target = array_of(output, "output"), array_of(target, "target")
        if output.shape != target.shape:
            if output.size != target.size or (*target.shape, 1) != output.shape:
                raise ValueError(
                    f"MeanAbsoluteError: the output has shape {output.shape}, the target {target.shape}; they must be "
                    "equal: target.reshape(output.shape)"
                )
            target = target.reshape(output.shape)
        self.total += float(np.abs(np.subtract(output, target, dtype=np.float64)).sum())
        self.count += output.size

    def compute(self):
        return self.total / self.count if self.count else float("nan")


def mean_absolute_error(output, target):
    """The mean of |output − target|; see MeanAbsoluteError."""
    return MeanAbsoluteError()(output, target)
