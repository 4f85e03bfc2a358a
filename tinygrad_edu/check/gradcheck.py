"""Comparing the gradients that a function's backward pass gives with numerical derivatives of the function.

The derivative of every output with respect to every input is a matrix, J. The backward pass gives vᵀJ for weights v
of the outputs, and differences give J column by column, so that one scan of differences serves any number of v: random
weights, in which every output shows, and for small outputs also each single output. Inputs with many elements are
checked along random directions, J · d; a wrong one is bisected down to the element.
"""

import functools
import math

import numpy as np

from .foreign import Foreign, of_numpy
from ..clock import calling_line
from ..modes import state
from .culprit import find_culprit
from .functions import Differentiable, TensorFunction, of_tensors
from .noise import noise_of
from .report import Element, Report
from .scan import Line
from .verdicts import Precision, judge

SMALL = 32  # outputs with at most this many elements are also checked one by one
MANY = 400  # if all inputs together have more elements, those with more than FEW are checked along directions
FEW = 16
DIRECTIONS = 3


def gradients(fn, *inputs, order=1, wrt=None, seed=0):
    """Check the gradients of fn(*inputs) against numerical derivatives with derived error bounds, and return a Report.

    fn      a function of Tensors that returns a Tensor, or a tuple or list of them, of any shapes; an nn.Module, whose
            parameters are checked like inputs; or a function of another library: `of_torch(f)`, `of_jax(f)`, `of_numpy(f, df)`,
            the last also as a pair (f, df).
            It must give the same result each time. The caller's inputs are never changed: it is called with copies
    inputs  Tensors, arrays or numbers of floating dtype
    order   2 checks the gradients of the gradients, too
    wrt     numbers (or names) of the inputs to check; by default all. Inputs that are not checked may be of any kind
    seed    for the random weights of the outputs and the random directions

    The verdict is "ok", "kink", "inconclusive" or "wrong" (see `report.VERDICTS`); `bool(report)` says whether all is well,
    `str(report)` what was found and what it cost. A float32 or float16 function that also runs in float64 is compared with its own
    float64 derivatives, and its gradients in its own precision within what that can resolve; one that does not is judged by differences
    in its own precision.

    Cost, in evaluations of fn: 8 for each element checked and 8 to 24 for the noise; about 110 more for an element that is not plainly
    right. One gradient, and three for rounding, of each combination of outputs.

    Raises TypeError for integer inputs and outputs.
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, not {order!r}")
    if isinstance(fn, tuple):
        fn = of_numpy(*fn)
    function = fn.at(inputs, wrt) if isinstance(fn, Foreign) else of_tensors(fn, inputs, wrt)
    random = np.random.default_rng(seed)
    with np.errstate(all="ignore"):  # steps may leave the domain of the function
        report = Check(function, random).report(order)
        if report.verdict == "wrong" and isinstance(function, TensorFunction):
            report.culprit = find_culprit(function, random, lambda step, random: Check(step, random).elements())
            if report.culprit is None:
                report.notes.append(_no_culprit(function))
    return report


def assert_gradients(fn, *inputs, **options):
    """Raise AssertionError with the report as its text if `gradients(fn, *inputs, **options)` finds a fault, or cannot tell."""
    report = gradients(fn, *inputs, **options)
    if not report:
        raise AssertionError(str(report))
    return report


class Check:
    """One check of a Differentiable: the order of its steps."""

    def __init__(self, function: Differentiable, random):
        self.function, self.random, self.notes = function, random, []

    def elements(self):
        """Those of first order alone, for a step of a larger function; none where nothing can be compared."""
        try:
            report = self.report(1, opinions=False)
        except (TypeError, ValueError, RuntimeError):
            return []
        for element in report.elements:
            element.operand = self.function.chosen[element.input]
        return report.elements

    def report(self, order, opinions=True):
        """The Report; `opinions` asks for adjointness and the Taylor remainder."""
        function = self.function
        self.precise, self.precision = self._precision()
        arrays = self.precise.inputs
        self.outputs = self.precise.values(arrays)
        reason = self._unfit()
        if reason:
            return self._finish([], reason)
        rows = self._rows()
        elements = self._compare(self.precise, rows, 1)
        if self.precise is not function:
            elements += self._in_own_precision(rows)
        adjointness = self._adjointness(rows[0][1], elements) if opinions else None
        rate = self._taylor_rate(rows[0][1]) if opinions else None
        if order == 2 and all(element.verdict != "wrong" for element in elements):
            second = self.precise.gradient_function(rows[0][1])
            if second is None:
                self.notes.append("second order was not checked: the gradient of this function cannot be differentiated here")
            else:
                elements += self._second_order(second)
        return self._finish(elements, "", adjointness, rate)

    def _finish(self, elements, reason="", adjointness=None, rate=None):
        functions = {id(f): f for f in (self.function, self.precise)}.values()
        evaluations, pullbacks = (sum(getattr(f, name) for f in functions) for name in ("evaluations", "pullbacks"))
        return Report(elements, self.notes, reason, adjointness, rate, evaluations, pullbacks)

    # ---- what can be checked

    def _precision(self):
        """(the function in float64 if it has that, else as it is; the Precision of its differences)."""
        function = self.function
        coarse = [n for n, x in enumerate(function.inputs) if x.dtype != np.float64]
        if coarse:
            precise = function.of_dtype(np.float64)
            if precise is not None:
                try:
                    outputs = precise.values(precise.inputs)
                    own = function.values(function.inputs)
                except (TypeError, ValueError, RuntimeError):
                    outputs = own = []
                if outputs and all(x.dtype == np.float64 for x in outputs) and _alike(outputs, own):
                    some = ", ".join(function.names[n] for n in coarse[:3]) + (", ..." if len(coarse) > 3 else "")
                    self.notes.append(
                        f"of {function.inputs[coarse[0]].dtype}: {some}; the numerical derivatives are those of float64 copies"
                    )
                    return precise, Precision(np.float64)
        dtypes = [x.dtype for x in function.inputs] + [x.dtype for x in function.values(function.inputs)]
        return function, Precision(min(dtypes, key=lambda dtype: np.finfo(dtype).nmant))

    def _unfit(self):
        """Why nothing can be compared, or an empty text."""
        first, again = _flat(self.outputs), _flat(self.precise.values(self.precise.inputs))
        if first.shape != again.shape or not np.allclose(
            first, again, rtol=100 * self.precision.eps, atol=0, equal_nan=True
        ):
            return (
                "not deterministic: the function gives different results for the same inputs. Is there a random draw in it "
                "(dropout?) or a state that changes? Set the seed inside the function, or switch it to evaluation"
            )
        if not np.isfinite(first).all():
            return "non-finite: the function is infinite or NaN at the given inputs; there it has no derivative"
        return ""

    def _rows(self):
        """What to differentiate: a list of (description, weights of each output)."""
        outputs, random = self.outputs, self.random
        rows = [("random weights", [_random_weights(x.shape, random) for x in outputs])]
        size = sum(x.size for x in outputs)
        if size == 1:
            return [("the output", [np.ones(x.shape) for x in outputs])]
        if size <= SMALL:
            for number, output in enumerate(outputs):
                for index in np.ndindex(output.shape):
                    weights = [np.zeros(x.shape) for x in outputs]
                    weights[number][index] = 1.0
                    rows.append((f"output {number} [{', '.join(map(str, index))}]", weights))
        return rows

    # ---- comparing

    def _compare(self, function, rows, order):
        """The Elements of all rows: for each input element, or direction, the worst one."""
        comparison = Comparison(function, rows, self.precision, self.random, order)
        elements = []
        total = sum(x.size for x in function.inputs)
        for number, x in enumerate(function.inputs):
            if total <= MANY or x.size <= FEW:
                elements += [comparison.element(number, index) for index in np.ndindex(x.shape)]
                continue
            found = [comparison.direction(number, _signs(x, self.random)) for _ in range(DIRECTIONS)]
            elements += found
            worst = max(found, key=lambda element: element.rank)
            if worst.verdict in ("wrong", "inconclusive"):
                elements.append(comparison.bisect(number, self.random))
        return elements

    def _second_order(self, second):
        first, outputs = self.outputs, second.values(second.inputs)
        if not np.isfinite(_flat(outputs)).all():
            return []
        self.outputs = outputs
        try:
            elements = self._compare(second, self._rows(), 2)
        finally:
            self.outputs = first
        self.precise.evaluations += second.evaluations
        self.precise.pullbacks += second.pullbacks
        return elements

    def _in_own_precision(self, rows):
        """Whether the gradients in the function's own precision are those of float64, as far as it resolves them."""
        function, precise = self.function, self.precise
        own = Precision(min((x.dtype for x in function.inputs), key=lambda dtype: np.finfo(dtype).nmant))
        weights = [w for _, w in rows]
        analytic, doubt = _with_doubt(function, weights, self.random, own.eps)
        right = precise.pull(precise.inputs, weights)
        elements = []
        for (name, _), pulled, moved, exact in zip(rows, analytic, doubt, right):
            least = own.residue * max((_largest(g) for g in exact), default=0.0)
            for number, x in enumerate(function.inputs):
                # what an algorithm that is backward stable may be off by, and as much again as the dtype resolves
                a, d, r = np.asarray(pulled[number], np.float64), moved[number], exact[number]
                error = 8 * d + own.tight * np.maximum(np.abs(r), np.abs(r).mean() if r.size else 0.0) + least
                with np.errstate(all="ignore"):
                    outside = ~(np.abs(a - r) <= error) & np.isfinite(r)
                for index in zip(*np.nonzero(outside)):
                    elements.append(Element(
                        input=number, name=f"{function.names[number]} ({x.dtype})", index=tuple(map(int, index)), weights=name,
                        analytic=float(a[index]), numerical=float(r[index]), error=float(error[index]), verdict="wrong",
                        reason=f"in float64 it is right: the rule goes wrong in {x.dtype}",
                    ))  # fmt: skip
                    break
        return elements

    # ---- second opinions

    def _adjointness(self, weights, elements):
        """|⟨w, J d⟩ - ⟨Jᵀ w, d⟩| relative to the sizes of the terms; an Element in `elements` if it is not rounding."""
        precise = self.precise
        direction = [_signs(x, self.random) for x in precise.inputs]
        try:
            pushed = precise.push(precise.inputs, direction)
        except (RuntimeError, NotImplementedError, TypeError):  # once_differentiable, or no second derivative
            return None
        if pushed is None:
            return None
        (pulled,) = precise.pull(precise.inputs, [weights])
        left, right = [w * j for w, j in zip(weights, pushed)], [g * d for g, d in zip(pulled, direction)]
        a, b = sum(float(x.sum()) for x in left), sum(float(x.sum()) for x in right)
        size = max(sum(float(np.abs(x).sum()) for x in left), sum(float(np.abs(x).sum()) for x in right))
        gap = abs(a - b) / size if size > 0 and math.isfinite(size) else 0.0
        if not gap <= self.precision.tight and all(element.verdict == "ok" for element in elements):
            elements.append(Element(
                input=0, name="adjointness", weights="random weights", analytic=b, numerical=a, error=self.precision.tight * size,
                verdict="wrong", reason="the backward pass is not linear in the gradient that it is given: ⟨w, J d⟩ is not ⟨Jᵀw, d⟩",
            ))  # fmt: skip
        return gap

    def _taylor_rate(self, weights):
        """The power of h with which |f(x + h d) - f(x) - h ⟨g, d⟩| falls, from the fastest fall over four halvings."""
        precise = self.precise
        direction = [_signs(x, self.random) for x in precise.inputs]
        flat = np.concatenate([w.ravel() for w in weights])
        (pulled,) = precise.pull(precise.inputs, [weights])
        slope = sum(float((g * d).sum()) for g, d in zip(pulled, direction))
        at = _flat(self.outputs)
        remainders = []
        for k in range(6, 12):
            h = 2.0**-k
            moved = [(x + h * d).astype(x.dtype) for x, d in zip(precise.inputs, direction)]
            remainders.append(abs(float(flat @ (_flat(precise.values(moved)) - at)) - h * slope))
        floor = 1e3 * self.precision.eps * float(np.abs(flat) @ np.abs(at))
        rates = [math.log2(a / b) for a, b in zip(remainders, remainders[1:]) if b > floor and math.isfinite(a)]
        return float(np.median(rates)) if len(rates) >= 2 else None


