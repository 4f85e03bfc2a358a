"""How images are read between their pixels."""

from enum import Enum

__all__ = ["InterpolationMode"]


class InterpolationMode(Enum):
    """BOX, HAMMING and LANCZOS are for Pillow's images only; rotations of tensors know NEAREST and BILINEAR."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


IN_PILLOW = {
    InterpolationMode.NEAREST: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
    InterpolationMode.NEAREST_EXACT: 0,
}
"""The numbers that Pillow has for them."""

OF_PILLOW = {number: mode for mode, number in reversed(IN_PILLOW.items())}


def as_mode(interpolation):
    """The mode that is given as such, or as Pillow's number for it."""
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    if isinstance(interpolation, int) and interpolation in OF_PILLOW:
        return OF_PILLOW[interpolation]
    raise TypeError(
        f"interpolation is an InterpolationMode, for example InterpolationMode.BILINEAR, not {interpolation!r}"
    )
