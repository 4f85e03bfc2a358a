"""Images read at any places: grid_sample; and such places from a linear map: affine_grid.

grid_sample reads several neighbours of each place and adds them up with weights that depend on the place,

    result[p] = Σₖ weight[k](place[p]) · image[neighbour[k, p]]

The neighbours are integers, which have no derivative. Weights are polynomials in the place, and reading is linear in
the image: so gradients with respect to both, of any order, come from the operations that it is composed of.
"""

import itertools
import math
import warnings

import numpy as np

from ..define import composite
from ..errors import OperationError
from ..tensor import Tensor
from .indexing import getitem
from .joining import stack
from .linear import matmul
from .reduce import sum
from .resampling_maps import cubic_weights
from .shape import permute, reshape

MODES, PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")


def plain(x):
    return x.array if isinstance(x, Tensor) else x


@composite(method=False)
def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """The values of images or volumes at the places of a grid.

    input          (N, C, H, W) or (N, C, D, H, W)
    grid           (N, H', W', 2) or (N, D', H', W', 3): places as (x, y) or (x, y, z), from −1 at one end to 1 at the
                   other
    mode           "bilinear" (in volumes trilinear), "nearest", or "bicubic" for images
    padding_mode   what lies outside: "zeros"; "border", its values on and on; "reflection", the border is a mirror
    align_corners  whether −1 and 1 are the middles of the outermost values, or (False, also if None) their outer edges
    result         (N, C, H', W') or (N, C, D', H', W')

    Jaderberg et al. 2015, "Spatial transformer networks".
    """
    sizes = check_sample(input, grid, mode, padding_mode)
    align_corners = chosen(align_corners, "grid_sample")
    n, channels, count = input.shape[0], input.shape[1], len(sizes)
    shape = tuple(grid.shape)[1:-1]
    places = [reshape(getitem(grid, (..., count - 1 - d)), (n, math.prod(shape))) for d in range(count)]
    places = [unnormalized(p, size, align_corners) for p, size in zip(places, sizes)]
    if mode != "bicubic":
        places = [kept_inside(p, size, padding_mode, align_corners) for p, size in zip(places, sizes)]
    corners = [NEIGHBOURS[mode](p) for p in places]
    if mode == "bicubic":
        corners = [
            [(plain(kept_inside(k, size, padding_mode, align_corners)), w) for k, w in neighbours]
            for neighbours, size in zip(corners, sizes)
        ]
    return weighted(input, corners, sizes, (n, channels, *shape))


def weighted(input, corners, sizes, shape):
    """Σ weight · value over all combinations of the neighbours (numbers, weights) along each dimension.

    The values of all channels at one place are read as one row.
    """
    n, channels = shape[:2]
    size = math.prod(sizes)
    numbers, weights = [], []
    for neighbours in itertools.product(*corners):
        number, inside, weight = np.arange(n)[:, None], True, 1
        for (k, w), length in zip(neighbours, sizes):
            within = (k >= 0) & (k <= length - 1)
            number = number * length + np.where(within, k, 0).astype(np.intp)
            inside, weight = inside & within, w * weight
        numbers.append(number)
        weights.append(weight * inside)
    rows = reshape(permute(reshape(input, (n, channels, size)), (0, 2, 1)), (n * size, channels))
    values = getitem(rows, np.stack(numbers, 1))  # (N, terms, places, C)
    result = sum(values * stack(weights, 1)[..., None], 1)
    return reshape(permute(result, (0, 2, 1)), shape)


def check_sample(input, grid, mode, padding_mode):
    """The sizes of the dimensions that are sampled, after a check of the arguments of grid_sample."""
    if mode not in MODES:
        raise ValueError(f"grid_sample: there is no mode {mode!r}; the modes are {', '.join(MODES)}")
    if padding_mode not in PADDINGS:
        raise ValueError(f"grid_sample: there is no padding_mode {padding_mode!r}; there are {', '.join(PADDINGS)}")
    shape, places = tuple(input.shape), tuple(grid.shape)
    if len(shape) not in (4, 5) or len(places) != len(shape) or places[0] != shape[0] or places[-1] != len(shape) - 2:
        raise OperationError(
            "grid_sample: images (N, C, H, W) go with a grid (N, H', W', 2), volumes (N, C, D, H, W) with a grid "
            "(N, D', H', W', 3); "
            f"these are {shape} and {places}"
        )
    if mode == "bicubic" and len(shape) == 5:
        raise OperationError("grid_sample: mode 'bicubic' is for images of 4 dimensions; use 'bilinear' for volumes")
    if 0 in shape[2:]:
        raise OperationError(f"grid_sample: there is nothing to sample in an input of shape {shape}")
    return shape[2:]


