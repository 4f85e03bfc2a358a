"""Losses as modules: they hold the settings, and functional has the formulas."""

from ..ops.classification import cross_entropy, nll_loss
from ..ops.ctc import ctc_loss
from ..ops.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, check_reduction, huber_loss, kl_div, l1_loss, mse_loss,
    smooth_l1_loss,
)  # fmt: skip
from .module import Module
from .reduction import old_reduction


class Loss(Module):
    """The base class of the losses. reduction: "mean", "sum" or "none", which gives the single losses.

    size_average, reduce  what PyTorch had before `reduction`; they give a warning, and go before it
    """

    reductions = ("mean", "sum", "none")

    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = old_reduction(size_average, reduce)
        check_reduction(reduction, self.reductions)
        self.reduction = reduction


class MSELoss(Loss):
    """The squared error (input − target)²."""

    def forward(self, input, target):
        return mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """The absolute error |input − target|."""

    def forward(self, input, target):
        return l1_loss(input, target, self.reduction)


class SmoothL1Loss(Loss):
    """½d²/beta where |d| < beta, else |d| − ½beta, with d = input − target (Girshick 2015)."""

    def __init__(self, size_average=None, reduce=None, reduction="mean", beta=1.0):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input, target):
        return smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(Loss):
    """½d² where |d| < delta, else delta (|d| − ½delta), with d = input − target (Huber 1964)."""

    def __init__(self, reduction="mean", delta=1.0):
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input, target):
        return huber_loss(input, target, self.reduction, self.delta)


class BCELoss(Loss):
    """Binary cross-entropy of probabilities, such as a sigmoid gives; BCEWithLogitsLoss is more accurate.

    weight  factors of the single losses, of a shape that broadcasts to the input's
    """

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)

    def forward(self, input, target):
        return binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of σ(input), for any numbers.

    weight      factors of the single losses, of a shape that broadcasts to the input's
    pos_weight  factors of the part for target = 1
    """

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input, target):
        return binary_cross_entropy_with_logits(input, target, self.weight, self.pos_weight, self.reduction)


class NLLLoss(Loss):
    """The negative log-likelihood of log-probabilities (N, C, ...), such as log_softmax gives, for class numbers
    (N, ...).

    weight        (C,), the weight of each class
    ignore_index  positions with this target count nothing
    """

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input, target):
        return nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(Loss):
    """The cross-entropy of softmax(input), for scores (N, C, ...) and class numbers (N, ...) or probabilities (N,
    C, ...).

    weight           (C,), the weight of each class
    ignore_index     positions with this class number count nothing
    label_smoothing  how much of the target is spread over all classes, from 0 to 1
    """

    def __init__(
        self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        return cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class KLDivLoss(Loss):
    """The Kullback–Leibler divergence of log-probabilities from target probabilities.

    reduction   also "batchmean", which is the divergence's definition: the sum divided by the size of the batch
    log_target  the targets are log-probabilities too
    """

    reductions = (*Loss.reductions, "batchmean")

    def __init__(self, size_average=None, reduce=None, reduction="mean", log_target=False):
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input, target):
        return kl_div(input, target, self.reduction, self.log_target)


class CTCLoss(Loss):
    """Connectionist temporal classification: how unlikely log-probabilities (steps, batch, C) make it to read given
    labels, at whatever steps each may stand (Graves et al. 2006). functional.ctc_loss describes the arguments.

    blank          the number of the class that stands for no label
    zero_infinity  0 instead of infinity, and no gradient, where a target is too long for its input
    """

    def __init__(self, blank=0, reduction="mean", zero_infinity=False):
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        return ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
