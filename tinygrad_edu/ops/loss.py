"""Losses: how far predictions are from targets, as one number (or, with reduction="none", one for each element).

Names and arguments mean what they mean in torch.nn.functional; `reduction` is "mean", "sum" or "none". The losses over
classes are in `classification.py`.

Each common loss is one operation. Its rules compute what they need from the operands again instead of keeping parts
of the forward computation: that costs little, and makes gradients of gradients right.
"""

import math
import sys
import warnings

import numpy as np

from ..clock import PACKAGE
from ..define import case, composite, op
from ..tensor import Tensor
from .activation import logsigmoid, sigmoid
from .arithmetic import abs, clamp, maximum, minimum, sign, square
from .comparison import where
from .elementary import exp, log, log1p
from .reduce import mean, sum

PROBABILITY = (0.05, 0.95)
POSITIVE = (0.3, 2.0)
PAIRS = (case((3, 4), (3, 4)), case((3,), (3,), reduction="sum"), case((2, 3), (2, 3), reduction="none"), case((), ()))


def reduced(losses, reduction):
    """An array of losses, reduced."""
    if reduction == "mean":
        return np.true_divide(np.add.reduce(losses, None), losses.size, dtype=losses.dtype)
    if reduction == "sum":
        return np.add.reduce(losses, None)
    check_reduction(reduction)
    return losses


def check_reduction(reduction, allowed=("mean", "sum", "none")):
    if reduction not in allowed:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, allowed))}, not {reduction!r}")


def reduce_by_ops(losses, reduction):
    """Losses, reduced by operations of the library."""
    return mean(losses) if reduction == "mean" else sum(losses) if reduction == "sum" else losses


def share(g, reduction, x, target):
    """The gradient of each single loss: g, divided by their number if their mean was taken."""
    if reduction != "mean":
        return g
    shape = x.shape if x.shape == target.shape else np.broadcast_shapes(tuple(x.shape), tuple(target.shape))
    return g * (1.0 / max(math.prod(shape), 1))


# ---- regression


def difference(x, target, name):
    """x − target; with a warning if their shapes differ."""
    if x.shape != target.shape:
        shape = np.broadcast_shapes(x.shape, target.shape)
        warn(
            f"{name}: the target has shape {target.shape}, the input {x.shape}. They are broadcast to {shape}, so "
            "elements are "
            "compared that may not belong together. Give them one shape: target.reshape(input.shape)"
        )
    return x - target


