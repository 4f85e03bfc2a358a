"""Numerical derivatives with derived error bounds: one function of one number, differences over a scan of steps.

    D(h) = (s(h) - s(-h)) / 2h = s'(0) + c₂ h² + c₄ h⁴ + ...

A large h leaves the terms c h² in, a small one the noise of s, ν / h. Richardson extrapolation over three halvings
removes two of the terms, and its last correction bounds what is left (Ridders 1982, Accurate computation of F'(x) and
F'(x) F''(x), Advances in Engineering Software 4(2)); the noise is measured (noise.py). Each window of three steps thus
gives an interval.

No single window can be trusted: a large step may jump over a kink or a period of an oscillation, and look exact. So the
scan goes from fine to coarse: what fine steps say is true, if vague, and a coarser window narrows it as long as it
agrees with all finer ones (`agreed`). One-sided differences tell kinks and jumps, whatever the central ones say.
"""

import math

import numpy as np

WINDOW = 3  # steps h, h/2, h/4 of one extrapolation
SLOW = 0.6  # ratio of successive changes; a smooth function has at most 1/2
RUN = 5  # halvings over which a gap must stay the same to be called a kink or a jump
STEADY = 1.3  # largest ratio of gaps that are called the same


class Line:
    """A function of one number that returns an array of outputs, with its values at 0 and at ±h of a ladder h = unit /
    2ʲ.

    along  the function; it is called once for each point
    unit   about the size of the changes of its argument over which it changes: h for j = 0. A multiple of a power of
           two with few digits, so that points are exact; not a power of two itself, which periods tend to be
    reach  the size of the largest element that its argument moves, or could have moved
    """

    def __init__(self, along, unit, at, reach):
        self.along, self.unit, self.at, self.reach = along, unit, at, max(reach, unit)
        self.known = {}

    def values(self, j):
        """(s(h), s(-h)) for h = unit / 2ʲ."""
        if j not in self.known:
            h = self.step(j)
            self.known[j] = self.along(h), self.along(-h)
        return self.known[j]

    def changed(self, j):
        """Which outputs differ from their values at 0."""
        ahead, behind = self.values(j)
        return (ahead != self.at) | (behind != self.at)

    def step(self, j):
        return math.ldexp(self.unit, -j)


class Row:
    """Σ weights · outputs along a Line, a function of one number: its differences at each step.

    noise  a bound of the error of each output
    """

    def __init__(self, line, weights, noise):
        used = weights != 0
        self.line, self.used, self.weights = line, used, weights[used]
        self.outputs_noise = np.abs(self.weights) * noise[used]
        self.noise, self.floor, self.constant = float(self.outputs_noise.sum()), 0.0, False
        self.at = line.at[used]

    def split_noise(self, levels):
        """Set aside the noise of outputs that are the same at all steps: their slopes are below noise / (the largest
        step)."""
        constant = np.ones(self.at.shape, bool)
        for j in levels:
            for values in self.line.values(j):
                constant &= values[self.used] == self.at
        self.constant = bool(constant.all())
        self.noise = float(self.outputs_noise[~constant].sum())
        self.floor = float(self.outputs_noise[constant].sum()) / self.line.step(levels[0])

    def size(self, j):
        """Σ |weights| |outputs| at 0 and at ±h, whichever is largest."""
        outputs = [np.abs(x[self.used]) for x in (*self.line.values(j), self.line.at)]
        return float(np.abs(self.weights) @ np.fmax.reduce(outputs))

    def _sum(self, differences):
        return float(self.weights @ differences)

    def central(self, j):
        ahead, behind = self.line.values(j)
        return self._sum(ahead[self.used] - behind[self.used]) / (2 * self.line.step(j))

    def ahead(self, j):
        return self._sum(self.line.values(j)[0][self.used] - self.at) / self.line.step(j)

    def behind(self, j):
        return self._sum(self.at - self.line.values(j)[1][self.used]) / self.line.step(j)

    def gap(self, j):
        return self.ahead(j) - self.behind(j)

    def jump(self, j):
        ahead, behind = self.line.values(j)
        return self._sum(ahead[self.used] - behind[self.used])

    def changes(self, j):
        """Whether any output differs from its value at 0."""
        return bool(self.line.changed(j)[self.used].any())

    def spread(self, j):
        """Σ |weights| |derivatives of the outputs|: how large the derivative would be if nothing cancelled."""
        ahead, behind = self.line.values(j)
        return float(np.abs(self.weights) @ np.abs(ahead[self.used] - behind[self.used])) / (2 * self.line.step(j))

    def fan(self, j):
        """(lowest, highest) of what subgradients of the outputs add up to, from one-sided differences extrapolated
        once."""
        sides = []
        for side in (0, 1):
            sign = 1 - 2 * side
            quotients = [
                sign * (self.line.values(k)[side][self.used] - self.at) / self.line.step(k) for k in (j, j + 1)
            ]
            sides.append(self.weights * (2 * quotients[1] - quotients[0]))
        return float(np.minimum(*sides).sum()), float(np.maximum(*sides).sum())


class Interval:
    """A value and how far it may be off: by what the extrapolation left (`truncation`) and by `rounding`.

    j      of its largest step;  exact  whether it comes from a complex step, which subtracts nothing
    """

    __slots__ = ("value", "truncation", "rounding", "j", "exact")

    def __init__(self, value, truncation, rounding, j, exact=False):
        self.value, self.truncation, self.rounding, self.j, self.exact = value, truncation, rounding, j, exact

    @property
    def error(self):
        return self.truncation + self.rounding

    @property
    def low(self):
        return self.value - self.error

    @property
    def high(self):
        return self.value + self.error

    @property
    def finite(self):
        return math.isfinite(self.value) and math.isfinite(self.error)


