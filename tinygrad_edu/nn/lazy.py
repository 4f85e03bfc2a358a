"""Lazy layers: how many inputs they have is found when they see the first ones.

A lazy layer has parameters without shape or values. Its first call gives it both, and turns it into an ordinary layer:
from then on it is a Linear, a Conv2d and so on.
"""

import numpy as np

from ..dtypes import as_dtype, default_float
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .linear import Linear
from .parameter import Parameter


class UninitializedParameter(Parameter):
    """A parameter whose shape is not known yet."""

    def __init__(self, requires_grad=True, device=None, dtype=None):
        super().__init__(np.empty(0, default_float() if dtype is None else as_dtype(dtype)), requires_grad)

    def materialize(self, shape, device=None, dtype=None):
        """Become an ordinary parameter of this shape, with values that are still to be set."""
        requires_grad = self.requires_grad
        self.__class__ = Parameter
        Parameter.__init__(self, np.empty(shape, self.array.dtype if dtype is None else as_dtype(dtype)), requires_grad)

    @property
    def shape(self):
        raise RuntimeError(
            "a parameter of a lazy module has no shape before the module's first call; call it with an example first"
        )

    def numel(self):
        return self.shape.numel()

    def detach(self):
        return self

    def __repr__(self):
        return f"<{type(self).__name__}>"


class LazyModule:
    """What makes a layer lazy; goes in front of the layer among the base classes.

    becomes  the class of the layer after its first call
    """

    becomes = None

    def has_uninitialized_params(self):
        """Whether parameters still have no shape."""
        return any(isinstance(parameter, UninitializedParameter) for parameter in self._parameters.values())

    def reset_parameters(self):
        """Draw new initial values, if there are shapes already."""
        if not self.has_uninitialized_params() and self.is_sized():
            super().reset_parameters()

    def make_lazy(self, bias, device, dtype):
        """Replace the parameters by such without shape."""
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def materialize(self, **shapes):
        """Give the parameters shapes, and draw their values."""
        if self.has_uninitialized_params():
            for name, shape in shapes.items():
                if self._parameters[name] is not None:
                    self._parameters[name].materialize(shape)
            self.reset_parameters()

    def __call__(self, input, *args, **kwargs):
        self.initialize_parameters(input)
        self.__class__ = self.becomes
        return self(input, *args, **kwargs)


class LazyLinear(LazyModule, Linear):
    """A Linear whose in_features are the last size of its first input."""

    becomes = Linear

    def __init__(self, out_features, bias=True, device=None, dtype=None):
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.make_lazy(bias, device, dtype)

    def extra_repr(self):
        has_bias = self._parameters["bias"] is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={has_bias}"

    def is_sized(self):
        return self.in_features != 0

    def initialize_parameters(self, input):
        """Give the parameters the shapes that `input` needs, and values."""
        self.in_features = input.shape[-1]
        self.materialize(weight=(self.out_features, self.in_features), bias=(self.out_features,))


class LazyConvolution(LazyModule):
    """What makes a convolution lazy: the channels are those of its first input."""

    def is_sized(self):
        return self.in_channels != 0

    def initialize_parameters(self, input):
        """Give the parameters the shapes that `input` needs, and values."""
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise RuntimeError(
                f"{type(self).__name__} expects an input of {self.dims + 1} (unbatched) or {self.dims + 2} dimensions, "
                f"not of shape {tuple(input.shape)}"
            )
        channels = input.shape[-1 - self.dims]
        if channels % self.groups != 0:
            raise ValueError(f"in_channels must be divisible by groups, and {channels} is no multiple of {self.groups}")
        self.in_channels = channels
        self.materialize(weight=self.weight_shape(), bias=(self.out_channels,))


class LazyPlainConvolution(LazyConvolution):
    def __init__(
        self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros",
        device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self.out_channels = out_channels
        self.make_lazy(bias, device, dtype)


class LazyTransposedConvolution(LazyConvolution):
    def __init__(
        self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self.out_channels = out_channels
        self.make_lazy(bias, device, dtype)


class LazyConv1d(LazyPlainConvolution, Conv1d):
    """A Conv1d whose in_channels are those of its first input."""

    becomes = Conv1d


class LazyConv2d(LazyPlainConvolution, Conv2d):
    """A Conv2d whose in_channels are those of its first input."""

    becomes = Conv2d


class LazyConv3d(LazyPlainConvolution, Conv3d):
    """A Conv3d whose in_channels are those of its first input."""

    becomes = Conv3d


class LazyConvTranspose1d(LazyTransposedConvolution, ConvTranspose1d):
    """A ConvTranspose1d whose in_channels are those of its first input."""

    becomes = ConvTranspose1d


class LazyConvTranspose2d(LazyTransposedConvolution, ConvTranspose2d):
    """A ConvTranspose2d whose in_channels are those of its first input."""

    becomes = ConvTranspose2d


class LazyConvTranspose3d(LazyTransposedConvolution, ConvTranspose3d):
    """A ConvTranspose3d whose in_channels are those of its first input."""

    becomes = ConvTranspose3d
