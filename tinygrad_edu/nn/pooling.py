"""Pooling as modules: they hold the settings, and the functions of `functional` have the formulas.

kernel_size, stride, padding, dilation  an int, or one for each of the pooled dimensions; stride is by default
                                        kernel_size

The input is a batch or a single one, with channels: (N, C, ...) or (C, ...).
"""

from collections.abc import Iterable

from ..ops import pooling, pooling_adaptive
from .module import Module


def repeated(value, n):
    """A setting as a tuple: of n times the same, if it is given as one number."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * n


# ---- the largest


class MaxPool(Module):
    """The base class of those that take the largest: `function` with the settings.

    return_indices  return (values, indices), for MaxUnpool
    ceil_mode       let the last windows reach over the end
    """

    function = None

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input):
        settings = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        return type(self).function(input, *settings)

    def extra_repr(self):
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(MaxPool):
    """The largest element of each window of a signal."""

    function = pooling.max_pool1d


class MaxPool2d(MaxPool):
    """The largest element of each window of an image."""

    function = pooling.max_pool2d


class MaxPool3d(MaxPool):
    """The largest element of each window of a volume."""

    function = pooling.max_pool3d


class MaxUnpool(Module):
    """The base class of those that put elements back to where MaxPool with return_indices found them; 0 elsewhere."""

    function, dimensions = None, None

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self.kernel_size = repeated(kernel_size, self.dimensions)
        self.stride = repeated(kernel_size if stride is None else stride, self.dimensions)
        self.padding = repeated(padding, self.dimensions)

    def forward(self, input, indices, output_size=None):
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(MaxUnpool):
    """The elements of a signal back where they were."""

    function, dimensions = pooling_adaptive.max_unpool1d, 1


class MaxUnpool2d(MaxUnpool):
    """The elements of an image back where they were."""

    function, dimensions = pooling_adaptive.max_unpool2d, 2


class MaxUnpool3d(MaxUnpool):
    """The elements of a volume back where they were."""

    function, dimensions = pooling_adaptive.max_unpool3d, 3


# ---- the average


class AvgPool1d(Module):
    """The average of each window of a signal."""

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.kernel_size = repeated(kernel_size, 1)
        self.stride = repeated(kernel_size if stride is None else stride, 1)
        self.padding = repeated(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input):
        settings = self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        return pooling.avg_pool1d(input, *settings)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool(Module):
    """The base class of those with a `divisor_override`, by which to divide instead of the number of places."""

    function = None

    def __init__(
        self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input):
        settings = self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        return type(self).function(input, *settings, self.divisor_override)

    extra_repr = AvgPool1d.extra_repr


class AvgPool2d(AvgPool):
    """The average of each window of an image."""

    function = pooling.avg_pool2d


class AvgPool3d(AvgPool):
    """The average of each window of a volume."""

    function = pooling.avg_pool3d


# ---- norms


class LPPool(Module):
    """The base class of those that take a norm, (Σ xᵖ)^(1/p) with p = norm_type."""

    function = None

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input):
        return type(self).function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self):
        names = "norm_type", "kernel_size", "stride", "ceil_mode"
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class LPPool1d(LPPool):
    """A norm of each window of a signal."""

    function = pooling_adaptive.lp_pool1d


class LPPool2d(LPPool):
    """A norm of each window of an image."""

    function = pooling_adaptive.lp_pool2d


class LPPool3d(LPPool):
    """A norm of each window of a volume."""

    function = pooling_adaptive.lp_pool3d


# ---- as many windows as asked for


class AdaptiveMaxPool(Module):
    """The base class of those that take the largest of `output_size` windows, which hold everything."""

    function = None

    def __init__(self, output_size, return_indices=False):
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input):
        return type(self).function(input, self.output_size, self.return_indices)

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The largest elements of a signal of any length."""

    function = pooling_adaptive.adaptive_max_pool1d


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The largest elements of an image of any size."""

    function = pooling_adaptive.adaptive_max_pool2d


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """The largest elements of a volume of any size."""

    function = pooling_adaptive.adaptive_max_pool3d


class AdaptiveAvgPool(Module):
    """The base class of those that average over `output_size` windows, which hold everything."""

    function = None

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def forward(self, input):
        return type(self).function(input, self.output_size)

    extra_repr = AdaptiveMaxPool.extra_repr


class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """The averages of a signal of any length."""

    function = pooling_adaptive.adaptive_avg_pool1d


class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """The averages of an image of any size."""

    function = pooling_adaptive.adaptive_avg_pool2d


class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """The averages of a volume of any size."""

    function = pooling_adaptive.adaptive_avg_pool3d
