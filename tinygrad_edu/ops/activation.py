"""Activation functions: element by element, of floating numbers.

Those that training spends time in are operations of their own, with a `definition` that says the same in simpler
ones; the others are composed. A rule never multiplies by a mask, because 0 · ∞ is NaN: it chooses with `where`,
also before `exp`.
"""

import math

import numpy as np

from ..blocks import shared_out
from ..define import case, composite, op
from ..special import normal_cdf
from .arithmetic import abs, clamp, maximum, minimum
from .comparison import chosen, where
from .elementary import erf, exp, expm1, log, log1p, tanh
from .shape import normalized_dim, reshape

SHAPES = (case((3, 4)), case(()))


def _activation(rule, avoid=(), label=None, **facts):
    return op(rule, elementwise=True, floating=True, inplace=True, avoid=avoid, label=label, **facts)


# ---- sigmoid and its kin


@_activation(
    lambda g, out: g * out * (1 - out),
    label="σ",
    oracle=lambda x: 1 / (1 + np.exp(-x)),
    definition=lambda x: 1 / (1 + exp(-x)),
)
def sigmoid(x):
    """The logistic function σ(x) = 1 / (1 + e⁻ˣ).

    This very formula is the best one in floating point too: the relative error is a few roundings for every x down
    to the smallest normal number, because all its terms are positive. Where e⁻ˣ overflows, the result is 0.
    """
    z = np.negative(x)
    z = np.exp(z, out=z if type(z) is np.ndarray else None)  # large arrays: temporary ones would not fit the cache
    z += 1
    return np.reciprocal(z, out=z if type(z) is np.ndarray else None)


@_activation(
    lambda g, x: g * sigmoid(-x),
    label="log σ",
    oracle=lambda x: -np.log1p(np.exp(-x)),
    definition=lambda x: log(sigmoid(x)),
)
def logsigmoid(x):
    """log σ(x) = min(x, 0) − log(1 + e^−|x|): finite for any finite x."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


@_activation(lambda g, x: _silu_gradient(g, x, sigmoid(x)), aliases=["swish"], definition=lambda x: x * sigmoid(x))
def silu(x):
    """x · σ(x) (Elfwing, Uchibe & Doya 2018), also called swish."""
    return x * sigmoid(x)


def _silu_gradient(g, x, s):
    return g * s * (1 + x * (1 - s))


@op(
    lambda g, x, beta, threshold: where(x * beta > threshold, g, g * sigmoid(x * beta)),
    elementwise=True, floating=True, inplace=True,
    definition=lambda x, beta=1.0, threshold=20.0: where(x * beta > threshold, x, log1p(exp(x * beta)) / beta),
    samples=[*SHAPES, case((3, 4), beta=2.0), case((3, 4), beta=1.0, threshold=50.0),
             case(np.array([30.0, -3.0]), beta=0.1), case(np.array([3.0, 0.5, -1.0]), beta=2.0, threshold=1.5)],
)  # fmt: skip
def softplus(x, beta=1.0, threshold=20.0):
    """log(1 + e^(βx)) / β, a smooth max(x, 0) (Dugas et al. 2001); x itself where βx > threshold."""
    scaled = x * beta
    smooth = np.log1p(np.exp(-np.absolute(scaled))) + np.maximum(scaled, 0)
    return np.where(scaled > threshold, x, smooth / beta)


@composite(inplace=True, samples=SHAPES)
def mish(x):
    """x · tanh(softplus(x)) (Misra 2019)."""
    return x * tanh(softplus(x))


@composite(samples=SHAPES)
def softsign(x):
    """x / (1 + |x|)."""
    return x / (1 + abs(x))


@composite(samples=SHAPES)
def tanhshrink(x):
    """x − tanh(x)."""
    return x - tanh(x)


@op(
    joint=lambda g, x, cdf, approximate: (_gelu_gradient(g, x, cdf, approximate),), operands=1, saves=("cdf",),
    elementwise=True, floating=True, inplace=True, samples=[*SHAPES, case((3, 4), approximate="tanh")],
    definition=lambda x, approximate="none": x * _normal_cdf(x, approximate),
)  # fmt: skip
def gelu(x, approximate="none"):
    """x · Φ(x), with Φ the distribution function of the standard normal distribution (Hendrycks & Gimpel 2016).

    approximate  "none", or "tanh" for ½x (1 + tanh(√(2/π) (x + 0.044715 x³))), which GPT-2 uses
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate must be 'none' or 'tanh', not {approximate!r}")
    x = np.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    cdf = shared_out(normal_cdf if approximate == "none" else _tanh_cdf, x)
    return x * cdf, cdf


