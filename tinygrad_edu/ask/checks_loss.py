"""Checks of what comes into the loss. Each takes a Case and yields Answers."""

import math

import numpy as np

from ..autograd.nonfinite import STEEP, bad
from ..recording import Step, Value
from .answer import Answer
from .nonfinite import explain_nonfinite

SAME_VALUES = (
    "reshape", "flatten", "squeeze", "unsqueeze", "permute", "transpose", "t", "movedim", "contiguous", "clone", "cast",
    "expand", "getitem", "unflatten",
)  # fmt: skip
"""Operations that pass values on."""

REGRESSION = ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "sub")
INTO_SCORES = {
    "softmax": (
        "softmax before cross-entropy",
        "cross_entropy applies softmax itself, so it is applied twice here. "
        "The model learns slowly and never becomes sure",
    ),
    "log_softmax": (
        "log_softmax before cross-entropy",
        "cross_entropy applies log_softmax itself, so it is applied twice here, which changes nothing but costs time",
    ),
    "sigmoid": (
        "sigmoid before cross-entropy",
        "cross_entropy takes any scores and applies softmax; squeezed between 0 and 1 they can never be sure",
    ),
    "relu": (
        "relu before cross-entropy",
        "cross_entropy takes scores of any sign; without the negative ones, classes "
        "cannot be ruled out, and their units die",
    ),
}


def source(value):
    """The Step that computed a Value, behind those that only pass it on; or None."""
    while isinstance(value, Value) and isinstance(value.source, Step):
        step = value.source
        if step.name not in SAME_VALUES or step.entry is None:
            return step
        value = step.operands[0]
    return None


def data(value):
    return value.data if isinstance(value, Value) else np.asarray(value) if value is not None else None


def place_of(*steps):
    return next((step.place for step in steps if step is not None and step.place), None)


def double_softmax(case):
    for step in case.steps_to_loss("sparse_cross_entropy", "log_softmax"):
        before = source(step.operands[0])
        if before is None or before.name not in INTO_SCORES:
            continue
        if step.name == "log_softmax" and before.name not in ("softmax", "log_softmax"):
            continue
        keyword, text = INTO_SCORES[before.name]
        yield Answer(
            keyword,
            f"`{before.name}` comes before the cross-entropy: {text}.",
            place_of(before, step),
            f"Give the scores themselves (logits) to cross_entropy, without {before.name}; apply it only to show "
            "probabilities.",
        )
    for step in case.steps_to_loss("binary_cross_entropy_with_logits"):
        before = source(step.operands[0])
        if before is not None and before.name in ("sigmoid", "softmax", "relu"):
            twice = "it applies sigmoid itself" if before.name != "relu" else "it takes logits of any sign"
            yield Answer(
                f"{before.name} before BCE with logits",
                f"`{before.name}` comes before binary_cross_entropy_with_logits, but {twice}.",
                place_of(before, step),
                f"Leave out {before.name}"
                + (", or use binary_cross_entropy (BCELoss)." if before.name == "sigmoid" else "."),
            )
    for step in case.steps_to_loss("binary_cross_entropy"):
        before = source(step.operands[0])
        if before is not None and before.name == "softmax" and step.operands[0].shape[-1:] == (1,):
            yield Answer("softmax of one", "softmax of a single number is always 1.", place_of(before), "Use sigmoid.")


def without_log(case):
    """nll_loss of something that is not log-probabilities."""
    for step in case.steps_to_loss("nll_loss"):
        x = data(step.operands[0])
        before = source(step.operands[0])
        if not isinstance(x, np.ndarray) or x.ndim == 0 or bad(x):
            continue
        total = np.exp(x.astype(np.float64)).sum(1 if x.ndim > 1 else 0)
        if np.abs(total - 1).max(initial=0.0) > 1e-2:
            name = None if before is None else before.name
            if name == "log_softmax":
                yield Answer(
                    "softmax over the batch",
                    f"log_softmax along dimension {before.attributes['dim']} is not along "
                    f"the classes: nll_loss wants log-probabilities that belong together along dimension "
                    f"{1 if x.ndim > 1 else 0}.",
                    place_of(before, step),
                    "Use log_softmax(x, dim=1), or cross_entropy.",
                )
                continue
            what = "probabilities, without the logarithm," if name == "softmax" else "scores"
            yield Answer(
                "nll_loss without log_softmax",
                f"nll_loss takes log-probabilities, and is given {what} here: their "
                "exponentials do not add up to 1, so the loss has no lower limit and means nothing.",
                place_of(step, before),
                "Use cross_entropy for scores (logits), or nll_loss of log_softmax(scores).",
            )


