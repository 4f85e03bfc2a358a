"""Comparing the gradients that a function's backward pass gives with numerical derivatives of the function.

The derivative of every output with respect to every input is a matrix, J. The backward pass gives vᵀJ for weights v
of the outputs, and differences give J column by column, so that one pass of differences serves any number of v: random
weights, in which every output shows, and for small outputs also each single output.
"""

import functools

import numpy as np

from ..autograd import grad
from ..grad_mode import enable_grad
from ..tensor import Tensor, of_array
from .differences import EPSILON, derivative, noise_of, one_sided, resolved
from .report import Element, Report

SMALL = 32  # outputs with at most this many elements are also checked one by one
MANY = 400  # of inputs with more elements this many are checked, and random directions
TIGHT = 1e-6  # largest relative error of a numerical derivative that can confirm an analytic one


def gradients(fn, *inputs, order=1, wrt=None, seed=0, step=None, rtol=1e-7, atol=0.0):
    """Check the gradients of fn(*inputs) against central differences in float64 and return a Report.

    fn      a function of Tensors that returns a Tensor, or a tuple or list of them, of any shapes. It must give the
            same result each time. The caller's inputs are never changed: it is called with copies
    inputs  Tensors, arrays or numbers of floating dtype; they are checked as float64, whatever their precision
    order   2 checks the gradients of the gradients, too
    wrt     numbers of the inputs to check; by default all. Inputs that are not checked may be of any kind
    seed    for the random weights of the outputs
    step    the first step of the differences, instead of one chosen for each element by its size
    rtol    relative difference that is rounding; what else is tolerated is derived from the error of the differences
    atol    absolute difference to tolerate in addition

    Raises TypeError for integer inputs and for outputs that are not float64, ValueError if fn gives different results
    each time or non-finite ones. `bool(report)` says whether all is well, `str(report)` what was found.
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, not {order!r}")
    chosen = tuple(range(len(inputs))) if wrt is None else _positions(wrt, len(inputs))
    arrays, notes = _as_float64(inputs, chosen)
    random = np.random.default_rng(seed)
    weights = _weights(fn, arrays, chosen, random)
    options = dict(random=random, step=step, rtol=rtol, atol=atol)
    elements = compare(fn, arrays, chosen, weights, 1, **options)
    if order == 2 and all(element.verdict != "wrong" for element in elements):
        second = _gradient_function(fn, len(arrays), chosen)
        arrays = [*arrays, *weights[0][1]]
        chosen = (*chosen, *range(len(inputs), len(arrays)))
        elements += compare(second, arrays, chosen, _weights(second, arrays, chosen, random), 2, **options)
    return Report(elements, notes)


def assert_gradients(fn, *inputs, **options):
    """Raise AssertionError with the report as its text if `gradients(fn, *inputs, **options)` finds a fault."""
    report = gradients(fn, *inputs, **options)
    if not report:
        raise AssertionError(str(report))
    return report


def _positions(wrt, count):
    positions = (wrt,) if isinstance(wrt, int) else tuple(wrt)
    for position in positions:
        if not 0 <= position < count:
            raise ValueError(f"wrt names input {position}, but there are {count} inputs, counted from 0")
    return positions


def _as_float64(inputs, chosen):
    """Copies of the chosen inputs as float64 arrays, the other inputs as they are, and notes about conversions."""
    arrays, notes = list(inputs), []
    for number in chosen:
        value = inputs[number].array if isinstance(inputs[number], Tensor) else np.asarray(inputs[number])
        if value.dtype.kind != "f":
            raise TypeError(
                f"input {number} is of dtype {value.dtype}, and only floating numbers have gradients. Pass it "
                "inside the function, `lambda x: f(x, index)`, or name the inputs to check, `wrt=(0,)`"
            )
        if value.dtype != np.float64:
            notes.append(f"input {number} is {value.dtype}; checked on a float64 copy")
        arrays[number] = np.array(value, np.float64)
    return arrays, notes


def _evaluate(fn, arrays, chosen):
    """The Tensors that fn is given for the chosen inputs, and its floating outputs, as a list."""
    given = [value if number not in chosen else of_array(np.array(value), None) for number, value in enumerate(arrays)]
    for number in chosen:
        given[number].requires_grad = True
    with enable_grad():
        outputs = fn(*given)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    for output in outputs:
        if not isinstance(output, Tensor):
            raise TypeError(f"the function must return a Tensor or several, not {type(output).__name__}")
    floating = [output for output in outputs if output.dtype.kind == "f"]
    if not floating:
        raise TypeError(
            f"the function returns {outputs[0].dtype if outputs else 'nothing'}; only floating numbers have derivatives"
        )
    for output in floating:
        if output.dtype != np.float64:
            raise TypeError(
                f"the function returns {output.dtype} for float64 inputs, too coarse for numerical derivatives. "
                "Is there a conversion in it, or a parameter of another dtype? (module.double() converts a module)"
            )
    return [given[number] for number in chosen], floating


def _flat(outputs):
    return np.concatenate([output.array.ravel() for output in outputs])


def _weights(fn, arrays, chosen, random):
    """What to check: a list of (description, weights of each output). Calls fn twice to see that it can be checked."""
    outputs = _evaluate(fn, arrays, chosen)[1]
    first, second = _flat(outputs), _flat(_evaluate(fn, arrays, chosen)[1])
    if first.shape != second.shape or not np.array_equal(first, second, equal_nan=True):
        raise ValueError(
            "the function gives different results for the same inputs, so it has no derivative. Is there a random draw "
            "in it (dropout?) or a state that changes? Set the seed inside the function, or switch it to evaluation"
        )
    if not np.isfinite(first).all():
        raise ValueError("the function is infinite or NaN at the given inputs; there it has no derivative")
    checks = [("random weights", [_random_weights(x.shape, random) for x in outputs])]
    if 1 < len(first) <= SMALL:
        for number, output in enumerate(outputs):
            for index in np.ndindex(output.shape):
                weights = [np.zeros(x.shape) for x in outputs]
                weights[number][index] = 1.0
                checks.append((f"output {number} [{', '.join(map(str, index))}]", weights))
    return checks


def _random_weights(shape, random):
    """Of either sign and not near 0, so that no output hides."""
    return np.asarray(random.uniform(0.5, 1.5, shape) * random.choice((-1.0, 1.0), shape))


def _analytic(fn, arrays, chosen, checks):
    """For each check, the gradients of Σ weights · outputs with respect to the chosen inputs: arrays."""
    inputs, outputs = _evaluate(fn, arrays, chosen)
    connected = [number for number, output in enumerate(outputs) if output.requires_grad]
    if not connected:
        return [[np.zeros(x.shape) for x in inputs] for _ in checks]
    found = []
    for _, weights in checks:
        start = [of_array(weights[number].copy(), None) for number in connected]
        roots = [outputs[number] for number in connected]
        with enable_grad():
            result = grad(roots, inputs, start, retain_graph=True, materialize_grads=True)
        found.append([g.array for g in result])
    return found


def _gradient_function(fn, count, chosen):
    """The function (inputs, weights of the outputs) -> gradients, itself differentiable."""

    def gradient(*args):
        inputs, weights = args[:count], args[count:]
        outputs = fn(*inputs)
        outputs = [x for x in (outputs if isinstance(outputs, (tuple, list)) else [outputs]) if x.dtype.kind == "f"]
        pairs = [(output, weight) for output, weight in zip(outputs, weights) if output.requires_grad]
        wanted = [inputs[number] for number in chosen]
        if not pairs:
            return [x * 0 for x in wanted]
        roots, start = zip(*pairs)
        return grad(roots, wanted, start, create_graph=True, materialize_grads=True)

    return gradient


def compare(fn, arrays, chosen, checks, order, random, step, rtol, atol):
    """The Elements of all checks: for each input element the worst one."""
    analytic = _analytic(fn, arrays, chosen, checks)
    matrix = np.array([np.concatenate([w.ravel() for w in weights]) for _, weights in checks])  # (checks, outputs)
    elements = []

    def value(moved):
        full = list(arrays)
        for number, x in zip(chosen, moved):
            full[number] = x
        return _flat(_evaluate(fn, full, chosen)[1])

    noise = functools.cache(lambda: noise_of(value, [arrays[number] for number in chosen], random))
    for place, number in enumerate(chosen):
        x = arrays[number]
        for index, direction, scale in _directions(x, random):
            at = [
                gradients[place][index] if index is not None else np.sum(gradients[place] * direction)
                for gradients in analytic
            ]

            def along(t):
                moved = [arrays[other] for other in chosen]
                moved[place] = x + t * direction if index is None else _moved(x, index, t)
                return value(moved)

            found = _judge(along, np.array(at), matrix, scale, noise, step, rtol, atol)
            worst = max(range(len(checks)), key=lambda row: found[row].rank)
            element = found[worst]
            element.order, element.input, element.index, element.weights = order, number, index, checks[worst][0]
            elements.append(element)
    return elements


def _moved(x, index, t):
    x = x.copy()
    x[index] += t
    return x


def _directions(x, random):
    """(index, direction, scale) of the derivatives to take: every element, or of many some and random directions."""
    indices = list(np.ndindex(x.shape))
    if len(indices) > MANY:
        indices = [indices[i] for i in random.choice(len(indices), MANY, replace=False)]
        for _ in range(3):
            direction = random.choice((-1.0, 1.0), x.shape) * np.where(x == 0, 1.0, np.abs(x))
            yield None, direction, 1.0
    for index in indices:
        yield index, None, abs(float(x[index])) or 1.0


def _judge(along, analytic, matrix, scale, noise, step, rtol, atol):
    """An Element for each row of weights in `matrix`, from numerical derivatives of the function `along` at 0.

    Steps relative to |x| come first; where they do not settle the matter (exp near 0, sin far from 0) others are tried.
    """
    scales = [scale]
    if step is None:
        scales += [s for s in dict.fromkeys((scale**0.5, 1.0, 1e-3 * scale)) if s != scale and resolved(s, scale)]
    sizes = np.abs(matrix)
    best, wide = [None] * len(analytic), {}
    open_rows = range(len(analytic))
    for size in scales:
        slopes, errors, values, steps = derivative(along, size, step)
        for row in open_rows:
            used = sizes[row] > 0
            error = sizes[row][used] @ errors[used]
            if best[row] is None or error < best[row].error:
                natural = sizes[row][used] @ values[used] / max(scale, 1.0)
                best[row] = _element(analytic[row], matrix[row][used] @ slopes[used], error, natural, rtol, atol)
                wide[row] = steps
        open_rows = [row for row in open_rows if best[row].verdict != "ok"]
        if not open_rows:
            return best
        if all(
            best[row].verdict == "wrong" and best[row].error < TIGHT * abs(best[row].numerical) for row in open_rows
        ):
            break  # accurate already
    for row in open_rows:
        # is the function less accurate than its last digit, or does it change, but in no digit that a float64 has?
        element = best[row]
        size = noise() + EPSILON * values
        blur = 2 * sizes[row] @ (size / wide[row])
        element.tolerance += 4 * blur
        element.error += blur
        if element.verdict == "wrong" and abs(element.analytic - element.numerical) <= element.tolerance:
            close = blur <= TIGHT * max(abs(element.analytic), sizes[row] @ size / EPSILON / max(scale, 1.0))
            element.verdict = "ok" if close else "undecided"
    open_rows = [row for row in open_rows if best[row].verdict != "ok"]
    if not open_rows:
        return best
    left, right, differ = one_sided(along, scale)
    for row in open_rows:
        kink = differ & (matrix[row] != 0)
        if kink.any():
            ends = matrix[row] * left, matrix[row] * right
            smooth = matrix[row] @ np.where(kink, 0.0, (left + right) / 2)
            low, high = (smooth + f(*ends)[kink].sum() for f in (np.minimum, np.maximum))
            slack = 1e-3 * max(abs(low), abs(high))
            if low - slack <= analytic[row] <= high + slack:
                best[row].verdict = "not differentiable"
    return best


def _element(analytic, numerical, error, natural, rtol, atol):
    size = max(abs(analytic), abs(numerical)) if np.isfinite(analytic) else 0.0
    tolerance = 4 * error + rtol * size + atol
    if not np.isfinite(analytic):
        verdict = "wrong"
    elif not np.isfinite(error):
        verdict = "undecided"
    elif not abs(analytic - numerical) <= tolerance:
        verdict = "wrong"
    elif error <= TIGHT * max(size, natural):
        verdict = "ok"
    else:
        verdict = "undecided"
    return Element(
        analytic=float(analytic),
        numerical=float(numerical),
        error=float(error),
        tolerance=float(tolerance),
        verdict=verdict,
    )
