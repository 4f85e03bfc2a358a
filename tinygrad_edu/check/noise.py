"""How noisy a function is: by how much its computed values are off from a smooth function.

Over a short piece of a line a smooth function is a polynomial of low degree; what is left of the values after the best
polynomial is taken away is noise. (Moré & Wild 2011, Estimating computational noise, SIAM Journal on Scientific
Computing 33(3), take differences of high order, which does the same for equally spaced points. Here points are spaced
irregularly, because rounding to a grid can be as regular as they are, and then hides.) Noise is more than ε |f| where f
is computed by ill-conditioned steps, in a lower precision, or by an iteration that stops early; no assumption about
fn's arithmetic is needed.
"""

import numpy as np

POINTS = 10
DEGREE = 3
BOUND = 8.0  # standard deviations taken as the largest error of a value: the estimate itself may be 2 times too small
ALIKE = 100.0  # ratio of estimates that are all noise: what a function leaves falls with the 4th power of the spacing


def noise_of(f, bits, random):
    """A bound of the error of each output of f(t), a function of one number near t = 0, from 10 to 60 evaluations.

    bits    of the mantissa of f's dtype: 52 for float64
    random  draws the points, with as many digits as they may have where x + t is exact: round numbers meet less
            rounding

    Points lie on one side of 0 only, so that a kink at 0 itself is not taken for noise; if there is noise, on the other
    side as well, so that a kink nearby is not. Points that are close enough show the
    noise; those too far apart show the function, those too close a plateau. So estimates count from the closest points
    to where they grow as only a function does, plateaus apart.
    """
    noise, size = _on_side(f, 1, bits, random)
    least = 2 * 2.0**-bits * size
    if (noise > 50 * least).any():
        noise = np.minimum(noise, _on_side(f, -1, bits, random)[0])
    return np.maximum(noise, least)


def _on_side(f, side, bits, random):
    """(a bound of the noise of each output, its size) at points on one side of 0."""
    estimates = []
    for exponent in (bits / 3, bits / 2.2, bits / 1.65):
        spacing = 2.0 ** -round(exponent)
        digits = 2.0 ** max(2, bits - round(exponent) - 4)
        t = spacing * (np.arange(POINTS) + np.floor(random.uniform(0.2, 0.8, POINTS) * digits) / digits)
        values = np.array([f(side * step) for step in t])
        if not estimates:
            size = np.where(np.isfinite(values), np.abs(values), 0.0).max(axis=0)
        sigma = _deviation(t / spacing, values)
        plateau = (values[1:] == values[:-1]).mean(axis=0) > 0.5
        estimates.append(np.where(np.isfinite(sigma) & ~plateau, sigma, np.nan))
        if (estimates[0] * BOUND <= 4 * 2.0**-bits * size).all():
            break  # no more than rounding of the result itself
    noise = np.full(size.shape, np.nan)
    for sigma in reversed(estimates):
        noise = np.where(np.isnan(noise) | (sigma <= ALIKE * noise), np.fmax(noise, sigma), noise)
    return BOUND * np.nan_to_num(noise), size


def _deviation(points, values):
    """The standard deviation of each column of values from its best polynomial."""
    basis = np.linalg.qr(np.vander(points, DEGREE + 1))[0]
    values = values - values[0]  # exact, or nearly, and so is what follows
    return np.linalg.norm(values - basis @ (basis.T @ values), axis=0) / np.sqrt(POINTS - DEGREE - 1)