def warn(message):
    """A UserWarning that names the innermost line outside this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


@op(
    lambda g, x, target, reduction: (x - target) * (share(g, reduction, x, target) * 2),
    lambda g, x, target, reduction: (target - x) * (share(g, reduction, x, target) * 2),
    label="MSE", method=False, floating=True, samples=PAIRS,
    definition=lambda x, target, reduction="mean": reduce_by_ops(square(x - target), reduction),
)  # fmt: skip
def mse_loss(x, target, reduction="mean"):
    """The squared error (x − target)²."""
    d = difference(x, target, "mse_loss")
    return reduced(d * d, reduction)


@op(
    lambda g, x, target, reduction: sign(x - target) * share(g, reduction, x, target),
    lambda g, x, target, reduction: sign(target - x) * share(g, reduction, x, target),
    label="L1 loss", method=False, floating=True, samples=PAIRS, avoid=("ties",),
    definition=lambda x, target, reduction="mean": reduce_by_ops(abs(x - target), reduction),
)  # fmt: skip
def l1_loss(x, target, reduction="mean"):
    """The absolute error |x − target|; its gradient is 0 where they are equal."""
    return reduced(np.absolute(difference(x, target, "l1_loss")), reduction)


@op(
    lambda g, x, target, reduction, delta: clamp(x - target, -delta, delta) * share(g, reduction, x, target),
    lambda g, x, target, reduction, delta: clamp(target - x, -delta, delta) * share(g, reduction, x, target),
    label="Huber loss", method=False, floating=True, samples=[*PAIRS, case((3, 4), (3, 4), delta=0.4)], avoid=("ties",),
    definition=lambda x, target, reduction="mean", delta=1.0: reduce_by_ops(
        _huber_by_ops(abs(x - target), delta), reduction),
)  # fmt: skip
def huber_loss(x, target, reduction="mean", delta=1.0):
    """½d² where |d| < delta, else delta (|d| − ½delta), with d = x − target (Huber 1964)."""
    if not delta > 0:
        raise ValueError(f"delta must be greater than 0, not {delta}")
    d = np.absolute(difference(x, target, "huber_loss"))
    near = np.minimum(d, delta)
    return reduced(near * (d - 0.5 * near), reduction)


def _huber_by_ops(d, delta):
    near = minimum(d, delta)
    return near * (d - 0.5 * near)


@op(
    lambda g, x, target, reduction, beta: _smooth_slope(x - target, beta) * share(g, reduction, x, target),
    lambda g, x, target, reduction, beta: _smooth_slope(target - x, beta) * share(g, reduction, x, target),
    label="smooth L1", method=False, floating=True, avoid=("ties",),
    samples=[*PAIRS, case((3, 4), (3, 4), beta=0.4), case((3, 4), (3, 4), beta=0.0)],
    definition=lambda x, target, reduction="mean", beta=1.0: reduce_by_ops(
        _huber_by_ops(abs(x - target), beta) / beta if beta else abs(x - target), reduction),
)  # fmt: skip
def smooth_l1_loss(x, target, reduction="mean", beta=1.0):
    """½d²/beta where |d| < beta, else |d| − ½beta, with d = x − target (Girshick 2015); |d| if beta is 0."""
    if not beta >= 0:
        raise ValueError(f"beta must be at least 0, not {beta}")
    d = np.absolute(difference(x, target, "smooth_l1_loss"))
    if beta:
        near = np.minimum(d, beta)
        d = near * (d - 0.5 * near) / beta
    return reduced(d, reduction)


def _smooth_slope(d, beta):
    return clamp(d / beta, -1.0, 1.0) if beta else sign(d)


# ---- two classes


def weighted_share(g, weight, reduction, x, target):
    g = share(g, reduction, x, target)
    return g if weight is None else g * weight


def check_same_shape(x, target, weight):
    if x.shape != target.shape:
        raise ValueError(
            f"the target has shape {target.shape}, the input {x.shape}; they must be equal: target.reshape(input.shape)"
        )
    if weight is not None and np.broadcast_shapes(weight.shape, x.shape) != x.shape:
        raise ValueError(f"weight {weight.shape} cannot be broadcast to the shape of the input, {x.shape}")


def _log(x):
    """log x, not below −100 (as in PyTorch: a probability of 0 must not make the loss infinite)."""
    return maximum(log(x), -100.0)


def _log_of_complement(x):
    return maximum(log1p(-x), -100.0)


def _binary_cross_entropies(x, target):
    return -(target * _log(x) + (1 - target) * _log_of_complement(x))


@op(
    lambda g, x, target, weight, reduction:
        weighted_share(g, weight, reduction, x, target) * (x - target) / maximum(x * (1 - x), 1e-12),
    lambda g, x, target, weight, reduction:
        weighted_share(g, weight, reduction, x, target) * (_log_of_complement(x) - _log(x)),
    lambda g, x, target, reduction: share(g, reduction, x, target) * _binary_cross_entropies(x, target),
    label="BCE", method=False, floating=True, domain=(PROBABILITY, PROBABILITY, POSITIVE),
    samples=[
        case((4, 1), (4, 1), None), case((3, 4), (3, 4), (4,)), case((3, 4), (3, 4), (4,), reduction="sum"),
        case((3,), (3,), (3,), reduction="none"),
    ],
    definition=lambda x, target, weight=None, reduction="mean": reduce_by_ops(
        _binary_cross_entropies(x, target) * (1 if weight is None else weight), reduction),
)  # fmt: skip
def binary_cross_entropy(x, target, weight=None, reduction="mean"):
    """−(y log x + (1 − y) log(1 − x)) for probabilities x and targets y in [0, 1]; logarithms are not taken below −100.

    weight  factors of the single losses, of a shape that broadcasts to that of x

    For x computed by a sigmoid, `binary_cross_entropy_with_logits` is more accurate.
    """
    check_same_shape(x, target, weight)
    losses = target * np.maximum(np.log(x), -100)
    losses += (1 - target) * np.maximum(np.log1p(-x), -100)
    losses = np.negative(losses) if weight is None else losses * -weight
    result = reduced(losses, reduction)
    total = np.add.reduce(result, None) if reduction == "none" else result
    if total != total and not ((x >= 0) & (x <= 1)).all():  # outside [0, 1] a logarithm is NaN, and so is the sum
        raise ValueError(
            f"the input must be probabilities from 0 to 1, but goes from {x.min():.4g} to {x.max():.4g}; apply "
            "sigmoid to it, or "
            "give the values as they are to binary_cross_entropy_with_logits"
        )
    return result


def _logits_slope(x, target, pos_weight):
    """The derivative of each loss with respect to its logit."""
    if pos_weight is None:
        return sigmoid(x) - target
    return 1 - target - (1 + (pos_weight - 1) * target) * sigmoid(-x)


def _logits_losses(x, target, pos_weight):
    positive = target if pos_weight is None else target * pos_weight
    return -(positive * logsigmoid(x) + (1 - target) * logsigmoid(-x))


@op(
    lambda g, x, target, weight, pos_weight, reduction:
        weighted_share(g, weight, reduction, x, target) * _logits_slope(x, target, pos_weight),
    lambda g, x, target, weight, pos_weight, reduction: weighted_share(g, weight, reduction, x, target)
        * (-x if pos_weight is None else logsigmoid(-x) - pos_weight * logsigmoid(x)),
    lambda g, x, target, pos_weight, reduction: share(g, reduction, x, target) * _logits_losses(x, target, pos_weight),
    lambda g, x, target, weight, reduction: weighted_share(g, weight, reduction, x, target) * -target * logsigmoid(x),
    label="BCE of logits", method=False, floating=True, domain=((-3.0, 3.0), PROBABILITY, POSITIVE, POSITIVE),
    samples=[
        case((4, 1), (4, 1), None, None), case((3, 4), (3, 4), (4,), (4,), reduction="sum"),
        case((3, 4), (3, 4), None, (4,)), case((3, 4), (3, 4), (4,), None),
        case((3,), (3,), (3,), None, reduction="none"),
    ],
    definition=lambda x, target, weight=None, pos_weight=None, reduction="mean": reduce_by_ops(
        _logits_losses(x, target, pos_weight) * (1 if weight is None else weight), reduction),
)  # fmt: skip
def binary_cross_entropy_with_logits(x, target, weight=None, pos_weight=None, reduction="mean"):
    """−(p y log σ(x) + (1 − y) log(1 − σ(x))) for any numbers x (logits) and targets y in [0, 1], without overflow.

    weight      factors of the single losses, of a shape that broadcasts to that of x
    pos_weight  p, factors of the part for y = 1, of a shape that broadcasts to that of x
    """
    check_same_shape(x, target, weight)
    tail = np.log1p(np.exp(-np.absolute(x)))  # log(1 + e^−|x|), with which −log σ(x) = max(−x, 0) + tail
    if pos_weight is None:
        losses = np.maximum(x, 0) - x * target + tail
    else:
        if np.broadcast_shapes(pos_weight.shape, x.shape) != x.shape:
            raise ValueError(f"pos_weight {pos_weight.shape} cannot be broadcast to the shape of the input, {x.shape}")
        losses = (1 - target) * x + (1 + (pos_weight - 1) * target) * (np.maximum(-x, 0) + tail)
    return reduced(losses if weight is None else losses * weight, reduction)


# ---- distributions


@composite(
    method=False,
    samples=[case((3, 4), (3, 4), log_target=True), case((3, 4), (3, 4), reduction="batchmean", log_target=True)],
)
def kl_div(x, target, reduction="mean", log_target=False):
    """The Kullback–Leibler divergence Σ y (log y − x), for log-probabilities x and probabilities y (Kullback &
    Leibler 1951).

    reduction   also "batchmean", the sum divided by the size of dimension 0, which is the divergence's definition
    log_target  the target holds log y
    """
    check_reduction(reduction, ("mean", "sum", "none", "batchmean"))
    if reduction == "mean":
        warn("kl_div: reduction='mean' divides by the number of all elements; the divergence is reduction='batchmean'")
    if log_target:
        losses = exp(target) * (target - x)
    else:
        nonzero = target > 0
        losses = where(target == 0, 0.0, target * log(where(nonzero, target, 1.0))) - target * x  # 0 log 0 = 0
    if reduction == "batchmean":
        return sum(losses) / (x.shape[0] if x.ndim else 1)
    return reduce_by_ops(losses, reduction)


# ---- penalties


@op(
    joint=lambda g, operands: [2 * g * x for x in operands], internal=True, label="Σx²",
    samples=[case((3, 4), (2,)), case(())], oracle=lambda *xs: np.sum([np.sum(x**2) for x in xs]),
)  # fmt: skip
def sum_of_squares(*xs):
    """The sum of the squares of all elements of all operands."""
    total = 0
    for x in xs:
        flat = x.reshape(-1)
        total = total + flat.dot(flat)
    return np.asarray(total)


@op(
    joint=lambda g, operands: [g * sign(x) for x in operands], internal=True, label="Σ|x|", avoid=(0.0,),
    samples=[case((3, 4), (2,)), case(())], oracle=lambda *xs: np.sum([np.sum(np.abs(x)) for x in xs]),
)  # fmt: skip
def sum_of_magnitudes(*xs):
    """The sum of the absolute values of all elements of all operands."""
    total = 0
    for x in xs:
        total = total + np.add.reduce(np.absolute(x), None)
    return np.asarray(total)


@composite(method=False)
def l2_penalty(parameters):
    """The sum of the squares of all elements of a tensor, or of several: loss + 0.01 * l2_penalty(model.parameters()).

    This is ridge regression's penalty (Hoerl & Kennard 1970). Its gradient is 2x, so that λ · l2_penalty does with
    plain SGD what weight_decay=2λ does.
    """
    return sum_of_squares(*_tensors(parameters, "l2_penalty"))


@composite(method=False)
def l1_penalty(parameters):
    """The sum of the absolute values of all elements of a tensor, or of several: the lasso's penalty (Tibshirani 1996).

    Its gradient is the sign, 0 at 0; it drives parameters to exactly 0.
    """
    return sum_of_magnitudes(*_tensors(parameters, "l1_penalty"))


def _tensors(parameters, name):
    tensors = (parameters,) if isinstance(parameters, (Tensor, np.ndarray)) else tuple(parameters)
    if not tensors:
        raise ValueError(f"{name} was given no tensors; if they come from a generator, it may have been used up before")
    return tensors
