"""Normalisation layers and functions, and similarities and distances, compared with PyTorch."""

import numpy as np

RNG = np.random.default_rng(0)
X2, X3, X4, X5 = (RNG.standard_normal(shape) for shape in [(5, 6), (3, 6, 4), (2, 6, 3, 4), (2, 6, 2, 3, 2)])
LAST = RNG.standard_normal((2, 3, 4, 6)).transpose(0, 3, 1, 2)  # channels last in memory
FAR = X4 + 30.0
W, B, W4, B4 = (RNG.standard_normal(n) for n in (6, 6, 4, 4))
MEAN, VAR = RNG.standard_normal(6), RNG.uniform(0.5, 2.0, 6)
WW = RNG.standard_normal((3, 4))
EMPTY = np.zeros((0, 6))
CONSTANT = np.ones((3, 6, 4))


def F(T):
    return T.nn.functional


def running(T, dtype="float64"):
    """Running statistics of a library, which functions change."""
    return T.tensor(MEAN).to(getattr(T, dtype)), T.tensor(VAR).to(getattr(T, dtype))


def with_running(call):
    """call(T, x, mean, var, ...) and what became of the running statistics."""

    def both(T, x, *others):
        mean, var = (s.to(x.dtype) for s in running(T))
        return call(T, x, mean, var, *others), mean, var

    return both


CALLS = {
    "layer_norm": [
        ((X3, W4, B4), lambda T, x, w, b: F(T).layer_norm(x, (4,), w, b)),
        ((X4, WW, WW + 1), lambda T, x, w, b: F(T).layer_norm(x, (3, 4), w, b, 0.1)),
        ((X3,), lambda T, x: F(T).layer_norm(x, [4])),
        ((X3, W4), lambda T, x, w: F(T).layer_norm(x, (4,), weight=w)),
        ((X4.T, np.ascontiguousarray(X4.T[0, 0])), lambda T, x, w: F(T).layer_norm(x, (6, 2), w)),
        ((FAR, W4, B4), lambda T, x, w, b: F(T).layer_norm(x.double(), (4,), w.double(), b.double()).to(x.dtype)),
        ((B4, W4), lambda T, x, w: F(T).layer_norm(x, (4,), w)),
        ((X3, W4, B4), lambda T, x, w, b: F(T).layer_norm(x.detach(), (4,), w, b)),
        ((X3, W4, B4), lambda T, x, w, b: F(T).layer_norm(x, (4,), w.detach(), b.detach())),
    ],
    "rms_norm": [
        ((X3, W4), lambda T, x, w: F(T).rms_norm(x, (4,), w)),
        ((X4, WW), lambda T, x, w: F(T).rms_norm(x, (3, 4), w, 0.1)),
        ((X3,), lambda T, x: F(T).rms_norm(x, [4])),
        ((X3,), lambda T, x: F(T).rms_norm(x.half(), [4]).to(x.dtype).detach()),
    ],
    "batch_norm": [
        ((x, W, B), with_running(lambda T, x, m, v, w, b: F(T).batch_norm(x, m, v, w, b, True, 0.3, 0.1)))
        for x in (X2, X3, X4, X5, LAST, FAR, CONSTANT)
    ] + [
        ((x, W, B), with_running(lambda T, x, m, v, w, b: F(T).batch_norm(x, m, v, w, b)))
        for x in (X2, X3, X4, X5, LAST, EMPTY)
    ] + [
        ((X4,), with_running(lambda T, x, m, v: F(T).batch_norm(x, m, v, training=True))),
        ((X4,), with_running(lambda T, x, m, v: F(T).batch_norm(x, m, v))),
        ((X4, W), with_running(lambda T, x, m, v, w: F(T).batch_norm(x, m, v, w))),
        ((X4, W, B), lambda T, x, w, b: F(T).batch_norm(x, None, None, w, b, True)),
        ((X4.transpose(0, 1, 3, 2), W), lambda T, x, w: F(T).batch_norm(x, None, None, w, training=True)),
        ((np.repeat(X4, 70, 0), W, B), lambda T, x, w, b: F(T).batch_norm(x, None, None, w, b, True)),
        ((np.repeat(X2, 96, 0), W, B), lambda T, x, w, b: F(T).batch_norm(x, None, None, w, b, True)),
        ((X4, W, B), lambda T, x, w, b: F(T).batch_norm(x.detach(), None, None, w, b, True)),
        ((X4, W, B), lambda T, x, w, b: F(T).batch_norm(x, None, None, w.detach(), b.detach(), True)),
    ],
    "instance_norm": [
        ((x, W, B), with_running(lambda T, x, m, v, w, b: F(T).instance_norm(x, m, v, w, b, True, 0.3, 0.1)))
        for x in (X3, X4, X5, LAST, FAR)
    ] + [
        ((X4, W, B), with_running(lambda T, x, m, v, w, b: F(T).instance_norm(x, m, v, w, b, False))),
        ((X4,), lambda T, x: F(T).instance_norm(x)),
    ],
    "group_norm": [
        ((x, W, B), lambda T, x, w, b, n=n: F(T).group_norm(x, n, w, b)) for x in (X2, X3, X4, LAST, FAR) for n in (1,
        2, 3)
    ] + [
        ((X4,), lambda T, x: F(T).group_norm(x, 6)), ((X4, W), lambda T, x, w: F(T).group_norm(x, 3, w, eps=0.1)),
    ],
    "local_response_norm": [
        ((x,), lambda T, x, n=n: F(T).local_response_norm(x, n, 0.3, 0.6, 1.5)) for x in (X3, X4, X5) for n in (1, 2, 3,
        5)
    ] + [((X4,), lambda T, x: F(T).local_response_norm(x, 3))],
    "normalize": [
        ((X3,), lambda T, x: F(T).normalize(x)), ((X3,), lambda T, x: F(T).normalize(x, p=1.0, dim=-1)),
        ((X3,), lambda T, x: F(T).normalize(x, 3, dim=0)), ((X3,), lambda T, x: F(T).normalize(x, eps=100.0)),
        ((X3,), lambda T, x: F(T).normalize(x, dim=(1, 2))), ((X3,), lambda T, x: F(T).normalize(x, float("inf"))),
    ],
}  # fmt: skip

