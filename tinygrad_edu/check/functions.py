"""What is checked: something that gives values and gradients, be it a function of Tensors, a module, or another
library's.

A `Differentiable` is asked for values at arrays, and for Σ weights · d(outputs)/d(inputs), which is what a backward
pass gives. The checker knows nothing else of it, so that functions of any library can be checked (foreign.py).
"""

import warnings

import numpy as np

from ..autograd import grad
from ..grad_mode import enable_grad
from ..recording import record
from ..tensor import Tensor, of_array
from .operands import copied, steps_of

TINY = 1e-290  # numbers below have fewer digits, or none


class Differentiable:
    """A function of floating arrays, its inputs.

    inputs  the arrays at which it is checked;  names  what they are called in reports
    evaluations, pullbacks  how often values and gradients were asked for
    """

    def __init__(self, inputs, names):
        self.inputs, self.names = list(inputs), list(names)
        self.evaluations = self.pullbacks = 0

    def values(self, arrays):
        """The outputs at `arrays`: a list of floating arrays."""
        self.evaluations += 1
        return self._values(arrays)

    def pull(self, arrays, rows):
        """For each row, a list with weights for each output: the gradients of Σ weights · outputs, an array for each
        input."""
        self.pullbacks += len(rows)
        return self._pull(arrays, rows)

    def of_dtype(self, dtype):
        """The same function at copies of the inputs in another precision; None if it has only one."""
        return None

    def complex_slopes(self, arrays, direction):
        """(d(outputs)/dt at arrays + t · direction by a complex step, whether the function is known to be analytic), or
        None."""
        return None

    def push(self, arrays, direction):
        """J · direction by automatic differentiation, an array for each output; None where that cannot be had."""
        return None

    def gradient_function(self, weights):
        """The function (inputs, weights of the outputs) -> gradients, itself Differentiable; None where it cannot be
        had."""
        return None


class TensorFunction(Differentiable):
    """A function of Tensors of this library.

    fn      the function
    given   all its arguments
    chosen  the numbers of those to differentiate by
    steps   for each input, how the copies that fn gets lie in memory, see `operands.steps_of`; by default contiguously
    """

    def __init__(self, fn, given, chosen, inputs, names, steps=None):
        super().__init__(inputs, names)
        self.fn, self.given, self.chosen = fn, given, chosen
        self.steps = [None] * len(self.inputs) if steps is None else steps

    def of_dtype(self, dtype):
        given = [_cast(x, dtype) for x in self.given]
        return TensorFunction(
            self.fn, given, self.chosen, [x.astype(dtype) for x in self.inputs], self.names, self.steps
        )

    def call(self, arrays):
        """(the Tensors given for the inputs, the floating outputs)."""
        given = list(self.given)
        for number, array, steps in zip(self.chosen, arrays, self.steps):
            given[number] = of_array(copied(array, steps), None)
            if array.dtype.kind == "f":
                given[number].requires_grad = True
        with enable_grad():
            outputs = self.fn(*given)
        return [given[number] for number in self.chosen], floating(outputs)

    def _values(self, arrays):
        return [output.array for output in self.call(arrays)[1]]

    def _pull(self, arrays, rows):
        inputs, outputs = self.call(arrays)
        connected = [number for number, output in enumerate(outputs) if output.requires_grad]
        if not connected:
            return [[np.zeros(x.shape, x.dtype) for x in inputs] for _ in rows]
        found = []
        for weights in rows:
            start = [of_array(np.array(weights[n], outputs[n].dtype), None) for n in connected]
            with enable_grad():
                result = grad([outputs[n] for n in connected], inputs, start, retain_graph=True, materialize_grads=True)
            found.append([g.array for g in result])
        return found

    def complex_slopes(self, arrays, direction):
        def call(moved):
            given = list(self.given)
            for number, array in zip(self.chosen, moved):
                given[number] = of_array(array, None)
            outputs = self.fn(*given)
            outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
            return [output.array for output in outputs if output.array.dtype.kind in "fc"]

        with record(keep=lambda array: None) as recording:
            slopes = complex_step(call, arrays, direction)
        if slopes is None or not all(is_analytic(step.entry) for step in recording.steps if step.entry is not None):
            return None
        return slopes, True

    def gradient_function(self, weights):
        count, given, chosen, fn = len(self.inputs), self.given, self.chosen, self.fn

        def gradient(*args):
            full = list(given)
            for number, x in zip(chosen, args[:count]):
                full[number] = x
            outputs = floating(fn(*full))
            pairs = [(output, weight) for output, weight in zip(outputs, args[count:]) if output.requires_grad]
            if not pairs:
                return [x * 0 for x in args[:count]]
            roots, start = zip(*pairs)
            return grad(roots, args[:count], start, create_graph=True, materialize_grads=True)

        inputs = [*self.inputs, *weights]
        names = [*self.names, *(f"weights of output {n}" for n in range(len(weights)))]
        return TensorFunction(
            gradient, [None] * len(inputs), range(len(inputs)), inputs, names, [*self.steps, *[None] * len(weights)]
        )

    def push(self, arrays, direction):
        # the backward pass is linear in the weights of the outputs: its derivative by them is J · direction
        inputs, outputs = self.call(arrays)
        connected = [output for output in outputs if output.requires_grad]
        weights = [of_array(np.zeros(output.shape, output.dtype), None) for output in connected]
        for w in weights:
            w.requires_grad = True
        with enable_grad():
            pulled = grad(connected, inputs, weights, create_graph=True, materialize_grads=True)
            start = [of_array(np.asarray(d, x.dtype), None) for d, x in zip(direction, inputs)]
            recorded = [(g, s) for g, s in zip(pulled, start) if g.requires_grad]
            if not recorded:
                return None
            roots, start = zip(*recorded)
            pushed = iter(grad(roots, weights, start, materialize_grads=True))
        return [next(pushed).array if output.requires_grad else np.zeros(output.shape) for output in outputs]


