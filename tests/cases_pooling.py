"""Pooling: every function, setting and module as PyTorch's."""

import math

import numpy as np

RNG = np.random.default_rng(0)
ROW = RNG.standard_normal((2, 3, 11))
X = RNG.standard_normal((2, 3, 7, 8))
TILES = RNG.standard_normal((2, 3, 6, 8))
SOLID = RNG.standard_normal((2, 2, 5, 6, 7))
TIES = RNG.integers(0, 3, (2, 2, 6, 6)).astype(float)
WITH_NAN = np.where(RNG.random((2, 2, 6, 6)) < 0.2, np.nan, TIES)
WITH_INF = np.where(RNG.random((2, 2, 6, 6)) < 0.3, -np.inf, TIES)


def call(name, x, *args, **settings):
    return ((x,), lambda T, x: getattr(T.nn.functional, name)(x, *args, **settings))


SETTINGS = ((2,), (3, 2), (3, 1, 1), (2, 3), (3, 2, 1))
PAIRS = (((2, 3),), ((3, 2), (2, 1)), ((1, 4), (1, 4)), ((3, 2), (1, 2), (1, 0)), ([2],), (2, [1]), (4, 4, 2))

CALLS = {
    "max_pool1d": [
        *[call("max_pool1d", ROW, *s, ceil_mode=c) for s in SETTINGS for c in (False, True)],
        call("max_pool1d", ROW[0], 3, 2, 1, 2), call("max_pool1d", ROW, 11),
        call("max_pool1d", ROW, (3,), (2,), return_indices=True), call("max_pool1d", ROW[:0], 2),
        call("max_pool1d", ROW, 5, 3, 2, 2, True), call("max_pool1d", ROW, 1),
        call("max_pool1d", ROW, 1, 2), call("max_pool1d", ROW, 9, 4, 4),
    ],
    "max_pool2d": [
        *[call("max_pool2d", x, *s, ceil_mode=c) for x in (X, TILES) for s in SETTINGS + PAIRS for c in (False, True)],
        *[call("max_pool2d", x, *s, return_indices=True) for x in (X[0], TILES, TIES, WITH_NAN, WITH_INF)
          for s in ((2,), (3, 2, 1), (2, 1, 0, 2), ((3, 2), (2, 2), (1, 1), 1, True))],
        call("max_pool2d", X, 2, dilation=3), call("max_pool2d", X, (3, 2), 1, 1, (2, 1)), call("max_pool2d", X[:0], 2),
        call("max_pool2d", X, (7, 8)), call("max_pool2d", X, 1),
        call("max_pool2d", X, 2, ()), ((X,), lambda T, x: T.nn.functional.max_pool2d(x.transpose(1, 3)[:, ::2], 2)),
        ((X,), lambda T, x: T.max_pool2d(x, 3, 1)),
        ((np.arange(36).reshape(1, 6, 6) % 7,),
         lambda T, x: T.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True)),
        call("max_pool2d", TILES[:1], 2, return_indices=True),
        call("max_pool2d", np.full((1, 1, 4, 4), -np.inf), 3, 1, 1, return_indices=True),
    ],
    "max_pool3d": [*[call("max_pool3d", SOLID, *s, ceil_mode=c) for s in SETTINGS for c in (False, True)],
                   call("max_pool3d", SOLID[0], (2, 3, 1), return_indices=True),
                   call("max_pool3d", SOLID, 2, 1, 1, (3, 2, 1), return_indices=True),
                   call("max_pool3d", SOLID[:0], 2)],
    "avg_pool1d": [
        *[call("avg_pool1d", ROW, *s, ceil_mode=c, count_include_pad=i) for s in SETTINGS for c in (False, True)
          for i in (False, True)], call("avg_pool1d", ROW[0], 3),
        call("avg_pool1d", ROW, 11), call("avg_pool1d", ROW[:0], 2), call("avg_pool1d", ROW, (3,), (2,), (1,)),
        call("avg_pool1d", ROW, 1), call("avg_pool1d", ROW, 9, 4, 4),
    ],
    "avg_pool2d": [
        *[call("avg_pool2d", x, *s, ceil_mode=c, count_include_pad=i) for x in (X, TILES) for s in SETTINGS + PAIRS
          for c in (False, True) for i in (False, True)],
        call("avg_pool2d", X, 3, 2, 1, True, False, 5), call("avg_pool2d", X, 2, divisor_override=-3),
        call("avg_pool2d", X[0], (7, 8)), call("avg_pool2d", X[:0], 2),
        call("avg_pool2d", X, (7, 8), divisor_override=1),
        ((X,), lambda T, x: T.nn.functional.avg_pool2d(x.transpose(1, 3)[:, ::2], 2)),
        call("avg_pool2d", WITH_INF, 2), call("avg_pool2d", WITH_NAN, 3, 2),
    ],
    "avg_pool3d": [*[call("avg_pool3d", SOLID, *s, ceil_mode=c, count_include_pad=i) for s in SETTINGS
                     for c in (False, True) for i in (False, True)],
                   call("avg_pool3d", SOLID[0], (2, 3, 1), divisor_override=2), call("avg_pool3d", SOLID, (5, 6, 7))],
    "lp_pool1d": [call("lp_pool1d", np.abs(ROW) + 0.1, p, *s) for p in (1, 2, 3.5, math.inf)
                  for s in ((2,), (3, 2), (3, 2, True))]
                  + [call("lp_pool1d", ROW[0], 2, 3), call("lp_pool1d", -np.abs(ROW) - 0.1, -math.inf, 2)],
    "lp_pool2d": [call("lp_pool2d", np.abs(X) + 0.1, p, *s) for p in (1, 2.0, 3, math.inf)
                  for s in ((2,), ((3, 2), 2), (3, 2, True))] + [call("lp_pool2d", X, 2, 3)],
    "lp_pool3d": [call("lp_pool3d", np.abs(SOLID) + 0.1, 2, 2),
                  call("lp_pool3d", np.abs(SOLID) + 0.1, 3, (2, 3, 1), 2, True)],
    "adaptive_avg_pool1d": [call("adaptive_avg_pool1d", ROW, n) for n in (1, 2, 5, 11, 14, (3,))]
    + [call("adaptive_avg_pool1d", ROW[0], 4)],
    "adaptive_avg_pool2d": [
        *[call("adaptive_avg_pool2d", x, n) for x in (X, X[0], TILES)
          for n in (1, 2, (3, 5), (None, 4), (7, None), (2, 4), 9)], call("adaptive_avg_pool2d", X[:0], 3),
        ((X,), lambda T, x: T.nn.functional.adaptive_avg_pool2d(x.detach(), 0)),
        call("adaptive_avg_pool2d", WITH_NAN, 4), call("adaptive_avg_pool2d", WITH_INF, (4, 5)),
    ],
    "adaptive_avg_pool3d": [call("adaptive_avg_pool3d", SOLID, n) for n in (1, (2, None, 3), 4)],
    "adaptive_max_pool1d": [call("adaptive_max_pool1d", ROW, n, return_indices=i) for n in (1, 2, 5, 11, 14)
                            for i in (False, True)] + [call("adaptive_max_pool1d", ROW[0], 4)],
    "adaptive_max_pool2d": [
        *[call("adaptive_max_pool2d", x, n, True) for x in (X, X[0], TILES, WITH_NAN, TIES)
          for n in (1, 2, (3, 5), (None, 4), (5, None), 4)], call("adaptive_max_pool2d", X, (3, 5)),
        call("adaptive_max_pool2d", X[:0], 3),
        ((X,), lambda T, x: T.nn.functional.adaptive_max_pool2d(x.detach(), (0, 2))),
    ],
    "adaptive_max_pool3d": [call("adaptive_max_pool3d", SOLID, n, True) for n in (1, (2, None, 3), 4)],
    "max_unpool1d": [
        ((ROW,), lambda T, x: T.nn.functional.max_unpool1d(*T.nn.functional.max_pool1d(x, 2, return_indices=True), 2)),
        ((ROW[0],),
         lambda T, x: T.nn.functional.max_unpool1d(*T.nn.functional.max_pool1d(x, 3, 2, 1, return_indices=True), 3, 2,
             1)),
        ((ROW,),
         lambda T, x: T.nn.functional.max_unpool1d(*T.nn.functional.max_pool1d(x, 2, return_indices=True), 2,
             output_size=(11,))),
    ],
    "max_unpool2d": [
        ((X,),
         lambda T, x: T.nn.functional.max_unpool2d(*T.nn.functional.max_pool2d(x, 2, return_indices=True), 2,
             output_size=(2, 3, 7, 8))),
        ((X[0],),
         lambda T, x: T.nn.functional.max_unpool2d(*T.nn.functional.max_pool2d(x, (2, 4), return_indices=True),
             (2, 4))),
        ((TILES, np.array([[[[5, 0], [7, 2]]]])),
         lambda T, x, i: T.nn.functional.max_unpool2d(x[:1, :1, :2, :2], i, 2)),
    ],
    "max_unpool3d": [((SOLID,),
                      lambda T, x: T.nn.functional.max_unpool3d(*T.nn.functional.max_pool3d(x, 2, return_indices=True),
                          2, output_size=[5, 6, 7]))],
}  # fmt: skip

