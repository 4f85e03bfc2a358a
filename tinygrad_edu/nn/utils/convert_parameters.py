"""All parameters as one vector, and back."""

from ...ops.joining import cat
from ...ops.shape import reshape
from ...tensor import Tensor, replace_values


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
