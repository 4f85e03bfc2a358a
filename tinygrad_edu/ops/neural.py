"""Activations and softmax."""
import math

import numpy as np

from ..define import case, op
from .arithmetic import maximum
from .comparison import where
from .elementary import erf, exp, log, log1p, tanh
from .reduce import sum
from .shape import normalized_dim


def _activation(rule, avoid=(), label=None, **facts):
    """An activation function without settings: element by element, of floating numbers."""
    return op(rule, elementwise=True, floating=True, inplace=True, avoid=avoid, label=label, **facts)


@_activation(
    lambda g, out: g * out * (1 - out), label="σ", oracle=lambda x: 1 / (1 + np.exp(-x)), definition=lambda x: 1 / (1 + exp(-x))
)
def sigmoid(x):
    """The logistic function 1 / (1 + e⁻ˣ), without overflow: tanh is bounded, and σ(x) = (1 + tanh(x/2)) / 2 is exact to rounding
    for x ≥ 0; for x < 0, where that form loses digits, eˣ / (1 + eˣ)."""
    z = np.exp(-np.absolute(x))
    return np.where(x >= 0, 1, z) / (1 + z)


@_activation(lambda g, x: where(x > 0, g, 0.0), avoid=(0.0,), definition=lambda x: maximum(x, 0.0))
def relu(x):
    """max(x, 0); the gradient at 0 is 0, as in PyTorch."""
    return np.maximum(x, 0)


@_activation(lambda g, x: g * sigmoid(-x), label="log σ", oracle=lambda x: -np.log1p(np.exp(-x)), definition=lambda x: log(sigmoid(x)))
def logsigmoid(x):
    """log σ(x) = min(x, 0) − log(1 + e^−|x|): finite for any finite x."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


@op(
    lambda g, out, dim: out * (g - sum(g * out, dim, True)),
    floating=True, definition=lambda x, dim: exp(x) / sum(exp(x), dim, True),
    samples=[case((3, 4), dim=1), case((3, 4), dim=0), case((2, 3, 4), dim=-1), case((), dim=0)],
)  # fmt: skip
def softmax(x, dim):
    """exp(xᵢ) / Σ exp(xⱼ) along `dim`; the largest element is taken out first, so that nothing overflows."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim == 0:
        return np.ones_like(x)
    e = x - np.maximum.reduce(x, dim, keepdims=True, initial=-np.inf)
    np.exp(e, out=e)
    e /= np.add.reduce(e, dim, keepdims=True)
    return e


@op(
    lambda g, out, dim: g - exp(out) * sum(g, dim, True),
    floating=True, label="log softmax", definition=lambda x, dim: x - log(sum(exp(x), dim, True)),
    samples=[case((3, 4), dim=1), case((3, 4), dim=0), case((2, 3, 4), dim=-1), case((), dim=0)],
)  # fmt: skip
def log_softmax(x, dim):
    """log(softmax(x)), finite wherever x is."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim == 0:
        return np.zeros_like(x)
    shifted = x - np.maximum.reduce(x, dim, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.add.reduce(np.exp(shifted), dim, keepdims=True))