MODULES = {
    **{f"nn.{name}": (x,) for x, names in (
        (ROW,
         ("MaxPool1d(2)", "MaxPool1d(3, 2, padding=1, ceil_mode=True)", "AvgPool1d(3)",
          "AvgPool1d(3, 2, 1, True, False)", "AdaptiveAvgPool1d(4)", "AdaptiveMaxPool1d(5)")),
        (X,
         ("MaxPool2d(2)", "MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0))", "MaxPool2d(3, 1, 1, 2)",
          "MaxPool2d(2, return_indices=True)", "AvgPool2d(2)", "AvgPool2d((3, 2), 1, 1)",
             "AvgPool2d(3, 2, 1, count_include_pad=False)", "AvgPool2d(2, divisor_override=3)", "AdaptiveAvgPool2d(1)",
             "AdaptiveAvgPool2d((3, None))", "AdaptiveMaxPool2d(3, return_indices=True)",
             "AdaptiveMaxPool2d((None, 5))")),
        (SOLID,
         ("MaxPool3d(2)", "MaxPool3d((1, 2, 2), stride=1)", "AvgPool3d(2)", "AvgPool3d((1, 2, 3), ceil_mode=True)",
          "AdaptiveAvgPool3d((1, 2, None))", "AdaptiveMaxPool3d(2)")),
    ) for name in names},
    "nn.LPPool1d(2, 3)": (np.abs(ROW),), "nn.LPPool1d(3.5, 2, stride=1, ceil_mode=True)": (np.abs(ROW),),
    "nn.LPPool2d(2, (3, 2))": (np.abs(X),),
    "nn.LPPool2d(1.5, 3, stride=(2, 1))": (np.abs(X),), "nn.LPPool3d(2, 2)": (np.abs(SOLID),),
    "nn.MaxUnpool1d(2)": ((ROW,), lambda T, m, x: m(*T.nn.functional.max_pool1d(x, 2, return_indices=True))),
    "nn.MaxUnpool2d(3, stride=2, padding=1)": ((X,),
        lambda T, m, x: m(*T.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True), output_size=(7, 8))),
    "nn.MaxUnpool3d((2, 2, 3))": ((SOLID,),
                                  lambda T, m, x: m(*T.nn.functional.max_pool3d(x, (2, 2, 3), return_indices=True),
                                      (5, 6, 7))),
}  # fmt: skip


