"""Embedding: a learned vector for each of a number of things; EmbeddingBag: their sum or mean for several things."""

from ..grad_mode import no_grad
from ..tensor import Tensor
from . import functional, init
from .linear import empty_parameter
from .module import Module
from .parameter import Parameter


class _Table(Module):
    """A table of vectors, one row each, and how their gradients are computed."""

    def _set(self, num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse):
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(
                    f"{type(self).__name__}: padding_idx {padding_idx} is not the number of one of the "
                    f"{num_embeddings} rows"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse

    def _set_weight(self, weight, dtype, freeze):
        if weight is None:
            self.weight = empty_parameter((self.num_embeddings, self.embedding_dim), dtype)
            self.weight.requires_grad = not freeze
            self.reset_parameters()
            return
        if tuple(weight.shape) != (self.num_embeddings, self.embedding_dim):
            raise ValueError(
                f"the weight of shape {tuple(weight.shape)} must have the shape (num_embeddings, embedding_dim), "
                f"({self.num_embeddings}, {self.embedding_dim})"
            )
        self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self):
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0


class Embedding(_Table):
    """Row i of `weight` for each number i of an integer tensor (...): (..., embedding_dim).

    weight              (num_embeddings, embedding_dim), drawn from the standard normal distribution
    padding_idx         the number of a row that starts as 0 and gets no gradient
    max_norm, norm_type rows that are used and whose norm is larger are scaled down to max_norm, in place
    scale_grad_by_freq  divide a row's gradient by how often its number occurs in the input
    sparse              accepted; gradients are dense in any case
    """

    def __init__(
        self, num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
        sparse=False, _weight=None, _freeze=False, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        self._set(num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        self._set_weight(_weight, dtype, _freeze)

    @classmethod
    def from_pretrained(
        cls,
        embeddings,
        freeze=True,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
    ):
        """An Embedding whose weight is the given (V, E) tensor; with `freeze` it is not trained."""
        return cls(
            *shape_of_table(embeddings),
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            embeddings,
            freeze,
        )

    def forward(self, input):
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self):
        return described(self, padding_idx=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, sparse=False)


class EmbeddingBag(_Table):
    """The sum, mean or largest elements of rows of `weight`, for bags of row numbers: (bags, embedding_dim).

    weight              (num_embeddings, embedding_dim), drawn from the standard normal distribution
    mode                "sum", "mean" or "max"; of an empty bag 0
    include_last_offset the last offset is the end of the last bag
    padding_idx         the number of a row that starts as 0; entries with this number count nothing
    max_norm, norm_type, scale_grad_by_freq, sparse  as for Embedding

    Called with (input, offsets=None, per_sample_weights=None), as `functional.embedding_bag`.
    """

    def __init__(
        self, num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean",
        sparse=False,
        _weight=None, include_last_offset=False, padding_idx=None, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        self._set(num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        self.mode = mode
        self.include_last_offset = include_last_offset
        self._set_weight(_weight, dtype, False)

    @classmethod
    def from_pretrained(
        cls, embeddings, freeze=True, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean", sparse=False,
        include_last_offset=False, padding_idx=None,
    ):  # fmt: skip
        """An EmbeddingBag whose weight is the given (V, E) tensor; with `freeze` it is not trained."""
        bag = cls(
            *shape_of_table(embeddings), max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings,
            include_last_offset, padding_idx,
        )  # fmt: skip
        bag.weight.requires_grad = not freeze
        return bag

    def forward(self, input, offsets=None, per_sample_weights=None):
        return functional.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse,
            per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    def extra_repr(self):
        settings = described(self, max_norm=None, norm_type=2, scale_grad_by_freq=False)
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{settings}, mode={self.mode!r}{padding}"


def shape_of_table(embeddings):
    if not isinstance(embeddings, Tensor) or embeddings.ndim != 2:
        raise ValueError("the embeddings must be a tensor of two dimensions, (num_embeddings, embedding_dim)")
    return embeddings.shape


def described(table, **defaults):
    """The sizes of a table and those of its settings that differ from their defaults."""
    parts = [f"{table.num_embeddings}, {table.embedding_dim}"]
    parts += [f"{name}={getattr(table, name)}" for name, default in defaults.items() if getattr(table, name) != default]
    return ", ".join(parts)
