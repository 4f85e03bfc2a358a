"""How alike vectors are: cosine_similarity, pairwise_distance, pdist. Gradients are finite, 0, where vectors are equal
or 0."""

import numpy as np

from ..define import composite
from ..errors import OperationError
from .arithmetic import clamp
from .indexing import getitem
from .reduce import sum as sum_
from .reduce import vector_norm
from .shape import expand, normalized_dim


@composite(method=False)
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """x₁ᵀ x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)): the cosine of the angle between the vectors along `dim`.

    x1, x2  tensors that broadcast to one shape, of which `dim` is a dimension; the result is without it
    """
    if x1.dtype.kind != "f" or x2.dtype.kind != "f":
        raise OperationError(f"cosine_similarity takes floating-point vectors, not {x1.dtype} and {x2.dtype}")
    if tuple(x1.shape) != tuple(x2.shape):
        shape = np.broadcast_shapes(tuple(x1.shape), tuple(x2.shape))
        x1, x2 = expand(x1, shape), expand(x2, shape)
    dim = normalized_dim(dim, x1.ndim)
    return sum_(_of_length_one(x1, dim, eps) * _of_length_one(x2, dim, eps), dim)


def _of_length_one(x, dim, eps):
    """x / max(‖x‖, eps), differentiated as x / ‖x‖ + constant where eps is larger, as PyTorch does."""
    norm = vector_norm(x, 2.0, dim, True)
    known = norm.detach() if hasattr(norm, "detach") else norm
    return x / (norm + (clamp(known, min=eps) - known))


@composite(method=False)
def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """‖x₁ − x₂ + eps‖ₚ along the last dimension, for tensors that broadcast to one shape."""
    return vector_norm(x1 - x2 + eps, float(p), -1, keepdim)


@composite(method=False)
def pdist(x, p=2.0):
    """‖xᵢ − xⱼ‖ₚ for all pairs i < j of the rows of a matrix (n, features): (n (n − 1) / 2,), in the order of the
    rows."""
    if x.ndim != 2:
        raise OperationError(f"pdist takes a matrix, not the shape {tuple(x.shape)}")
    if p < 0:
        raise OperationError(f"pdist: p must not be negative, and is {p}")
    first, second = np.triu_indices(x.shape[0], 1)
    return vector_norm(getitem(x, first) - getitem(x, second), float(p), 1)