def refused(name, size, *args, **settings):
    return lambda T: getattr(T.nn.functional, name)(T.zeros(size), *args, **settings)


IMAGE = (1, 3, 4, 4)
ERRORS = {
    **{f"{name}: {what}": refused(name, size, *args) for name in ("max_pool2d", "avg_pool2d") for what, size, args in (
        ("kernel too large", IMAGE, (5,)), ("stride 0", IMAGE, (2, 0)), ("too much padding", IMAGE, (2, 2, 2)),
        ("kernel 0", IMAGE, (0,)), ("two dimensions", (4, 4), (2,)),
        ("five dimensions", (1, 1, 3, 4, 4), (2,)), ("no channels", (1, 0, 4, 4), (2,)),
        ("no height", (1, 3, 0, 4), (2,)), ("three sizes", IMAGE, ((2, 2, 2),)),
        ("negative stride", IMAGE, (2, -1)), ("negative padding", IMAGE, (2, None, -1)), ("a fraction", IMAGE, (2.0,)),
    )},
    "max_pool2d: dilation 0": refused("max_pool2d", IMAGE, 2, dilation=0),
    "max_pool2d: dilation": refused("max_pool2d", IMAGE, 2, dilation=4),
    "max_pool2d: bools": lambda T: T.nn.functional.max_pool2d(T.zeros(IMAGE, dtype=T.bool), 2),
    "avg_pool2d: ints": lambda T: T.nn.functional.avg_pool2d(T.zeros(IMAGE, dtype=T.int32), 2),
    "avg_pool2d: divisor": refused("avg_pool2d", IMAGE, 2, divisor_override=0),
    "max_pool1d: dimensions": refused("max_pool1d", (4,), 2), "max_pool1d: four": refused("max_pool1d", IMAGE, 2),
    "avg_pool1d: dimensions": refused("avg_pool1d", IMAGE, 2),
    "max_pool3d: dimensions": refused("max_pool3d", (3, 4, 4), 2),
    "avg_pool3d: kernel": refused("avg_pool3d", (1, 1, 2, 4, 4), 3),
    "adaptive_avg_pool2d: dimensions": refused("adaptive_avg_pool2d", (4, 4), 2),
    "adaptive_avg_pool2d: sizes": refused("adaptive_avg_pool2d", IMAGE, (1, 2, 3)),
    "adaptive_avg_pool2d: negative": refused("adaptive_avg_pool2d", IMAGE, -1),
    "adaptive_avg_pool2d: empty": refused("adaptive_avg_pool2d", (1, 3, 0, 4), 2),
    "adaptive_avg_pool2d: ints": lambda T: T.nn.functional.adaptive_avg_pool2d(T.zeros(IMAGE, dtype=T.long), 2),
    "adaptive_avg_pool2d: one": refused("adaptive_avg_pool2d", IMAGE, (2,)),
    "adaptive_max_pool2d: sizes": refused("adaptive_max_pool2d", IMAGE, (1, 2, 3)),
    "adaptive_max_pool2d: negative": refused("adaptive_max_pool2d", IMAGE, -1),
    "adaptive_avg_pool1d: None": refused("adaptive_avg_pool1d", (3, 4), None),
    "adaptive_max_pool1d: two": refused("adaptive_max_pool1d", (3, 4), (2, 2)),
    "lp_pool2d: 0": refused("lp_pool2d", IMAGE, 0, 2), "lp_pool2d: dimensions": refused("lp_pool2d", (4, 4), 2, 2),
    "max_unpool2d: size": lambda T: T.nn.functional.max_unpool2d(T.zeros(IMAGE), T.zeros(IMAGE, dtype=T.long), 2,
        output_size=(20, 20)),
    "max_unpool2d: numbers": lambda T: T.nn.functional.max_unpool2d(T.zeros(IMAGE), T.zeros(IMAGE, dtype=T.long), 2,
        output_size=(8, 8, 8)),
    "max_unpool2d: index": lambda T: T.nn.functional.max_unpool2d(T.zeros(IMAGE), T.ones(IMAGE, dtype=T.long) * 64, 2),
    "max_unpool2d: shapes": lambda T: T.nn.functional.max_unpool2d(T.zeros(IMAGE), T.zeros(1, 3, 4, 5, dtype=T.long),
        2),
}  # fmt: skip
