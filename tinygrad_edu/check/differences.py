"""Numerical derivatives by central differences, each with an estimate of its error.

    D(h) = (f(x + h) - f(x - h)) / 2h = f'(x) + c₂ h² + c₄ h⁴ + ...

A large h leaves the terms c h² in, a small one the rounding of f, about ε |f| / h; without more the best step is near
∛ε |x|, which gets ten digits at best. Richardson extrapolation takes D at steps that are halved each time and removes
the terms one by one, and the spread of the extrapolated values tells how far they can be trusted (Ridders 1982, Accurate
computation of F'(x) and F'(x) F''(x), Advances in Engineering Software 4(2); Press et al. 2007, Numerical Recipes, 3rd
edition, section 5.7).
"""

import math

import numpy as np

EPSILON = np.finfo(np.float64).eps
FIRST = EPSILON**0.2  # relative size of the largest step; the extrapolation takes care of its large c₂ h²
LEVELS = 8  # halvings; the smallest step is about ∛ε, below which rounding only grows
ENOUGH = 1e-10  # relative error at which no smaller step is tried


def noise_of(f, x, random):
    """How far the results of f(x) are off by rounding: how much they move when the operands move in their last bits.

    An algorithm that is backward stable is wrong by no more than that (Higham 2002, Accuracy and Stability of Numerical
    Algorithms, section 1.5), but much more than by ε |f| where f is ill-conditioned.
    """
    at, noise = f(x), 0.0
    for _ in range(3):
        moved = [a * (1.0 + EPSILON * random.integers(-2, 3, a.shape)) for a in x]
        noise = np.maximum(noise, np.abs(f(moved) - at))
    return noise


def derivative(f, scale, step=None):
    """(f'(0), its error, |f|, the step) for a function of one number that returns an array: all element by element.

    scale  the size of the changes of its argument over which f changes noticeably: often |x| for f(t) = g(x + t)
    step   the largest step, instead of one chosen by `scale`

    Steps are powers of two, so that x + h is exact. A result that no step changes at all is taken not to depend on the
    argument: its error is 0.
    """
    h = 2.0 ** round(math.log2(FIRST * scale)) if step is None else step
    best = error = size = steps = None
    previous, changed = [], False
    for level in range(LEVELS):
        ahead, behind = f(h), f(-h)
        magnitude = np.maximum(np.abs(ahead), np.abs(behind))
        changed |= ahead != behind
        rounding = np.where(changed, 2 * EPSILON * magnitude / h, 0.0)
        row = [(ahead - behind) / (2 * h)]
        if level == 0:
            best, error, size, steps = row[0], np.full(row[0].shape, np.inf), magnitude, np.full(row[0].shape, h)
        for order, lower in enumerate(previous, 1):
            factor = 4.0**order
            value = row[-1] + (row[-1] - lower) / (factor - 1)
            doubt = np.maximum(np.abs(value - row[-1]), np.abs(value - lower)) + rounding
            better = doubt < error  # False where anything is NaN or infinite, as outside the domain of f
            best = np.where(better, value, best)
            error = np.where(better, doubt, error)
            steps = np.where(better, h, steps)
            row.append(value)
        size = np.where(np.isfinite(size), size, magnitude)
        if level >= 2 and (error <= ENOUGH * np.maximum(np.abs(best), size / scale)).all():
            break
        previous = row
        h /= 2
    return best, error, size, steps


def resolved(scale, x):
    """Whether the steps for `scale` are large enough to change x at all."""
    return FIRST * scale / 2**LEVELS > 4 * EPSILON * abs(x)


def one_sided(f, scale):
    """(derivative from the left, from the right, whether they differ): f has a kink or a jump where they do.

    The difference between the two quotients shrinks with the step where f is smooth, and does not at a kink.
    """
    at = f(0.0)
    gaps = []
    for h in (1e-3 * scale, 1e-5 * scale):
        ahead, behind = f(h), f(-h)
        left, right = (at - behind) / h, (ahead - at) / h
        gaps.append(np.abs(right - left))
    rounding = 100 * EPSILON * (np.abs(ahead) + np.abs(behind) + np.abs(at)) / h
    return left, right, (gaps[1] > 0.5 * gaps[0]) & (gaps[1] > rounding)