def window(row, j):
    """The Interval from central differences at j, j + 1 and j + 2: powers 2 and 4 of h removed, or 1 and 2 where that
    is better.

    Odd powers are there where the second derivative jumps, as at the seams of a Huber loss.
    """
    differences = [row.central(j + k) for k in range(WINDOW)]
    noise = row.noise / row.line.step(j + 2)
    even, any_power = extrapolated(differences, (2, 4)), extrapolated(differences, (1, 2))
    even = Interval(
        even[0], even[1], 1.7 * noise + row.floor, j
    )  # Σ |coefficients| of (1/45, -20/45, 64/45), h counted
    any_power = Interval(any_power[0], any_power[1], 3.8 * noise + row.floor, j)  # of (1/3, -6/3, 8/3)
    slow = slowly(differences, 2 * row.noise / row.line.step(j + 2))
    if slow is not None:
        return Interval(differences[-1], slow, noise + row.floor, j)
    return any_power if any_power.error < even.error else even


def slowly(table, rounding):
    """How far the last of three differences may be from the limit, where they approach it more slowly than by halves;
    else None.

    Where s is not smooth, as |x|^1.2 at 0, its differences have other powers of h in them, which no extrapolation here
    removes.
    """
    coarse, fine = abs(table[-3] - table[-2]), abs(table[-2] - table[-1])
    if not fine > max(SLOW * coarse, rounding / 8):
        return None
    return 2 * max(coarse, fine) / (1 - min(fine / coarse if coarse else 1.0, 0.95))


def extrapolated(table, powers):
    """(the value at h = 0, twice the change since the coarsest value of the column before) by removing powers of h."""
    before = table
    for power in powers:
        factor = 2.0**power
        before, table = table, [(factor * b - a) / (factor - 1) for a, b in zip(table, table[1:])]
    return table[0], 2 * abs(table[0] - before[0])


def one_sided_window(row, j, side):
    """The Interval from differences on one side, at j to j + 3: s(h) - s(0) has all powers of h in it, of which three
    are removed."""
    quotient = row.ahead if side > 0 else row.behind
    quotients = [quotient(j + k) for k in range(WINDOW + 1)]
    slow = slowly(quotients, 4 * row.noise / row.line.step(j + 3))
    if slow is not None:
        return Interval(quotients[-1], slow, 2 * row.noise / row.line.step(j + 3) + row.floor, j)
    value, truncation = extrapolated(quotients, (1, 2, 3))
    return Interval(value, truncation, 12 * row.noise / row.line.step(j + 3) + row.floor, j)


def doubted(windows):
    """The same Intervals, the finest first, with the change from each to the next finer one in its truncation, if that
    is more.

    A single extrapolation may look exact by chance; the next finer one shows what it left.
    """
    for finer, coarser in zip(windows, windows[1:]):
        if finer.finite:
            coarser.truncation = max(coarser.truncation, 2 * abs(coarser.value - finer.value))
    return windows


def agreed(windows):
    """The narrowest of the intervals that agree with all finer ones; None if there are none.

    windows  Intervals, the finest first
    """
    known, low, high = None, -math.inf, math.inf
    for found in windows:
        if not found.finite:
            if known is not None:
                break  # the step leaves the domain of s
            continue
        low, high = max(low, found.low), min(high, found.high)
        if low > high:
            break  # a coarser step meets what finer ones do not: a kink, a jump, another period
        if known is None or found.error < known.error:
            known = found
    return known


def contradiction(windows, known):
    """How many times larger the noise would have to be for fine intervals to agree with coarser, narrower ones; 1 if
    they do.

    The noise is an estimate, and one that is too small by a little would make fine steps contradict all others.
    """
    best = min((w for w in windows if w.finite), key=lambda w: w.error, default=None)
    if best is None or known is None or best is known:
        return 1.0
    need = 1.0
    for w in windows:
        if w is best:
            break
        if w.finite and w.rounding > 0:
            need = max(need, (abs(w.value - best.value) - best.error - w.truncation) / w.rounding)
    return need


def visible(values, thresholds):
    """The places, finest first, of those values of a scan (coarse to fine) that exceed their thresholds in one run.

    The run must reach down to where noise hides the value. None are returned if the value vanishes before: what coarse
    steps saw lay beside the point.
    """
    places, hidden = [], math.inf
    for place in range(len(values) - 1, -1, -1):
        value = abs(values[place])
        if math.isfinite(value) and value > thresholds[place]:
            if not places and value > 2 * hidden:
                return []
            places.append(place)
        elif places:
            break
        else:
            hidden = min(hidden, thresholds[place])
    return places


def steady(values, places):
    """Those of `places` (finest first) up to where the values are no longer the same, but for a factor STEADY."""
    found, low, high = [], math.inf, 0.0
    for place in places:
        low, high = min(low, abs(values[place])), max(high, abs(values[place]))
        if high > STEADY * low:
            break
        found.append(place)
    return found


def is_steady(values, places):
    """Whether at least the finest RUN of the values at `places` are the same."""
    return len(steady(values, places)) >= RUN


def grows(values, places):
    """Whether the finest of the values at `places` grow by more than a tenth with each halving of the step."""
    run = [abs(values[place]) for place in places[: 2 * RUN]]
    return len(run) == 2 * RUN and all(fine > 1.1 * coarse for fine, coarse in zip(run, run[1:]))
