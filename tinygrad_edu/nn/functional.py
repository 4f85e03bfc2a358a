"""The operations of neural networks as functions, under the names of torch.nn.functional.

Most are operations of the table, or composed of them, as they stand in `tinygrad_edu.ops`. Some take an argument
more here: `inplace`, which overwrites the input with the result; or a `dim` that may be left out.
"""

import functools
import warnings

from ..creation import one_hot
from ..ops import activation
from ..ops.activation import (
    gelu, glu, hardshrink, logsigmoid, prelu, sigmoid, softplus, softshrink, softsign, tanhshrink,
)  # fmt: skip
from ..ops.classification import cross_entropy, nll_loss
from ..ops.convolution_functions import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from ..ops.convolution_windows import fold, unfold
from ..ops.ctc import ctc_loss
from ..ops.einsum import einsum
from ..ops.elementary import tanh
from ..ops.linear import linear
from ..ops.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, huber_loss, kl_div, l1_loss, l1_penalty, l2_penalty,
    mse_loss, smooth_l1_loss,
)  # fmt: skip
from ..ops.distance import cosine_similarity, pairwise_distance, pdist
from ..ops.embedding import embedding, embedding_bag
from ..ops.normalization import layer_norm, local_response_norm, normalize, rms_norm
from ..ops.normalization_channels import batch_norm, group_norm, instance_norm
from ..ops.margin import (
    cosine_embedding_loss, gaussian_nll_loss, hinge_embedding_loss, margin_ranking_loss, multi_margin_loss,
    multilabel_margin_loss, multilabel_soft_margin_loss, poisson_nll_loss, soft_margin_loss, triplet_margin_loss,
    triplet_margin_with_distance_loss,
)  # fmt: skip
from ..ops.neural import log_softmax as log_softmax_along
from ..ops.neural import softmax as softmax_along
from ..ops.padding import pad
from ..ops.pooling import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from ..ops.pooling_adaptive import (
    adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d, adaptive_max_pool2d,
    adaptive_max_pool3d, lp_pool1d, lp_pool2d, lp_pool3d, max_unpool1d, max_unpool2d, max_unpool3d,
)  # fmt: skip
from ..ops.resampling import channel_shuffle, interpolate, pixel_shuffle, pixel_unshuffle
from ..ops.resampling_grid import affine_grid, grid_sample
from .attention_functions import multi_head_attention_forward, scaled_dot_product_attention
from .dropout_functions import (
    alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout, feature_dropout,
)  # fmt: skip

__all__ = [
    "ctc_loss",
    "multi_head_attention_forward", "scaled_dot_product_attention",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "fold", "unfold",
    "alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout", "feature_dropout",
    "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "cross_entropy", "dropout", "elu",
    "embedding", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "kl_div", "l1_loss",
    "l1_penalty", "l2_penalty", "leaky_relu", "linear", "log_softmax", "logsigmoid", "mish", "mse_loss", "nll_loss",
    "one_hot",
    "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softmin", "softplus",
    "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold",
    "pad",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "adaptive_avg_pool1d",
    "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d",
    "channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle", "affine_grid", "grid_sample",
    "cosine_similarity", "embedding_bag", "pairwise_distance", "pdist",
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm",
    "cosine_embedding_loss", "gaussian_nll_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "poisson_nll_loss", "soft_margin_loss",
    "triplet_margin_loss", "triplet_margin_with_distance_loss",
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
