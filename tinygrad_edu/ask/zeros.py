"""Why a gradient is zero: which gradient rule made zero of a gradient that was not, and what it computed with."""

import numpy as np

from ..recording import Value
from .answer import Answer

VANISHING = 1e-12
"""Gradients with no element larger than this are taken as zero: they change nothing."""


def size_of(gradient):
    """The largest magnitude in a gradient, which may be a dict of several."""
    if isinstance(gradient, dict):
        return max((size_of(part) for part in gradient.values()), default=0.0)
    array = np.asarray(gradient, dtype=np.float64) if gradient is not None else np.zeros(())
    return float(np.abs(array).max(initial=0.0))


def explain_zero(flow, values, name):
    """The Answer for a tensor, with these Values, whose gradient is zero or vanishes; None if no step explains it."""
    reached = flow.reached(values, traced=True)
    steps = [
        (gradient, index)
        for gradient in flow.recording.gradients
        for index in gradient.parts
        if index < len(gradient.step.operands)
        and isinstance(gradient.step.operands[index], Value)
        and gradient.step.operands[index].number in reached
    ]
    if not steps:
        return None
    losses = [
        (gradient, index)
        for gradient, index in steps
        if size_of(gradient.given) > VANISHING >= size_of(gradient.parts[index])
    ]
    if losses:
        gradient, index = losses[0]  # the nearest to the loss
        if size_of(gradient.parts[index]) > 1e-4 * size_of(gradient.given):
            start, end = size_of(steps[0][0].given), size_of(flow.gradient_of(values))
            return Answer(
                "vanishing",
                f"The gradient of {name} vanishes little by little: from {start:.3g} at the loss to {end:.3g}, over "
                f"{len(steps)} operations.",
                gradient.step.place,
                "Saturating functions, such as sigmoid and tanh, and small weights do this, layer by layer. Use relu, "
                "a normalisation, skip connections or a better initialisation.",
            )
        return told(name, gradient, index, len(losses))
    if size_of(flow.gradient_of(values)) <= VANISHING < max(size_of(g.parts[i]) for g, i in steps):
        zero = cancelled(flow, reached, steps)
        if zero is not None:
            return Answer(
                "cancels",
                f"The gradient of {name} is zero: the parts that arrive along several ways cancel each other, so that "
                "the loss does not change with it.",
                zero.place,
                "A constant added to everything, or a sum of softmax probabilities, for example, changes nothing.",
            )
        return None
    return Answer(
        "zero from the start",
        f"The gradient of {name} is zero because the backward pass starts from zero.",
        steps[0][0].step.place,
        "Is the loss multiplied by 0, or is the gradient given to backward() zero?",
    )


def cancelled(flow, reached, steps):
    """The step of whose operand the parts add up to zero."""
    for gradient, index in steps:
        value = gradient.step.operands[index]
        if size_of(flow.gradient_of([value])) <= VANISHING < size_of(gradient.parts[index]):
            return gradient.step
    return None


def told(name, gradient, index, ways):
    step = gradient.step
    explain = RULES.get(step.name, other)
    keyword, text, advice = explain(step, index, gradient.given)
    within = f" in {type(step.module_call.module).__name__}" if step.module_call is not None else ""
    also = f" (and likewise on {ways - 1} other ways)" if ways > 1 else ""
    return Answer(
        keyword, f"The gradient of {name} is zero: `{step.name}`{within} stops it, {text}{also}.", step.place, advice
    )


# ---- what the operations say; each gets the Step, the number of the operand, and the gradient of the result


def data(step, index):
    x = step.operands[index] if index < len(step.operands) else None
    x = x.data if isinstance(x, Value) else x
    return None if x is None else np.asarray(x)


def spread(x):
    return f"from {x.min():.4g} to {x.max():.4g}" if x is not None and x.size else ""


def dead(step, index, given):
    x, out = data(step, index), step.results[0].data
    if not (x > 0).any() if x is not None else out is not None and not out.any():
        shown = f" ({spread(x)})" if x is not None else ""
        return (
            "dead relu",
            f"because all {step.results[0].data.size} values before it are negative or 0{shown}",
            "Use a smaller learning rate or another initialisation, a bias that is not so negative, or leaky_relu.",
        )
    return (
        "dead relu",
        "because where a gradient arrives the values before it are negative or 0",
        "Use leaky_relu, or see which units never become active.",
    )


def saturated(step, index, given):
    x, (result,) = data(step, index), step.results
    if step.name in ("softmax", "log_softmax") and result.shape:
        dim = step.attributes.get("dim", -1)
        if result.shape[dim] == 1:
            return (
                "softmax of one",
                "because of a single number it is always 1",
                "Give it a dimension of classes; for one output, use sigmoid.",
            )
        if step.name == "softmax" and np.ptp(given, axis=dim).max() <= VANISHING < size_of(given):
            return (
                "cancels",
                "because the sum of its results is always 1",
                "A loss of the sum (or mean) of all probabilities does not change; use that of the right class.",
            )
    shown = spread(x) or (f"its results are {spread(result.data)}" if result.data is not None else "")
    return (
        "saturated",
        f"because its inputs are so large{f' ({shown})' if shown else ''} that it is flat there",
        "Make the inputs smaller: normalise the data, use smaller initial weights or a smaller learning rate.",
    )


