"""From outputs to classes: which class a model chooses for each sample, and which one is right."""

import numpy as np

from ...tensor import Tensor

__all__ = ["IGNORED", "array_of", "decisions"]

IGNORED = -100
"""A target that counts nothing, as in cross_entropy: padding."""


def array_of(value, what):
    """The array of a Tensor, or of what NumPy makes an array of."""
    if isinstance(value, Tensor):
        return value.array
    if isinstance(value, (tuple, dict)):
        raise TypeError(
            f"the {what} is a {type(value).__name__} of several things; write a metric that takes the right one: "
            "lambda output, target: accuracy(output[0], target)"
        )
    return np.asarray(value)


def decisions(output, target, threshold):
    """(chosen classes, right classes, number of classes or None if that is unknown), the classes as vectors of
    integers, without those whose target is IGNORED.

    output     scores (N, C, …), of which the largest is chosen; or (N,), (N, 1), (N, …): yes if above `threshold`; or
               integers or booleans of the target's shape: classes chosen already
    target     class numbers (N, …); or, for scores, one-hot rows or probabilities (N, C, …); 0 and 1 for yes and no
    threshold  a number, or None if it is unknown: then yes and no cannot be told from single numbers
    """
    output, target = array_of(output, "output"), array_of(target, "target")
    shape, wanted = output.shape, target.shape
    if output.dtype.kind in "biu":
        if output.size != target.size or shape != wanted and (*wanted, 1) != shape:
            raise ValueError(f"classes of shape {shape} were chosen for targets of shape {wanted}; they must be equal")
        return without_ignored(output, target, 2 if output.dtype.kind == "b" else None)
    single = len(shape) == 1 or shape[1] == 1
    if single and output.size == target.size and len(wanted) <= len(shape):
        if threshold is None:
            raise ValueError(
                f"outputs of shape {shape} are one number for each answer, and it is not known from which on it means "
                "yes: give threshold=0 for logits, threshold=0.5 for probabilities, as in Accuracy(threshold=0)"
            )
        return without_ignored(output > threshold, target, 2)
    if shape == wanted and threshold is not None:  # several questions per sample
        return without_ignored(output > threshold, target, 2)
    if shape == wanted and len(shape) > 1:
        return output.argmax(1).reshape(-1), target.argmax(1).reshape(-1), shape[1]
    if shape[:1] + shape[2:] == wanted and len(shape) > 1:
        return without_ignored(output.argmax(1), target, shape[1])
    raise ValueError(
        f"outputs of shape {shape} do not go with targets of shape {wanted}: (N, C) scores need class numbers (N,), or "
        "rows of the same shape; (N,) or (N, 1) numbers need (N,) answers"
    )


def without_ignored(chosen, target, classes):
    """Both as vectors of integers, where the target is not IGNORED; checked to be class numbers."""
    chosen, right = chosen.reshape(-1), target.reshape(-1)
    if right.dtype.kind == "f":
        whole = right.astype(np.int64)
        if (whole != right).any():
            raise ValueError(
                f"targets are class numbers, and one of these is {right[whole != right][0]:g}; scores (N, C) may have "
                "probabilities of the same shape as targets"
            )
        right = whole
    if right.size and (right.min() < 0 or classes is not None and right.max() >= classes):
        kept = right != IGNORED
        chosen, right = chosen[kept], right[kept]
        bad = right[(right < 0) | (False if classes is None else right >= classes)]
        if bad.size:
            there = "class numbers start at 0" if classes is None else f"there are {classes} classes, from 0"
            raise ValueError(f"a target is {bad[0]}, and {there}")
    return chosen, right, classes
