"""Layers that are linear maps: Linear, Bilinear; and Identity."""

import math

import numpy as np

from ..dtypes import as_dtype, default_float
from ..ops.linear import linear
from . import functional, init
from .module import Module
from .parameter import Parameter


def empty_parameter(shape, dtype):
    """A parameter to be initialised, of the default dtype if `dtype` is None."""
    return Parameter(np.empty(shape, default_float() if dtype is None else as_dtype(dtype)))


def reset_weight_and_bias(weight, bias):
    """Draw weight (out, in, ...) and bias (or None) uniform in ±1/√fan_in, as PyTorch does, where fan_in is the number
    of inputs of each output."""
    init.kaiming_uniform_(weight, a=math.sqrt(5))  # its bound is then 1/√fan_in
    if bias is not None:
        fan_in = math.prod(weight.shape[1:])
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
        init.uniform_(bias, -bound, bound)


class Identity(Module):
    """Gives back its argument; takes, and ignores, any settings."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class Linear(Module):
    """x Wᵀ + b: x (..., in_features), result (..., out_features).

    weight  (out_features, in_features)
    bias    (out_features,), or None with bias=False

    Both start uniform in [−1/√in_features, 1/√in_features], as in PyTorch.
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = empty_parameter((out_features, in_features), dtype)
        self.register_parameter("bias", empty_parameter((out_features,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new initial values."""
        reset_weight_and_bias(self.weight, self.bias)

    def forward(self, input):
        return linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """x₁ᵀ W x₂ + b for each output: x₁ (..., in1_features), x₂ (..., in2_features), result (..., out_features).

    weight  (out_features, in1_features, in2_features)
    bias    (out_features,), or None with bias=False

    Both start uniform in [−1/√in1_features, 1/√in1_features].
    """

    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be greater than 0, not {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = empty_parameter((out_features, in1_features, in2_features), dtype)
        self.register_parameter("bias", empty_parameter((out_features,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1, input2):
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
