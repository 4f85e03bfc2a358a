"""Products of matrices and vectors."""

import math

import numpy as np

from ..define import case, composite, op
from .shape import reshape, sum_to_size, transpose, unsqueeze


def _mT(x):
    return transpose(x, -1, -2)


def _matmul_gradient_x(g, x_shape, y):
    """d loss/dx for z = x @ y. Missing dimensions of vectors are put in, as matmul does; the engine undoes
    broadcasting."""
    if len(x_shape) == 1 and len(y.shape) == 1:
        return g * y
    if len(y.shape) == 1:
        return unsqueeze(g, -1) * y
    if len(x_shape) == 1:
        g = reshape(matmul(unsqueeze(g, -2), _mT(y)), (-1, x_shape[0]))
        return sum_to_size(g, (1, x_shape[0])) if g.shape[0] else g * 0
    return matmul(g, _mT(y))


def _matmul_gradient_y(g, x, y_shape):
    if len(x.shape) == 1 and len(y_shape) == 1:
        return g * x
    if len(x.shape) == 1:
        return unsqueeze(x, -1) * unsqueeze(g, -2)
    if len(y_shape) == 1:
        return reshape(matmul(_mT(x), unsqueeze(g, -1)), (*x.shape[:-2], y_shape[0]))
    if len(y_shape) == 2 and len(x.shape) > 2:  # one product instead of many that are added up
        return matmul(_mT(reshape(x, (-1, x.shape[-1]))), reshape(g, (-1, g.shape[-1])))
    return matmul(_mT(x), g)


@op(
    lambda g, y, x_shape: _matmul_gradient_x(g, x_shape, y), lambda g, x, y_shape: _matmul_gradient_y(g, x, y_shape),
    label="@", operators=["__matmul__", "__rmatmul__"], ufunc=np.matmul, promotes=False, linear=(0, 1),
    multiply_adds=lambda x, out: math.prod(out) * x[-1],
    samples=[
        case((3, 4), (4, 2)), case((4,), (4,)), case((4,), (4, 2)), case((3, 4), (4,)), case((2, 3, 4), (4, 2)),
        case((2, 3, 4), (2, 4, 2)), case((2, 1, 3, 4), (3, 4, 2)), case((3, 4), (2, 4, 2)), case((2, 3, 4), (4,)),
        case((4,), (2, 4, 3)), case((0, 4), (4, 2)), case((3, 0), (0, 2)),
    ],
)  # fmt: skip
def matmul(x, y):
    """The product of matrices (the last two dimensions), broadcast over the others; vectors are rows on the left,
    columns on the right."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray or x.ndim == 0 or y.ndim == 0:
        raise ValueError("both operands need at least one dimension; for numbers use *")
    if x.dtype is not y.dtype and x.dtype != y.dtype:
        raise ValueError("both operands must have the same dtype; convert one of them with .to(dtype)")
    inner = y.shape[-2] if y.ndim > 1 else y.shape[0]
    if x.shape[-1] != inner:
        raise ValueError(
            f"the last size of the first, {x.shape[-1]}, must equal the last but one of the second, {inner}"
        )
    if x.ndim <= 2 and y.ndim <= 2:
        return x.dot(y)  # 300 ns instead of matmul's 800
    if y.ndim == 2:
        return x.reshape(-1, x.shape[-1]).dot(y).reshape(*x.shape[:-1], y.shape[-1])
    return np.matmul(x, y)


@op(
    lambda g, weight, x_shape: _linear_gradient_x(g, weight, x_shape),
    lambda g, x: _linear_gradient_weight(g, x),
    lambda g: g,
    definition=lambda x, weight, bias=None: matmul(x, _mT(weight)) + (0 if bias is None else bias),
    promotes=False, internal=True, linear=(0,), multiply_adds=lambda x, out: math.prod(out) * x[-1],
    samples=[case((3, 4), (2, 4), (2,)), case((4,), (2, 4), (2,)), case((2, 3, 4), (5, 4), (5,)),
             case((3, 4), (2, 4), None), case((0, 4), (2, 4), (2,))],
)  # fmt: skip
def linear(x, weight, bias=None):
    """x Wᵀ + b: x (..., in), weight (out, in), bias (out,) or None; result (..., out)."""
    if x.shape[-1:] != weight.shape[-1:]:
        raise ValueError(f"the last size of x {x.shape} must equal in_features, the last size of weight {weight.shape}")
    if x.dtype != weight.dtype:
        raise ValueError(
            f"x is {x.dtype} and weight {weight.dtype}; convert one: x.to({weight.dtype}) or module.to({x.dtype})"
        )
    if x.ndim <= 2:
        out = x.dot(weight.T)
    else:
        out = x.reshape(-1, x.shape[-1]).dot(weight.T).reshape(*x.shape[:-1], len(weight))
    if bias is not None:
        out += bias
    return out


def _linear_gradient_x(g, weight, x_shape):
    if len(x_shape) > 2:
        return reshape(matmul(reshape(g, (-1, g.shape[-1])), weight), x_shape)
    return matmul(g, weight)


def _linear_gradient_weight(g, x):
    if len(x.shape) == 1:
        return unsqueeze(g, -1) * x
    if len(x.shape) > 2:
        g, x = reshape(g, (-1, g.shape[-1])), reshape(x, (-1, x.shape[-1]))
    return matmul_tn(g, x)


@op(
    lambda g, y: linear(y, g), lambda g, x: matmul(x, g),
    promotes=False, internal=True, label="ᵀ@", linear=(0, 1), samples=[case((3, 4), (3, 2)), case((0, 4), (0, 2))],
    oracle=lambda x, y: np.einsum("ni,nj->ij", x, y), multiply_adds=lambda x, out: math.prod(out) * x[0],
)  # fmt: skip
def matmul_tn(x, y):
    """xᵀ y for two matrices with equally many rows: the adjoint of linear in its weight."""
    return x.T.dot(y)


@composite
def mm(x, y):
    """The product of two matrices, without broadcasting."""
    _needs_dims("mm", x, 2), _needs_dims("mm", y, 2)
    return matmul(x, y)


@composite
def bmm(x, y):
    """The products of two batches of matrices, (b, n, m) and (b, m, p)."""
    _needs_dims("bmm", x, 3), _needs_dims("bmm", y, 3)
    return matmul(x, y)


@composite
def mv(x, y):
    """The product of a matrix and a vector."""
    _needs_dims("mv", x, 2), _needs_dims("mv", y, 1)
    return matmul(x, y)


@composite(numpy=[np.dot])
def dot(x, y):
    """The scalar product of two vectors."""
    _needs_dims("dot", x, 1), _needs_dims("dot", y, 1)
    return matmul(x, y)


@composite(numpy=[np.outer])
def outer(x, y):
    """All products of an element of x and one of y: (n,) and (m,) give (n, m)."""
    _needs_dims("outer", x, 1), _needs_dims("outer", y, 1)
    return unsqueeze(x, -1) * y


def _needs_dims(name, x, ndim):
    if x.ndim != ndim:
        raise ValueError(f"{name}: expected {ndim} dimensions, got shape {tuple(x.shape)}; matmul takes any number")
