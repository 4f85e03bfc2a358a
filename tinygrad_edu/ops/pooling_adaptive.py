"""More pooling: with as many windows as asked for, of norms, and back from where the largest elements were."""

import math

import numpy as np

from ..define import composite
from ..errors import OperationError
from ..tensor import Tensor, of_array
from .activation import relu
from .arithmetic import abs, sign
from .indexing import plain_indices, scatter_values
from .pooling import avg_pool1d, avg_pool2d, avg_pool3d, flat_places, max_pool, max_pool1d, max_pool2d, max_pool3d
from .pooling_windows import check_input, geometry, several
from .resampling import averaged, resample
from .resampling_maps import window_map
from .shape import reshape

# ---- as many windows as asked for


def wanted_sizes(input, output_size, n, name):
    """The number of windows along each of the last n dimensions, which may be given as None for the size it has."""
    sizes = check_input(input, n, name, empty_channels=True)
    values = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * n
    if n == 1 and None in values:
        raise TypeError(f"{name}: output_size must be an int, not None")
    if len(values) != n:
        raise OperationError(
            f"{name}: output_size needs {n} numbers, one for each of the last dimensions, not {output_size!r}"
        )
    values = tuple([size if value is None else value for size, value in zip(sizes, values)])
    values = several(values, n, name, "output_size")
    if min(values) < 0:
        raise OperationError(f"{name}: output_size cannot be negative, and {output_size!r} is")
    return values


def adaptive_average(input, output_size, n):
    """What the functions adaptive_avg_pool1d, 2d and 3d do."""
    sizes = wanted_sizes(input, output_size, n, f"adaptive_avg_pool{n}d")
    if input.dtype.kind != "f":
        raise TypeError(f"averages of {input.dtype} values are no {input.dtype} values; convert them with .float()")
    return averaged(input, sizes)


