"""A line search for the strong conditions of Wolfe: a step that is neither too long nor too short.

Along a direction d the loss is a function f of the length t. A t is accepted when

    f(t) ≤ f(0) + c₁ t f'(0)      the loss has become smaller, by a part of what the slope promised
    |f'(t)| ≤ c₂ |f'(0)|          and the slope flatter

First t grows until an accepted point lies between two lengths, then the interval shrinks (Nocedal & Wright, "Numerical
optimization", Algorithms 3.5 and 3.6), both by cubic interpolation (equation 3.59).
"""

import math
from typing import NamedTuple

import numpy as np

from ..modes import state as thread

C1, C2 = 1e-4, 0.9


class Point(NamedTuple):
    """A length, and there: the loss, the gradient, and its component along the direction."""

    t: float
    loss: float
    gradient: np.ndarray
    slope: float


def strong_wolfe(loss_and_gradient, t, loss, gradient, slope, direction, tolerance, most):
    """Find a length; returns (loss, gradient, t, number of evaluations).

    loss_and_gradient  a function of t
    t                  the first length to try
    loss, ...          those at 0
    tolerance          no element of the parameters needs to be known better
    most               how often the length may be changed
    """
    origin = Point(0.0, loss, gradient, slope)
    size = np.abs(direction).max()

    def at(t):
        loss, gradient = loss_and_gradient(t)
        return Point(t, loss, gradient, float(thread.quiet(np.dot, gradient, direction)))

    def too_high(point):
        return point.loss > origin.loss + C1 * point.t * origin.slope

    def flat(point):
        return abs(point.slope) <= -C2 * origin.slope

    # the interval between `last` and `point` grows until it holds an accepted length
    last, point, tries = origin, at(t), 0
    interval = [origin, None]
    while tries < most:
        if too_high(point) or (tries > 1 and point.loss >= last.loss):
            interval = [last, point]
            break
        if flat(point):
            return point.loss, point.gradient, point.t, tries + 1
        if point.slope >= 0:
            interval = [last, point]
            break
        t = cubic_minimum(last, point, point.t + 0.01 * (point.t - last.t), point.t * 10)
        last, point, tries = point, at(t), tries + 1
    if interval[1] is None:  # `most` was reached
        interval = [origin, point]

    low = 0 if interval[0].loss <= interval[1].loss else 1  # the better end
    stuck = False
    while tries < most and abs(interval[1].t - interval[0].t) * size >= tolerance:
        left, right = sorted(point.t for point in interval)
        t = cubic_minimum(*interval, left, right)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # hardly any progress: once is allowed, unless t is an end itself
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        point, tries = at(t), tries + 1
        high = 1 - low
        if too_high(point) or point.loss >= interval[low].loss:
            interval[high] = point
            low = 0 if interval[0].loss <= interval[1].loss else 1
            continue
        if not flat(point) and point.slope * (interval[high].t - interval[low].t) >= 0:
            interval[high] = interval[low]
        interval[low] = point
        if flat(point):
            break
    best = interval[low]
    return best.loss, best.gradient, best.t, tries + 1


def cubic_minimum(a, b, least, most):
    """Where the cubic through two points, with their slopes, is smallest; moved into [least, most]. Their middle, if
    there is no such place."""
    if a.t > b.t:
        a, b = b, a
    if a.t < b.t:
        d = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
        square = d * d - a.slope * b.slope
        if square >= 0:
            root = math.sqrt(square)
            below = b.slope - a.slope + 2 * root
            if below:
                return min(max(b.t - (b.t - a.t) * ((b.slope + root - d) / below), least), most)
    return (least + most) / 2
