"""Images and signals in another size: interpolate; and values moved between channels and places: pixel_shuffle and
its like.

Every way of interpolating is a linear map along one dimension after the other (`resampling_maps`). One operation
applies such maps; its gradient is the same operation with the adjoint maps.
"""

import math

import numpy as np

from ..define import case, composite, op
from ..errors import OperationError
from .arithmetic import clamp, floor
from .linear import matmul
from .pooling import avg_pool, avg_unpool
from .pooling_windows import geometry
from .resampling_maps import (
    Map, apply, average_map, cubic_map, filter_map, linear_map, nearest_map, window_map,
)  # fmt: skip
from .shape import cast, movedim, permute, reshape


def by_matrices(x, maps):
    """The definition of resample: products with whole matrices."""
    for axis, map in enumerate(maps, len(x.shape) - len(maps)):
        if map is not None:
            x = movedim(matmul(movedim(x, axis, -1), map.matrix().T.astype(x.dtype)), -1, axis)
    return x


def adjoints(maps):
    return tuple([map if map is None else map.T for map in maps])


SOME = Map(4, np.array([[0, 2], [1, 1], [3, 0]]), np.array([[0.5, 2.0], [1.0, 0.0], [-1.0, 0.25]]))


@op(
    lambda g, maps: resample(g, adjoints(maps)), linear=(0,), internal=True, definition=by_matrices,
    samples=[
        case((2, 4), maps=(SOME,)), case((3, 4, 2), maps=(SOME, None)), case((4, 3), maps=(SOME, SOME.T)),
        case((0, 4), maps=(SOME,)),
        case((2, 5), maps=(window_map(5, 3),)), case((2, 60), maps=(linear_map(60, 110, False, None, np.float64),)),
        case((110, 2), maps=(linear_map(60, 110, False, None, np.float64).T, None)),
    ],
)  # fmt: skip
def resample(x, maps):
    """A linear map (see `resampling_maps.Map`) applied along each of the last dimensions; None leaves one as it is."""
    first = x.ndim - len(maps)
    passes = [(map.count / max(1, map.size), first + i, map) for i, map in enumerate(maps) if map is not None]
    if not passes:
        return x.copy()
    for _, axis, map in sorted(passes, key=lambda item: item[:2]):  # what gets smaller first
        x = apply(map, x, axis)
    return x


# ---- interpolate

MODES = {
    "nearest": (3, 4, 5), "nearest-exact": (3, 4, 5), "area": (3, 4, 5), "linear": (3,), "bilinear": (4,),
    "trilinear": (5,),
    "bicubic": (4,), "lanczos": (4,),
}  # fmt: skip
"""Mode -> how many dimensions the input may have."""


