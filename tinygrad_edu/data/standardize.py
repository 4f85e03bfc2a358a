"""Inputs brought to mean 0 and standard deviation 1."""

import numpy as np

from ..dtypes import get_default_dtype
from ..tensor import Tensor, from_numpy

__all__ = ["Standardize"]


class Standardize:
    """x -> (x − mean) / std, with the mean and the standard deviation of the training set, for all sets alike.

        standardize = Standardize().fit(train_x)
        train_x, test_x = standardize(train_x), standardize(test_x)

    axes  the dimensions over which the statistics are taken. The default 0 gives each feature, or each pixel, its own;
          (0, 1, 2) for images (N, height, width, 3) gives each color its own; None gives one for all values

    Fitted, it has `mean` and `std`, float64 arrays that have size 1 in these dimensions (LeCun, Bottou, Orr & Müller
    1998, "Efficient BackProp", 4.3). The standard deviation divides by N. A feature that is constant in the training
    set is divided by 1, so that it becomes 0 there.
    """

    def __init__(self, axes=0):
        self.axes = axes
        self.mean = self.std = None

    def fit(self, x):
        """Take the statistics of x, an array or tensor, and return self."""
        values = x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)
        if values.size == 0:
            raise ValueError(f"Standardize: there is no mean of no values, and x has shape {values.shape}")
        mean = values.mean(axis=self.axes, keepdims=True, dtype=np.float64)
        std = values.std(axis=self.axes, keepdims=True, dtype=np.float64)
        if not (np.isfinite(mean).all() and np.isfinite(std).all()):
            raise ValueError("Standardize: x has values that are not finite, and then no mean and standard deviation")
        highest = values.max(axis=self.axes, keepdims=True)
        constant = highest == values.min(axis=self.axes, keepdims=True)  # where rounding may leave a std above 0
        self.mean, self.std = np.where(constant, highest, mean), np.where(constant, 1.0, std)
        return self

    def __call__(self, x):
        """x standardized: of its own dtype, or of the default one if x has integers."""
        x = floating(x)
        mean, std = self.statistics_for(x)
        return (x - mean) / std

    def inverse(self, x):
        """What was standardized, as it was before but for rounding: x · std + mean."""
        x = floating(x)
        mean, std = self.statistics_for(x)
        return x * std + mean

    def statistics_for(self, x):
        """(mean, std) of the kind and dtype of x, after a check that they fit its shape."""
        if self.mean is None:
            raise ValueError("Standardize has no statistics yet: call its fit(train_x) first")
        shape = tuple(x.shape)
        if len(shape) != self.mean.ndim or any(m not in (1, n) for m, n in zip(self.mean.shape, shape)):
            raise ValueError(
                f"Standardize was fitted to a shape that gave statistics of shape {self.mean.shape}, and x has shape "
                f"{shape}; they must agree where the statistics have not size 1"
            )
        statistics = self.mean, self.std
        if isinstance(x, Tensor):
            return [from_numpy(array).to(x.dtype) for array in statistics]
        return [array.astype(x.dtype) for array in statistics]


def floating(x):
    """x, or x in the default dtype if it has integers."""
    if isinstance(x, Tensor):
        return x if x.is_floating_point() else x.to(get_default_dtype())
    return x if x.dtype.kind == "f" else x.astype(get_default_dtype())
