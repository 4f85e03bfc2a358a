"""Losses of distances, margins and distributions, composed of operations. Formulas as in PyTorch's documentation.

Reductions: "mean", "sum", or "none" for the single losses.
"""

import math

import numpy as np

from ..define import composite
from ..tensor import Tensor, as_tensor
from .arithmetic import abs
from .comparison import where
from .elementary import exp, log, sqrt
from .loss import check_reduction, reduce_by_ops
from .reduce import sum
from .shape import unsqueeze


def _need_same_size(name, x, target):
    if tuple(x.shape) != tuple(target.shape):
        raise ValueError(
            f"{name}: input {tuple(x.shape)} and target {tuple(target.shape)} must have the same shape; write "
            "target.view_as(input)"
        )


@composite(method=False)
def poisson_nll_loss(input, target, log_input=True, full=False, eps=1e-8, reduction="mean"):
    """−log of the Poisson probability of the counts `target`, for the rate input, or exp(input) with `log_input`.

    exp(x) − t x, or x − t log(x + eps); with `full` plus Stirling's t log t − t + ½ log(2π t) where t > 1.
    """
    check_reduction(reduction)
    losses = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        safe = where(target > 1, target, 1.0)
        losses = losses + where(target > 1, safe * log(safe) - safe + 0.5 * log(2 * math.pi * safe), 0.0)
    return reduce_by_ops(losses, reduction)


