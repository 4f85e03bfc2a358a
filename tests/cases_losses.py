"""Losses of distances, margins and distributions."""

import numpy as np

RNG = np.random.default_rng(0)
X, Y, Z = RNG.standard_normal((3, 4, 6))
COUNTS = RNG.integers(0, 5, (4, 6)).astype(float)
SIGNS = np.array([[1, -1, 1, -1, -1, 1]] * 4)
SIGN = np.array([1, -1, 1, 1])
ZEROONE = (RNG.random((4, 6)) > 0.5).astype(float)
CLASSES = np.array([0, 5, 2, 2])
LISTS = np.array([[3, 0, -1, 1, 2, 2], [5, -1, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5]])
WEIGHT = np.array([1.0, 2, 0.5, 1, 3, 1])
POSITIVE = np.exp(Y)
REDUCTIONS = "mean", "sum", "none"


def loss(name, operands, *settings):
    """The functional with each reduction and each set of settings. Targets get no gradients, as in PyTorch."""
    calls = []
    for given in settings or ({},):
        for reduction in REDUCTIONS:

            def call(T, *tensors, given=given, reduction=reduction):
                made = {
                    k: T.tensor(v, dtype=tensors[0].dtype) if isinstance(v, np.ndarray) else v for k, v in given.items()
                }
                return getattr(T.nn.functional, name)(*tensors, reduction=reduction, **made)

            calls.append((operands, call))
    return calls


def fixed(call):
    """A call whose second operand is a floating target without gradients."""
    return [(operands, lambda T, x, t, *rest, run=run: run(T, x, t.detach(), *rest)) for operands, run in call]


CALLS = {
    "poisson_nll_loss": fixed(loss("poisson_nll_loss", (X, COUNTS), {}, dict(full=True))
                              + loss("poisson_nll_loss", (POSITIVE, COUNTS), dict(log_input=False))),
    "gaussian_nll_loss": loss("gaussian_nll_loss", (X, Y, POSITIVE), {}, dict(full=True))
    + loss("gaussian_nll_loss", (X, Y, POSITIVE[:, :1]), dict(eps=0.5))
    + loss("gaussian_nll_loss", (X, Y, POSITIVE[:, 0])),
    "hinge_embedding_loss": loss("hinge_embedding_loss", (X, SIGNS), {}, dict(margin=0.3)),
    "margin_ranking_loss": loss("margin_ranking_loss", (X, Y, SIGNS), {}, dict(margin=0.3)),
    "soft_margin_loss": loss("soft_margin_loss", (X, SIGNS)),
    "multilabel_soft_margin_loss": fixed(loss("multilabel_soft_margin_loss", (X, ZEROONE), {}, dict(weight=WEIGHT))),
    "multi_margin_loss": loss("multi_margin_loss", (X, CLASSES), {}, dict(p=2, margin=0.7), dict(weight=WEIGHT))
    + loss("multi_margin_loss", (X[0], np.array(3))),
    "multilabel_margin_loss": loss("multilabel_margin_loss", (X, LISTS))
    + loss("multilabel_margin_loss", (X[0], LISTS[0])),
    "cosine_embedding_loss": loss("cosine_embedding_loss", (X, Y, SIGN), {}, dict(margin=0.2))
    + loss("cosine_embedding_loss", (X[0], Y[0], np.array(-1))),
    "triplet_margin_loss": loss("triplet_margin_loss", (X, Y, Z), {}, dict(swap=True), dict(p=3, margin=2.0))
    + loss("triplet_margin_loss", (X[0], Y[0], Z[0])),
    "triplet_margin_with_distance_loss": loss(
        "triplet_margin_with_distance_loss", (X, Y, Z), {},
        dict(distance_function=lambda x, y: (x - y).abs().sum(-1), swap=True)),
}  # fmt: skip

MODULES = {
    "nn.PoissonNLLLoss(full=True)": ((X, COUNTS), lambda T, m, x, t: m(x, t.detach())),
    "nn.GaussianNLLLoss(full=True, reduction='sum')": (X, Y, POSITIVE),
    "nn.HingeEmbeddingLoss(0.4)": (X, SIGNS),
    "nn.MarginRankingLoss(0.4, reduction='sum')": (X, Y, SIGNS),
    "nn.SoftMarginLoss()": (X, SIGNS),
    "nn.MultiLabelSoftMarginLoss(T.ones(6))": ((X, ZEROONE), lambda T, m, x, t: m(x, t.detach())),
    "nn.MultiLabelMarginLoss()": (X, LISTS),
    "nn.MultiMarginLoss(2, weight=T.ones(6))": (X, CLASSES),
    "nn.CosineEmbeddingLoss(0.1)": (X, Y, SIGN),
    "nn.TripletMarginLoss(swap=True)": (X, Y, Z),
    "nn.TripletMarginWithDistanceLoss(margin=0.5)": (X, Y, Z),
}

ERRORS = {
    "gaussian_nll_loss: negative": lambda T: T.nn.functional.gaussian_nll_loss(T.zeros(2), T.zeros(2), -T.ones(2)),
    "gaussian_nll_loss: shape": lambda T: T.nn.functional.gaussian_nll_loss(T.zeros(2, 3), T.zeros(2, 3), T.ones(3)),
    "margin_ranking_loss: dimensions": lambda T: T.nn.functional.margin_ranking_loss(
        T.zeros(2), T.zeros(2), T.ones(2, 1)
    ),
    "multi_margin_loss: p": lambda T: T.nn.MultiMarginLoss(3),
    "multi_margin_loss: target": lambda T: T.nn.functional.multi_margin_loss(T.zeros(2, 3), T.zeros(3, dtype=T.long)),
    "cosine_embedding_loss: dimensions": lambda T: T.nn.functional.cosine_embedding_loss(
        T.zeros(2, 3), T.zeros(2, 3), T.ones(2, 3)
    ),
    "triplet_margin_loss: dimensions": lambda T: T.nn.functional.triplet_margin_loss(
        T.zeros(2, 3), T.zeros(3), T.zeros(3)
    ),
    "triplet_margin_loss: margin": lambda T: T.nn.TripletMarginLoss(margin=0.0),
    "reduction": lambda T: T.nn.functional.soft_margin_loss(T.zeros(2), T.ones(2), reduction="median"),
}
