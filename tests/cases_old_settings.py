"""What PyTorch had before today's settings, and functions that draw random numbers."""

import numpy as np

RNG = np.random.default_rng(0)
X, P, Y = RNG.standard_normal((3, 4)), RNG.random((3, 4)), RNG.random((3, 4))
CLASSES = np.array([0, 3, 1])


def seeded(call):
    def run(T, *xs):
        T.manual_seed(3)
        return call(T, *xs)

    return run


CALLS = {
    "size_average": [
        ((X, Y), lambda T, x, y: T.nn.functional.mse_loss(x, y.detach(), size_average=False)),
        ((X, CLASSES), lambda T, x, y: T.nn.functional.cross_entropy(x, y, reduce=False)),
        ((P, Y), lambda T, x, y: T.nn.functional.binary_cross_entropy(x, y.detach(), size_average=True)),
        ((X, CLASSES), lambda T, x, y: T.nn.functional.nll_loss(x, y, size_average=False)),
        ((X, Y), lambda T, x, y: T.nn.functional.kl_div(x, y.detach(), size_average=False)),
    ],
    "settings without names": [
        ((X, CLASSES), lambda T, x, y: T.nn.functional.cross_entropy(x, y, None, None, 3, None, "sum", 0.1)),
        ((X, CLASSES), lambda T, x, y: T.nn.functional.cross_entropy(x, y, None, False)),
        ((X, CLASSES), lambda T, x, y: T.nn.functional.cross_entropy(x, y, None, reduce=False)),
        ((X, CLASSES), lambda T, x, y: T.nn.functional.nll_loss(x, y, None, None, 3, False)),
        ((P, Y), lambda T, x, y: T.nn.functional.binary_cross_entropy(x, y.detach(), y.detach(), None, None, "sum")),
        ((X, Y), lambda T, x, y: T.nn.functional.binary_cross_entropy_with_logits(
            x, y.detach(), None, None, None, "none", y.detach())),
        ((X, Y), lambda T, x, y: T.nn.functional.mse_loss(x, y.detach(), None, None, "sum")),
        ((X, Y), lambda T, x, y: T.nn.functional.l1_loss(x, y.detach(), False)),
        ((X, Y), lambda T, x, y: T.nn.functional.smooth_l1_loss(x, y.detach(), None, None, "sum", 0.3)),
        ((X, Y), lambda T, x, y: T.nn.functional.kl_div(x, y.detach(), None, None, "sum", True)),
        ((X, Y), lambda T, x, y: T.nn.functional.poisson_nll_loss(x, y.detach(), False, True, None, 0.5, None, "sum")),
        ((X, CLASSES), lambda T, x, y: T.nn.functional.multi_margin_loss(x, y, 2, 0.5, None, None, None, "sum")),
        ((X, CLASSES),
         lambda T, x, y: T.nn.functional.multilabel_margin_loss(x[0], y.new_tensor([1, 0, -1, -1]), False)),
        ((X, Y), lambda T, x, y: T.nn.functional.multilabel_soft_margin_loss(x, y.detach(), None, None, False)),
        ((X, Y), lambda T, x, y: T.nn.functional.soft_margin_loss(x, y.detach(), None, None, "none")),
        ((X, Y), lambda T, x, y: T.nn.functional.hinge_embedding_loss(x, (y.detach() > 0.5) * 2 - 1, 0.5, False)),
        ((X, Y), lambda T, x, y: T.nn.functional.triplet_margin_loss(x, y, x * y, 0.5, 2, 1e-6, True, False)),
        ((X, Y), lambda T, x, y: T.nn.functional.margin_ranking_loss(x, y, (y.detach() > 0.5) * 2 - 1, 0.5, False)),
        ((X, Y), lambda T, x, y: T.nn.functional.cosine_embedding_loss(x, y, T.tensor([1, -1, 1]), 0.5, False)),
    ],
    "in place": [((X,), lambda T, x, n=n: getattr(T.nn.functional, n)(x * 1))
                 for n in ("relu_", "elu_", "selu_", "celu_", "leaky_relu_", "hardtanh_")]
    + [((X,), lambda T, x: T.nn.functional.threshold_(x * 1, 0.2, 3.0)), ((X,), lambda T, x: T.relu_(x * 1))],
    "gumbel_softmax": [((X,), seeded(lambda T, x, hard=hard: T.nn.functional.gumbel_softmax(x, tau=0.7, hard=hard)))
                       for hard in (False, True)],
    "rrelu": [((X,), seeded(lambda T, x, training=training: T.nn.functional.rrelu(x, training=training)))
              for training in (False, True)],
    "dirac_": [((), lambda T, shape=shape, groups=groups: T.nn.init.dirac_(T.empty(shape), groups)) for shape,
               groups in (((4, 3, 3), 1), ((4, 2, 3, 3), 2), ((2, 2, 1, 3, 2), 1))],
}  # fmt: skip

ERRORS = {
    "a setting twice": lambda T: T.nn.functional.cross_entropy(
        T.ones(1, 2), T.tensor([0]), None, None, 3, ignore_index=3
    ),
    "too many settings": lambda T: T.nn.functional.soft_margin_loss(T.ones(1), T.ones(1), None, None, "sum", 3),
}

MODULES = {"nn.RReLU()": (X,), "nn.RReLU(0.1, 0.2, True)": ((X,), lambda T, m, x: m(x * 1))}
