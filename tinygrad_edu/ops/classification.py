"""Losses over classes: cross-entropy and the negative log-likelihood.

The input x has shape (C,), (N, C) or (N, C, d₁, d₂, ...), the target the same without C: the number of the right
class for each position. What depends on those numbers alone is computed with NumPy; what depends on x or on the
weights, with operations.
"""

import numpy as np

from ..define import case, composite, ints, op
from ..tensor import Tensor
from .arithmetic import neg
from .comparison import where
from .indexing import getitem, put
from .loss import check_reduction, reduce_by_ops
from .neural import exponentials, log_softmax, softmax
from .reduce import sum
from .shape import reshape, unsqueeze

POSITIVE = (0.3, 2.0)
TARGET = np.array([0, 2, 1, 0])  # several classes, or the weighted mean would not depend on their weights
SAMPLES = [
    case((4, 3), ints(3, 4), None), case((4, 3), TARGET, (3,)), case((3,), ints(3), None),
    case((2, 3, 2), ints(3, 2, 2), (3,), reduction="sum"), case((4, 3), TARGET, (3,), ignore_index=1),
    case((4, 3), ints(3, 4), None, reduction="none"),
]  # fmt: skip


# ---- the classes as indices


def class_dim(x):
    return 1 if x.ndim > 1 else 0


def class_indices(x, target, ignore_index):
    """(indices, keep): the target as an array, checked, and where it is not `ignore_index` (None: nowhere).

    Where it is, the index is 0, to be multiplied by a weight of 0.
    """
    target = np.asarray(target.array if isinstance(target, Tensor) else target)
    shape = tuple(x.shape)
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if target.dtype.kind not in "iu":
        raise TypeError(
            f"the target must hold the numbers of classes, as integers, not {target.dtype}; convert it with .long()"
        )
    if target.shape != expected:
        raise ValueError(
            f"for an input of shape {shape} the target must have shape {expected} (the input's without dimension "
            f"{class_dim(x)}, the "
            f"classes), not {target.shape}" + ("; write target.squeeze(1)" if target.shape == (*expected, 1) else "")
        )
    if target.size == 0 or (ignore_index < 0 and np.minimum.reduce(target, None) >= 0):
        return target, None
    keep = target != ignore_index
    target = np.where(keep, target, 0)
    if np.minimum.reduce(target, None) < 0:
        raise out_of_range(x, target)
    return target, keep


def out_of_range(x, target):
    classes = x.shape[class_dim(x)]
    wrong = target[(target < 0) | (target >= classes)]
    return IndexError(
        f"the target holds {int(wrong[0])}, but there are {classes} classes, numbered from 0 to {classes - 1}"
    )


def at_classes(indices):
    """The index with which x[...] is each position's element of the class given by `indices`."""
    if indices.ndim == 0:
        return (indices,)
    if indices.ndim == 1:
        return np.arange(len(indices)), indices
    first, *rest = np.ogrid[tuple([slice(size) for size in indices.shape])]
    return first, indices, *rest


@op(
    lambda g, target, x_shape: put_at_classes(g, target, x_shape), None,
    promotes=False, internal=True, linear=(0,), label="pick",
    samples=[case((4, 3), ints(3, 4)), case((2, 3, 2), ints(3, 2, 2))],
    oracle=lambda x, target: np.take_along_axis(x, target[:, None], 1)[:, 0],
)  # fmt: skip
def pick_classes(x, target):
    """Each position's element of its class. Adjoint of put_at_classes."""
    try:
        return np.asarray(x[at_classes(target)])
    except IndexError:
        raise out_of_range(x, target) from None


@op(
    lambda g, target: pick_classes(g, target), None,
    promotes=False, internal=True, linear=(0,), label="put",
    samples=[case((4,), ints(3, 4), shape=(4, 3)), case((), ints(3, 4), shape=(4, 3))],
    oracle=lambda x, target, shape: np.where(np.arange(shape[1]) == target[:, None], x[..., None], 0),
)  # fmt: skip
def put_at_classes(x, target, shape):
    """Zeros of `shape` with x, broadcast, at each position's class."""
    result = np.zeros(shape, x.dtype)
    result[at_classes(target)] = x
    return result


def factors(x, indices, keep, weight):
    """The weight of each position, 0 where it is ignored; None if all are 1."""
    if weight is None:
        return None if keep is None else keep.astype(x.dtype)
    factor = getitem(weight, indices)
    return factor if keep is None else where(keep, factor, 0.0)


def check_weight(x, weight):
    classes = x.shape[class_dim(x)]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(f"weight must have shape ({classes},), one number for each class, not {tuple(weight.shape)}")