GELU_SLOPE, GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


def _tanh_cdf(x):
    """The approximation of Φ by tanh, for arrays."""
    slope, cubic, half = (x.dtype.type(number) for number in (GELU_SLOPE, GELU_SLOPE * GELU_CUBIC, 0.5))
    t = np.square(x)
    t *= cubic
    t += slope
    t *= x
    t = np.tanh(t, out=t if t.ndim else None)
    t *= half
    t += half
    return t


def _normal_cdf(x, approximate):
    """Φ, or its approximation, by operations."""
    angle = x * math.sqrt(0.5) if approximate == "none" else GELU_SLOPE * (x + GELU_CUBIC * (x * x * x))
    return 0.5 * (1 + (erf if approximate == "none" else tanh)(angle))


def _gelu_gradient(g, x, cdf, approximate):
    """g (Φ + x φ): φ is the derivative of Φ. For the approximation it is 2 Φ (1 − Φ) · d angle/dx."""
    if cdf is not None:
        return shared_out(_gelu_slope_times if approximate == "none" else _tanh_gelu_slope_times, g, x, cdf)
    cdf = _normal_cdf(x, approximate)
    if approximate == "none":
        density = exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi))
    else:
        density = 2 * cdf * (1 - cdf) * (GELU_SLOPE + 3 * GELU_SLOPE * GELU_CUBIC * (x * x))
    return g * (cdf + x * density)


def _gelu_slope_times(g, x, cdf):
    d = np.square(x)
    d *= x.dtype.type(-0.5)
    d = np.exp(d, out=d if d.ndim else None)
    d *= x
    d *= x.dtype.type(1 / math.sqrt(2 * math.pi))
    d += cdf
    d *= g
    return d


def _tanh_gelu_slope_times(g, x, cdf):
    d = np.square(x)
    d *= x.dtype.type(6 * GELU_SLOPE * GELU_CUBIC)
    d += x.dtype.type(2 * GELU_SLOPE)
    d *= x
    d *= cdf
    d *= 1 - cdf
    d += cdf
    d *= g
    return d


# ---- relu and its kin


@op(
    lambda g, y: passed(g, y),
    None,
    internal=True,
    elementwise=True,
    linear=(0,),
    label="relu'",
    avoid=(0.0,),
    oracle=lambda x, y: x * (y > 0),
)
def passed(x, y):
    """x where y > 0, else 0: the gradient of relu, whatever x holds where y ≤ 0."""
    return chosen(y > 0, x, x.dtype.type(0))


@op(lambda g, out: passed(g, out), elementwise=True, inplace=True, avoid=(0.0,), definition=lambda x: maximum(x, 0.0))
def relu(x):
    """max(x, 0), the rectified linear unit (Nair & Hinton 2010); the gradient at 0 is 0, as in PyTorch. Integers stay
    integers.
    """
    return np.maximum(x, 0)


@op(
    lambda g, x, negative_slope: where(x > 0, g, g * negative_slope),
    elementwise=True, floating=True, inplace=True, avoid=(0.0,), samples=[*SHAPES, case((3, 4), negative_slope=0.3)],
    definition=lambda x, negative_slope=0.01: maximum(x, 0.0) + negative_slope * minimum(x, 0.0),
)  # fmt: skip
def leaky_relu(x, negative_slope=0.01):
    """x where x > 0, else negative_slope · x (Maas, Hannun & Ng 2013)."""
    return np.where(x > 0, x, x * negative_slope)


@composite(samples=[case((2, 3, 4), (3,)), case((2, 3), (1,)), case((3,), (1,))])
def prelu(x, weight):
    """x where x > 0, else weight · x, with a learned slope (He et al. 2015).

    weight  of shape (1,) or (), one slope for all, or (C,), one for each channel, the dimension 1 of x (of shape
            (N, C, ...))
    """
    if weight.ndim > 1 or (
        weight.ndim == 1 and weight.shape[0] != 1 and weight.shape[0] != (x.shape[1] if x.ndim > 1 else 1)
    ):
        raise ValueError(
            f"prelu: weight {tuple(weight.shape)} must have shape (1,), or (C,) with C the size of dimension 1 of x "
            f"{tuple(x.shape)}"
        )
    if weight.ndim == 1 and x.ndim > 2:
        weight = reshape(weight, (-1,) + (1,) * (x.ndim - 2))
    elif x.ndim == 0:
        weight = reshape(weight, ())
    return where(x > 0, x, weight * x)


