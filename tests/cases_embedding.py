"""Embeddings, bags of embeddings, similarities and distances, compared with PyTorch."""

import numpy as np

RNG = np.random.default_rng(0)
W = RNG.standard_normal((7, 4)) * 2
I1, I2, I3 = np.array([2, 0, 2, 6, 5, 5]), np.array([[1, 6, 1], [0, 0, 3]]), np.array([[[4, 4], [1, 2]]])
TWICE = np.array([2, 5, 2, 5, 0, 0])  # each number equally often: else PyTorch confuses the counts
I0 = np.zeros(0, np.int64)
OFFSETS, GAPS = np.array([0, 2, 5]), np.array([0, 0, 2, 2, 6])
P1, P2 = RNG.standard_normal(6), RNG.standard_normal((2, 3))
BIG, MANY = RNG.standard_normal((300, 8)), RNG.integers(0, 300, (20, 30))
SMALL = RNG.standard_normal((30, 8))
X, Y, Z = RNG.standard_normal((5, 4)), RNG.standard_normal((5, 4)), RNG.standard_normal((2, 5, 4))


def F(T):
    return T.nn.functional


def renormed(call):
    """call(T, weight, ...) with a copy of the weight, and what became of the copy."""

    def both(T, w, *others):
        w = w.detach().clone()
        return call(T, w, *others), w

    return both


def bag(**settings):
    """A call of embedding_bag: (T, weight, input[, offsets])."""
    return lambda T, w, i, o=None: F(T).embedding_bag(i, w, o, **settings)


CALLS = {
    "embedding": [
        *[((W, i), lambda T, w, i: F(T).embedding(i, w)) for i in (I1, I2, I3, I0, np.array(3))],
        ((W, I2), lambda T, w, i: F(T).embedding(i, w, padding_idx=1)),
        ((W, I2), lambda T, w, i: F(T).embedding(i, w, padding_idx=-7)),
        ((W, I2), lambda T, w, i: F(T).embedding(i, w, scale_grad_by_freq=True)),
        ((W, I2), lambda T, w, i: F(T).embedding(i, w, 1, scale_grad_by_freq=True)),
        ((W, I2.astype(np.int32)), lambda T, w, i: F(T).embedding(i, w)),
        ((W, I2.T), lambda T, w, i: F(T).embedding(i, w)),
        ((W, I2), renormed(lambda T, w, i: F(T).embedding(i, w, None, 2.0))),
        ((W, I2), renormed(lambda T, w, i: F(T).embedding(i, w, None, 1.5, 1.0))),
        ((BIG, MANY), lambda T, w, i: F(T).embedding(i, w)),
        ((SMALL, MANY % 30), lambda T, w, i: F(T).embedding(i, w, 3)),
        ((BIG, MANY), lambda T, w, i: w[i] * 2), ((SMALL, MANY % 30 - 15), lambda T, w, i: w[i]),
        ((BIG[:, 0], MANY), lambda T, w, i: w[i]),
    ],
    "embedding_bag": [
        *[((W, I2), bag(mode=mode)) for mode in ("sum", "mean", "max")],
        *[((W, I1, o), bag(mode=mode)) for mode in ("sum", "mean", "max") for o in (OFFSETS, GAPS)],
        *[((W, I1, o), bag(mode=mode, padding_idx=5)) for mode in ("sum", "mean", "max") for o in (OFFSETS, GAPS)],
        *[((W, I2), bag(mode=mode, padding_idx=-6)) for mode in ("sum", "mean", "max")],
        *[((W, I1, np.array([0, 2, 2, 6])), bag(mode=mode, include_last_offset=True)) for mode in ("sum", "mean",
        "max")],
        ((W, I1, OFFSETS, P1), lambda T, w, i, o, p: F(T).embedding_bag(i, w, o, mode="sum", per_sample_weights=p)),
        ((W, I1, np.array([0, 2, 6]), P1), lambda T, w, i, o, p: F(T).embedding_bag(
            i, w, o, mode="sum", per_sample_weights=p, include_last_offset=True)),
        ((W, I2, P2), lambda T, w, i, p: F(T).embedding_bag(i, w, mode="sum", per_sample_weights=p)),
        ((W, I2, P2), lambda T, w, i, p: F(T).embedding_bag(i, w, mode="sum", per_sample_weights=p, padding_idx=1)),
        *[((W, TWICE, OFFSETS), bag(mode=mode, scale_grad_by_freq=True)) for mode in ("sum", "mean")],
        ((W, I1, OFFSETS), renormed(lambda T, w, i, o: F(T).embedding_bag(i, w, o, 2.0))),
        ((W, I0, np.array([0, 0])), bag()), ((W, I0, np.array([0, 0])), bag(mode="max")),
        ((W, I1.astype(np.int32), OFFSETS.astype(np.int32)), bag()),
    ],
    "cosine_similarity": [
        ((X, Y), lambda T, x, y: F(T).cosine_similarity(x, y)),
        ((X, Z), lambda T, x, y: F(T).cosine_similarity(x, y, dim=-1)),
        ((X, Y), lambda T, x, y: F(T).cosine_similarity(x, y, 0, 3.0)),
        ((X, Y[0]), lambda T, x, y: F(T).cosine_similarity(x, y)),
        ((X, Y[:, :1]), lambda T, x, y: F(T).cosine_similarity(x, y)),
        ((X[0], Y[0]), lambda T, x, y: F(T).cosine_similarity(x, y, 0)),
    ],
    "pairwise_distance": [
        *[((X, Y), lambda T, x, y, p=p: F(T).pairwise_distance(x, y, p)) for p in (1.0, 2.0, 3.0, 0.5, float("inf"))],
        ((X, Y[0]), lambda T, x, y: F(T).pairwise_distance(x, y)),
        ((X[0], Z), lambda T, x, y: F(T).pairwise_distance(x, y, keepdim=True)),
        ((X, X), lambda T, x, y: F(T).pairwise_distance(x, y, eps=0.1)),
    ],
    "pdist": [
        *[((X,), lambda T, x, p=p: F(T).pdist(x, p).detach()) for p in (0.0, 1.0, 2.0, 3.0, 0.5, float("inf"))],
        ((X,), lambda T, x: T.pdist(x).detach()), ((X[:1],), lambda T, x: F(T).pdist(x).detach()),
    ],
}  # fmt: skip

