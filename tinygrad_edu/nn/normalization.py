"""Normalisation of each example on its own: LayerNorm, RMSNorm, GroupNorm, LocalResponseNorm."""

import numbers

from . import functional, init
from .linear import empty_parameter
from .module import Module


class LayerNorm(Module):
    """(x − mean) / √(variance + eps) · weight + bias, with the statistics of the last dimensions (Ba, Kiros & Hinton
    2016).

    normalized_shape    the sizes of the last dimensions, a tuple (or one number)
    elementwise_affine  whether there are weight and bias, both of shape normalized_shape, which start as 1 and 0
    bias                whether there is a bias beside the weight
    """

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        one = isinstance(normalized_shape, numbers.Integral)
        self.normalized_shape = (normalized_shape,) if one else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        set_affine(self, self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Set the weight to 1 and the bias to 0."""
        reset_affine(self)

    def forward(self, input):
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """x / √(mean(x²) + eps) · weight, with the mean over the last dimensions (Zhang & Sennrich 2019).

    normalized_shape    the sizes of the last dimensions, a tuple (or one number)
    eps                 by default the smallest number that makes a difference to 1
    elementwise_affine  whether there is a weight, of shape normalized_shape, which starts as 1
    """

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        one = isinstance(normalized_shape, numbers.Integral)
        self.normalized_shape = (normalized_shape,) if one else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = empty_parameter(self.normalized_shape, dtype)
        else:
            self.register_parameter("weight", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Set the weight to 1."""
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, input):
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """(x − mean) / √(variance + eps) · weight + bias, with the statistics of each group of channels of each example (Wu
    & He 2018). x: (N, C, ...).

    num_groups    how many groups of equal size; 1 takes all channels together, C each on its own
    num_channels  C
    affine        whether there are weight and bias, of shape (C,), which start as 1 and 0
    bias          whether there is a bias beside the weight
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_channels {num_channels} must be divisible by num_groups {num_groups}")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        set_affine(self, (num_channels,), affine, affine and bias, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Set the weight to 1 and the bias to 0."""
        reset_affine(self)

    def forward(self, input):
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        bias = self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={bias}"


class LocalResponseNorm(Module):
    """x / (k + alpha · mean(x²))^beta, the mean over `size` neighbouring channels (Krizhevsky, Sutskever & Hinton 2012,
    section 3.3). x: (N, C, ...).
    """

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def set_affine(module, shape, weight, bias, dtype):
    """Give a module the parameters `weight` and `bias`, or None in their places."""
    for name, wanted in (("weight", weight), ("bias", bias)):
        if wanted:
            setattr(module, name, empty_parameter(shape, dtype))
        else:
            module.register_parameter(name, None)


def reset_affine(module):
    """Set a module's weight to 1 and its bias to 0, where there are any."""
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)
