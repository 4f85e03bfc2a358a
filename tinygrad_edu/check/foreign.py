"""Functions of other libraries for the checker: PyTorch's, JAX', and pairs of NumPy functions.

    gradients(of_torch(torch.nn.functional.gelu), x)
    gradients(of_jax(jax.nn.gelu), x)
    gradients(of_numpy(np.sin, np.cos), x)

Each turns arrays into the other library's values and back; the mathematics of the check is the same. The other library
is imported when a function is checked.
"""

import numpy as np

from ..tensor import Tensor
from .functions import Differentiable, complex_step, positions

__all__ = ["Foreign", "of_jax", "of_numpy", "of_torch"]


class Foreign:
    """A function of another library, to be given to `gradients` in place of a function of Tensors."""

    def __init__(self, kind, *functions):
        self.kind, self.functions = kind, functions

    def at(self, inputs, wrt=None):
        """The Differentiable at the given inputs."""
        return self.kind(*self.functions, inputs, wrt)


def of_torch(fn):
    """A function of PyTorch's tensors, or a torch.nn.Module, whose parameters are checked like inputs.

    The inputs of `gradients` may be torch tensors, arrays or numbers. Second order is checked, too. Needs torch.
    """
    return Foreign(TorchFunction, fn)


def of_jax(fn):
    """A function of JAX' arrays that returns an array or a tuple of them. Second order is checked, too. Needs jax.

    Derivatives are compared in float64 where fn runs in it, even if `jax_enable_x64` is off; there it is switched on
    for the check.
    """
    return Foreign(JaxFunction, fn)


def of_numpy(function, gradient=None, *, vjp=None):
    """A function of arrays and its gradient, both written with NumPy.

    gradient(*inputs)  for a function with one number as its result: the gradient for each input (a tuple if there are
                       several); for one that works element by element on one input: the derivative of each element
    vjp(g, *inputs)    for any other: Σ g · d(result)/d(input), for each input
    """
    if (gradient is None) == (vjp is None):
        raise TypeError("of_numpy needs the gradient of the function: gradient=... or vjp=..., one of them")
    return Foreign(NumpyFunction, function, gradient, vjp)


class _Given(Differentiable):
    """What the kinds have in common: which of the arguments are inputs."""

    def __init__(self, inputs, wrt, to_array, parameters=()):
        given = [*inputs, *[x for _, x in parameters]]
        names = [f"input {n}" for n in range(len(inputs))] + [name for name, _ in parameters]
        arrays = [to_array(x) for x in given]
        if wrt is None:
            chosen = [n for n, x in enumerate(arrays) if not parameters or x.dtype.kind == "f"]
        else:
            chosen = positions(wrt, len(inputs), names)
        for n in chosen:
            if arrays[n].dtype.kind != "f":
                raise TypeError(
                    f"{names[n]} is of dtype {arrays[n].dtype}, and only floating numbers have gradients; name the "
                    "inputs to check, `wrt=(0,)`"
                )
        self.given, self.chosen = given, list(chosen)
        super().__init__([np.array(arrays[n]) for n in chosen], [names[n] for n in chosen])

    def of_dtype(self, dtype):
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, inputs=[x.astype(dtype) for x in self.inputs], evaluations=0, pullbacks=0)
        return other

    def filled(self, values):
        """All arguments, with `values` for the inputs."""
        given = list(self.given)
        for number, value in zip(self.chosen, values):
            given[number] = value
        return given


def _as_array(x):
    return np.asarray(x.detach().numpy() if isinstance(x, Tensor) else x)


def _as_list(outputs):
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


class NumpyFunction(_Given):
    """A pair of NumPy functions."""

    def __init__(self, function, gradient, vjp, inputs, wrt):
        super().__init__(inputs, wrt, _as_array)
        self.function, self.gradient, self.vjp = function, gradient, vjp
        self.given = [_as_array(x) for x in self.given]

    def _values(self, arrays):
        outputs = [np.asarray(y) for y in _as_list(self.function(*self.filled(arrays)))]
        return [y if y.dtype.kind == "f" else y.astype(np.float64) for y in outputs]

    def _pull(self, arrays, rows):
        full = self.filled([x.copy() for x in arrays])
        if self.vjp is not None:
            return [self._fitted(self.vjp(w[0] if len(w) == 1 else tuple(w), *full), arrays) for w in rows]
        slopes = self.gradient(*full)
        result = np.asarray(self.function(*full))
        elementwise = result.ndim > 0 and result.size > 1
        if elementwise and (len(full) != 1 or result.shape != arrays[0].shape):
            raise TypeError(
                f"the function maps {', '.join(str(np.shape(x)) for x in full)} to shape {result.shape}: say how it is "
                "differentiated with vjp(g, *inputs), since gradient(*inputs) is for one number, or element by element"
            )
        return [
            self._fitted(w[0] * slopes if elementwise else _scaled(slopes, float(np.sum(w[0]))), arrays) for w in rows
        ]

    def _fitted(self, pulled, arrays):
        pulled = [
            np.asarray(g) for g in (pulled if isinstance(pulled, (tuple, list)) and len(self.given) > 1 else [pulled])
        ]
        if len(pulled) != len(self.given):
            raise TypeError(f"the gradient has {len(pulled)} parts, the function {len(self.given)} inputs")
        pulled = [pulled[n] for n in self.chosen]
        for name, g, x in zip(self.names, pulled, arrays):
            if g.shape != x.shape:
                raise ValueError(f"the gradient for {name} has shape {g.shape}, the input {x.shape}")
        return pulled

    def complex_slopes(self, arrays, direction):
        slopes = complex_step(lambda moved: _as_list(self.function(*self.filled(moved))), arrays, direction)
        return None if slopes is None else (slopes, False)