MODULES = {
    **{f"nn.{name}": (x,) for name, x in (
        ("BatchNorm1d(6)", X2), ("BatchNorm1d(6)", X3), ("BatchNorm2d(6)", X4), ("BatchNorm3d(6)", X5),
        ("BatchNorm2d(6, 0.1, None)", X4),
        ("BatchNorm2d(6, affine=False)", X4), ("BatchNorm2d(6, track_running_stats=False)", X4),
        ("BatchNorm2d(6, bias=False)", X4),
        ("BatchNorm2d(6, momentum=0.7, dtype=T.float64)", LAST),
        ("LayerNorm(4)", X3), ("LayerNorm((3, 4), 0.1)", X4), ("LayerNorm([4], elementwise_affine=False)", X3),
        ("LayerNorm(4, bias=False)", X3),
        ("RMSNorm(4)", X3), ("RMSNorm((3, 4), eps=0.1)", X4), ("RMSNorm(4, elementwise_affine=False)", X3),
        ("GroupNorm(3, 6)", X4), ("GroupNorm(1, 6, 0.1, affine=False)", X3), ("GroupNorm(2, 6, bias=False)", X3),
        ("InstanceNorm1d(6)", X3), ("InstanceNorm1d(5, affine=True)", X2),
        ("InstanceNorm2d(6, affine=True, track_running_stats=True)", X4),
        ("InstanceNorm2d(3)", X3), ("InstanceNorm3d(6)", X5),
        ("InstanceNorm2d(6, track_running_stats=True, momentum=0.3)", X4),
        ("InstanceNorm2d(6, affine=True, bias=False)", X4),
        ("LocalResponseNorm(3)", X4), ("LocalResponseNorm(2, 0.1, 0.5, 2.0)", X3),
    )},
    "nn.Sequential(nn.BatchNorm1d(6), nn.LayerNorm(6))": (X2,),
    "nn.BatchNorm1d(6, momentum=None)": ((X2,), lambda T, m, x: (m(x), m(x * 2), m(x + 1))),
}  # fmt: skip

ERRORS = {
    "batch_norm: one value": lambda T: F(T).batch_norm(T.zeros(1, 3), None, None, training=True),
    "batch_norm: no statistics": lambda T: F(T).batch_norm(T.zeros(2, 3), None, None),
    "batch_norm: weight": lambda T: F(T).batch_norm(T.zeros(2, 3), None, None, T.zeros(4), training=True),
    "batch_norm: running": lambda T: F(T).batch_norm(T.zeros(2, 3), T.zeros(4), T.ones(4)),
    "batch_norm: integers": lambda T: F(T).batch_norm(T.zeros(2, 3, dtype=T.int64), None, None, training=True),
    "BatchNorm1d: dims": lambda T: T.nn.BatchNorm1d(3)(T.zeros(2, 3, 4, 4)),
    "BatchNorm2d: dims": lambda T: T.nn.BatchNorm2d(3)(T.zeros(2, 3, 4)),
    "BatchNorm2d: channels": lambda T: T.nn.BatchNorm2d(3)(T.zeros(2, 4, 4, 4)),
    "BatchNorm3d: dims": lambda T: T.nn.BatchNorm3d(3)(T.zeros(2, 3, 4)),
    "layer_norm: shape": lambda T: F(T).layer_norm(T.zeros(2, 6), (5,)),
    "layer_norm: no shape": lambda T: F(T).layer_norm(T.zeros(2, 6), ()),
    "layer_norm: longer": lambda T: F(T).layer_norm(T.zeros(6), (2, 6)),
    "layer_norm: weight": lambda T: F(T).layer_norm(T.zeros(2, 6), (6,), T.zeros(5)),
    "layer_norm: integers": lambda T: F(T).layer_norm(T.zeros(2, 6, dtype=T.int64), (6,)),
    "rms_norm: shape": lambda T: F(T).rms_norm(T.zeros(2, 6), (5,)),
    "group_norm: groups": lambda T: F(T).group_norm(T.zeros(2, 6, 3), 4),
    "group_norm: dims": lambda T: F(T).group_norm(T.zeros(6), 2),
    "group_norm: one value": lambda T: F(T).group_norm(T.zeros(1, 2, 1), 2),
    "GroupNorm: groups": lambda T: T.nn.GroupNorm(4, 6),
    "instance_norm: one value": lambda T: F(T).instance_norm(T.zeros(2, 6, 1)),
    "InstanceNorm2d: dims": lambda T: T.nn.InstanceNorm2d(3)(T.zeros(2, 3)),
    "InstanceNorm2d: channels": lambda T: T.nn.InstanceNorm2d(3, affine=True)(T.zeros(2, 4, 3, 3)),
    "local_response_norm: dims": lambda T: F(T).local_response_norm(T.zeros(2, 3), 2),
}