def one_class(case):
    for step in case.steps_to_loss("sparse_cross_entropy"):
        x = step.operands[0]
        if isinstance(x, Value) and x.shape and x.shape[1 if len(x.shape) > 1 else 0] == 1:
            yield Answer(
                "one class",
                "cross_entropy is given one class only: its probability is always 1, the loss always 0, "
                "and nothing is learned.",
                place_of(step),
                "Give the model one output per class; for two classes with one output, use "
                "binary_cross_entropy_with_logits with floating targets.",
            )
    for step in case.steps_to_loss("softmax", "log_softmax"):
        x, dim = step.operands[0], step.attributes.get("dim", -1)
        if isinstance(x, Value) and isinstance(dim, int) and x.shape and x.shape[dim] == 1:
            yield Answer(
                "softmax of one",
                f"`{step.name}` along dimension {dim}, which has size 1, is constant: nothing is learned through it.",
                place_of(step),
                "Choose the dimension of the classes, or use sigmoid.",
            )


def broadcast(case):
    """(N, 1) against (N,): a difference of (N, N)."""
    depends = case.flow.reached([v for p in case.model.parameters() for v in case.values_of(p, case.flow)])
    for step in case.steps_to_loss(*REGRESSION):
        pair = [x for x in step.operands[:2] if isinstance(x, (Value, np.ndarray))]
        if len(pair) == 1 and case.experiment is None and step.name == "sub" and compared_with_data(case, step):
            pair = with_unknown(step, pair[0])
        if len(pair) < 2 or not step.results:
            continue
        short, long = sorted(pair, key=lambda x: len(x.shape))
        n = short.shape[0] if len(short.shape) == 1 else 0
        if n < 2 or tuple(long.shape) != (n, 1):
            continue
        ours = [isinstance(x, Value) and x.number in depends for x in pair]
        leaves = [isinstance(x, Value) and x.leaf for x in pair]
        if step.name == "sub" and (ours[0] == ours[1] or any(leaves)):
            continue  # differences of all pairs, on purpose
        yield Answer(
            "shapes broadcast",
            f"`{step.name}` of shapes {tuple(pair[0].shape)} and {tuple(pair[1].shape)}: they are "
            f"broadcast to ({n}, {n}), so that every prediction is compared with every target, and the model learns "
            "their mean.",
            place_of(step),
            "Give both one shape: prediction.squeeze(1), or target.unsqueeze(1).",
        )


class Unknown:
    """An operand that a graph did not keep, of the shape that it must have had."""

    leaf, number = False, None

    def __init__(self, shape):
        self.shape = shape


def with_unknown(step, known):
    """Both operands of a difference of which the graph has kept one only."""
    n = step.results[0].shape[0] if step.results[0].shape else 0
    if step.results[0].shape != (n, n) or known.shape not in ((n, 1), (n,)):
        return [known]
    other = Unknown((n,) if known.shape == (n, 1) else (n, 1))
    return [known, other] if step.operands[0] is known else [other, known]