def reduce_classes(losses, factor, reduction):
    """An array of losses, weighted and reduced; the mean divides by the sum of the weights."""
    check_reduction(reduction)
    if factor is not None:
        losses = np.where(factor == 0, 0, losses * factor)  # what is ignored may be infinite
    if reduction == "none":
        return losses
    total = np.add.reduce(losses, None)
    if reduction == "sum":
        return total
    return np.true_divide(total, losses.size if factor is None else np.add.reduce(factor, None), dtype=losses.dtype)


def class_share(g, indices, factor, reduction):
    """The gradient of each position's unweighted loss."""
    if reduction == "mean":
        if factor is None:
            return g * (1.0 / max(indices.size, 1))
        total = sum(factor)
        g = g / where(total == 0, 1.0, total)
    return g if factor is None else g * factor


def weight_gradient(g, losses, out, target, weight, ignore_index, reduction, x):
    """The gradient of the class weights: of Σ wᵢ lᵢ / Σ wᵢ it is (lᵢ − loss) / Σ wᵢ, added up by classes."""
    indices, keep = class_indices(x, target, ignore_index)
    if reduction == "mean":
        g = g / sum(factors(x, indices, keep, weight))
        losses = losses - out
    losses = g * losses
    return put(losses if keep is None else where(keep, losses, 0.0), tuple(weight.shape), indices)


# ---- the losses


def _nll_gradient(g, x, target, weight, ignore_index, reduction):
    indices, keep = class_indices(x, target, ignore_index)
    return put_at_classes(
        -class_share(g, indices, factors(x, indices, keep, weight), reduction), indices, tuple(x.shape)
    )


def _unweighted_nll(x, target, ignore_index):
    return neg(pick_classes(x, class_indices(x, target, ignore_index)[0]))


@op(
    lambda g, x, target, weight, ignore_index, reduction: _nll_gradient(g, x, target, weight, ignore_index, reduction),
    None,
    lambda g, x, target, weight, out, ignore_index, reduction: weight_gradient(
        g, _unweighted_nll(x, target, ignore_index), out, target, weight, ignore_index, reduction, x),
    label="NLL", promotes=(0, 2), floating=True, method=False, domain=((-3.0, 3.0), None, POSITIVE), samples=SAMPLES,
    definition=lambda x, target, weight=None, ignore_index=-100, reduction="mean": _nll_by_ops(
        x, target, weight, ignore_index, reduction),
)  # fmt: skip
def nll_loss(x, target, weight=None, ignore_index=-100, reduction="mean"):
    """The negative log-likelihood −x[class] of log-probabilities x: (C,), (N, C) or (N, C, d₁, ...).

    target        the number of the right class for each position, an integer tensor of the shape of x without C
    weight        (C,), the weight of each class; the mean is then a weighted one
    ignore_index  positions with this target count nothing
    """
    check_weight(x, weight)
    indices, keep = class_indices(x, target, ignore_index)
    return reduce_classes(-pick_classes(x, indices), factors(x, indices, keep, weight), reduction)


def _nll_by_ops(x, target, weight, ignore_index, reduction):
    indices, keep = class_indices(x, target, ignore_index)
    factor = factors(x, indices, keep, weight)
    losses = -pick_classes(x, indices)
    if factor is None:
        return reduce_by_ops(losses, reduction)
    losses = losses * factor
    return sum(losses) / sum(factor) if reduction == "mean" else reduce_by_ops(losses, reduction)


@op(
    lambda g, x: _softmax_derivative(g, x), None,
    internal=True, promotes=False, label="softmax − 1", oracle=lambda x, target: softmax(x, 1) - put_at_classes(
        np.ones(()), target, x.shape),
    samples=[case((4, 3), ints(3, 4)), case((2, 3, 2), ints(3, 2, 2))],
)  # fmt: skip
def softmax_error(x, target):
    """softmax(x), minus 1 at each position's class: the gradient of its cross-entropy."""
    p = softmax(x, class_dim(x))
    p[at_classes(target)] -= 1
    return p


def _softmax_derivative(g, x):
    p = softmax(x, class_dim(x))
    return p * (g - sum(g * p, class_dim(x), True))


