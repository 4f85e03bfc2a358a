"""Helpers for the parameters of models: clipping of gradients, and all parameters as one vector."""

import numpy as np

from ..grad_mode import no_grad
from ..ops.joining import cat
from ..ops.shape import reshape
from ..tensor import Tensor, of_array, replace_values


def gradients_of(parameters):
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Shrink all gradients by one factor so that their common norm is at most `max_norm` (Pascanu, Mikolov & Bengio
    2013).

    norm_type  p of the p-norm of all gradients seen as one vector; float("inf") for their largest magnitude

    Returns the norm before.
    """
    gradients = gradients_of(parameters)
    if not gradients:
        return of_array(np.zeros((), np.float32), None)
    p = float(norm_type)
    norms = np.array([np.linalg.norm(g.array.reshape(-1), p) for g in gradients], gradients[0].dtype)
    norm = norms.max() if p == np.inf else np.linalg.norm(norms, p)
    if error_if_nonfinite and not np.isfinite(norm):
        raise RuntimeError(f"the {norm_type}-norm of the gradients is {norm}, so that they cannot be clipped")
    factor = max_norm / (float(norm) + 1e-6)
    if not factor >= 1:
        with no_grad():
            for g in gradients:
                g.mul_(factor)
    return of_array(np.asarray(norm), None)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Limit every element of every gradient to [−clip_value, clip_value]."""
    with no_grad():
        for g in gradients_of(parameters):
            g.clamp_(-float(clip_value), float(clip_value))


def parameters_to_vector(parameters):
    """All elements of all parameters as one vector (gradients pass through it)."""
    return cat([reshape(p, (-1,)) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Write the elements of a vector into the parameters, in the order of parameters_to_vector."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"vec must be a Tensor, not {type(vec).__name__}")
    parameters = list(parameters)
    total = sum(p.numel() for p in parameters)
    if tuple(vec.shape) != (total,):
        raise ValueError(f"the parameters have {total} elements, but the vector has shape {tuple(vec.shape)}")
    start = 0
    for p in parameters:
        replace_values(p, vec.array[start : start + p.numel()].reshape(p.shape), "vector_to_parameters")
        start += p.numel()
