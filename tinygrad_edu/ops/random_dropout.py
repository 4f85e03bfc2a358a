"""Dropout: noise in training against overfitting.

Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting"; whole channels: Tompson et
al. 2015, "Efficient object localization using convolutional networks"; alpha: Klambauer et al. 2017, "Self-normalizing
neural networks".
"""

import math

import numpy as np

from ..tensor import of_array
from .random_kernels import draw, draw_bernoulli, dropout_mask, in_layout_of

ALPHA = 1.0507009873554805 * 1.6732632423543772
"""The limit of −selu(x) for x → −∞: λ · α of Klambauer et al."""


def dropout(input, p=0.5, train=True, generator=None):
    """In training: elements set to 0 with probability p, the others divided by 1 − p, so that the expectation is the
    input. Else the input itself."""
    return thinned(input, p, train, "dropout", lambda: draw(dropout_mask, input.array, float(p), generator=generator))


def feature_dropout(input, p=0.5, train=True, generator=None):
    """As dropout, but input[i, j] is kept or set to 0 as a whole: channel j of sample i. Input (N, C, ...)."""

    def mask():
        return channels(input, p, generator) / input.dtype.type(1 - p)

    return thinned(input, p, train, "feature_dropout", mask)


def thinned(x, p, train, name, mask):
    """x times mask(), in training and for 0 < p < 1."""
    if stays(x, p, train, name):
        return x
    return x * 0 if p == 1 else x * of_array(mask(), None)


def stays(x, p, train, name):
    """Whether x stays as it is; raises if it cannot be changed."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: the probability p lies between 0 and 1, and is {p}")
    if p == 0 or not train or x.array.size == 0:
        return True
    if p < 1 and x.dtype.kind != "f":
        raise RuntimeError(f"{name}: what is kept is scaled, which {x.dtype} cannot hold; write x.float()")
    return False


def ones_and_zeros(p, size, dtype, generator):
    """1 with probability 1 − p, else 0."""
    return draw(draw_bernoulli, np.asarray(1.0 - p), size, dtype, generator=generator)


def channels(x, p, generator):
    """For each sample and channel of x (N, C, ...) 1 with probability 1 − p, else 0: (N, C, 1, ...)."""
    if x.ndim < 2:
        raise RuntimeError(f"dropout of whole channels takes (N, C, ...), not a tensor of shape {tuple(x.shape)}")
    return ones_and_zeros(p, (*x.shape[:2], *[1] * (x.ndim - 2)), x.dtype, generator)


def alpha_dropout(input, p=0.5, train=False, generator=None):
    """Dropout that keeps the mean 0 and the variance 1 of what selu gives: in training, elements are set with
    probability p to −α', the limit of selu; then all are scaled and shifted, a · (x or −α') + b with a = ((1 − p) (1 +
    p α'²))^(−1/2) and b = a p α'."""

    def noise():
        return in_layout_of(input.array, lambda size: ones_and_zeros(p, size, input.dtype, generator))

    return shifted(input, p, train, "alpha_dropout", noise)


def feature_alpha_dropout(input, p=0.5, train=False, generator=None):
    """As alpha_dropout, but input[i, j] is kept or replaced as a whole: channel j of sample i. Input (N, C, ...)."""
    return shifted(input, p, train, "feature_alpha_dropout", lambda: channels(input, p, generator))


def shifted(x, p, train, name, noise):
    """a · (x where noise() is 1, −α' where it is 0) + b, in training and for 0 < p < 1."""
    if stays(x, p, train, name):
        return x
    if p == 1:
        return x * 0
    kept = noise()
    a = 1.0 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    shift = (kept - 1) * x.dtype.type(ALPHA * a) + x.dtype.type(ALPHA * a * p)
    return x * of_array(kept * x.dtype.type(a), None) + of_array(shift, None)
