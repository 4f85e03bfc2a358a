"""Images changed at random, so that a network sees each of them in many forms (data augmentation).

    x = augment.rotate(augment.mirror(x), degrees=10)

Every function takes a batch of images (N, height, width) or (N, height, width, channels), a tensor or an array, or one
image of Pillow, and returns a new one of the same kind, dtype and layout. Each image of a batch has its own random
draw. Common arguments:

seed          an integer, which always gives the same result; or a NumPy Generator, which is drawn from; or None: the
              library's default generator, `manual_seed`, decides
channels      "last", or "first" for (N, channels, height, width)
padding_mode  what lies outside the image: "zeros"; "border", its outermost pixels on and on; "reflection"

Values are floating-point numbers, or bytes, which stand for 0 to 1. The functions that move pixels read between them
by bilinear interpolation. What `interop.torchvision.transforms` has are torchvision's transforms, of one image at a
time.
"""

import sys

import numpy as np

from ..ops.random import randint
from ..ops.resampling_grid import grid_sample
from ..tensor import Tensor, of_array

__all__ = ["color_axes", "mirror", "pca_colors", "random_crop", "rotate", "shear", "shift_colors", "warp"]

# ---- where pixels come from


def mirror(x, p=0.5, seed=None, channels="last"):
    """Left and right exchanged, with probability p for each image: out[r, c] = in[r, width − 1 − c]."""
    if not 0 <= p <= 1:
        raise ValueError(f"mirror: p is a probability, from 0 to 1, not {p}")
    images, restored = opened(x, channels)
    mirrored = generator(seed).random(len(images)) < p
    return restored(np.where(mirrored[:, None, None, None], images[:, :, ::-1], images))


def random_crop(x, size=None, padding=0, padding_mode="zeros", seed=None, channels="last"):
    """A part at a random place: out[r, c] = in[r + top, c + left], all places being equally likely.

    size     (height, width) of the part, or one number for both; by default that of the image
    padding  how many pixels the image is made larger at each side before; 4 is usual for small photographs (He, Zhang,
             Ren & Sun 2015, "Deep residual learning", 4.2)
    """
    images, restored = opened(x, channels)
    if padding:
        mode = {"zeros": "constant", "border": "edge", "reflection": "symmetric"}.get(padding_mode)
        if mode is None:
            raise ValueError(f"random_crop: there is no padding_mode {padding_mode!r}; use zeros, border or reflection")
        images = np.pad(images, [(0, 0), (padding, padding), (padding, padding), (0, 0)], mode)
    sides = images.shape[1] - 2 * padding, images.shape[2] - 2 * padding
    height, width = sides if size is None else (size, size) if isinstance(size, int) else size
    if not (1 <= height <= images.shape[1] and 1 <= width <= images.shape[2]):
        raise ValueError(
            f"random_crop: images of {sides[0]}×{sides[1]} with padding {padding} have no part of {height}×{width}"
        )
    random, n = generator(seed), len(images)
    rows = random.integers(0, images.shape[1] - height + 1, (n, 1)) + np.arange(height)
    columns = random.integers(0, images.shape[2] - width + 1, (n, 1)) + np.arange(width)
    return restored(images[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]])


def rotate(x, degrees=15, padding_mode="zeros", seed=None, channels="last"):
    """Turned around the middle by an angle θ, uniform from −degrees to degrees; positive is counter-clockwise.

    With x to the right and y downwards from the middle: out(x, y) = in(x cos θ − y sin θ, x sin θ + y cos θ).
    """
    images, restored = opened(x, channels)
    angle = np.radians(uniform(seed, degrees, 180, "rotate", len(images)))
    sin, cos = np.sin(angle), np.cos(angle)
    y, x = from_the_middle(images)
    return restored(read_at(images, x * sin + y * cos, x * cos - y * sin, padding_mode))


