"""Connectionist temporal classification: the likelihood of a sequence of labels without knowing when each was said
(Graves, Fernández, Gomez & Schmidhuber 2006).

A model says at each step t how likely each of C classes is, one of them the blank. A path names one class per step; it
spells a target if, when repetitions are merged and blanks removed, the target's labels remain. The loss is −log of the
sum of the probabilities of all paths that spell the target. Between, before and after the labels there may be blanks,
so a path moves through the states blank, label 1, blank, label 2, ..., blank: at each step it stays, goes to the next
state, or skips a blank between two different labels. With α(t, s) the sum over all beginnings that are in state s at
step t,

    α(t, s) = (α(t−1, s) + α(t−1, s−1) + α(t−1, s−2) if s can be skipped to) · p(t, label of s)

and β(t, s) the same for the rest of the path, from behind, the paths through state s at step t have the share
α(t, s) β(t, s) / likelihood, which is what log p(t, label of s) gets as gradient, negative. All in logarithms.
"""

import numpy as np

from ..define import case, composite, op
from ..errors import OperationError
from ..tensor import Tensor
from .by_definition import gradients_by_definition
from .comparison import where
from .indexing import getitem
from .joining import cat, stack
from .loss import check_reduction, reduce_by_ops
from .reduce import logsumexp
from .shape import squeeze, unsqueeze

IMPOSSIBLE = -1e30
"""The logarithm of a probability of 0: finite, so that differences of it are numbers."""

TARGETS = np.array([[1, 2, 2], [2, 1, 0]])
LENGTHS = np.array([5, 4]), np.array([3, 1])


def labels_of_states(targets, blank):
    """(batch, 2 S + 1): blanks, and the targets between them."""
    labels = np.full((targets.shape[0], 2 * targets.shape[1] + 1), blank)
    labels[:, 1::2] = targets
    return labels


def skippable_states(labels):
    """Whether a path may come to each state from two states before."""
    skippable = np.zeros(labels.shape, bool)
    skippable[:, 2:] = labels[:, 2:] != labels[:, :-2]
    return skippable


def ends_of(target_lengths, count):
    """Whether a path may end in each state: in the last label or the blank behind it. (batch, count)"""
    state = np.arange(count)
    last = 2 * target_lengths[:, None]
    return (state == last) | (state == last - 1)


def emitted_by_states(log_probs, labels):
    """log p(t, label of s): (steps, batch, states)."""
    return np.maximum(log_probs[:, np.arange(len(labels))[:, None], labels], IMPOSSIBLE)


def forward_variables(emitted, skippable):
    """log α: (steps, batch, states)."""
    steps, batch, count = emitted.shape
    padded = np.full((steps, batch, count + 2), IMPOSSIBLE, emitted.dtype)
    alpha = padded[:, :, 2:]
    alpha[0, :, :2] = emitted[0, :, :2]
    by_step, by_example, by_state = padded.strides
    came_from = np.lib.stride_tricks.as_strided(
        alpha, (steps, 3, batch, count), (by_step, -by_state, by_example, by_state)
    )
    closed = np.zeros((3, batch, count), emitted.dtype)  # staying, coming from the state before, skipping one
    closed[2][~skippable] = IMPOSSIBLE
    ways = np.empty_like(closed)
    for step in range(1, steps):
        np.add(came_from[step - 1], closed, out=ways)
        top = np.maximum.reduce(ways, 0)
        ways -= top
        np.exp(ways, out=ways)
        total = np.add.reduce(ways, 0)
        np.log(total, out=total)
        total += top
        np.add(total, emitted[step], out=alpha[step])
    return alpha


def backward_variables(emitted, labels, input_lengths, target_lengths):
    """log (β · p(t, label of s)): forward variables of everything read from behind, each example from its own end."""
    example = np.arange(len(labels))
    step = np.maximum(input_lengths - 1 - np.arange(len(emitted))[:, None], 0)[:, :, None]
    state = np.maximum(2 * target_lengths[:, None] - np.arange(labels.shape[1]), 0)
    labels = labels[example[:, None], state]
    turned = step, example[:, None], state
    return forward_variables(emitted[turned], skippable_states(labels))[turned]


