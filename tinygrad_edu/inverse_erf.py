"""The inverse of the error function, of whole arrays.

A closed formula with a relative error of 2·10⁻³ (S. Winitzki, "A handy approximation for the error function and its
inverse", 2008) starts Halley's iteration, each step of which triples the number of right digits. Beyond |x| = ½ it
solves erfc(y) = 1 − |x| instead of erf(y) = |x|, because 1 − |x| is exact there and keeps the digits that x near 1 has
lost.
"""

import math

import numpy as np

from .special import erf, erfc

__all__ = ["erfinv"]

A = 0.147  # Winitzki's constant
STEPS = 3


def erfinv(x):
    """y with erf(y) = x: ±∞ at ±1, NaN outside [−1, 1]. An array of the shape and dtype of x, computed in float64."""
    size = np.abs(x.astype(np.float64))
    inside = np.where(size < 1, size, 0.5)
    log = np.log1p(-inside * inside)
    half = 2 / (math.pi * A) + log / 2
    y = np.sqrt(np.maximum(np.sqrt(half * half - log / A) - half, 0))
    near_one = inside > 0.5
    for _ in range(STEPS):
        error = np.where(near_one, (1 - inside) - erfc(y), erf(y) - inside)
        step = error * (math.sqrt(math.pi) / 2) * np.exp(y * y)  # Newton's; Halley divides it by 1 + step · y
        y = y - step / (1 + step * y)
    y = np.where(size < 1, y, np.where(size == 1, np.inf, np.nan))
    return np.copysign(y, x).astype(x.dtype)
