"""Embedding: a learned vector for each of a number of things."""

from ..grad_mode import no_grad
from ..tensor import Tensor
from . import functional, init
from .linear import empty_parameter
from .module import Module
from .parameter import Parameter


class Embedding(Module):
    """Row i of `weight` for each number i of an integer tensor (...): (..., embedding_dim).

    weight       (num_embeddings, embedding_dim), drawn from the standard normal distribution
    padding_idx  the number of a row that starts as 0 and gets no gradient
    """

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, device=None, dtype=None):
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"padding_idx {padding_idx} is not the number of one of the {num_embeddings} rows")
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.weight = empty_parameter((num_embeddings, embedding_dim), dtype)
        self.reset_parameters()

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, padding_idx=None):
        """An Embedding whose weight is the given (V, E) tensor; with `freeze` it is not trained."""
        if not isinstance(embeddings, Tensor) or embeddings.ndim != 2:
            raise ValueError("the embeddings must be a tensor of two dimensions, (num_embeddings, embedding_dim)")
        embedding = cls(*embeddings.shape, padding_idx=padding_idx)
        embedding.weight = Parameter(embeddings, requires_grad=not freeze)
        return embedding

    def reset_parameters(self):
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def forward(self, input):
        return functional.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self):
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