def _cross_entropy_gradients(g, x, target, weight, out, e, sums, ignore_index, reduction, needs):
    indices, keep = class_indices(x, target, ignore_index)
    dx = dweight = None
    if needs[0]:
        share = class_share(g, indices, factors(x, indices, keep, weight), reduction)
        if e is None:
            dx = (unsqueeze(share, class_dim(x)) if share.ndim else share) * softmax_error(x, indices)
        else:  # e / sums is the softmax
            share = np.broadcast_to(share, indices.shape)
            dx = np.multiply(e, np.expand_dims(share, class_dim(x)) / sums)
            dx[at_classes(indices)] -= share
    if needs[2]:
        losses = _unweighted_nll(log_softmax(x, class_dim(x)), target, ignore_index)
        dweight = weight_gradient(g, losses, out, target, weight, ignore_index, reduction, x)
    return dx, None, dweight


@op(
    joint=lambda g, x, target, weight, out, e, sums, ignore_index, reduction, needs: _cross_entropy_gradients(
        g, x, target, weight, out, e, sums, ignore_index, reduction, needs),
    operands=3, saves=("e", "sums"),
    label="cross-entropy", promotes=(0, 2), floating=True, internal=True, domain=((-3.0, 3.0), None, POSITIVE),
    samples=SAMPLES,
    definition=lambda x, target, weight=None, ignore_index=-100, reduction="mean": _nll_by_ops(
        log_softmax(x, class_dim(x)), target, weight, ignore_index, reduction),
)  # fmt: skip
def sparse_cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean"):
    """The cross-entropy log Σ exp(x) − x[class] of unnormalised scores x: nll_loss of log_softmax, in one step."""
    check_weight(x, weight)
    indices, keep = class_indices(x, target, ignore_index)
    dim = class_dim(x)
    e, sums, shift = exponentials(x, dim)
    # with c = 0 both may be large: no rounding between them
    losses = np.log(sums, dtype=np.float64).reshape(indices.shape)
    losses -= pick_classes(x if shift.ndim == 0 else x - shift, indices)
    losses = losses.astype(x.dtype, copy=False)
    return reduce_classes(losses, factors(x, indices, keep, weight), reduction), e, sums


@composite(method=False, samples=[case((4, 3), ints(3, 4), label_smoothing=0.1)])
def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """The cross-entropy −Σ q log softmax(x) of unnormalised scores x (logits): (C,), (N, C) or (N, C, d₁, ...).

    target           the number of the right class for each position, an integer tensor of the shape of x without C; or
                     q itself, the probabilities of the classes, a floating tensor of the shape of x
    weight           (C,), the weight of each class; with class numbers the mean is then a weighted one
    ignore_index     positions with this class number count nothing
    label_smoothing  ε: q is mixed with the uniform distribution, (1 − ε) q + ε/C (Szegedy et al. 2016)
    """
    if x.ndim == 0:
        raise ValueError(
            "cross_entropy: the input needs a dimension of classes, (C,), (N, C) or (N, C, d₁, ...); it has none"
        )
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"cross_entropy: label_smoothing must be between 0 and 1, not {label_smoothing}")
    if target.dtype.kind != "f":
        if not label_smoothing:
            return sparse_cross_entropy(x, target, weight, ignore_index, reduction)
        return _smoothed(x, target, weight, ignore_index, reduction, label_smoothing)
    if tuple(target.shape) != tuple(x.shape):
        raise ValueError(
            f"cross_entropy: a target of {target.dtype} holds class probabilities and must have the shape of the "
            "input, "
            f"{tuple(x.shape)}, not {tuple(target.shape)}. If it holds the numbers of classes, convert it with .long()"
        )
    check_weight(x, weight), check_reduction(reduction)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / x.shape[class_dim(x)]
    return reduce_by_ops(-sum(target * _weighted_log_softmax(x, weight), class_dim(x)), reduction)


def _weighted_log_softmax(x, weight):
    log_p = log_softmax(x, class_dim(x))
    if weight is None:
        return log_p
    return log_p * (reshape(weight, (-1,) + (1,) * (x.ndim - 2)) if x.ndim > 2 else weight)


def _smoothed(x, target, weight, ignore_index, reduction, label_smoothing):
    """(1 − ε) times the loss of the right class, plus ε times the mean of the losses of all classes."""
    check_weight(x, weight)
    indices, keep = class_indices(x, target, ignore_index)
    right = sparse_cross_entropy(x, target, weight, ignore_index, reduction)
    every = -sum(_weighted_log_softmax(x, weight), class_dim(x))
    if keep is not None:
        every = where(keep, every, 0.0)
    factor = factors(x, indices, keep, weight)
    if reduction == "mean" and factor is not None:
        every = sum(every) / sum(factor)
    else:
        every = reduce_by_ops(every, reduction)
    return (1 - label_smoothing) * right + (label_smoothing / x.shape[class_dim(x)]) * every