@composite(method=False)
def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """½ (log σ² + (input − target)² / σ²), with σ² = max(var, eps); with `full` plus ½ log 2π.

    var  the shape of input, or without its last dimension, or with size 1 there, or a number. eps has no gradient.
    """
    check_reduction(reduction)
    if not isinstance(var, Tensor):
        var = as_tensor(np.full(tuple(input.shape), var), input.dtype)
    if tuple(var.shape) != tuple(input.shape):
        if tuple(var.shape) == tuple(input.shape[:-1]):
            var = unsqueeze(var, -1)
        elif tuple(var.shape) not in ((*input.shape[:-1], 1), ()):
            raise ValueError(f"gaussian_nll_loss: var {tuple(var.shape)} does not fit the input {tuple(input.shape)}")
    if (var.array < 0).any():
        raise ValueError(f"gaussian_nll_loss: a variance cannot be negative, and one is {var.array.min()}")
    # the limit passes gradients on, as if it were not there
    var = var + as_tensor(np.maximum(var.array, eps) - var.array)
    losses = 0.5 * (log(var) + (input - target) ** 2 / var)
    return reduce_by_ops(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


@composite(method=False)
def hinge_embedding_loss(input, target, margin=1.0, reduction="mean"):
    """x where target = 1, max(0, margin − x) where target = −1: x is a distance, targets say whether things are
    alike."""
    check_reduction(reduction)
    losses = where(target == -1, (margin - input).relu(), 0.0) + where(target == 1, input, 0.0)
    return reduce_by_ops(losses, reduction)


@composite(method=False)
def margin_ranking_loss(input1, input2, target, margin=0.0, reduction="mean"):
    """max(0, −target (x₁ − x₂) + margin): with target = 1 the first shall be larger, with −1 the second."""
    check_reduction(reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss: input1 {tuple(input1.shape)}, input2 {tuple(input2.shape)} and target "
            f"{tuple(target.shape)} must have equally many dimensions"
        )
    return reduce_by_ops((-target * (input1 - input2) + margin).relu(), reduction)


@composite(method=False)
def soft_margin_loss(input, target, reduction="mean"):
    """log(1 + exp(−target · x)), for targets 1 and −1."""
    check_reduction(reduction)
    return reduce_by_ops((-target * input).softplus(), reduction)


@composite(method=False)
def multilabel_soft_margin_loss(input, target, weight=None, reduction="mean"):
    """The mean over the classes of the binary cross-entropies of σ(x) with targets 0 and 1."""
    check_reduction(reduction)
    losses = -(target * input.logsigmoid() + (1 - target) * (-input).logsigmoid())
    losses = losses if weight is None else losses * weight
    return reduce_by_ops(losses.mean(-1), reduction)


@composite(method=False)
def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
    """Σ over the classes j ≠ y of max(0, margin − x_y + x_j)^p, divided by the number of classes.

    input   scores (N, C) or (C,)
    target  class numbers (N,) or ()
    p       1 or 2
    weight  (C,), multiplies the terms of each right class before the power
    """
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, not {p}")
    single = input.ndim < 2
    x, y = (input.reshape(1, -1), target.reshape(1)) if single else (input, target)
    if tuple(y.shape) != (x.shape[0],):
        raise ValueError(f"multi_margin_loss: the target must have shape ({x.shape[0]},), not {tuple(y.shape)}")
    right = x.gather(1, unsqueeze(y, 1))
    terms = (margin - right + x).relu() ** p
    if weight is not None:
        terms = terms * unsqueeze(weight[y], 1)
    others = np.arange(x.shape[1]) != y.array[:, None]
    losses = sum(where(others, terms, 0.0), 1) / x.shape[1]
    return reduce_by_ops(losses.reshape(()) if single else losses, reduction)


@composite(method=False)
def multilabel_margin_loss(input, target, reduction="mean"):
    """Σ over right classes y and wrong ones j of max(0, 1 − x_y + x_j), divided by the number of classes.

    target  as many class numbers as classes, int64; those behind the first −1 do not count
    """
    check_reduction(reduction)
    _need_same_size("multilabel_margin_loss", input, target)
    single = input.ndim < 2
    x, numbers = (input.reshape(1, -1), target.array.reshape(1, -1)) if single else (input, target.array)
    rows, classes = numbers.shape
    listed = np.cumsum(numbers < 0, axis=1) == 0
    right = np.zeros((rows, classes), bool)
    right[np.nonzero(listed)[0], numbers[listed]] = True
    targets = np.where(listed, numbers, 0)
    terms = (1 - unsqueeze(x.gather(1, as_tensor(targets)), 2) + unsqueeze(x, 1)).relu()
    losses = sum(where(listed[:, :, None] & ~right[:, None, :], terms, 0.0), (1, 2)) / classes
    return reduce_by_ops(losses.reshape(()) if single else losses, reduction)


@composite(method=False)
def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction="mean"):
    """1 − cos(x₁, x₂) where target = 1, max(0, cos(x₁, x₂) − margin) where target = −1. Inputs (N, D) or (D,)."""
    check_reduction(reduction)
    if input1.ndim != target.ndim + 1:
        raise RuntimeError(
            f"cosine_embedding_loss: the target has one dimension less than the inputs; here are {tuple(target.shape)} "
            f"and {tuple(input1.shape)}"
        )
    eps = 1e-12  # PyTorch adds it to both squared lengths
    cosine = sum(input1 * input2, -1) / sqrt((sum(input1 * input1, -1) + eps) * (sum(input2 * input2, -1) + eps))
    losses = where(target == 1, 1 - cosine, 0.0) + where(target == -1, (cosine - margin).relu(), 0.0)
    return reduce_by_ops(losses, reduction)


@composite(method=False)
def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"):
    """max(0, d(anchor, positive) − d(anchor, negative) + margin), d the p-norm of the difference + eps, along the last
    dimension.

    swap  use the distance from positive to negative where it is the smaller one
    """

    def distance(x, y):
        return sum(abs(x - y + eps) ** p, -1) ** (1 / p)

    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=margin, swap=swap, reduction=reduction
    )


@composite(method=False)
def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """max(0, d(anchor, positive) − d(anchor, negative) + margin) with a distance of one's own."""
    check_reduction(reduction)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"triplet_margin_loss: anchor {tuple(anchor.shape)}, positive {tuple(positive.shape)} and negative "
            f"{tuple(negative.shape)} must have equally many dimensions"
        )
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: the margin must be greater than 0, not {margin}")
    if distance_function is None:

        def distance_function(x, y):
            return sum((x - y + 1e-6) ** 2, -1) ** 0.5

    near, far = distance_function(anchor, positive), distance_function(anchor, negative)
    if swap:
        far = far.minimum(distance_function(positive, negative))
    return reduce_by_ops((near - far + margin).relu(), reduction)