def is_analytic(entry):
    """Whether an operation is certain to be an analytic function, or a linear one, of complex operands."""
    return not getattr(entry, "avoid", ("ties",)) and bool(entry.ufunc is not None or entry.linear)


def complex_step(call, arrays, direction):
    """Im f(x + ih d) / h, flat, for a function of a list of arrays; None if it does not take complex numbers or is not
    analytic.

    Nothing is subtracted, so h may be so small that h² is nothing beside 1; two such h must give the same. NaN where
    that is too small a number for the dtype.
    """
    slopes = []
    for h in (1e-20, 1e-30):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # an imaginary part that is thrown away
                outputs = [np.asarray(y) for y in call([np.asarray(x + 1j * h * d) for x, d in zip(arrays, direction)])]
        except Exception:  # whatever it objects to
            return None
        if not all(y.dtype.kind == "c" for y in outputs):
            return None
        flat = np.concatenate([y.ravel() for y in outputs])
        lost = (np.abs(flat.imag) < TINY) & (np.abs(flat.real) * h < TINY) & (flat != 0)
        slopes.append(np.where(lost, np.nan, flat.imag / h))
    return slopes[0] if np.allclose(*slopes, rtol=1e-12, atol=0, equal_nan=True) else None


def floating(outputs):
    """The floating outputs of a function, as a list."""
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    for output in outputs:
        if not isinstance(output, Tensor):
            raise TypeError(f"the function must return a Tensor or several, not {type(output).__name__}")
    found = [output for output in outputs if output.dtype.kind == "f"]
    if not found:
        raise TypeError(
            f"the function returns {outputs[0].dtype if outputs else 'nothing'}; only floating numbers have derivatives"
        )
    return found


def of_tensors(fn, inputs, wrt):
    """The TensorFunction for fn(*inputs); if fn is a module, its parameters are inputs, too, after the others."""
    names = [f"input {number}" for number in range(len(inputs))]
    given = list(inputs)
    parameters = dict(fn.named_parameters()) if hasattr(fn, "named_parameters") else {}
    if parameters:
        fn = _with_parameters(fn, list(parameters), len(inputs))
        given += parameters.values()
        names += parameters
    if wrt is None:
        chosen = [n for n in range(len(given)) if n < len(inputs) and not parameters or _is_floating(given[n])]
    else:
        chosen = positions(wrt, len(inputs), names)
    arrays, steps = [], []
    for number in chosen:
        x = given[number].array if isinstance(given[number], Tensor) else np.asarray(given[number])
        if x.dtype.kind != "f":
            raise TypeError(
                f"{names[number]} is of dtype {x.dtype}, and only floating numbers have gradients. Pass it "
                "inside the function, `lambda x: f(x, index)`, or name the inputs to check, `wrt=(0,)`"
            )
        plain = not isinstance(given[number], (Tensor, np.ndarray, np.generic))  # a float has no precision to keep
        arrays.append(np.array(x, np.float64 if plain else x.dtype))
        steps.append(steps_of(x))
    return TensorFunction(fn, given, chosen, arrays, [names[number] for number in chosen], steps)


def _is_floating(value):
    return (value.dtype.kind if isinstance(value, Tensor) else np.asarray(value).dtype.kind) == "f"


def _cast(value, dtype):
    """A floating Tensor or array in another dtype; anything else as it is."""
    if isinstance(value, Tensor) and value.dtype.kind == "f":
        return of_array(value.array.astype(dtype), None)
    return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


def positions(wrt, count, names):
    """`wrt`, a number or name or several, as numbers."""
    wrt = (wrt,) if isinstance(wrt, (int, str)) else tuple(wrt)
    found = []
    for item in wrt:
        if isinstance(item, str):
            if item not in names:
                raise ValueError(f"wrt names `{item}`, but there are only {', '.join(names)}")
            found.append(names.index(item))
        elif 0 <= item < len(names):
            found.append(item)
        else:
            raise ValueError(f"wrt names input {item}, but there are {count} inputs, counted from 0")
    return found


def _with_parameters(module, names, count):
    """The module as a function of its inputs and its parameters; its buffers are put back after each call."""
    from ..func import functional_call

    def call(*args):
        parameters = dict(zip(names, args[count:]))
        dtype = next(iter(parameters.values())).dtype
        buffers = {
            name: (x.to(dtype) if x.dtype.kind == "f" else x).clone()
            for name, x in module.named_buffers()
            if x is not None
        }
        return functional_call(module, {**parameters, **buffers}, args[:count])

    return call