def shear(x, degrees=15, padding_mode="zeros", seed=None, channels="last"):
    """Slanted by an angle φ, uniform from −degrees to degrees: rows are moved sideways by so much as they are away from
    the middle, as italics are. out(x, y) = in(x + y tan φ, y), x to the right and y downwards from the middle."""
    images, restored = opened(x, channels)
    slope = np.tan(np.radians(uniform(seed, degrees, 89, "shear", len(images))))
    y, x = from_the_middle(images)
    return restored(read_at(images, y, x + y * slope, padding_mode))


def warp(x, distance=1.0, smoothness=4.0, padding_mode="zeros", seed=None, channels="last"):
    """Local warps, the elastic distortions of Simard, Steinkraus & Platt 2003: out(x, y) = in(x + Δx, y + Δy).

    Δx and Δy are `distance` times Gaussian noise that is smoothed over `smoothness` pixels (the standard deviation of
    the Gaussian with which it is convolved, rows and columns) and has standard deviation 1 everywhere.

    distance    how far pixels are moved, in pixels; beyond a third of the smoothness the image begins to fold
    smoothness  the size of the warps, in pixels
    """
    if distance < 0 or smoothness <= 0:
        raise ValueError(f"warp: distance is positive or 0, smoothness positive; not {distance} and {smoothness}")
    images, restored = opened(x, channels)
    n, height, width, _ = images.shape
    noise = generator(seed).standard_normal((2, n, height, width))
    moved = distance * (smoothing(height, smoothness) @ noise @ smoothing(width, smoothness).T)  # (2, N, H, W)
    y, x = from_the_middle(images)
    return restored(read_at(images, y + moved[0], x + moved[1], padding_mode))


def smoothing(size, sigma):
    """The (size, size) matrix that convolves with a Gaussian; rows have norm 1, so that noise keeps its variance."""
    places = np.arange(size)
    weights = np.exp(-0.5 * np.square((places[:, None] - places) / sigma))
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


# ---- colors


def shift_colors(x, amount=0.1, seed=None, channels="last"):
    """Each channel lighter or darker by a number of its own, uniform from −amount to amount, clipped to 0 ... 1.

    Other light, as in Andrew Ng's "Convolutional Neural Networks". Values must be from 0 to 1: before Standardize.
    """
    if amount < 0:
        raise ValueError(f"shift_colors: amount is positive or 0, not {amount}")
    images, restored = opened(x, channels, bounded="shift_colors")
    shifts = generator(seed).uniform(-amount, amount, (len(images), 1, 1, images.shape[3]))
    return restored(np.clip(images + shifts, 0, 1))


def color_axes(x, channels="last"):
    """The principal axes of the colors of training images, for `pca_colors`: an array (3, 3), whose columns are the
    eigenvectors of the covariance of red, green and blue over all pixels, each as long as the standard deviation along
    it."""
    images, _ = opened(x, channels, bounded="color_axes", colored=True)
    variances, axes = np.linalg.eigh(np.cov(images.reshape(-1, 3), rowvar=False, dtype=np.float64))
    return axes * np.sqrt(variances.clip(0))


def pca_colors(x, axes, amount=0.1, seed=None, channels="last"):
    """Colors changed along their principal axes, as the light of the day changes them, clipped to 0 ... 1.

    To every pixel of an image is added axes · α, α three numbers from N(0, amount²).

    axes  `color_axes(train_x)`

    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification", 4.1. Where they write the eigenvalue, a variance,
    this takes its root, so that `amount` means the same part of the colors' spread in any unit.
    """
    axes = np.asarray(axes)
    if axes.shape != (3, 3):
        raise ValueError(f"pca_colors: axes are those of color_axes(train_x), (3, 3), not of shape {axes.shape}")
    if amount < 0:
        raise ValueError(f"pca_colors: amount is positive or 0, not {amount}")
    images, restored = opened(x, channels, bounded="pca_colors", colored=True)
    shifts = amount * generator(seed).standard_normal((len(images), 3)) @ axes.T
    return restored(np.clip(images + shifts[:, None, None], 0, 1))


