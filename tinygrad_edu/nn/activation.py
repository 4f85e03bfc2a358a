"""Activation functions as modules: they hold the settings, and functional has the formulas.

`inplace=True` overwrites the input with the result.
"""

from ..ops import activation as ops
from ..ops.elementary import tanh
from . import functional, init
from .linear import empty_parameter
from .module import Module


class Activation(Module):
    """The base class of the activations: `function` of functional, called with the settings that `settings` names."""

    function = None
    settings = ()

    def forward(self, input):
        return type(self).function(input, *[getattr(self, name) for name in self.settings])

    def extra_repr(self):
        shown = [name for name in self.settings if name != "inplace" or self.inplace]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)


class InplaceActivation(Activation):
    """An activation whose only setting is `inplace`."""

    settings = ("inplace",)

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace


# ---- without settings


class Sigmoid(Module):
    """The logistic function 1 / (1 + e⁻ˣ)."""

    def forward(self, input):
        return ops.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input):
        return tanh(input)


class LogSigmoid(Activation):
    """log σ(x)."""

    function = functional.logsigmoid


class Softsign(Activation):
    """x / (1 + |x|)."""

    function = functional.softsign


class Tanhshrink(Activation):
    """x − tanh(x)."""

    function = functional.tanhshrink


# ---- that can work in place


class ReLU(InplaceActivation):
    """max(x, 0)."""

    def forward(self, input):
        return input.relu_() if self.inplace else ops.relu(input)


class ReLU6(InplaceActivation):
    """min(max(x, 0), 6)."""

    function = functional.relu6


class SELU(InplaceActivation):
    """1.0507… · elu(x, 1.6733…) (Klambauer et al. 2017)."""

    function = functional.selu


class SiLU(InplaceActivation):
    """x · σ(x), also called swish (Elfwing, Uchibe & Doya 2018)."""

    function = functional.silu


class Mish(InplaceActivation):
    """x · tanh(softplus(x)) (Misra 2019)."""

    function = functional.mish


class Hardsigmoid(InplaceActivation):
    """relu6(x + 3) / 6."""

    function = functional.hardsigmoid


class Hardswish(InplaceActivation):
    """x · hardsigmoid(x) (Howard et al. 2019)."""

    function = functional.hardswish


class LeakyReLU(Activation):
    """x where x > 0, else negative_slope · x (Maas, Hannun & Ng 2013)."""

    function = functional.leaky_relu
    settings = ("negative_slope", "inplace")

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace


class ELU(Activation):
    """x where x > 0, else alpha (eˣ − 1) (Clevert, Unterthiner & Hochreiter 2016)."""

    function = functional.elu
    settings = ("alpha", "inplace")

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace


class CELU(ELU):
    """x where x > 0, else alpha (e^(x/alpha) − 1) (Barron 2017)."""

    function = functional.celu


class Hardtanh(Activation):
    """x limited to [min_val, max_val]."""

    function = functional.hardtanh
    settings = ("min_val", "max_val", "inplace")

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False):
        super().__init__()
        if not min_val < max_val:
            raise ValueError(f"min_val {min_val} must be less than max_val {max_val}")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace


class Threshold(Activation):
    """x where x > threshold, else value."""

    function = functional.threshold
    settings = ("threshold", "value", "inplace")

    def __init__(self, threshold, value, inplace=False):
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace


# ---- with other settings


class GELU(Activation):
    """x · Φ(x) (Hendrycks & Gimpel 2016); approximate: "none" or "tanh"."""

    function = functional.gelu
    settings = ("approximate",)

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate


class Softplus(Activation):
    """log(1 + e^(beta x)) / beta; x itself where beta x > threshold."""

    function = functional.softplus
    settings = ("beta", "threshold")

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold


class Softshrink(Activation):
    """x moved towards 0 by lambd, not beyond 0."""

    function = functional.softshrink
    settings = ("lambd",)

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def extra_repr(self):
        return str(self.lambd)


class Hardshrink(Softshrink):
    """0 where |x| ≤ lambd, else x."""

    function = functional.hardshrink


class GLU(Activation):
    """a · σ(b), with a and b the halves of x along `dim` (Dauphin et al. 2017)."""

    function = functional.glu
    settings = ("dim",)

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim


class PReLU(Module):
    """x where x > 0, else weight · x (He et al. 2015).

    weight  (num_parameters,), which start as `init`: one, or one for each channel (dimension 1 of x)
    """

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = empty_parameter((num_parameters,), dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Start again."""
        init.constant_(self.weight, self.init)

    def forward(self, input):
        return functional.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


# ---- softmax


class Softmax(Activation):
    """exp(xᵢ) / Σ exp(xⱼ) along `dim`."""

    function = functional.softmax
    settings = ("dim",)

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim


class LogSoftmax(Softmax):
    """log(softmax(x)) along `dim`."""

    function = functional.log_softmax


class Softmin(Softmax):
    """softmax(−x) along `dim`."""

    function = functional.softmin


class Softmax2d(Module):
    """Softmax over the channels: dimension −3 of (N, C, H, W) or (C, H, W)."""

    def forward(self, input):
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d takes (N, C, H, W) or (C, H, W), not {tuple(input.shape)}")
        return functional.softmax(input, -3)


class RReLU(Module):
    """Leaky ReLU with random slopes in training: `functional.rrelu`."""

    def __init__(self, lower=1.0 / 8, upper=1.0 / 3, inplace=False):
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input):
        return functional.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self):
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")
