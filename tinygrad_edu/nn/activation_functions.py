"""Activations as functions of torch.nn.functional: operations of the table with what PyTorch adds to them there.

That is `inplace`, which overwrites the input with the result, and as functions of their own `relu_` and its like; a
`dim` that may be left out; and the two activations that draw random numbers.
"""

import functools
import warnings

import numpy as np

from ..ops import activation
from ..ops.activation import (
    gelu, glu, hardshrink, logsigmoid, prelu, sigmoid, softplus, softshrink, softsign, tanhshrink,
)  # fmt: skip
from ..ops.arithmetic import mul
from ..ops.elementary import tanh
from ..ops.inplace import assign
from ..ops.neural import log_softmax as log_softmax_along
from ..ops.neural import softmax as softmax_along
from ..ops.random import draw, draw_uniform
from ..tensor import of_array

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6",
    "relu_", "rrelu", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink", "softsign",
    "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip


def _with_inplace(function):
    """`function` with a further last parameter, `inplace`: whether to overwrite the input with the result."""
    plain = getattr(function, "__wrapped__", None) or function.op.kernel
    settings = plain.__code__.co_argcount - 1
    in_place = function.__name__ + "_"

    @functools.wraps(function)
    def call(input, *args, inplace=False, **named):
        if len(args) > settings:
            *args, inplace = args
        return getattr(input, in_place)(*args, **named) if inplace else function(input, *args, **named)

    return call


celu, elu, hardsigmoid, hardswish, hardtanh, leaky_relu, mish, relu, relu6, selu, silu, threshold = [
    _with_inplace(getattr(activation, name))
    for name in (
        "celu", "elu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu", "relu6", "selu", "silu",
        "threshold",
    )
]  # fmt: skip
celu_, elu_, hardtanh_, leaky_relu_, relu_, selu_, threshold_ = [
    functools.partial(function, inplace=True) for function in (celu, elu, hardtanh, leaky_relu, relu, selu, threshold)
]


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(xᵢ) / Σ exp(xⱼ) along `dim`, computed in `dtype` if one is given."""
    return softmax_along(
        input if dtype is None else input.to(dtype), implicit_dim(input, "softmax") if dim is None else dim
    )


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """log(softmax(x)) along `dim`, finite wherever x is; computed in `dtype` if one is given."""
    dim = implicit_dim(input, "log_softmax") if dim is None else dim
    return log_softmax_along(input if dtype is None else input.to(dtype), dim)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(−x) along `dim`, computed in `dtype` if one is given."""
    return softmax(-input, implicit_dim(input, "softmin") if dim is None else dim, dtype=dtype)


def implicit_dim(x, name):
    """The dimension that PyTorch guesses, with its warning."""
    dim = 0 if x.ndim in (0, 1, 3) else 1
    warnings.warn(
        f"{name} without `dim` guesses it from the number of dimensions; say what you mean: dim={dim}",
        UserWarning,
        stacklevel=3,
    )
    return dim


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """A draw from the classes with probabilities softmax(logits), made differentiable: softmax((logits + noise) / tau)
    with noise of the Gumbel distribution, −log of exponential numbers.

    hard  give the vector of 0 and a single 1, with the gradient of the soft one

    Jang, Gu & Poole 2017, "Categorical reparameterization with Gumbel-softmax".
    """
    noise = of_array(np.empty(tuple(logits.shape), logits.array.dtype), None).exponential_().log()
    soft = softmax_along((logits - noise) / tau, dim)
    if not hard:
        return soft
    index = soft.detach().argmax(dim, True)
    one_hot = of_array(np.zeros(tuple(logits.shape), logits.array.dtype), None).scatter(dim, index, 1.0)
    return one_hot - soft.detach() + soft


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """Leaky ReLU with a slope for each negative element drawn between `lower` and `upper`; their mean unless
    `training`.

    Xu, Wang, Chen & Li 2015, "Empirical evaluation of rectified activations in convolutional network".
    """
    if lower > upper:
        raise RuntimeError(f"rrelu: lower {lower} is greater than upper {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = np.ones(tuple(input.shape), input.array.dtype)
    negative = input.array <= 0
    slopes[negative] = draw(draw_uniform, (int(np.count_nonzero(negative)),), lower, upper, np.dtype(np.float64))
    result = mul(input, of_array(slopes, None))
    return assign(input, result, "rrelu_") if inplace else result
