"""Resampling: every mode, size and setting as PyTorch's."""

import warnings

import numpy as np

RNG = np.random.default_rng(0)
ROW = RNG.standard_normal((2, 3, 7))
X = RNG.standard_normal((2, 3, 5, 6))
LARGE = RNG.standard_normal((1, 2, 61, 130))
SOLID = RNG.standard_normal((1, 2, 3, 4, 5))
BYTES = np.random.default_rng(1).integers(0, 256, (2, 3, 4, 6)).astype(np.uint8)
WITH_INF = np.where(RNG.random((1, 2, 6, 7)) < 0.1, np.inf, RNG.standard_normal((1, 2, 6, 7)))
WITH_NAN = np.where(RNG.random((1, 2, 6, 7)) < 0.1, np.nan, RNG.standard_normal((1, 2, 6, 7)))
GRID = RNG.uniform(-1.6, 1.6, (2, 4, 3, 2))
GRID_3D = RNG.uniform(-1.6, 1.6, (1, 2, 3, 2, 3))
THETA, THETA_3D = RNG.standard_normal((2, 2, 3)), RNG.standard_normal((1, 3, 4))


def scaled(x, *args, **settings):
    return ((x,), lambda T, x: T.nn.functional.interpolate(x, *args, **settings))


FACTORS = (2, 3, 1.5, 0.5, 0.7, 1, 1.1, 2.3)
SIZES = ((10, 12), (5, 6), (3, 17), (1, 1), (7, 4), (1, 6), 4)

