"""Padding: every mode, number of dimensions and sign as PyTorch's."""

import numpy as np

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 3, 4, 5))
VOLUME = RNG.standard_normal((1, 2, 3, 4, 3))


def padded(x, pad, mode="constant", value=None):
    return ((x,), lambda T, x: T.nn.functional.pad(x, pad, mode, value))


CALLS = {
    "pad constant": [
        padded(X, (1, 2)), padded(X, (1, 0, 0, 2), value=0.5), padded(X, (-1, 2, 0, -2), value=-1.5),
        padded(X, (1, 1, 1, 1, 1, 1, 1, 1)),
        padded(X, ()), padded(X, (0, 0)), padded(X, (-2, -3)), padded(X[0, 0, 0], [3, 1], value=2),
        padded(X[:0], (1, 1)),
        padded(X[..., :0], (1, 1), value=7.0), padded(np.arange(4), (1, 1), value=3),
        padded(np.array([True, False]), (1, 2), value=True), padded(X, (1, 1), value=float("-inf")),
        ((X,), lambda T, x: T.nn.functional.pad(x[:, :, 1:].transpose(1, 3), (1, 0, 2, -1))),
    ],
    "pad reflect": [
        padded(X[0, 0], (2, 1), "reflect"), padded(X[0], (4, 0), "reflect"), padded(X[0], (2, 1, 3, 0), "reflect"),
        padded(X, (0, 4, 1, 2), "reflect"),
        padded(X, (3, -2, -1, 2), "reflect"), padded(X, (-1, -1, 0, 0), "reflect"),
        padded(VOLUME, (1, 2, 3, 0, 2, 1), "reflect"),
        padded(VOLUME[0], (1, 0, 0, 0, -1, 2), "reflect"), padded(X[:0], (1, 1, 1, 1), "reflect"),
        ((X,), lambda T, x: T.nn.functional.pad(x[:, :, 1:].transpose(1, 3), (1, 2, 2, 1), "reflect")),
    ],
    "pad replicate": [
        padded(X[0, 0], (2, 7), "replicate"), padded(X[0], (9, 0), "replicate"),
        padded(X[0], (2, 1, 3, 0), "replicate"), padded(X, (0, 6, 1, 2), "replicate"),
        padded(X, (3, -2, -1, 2), "replicate"), padded(VOLUME, (1, 2, 3, 0, 5, 1), "replicate"),
        padded(VOLUME[0], (1, 0, 0, 0, -1, 2), "replicate"),
        padded(X[..., :1], (2, 3, 0, 0), "replicate"), padded(X[0], (-3, 1), "replicate"),
    ],
    "pad circular": [
        padded(X[0, 0], (2, 5), "circular"), padded(X[0], (5, 0), "circular"), padded(X[0], (2, 1, 3, 0), "circular"),
        padded(X, (0, 5, 1, 4), "circular"),
        padded(X, (-1, 2, 2, 0), "circular"), padded(VOLUME, (1, 2, 3, 0, 3, 1), "circular"),
        padded(VOLUME[0], (1, 0, 0, 0, -1, 2), "circular"),
        padded(X[..., :1], (1, 1, 0, 0), "circular"),
    ],
}  # fmt: skip

ROW, IMAGE, SOLID = X[0], X, VOLUME

MODULES = {
    **{f"nn.{kind}Pad{n}d({padding})": (x,) for kind in ("Zero", "Reflection", "Replication", "Circular")
       for n, x,
       paddings in ((1, ROW, ("1", "(1, 2)")), (2, IMAGE, ("2", "(1, 2, 0, 3)")),
                    (3, SOLID, ("2", "(1, 2, 0, 1, 2, 1)")))
       for padding in paddings},
    "nn.ConstantPad1d(2, 3.5)": (ROW,), "nn.ConstantPad1d((1, -2), 0)": (ROW[0],), "nn.ConstantPad2d(1, -1)": (IMAGE,),
    "nn.ConstantPad2d((1, 0, 2, 1), 0.5)": (IMAGE[0],), "nn.ConstantPad3d(1, 2.0)": (SOLID,),
    "nn.ZeroPad2d([1, 2, 3, 4])": (IMAGE,),
    "nn.CircularPad1d(padding=(2, 0))": (ROW[0],),
}  # fmt: skip


def refused(pad, mode="constant", value=None, size=(1, 3, 4)):
    return lambda T: T.nn.functional.pad(T.zeros(size), pad, mode, value)


ERRORS = {
    "pad: odd": refused((1,)), "pad: too many": refused((1,) * 8), "pad: takes too much": refused((-5, 4)),
    "pad: a number": refused(1),
    "pad: a fraction": refused((1.5, 0)), "pad: unknown mode": refused((1, 1), "foo"),
    "pad: value": refused((1, 0), "reflect", 1),
    "pad: wraps twice": refused((5, 0), "circular"), "pad: reflects too far": refused((4, 0), "reflect"),
    "pad: one dimension": refused((1, 1), "reflect", size=(3,)),
    "pad: too few dimensions": refused((1, 1, 1, 1, 1, 1), "reflect"), "pad: no dimensions": refused((), "reflect"),
    "pad: empty": refused((1, 1), "replicate", size=(2, 0)),
    "CircularPad2d: dimensions": lambda T: T.nn.CircularPad2d(1)(T.zeros(3, 4)),
    "ZeroPad1d": lambda T: T.nn.ZeroPad1d((1, 2, 3))(T.zeros(3, 4)),
    "ReflectionPad1d: too far": lambda T: T.nn.ReflectionPad1d(4)(T.zeros(3, 4)),
}  # fmt: skip
