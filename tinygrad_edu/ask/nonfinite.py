"""The first value of a recording that is not finite, or the first gradient."""

import numpy as np

from ..autograd.nonfinite import bad, of_gradient, of_result, statement_about
from ..recording import Value
from .answer import Answer
from .flow import values_in


def explain_nonfinite(flow, name):
    """The Answer that says where NaN or infinity began; None if all is finite."""
    roots = [root for root in flow.recording.roots if bad(root.data)]
    if roots:
        return first_value(flow, roots[0], name)
    for gradient in flow.recording.gradients:
        parts = list(gradient.parts.values())
        if bad(parts) and not bad(gradient.given):
            step = gradient.step
            keyword, text = of_gradient(step.name, gradient.given, step.arrays(), parts)
            advice = ""
            if untaken(flow, step):
                keyword, advice = (
                    "where",
                    (
                        "`where` does not choose that element, but 0 times infinity is NaN. Make the operand harmless "
                        "before the operation: f(where(condition, x, 1)) instead of f(x)."
                    ),
                )
            return Answer(keyword, f"The gradient of {name} is not finite. The first such: {text}.", step.place, advice)
    return None


def first_value(flow, root, name):
    """The Answer for a loss that is not finite."""
    ancestors, texts, answer, masks = flow.ancestors(root), [], None, None
    for step in flow.steps:
        if not any(result.number in ancestors for result in step.results):
            continue
        results = [result.data for result in step.results]
        if not bad(results):
            continue
        if any(bad(x) for x in step.operands if not isinstance(x, Value)) and not any(
            np.isnan(r).any() for r in results
        ):
            masks = masks or step
            continue  # an infinity that the program has put in: a mask
        given = [value for value in values_in(step.operands) if bad(value.data)]
        nan = [value for value in given if np.isnan(value.data).any()]
        made_nan = any(np.isnan(x).any() for x in results if isinstance(x, np.ndarray) and x.dtype.kind == "f")
        new = [value for value in given if value.source is None]
        if new and nan and nan[0] in new and answer is None:
            return came_in(new[0], step, name)
        if answer is None and (not given or made_nan or not new):
            keyword, text = of_result(step.name, step.arrays(), step.attributes, results)
            answer = Answer(
                keyword,
                f"The loss is not finite, and so is the gradient of {name}. It began with {text}.",
                step.place,
                ADVICE.get(keyword, ""),
            )
            if made_nan:
                break
        elif answer is not None and made_nan and not nan:
            keyword, text = of_result(step.name, step.arrays(), step.attributes, results)
            texts.append(f"Then {text}, in {step.place}, makes NaN of it.")
            break
    if answer is None and masks is not None:
        return Answer(
            "infinite",
            f"The loss is infinite, and so is the gradient of {name}: `{masks.name}` has put infinity in.",
            masks.place,
        )
    if answer is not None:
        answer.text = " ".join([answer.text, *texts])
    return answer


def came_in(value, step, name):
    if value.leaf:
        return Answer(
            "NaN in a parameter",
            f"The loss is NaN because a parameter of shape {value.shape} is already: "
            f"{statement_about(value.data)}. It is first used by `{step.name}`.",
            step.place,
            "An earlier update made it so: the learning rate may be too large, or an earlier gradient was NaN. Start "
            "again with new parameters, under detect_anomaly().",
        )
    return Answer(
        "NaN in the data",
        f"The loss is NaN because the data of shape {value.shape} hold NaN: "
        f"{statement_about(value.data)}. They are first used by `{step.name}`.",
        step.place,
        "Look at how the data are read and scaled; isnan(x).any() finds the samples.",
    )


def untaken(flow, step):
    """Whether a `where` chooses among values computed from this step's results."""
    reached = flow.reached(list(step.results), traced=True)
    return any(
        later.name == "where" and any(isinstance(x, Value) and x.number in reached for x in later.operands[1:])
        for later in flow.steps
    )


ADVICE = {
    "log of 0": "Keep it away from 0: log(x.clamp(min=1e-8)), log_softmax instead of log(softmax(x)), or a loss of the "
    "logits.",
    "log of a negative number": "Look at why the operand is negative; log1p, softplus or clamp may be meant.",
    "division by zero": "Add a small number to the denominator, or choose with where before the division.",
    "0/0": "Add a small number to the denominator, or choose with where before the division.",
    "root of a negative number": "Look at why the operand is negative; clamp(min=0) before the root.",
    "overflow": "Make the operand smaller: subtract the maximum (logsumexp, softmax do), normalise, clamp, use a "
    "smaller learning rate, or float32 instead of float16.",
    "nothing left by the mask": "Leave at least one element of each row unmasked.",
    "variance of one element": "Use a batch of more than one, or correction=0.",
}