CALLS = {
    "interpolate nearest": [
        *[scaled(x, scale_factor=f, mode=m, recompute_scale_factor=r) for x in (ROW, X, SOLID) for f in FACTORS
          for m in ("nearest", "nearest-exact") for r in (None, True)
          # where rounding doubles or keeps a size, PyTorch's gradient is not that of its result
          if r or x is X or f not in (1.1, 2.3)],
        *[((x,), lambda T, x, f=f: T.nn.functional.interpolate(x.detach(), scale_factor=f)) for x in (ROW, SOLID)
          for f in (1.1, 2.3)],
        *[scaled(X, s, mode=m) for s in SIZES for m in ("nearest", "nearest-exact")], scaled(WITH_INF, 9),
        scaled(WITH_NAN, scale_factor=2), scaled(X[:0], 4),
        ((X,), lambda T, x: T.nn.functional.interpolate(x.transpose(2, 3)[:, ::2], scale_factor=(2, 3))),
        scaled(X, scale_factor=(1, 2)), scaled(X, scale_factor=[3.0, 0.5]),
    ],
    "interpolate linear": [
        *[scaled(x, scale_factor=f, mode=m, align_corners=a, recompute_scale_factor=r)
          for x, m in ((ROW, "linear"), (X, "bilinear"), (SOLID, "trilinear")) for f in FACTORS for a,
          r in ((None, None), (False, True), (True, None))],
        *[scaled(X, s, mode="bilinear", align_corners=a) for s in SIZES for a in (False, True)],
        scaled(ROW, 12, mode="linear"), scaled(ROW, (12,), None, "linear"),
        scaled(LARGE, (130, 70), mode="bilinear"), scaled(LARGE, (20, 300), mode="bilinear"),
        scaled(SOLID, (2, 9, 5), mode="trilinear"),
        ((X,),
         lambda T, x: T.nn.functional.interpolate(x.transpose(2, 3)[:, ::2], scale_factor=(2, 3), mode="bilinear")),
         scaled(X[:0], 4, mode="bilinear"),
    ],
    "interpolate bicubic": [
        *[scaled(X, scale_factor=f, mode="bicubic", align_corners=a) for f in FACTORS
          for a in (False, True) if a or f != 1.1],
        ((X,), lambda T, x: T.nn.functional.interpolate(x.detach(), scale_factor=1.1, mode="bicubic")),  # as above
        *[scaled(X, s, mode="bicubic", align_corners=a) for s in SIZES for a in (False, True)],
        scaled(LARGE, (130, 70), mode="bicubic"),
    ],
    "interpolate area": [scaled(X, s, mode="area") for s in SIZES]
    + [scaled(x, scale_factor=f, mode="area") for x in (ROW, X, SOLID) for f in FACTORS],
    "interpolate antialias": [
        *[scaled(X, s, mode=m, antialias=True, align_corners=a) for s in SIZES for m in ("bilinear", "bicubic")
          for a in (False, True)], scaled(LARGE, (20, 300), mode="bicubic", antialias=True),
        *[scaled(X, scale_factor=f, mode=m, antialias=True) for f in FACTORS if f != 1.1
          for m in ("bilinear", "bicubic", "lanczos")],
        # PyTorch's gradient is not that of its result
        ((X,), lambda T, x: T.nn.functional.interpolate(x.detach(), scale_factor=1.1, mode="bicubic", antialias=True)),
        *[scaled(X, s, mode="lanczos", antialias=True) for s in SIZES],
    ],
    "grid_sample": [
        *[((X, GRID), lambda T, x, g, m=m, p=p, a=a: T.nn.functional.grid_sample(x, g, m, p, a))
          for m in ("bilinear", "bicubic") for p in ("zeros", "border", "reflection") for a in (False, True)],
        *[((X, GRID), lambda T, x, g, p=p, a=a: T.nn.functional.grid_sample(x, g.detach(), "nearest", p, a))
          for p in ("zeros", "border", "reflection") for a in (False, True)],
        *[((SOLID, GRID_3D), lambda T, x, g, p=p, a=a: T.nn.functional.grid_sample(x, g, "bilinear", p, a))
          for p in ("zeros", "border", "reflection") for a in (False, True)],
        *[((SOLID, GRID_3D), lambda T, x, g, p=p: T.nn.functional.grid_sample(x, g.detach(), "nearest", p, False))
          for p in ("zeros", "border", "reflection")],
        *[((X, np.array([[[[-1.0, -1.0], [1.0, 1.0], [0.0, 1.0], [-3.0, 5.0]]]] * 2)),
           lambda T, x, g, m=m, p=p: T.nn.functional.grid_sample(x, g, m, p, True))
          for m in ("bilinear", "bicubic") for p in ("zeros", "border", "reflection")],
        ((X, GRID),
         lambda T, x, g: T.nn.functional.grid_sample(x, g * 5, padding_mode="reflection", align_corners=False)),
         ((X[:, :, :1, :1], GRID), lambda T, x, g: T.nn.functional.grid_sample(x, g, align_corners=False)),
        ((X[:, :, :1, :1], GRID),
         lambda T, x, g: T.nn.functional.grid_sample(x, g, padding_mode="reflection", align_corners=True)),
        ((X, GRID), lambda T, x, g: T.nn.functional.grid_sample(x.detach(), g, align_corners=True)),
        ((X[:0], GRID[:0]), lambda T, x, g: T.nn.functional.grid_sample(x.detach(), g.detach(), align_corners=True)),
    ],
    "affine_grid": [
        *[((THETA,), lambda T, t, a=a: T.nn.functional.affine_grid(t, (2, 3, 4, 5), a)) for a in (False, True)],
        *[((THETA_3D,), lambda T, t, a=a: T.nn.functional.affine_grid(t, (1, 2, 3, 4, 5), a)) for a in (False, True)],
        ((THETA,), lambda T, t: T.nn.functional.affine_grid(t, [2, 3, 1, 5], align_corners=False)),
        ((X, THETA),
         lambda T, x, t: T.nn.functional.grid_sample(x, T.nn.functional.affine_grid(t, x.shape, False),
             align_corners=False)),
    ],
    "interpolate bytes": [
        ((BYTES,), lambda T, x, m=m, s=s: T.nn.functional.interpolate(x, s, mode=m))
        for m in ("nearest", "nearest-exact") for s in (8, (3, 5), (4, 9))
    ] + [((BYTES[:, :, 0],), lambda T, x: T.nn.functional.interpolate(x, scale_factor=1.5))],
    "pixel_shuffle": [((RNG.standard_normal(s),), lambda T, x, r=r: T.nn.functional.pixel_shuffle(x, r))
                       for s, r in (((2, 12, 3, 4), 2), ((9, 2, 3), 3), ((2, 2, 8, 1, 2), 2), ((2, 3, 4, 4), 1))],
    "pixel_unshuffle": [((RNG.standard_normal(s),), lambda T, x, r=r: T.nn.functional.pixel_unshuffle(x, r))
                       for s, r in (((2, 3, 4, 6), 2), ((1, 6, 3), 3), ((2, 2, 2, 2, 4), 2), ((2, 3, 4, 4), 1))],
    "channel_shuffle": [((RNG.standard_normal(s),), lambda T, x, g=g: T.nn.functional.channel_shuffle(x, g))
                       for s, g in (((2, 6, 3, 4), 2), ((2, 6, 3), 3), ((1, 4, 2, 2, 2), 4), ((2, 3, 4, 4), 1))],
}  # fmt: skip

MODULES = {
    **{f"nn.{name}": (X,) for name in (
        "Upsample(scale_factor=2)", "Upsample(4)", "Upsample((4, 7), mode='bilinear')",
        "Upsample(scale_factor=(2, 1.5), mode='bilinear', align_corners=True)",
        "Upsample(scale_factor=0.7, mode='bicubic')",
        "Upsample(scale_factor=1.7, mode='nearest-exact', recompute_scale_factor=True)",
        "UpsamplingNearest2d(scale_factor=2)", "UpsamplingNearest2d(7)", "UpsamplingBilinear2d(scale_factor=2)",
        "UpsamplingBilinear2d(size=(7, 9))", "ChannelShuffle(3)",
    )},
    "nn.Upsample(scale_factor=2, mode='linear')": (ROW,), "nn.Upsample(7, mode='trilinear')": (SOLID,),
    "nn.PixelShuffle(2)": (RNG.standard_normal((2, 8, 2, 3)),),
    "nn.PixelUnshuffle(2)": (RNG.standard_normal((2, 2, 4, 6)),),
}  # fmt: skip


