"""The operations of neural networks as functions, under the names of torch.nn.functional.

Most are operations of the table, or composed of them, as they stand in `tinygrad_edu.ops`; the losses also take
`size_average` and `reduce`, which PyTorch had before `reduction`.
"""

import functools

from ..creation import one_hot
from ..ops.classification import cross_entropy, nll_loss
from ..ops.convolution_functions import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from ..ops.convolution_windows import fold, unfold
from ..ops.ctc import ctc_loss
from ..ops.distance import cosine_similarity, pairwise_distance, pdist
from ..ops.einsum import einsum
from ..ops.embedding import embedding, embedding_bag
from ..ops.linear import linear
from ..ops.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, huber_loss, kl_div, l1_loss, l1_penalty, l2_penalty,
    mse_loss, smooth_l1_loss,
)  # fmt: skip
from ..ops.margin import (
    cosine_embedding_loss, gaussian_nll_loss, hinge_embedding_loss, margin_ranking_loss, multi_margin_loss,
    multilabel_margin_loss, multilabel_soft_margin_loss, poisson_nll_loss, soft_margin_loss, triplet_margin_loss,
    triplet_margin_with_distance_loss,
)  # fmt: skip
from ..ops.normalization import layer_norm, local_response_norm, normalize, rms_norm
from ..ops.normalization_channels import batch_norm, group_norm, instance_norm
from ..ops.padding import pad
from ..ops.pooling import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from ..ops.pooling_adaptive import (
    adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d, adaptive_max_pool2d,
    adaptive_max_pool3d, lp_pool1d, lp_pool2d, lp_pool3d, max_unpool1d, max_unpool2d, max_unpool3d,
)  # fmt: skip
from ..ops.resampling import channel_shuffle, interpolate, pixel_shuffle, pixel_unshuffle
from ..ops.resampling_grid import affine_grid, grid_sample
from .activation_functions import *  # noqa: F403
from .attention_functions import multi_head_attention_forward, scaled_dot_product_attention
from .dropout_functions import (
    alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout, feature_dropout,
)  # fmt: skip
from .reduction import old_reduction

upsample = interpolate


def bilinear(input1, input2, weight, bias=None):
    """x₁ᵀ W x₂ + b for each output: x₁ (..., in1), x₂ (..., in2), weight (out, in1, in2), bias (out,); result (...,
    out).
    """
    result = einsum("...i,oij,...j->...o", input1, weight, input2)
    return result if bias is None else result + bias


_SETTINGS = {
    "binary_cross_entropy": (2, "weight size_average reduce reduction"),
    "binary_cross_entropy_with_logits": (2, "weight size_average reduce reduction pos_weight"),
    "cosine_embedding_loss": (3, "margin size_average reduce reduction"),
    "cross_entropy": (2, "weight size_average ignore_index reduce reduction label_smoothing"),
    "hinge_embedding_loss": (2, "margin size_average reduce reduction"),
    "kl_div": (2, "size_average reduce reduction log_target"),
    "l1_loss": (2, "size_average reduce reduction weight"),
    "margin_ranking_loss": (3, "margin size_average reduce reduction"),
    "mse_loss": (2, "size_average reduce reduction weight"),
    "multi_margin_loss": (2, "p margin weight size_average reduce reduction"),
    "multilabel_margin_loss": (2, "size_average reduce reduction"),
    "multilabel_soft_margin_loss": (2, "weight size_average reduce reduction"),
    "nll_loss": (2, "weight size_average ignore_index reduce reduction"),
    "poisson_nll_loss": (2, "log_input full size_average eps reduce reduction"),
    "smooth_l1_loss": (2, "size_average reduce reduction beta"),
    "soft_margin_loss": (2, "size_average reduce reduction"),
    "triplet_margin_loss": (3, "margin p eps swap size_average reduce reduction"),
}
"""Losses with old settings: the number of their operands, and PyTorch's order of what follows."""


def with_old_settings(function, count, order):
    """A loss that also takes `size_average` and `reduce`, and its settings in PyTorch's order if they are not named."""
    plain = count + order.index("size_average")

    @functools.wraps(function)
    def call(*args, **named):
        if len(args) > plain or "size_average" in named or "reduce" in named:
            given = dict(zip(order, args[count:]))
            twice = given.keys() & named.keys()
            if twice or len(args) > count + len(order):
                raise TypeError(
                    f"{function.__name__}: {len(args)} values and {[*named]}; settings are {', '.join(order)}"
                )
            args, named = args[:count], {**given, **named}
            old = named.pop("size_average", None), named.pop("reduce", None)
            if old != (None, None):
                named["reduction"] = old_reduction(*old)
        return function(*args, **named)

    return call


for _name, (_count, _order) in _SETTINGS.items():
    globals()[_name] = with_old_settings(globals()[_name], _count, _order.split())

_NOT_OFFERED = {"einsum", "old_reduction", "with_old_settings"}
__all__ = [name for name, value in globals().items() if callable(value) and name[0] != "_" and name not in _NOT_OFFERED]
