"""The operations of neural networks as functions, under the names of torch.nn.functional.

Most are operations of the table, or composed of them, as they stand in `tinygrad_edu.ops`. Some take an argument
more here: `inplace`, which overwrites the input with the result; or a `dim` that may be left out.
"""

import functools
import warnings

import numpy as np

from ..creation import one_hot
from ..ops import activation
from ..ops.activation import (
    gelu, glu, hardshrink, logsigmoid, prelu, sigmoid, softplus, softshrink, softsign, tanhshrink,
)  # fmt: skip
from ..ops.classification import cross_entropy, nll_loss
from ..ops.comparison import where
from ..ops.einsum import einsum
from ..ops.elementary import tanh
from ..ops.indexing import getitem, plain_indices
from ..ops.inplace import assign
from ..ops.linear import linear
from ..ops.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, huber_loss, kl_div, l1_loss, l1_penalty, l2_penalty,
    mse_loss, smooth_l1_loss,
)  # fmt: skip
from ..ops.neural import log_softmax as log_softmax_along
from ..ops.neural import softmax as softmax_along
from ..ops.random import dropout as dropped_out

__all__ = [
    "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "cross_entropy", "dropout", "elu",
    "embedding", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "kl_div", "l1_loss",
    "l1_penalty", "l2_penalty", "leaky_relu", "linear", "log_softmax", "logsigmoid", "mish", "mse_loss", "nll_loss",
    "one_hot",
    "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softmin", "softplus",
    "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold",
]  # fmt: skip


# ---- activations


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


relu = _with_inplace(activation.relu)
relu6 = _with_inplace(activation.relu6)
leaky_relu = _with_inplace(activation.leaky_relu)
elu = _with_inplace(activation.elu)
selu = _with_inplace(activation.selu)
celu = _with_inplace(activation.celu)
silu = _with_inplace(activation.silu)
mish = _with_inplace(activation.mish)
hardtanh = _with_inplace(activation.hardtanh)
hardsigmoid = _with_inplace(activation.hardsigmoid)
hardswish = _with_inplace(activation.hardswish)
threshold = _with_inplace(activation.threshold)


def softmax(input, dim=None, dtype=None):
    """exp(xᵢ) / Σ exp(xⱼ) along `dim`, computed in `dtype` if one is given."""
    return softmax_along(
        input if dtype is None else input.to(dtype), implicit_dim(input, "softmax") if dim is None else dim
    )


def log_softmax(input, dim=None, dtype=None):
    """log(softmax(x)) along `dim`, finite wherever x is; computed in `dtype` if one is given."""
    dim = implicit_dim(input, "log_softmax") if dim is None else dim
    return log_softmax_along(input if dtype is None else input.to(dtype), dim)


def softmin(input, dim=None, dtype=None):
    """softmax(−x) along `dim`, computed in `dtype` if one is given."""
    return softmax(-input, implicit_dim(input, "softmin") if dim is None else dim, dtype)


def implicit_dim(x, name):
    """The dimension that PyTorch guesses, with its warning."""
    dim = 0 if x.ndim in (0, 1, 3) else 1
    warnings.warn(
        f"{name} without `dim` guesses it from the number of dimensions; say what you mean: dim={dim}",
        UserWarning,
        stacklevel=3,
    )
    return dim


# ---- layers


def bilinear(input1, input2, weight, bias=None):
    """x₁ᵀ W x₂ + b for each output: x₁ (..., in1), x₂ (..., in2), weight (out, in1, in2), bias (out,); result (...,
    out).
    """
    result = einsum("...i,oij,...j->...o", input1, weight, input2)
    return result if bias is None else result + bias


def dropout(input, p=0.5, training=True, inplace=False):
    """In training: elements set to 0 with probability p, the others divided by 1 − p. Else the input itself.

    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    result = dropped_out(input, p, training)
    return assign(input, result, "dropout") if inplace and result is not input else result


def embedding(input, weight, padding_idx=None):
    """The rows of `weight` (V, E) with the numbers in `input`, an integer tensor of any shape (...): (..., E).

    padding_idx  the number of a row that gets no gradient
    """
    indices = plain_indices(input)
    if indices.size and np.minimum.reduce(indices, None) < 0:
        raise IndexError(f"embedding: row numbers go from 0 to {weight.shape[0] - 1}, and one is {indices.min()}")
    rows = getitem(weight, indices)
    if padding_idx is None:
        return rows
    padding = indices == (padding_idx if padding_idx >= 0 else weight.shape[0] + padding_idx)
    return where(padding[..., None], rows.detach(), rows)
