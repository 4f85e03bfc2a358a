"""Modules of activations, losses and plain layers: state, text, values and gradients as PyTorch's."""

import numpy as np

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((4, 6)) * 2, RNG.standard_normal((4, 6))
IMAGE = RNG.standard_normal((2, 3, 4, 4))
CLASSES = np.array([0, 2, 1, 5])
P = 1 / (1 + np.exp(-X))

MODULES = {
    **{f"nn.{name}": (X,) for name in (
        "CELU(0.7)", "ELU()", "ELU(0.5)", "GELU()", "GELU('tanh')", "GLU()", "Hardshrink()", "Hardsigmoid()",
        "Hardswish()", "Hardtanh()",
        "Hardtanh(-0.5, 2.0)", "LeakyReLU()", "LeakyReLU(0.2)", "LogSigmoid()", "LogSoftmax(1)", "Mish()", "PReLU()",
        "PReLU(6)", "ReLU()",
        "ReLU6()", "SELU()", "SiLU()", "Sigmoid()", "Softmax(dim=0)", "Softmin(dim=1)", "Softplus()", "Softplus(2, 5)",
        "Softshrink()",
        "Softsign()", "Tanh()", "Tanhshrink()", "Threshold(0.1, 2)", "Identity(3)", "Flatten()", "Flatten(0)",
        "Unflatten(1, (2, 3))",
        "Linear(6, 2)", "Linear(6, 2, bias=False)",
        "Sequential(nn.Linear(6, 4), nn.ReLU(inplace=True), nn.Linear(4, 1))",
    )},
    "nn.Bilinear(6, 6, 3)": (X, Y),
    "nn.Softmax2d()": (IMAGE,),
}  # fmt: skip
MODULES |= {
    **{f"nn.{name}": (X, Y) for name in (
        "L1Loss()", "L1Loss(reduction='sum')", "MSELoss()", "MSELoss(reduction='none')", "SmoothL1Loss(beta=0.5)",
        "HuberLoss(delta=0.7)",
    )},
    "nn.CrossEntropyLoss()": (X, CLASSES),
    "nn.CrossEntropyLoss(label_smoothing=0.1, ignore_index=2)": (X, CLASSES),
    "nn.NLLLoss()": (X, CLASSES),
    "nn.BCELoss()": ((P,), lambda T, m, p: m(p, T.ones_like(p))),
    "nn.BCEWithLogitsLoss()": ((X,), lambda T, m, x: m(x, T.ones_like(x))),
    "nn.KLDivLoss(reduction='batchmean')": (X, P),
}  # fmt: skip

ERRORS = {
    "Linear: sizes": lambda T: T.nn.Linear(3, 4)(T.zeros(2, 5)),
    "cross_entropy: batch": lambda T: T.nn.functional.cross_entropy(T.zeros(2, 5), T.zeros(3, dtype=T.long)),
    "mse_loss: shapes": lambda T: T.nn.functional.mse_loss(T.zeros(2, 5), T.zeros(3)),
    "Unflatten: sizes": lambda T: T.nn.Unflatten(1, (2, 4))(T.zeros(2, 6)),
}
