"""The derivatives of all combinations of outputs at one point, compared element by element or direction by
direction."""

import functools
import math

import numpy as np

from .noise import noise_of
from .scan import Line
from .verdicts import judge


class Comparison:
    """Analytic derivatives of all rows at one point, and the Lines along which differences are taken."""

    def __init__(self, function, rows, precision, random, order):
        self.function, self.precision, self.order = function, precision, order
        self.names = [name for name, _ in rows]
        self.matrix = np.array([np.concatenate([w.ravel() for w in weights]) for _, weights in rows])
        self.analytic, self.doubt = with_doubt(function, [w for _, w in rows], random, precision.eps)
        self.largest = [max((largest_of(g) for g in pulled), default=0.0) for pulled in self.analytic]
        self.doubt = [[d + precision.residue * size for d in moved] for moved, size in zip(self.doubt, self.largest)]
        self.at = flat(function.values(function.inputs))
        self.unit = (random.integers(precision.digits * 5 // 16, precision.digits // 2) * 2 + 1) / precision.digits
        spread = [signs(x, random) for x in function.inputs]
        self.noise = noise_of(lambda t: self._values(t, spread), precision.bits, random) if self.at.size else self.at

    def _values(self, t, direction):
        return self._outside([(x + t * d).astype(x.dtype) for x, d in zip(self.function.inputs, direction)])

    def _outside(self, moved):
        """The outputs at other inputs; NaN where the function refuses them: steps may leave its domain."""
        try:
            found = flat(self.function.values(moved))
        except Exception:  # whatever it objects to; at the inputs themselves it objected to nothing
            found = None
        return found if found is not None and found.shape == self.at.shape else np.full(self.at.shape, np.nan)

    def element(self, number, index):
        """The Element of one element of an input."""
        x = self.function.inputs[number]
        at = abs(float(x[index]))
        crowd = float(np.abs(x).max()) if x.size else 1.0
        scales = [_power_of_two(at), 1.0] if at else [1.0, _power_of_two(crowd)]

        def moved_by(t):
            moved = x.copy()
            moved[index] += x.dtype.type(t)
            return moved

        found = self._judge(number, index, scales, moved_by, lambda: _one(x.shape, index))
        found.index = index
        return found

    def direction(self, number, direction):
        """The Element of the derivative along a direction in one input."""
        x = self.function.inputs[number]
        return self._judge(number, direction, [1.0], lambda t: (x + t * direction).astype(x.dtype), lambda: direction)

    def bisect(self, number, random):
        """The Element that is wrong, found by halving the set of elements along which a direction is taken."""
        x = self.function.inputs[number]
        steps = signs(x, random).ravel()
        chosen = random.permutation(x.size)
        while len(chosen) > 1:
            halves = []
            for half in (chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]):
                direction = np.zeros(x.size)
                direction[half] = steps[half]
                halves.append((self.direction(number, direction.reshape(x.shape)).rank, half))
            chosen = max(halves, key=lambda pair: pair[0])[1]
        return self.element(number, tuple(map(int, np.unravel_index(chosen[0], x.shape))))

    def _judge(self, number, where, scales, moved_by, direction):
        """The worst Element of all rows for a movement of one input, the best over the scales of its steps."""
        x, single = self.function.inputs[number], isinstance(where, tuple)
        reach, crowd = (float(np.abs(x).max()), 1) if single else (1.0, np.count_nonzero(where))
        if single:
            analytic = [pulled[number][where] for pulled in self.analytic]
            doubt = [moved[number][where] for moved in self.doubt]
        else:
            analytic = [np.sum(pulled[number] * where) for pulled in self.analytic]
            doubt = [np.sum(moved[number] * np.abs(where)) for moved in self.doubt]

        def along(t):
            moved = list(self.function.inputs)
            moved[number] = moved_by(t)
            return self._outside(moved)

        exact = functools.cache(lambda: self._complex(number, direction()))
        best, open_rows = [], list(range(len(self.names)))
        for scale in dict.fromkeys(scales):
            line = Line(along, self.unit * scale, self.at, reach)
            rows = [[values[row] for row in open_rows] for values in (self.names, analytic, doubt, self.largest)]
            found = judge(line, self.matrix[open_rows], *rows, self.noise, self.precision, exact, crowd)
            best = [element for element in best if element.verdict != "inconclusive"] + found
            open_rows = [self.names.index(element.weights) for element in found if element.verdict == "inconclusive"]
            if not open_rows:
                break
        singular = [element for element in best if element.reason.startswith("non-finite")]
        if singular and all(element.analytic != element.analytic for element in best if element.verdict == "wrong"):
            best = singular  # 0 · ∞: where an output has no finite slope, other outputs cannot be told apart
        worst = max(best, key=lambda element: element.rank)
        worst.order, worst.input, worst.name = self.order, number, self.function.names[number]
        return worst

    def _complex(self, number, direction):
        directions = [direction if n == number else np.zeros(x.shape) for n, x in enumerate(self.function.inputs)]
        return self.function.complex_slopes(self.function.inputs, directions)


def with_doubt(function, rows, random, eps):
    """(gradients of each row, how much they change when inputs change in their last digits).

    That is by how much an algorithm that is backward stable may be off (Higham 2002, Accuracy and Stability of
    Numerical Algorithms, section 1.5).
    """
    analytic = function.pull(function.inputs, rows)
    doubt = [[16 * eps * np.abs(np.asarray(g, np.float64)) for g in pulled] for pulled in analytic]
    for _ in range(3):
        moved = [(x * (1.0 + eps * random.integers(-2, 3, x.shape))).astype(x.dtype) for x in function.inputs]
        for bound, at, other in zip(doubt, analytic, function.pull(moved, rows)):
            for number, (a, b) in enumerate(zip(at, other)):
                change = np.abs(np.asarray(b, np.float64) - a)
                bound[number] = np.fmax(bound[number], 2 * np.where(np.isfinite(change), change, 0.0))
    return analytic, doubt


def flat(arrays):
    return np.concatenate([np.asarray(x, np.float64).ravel() for x in arrays]) if arrays else np.zeros(0)


def largest_of(array):
    """The largest finite absolute value."""
    size = np.abs(np.asarray(array, np.float64))
    return float(size[np.isfinite(size)].max(initial=0.0))


def _power_of_two(size):
    """The largest power of two up to `size`; 1 for 0."""
    return 2.0 ** math.floor(math.log2(size)) if 0 < size < math.inf else 1.0


def signs(x, random):
    """A random direction of about the size of x in each element: ± a power of two, so that points on the way are
    exact."""
    size = np.abs(np.asarray(x, np.float64))
    power = np.exp2(np.floor(np.log2(np.where((size > 0) & np.isfinite(size), size, 1.0))))
    return power * random.choice((-1.0, 1.0), x.shape)


def _one(shape, index):
    direction = np.zeros(shape)
    direction[index] = 1.0
    return direction
