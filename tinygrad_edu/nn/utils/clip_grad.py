"""Clipping of gradients."""

import warnings
from types import GeneratorType

import numpy as np

from ...grad_mode import no_grad
from ...tensor import Tensor, of_array


def as_list(tensors):
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def gradients_of(parameters):
    return [p.grad for p in as_list(parameters) if p.grad is not None]


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of all elements of several tensors, seen as one vector.

    norm_type           p of the p-norm; float("inf") for the largest magnitude
    error_if_nonfinite  raise if it is infinite or NaN
    foreach             accepted; it makes no difference
    """
    arrays = [x.array for x in as_list(tensors)]
    if not arrays:
        return of_array(np.zeros((), np.float32), None)
    p = float(norm_type)
    with np.errstate(all="ignore"):  # exploded gradients are what it is for
        norm = np.linalg.norm(np.array([_norm(a.reshape(-1), p) for a in arrays], arrays[0].dtype), p)
    if error_if_nonfinite and not np.isfinite(norm):
        raise RuntimeError(
            f"the norm of order {p} of the gradients is {norm}, so that they cannot be clipped; with "
            "error_if_nonfinite=False they would be multiplied by a factor computed from it all the same"
        )
    return of_array(np.asarray(norm, arrays[0].dtype), None)


def _norm(vector, p):
    if not vector.size:
        return 0.0
    return np.sqrt(vector.dot(vector)) if p == 2 else np.linalg.norm(vector, p)


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Multiply all gradients by max_norm / (total_norm + 1e-6), if that is less than 1.

    total_norm  the norm of the gradients, as get_total_norm gives it
    """
    factor = float(max_norm) / (float(total_norm) + 1e-6)
    if not factor >= 1:  # also if it is NaN
        with no_grad():
            for g in gradients_of(parameters):
                g.mul_(factor)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Shrink all gradients by one factor so that their common norm is at most `max_norm` (Pascanu, Mikolov & Bengio
    2013). Returns the norm before; the other arguments are those of get_total_norm.
    """
    from_generator = isinstance(parameters, GeneratorType)
    parameters = as_list(parameters)
    if from_generator and not parameters:
        warnings.warn(
            "clip_grad_norm_ was given a generator that is used up already, and clips nothing",
            UserWarning,
            stacklevel=2,
        )
    norm = get_total_norm(gradients_of(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, norm)
    return norm


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The former name of `clip_grad_norm_`."""
    warnings.warn("clip_grad_norm is deprecated; write clip_grad_norm_", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Limit every element of every gradient to [−clip_value, clip_value]."""
    with no_grad():
        for g in gradients_of(parameters):
            g.clamp_(-float(clip_value), float(clip_value))