def _scaled(slopes, factor):
    return (
        [factor * np.asarray(g) for g in slopes] if isinstance(slopes, (tuple, list)) else factor * np.asarray(slopes)
    )


class TorchFunction(_Given):
    """A function of PyTorch."""

    def __init__(self, fn, inputs, wrt):
        import torch

        self.torch, self.module = torch, None
        parameters = []
        if isinstance(fn, torch.nn.Module):
            parameters, self.module = list(fn.named_parameters()), fn
        self.fn, self.count = fn, len(inputs)
        super().__init__(
            inputs, wrt, lambda x: x.detach().numpy() if isinstance(x, torch.Tensor) else _as_array(x), parameters
        )
        self.parameter_names = [name for name, _ in parameters]
        self.given = [
            x
            if isinstance(x, torch.Tensor)
            else torch.as_tensor(_as_array(x))
            if isinstance(x, (Tensor, np.ndarray))
            else x
            for x in self.given
        ]

    def _run(self, tensors):
        full = self.filled(tensors)
        with self.torch.enable_grad():
            if self.module is None:
                outputs = self.fn(*full)
            else:
                values = dict(zip(self.parameter_names, full[self.count :]))
                dtype = next(iter(values.values())).dtype
                buffers = {
                    n: (x.to(dtype) if x.is_floating_point() else x).clone() for n, x in self.module.named_buffers()
                }
                outputs = self.torch.func.functional_call(self.module, {**values, **buffers}, tuple(full[: self.count]))
        return [y for y in _as_list(outputs) if y.is_floating_point()]

    def _tensors(self, arrays):
        return [self.torch.from_numpy(np.array(x)).requires_grad_(x.dtype.kind == "f") for x in arrays]

    def _values(self, arrays):
        return [y.detach().numpy() for y in self._run(self._tensors(arrays))]

    def _pull(self, arrays, rows):
        inputs = self._tensors(arrays)
        outputs = self._run(inputs)
        connected = [n for n, y in enumerate(outputs) if y.requires_grad]
        found = []
        for w in rows:
            start = [self.torch.as_tensor(np.asarray(w[n]), dtype=outputs[n].dtype) for n in connected]
            pulled = (
                self.torch.autograd.grad(
                    [outputs[n] for n in connected], inputs, start, retain_graph=True, allow_unused=True
                )
                if connected
                else [None] * len(inputs)
            )
            found.append([np.zeros_like(x) if g is None else g.detach().numpy() for g, x in zip(pulled, arrays)])
        return found

    def gradient_function(self, weights):
        torch, count = self.torch, len(self.inputs)

        def gradient(*args):
            outputs = self._run(args[:count])
            pairs = [(y, w) for y, w in zip(outputs, args[count:]) if y.requires_grad]
            if not pairs:
                return [x * 0 for x in args[:count]]
            roots, start = zip(*pairs)
            pulled = torch.autograd.grad(roots, args[:count], start, create_graph=True, allow_unused=True)
            return [x * 0 if g is None else g for g, x in zip(pulled, args[:count])]

        second = TorchFunction(gradient, [*self.inputs, *weights], None)
        second.names = [*self.names, *(f"weights of output {n}" for n in range(len(weights)))]
        return second


class JaxFunction(_Given):
    """A function of JAX."""

    def __init__(self, fn, inputs, wrt):
        import jax

        self.jax, self.fn = jax, fn
        super().__init__(inputs, wrt, _as_array)

    def _switched_on(self):
        """JAX with float64, in which it would silently be float32 otherwise."""
        switch = getattr(self.jax, "enable_x64", None)
        if switch is None:
            from jax.experimental import enable_x64 as switch
        return switch(True)

    def _call(self, *values):
        return tuple(y for y in _as_list(self.fn(*self.filled(values))))

    def _values(self, arrays):
        with self._switched_on():
            return [np.asarray(y) for y in self._call(*[self.jax.numpy.asarray(x) for x in arrays])]

    def _pull(self, arrays, rows):
        with self._switched_on():
            outputs, pull = self.jax.vjp(self._call, *[self.jax.numpy.asarray(x) for x in arrays])
            return [
                [np.asarray(g) for g in pull(tuple(self.jax.numpy.asarray(w, y.dtype) for w, y in zip(row, outputs)))]
                for row in rows
            ]

    def gradient_function(self, weights):
        count = len(self.inputs)

        def gradient(*args):
            _, pull = self.jax.vjp(self._call, *args[:count])
            return pull(tuple(args[count:]))

        second = JaxFunction(gradient, [*self.inputs, *weights], None)
        second.names = [*self.names, *(f"weights of output {n}" for n in range(len(weights)))]
        return second
