"""Derivatives of functions of tensors: products with the Jacobian and the Hessian, and these matrices themselves.

The functions have the names and arguments of torch.autograd.functional. `func` is a Python function of tensors,
`inputs` a tensor or a tuple of them; what belongs to a tuple is returned as a tuple.

    J = d func(x) / dx      vjp: vᵀJ     jvp: J v     jacobian: J
    H = d² func(x) / dx²    vhp: vᵀH     hvp: H v     hessian: H

create_graph  record the results, so that they can be differentiated with respect to inputs that require gradients
strict        raise an error if an output does not depend on an input, instead of returning zeros
"""

import numpy as np

from ..engine import leaf
from ..errors import AutogradError
from ..grad_mode import enable_grad
from ..ops.joining import stack
from ..tensor import Tensor, of_array
from .gradients import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), vᵀJ): one backward pass. `v` is like the outputs; it may be left out if they are one number."""
    with enable_grad():
        xs = _fresh(inputs, create_graph)
        output = func(*xs)
        ys = _tensors(output, "the outputs of func")
        vs = _directions(v, ys, "outputs")
        result = pull_back(ys, xs, vs, create_graph, strict=strict)
    return _like(output, ys, create_graph), _like(inputs, result, create_graph)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), J v), by two backward passes: vᵀJ is linear in v, and the derivative of a linear map is the map.

    Source: J. Townsend 2017, "A new trick for calculating Jacobian vector products". `v` is like the inputs.
    """
    with enable_grad():
        xs = _fresh(inputs, create_graph)
        vs = _directions(v, xs, "inputs")
        output = func(*xs)
        ys = _tensors(output, "the outputs of func")
        result = push_forward(ys, xs, vs, create_graph, strict=strict)
    return _like(output, ys, create_graph), _like(output, result, create_graph)


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """J[i][j] = d output i / d input j, of shape output.shape + input.shape, row by row by backward passes.

    Without the tuple level for outputs or inputs that are a single tensor. `vectorize` and `strategy` change nothing.
    """
    with enable_grad():
        xs = _fresh(inputs, create_graph)
        output = func(*xs)
        ys = _tensors(output, "the outputs of func")
        blocks = [jacobian_rows(y, xs, create_graph, strict=strict) for y in ys]
    return _like(output, [_like(inputs, row, create_graph) for row in blocks], True)


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """H[i][j] = d² func / d input i d input j, of shape input_i.shape + input_j.shape; func returns a single number."""

    def gradient(*xs):
        return tuple(pull_back([_number(func(*xs))], xs, [None], create_graph=True, strict=strict))

    blocks = jacobian(gradient, inputs, create_graph, strict)
    return blocks[0] if isinstance(inputs, Tensor) else blocks


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), vᵀH), without ever forming H: the gradient of vᵀ·(gradient of func). `v` is like the inputs.

    Source: B. A. Pearlmutter 1994, "Fast exact multiplication by the Hessian".
    """
    with enable_grad():
        xs = _fresh(inputs, create_graph)
        vs = _directions(v, xs, "inputs")
        output = _number(func(*xs))
        gradient = pull_back([output], xs, [None], create_graph=True, strict=strict)
        result = pull_back(gradient, xs, vs, create_graph, strict=strict)
    return _like(output, [output], create_graph), _like(inputs, result, create_graph)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), H v): the same as vhp, since a Hessian is symmetric where second derivatives are continuous."""
    return vhp(func, inputs, v, create_graph, strict)


# ---- on lists of tensors; shared with tinygrad_edu.func


def pull_back(ys, xs, vs, create_graph, retain_graph=None, strict=False):
    """Σ vᵀ dy/dx for each x, zeros where no y depends on it."""
    pairs = [(y, v) for y, v in zip(ys, vs) if y.node is not None]
    if strict and len(pairs) < len(ys):
        index = next(i for i, y in enumerate(ys) if y.node is None)
        raise AutogradError(
            f"output {index} does not depend on the inputs (strict=True); with strict=False its derivative is 0"
        )
    if not pairs:
        return [zeros_like(x) for x in xs]
    ys, vs = zip(*pairs)
    found = grad(ys, xs, vs, retain_graph, create_graph, allow_unused=True)
    if strict and any(g is None for g in found):
        raise AutogradError(
            f"the outputs do not depend on input {found.index(None)} (strict=True); with strict=False it gives 0"
        )
    return [zeros_like(x) if g is None else g for x, g in zip(xs, found)]