class Comparison:
    """Analytic derivatives of all rows at one point, and the Lines along which differences are taken."""

    def __init__(self, function, rows, precision, random, order):
        self.function, self.precision, self.order = function, precision, order
        self.names = [name for name, _ in rows]
        self.matrix = np.array([np.concatenate([w.ravel() for w in weights]) for _, weights in rows])
        self.analytic, self.doubt = _with_doubt(function, [w for _, w in rows], random, precision.eps)
        self.largest = [max((_largest(g) for g in pulled), default=0.0) for pulled in self.analytic]
        self.doubt = [[d + precision.residue * size for d in moved] for moved, size in zip(self.doubt, self.largest)]
        self.at = _flat(function.values(function.inputs))
        self.unit = (random.integers(precision.digits * 5 // 16, precision.digits // 2) * 2 + 1) / precision.digits
        spread = [_signs(x, random) for x in function.inputs]
        self.noise = noise_of(lambda t: self._values(t, spread), precision.bits, random) if self.at.size else self.at

    def _values(self, t, direction):
        return self._outside([(x + t * d).astype(x.dtype) for x, d in zip(self.function.inputs, direction)])

    def _outside(self, moved):
        """The outputs at other inputs; NaN where the function refuses them: steps may leave its domain."""
        try:
            found = _flat(self.function.values(moved))
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
        signs = _signs(x, random).ravel()
        chosen = random.permutation(x.size)
        while len(chosen) > 1:
            halves = []
            for half in (chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]):
                direction = np.zeros(x.size)
                direction[half] = signs[half]
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


def _no_culprit(function):
    """Where the gradient may be lost, if every operation's own rule is right."""
    ways = Cuts()
    before, state.mode.taken = state.mode.taken, ways
    try:
        function.call(function.inputs)
    finally:
        state.mode.taken = before
    cuts = "; ".join(dict.fromkeys(ways.places))
    return "every recorded operation's own rule is right at its values" + (
        f": the gradient is lost where values leave the graph: {cuts}" if cuts else ""
    )


class Cuts(list):
    """Takes notes of how values are taken out of a graph, and of the lines that did it."""

    def __init__(self):
        super().__init__()
        self.places = []

    def append(self, how):
        super().append(how)
        self.places.append(f"{how} at {calling_line()}")


def _with_doubt(function, rows, random, eps):
    """(gradients of each row, how much they change when inputs change in their last digits).

    That is by how much an algorithm that is backward stable may be off (Higham 2002, Accuracy and Stability of Numerical
    Algorithms, section 1.5).
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


def _flat(arrays):
    return np.concatenate([np.asarray(x, np.float64).ravel() for x in arrays]) if arrays else np.zeros(0)


def _largest(array):
    """The largest finite absolute value."""
    size = np.abs(np.asarray(array, np.float64))
    return float(size[np.isfinite(size)].max(initial=0.0))


def _alike(outputs, own):
    """Whether a function gives about the same in two precisions; where it does not, the finer one says nothing of the coarser."""
    return len(outputs) == len(own) and all(
        x.shape == y.shape and np.allclose(x, y, rtol=0.05, atol=0.05 * float(np.abs(x).max(initial=0.0)), equal_nan=True)
        for x, y in zip(outputs, own)
    )


def _random_weights(shape, random):
    """Of either sign and not near 0, so that no output hides."""
    return np.asarray(random.uniform(0.5, 1.5, shape) * random.choice((-1.0, 1.0), shape))


def _power_of_two(size):
    """The largest power of two up to `size`; 1 for 0."""
    return 2.0 ** math.floor(math.log2(size)) if 0 < size < math.inf else 1.0


def _signs(x, random):
    """A random direction of about the size of x in each element: ± a power of two, so that points on the way are exact."""
    size = np.abs(np.asarray(x, np.float64))
    power = np.exp2(np.floor(np.log2(np.where((size > 0) & np.isfinite(size), size, 1.0))))
    return power * random.choice((-1.0, 1.0), x.shape)


def _one(shape, index):
    direction = np.zeros(shape)
    direction[index] = 1.0
    return direction
