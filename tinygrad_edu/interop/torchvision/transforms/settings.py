"""What transforms have in common: checks of their settings, and random draws."""

import numbers
import warnings
from collections.abc import Sequence

import numpy as np

from ....dtypes import get_default_dtype
from ....ops.random_kernels import draw, draw_uniform
from ....tensor import Tensor
from . import functional


def drawn(low, high):
    """A uniform random number from the default generator."""
    if low > high:
        raise RuntimeError(f"there is no number from {low} to {high}; the lowest comes first")
    return draw(draw_uniform, (1,), low, high, get_default_dtype()).item()


def drawn_proportion(ratio):
    """A random number whose logarithm is uniform: 1/2 and 2 are equally likely. In float32, which rounds as PyTorch
    does."""
    lowest, highest = np.log(np.float32(ratio)).tolist()
    return float(np.exp(np.float32(drawn(lowest, highest))))


def happens(p):
    """Whether an event of probability p takes place."""
    return drawn(0, 1) < p


def check_sequence(value, name, sizes):
    wanted = f"{name} is a sequence of {' or '.join(map(str, sizes))} numbers"
    if not isinstance(value, Sequence):
        raise TypeError(f"{wanted}, not a {type(value).__name__}")
    if len(value) not in sizes:
        raise ValueError(f"{wanted}, not {value}")


def angles(value, name, sizes=(2,)):
    """[lowest, highest] of what may be one number, the highest."""
    if isinstance(value, numbers.Number):
        if value < 0:
            raise ValueError(f"{name}, if it is one number, is the largest angle, and not negative as {value}")
        value = [-value, value]
    check_sequence(value, name, sizes)
    return [float(angle) for angle in value]


def check_ranges(scale, ratio):
    for value, name in ((scale, "scale"), (ratio, "ratio")):
        if not isinstance(value, Sequence):
            raise TypeError(f"{name} is a pair (lowest, highest), not a {type(value).__name__}")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn(f"scale {scale} and ratio {ratio} are pairs (lowest, highest)", stacklevel=3)


def checked_fill(fill):
    if fill is not None and not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError(f"fill is a number, or one for each channel, not a {type(fill).__name__}")
    return 0 if fill is None else fill


def fill_for(image, fill):
    """A fill in the form in which the functions want it for this image."""
    if not isinstance(image, Tensor):
        return fill
    if isinstance(fill, (int, float)):
        return [float(fill)] * functional.get_image_num_channels(image)
    return [float(value) for value in fill]