def ctc_by_steps(log_probs, targets, input_lengths, target_lengths, blank, zero_infinity):
    """The same by operations."""
    labels = labels_of_states(targets, blank)
    skippable = skippable_states(labels)
    count, batch = labels.shape[1], len(labels)
    emitted = getitem(log_probs, (slice(None), np.arange(batch)[:, None], labels))
    nothing = np.full((batch, 2), IMPOSSIBLE, log_probs.dtype)
    alpha = where(np.arange(count) < 2, emitted[0], IMPOSSIBLE)
    for step in range(1, log_probs.shape[0]):
        padded = cat([nothing, alpha], 1)
        skipped = where(skippable, padded[:, :count], IMPOSSIBLE)
        new = logsumexp(stack([alpha, padded[:, 1 : count + 1], skipped]), 0) + emitted[step]
        alpha = where((step < input_lengths)[:, None], new, alpha)
    likelihood = logsumexp(where(ends_of(target_lengths, count), alpha, IMPOSSIBLE), 1)
    likelihood = where(
        input_lengths == 0, np.where(target_lengths == 0, 0.0, IMPOSSIBLE).astype(log_probs.dtype), likelihood
    )
    return where(likelihood <= IMPOSSIBLE / 2, 0.0 if zero_infinity else np.inf, -likelihood)


def _gradient(g, tape, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity):
    if tape is None:
        attributes = {
            "targets": targets, "input_lengths": input_lengths, "target_lengths": target_lengths, "blank": blank,
            "zero_infinity": zero_infinity,
        }  # fmt: skip
        return gradients_by_definition(ctc_by_steps, g, (log_probs,), attributes, (True,))
    emitted, alpha, likelihood = tape
    labels = labels_of_states(targets, blank)
    share = backward_variables(emitted, labels, input_lengths, target_lengths)
    share += alpha
    share -= emitted
    share -= likelihood[:, None]
    share[(np.arange(len(share))[:, None] >= input_lengths)] = IMPOSSIBLE  # behind the end of the input
    share[:, np.arange(labels.shape[1]) > 2 * target_lengths[:, None]] = IMPOSSIBLE  # and of the target
    np.exp(share, out=share)
    share *= -g[:, None]
    share[:, likelihood <= IMPOSSIBLE / 2] = 0 if zero_infinity else np.nan
    result = np.zeros(log_probs.shape, share.dtype)
    result[:, :, blank] = np.add.reduce(share[:, :, ::2], 2)
    example = np.arange(len(labels))
    for state in range(1, labels.shape[1], 2):
        result[:, example, labels[:, state]] += share[:, :, state]
    return (result,)


@op(
    joint=lambda g, tape, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity: _gradient(
        g, tape, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity),
    operands=1, saves=("tape",), internal=True, label="CTC", domain=(-3.0, 0.0), definition=ctc_by_steps,
    samples=[
        case((5, 2, 3), targets=TARGETS, input_lengths=LENGTHS[0], target_lengths=LENGTHS[1], blank=0,
             zero_infinity=False),
        case((3, 2, 4), targets=TARGETS[:, :1], input_lengths=np.array([3, 2]), target_lengths=np.array([1, 0]),
             blank=3, zero_infinity=True),
    ],
)  # fmt: skip
def ctc_losses(log_probs, targets, input_lengths, target_lengths, blank, zero_infinity):
    """−log of the probability of each target: (batch,), infinite where the input is too short to spell it.

    log_probs       (steps, batch, C)
    targets         (batch, S) integers; what lies behind target_lengths does not count
    input_lengths   (batch,) the number of steps of each example. target_lengths: (batch,) and of labels
    zero_infinity   give 0 instead of infinity, and a gradient of 0
    """
    dtype = log_probs.dtype
    log_probs = log_probs.astype(np.float32) if dtype.itemsize == 2 else log_probs
    labels = labels_of_states(targets, blank)
    emitted = emitted_by_states(log_probs, labels)
    alpha = forward_variables(emitted, skippable_states(labels))
    example = np.arange(len(labels))
    last = alpha[input_lengths - 1, example]  # where there are no steps, anything
    ending = np.where(ends_of(target_lengths, labels.shape[1]), last, alpha.dtype.type(IMPOSSIBLE))
    top = np.maximum.reduce(ending, 1, initial=IMPOSSIBLE)
    likelihood = np.log(np.add.reduce(np.exp(ending - top[:, None]), 1)) + top
    likelihood = np.where(input_lengths == 0, np.where(target_lengths == 0, 0, IMPOSSIBLE), likelihood).astype(
        alpha.dtype
    )
    losses = np.where(likelihood <= IMPOSSIBLE / 2, 0 if zero_infinity else np.inf, -likelihood)
    return losses.astype(dtype), (emitted, alpha, likelihood)