def refused(function, *sizes, **settings):
    def call(T):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(T.nn.functional, function)(
                *[T.zeros(size) if isinstance(size, tuple) else size for size in sizes], **settings
            )

    return call


IMAGE = (1, 3, 4, 4)
ERRORS = {
    **{f"interpolate: {mode} of {dtype}": lambda T, mode=mode, dtype=dtype: T.nn.functional.interpolate(
        T.ones(1, 1, 4, 4, dtype=getattr(T, dtype)), 2, mode=mode)
       for mode, dtype in (("nearest", "int64"), ("bilinear", "int32"), ("bicubic", "bool"), ("area", "uint8"))},
    "interpolate: linear of uint8": lambda T: T.nn.functional.interpolate(T.ones(1, 1, 4, dtype=T.uint8), 2,
        mode="linear"),
    "interpolate: neither": refused("interpolate", IMAGE), "interpolate: both": refused("interpolate", IMAGE, 3, 2),
    "interpolate: mode": refused("interpolate", IMAGE, 3, mode="foo"),
    "interpolate: linear of images": refused("interpolate", IMAGE, 3, mode="linear"),
    "interpolate: bilinear of rows": refused("interpolate", (1, 3, 4), 3, mode="bilinear"),
    "interpolate: dimensions": refused("interpolate", (3, 4), 3),
    "interpolate: corners": refused("interpolate", IMAGE, 3, align_corners=True),
    "interpolate: sizes": refused("interpolate", IMAGE, [3, 3, 3]),
    "interpolate: fraction": refused("interpolate", IMAGE, [2.5, 2.5]),
    "interpolate: factors": refused("interpolate", IMAGE, scale_factor=[2, 2, 2]),
    "interpolate: 0": refused("interpolate", IMAGE, 0),
    "interpolate: recompute": refused("interpolate", IMAGE, 3, recompute_scale_factor=True),
    "interpolate: antialias": refused("interpolate", IMAGE, 3, antialias=True),
    "interpolate: lanczos": refused("interpolate", IMAGE, 3, mode="lanczos"),
    "interpolate: empty": refused("interpolate", (1, 3, 0, 4), 3),
    "interpolate: too small": refused("interpolate", IMAGE, scale_factor=0.1),
    "grid_sample: mode": refused("grid_sample", IMAGE, (1, 2, 2, 2), "foo"),
    "grid_sample: padding": refused("grid_sample", IMAGE, (1, 2, 2, 2), padding_mode="foo"),
    "grid_sample: batch": refused("grid_sample", IMAGE, (2, 2, 2, 2)),
    "grid_sample: coordinates": refused("grid_sample", IMAGE, (1, 2, 2, 3)),
    "grid_sample: dimensions": refused("grid_sample", (3, 4, 4), (2, 2, 2)),
    "grid_sample: bicubic of volumes": refused("grid_sample", (1, 1, 2, 2, 2), (1, 1, 1, 1, 3), "bicubic"),
    "grid_sample: empty": refused("grid_sample", (1, 1, 0, 2), (1, 1, 1, 2)),
    "affine_grid: theta": refused("affine_grid", (1, 3, 3), [1, 1, 2, 2]),
    "affine_grid: size": refused("affine_grid", (1, 2, 3), [1, 2, 2]),
    "affine_grid: empty": refused("affine_grid", (1, 2, 3), [1, 1, 0, 2]),
    "affine_grid: ints": lambda T: T.nn.functional.affine_grid(T.zeros(1, 2, 3, dtype=T.long), [1, 1, 2, 2], False),
    "pixel_shuffle: channels": refused("pixel_shuffle", IMAGE, 2),
    "pixel_shuffle: dimensions": refused("pixel_shuffle", (4, 4), 2),
    "pixel_shuffle: factor": refused("pixel_shuffle", IMAGE, 0),
    "pixel_unshuffle: sizes": refused("pixel_unshuffle", IMAGE, 3),
    "pixel_unshuffle: factor": refused("pixel_unshuffle", IMAGE, -1),
    "channel_shuffle: groups": refused("channel_shuffle", IMAGE, 2),
    "channel_shuffle: none": refused("channel_shuffle", IMAGE, 0),
    "channel_shuffle: dimensions": refused("channel_shuffle", (3, 4), 1),
}  # fmt: skip