def chosen(align_corners, name):
    if align_corners is None:
        warnings.warn(f"{name} without align_corners uses False; say which you mean", UserWarning, stacklevel=4)
        return False
    return align_corners


def unnormalized(place, size, align_corners):
    """Places from −1 to 1 as places from 0 to size − 1."""
    return (place + 1) / 2 * (size - 1) if align_corners else ((place + 1) * size - 1) / 2


def kept_inside(place, size, padding_mode, align_corners):
    """Places outside moved to the border, or reflected into the inside. Wherever that is, the place changes with the
    given one by a factor of 1, −1 or, at the border, 0."""
    if padding_mode == "zeros":
        return place
    x = plain(place)
    slope = np.ones_like(x)
    moved = x
    if padding_mode == "reflection":
        low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
        if span <= 0:
            moved, slope = np.zeros_like(x), np.zeros_like(x)
        else:
            turns, rest = np.divmod(np.abs(x - low), span)
            even = turns % 2 == 0
            moved = np.where(even, rest, span - rest) + low
            slope = np.where(even, 1, -1) * np.where(x < low, -1, 1)
    slope = np.where((moved <= 0) | (moved >= size - 1), 0, slope)
    moved = np.clip(moved, 0, size - 1)
    if not isinstance(place, Tensor):
        return moved.astype(x.dtype, copy=False)
    return (place - x) * slope.astype(x.dtype) + moved.astype(x.dtype, copy=False)


def two_neighbours(place):
    low = np.floor(plain(place))
    part = place - low
    return [(low, 1 - part), (low + 1, part)]


def four_neighbours(place):
    low = np.floor(plain(place))
    return [(low + k - 1, weight) for k, weight in enumerate(cubic_weights(place - low))]


def nearest_neighbour(place):
    place = plain(place)
    return [(np.rint(place), np.ones_like(place))]


NEIGHBOURS = {"bilinear": two_neighbours, "nearest": nearest_neighbour, "bicubic": four_neighbours}


@composite(method=False)
def affine_grid(theta, size, align_corners=None):
    """The grid for grid_sample that a linear map gives: where each place of the result lies in the input.

    theta  (N, 2, 3) for images or (N, 3, 4) for volumes: maps (x, y, 1) or (x, y, z, 1) of the result to (x, y) or
           (x, y, z)
    size   of the result: (N, C, H, W) or (N, C, D, H, W)
    """
    align_corners = chosen(align_corners, "affine_grid")
    size, count = tuple([int(length) for length in size]), len(size) - 2
    if theta.dtype.kind != "f":
        raise ValueError(
            f"affine_grid: theta must hold floating-point numbers, not {theta.dtype}; convert it with .float()"
        )
    if count not in (2, 3):
        raise NotImplementedError(f"affine_grid: size is (N, C, H, W) or (N, C, D, H, W), not {size}")
    if tuple(theta.shape) != (size[0], count, count + 1):
        raise OperationError(
            f"affine_grid: theta must be of shape {(size[0], count, count + 1)} for size {size}, and it is "
            f"{tuple(theta.shape)}"
        )
    if min(size) < 1:
        raise ValueError(f"affine_grid: all sizes must be positive, and they are {size}")
    dtype = np.dtype(theta.dtype)
    points = np.ones((*size[2:], count + 1), dtype)
    for d, length in enumerate(size[2:]):
        line = np.linspace(-1, 1, length, dtype=dtype) if length > 1 else np.zeros(1, dtype)
        line = line if align_corners else line * ((length - 1) / length)
        points[..., count - 1 - d] = line.reshape((-1,) + (1,) * (count - 1 - d))
    grid = matmul(
        points.reshape(-1, count + 1), theta.transpose(1, 2) if isinstance(theta, Tensor) else theta.swapaxes(1, 2)
    )
    return reshape(grid, (size[0], *size[2:], count))