def lengths_of(lengths, name, batch):
    """Lengths, a tensor, a number or a sequence, as an array of `batch` integers."""
    array = np.asarray(lengths.array if isinstance(lengths, Tensor) else lengths)
    if array.dtype.kind not in "iu" and array.size:
        raise RuntimeError(f"ctc_loss: {name} must be integers, not {array.dtype}")
    array = array.reshape(-1).astype(np.int64)
    if len(array) != batch:
        raise RuntimeError(f"ctc_loss: {name} must have one number for each of the {batch} examples, not {len(array)}")
    if array.size and array.min() < 0:
        raise RuntimeError(f"ctc_loss: {name} must not be negative: {array.tolist()}")
    return array


def padded_targets(targets, lengths):
    """Targets, padded or one behind the other, as an array (batch, longest)."""
    array = targets.array if isinstance(targets, Tensor) else np.asarray(targets)
    if array.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: the targets must be integers, not {array.dtype}; convert them with .long()")
    longest = int(lengths.max(initial=0))
    if array.ndim == 1:
        if array.size != lengths.sum():
            raise RuntimeError(
                f"ctc_loss: the targets stand one behind the other, {array.size} labels, but target_lengths add up "
                f"to {lengths.sum()}"
            )
        padded = np.zeros((len(lengths), longest), np.int64)
        padded[np.arange(longest) < lengths[:, None]] = array
        return padded
    if array.ndim != 2 or array.shape[0] != len(lengths) or array.shape[1] < longest:
        raise RuntimeError(
            f"ctc_loss: padded targets must have the shape ({len(lengths)}, {longest} or more), a row for each "
            f"example, not {array.shape}"
        )
    return np.where(np.arange(longest) < lengths[:, None], array[:, :longest], 0)


@composite(method=False)
def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """−log of the probability that a sequence of class probabilities spells a sequence of labels, whenever each may
    occur (connectionist temporal classification, Graves et al. 2006).

    log_probs       (steps, batch, C), or (steps, C) without a batch: log-probabilities, such as log_softmax gives
    targets         (batch, S) padded, or one behind the other: integers below C, not the blank
    input_lengths   (batch,) how many steps of each example count. target_lengths: (batch,) and how many labels
    blank           the number of the class that stands for no label
    reduction       "mean" (each loss divided by its target's length, then the mean), "sum" or "none"
    zero_infinity   0 instead of infinity, and no gradient, where a target is too long for its input
    """
    check_reduction(reduction)
    if log_probs.ndim not in (2, 3) or log_probs.dtype.kind != "f":
        raise RuntimeError(
            f"ctc_loss: log_probs must be floating, (steps, batch, classes) or (steps, classes), not {log_probs.dtype} "
            f"{tuple(log_probs.shape)}"
        )
    batched = log_probs.ndim == 3
    if not batched:
        log_probs = unsqueeze(log_probs, 1)
    steps, batch, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: the blank must be one of the {classes} classes, numbered from 0, not {blank}")
    if not batch or not steps:
        raise OperationError(f"ctc_loss needs at least one example and one step, not {steps} steps of {batch} examples")
    input_lengths = lengths_of(input_lengths, "input_lengths", batch)
    target_lengths = lengths_of(target_lengths, "target_lengths", batch)
    if input_lengths.max() > steps:
        raise RuntimeError(f"ctc_loss: an input length of {input_lengths.max()}, but there are {steps} steps")
    targets = padded_targets(targets, target_lengths)
    if targets.size and not 0 <= targets.min() <= targets.max() < classes:
        raise OperationError(
            f"ctc_loss: the targets go from {targets.min()} to {targets.max()}, the classes from 0 to {classes - 1}"
        )
    losses = ctc_losses(log_probs, targets, input_lengths, target_lengths, blank, bool(zero_infinity))
    if reduction == "mean":
        losses = losses / np.maximum(target_lengths, 1).astype(losses.dtype)
    if reduction == "none":
        return losses if batched else squeeze(losses, 0)
    return reduce_by_ops(losses, reduction)