def multiplied(step, index, given):
    factor = data(step, 1 - index)
    if factor is None or not factor.any():
        return "multiplied by zero", "because it is multiplied by 0", "Look at where that 0 comes from."
    return (
        "masked",
        f"because where a gradient arrives it is multiplied by 0: {int((factor == 0).sum())} of {factor.size} factors "
        "are 0",
        "Look at the mask.",
    )


def weighted(step, index, given):
    other_index = {0: 1, 1: 0}.get(index)
    factor = None if other_index is None else data(step, other_index)
    if factor is not None and not factor.any():
        if index == 0:
            return (
                "zero weights",
                "because all weights that it is multiplied with are 0",
                "Initialise the weights at random: layers of zeros learn nothing.",
            )
        return (
            "zero input",
            "because all that the weights are multiplied with is 0",
            "Look at what comes into this layer: zeros as data, or units before it that are all inactive.",
        )
    return other(step, index, given)


def chosen(step, index, given):
    condition = data(step, 0)
    if condition is not None:
        taken = int((condition != 0).sum())
        return (
            "masked",
            f"because its condition, true for {taken} of {condition.size} elements, never takes this one",
            "Look at the condition.",
        )
    return "masked", "because its condition never takes this operand", "Look at the condition."


def clamped(step, index, given):
    low, high = (step.attributes.get(a, step.attributes.get(b)) for a, b in (("min", "min_val"), ("max", "max_val")))
    return (
        "clamped",
        f"because all values ({spread(data(step, index))}) lie outside of its limits ({low}, {high})",
        "Widen the limits, or clamp only what is printed.",
    )


def compared(step, index, given):
    mine, theirs = data(step, index), data(step, 1 - index)
    which = "smaller" if "max" in step.name else "larger"
    return (
        "clamped" if theirs is not None and theirs.size == 1 else "not chosen",
        (f"because this operand ({spread(mine)}) is the {which} one everywhere"),
        "It has no influence on the result where the other operand is chosen.",
    )


def picked(step, index, given):
    return "not chosen", "because it takes other elements only", "Only the elements that are chosen get a gradient."


def rounded(step, index, given):
    return (
        "rounded",
        "because it makes steps, whose slope is 0",
        "Leave rounding to what is printed, or pass the gradient through: x + (x.round() - x).detach().",
    )


def at_minimum(step, index, given):
    x, target = data(step, 0), data(step, 1)
    if x is not None and target is not None and x.shape == target.shape and np.allclose(x, target, atol=1e-7):
        return "at the minimum", "because the predictions equal the targets", "There is nothing left to learn here."
    return other(step, index, given)


def classified(step, index, given):
    x = data(step, 0)
    if x is not None and x.ndim and x.shape[1 if x.ndim > 1 else 0] == 1:
        return (
            "one class",
            "because there is only one class, whose probability is always 1",
            (
                "Give the model one output per class; for two classes with one output, use "
                "binary_cross_entropy_with_logits."
            ),
        )
    return (
        "saturated",
        f"because the scores ({spread(x)}) make the right classes certain: nothing is left to learn",
        "If they are wrong, make the scores smaller.",
    )


def squared(step, index, given):
    return (
        "at the minimum",
        f"because its slope at 0 is 0, and the values are 0 ({spread(data(step, index))})",
        "The loss is at its minimum there, or the values should not be 0.",
    )


def normalised(step, index, given):
    x = data(step, 0)
    constant = x is not None and x.size and np.ptp(x) == 0
    return (
        "cancels",
        (
            "because all its inputs are equal"
            if constant
            else "because it subtracts the mean: what is added to all does not matter"
        ),
        "A bias before a normalisation has no effect; leave it out (bias=False).",
    )


def other(step, index, given):
    x = data(step, index)
    return "zero", f"at operands {spread(x)}" if x is not None and x.size else "at these operands", ""


RULES = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "passed"), dead),
    **dict.fromkeys(("sigmoid", "tanh", "softmax", "log_softmax", "logsigmoid", "softplus", "exp", "erf"), saturated),
    **dict.fromkeys(("linear", "matmul", "conv", "contract"), weighted),
    **dict.fromkeys(("clamp_to_numbers", "hardtanh"), clamped),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), compared),
    **dict.fromkeys(("amax", "amin", "getitem", "gather", "take_rows", "max_pool", "tril", "triu", "diagonal",
                     "overwrite", "index_put", "copy_into"), picked),
    **dict.fromkeys(("round", "floor", "ceil", "trunc", "sign", "floor_divide"), rounded),
    **dict.fromkeys(("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"), at_minimum),
    **dict.fromkeys(("square", "abs", "pow", "vector_norm"), squared),
    **dict.fromkeys(("normalize_channels", "layer_norm"), normalised),
    "mul": multiplied, "div": multiplied, "where": chosen, "sparse_cross_entropy": classified,
    "binary_cross_entropy_with_logits": saturated,
}  # fmt: skip
"""operation -> function(step, index, given) that gives (keyword, text, advice)."""
