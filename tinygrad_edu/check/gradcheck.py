"""Comparing the gradients that a function's backward pass gives with numerical derivatives of the function.

The derivative of every output with respect to every input is a matrix, J. The backward pass gives vᵀJ for weights v
of the outputs, and differences give J column by column, so that one scan of differences serves any number of v: each
single output, or, where there are many, random weights, in which every one shows. Inputs with many elements are checked
along random directions, J · d; a wrong one is bisected down to the element.
"""

import numpy as np

from .comparison import Comparison, flat, largest_of, signs, with_doubt
from .culprit import find_culprit, where_lost
from .foreign import Foreign, of_numpy
from .functions import Differentiable, TensorFunction, of_tensors
from .opinions import adjointness, nonlinearity, taylor_rate
from .report import Element, Report
from .verdicts import Precision

SMALL = 32  # outputs with at most this many elements are checked one by one, larger ones by random weights
MANY = 400  # if all inputs together have more elements, those with more than FEW are checked along directions
FEW = 16
DIRECTIONS = 3

listeners = []
"""Functions (fn, inputs, options, report) that are told of every `assert_gradients`: --gradient-report is one."""


def gradients(fn, *inputs, order=1, wrt=None, seed=0):
    """Check the gradients of fn(*inputs) against numerical derivatives with derived error bounds, and return a Report.

    fn      a function of Tensors that returns a Tensor, or a tuple or list of them, of any shapes; an nn.Module, whose
            parameters are checked like inputs; or a function of another library: `of_torch(f)`, `of_jax(f)`,
            `of_numpy(f, df)`, the last also as a pair (f, df).
            It must give the same result each time. The caller's inputs are never changed: it is called with copies
    inputs  Tensors, arrays or numbers of floating dtype
    order   2 checks the gradients of the gradients, too
    wrt     numbers (or names) of the inputs to check; by default all. Inputs that are not checked may be of any kind
    seed    for the random weights of the outputs and the random directions

    The verdict is "ok", "kink", "inconclusive" or "wrong" (see `report.VERDICTS`); `bool(report)` says whether all is
    well, `str(report)` what was found and what it cost. A float32 or float16 function that also runs in float64 is
    compared with its own float64 derivatives, and its gradients in its own precision within what that can resolve; one
    that does not is judged by differences in its own precision.

    Cost, in evaluations of fn: 8 for each element checked and 10 to 60 for the noise; about 110 more for an element
    that is not plainly right. One gradient, and three for rounding, of each combination of outputs.

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
                report.notes.append(where_lost(function))
    return report


def assert_gradients(fn, *inputs, **options):
    """Raise AssertionError with the report as its text if `gradients(fn, *inputs, **options)` finds a fault, or cannot
    tell."""
    report = gradients(fn, *inputs, **options)
    for listen in listeners:
        listen(fn, inputs, options, report)
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
        elements += self._linearity([weights for _, weights in rows])
        gap = rate = None
        if opinions:
            weights = [_random_weights(x.shape, self.random) for x in self.outputs]
            gap = adjointness(self.precise, weights, self.random)
            rate = taylor_rate(self.precise, weights, self.random, self.precision.eps)
        if order == 2 and all(element.verdict != "wrong" for element in elements):
            second = self.precise.gradient_function([_random_weights(x.shape, self.random) for x in self.outputs])
            if second is None:
                self.notes.append(
                    "second order was not checked: the gradient of this function cannot be differentiated here"
                )
            else:
                elements += self._second_order(second)
        return self._finish(elements, "", gap, rate)

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
                        f"of {function.inputs[coarse[0]].dtype}: {some}; the numerical derivatives are those of "
                        "float64 copies"
                    )
                    return precise, Precision(np.float64)
        dtypes = [x.dtype for x in function.inputs] + [x.dtype for x in function.values(function.inputs)]
        return function, Precision(min(dtypes, key=lambda dtype: np.finfo(dtype).nmant))

    def _unfit(self):
        """Why nothing can be compared, or an empty text."""
        first, again = flat(self.outputs), flat(self.precise.values(self.precise.inputs))
        if first.shape != again.shape or not np.allclose(
            first, again, rtol=100 * self.precision.eps, atol=0, equal_nan=True
        ):
            return (
                "not deterministic: the function gives different results for the same inputs. Is there a random draw "
                "in it (dropout?) or a state that changes? Set the seed inside the function, or switch it to evaluation"
            )
        if not np.isfinite(first).all():
            return "non-finite: the function is infinite or NaN at the given inputs; there it has no derivative"
        return ""

    def _rows(self):
        """What to differentiate, a list of (description, weights of each output): each output, or of many a random
        combination."""
        outputs = self.outputs
        size = sum(x.size for x in outputs)
        if size > SMALL or size == 0:
            return [("random weights", [_random_weights(x.shape, self.random) for x in outputs])]
        rows = []
        for number, output in enumerate(outputs):
            for index in np.ndindex(output.shape):
                weights = [np.zeros(x.shape) for x in outputs]
                weights[number][index] = 1.0
                place = f"output {number} [{', '.join(map(str, index))}]" if size > 1 else "the output"
                rows.append((place, weights))
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
            found = [comparison.direction(number, signs(x, self.random)) for _ in range(DIRECTIONS)]
            elements += found
            worst = max(found, key=lambda element: element.rank)
            if worst.verdict in ("wrong", "inconclusive"):
                elements.append(comparison.bisect(number, self.random))
        return elements

    def _second_order(self, second):
        first, outputs = self.outputs, second.values(second.inputs)
        if not np.isfinite(flat(outputs)).all():
            return []
        self.outputs = outputs
        try:
            elements = self._compare(second, self._rows(), 2)
        finally:
            self.outputs = first
        self.precise.evaluations += second.evaluations
        self.precise.pullbacks += second.pullbacks
        return elements

    def _linearity(self, rows):
        """An Element if the backward pass is not linear in the gradient that it is given, in a list."""
        worst = nonlinearity(self.precise, rows, self.random)
        if worst is None:
            return []
        number, index, given, expected, size = worst
        # the backward pass may compute in a lower precision than its results have
        error = 10 * self.precision.tight * size
        if not abs(given - expected) > error:
            return []
        return [
            Element(
                input=number, name=self.precise.names[number], index=index, weights="random weights", analytic=given,
                numerical=expected, error=error, verdict="wrong",
                reason="the backward pass is not linear in the gradient that it is given: Jᵀ Σ c w is not Σ c Jᵀw",
            )
        ]  # fmt: skip

    def _in_own_precision(self, rows):
        """Whether the gradients in the function's own precision are those of float64, as far as it resolves them."""
        function, precise = self.function, self.precise
        own = Precision(min((x.dtype for x in function.inputs), key=lambda dtype: np.finfo(dtype).nmant))
        weights = [w for _, w in rows]
        analytic, doubt = with_doubt(function, weights, self.random, own.eps)
        right = precise.pull(precise.inputs, weights)
        elements = []
        for (name, _), pulled, moved, exact in zip(rows, analytic, doubt, right):
            least = own.residue * max((largest_of(g) for g in exact), default=0.0)
            for number, x in enumerate(function.inputs):
                # what an algorithm that is backward stable may be off by, and as much again as the dtype resolves
                a, d, r = np.asarray(pulled[number], np.float64), moved[number], exact[number]
                error = 8 * d + own.tight * np.maximum(np.abs(r), np.abs(r).mean() if r.size else 0.0) + least
                with np.errstate(all="ignore"):
                    outside = ~(np.abs(a - r) <= error) & np.isfinite(r)
                for index in zip(*np.nonzero(outside)):
                    elements.append(Element(
                        input=number, name=f"{function.names[number]} ({x.dtype})", index=tuple(map(int, index)),
                        weights=name, analytic=float(a[index]), numerical=float(r[index]), error=float(error[index]),
                        verdict="wrong",
                        reason=f"in float64 it is right: the rule goes wrong in {x.dtype}",
                    ))  # fmt: skip
                    break
        return elements


def _alike(outputs, own):
    """Whether a function gives about the same in two precisions; where it does not, the finer one says nothing of the
    coarser."""
    return len(outputs) == len(own) and all(
        x.shape == y.shape
        and np.allclose(x, y, rtol=0.05, atol=0.05 * float(np.abs(x).max(initial=0.0)), equal_nan=True)
        for x, y in zip(outputs, own)
    )


def _random_weights(shape, random):
    """Of either sign and not near 0, so that no output hides."""
    return np.asarray(random.uniform(0.5, 1.5, shape) * random.choice((-1.0, 1.0), shape))