@op(
    lambda g, x, alpha: where(x > 0, g, g * alpha * exp(where(x > 0, 0.0, x))),
    elementwise=True, floating=True, inplace=True, avoid=(0.0,), samples=[*SHAPES, case((3, 4), alpha=0.3)],
    definition=lambda x, alpha=1.0: where(x > 0, x, alpha * (exp(where(x > 0, 0.0, x)) - 1)),
)  # fmt: skip
def elu(x, alpha=1.0):
    """x where x > 0, else alpha (eˣ − 1) (Clevert, Unterthiner & Hochreiter 2016)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@composite(inplace=True, samples=SHAPES)
def selu(x):
    """1.0507… · elu(x, 1.6733…): activations keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


@composite(inplace=True, samples=[*SHAPES, case((3, 4), alpha=0.5)])
def celu(x, alpha=1.0):
    """x where x > 0, else alpha (e^(x/alpha) − 1): an elu whose slope is continuous for every alpha (Barron 2017)."""
    return where(x > 0, x, alpha * expm1(where(x > 0, 0.0, x) / alpha))


# ---- piecewise linear


@op(
    lambda g, x, min_val, max_val: where((x > min_val) & (x < max_val), g, 0.0),
    elementwise=True, floating=True, inplace=True, avoid=(-1.0, 1.0, -0.5, 2.0),
    definition=lambda x, min_val=-1.0, max_val=1.0: clamp(x, min_val, max_val),
    samples=[*SHAPES, case((3, 4), min_val=-0.5, max_val=2.0)],
)  # fmt: skip
def hardtanh(x, min_val=-1.0, max_val=1.0):
    """x limited to [min_val, max_val]; unlike clamp's, its gradient at the limits is 0, as in PyTorch."""
    if min_val > max_val:
        raise ValueError(f"min_val {min_val} must not be larger than max_val {max_val}")
    return np.clip(x, min_val, max_val)


@composite(inplace=True, samples=SHAPES)
def relu6(x):
    """min(max(x, 0), 6)."""
    return hardtanh(x, 0.0, 6.0)


@composite(inplace=True, samples=SHAPES)
def hardsigmoid(x):
    """relu6(x + 3) / 6, a piecewise linear sigmoid (Howard et al. 2019)."""
    return hardtanh(x + 3.0, 0.0, 6.0) / 6.0


@composite(inplace=True, samples=SHAPES)
def hardswish(x):
    """x · hardsigmoid(x) (Howard et al. 2019)."""
    return x * hardsigmoid(x)


@composite(samples=[*SHAPES, case((3, 4), lambd=1.0)])
def softshrink(x, lambd=0.5):
    """x moved towards 0 by lambd, not beyond 0."""
    if lambd < 0:
        raise ValueError(f"softshrink: lambd must be at least 0, not {lambd}")
    return x - clamp(x, -lambd, lambd)


@composite(samples=[*SHAPES, case((3, 4), lambd=1.0)])
def hardshrink(x, lambd=0.5):
    """0 where |x| ≤ lambd, else x."""
    return where((x >= -lambd) & (x <= lambd), 0.0, x)


@composite(inplace=True, samples=[case((3, 4), threshold=0.5, value=-1.0)])
def threshold(x, threshold, value):
    """x where x > threshold, else value."""
    return where(x <= threshold, value, x)


# ---- gated


@composite(samples=[case((3, 4)), case((4, 3), dim=0)])
def glu(x, dim=-1):
    """a · σ(b), with a and b the two halves of x along `dim` (Dauphin et al. 2017)."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim == 0 or x.shape[dim] % 2:
        raise ValueError(f"glu: dimension {dim} of x {tuple(x.shape)} must have an even size, to be cut in half")
    half = x.shape[dim] // 2
    before = (slice(None),) * dim
    return x[(*before, slice(half))] * sigmoid(x[(*before, slice(half, None))])