def push_forward(ys, xs, vs, create_graph, strict=False):
    """Σ dy/dx v for each y: the derivative of u ↦ uᵀJ in the direction v. (Its value at u = 0 is not used.)"""
    us = [fresh_leaf(np.zeros(y.array.shape, y.array.dtype)) for y in ys]
    pulled = pull_back(ys, xs, us, create_graph=True, strict=strict)
    return pull_back(pulled, us, vs, create_graph)


def jacobian_rows(y, xs, create_graph, strict=False):
    """dy/dx for each x, by one backward pass for each element of y."""
    rows = []
    for index in range(y.array.size):
        seed = np.zeros(y.array.shape, y.array.dtype)
        seed.flat[index] = 1
        rows.append(pull_back([y], xs, [of_array(seed, None)], create_graph, retain_graph=True, strict=strict))
    return [
        _joined(column, 0, y.array, x.array, x.array.dtype)
        for column, x in zip(zip(*rows) if rows else [()] * len(xs), xs)
    ]


def jacobian_columns(y, xs, create_graph):
    """dy/dx for each x, by one forward product for each element of the inputs."""
    u = fresh_leaf(np.zeros(y.array.shape, y.array.dtype))
    blocks = []
    for x, pulled in zip(xs, pull_back([y], xs, [u], create_graph=True)):
        columns = []
        for index in range(x.array.size):
            v = np.zeros(x.array.shape, x.array.dtype)
            v.flat[index] = 1
            columns += pull_back([pulled], [u], [of_array(v, None)], create_graph, retain_graph=True)
        blocks.append(_joined(columns, -1, y.array, x.array, y.array.dtype))
    return blocks


def _joined(parts, dim, y, x, dtype):
    shape = y.shape + x.shape
    return stack(parts, dim).reshape(shape) if parts else of_array(np.zeros(shape, dtype), None)


def fresh_leaf(array):
    """A tensor of this array that requires gradients and has no history."""
    if array.dtype.kind not in "fc":
        raise TypeError(
            f"derivatives are with respect to floating-point tensors, not {array.dtype}; convert it with .float()"
        )
    return of_array(array, leaf(array.shape, array.dtype))


def zeros_like(x):
    return of_array(np.zeros(x.array.shape, x.array.dtype), None)


# ---- a tensor or a tuple of them


def _tensors(values, what):
    values = (values,) if isinstance(values, Tensor) else values
    if not isinstance(values, (tuple, list)) or not all(isinstance(x, Tensor) for x in values):
        raise TypeError(f"{what} must be a Tensor or a tuple of Tensors, not {values!r:.80}")
    return list(values)


def _fresh(inputs, create_graph):
    """Tensors with the values of the inputs, separate from every other use of them; with their history if asked for."""
    xs = _tensors(inputs, "inputs")
    return [x.clone() if create_graph and x.node is not None else fresh_leaf(x.array) for x in xs]


def _directions(v, like, what):
    if v is None:
        if any(x.array.size != 1 for x in like) or len(like) != 1:
            raise ValueError(
                f"v may be left out only for a single tensor of one element among the {what}; give a v like the {what}"
            )
        return [of_array(np.ones(like[0].array.shape, like[0].array.dtype), None)]
    vs = _tensors(v, "v")
    given, wanted = [tuple(x.shape) for x in vs], [tuple(x.shape) for x in like]
    if given != wanted:
        raise ValueError(f"v must have the shapes of the {what}, {wanted}, not {given}")
    return vs


def _number(y):
    if not isinstance(y, Tensor) or y.array.size != 1:
        given = f"a tensor of shape {tuple(y.shape)}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
        raise ValueError(f"func must return a tensor of one element to have a Hessian, not {given}")
    return y


def _like(original, values, create_graph):
    """`values` as `original` came: a single one, or a tuple."""
    if not create_graph:
        values = [x.detach() for x in values]
    return values[0] if isinstance(original, Tensor) else tuple(values)