def not_finite(case):
    """NaN and infinity in the loss or in gradients, and `where` that would let them in."""
    harmed = [case.gradient(p, case.flow) for p in case.model.parameters()]
    answer = explain_nonfinite(case.flow, "the parameters")
    if answer is not None and (any(bad(g) for g in harmed) or any(bad(r.data) for r in case.flow.recording.roots)):
        yield answer
        return
    for step in case.steps_to_loss("where"):
        for number, branch in ((1, step.operands[1]), (2, step.operands[2])):
            before = branch.source if isinstance(branch, Value) and branch.traced else None
            if isinstance(before, Step) and before.name in STEEP and bad(branch.data) and not bad(before.arrays()):
                yield Answer(
                    "where",
                    f"`where` hides values of `{before.name}` that are not finite. They are not chosen, but "
                    "where its slope is infinite too, as at 0, 0 times infinity is NaN in the backward pass.",
                    place_of(before, step),
                    "Make the operand harmless before the operation: f(where(condition, x, 1)) instead of f(x).",
                )


def raw_images(case):
    """Data from 0 to 255 that go straight into a layer."""
    seen = set()
    for step in case.steps_to_loss("linear", "conv", "matmul"):
        x = step.operands[0]
        while isinstance(x, Value) and isinstance(x.source, Step) and x.source.name in SAME_VALUES:
            x = x.source.operands[0]
        weights = [w for w in step.operands[1:] if isinstance(w, Value) and w.traced]
        if not isinstance(x, Value) or x.source is not None or x.traced or x.number in seen or not weights:
            continue
        values = x.data
        if not isinstance(values, np.ndarray) or values.size < 16 or values.dtype.kind not in "fiu":
            continue
        seen.add(x.number)
        high = values.max()
        if values.min() < 0 or not 100 < high <= 255 or (values != np.round(values)).any():
            continue
        after = case.flow.consumers.get(step.results[0].number, ())
        if any(later.name in ("normalize_channels", "layer_norm") for later in after):
            continue
        yield Answer(
            "data not normalised",
            f"The data that go into the first layer are integers from {values.min():g} to "
            f"{high:g}, like the bytes of an image: gradients become large, and training unstable.",
            place_of(step),
            "Scale them: x / 255, or (x − mean) / std.",
        )


def out_of_reach(case):
    """Targets that the last activation cannot give."""
    for step in case.steps_to_loss("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "sub"):
        before, target = source(step.operands[0]), step.operands[1] if len(step.operands) > 1 else None
        if before is None or before.name not in REACH or not isinstance(target, Value) or target.traced:
            continue
        if isinstance(target.source, Step) and target.source.left is not None:
            continue
        low, high = REACH[before.name]
        values = target.data
        if step.name == "sub" and not compared_with_data(case, step):
            continue
        if not isinstance(values, np.ndarray) or values.size < 2 or values.dtype.kind not in "fiu":
            continue
        if np.mean((values < low) | (values > high)) >= 0.25:
            yield Answer(
                "targets out of range",
                f"`{before.name}` gives numbers from {low:g} to {high:g}, but the targets go "
                f"from {values.min():.4g} to {values.max():.4g}: they can never be met.",
                place_of(before, step),
                f"Leave out `{before.name}` at the end, or scale the targets.",
            )


def compared_with_data(case, step):
    """Whether a difference is squared or taken absolutely next: the beginnings of a loss."""
    after = case.flow.consumers.get(step.results[0].number, ())
    target = step.operands[1]
    return any(later.name in ("square", "pow", "abs") for later in after) and getattr(target, "source", None) is None


REACH = {"relu": (0.0, math.inf), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softmax": (0.0, 1.0)}
"""Activation -> the smallest and largest number that it gives."""

PAIRED = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "sparse_cross_entropy",
    "nll_loss",
)


def exchanged(case):
    """loss(target, input) instead of loss(input, target)."""
    for step in case.steps_to_loss(*PAIRED):
        x, target = step.operands[:2]
        if isinstance(target, Value) and target.traced and not (isinstance(x, Value) and x.traced):
            yield Answer(
                "input and target exchanged",
                f"`{step.name}` is given the prediction as the target, and the target as the input.",
                place_of(step),
                "The order is loss(input, target): the prediction first.",
            )


LOSS_CHECKS = (double_softmax, without_log, one_class, broadcast, exchanged, out_of_reach, not_finite, raw_images)