MODULES = {
    "nn.Embedding(7, 4)": (I2,),
    "nn.Embedding(7, 4, padding_idx=-2)": (I2,),
    "nn.Embedding(7, 4, padding_idx=1, scale_grad_by_freq=True)": (I1,),
    "nn.Embedding(7, 4, max_norm=1.0, norm_type=1.0)": ((I1,), lambda T, m, i: (m(i).detach(), m.weight.detach())),
    "nn.Embedding(7, 4, sparse=True)": ((I1,), lambda T, m, i: m(i).detach()),
    "nn.EmbeddingBag(7, 4)": (I2,),
    "nn.EmbeddingBag(7, 4, mode='sum', padding_idx=1)": (I1, OFFSETS),
    "nn.EmbeddingBag(7, 4, mode='max')": (I1, GAPS),
    "nn.EmbeddingBag(7, 4, 1.0, 1.0, scale_grad_by_freq=True)": ((I1, OFFSETS), lambda T, m, i, o: m(i, o).detach()),
    "nn.EmbeddingBag(7, 4, include_last_offset=True, mode='sum')": (
        (I1, np.array([0, 2, 6]), P1),
        lambda T, m, i, o, p: m(i, o, p),
    ),
    "nn.Embedding.from_pretrained(T.arange(8.0).reshape(4, 2), padding_idx=3)": (np.array([1, 3]),),
    "nn.Embedding.from_pretrained(T.arange(8.0).reshape(4, 2), freeze=False)": (np.array([1, 3]),),
    "nn.EmbeddingBag.from_pretrained(T.arange(8.0).reshape(4, 2), mode='sum')": (np.array([[1, 3]]),),
    "nn.CosineSimilarity()": (X, Y),
    "nn.CosineSimilarity(dim=0, eps=0.1)": (X, Y),
    "nn.PairwiseDistance()": (X, Y),
    "nn.PairwiseDistance(1.0, keepdim=True)": (X, Y),
}

ERRORS = {
    "embedding: high": lambda T: F(T).embedding(T.tensor([7]), T.zeros(7, 4)),
    "embedding: negative": lambda T: F(T).embedding(T.tensor([-1]), T.zeros(7, 4)),
    "embedding: floats": lambda T: F(T).embedding(T.tensor([1.0]), T.zeros(7, 4)),
    "Embedding: padding": lambda T: T.nn.Embedding(7, 4, padding_idx=7),
    "Embedding: weight": lambda T: T.nn.Embedding(7, 4, _weight=T.zeros(7, 3)),
    "Embedding: pretrained": lambda T: T.nn.Embedding.from_pretrained(T.zeros(7)),
    "embedding_bag: offsets": lambda T: F(T).embedding_bag(T.tensor([1]), T.zeros(7, 4)),
    "embedding_bag: both": lambda T: F(T).embedding_bag(T.tensor([[1]]), T.zeros(7, 4), T.tensor([0])),
    "embedding_bag: start": lambda T: F(T).embedding_bag(T.tensor([1, 2]), T.zeros(7, 4), T.tensor([1])),
    "embedding_bag: end": lambda T: F(T).embedding_bag(T.tensor([1, 2]), T.zeros(7, 4), T.tensor([0, 5])),
    "embedding_bag: mode": lambda T: F(T).embedding_bag(T.tensor([[1]]), T.zeros(7, 4), mode="min"),
    "embedding_bag: dims": lambda T: F(T).embedding_bag(T.tensor([[[1]]]), T.zeros(7, 4)),
    "embedding_bag: weights": lambda T: F(T).embedding_bag(T.tensor([[1]]), T.zeros(7, 4),
    per_sample_weights=T.ones(1, 1)),
    "embedding_bag: weights' shape": lambda T: F(T).embedding_bag(
        T.tensor([[1]]), T.zeros(7, 4), per_sample_weights=T.ones(2), mode="sum"),
    "embedding_bag: max": lambda T: F(T).embedding_bag(T.tensor([[1]]), T.zeros(7, 4), mode="max",
    scale_grad_by_freq=True),
    "pdist: dims": lambda T: F(T).pdist(T.zeros(3)),
    "pdist: p": lambda T: F(T).pdist(T.zeros(3, 2), -1.0),
    "cosine_similarity: integers": lambda T: F(T).cosine_similarity(T.ones(2, 2, dtype=T.int64),
    T.ones(2, 2, dtype=T.int64)),
    "cosine_similarity: dim": lambda T: F(T).cosine_similarity(T.ones(2, 2), T.ones(2, 2), 2),
}  # fmt: skip