@composite(method=False)
def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """The input (N, C, L), (N, C, H, W) or (N, C, D, H, W) with other sizes in its last dimensions.

    size           the new sizes: an int, or one for each dimension
    scale_factor   or how many times the old ones: a number, or one for each dimension; rounded down
    mode           "nearest"        the value before; "nearest-exact" the nearest one
                   "linear", "bilinear", "trilinear"   between neighbours on straight lines, in 1, 2 or 3 dimensions
                   "bicubic"        on cubic curves through four neighbours in each of 2 dimensions (Keys 1981)
                   "area"           averages, as adaptive_avg_pool
                   "lanczos"        with antialias only
    align_corners  whether the outermost values keep their places, so that places are points of a line; else they are
                   cells, whose borders coincide. Not for "nearest", "nearest-exact" and "area"
    recompute_scale_factor  whether to use the ratio of the rounded sizes instead of scale_factor
    antialias      for "bilinear", "bicubic" and "lanczos": average when making an image smaller

    Of integers only uint8 has values in between, by "nearest", "nearest-exact", "bilinear", "bicubic" and "lanczos":
    rounded after each dimension, as in PyTorch, whose weights of 16 bits may make a difference of 1.
    """
    ndim = len(input.shape)
    check_mode(mode, ndim, align_corners, antialias)
    whole = input.dtype.kind != "f"
    if whole and (input.dtype != np.uint8 or mode in ("area", "linear", "trilinear")):
        raise NotImplementedError(
            f"interpolate: mode {mode!r} is for floating-point inputs, not {input.dtype}; convert with .float()"
        )
    sizes, factors = new_sizes(tuple(input.shape[2:]), size, scale_factor, recompute_scale_factor, mode)
    if min(sizes) < 1 or 0 in input.shape[1:]:
        raise OperationError(
            f"interpolate: sizes must be positive, and {tuple(input.shape)} would become {(*input.shape[:2], *sizes)}"
        )
    if mode == "area":
        return averaged(input, sizes)
    if sizes == tuple(input.shape[2:]) and (antialias or mode.startswith("nearest") and ndim == 4):
        factors = (None, None)  # PyTorch's images stay the same, whatever the factor; not so its signals and volumes
    real = np.float64 if input.dtype == np.float64 else np.float32
    maps = [
        map_for(mode, old, new, bool(align_corners), factor, antialias, real)
        for old, new, factor in zip(input.shape[2:], sizes, factors)
    ]
    if whole:
        return resampled_bytes(input, maps)
    if mode.startswith("nearest") and all(map.repeats for map in maps):  # adding up parts of images is faster
        return avg_unpool(input, tuple([geometry(map.count, *[map.count // map.size] * 2, 0, 1) for map in maps]), 1)
    return resample(input, tuple(maps))


def resampled_bytes(input, maps):
    """The maps applied to an image of bytes, which is rounded to bytes after each dimension, the last one first."""
    x = cast(input, np.dtype(np.float32))
    for axis, map in reversed(list(enumerate(maps))):
        if map is not None:
            x = clamp(floor(resample(x, (map, *[None] * (len(maps) - axis - 1))) + 0.5), 0, 255)
    return cast(x, input.dtype)


def map_for(mode, size, count, align_corners, scale_factor, antialias, real):
    """The linear map of one dimension; None where nothing changes."""
    if mode.startswith("nearest"):
        return nearest_map(size, count, scale_factor, mode == "nearest-exact", real)
    if antialias and size != count:
        return filter_map(size, count, mode, align_corners, scale_factor, real)
    if mode == "bicubic":
        return cubic_map(size, count, align_corners, scale_factor, real)
    return None if size == count else linear_map(size, count, align_corners, scale_factor, real)


def check_mode(mode, ndim, align_corners, antialias):
    if mode not in MODES or ndim not in MODES[mode]:
        fitting = [name for name, dims in MODES.items() if ndim in dims]
        raise NotImplementedError(
            f"interpolate: there is no mode {mode!r} for an input of {ndim} dimensions"
            + (
                f"; there {'is' if len(fitting) == 1 else 'are'} {', '.join(fitting)}"
                if fitting
                else ": it needs 3, 4 or 5"
            )
        )
    if align_corners is not None and len(MODES[mode]) > 1:
        raise ValueError(f"interpolate: align_corners has no meaning for mode {mode!r}; leave it out")
    if antialias and mode not in ("bilinear", "bicubic", "lanczos"):
        raise ValueError(f"interpolate: antialias is for the modes bilinear, bicubic and lanczos, not {mode!r}")
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError("interpolate: mode 'lanczos' works with antialias=True and align_corners=False only")


def new_sizes(old, size, scale_factor, recompute, mode):
    """(the new sizes, scale factors to compute places with, None where the ratio of the sizes is used)."""
    n = len(old)
    if (size is None) == (scale_factor is None):
        raise ValueError(
            "interpolate: give either size or scale_factor, " + ("not both" if size is not None else "one of them")
        )
    given, what = (scale_factor, "scale_factor") if size is None else (size, "size")
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * n
    if len(values) != n:
        raise ValueError(f"interpolate: {what} needs one number for each of the dimensions {old}, not {given!r}")
    if size is not None:
        if not all(isinstance(v, (int, np.integer)) for v in values):
            raise TypeError(f"interpolate: sizes are integers, not {size!r}; for a ratio write scale_factor={size!r}")
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor has no meaning with size; leave it out")
        return tuple([int(v) for v in values]), (None,) * n
    sizes = tuple([math.floor(length * factor) for length, factor in zip(old, values)])
    return sizes, (None,) * n if recompute or mode == "area" else tuple([float(factor) for factor in values])


def averaged(input, sizes):
    """The averages of windows that together hold all of the last dimensions, as many windows as `sizes` say."""
    old = tuple(input.shape)[len(input.shape) - len(sizes) :]
    if any(new == 0 or length % new for length, new in zip(old, sizes)):
        maps = [None if length == new else average_map(length, new) for length, new in zip(old, sizes)]
        return resample(input, tuple(maps))
    windows = [geometry(length, length // new, length // new, 0, 1) for length, new in zip(old, sizes)]
    return avg_pool(input, tuple(windows), math.prod(w.kernel for w in windows))


# ---- channels and places


def positive(value, name, what):
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise OperationError(f"{name}: {what} must be a positive int, not {value!r}")
    return int(value)


def leading(input, name):
    """The dimensions in front of (C, H, W)."""
    if len(input.shape) < 3:
        raise OperationError(
            f"{name}: the input needs channels, height and width, (..., C, H, W), not {tuple(input.shape)}"
        )
    return tuple(input.shape)[:-3]


@composite(method=False)
def pixel_shuffle(input, upscale_factor):
    """(..., C r², H, W) as (..., C, H r, W r): channel c r² + i r + j becomes row i and column j of each r × r square.

    Shi et al. 2016, "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    neural network".
    """
    r, lead = positive(upscale_factor, "pixel_shuffle", "upscale_factor"), leading(input, "pixel_shuffle")
    channels, height, width = input.shape[-3:]
    if channels % (r * r):
        raise OperationError(
            f"pixel_shuffle: the number of channels must be a multiple of {r}² = {r * r}, and it is {channels}"
        )
    n = len(lead)
    squares = reshape(input, (*lead, channels // (r * r), r, r, height, width))
    return reshape(
        permute(squares, (*range(n), n, n + 3, n + 1, n + 4, n + 2)),
        (*lead, channels // (r * r), height * r, width * r),
    )


@composite(method=False)
def pixel_unshuffle(input, downscale_factor):
    """(..., C, H r, W r) as (..., C r², H, W): the inverse of pixel_shuffle."""
    r, lead = positive(downscale_factor, "pixel_unshuffle", "downscale_factor"), leading(input, "pixel_unshuffle")
    channels, height, width = input.shape[-3:]
    if height % r or width % r:
        raise OperationError(
            f"pixel_unshuffle: height and width must be multiples of {r}, and they are {height} and {width}"
        )
    n = len(lead)
    squares = reshape(input, (*lead, channels, height // r, r, width // r, r))
    return reshape(
        permute(squares, (*range(n), n, n + 2, n + 4, n + 1, n + 3)), (*lead, channels * r * r, height // r, width // r)
    )


@composite(method=False)
def channel_shuffle(input, groups):
    """(N, C, ...) with the channels in another order: dealt out to `groups` groups, the first of each come first.

    Zhang et al. 2018, "ShuffleNet: an extremely efficient convolutional neural network for mobile devices".
    """
    groups, shape = positive(groups, "channel_shuffle", "groups"), tuple(input.shape)
    if len(shape) < 3 or shape[1] % groups:
        raise OperationError(
            "channel_shuffle: the input needs at least 3 dimensions (N, C, ...), and C must be a multiple of "
            f"{groups}; it has {shape}"
        )
    parts = reshape(input, (shape[0], groups, shape[1] // groups, *shape[2:]))
    return reshape(permute(parts, (0, 2, 1, *range(3, len(shape) + 1))), shape)
