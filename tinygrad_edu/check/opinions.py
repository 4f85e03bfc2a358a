"""Second opinions on a gradient, that need no steps to be chosen: adjointness, and the rate of the Taylor remainder."""

import math

import numpy as np

from .comparison import flat, largest_of, signs


def adjointness(function, weights, random):
    """|⟨w, J d⟩ - ⟨Jᵀ w, d⟩| relative to the sizes of the terms, for a random direction d; None where J d cannot be
    had.

    J d and Jᵀ w both by automatic differentiation: this compares the rules with their own derivatives, not with the
    function.
    """
    direction = [signs(x, random) for x in function.inputs]
    try:
        pushed = function.push(function.inputs, direction)
    except Exception:  # no second derivative, or a wrong one, of the wrong shape; this is only an opinion
        pushed = None
    if pushed is None:
        return None
    (pulled,) = function.pull(function.inputs, [weights])
    left, right = [w * j for w, j in zip(weights, pushed)], [g * d for g, d in zip(pulled, direction)]
    a, b = (sum(float(x.sum()) for x in side) for side in (left, right))
    size = max(sum(float(np.abs(x).sum()) for x in side) for side in (left, right))
    return abs(a - b) / size if size > 0 and math.isfinite(size) else 0.0


def nonlinearity(function, rows, random):
    """(number of the input, index, given, expected, size) where Jᵀ Σ cₖ wₖ is farthest from Σ cₖ Jᵀwₖ, for random c and
    the w of rows.

    A backward pass is linear in the gradient that it is given, whatever the function; one that ignores it may look
    right with weights of 1. `size` is what rounding is relative to. None for a function without inputs.
    """
    if len(rows) == 1:  # two, so that there is something to add up
        rows = [
            *rows,
            [np.asarray(random.uniform(0.5, 1.5, w.shape) * random.choice((-1.0, 1.0), w.shape)) for w in rows[0]],
        ]
    factors = random.uniform(0.3, 0.7, len(rows)) * random.choice((-1.0, 1.0), len(rows))
    together = [sum(c * w for c, w in zip(factors, column)) for column in zip(*rows)]
    *single, both = function.pull(function.inputs, [*rows, together])
    size = max((largest_of(g) for pulled in single for g in pulled), default=0.0)
    worst = None
    for number, found in enumerate(both):
        found = np.asarray(found, np.float64)
        expected = sum(c * np.asarray(pulled[number], np.float64) for c, pulled in zip(factors, single))
        gap = np.abs(found - expected)
        gap = np.where(np.isfinite(gap), gap, 0.0)  # what is infinite is judged elsewhere
        if gap.size and (worst is None or gap.max() > abs(worst[2] - worst[3])):
            index = np.unravel_index(gap.argmax(), gap.shape)
            worst = number, tuple(map(int, index)), float(found[index]), float(expected[index]), size
    return worst


def taylor_rate(function, weights, random, eps):
    """The power of h with which |s(x + h d) - s(x) - h ⟨g, d⟩| falls, for s = Σ weights · outputs; None where rounding
    hides it.

    2 where g is the gradient of a smooth function, 1 where it is not. The median over five halvings of h.
    """
    direction = [signs(x, random) for x in function.inputs]
    w = flat(weights)
    (pulled,) = function.pull(function.inputs, [weights])
    slope = sum(float((g * d).sum()) for g, d in zip(pulled, direction))
    at, remainders = flat(function.values(function.inputs)), []
    for k in range(6, 12):
        h = 2.0**-k
        try:
            ahead = flat(function.values([(x + h * d).astype(x.dtype) for x, d in zip(function.inputs, direction)]))
        except Exception:  # outside the domain
            return None
        if ahead.shape != at.shape:
            return None
        remainders.append(abs(float(w @ (ahead - at)) - h * slope))
    floor = 1e3 * eps * float(np.abs(w) @ np.abs(at))
    rates = [math.log2(a / b) for a, b in zip(remainders, remainders[1:]) if b > floor and 0 < a < math.inf]
    return float(np.median(rates)) if len(rates) >= 2 else None
