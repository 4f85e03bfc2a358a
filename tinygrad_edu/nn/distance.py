"""How alike vectors are, as modules: CosineSimilarity, PairwiseDistance."""

from . import functional
from .module import Module


class CosineSimilarity(Module):
    """x₁ᵀ x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)): the cosine of the angle between the vectors along `dim`."""

    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1, x2):
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """‖x₁ − x₂ + eps‖ₚ along the last dimension, p = `p`."""

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1, x2):
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
