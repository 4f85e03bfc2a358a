"""From differences to a verdict: does the analytic derivative lie in the interval, and does the interval mean
something?"""

import math

import numpy as np

from .report import Element
from .scan import (
    RUN,
    Interval,
    Row,
    agreed,
    contradiction,
    doubted,
    extrapolated,
    grows,
    is_steady,
    one_sided_window,
    steady,
    visible,
    window,
)

CLEAR = 1e3  # distance, in units of the error, from which three steps are enough to call a derivative wrong
MARGIN = 2.0  # what is called wrong must be this many times farther away than noise, which is an estimate, explains
NOISY = 1e-8  # noise relative to the function from which it may be an oscillation that no step resolves
HIDDEN = 1e7  # an oscillation within the noise changes by at least this many times the noise over a unit
UNDERESTIMATED = 30.0  # by what factor noise may have been estimated too small before fine steps are believed instead


class Precision:
    """What a dtype can resolve.

    bits   of its mantissa
    tight  relative difference that is no fault; intervals that confirm a derivative have at most twice that half-width
    zero   the same for a derivative that is 0 within its interval, relative to |f| / |x| or the largest derivative
    negligible  an error relative to the largest derivative that means nothing for any other
    residue     what is left, relative to the largest derivative, where terms of a backward pass cancel
    first  halvings of the first step, about ε^(1/5): the best for two extrapolations
    second  those of a step for functions that have kinks nearby, as networks do
    probe  further halvings of a much smaller step that must agree
    digits units are odd multiples of a power of two over this: few digits, so that points of differences are exact
    last   halvings of the smallest step of a scan
    """

    def __init__(self, dtype):
        self.bits = np.finfo(dtype).nmant
        self.eps = 2.0**-self.bits
        self.tight = {52: 2.5e-7, 23: 2.5e-4, 10: 5e-2}.get(self.bits, self.eps**0.4)
        self.zero = 8 * self.eps ** (2 / 3)
        self.negligible = min(2**18 * self.eps, self.tight)
        self.residue = min(2**8 * self.eps, self.negligible / 16)
        self.first = round(self.bits / 5)
        self.second = round(self.bits / 2.6)
        self.probe = round(self.bits / 4)
        self.digits = 2 ** min(6, self.bits // 3)
        self.last = self.bits - int(math.log2(self.digits)) - 1


FEW_OUTPUTS = 4
FINEST = 4  # of the smallest steps, those that have to see the noise
COARSEST = -3  # a scan starts at 8 times the unit


def judge(line, weights, names, analytic, doubt, largest, noise, precision, exact=None, crowd=1):
    """The Elements of one derivative: one for each row of weights that is not plainly right, and the worst of those
    that are.

    weights    (rows, outputs): which combination of the outputs each row is;  names  of the rows
    analytic   the derivative of each row that is to be judged, and `doubt`, how far rounding may have moved it
    largest    the largest derivative of each row with respect to anything
    noise      a bound of the error of each output
    exact      None, or a function like `Differentiable.complex_slopes`, without arguments
    crowd      how many elements move at once: for one wrong one to show among n, the interval must be √n times narrower
    """
    slack = precision.tight / math.sqrt(crowd)
    elements, open_rows = [], np.arange(len(names))
    analytic = np.asarray(analytic, np.float64)
    for first in (precision.first, precision.second):
        plain = Quick(line, weights[open_rows], noise, precision, first).verdicts(
            analytic[open_rows], slack, np.asarray(largest)[open_rows]
        )
        settled = [(element.rank, row, element) for row, element in zip(open_rows, plain) if element is not None]
        if settled:
            _, row, element = max(settled, key=lambda triple: triple[0])
            element.weights = names[row]
            elements.append(element)
        open_rows = np.array([row for row, element in zip(open_rows, plain) if element is None], int)
        if not open_rows.size:
            return elements
    for row in open_rows:
        trial = Judgement(
            Row(line, weights[row], noise), analytic[row], doubt[row], largest[row], slack, precision, exact
        )
        elements.append(trial.element(names[row]))
    return elements


class Quick:
    """Cheap evidence for all rows at once: three steps, and a fourth, very small one that has to agree."""

    def __init__(self, line, weights, noise, precision, first):
        levels = (first, first + 1, first + 2, first + precision.probe)
        self.line, self.precision, self.first = line, precision, first
        ahead, behind = (np.array(side) for side in zip(*(line.values(j) for j in levels)))
        h = np.array([line.step(j) for j in levels])[:, None]
        sizes = np.abs(weights)
        self.usable = bool(np.isfinite(ahead).all() and np.isfinite(behind).all())
        if not self.usable:
            return
        self.central = (ahead - behind) @ weights.T / (2 * h)  # (levels, rows)
        self.gaps = (ahead + behind - 2 * line.at)[[0, 3]] @ weights.T / h[[0, 3]]
        self.spread = np.abs(ahead[2] - behind[2]) @ sizes.T / (2 * h[2])
        self.spread[(weights != 0).sum(axis=1) == 1] = 0.0  # nothing can cancel
        changed = ((ahead != line.at) | (behind != line.at)).any(axis=0)
        # a derivative of 0 is plain where nothing changes; with smaller steps that could be a step of a staircase
        self.constant = ~(changed @ (weights != 0).T) if first == precision.first else np.zeros(len(weights), bool)
        # where much depends on one output, large steps are worth asking, too
        if self.constant.any() and line.at.size <= FEW_OUTPUTS:
            self.constant &= ~(line.changed(COARSEST) @ (weights != 0).T)
        self.noise = sizes[:, changed] @ noise[changed]
        self.floor = sizes[:, ~changed] @ noise[~changed] / h[0]  # outputs that do not change have slopes below that
        self.h = h

    def verdicts(self, analytic, slack, largest):
        """For each row an Element, if the matter is plain, else None."""
        if not self.usable:
            return [None] * len(analytic)
        d0, d1, d2, probe = self.central
        value, truncation = extrapolated([d0, d1, d2], (2, 4))
        error = truncation + 1.7 * self.noise / self.h[2] + self.floor
        rounding = 2 * self.noise / self.h[3]
        agree = np.abs(probe - value) <= error + rounding
        smooth = np.abs(self.gaps[1]) <= 0.1 * np.abs(self.gaps[0]) + 4 * rounding  # the gap at a kink does not shrink
        distance = np.abs(analytic - value)
        size = np.maximum(np.abs(value), 0.1 * self.spread)
        narrow = error <= slack / 8 * size  # with room to spare: a fault as large as the interval could hide in it
        narrow |= self.constant & (analytic == 0)
        error = error + self.precision.eps**2 * largest  # nothing at all
        right = agree & smooth & narrow & (distance <= np.maximum(error, slack * size))
        # if the error were only a little less than the distance, the noise might be underestimated: more steps show it
        wrong = (
            agree
            & smooth
            & narrow
            & ~self.constant
            & (distance > CLEAR * error)
            & (distance * self.line.unit < HIDDEN * self.noise)
        )
        step = self.line.step(self.first)
        return [
            Element(analytic=float(a), numerical=float(v), error=float(e), step=step, verdict="ok" if r else "wrong")
            if r or w
            else None
            for a, v, e, r, w in zip(analytic, value, error, right, wrong)
        ]


class Judgement:
    """One derivative on trial, with a scan of all steps as evidence."""

    def __init__(self, row, analytic, doubt, largest, slack, precision, exact):
        self.row, self.analytic, self.doubt, self.largest = row, float(analytic), float(doubt), largest
        self.slack, self.real_noise = slack, True
        self.precision, self.exact = precision, exact

    def element(self, name):
        found, verdict, reason = self._evidence()
        value, error = (found.value, found.error) if found is not None else (math.nan, math.inf)
        return Element(
            weights=name, analytic=self.analytic, numerical=value, error=error, verdict=verdict, reason=reason,
            step=None if found is None else self.row.line.step(found.j),
        )  # fmt: skip

    def _evidence(self):
        """(Interval or None, verdict, reason)."""
        row, last = self.row, self.precision.last
        levels = range(COARSEST, last + 1)
        finite = [math.isfinite(row.central(j)) for j in levels]
        if not any(finite[-RUN:]):
            return self._at_an_edge(levels)
        row.split_noise(levels)
        jumps = [row.jump(j) for j in levels]
        seen = visible(jumps, [8 * row.noise] * len(levels))
        if seen[:1] == [len(levels) - 1] and is_steady(jumps, seen):
            return None, "inconclusive", "discontinuity: the function jumps here"
        finest = levels[-min(2 * RUN, len(levels) // 3) :]
        scatter = self._scatter(finest)
        most = max(4 * max(scatter), 2 * self.precision.eps * row.size(last))
        row.noise = max(row.noise, 2 * sorted(scatter)[len(scatter) // 2])
        self.real_noise = 400 * max(scatter[-FINEST:]) >= row.noise  # the smallest steps see it, too
        gaps, resolved = [row.gap(j) for j in levels], [10 * row.noise / row.line.step(j) for j in levels]
        seen = visible(gaps, resolved)
        if is_steady(gaps, seen):
            return self._at_a_kink([levels[place] for place in steady(gaps, seen)])
        slopes = [row.central(j) for j in levels]
        if grows(gaps, seen) or grows(slopes, visible(slopes, [r / 5 for r in resolved])):
            return None, "inconclusive", "non-finite: the slope grows without bound as the step shrinks"
        fine_to_coarse = range(last - 2, COARSEST - 1, -1)
        found, verdict, reason = self._of_windows([window(row, j) for j in fine_to_coarse])
        if found is not None and 100 * most < row.noise and all(row.changes(j) for j in finest):
            # the smallest steps see a smooth function where larger ones saw noise: a fast oscillation, or a staircase
            row.noise = most
            fine = agreed(doubted([window(row, j) for j in fine_to_coarse]))
            apart = fine is not None and abs(fine.value - found.value) > 3 * (fine.error + found.error)
            if apart and (verdict == "ok" or abs(self.analytic - fine.value) <= 3 * fine.error):
                return (
                    found,
                    "inconclusive",
                    f"noise: the smallest steps show a slope of {fine.value:.6g}, larger ones another",
                )
        return found, verdict, reason

    def _scatter(self, levels):
        """The noise that the smallest steps show, coarse to fine: where a function is smooth their differences
        agree."""
        values = [self.row.central(j) for j in levels]
        found = [abs(a - b) * self.row.line.step(j + 1) for a, b, j in zip(values, values[1:], levels)]
        return found if all(map(math.isfinite, found)) else [0.0]

    def _of_windows(self, windows, note=""):
        found = agreed(doubted(windows))
        factor = contradiction(windows, found)
        if 1 < factor <= UNDERESTIMATED:
            for w in windows:
                w.rounding *= 1.5 * factor
            found = agreed(windows)
        if found is None:
            return None, "inconclusive", "non-finite: the function is not finite around this point"
        verdict, reason = self._compare(found)
        if not self._is_narrow(found, found.error):
            sharper = self._complex_step(found)
            if sharper is not None:
                found = sharper
                verdict, reason = self._compare(found)
        return found, verdict, reason or note

    def _at_an_edge(self, levels):
        """The function is defined on one side only: the derivative from there."""
        row = self.row
        for side, quotient in ((1, row.ahead), (-1, row.behind)):
            if all(math.isfinite(quotient(j)) for j in levels[-RUN:]):
                values = [quotient(j) for j in levels]
                if grows(values, visible(values, [2 * row.noise / row.line.step(j) for j in levels])):
                    return None, "inconclusive", "non-finite: the slope grows without bound at the edge of the domain"
                windows = [one_sided_window(row, j, side) for j in reversed(levels[:-3])]
                found, verdict, reason = self._of_windows(windows, "one-sided: the edge of the domain")
                return found, verdict, reason
        return None, "inconclusive", "non-finite: the function is not finite around this point"

    def _at_a_kink(self, levels):
        """One-sided derivatives differ, by the same at all these levels: right is what lies between them."""
        row, fans = self.row, []
        for j in levels:
            (low, high), finer = row.fan(j), row.fan(j + 1)
            change = max(abs(low - finer[0]), abs(high - finer[1]))
            fans.append((2 * change + 8 * row.noise / row.line.step(j + 1), low, high, j))
        slack, low, high, j = min(fans)
        slack += 1e-6 * max(abs(low), abs(high)) + self.precision.residue * self.largest
        found = Kink(low, high, slack, j)
        if low - slack <= self.analytic <= high + slack:
            return found, "kink", f"a kink: the derivatives on its two sides are {low:.6g} and {high:.6g}"
        return found, "wrong", f"a kink, and this is not between {low:.6g} and {high:.6g}, the derivatives on its sides"

    def _complex_step(self, found):
        """A sharper Interval by a complex step, if the function takes complex numbers and is analytic there.

        s(x + ih) = s(x) + ih s'(x) - ...: nothing is subtracted, so that h may be so small that only rounding is left
        (Squire & Trapp 1998, Using complex variables to estimate derivatives of real functions, SIAM Review 40(1)).
        """
        slopes, certain = (None if self.exact is None else self.exact()) or (None, False)
        if slopes is None:
            return None
        terms = self.row.weights * slopes[self.row.used]
        value = float(terms.sum())
        if not math.isfinite(value) or abs(value - found.value) > found.error:
            return None
        if not certain and found.error > max(0.1 * abs(value), self.precision.negligible * self.largest):
            return None  # it may contain |x|, say, which has no derivative in the complex plane
        rounding = 64 * self.precision.eps * float(np.abs(terms).sum()) + self.precision.eps**2 * self.largest
        return Interval(value, 0.0, rounding, found.j, exact=True)

    # ---- the comparison

    def _compare(self, found):
        """(verdict, reason) of the analytic value against an Interval."""
        if not math.isfinite(self.analytic):
            return "wrong", "the analytic derivative is not finite, the numerical one is"
        distance, row = abs(self.analytic - found.value), self.row
        if row.constant and abs(self.analytic) * row.line.unit <= self.precision.eps**2 * max(1.0, row.line.reach):
            return "ok", ""  # a slope that no value of the function can show
        if distance <= max(found.error, self.slack * self._size(found)) + self.precision.eps**2 * self.largest:
            if self._is_narrow(found, found.error) or self._is_negligible(found):
                return "ok", ""
            return "inconclusive", self._why_wide(found)
        doubt = self.doubt
        if found.exact:  # only what changes with the last digits: nothing else is lost beside larger derivatives
            doubt -= self.precision.residue * self.largest
        if distance <= found.error + doubt:
            if self._is_narrow(found, found.error + doubt) or self._is_negligible(found, doubt):
                return "ok", ""
            return "inconclusive", "rounding: the analytic derivative itself changes with the last digits of the inputs"
        noisy = row.noise > NOISY * row.size(self.precision.first)
        hidden = not self.real_noise or row.noise < 64 * distance * row.line.step(self.precision.last)
        if noisy and hidden and distance * row.line.unit > HIDDEN * row.noise:
            return "inconclusive", "noise: or an oscillation faster than any step that rounding allows"
        if distance <= MARGIN * found.error and found.rounding >= found.truncation:
            return "inconclusive", self._why_wide(found)
        return "wrong", ""

    def _is_narrow(self, found, error):
        """Whether an error is small beside the derivative itself, or the outputs do not depend on the argument."""
        if error <= 2 * self.precision.tight * self._size(found):
            return True
        return self.analytic == 0 and not self.row.changes(found.j) and not self.row.changes(found.j + 2)

    def _size(self, found):
        """What errors are relative to: the derivative, or, where weights of either sign cancel, a tenth of its
        parts."""
        size = abs(found.value)
        return max(size, 0.1 * self.row.spread(found.j + 2)) if self.row.weights.size > 1 else size

    def _is_negligible(self, found, doubt=0.0):
        """Whether a derivative is right but for what is rounding beside the largest derivative of the row.

        An analytic value that is always exactly 0 was not computed from terms that cancel, and needs better evidence;
        so does one that is neither known to some digits, the more the larger it is, nor so small that only rounding can
        have made it. Where all derivatives are 0, |f| / |x| is the measure.
        """
        error, size = found.error + doubt, abs(self.analytic)
        for digits, share in ((40 * self.precision.tight, self.precision.tight), (0.01, self.precision.negligible)):
            if error <= digits * size and error <= share * self.largest:
                return True
        if error <= self.precision.negligible * self.largest:
            residue = self.precision.residue * self.largest
            if size > 0 or self.doubt > residue:  # `doubt` is more where it changes with the last digits of inputs
                small = size <= max(residue, min(self.doubt, self.precision.negligible * self.largest))
            else:
                small = error <= residue
            return small and (found.exact or not self._depends(found))
        if doubt and abs(found.value) + found.error <= size <= doubt <= self.precision.negligible * self.row.line.reach:
            return True  # nothing but rounding: it changes as much as it is when inputs change in their last digits
        natural = self.row.size(self.precision.first) / self.row.line.reach
        is_zero = abs(found.value) <= found.error and size <= error and self.largest <= error
        return is_zero and (
            error <= self.precision.residue * natural
            or (error <= self.precision.zero * natural and (size > 0 or not self._depends(found)))
        )

    def _depends(self, found):
        """Whether large steps show a slope that noise hides from smaller ones: a change that is no noise, and not too
        large for a slope within the interval."""
        j = next((j for j in range(COARSEST, found.j + 1) if math.isfinite(self.row.jump(j))), found.j)
        jump = abs(self.row.jump(j))
        return 2 * self.row.noise < jump <= 4 * self.row.line.step(j) * found.error

    def _why_wide(self, found):
        if found.rounding >= found.truncation:
            return f"noise: rounding in the function leaves the derivative uncertain by {found.error:.1g}"
        return "oscillation: the function bends faster than the steps that rounding allows, or is not smooth here"


class Kink:
    """What an Interval is elsewhere: the range between the one-sided derivatives."""

    def __init__(self, low, high, slack, j):
        self.value, self.error, self.j = (low + high) / 2, (high - low) / 2 + slack, j