# ---- what they share


def generator(seed):
    """The NumPy Generator that a seed means."""
    return np.random.default_rng(randint(0, 2**31 - 1, (1,)).item() if seed is None else seed)


def uniform(seed, most, highest, name, n):
    """Angles (N, 1, 1), uniform from −most to most."""
    if not 0 <= most <= highest:
        raise ValueError(f"{name}: degrees, the largest angle, is from 0 to {highest}, not {most}")
    return generator(seed).uniform(-most, most, (n, 1, 1))


def from_the_middle(images):
    """(y, x) of each pixel, counted from the middle of the image: (height, 1), (1, width)."""
    _, height, width, _ = images.shape
    return np.arange(height)[:, None] - (height - 1) / 2, np.arange(width)[None] - (width - 1) / 2


def read_at(images, y, x, padding_mode):
    """The values of images (N, H, W, C) at places (y, x) from the middle, which broadcast to (N, H, W)."""
    n, height, width, _ = images.shape
    # grid_sample counts from −1 to 1, from one edge of the image to the other
    grid = np.empty((n, height, width, 2), images.dtype)
    grid[..., 0], grid[..., 1] = 2 / width * x, 2 / height * y
    values = of_array(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), None)
    return grid_sample(values, of_array(grid, None), "bilinear", padding_mode, False).numpy().transpose(0, 2, 3, 1)


def opened(x, channels, bounded=None, colored=False):
    """(the images as floating-point array (N, H, W, C), a function that brings such an array into the form of x).

    bounded  the name of the function that needs values from 0 to 1
    colored  whether there must be 3 channels
    """
    pillow = sys.modules.get("PIL.Image")  # where there is an image of Pillow, it has been imported
    if pillow is not None and isinstance(x, pillow.Image):
        if x.mode not in ("L", "RGB", "RGBA"):
            raise ValueError(f"images of Pillow are of mode L, RGB or RGBA here, not {x.mode}: image.convert('RGB')")
        images, back = opened(np.asarray(x)[None], "last", bounded, colored)
        return images, lambda array: pillow.fromarray(back(array)[0])
    given = x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)
    if channels not in ("last", "first"):
        raise ValueError(f"channels is 'last' or 'first', not {channels!r}")
    if given.ndim not in (3, 4):
        raise ValueError(f"images are (N, height, width) or (N, height, width, channels), not of shape {given.shape}")
    if given.dtype != np.uint8 and given.dtype.kind != "f":
        raise TypeError(f"images have floating-point numbers or bytes (uint8), not {given.dtype}")
    images = given[..., None] if given.ndim == 3 else given if channels == "last" else given.transpose(0, 2, 3, 1)
    if images.shape[3] > 4 or colored and images.shape[3] != 3:
        wanted = "3 channels, red, green and blue" if colored else "at most 4 channels"
        other = "first" if channels == "last" else "last"
        raise ValueError(
            f"images of shape {given.shape} with channels={channels!r} have {images.shape[3]} channels, and should "
            f"have {wanted}. Is it channels={other!r}?"
        )
    if given.dtype == np.uint8:
        images = np.true_divide(images, np.float32(255), dtype=np.float32)
    elif bounded and images.size and not 0 <= images.min() <= images.max() <= 1:
        raise ValueError(
            f"{bounded} takes values from 0 to 1, and these are from {images.min():g} to {images.max():g}; change "
            "colors before values are standardized"
        )

    def restored(array):
        if given.dtype == np.uint8:
            array = np.rint(array * 255)
        array = array[..., 0] if given.ndim == 3 else array if channels == "last" else array.transpose(0, 3, 1, 2)
        array = np.ascontiguousarray(array, given.dtype)
        return of_array(array, None) if isinstance(x, Tensor) else array

    return images, restored
