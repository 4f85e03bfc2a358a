"""Softmax: numbers turned into probabilities along a dimension."""

import numpy as np

from ..define import case, composite, op
from .elementary import exp, log
from .reduce import sum
from .shape import normalized_dim

SAMPLES = (case((3, 4), dim=1), case((3, 4), dim=0), case((2, 3, 4), dim=-1), case((), dim=0))


@op(
    lambda g, out, dim: out * (g - sum(g * out, dim, True)),
    floating=True, definition=lambda x, dim: exp(x) / sum(exp(x), dim, True), samples=SAMPLES,
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
    floating=True, label="log softmax", definition=lambda x, dim: x - log(sum(exp(x), dim, True)), samples=SAMPLES,
)  # fmt: skip
def log_softmax(x, dim):
    """log(softmax(x)), finite wherever x is."""
    dim = normalized_dim(dim, x.ndim)
    if x.ndim == 0:
        return np.zeros_like(x)
    shifted = x - np.maximum.reduce(x, dim, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.add.reduce(np.exp(shifted), dim, keepdims=True))


@composite(samples=SAMPLES)
def softmin(x, dim):
    """softmax(−x): the smallest element gets the most."""
    return softmax(-x, dim)
