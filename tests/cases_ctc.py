"""Connectionist temporal classification. The log-probabilities are those of log_softmax: for such, both libraries'
gradients agree."""

import numpy as np

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 3, 4))  # steps, batch, classes
WIDE = RNG.standard_normal((40, 2, 30))
TARGETS = np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0]])
CONCATENATED = np.array([1, 2, 2, 3, 1, 2])
WIDE_TARGETS = RNG.integers(1, 30, (2, 12))
LENGTHS = np.array([3, 2, 1])


def loss(T, x, *args, **settings):
    return T.nn.functional.ctc_loss(T.log_softmax(x, -1), *args, **settings)


CALLS = {
    "ctc_loss": [
        ((X,), lambda T, x: loss(T, x, T.tensor(TARGETS), (6, 6, 6), (3, 2, 1))),
        ((X,), lambda T, x: loss(T, x, T.tensor(TARGETS), T.tensor([6, 4, 3]), T.tensor(LENGTHS), reduction="none")),
        ((X,), lambda T, x: loss(T, x, T.tensor(CONCATENATED), (6, 4, 5), (3, 2, 1), reduction="sum")),
        ((X,),
         lambda T, x: loss(T, x, T.tensor(CONCATENATED).int(), T.tensor([6, 4, 5]).int(), T.tensor(LENGTHS).int())),
        ((X,), lambda T, x: loss(T, x, T.tensor((TARGETS + 3) % 4), (6, 5, 4), (3, 2, 1), blank=3)),
        ((X,),
         lambda T, x: loss(T, x.transpose(0, 1)[:, :, ::2], T.tensor([[1, 1]] * 6), (3,) * 6, (2,) * 6,
                           reduction="none")),
        ((X,), lambda T, x: loss(T, x, T.tensor(TARGETS), (6, 1, 2), (3, 2, 1), reduction="none", zero_infinity=True)),
        ((X,), lambda T, x: loss(T, x, T.tensor(TARGETS), (3, 2, 0), (3, 2, 1), zero_infinity=True)),
        ((X,), lambda T, x: loss(T, x, T.tensor(TARGETS), (6, 6, 6), (3, 0, 0), reduction="none")),
        ((X,), lambda T, x: loss(T, x, T.zeros(3, 0, dtype=T.int64), (6, 3, 1), (0, 0, 0))),
        ((X[:, 0],), lambda T, x: loss(T, x, T.tensor([1, 2, 2]), (6,), (3,), reduction="none")),
        ((X[:, 0],), lambda T, x: loss(T, x, T.tensor([1, 2]), T.tensor(5), T.tensor(2))),
        ((X[:1],), lambda T, x: loss(T, x, T.tensor(TARGETS[:, :1]), (1, 1, 1), (1, 1, 0))),
        ((WIDE,), lambda T, x: loss(T, x, T.tensor(WIDE_TARGETS), (40, 33), (12, 7))),
        ((30 * WIDE,), lambda T, x: loss(T, x, T.tensor(WIDE_TARGETS), (40, 33), (12, 7))),
    ],
    "infinite ctc_loss": [
        ((), lambda T: loss(T, T.tensor(X), T.tensor(TARGETS), (6, 1, 0), (3, 2, 1), reduction="none")),
        ((), lambda T: loss(T, T.tensor(X), T.tensor(TARGETS), (3, 6, 6), (3, 2, 1))),
        ((), lambda T: T.nn.functional.ctc_loss(
            T.tensor([[[0.0, -float("inf")]], [[-1.0, -0.5]]]), T.tensor([[1]]), (2,), (1,), reduction="none")),
    ],
}  # fmt: skip

MODULES = {
    "nn.CTCLoss()": ((X,), lambda T, m, x: m(T.log_softmax(x, 2), T.tensor(TARGETS), (6, 6, 6), (3, 2, 1))),
    "nn.CTCLoss(1, 'sum', True)": (
        (X,),
        lambda T, m, x: m(T.log_softmax(x, 2), T.tensor(TARGETS % 2 * 2), (6, 5, 1), (1, 2, 2)),
    ),
}

LOG_P = np.zeros((6, 3, 4))
ERRORS = {
    f"ctc_loss: {name}": (lambda T, args=args, settings=settings: T.nn.functional.ctc_loss(
        T.tensor(LOG_P), *[T.tensor(a) if isinstance(a, np.ndarray) else a for a in args], **settings))
    for name, args, settings in [
        ("blank", (TARGETS, (6, 6, 6), (3, 2, 1)), {"blank": 4}),
        ("input too short", (TARGETS, (7, 6, 6), (3, 2, 1)), {}),
        ("input length negative", (TARGETS, (6, -1, 6), (3, 2, 1)), {}),
        ("target length negative", (TARGETS, (6, 6, 6), (3, -2, 1)), {}),
        ("target length too large", (TARGETS, (6, 6, 6), (4, 2, 1)), {}),
        ("number of input lengths", (TARGETS, (6, 6), (3, 2, 1)), {}),
        ("number of target lengths", (TARGETS, (6, 6, 6), (3, 2)), {}),
        ("concatenated too short", (CONCATENATED[1:], (6, 6, 6), (3, 2, 1)), {}),
        ("number of targets", (TARGETS[:2], (6, 6, 6), (3, 2, 1)), {}),
        ("reduction", (TARGETS, (6, 6, 6), (3, 2, 1)), {"reduction": "median"}),
        ("lengths floating", (TARGETS, np.array([6.0, 6, 6]), LENGTHS), {}),
    ]
}  # fmt: skip
ERRORS["ctc_loss: no examples"] = lambda T: T.nn.functional.ctc_loss(T.zeros(6, 0, 4), T.zeros(0, 3).long(), (), ())
ERRORS["ctc_loss: integers"] = lambda T: T.nn.functional.ctc_loss(
    T.zeros(6, 3, 4).long(), T.tensor(TARGETS), (6, 6, 6), (3, 2, 1)
)