def adaptive_largest(input, output_size, return_indices, n):
    """What the functions adaptive_max_pool1d, 2d and 3d do: windows of unequal sizes are filled up and laid side by
    side."""
    sizes = wanted_sizes(input, output_size, n, f"adaptive_max_pool{n}d")
    old = tuple(input.shape)[-n:]
    maps = tuple([None if new and size % new == 0 else window_map(size, new) for size, new in zip(old, sizes)])
    x = input if maps.count(None) == n else resample(input, maps)
    lengths = tuple(x.shape)[-n:]
    windows = tuple(
        [geometry(length, *[max(1, length // max(1, new))] * 2, 0, 1) for length, new in zip(lengths, sizes)]
    )
    values = max_pool(x, windows)
    if not return_indices:
        return values
    number = flat_places(x.array if isinstance(x, Tensor) else x, windows)
    places = np.unravel_index(number, lengths) if number.size else (number,) * n
    places = [p if map is None else map.places[p, 0] for p, map in zip(places, maps)]
    number = np.ravel_multi_index(tuple(places), old) if number.size else number
    return values, of_array(number, None) if isinstance(input, Tensor) else number


@composite(method=False)
def adaptive_avg_pool1d(input, output_size):
    """The averages of `output_size` windows that hold all of the last dimension: (N, C, L) or (C, L). See
    adaptive_avg_pool2d."""
    return adaptive_average(input, output_size, 1)


@composite(method=False)
def adaptive_avg_pool2d(input, output_size):
    """The averages of output_size[0] × output_size[1] windows that together hold the whole image: (N, C, H, W) or (C,
    H, W).

    Window i goes from ⌊i H / n⌋ to ⌈(i + 1) H / n⌉: windows have nearly equal sizes, and overlap if n does not divide
    H.

    output_size  an int, or one for each dimension; None keeps a size
    """
    return adaptive_average(input, output_size, 2)


@composite(method=False)
def adaptive_avg_pool3d(input, output_size):
    """The averages of windows that hold all of a volume: (N, C, D, H, W) or (C, D, H, W). See adaptive_avg_pool2d."""
    return adaptive_average(input, output_size, 3)


@composite(method=False)
def adaptive_max_pool1d(input, output_size, return_indices=False):
    """The largest elements of `output_size` windows that hold all of the last dimension. See adaptive_max_pool2d."""
    return adaptive_largest(input, output_size, return_indices, 1)


@composite(method=False)
def adaptive_max_pool2d(input, output_size, return_indices=False):
    """The largest elements of output_size[0] × output_size[1] windows that together hold the whole image.

    The windows are those of adaptive_avg_pool2d; return_indices as in max_pool2d.
    """
    return adaptive_largest(input, output_size, return_indices, 2)


@composite(method=False)
def adaptive_max_pool3d(input, output_size, return_indices=False):
    """The largest elements of windows that hold all of a volume. See adaptive_max_pool2d."""
    return adaptive_largest(input, output_size, return_indices, 3)


# ---- norms


def norms(input, norm_type, kernel_size, stride, ceil_mode, n):
    """What the functions lp_pool1d, 2d and 3d do."""
    if norm_type == 0:
        raise ZeroDivisionError(
            f"lp_pool{n}d: the norm with exponent 0 needs a root of order 0; norm_type must not be 0"
        )
    largest = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}[n]
    if norm_type == math.inf:
        return largest(abs(input), kernel_size, stride, ceil_mode=ceil_mode)
    if norm_type == -math.inf:
        return -largest(-abs(input), kernel_size, stride, ceil_mode=ceil_mode)
    average = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}[n]
    means = average(input**norm_type, kernel_size, stride, ceil_mode=ceil_mode)
    size = math.prod(several(kernel_size, n, f"lp_pool{n}d", "kernel_size"))
    return (sign(means) * relu(abs(means)) * size) ** (1.0 / norm_type)


@composite(method=False)
def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ)^(1/p) of each window, p = norm_type: input (N, C, L) or (C, L). See lp_pool2d."""
    return norms(input, norm_type, kernel_size, stride, ceil_mode, 1)


@composite(method=False)
def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ)^(1/p) of each window, p = norm_type: input (N, C, H, W) or (C, H, W). ∞ gives the largest |x|.

    As in PyTorch powers are those of x, not of |x|, and windows that reach over the end count as if they were full.
    """
    return norms(input, norm_type, kernel_size, stride, ceil_mode, 2)


@composite(method=False)
def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ)^(1/p) of each window, p = norm_type: input (N, C, D, H, W) or (C, D, H, W). See lp_pool2d."""
    return norms(input, norm_type, kernel_size, stride, ceil_mode, 3)


# ---- back


def unpooled(input, indices, kernel_size, stride, padding, output_size, n):
    """What the functions max_unpool1d, 2d and 3d do."""
    name = f"max_unpool{n}d"
    kernel = several(kernel_size, n, name, "kernel_size")
    stride = kernel if stride is None else several(stride, n, name, "stride")
    padding = several(padding, n, name, "padding")
    shape, index = tuple(input.shape), plain_indices(indices)
    if not n + 1 <= len(shape) <= n + 2 or index.shape != shape:
        raise OperationError(
            f"{name}: input and indices have the same {n + 1} or {n + 2} dimensions, (N, C, ...) or (C, ...), not "
            f"{shape} and "
            f"{index.shape}"
        )
    usual = [(size - 1) * s + k - 2 * p for size, k, s, p in zip(shape[-n:], kernel, stride, padding)]
    sizes = tuple(usual) if output_size is None else tuple([int(size) for size in output_size])
    if len(sizes) == n + 2:
        sizes = sizes[2:]
    if len(sizes) != n or any(not size - s < wanted < size + s for wanted, size, s in zip(sizes, usual, stride)):
        raise ValueError(
            f"{name}: output_size {output_size} must have {n} numbers (or the whole shape), each less than the "
            f"stride {stride} away "
            f"from {tuple(usual)}"
        )
    if min(sizes) < 1:
        raise OperationError(f"{name}: the result would have the sizes {sizes}; padding {padding} is too large")
    size, lead = math.prod(sizes), shape[:-n]
    if index.size and (index.min() < 0 or index.max() >= size):
        wrong = index.min() if index.min() < 0 else index.max()
        raise OperationError(
            f"{name}: the indices go from 0 to {size - 1} for a result of {sizes}, and one is {wrong}; see output_size"
        )
    flat = (*lead, math.prod(shape[-n:]))
    zeros = np.zeros((*lead, size), np.dtype(input.dtype))
    return reshape(scatter_values(zeros, reshape(input, flat), -1, index.reshape(flat)), (*lead, *sizes))


@composite(method=False)
def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with the input at the places `indices`, which max_pool1d gave: (N, C, L) or (C, L). See max_unpool2d."""
    return unpooled(input, indices, kernel_size, stride, padding, output_size, 1)


@composite(method=False)
def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with the input at the places `indices`, which max_pool2d gave: (N, C, H, W) or (C, H, W).

    kernel_size, stride, padding  those of max_pool2d: the result has the size (H − 1) stride + kernel_size − 2 padding
    output_size                   another size, as several give the same H when they are pooled
    """
    return unpooled(input, indices, kernel_size, stride, padding, output_size, 2)


@composite(method=False)
def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with the input at the places `indices`, which max_pool3d gave. See max_unpool2d."""
    return unpooled(input, indices, kernel_size, stride, padding, output_size, 3)
