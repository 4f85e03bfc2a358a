"""The functions of `functional` on images of Pillow."""

import numpy as np

from ..pillow import image_of, pillow

SHADES_ONLY = ("1", "L", "I", "F")
"""Modes without colors."""


def get_dimensions(image):
    width, height = image.size
    return [len(image.getbands()), height, width]


def hflip(image):
    return image.transpose(pillow().Transpose.FLIP_LEFT_RIGHT)


def vflip(image):
    return image.transpose(pillow().Transpose.FLIP_TOP_BOTTOM)


def crop(image, top, left, height, width):
    return image.crop((left, top, left + width, top + height))


def pad(image, sides, fill, mode):
    if mode == "constant":
        return pillow("ImageOps").expand(image, sides, fill=color(fill, image))
    rows, columns = padded_places(image.height, sides[1::2], mode), padded_places(image.width, sides[::2], mode)
    padded = image_of(np.asarray(image)[rows[:, None], columns], image.mode)
    if image.mode == "P":
        padded.putpalette(image.getpalette())
    return padded


def padded_places(size, amounts, mode):
    """Which of the places 0 ... size − 1 appear along a dimension that gets so much (or, if negative, loses it) at its
    two ends."""
    start, stop = [max(-amount, 0) for amount in amounts]
    places = np.arange(size)[start : size - stop]
    amounts = [max(amount, 0) for amount in amounts]
    most = {"reflect": len(places) - 1, "symmetric": len(places), "edge": max(amounts) if len(places) else 0}[mode]
    if max(amounts) > most:
        raise RuntimeError(
            f"pad: {max(amounts)} places cannot be added to {size} with padding_mode={mode!r}, at most {most}"
        )
    return np.pad(places, amounts, mode)


def resize(image, size, interpolation, antialias):
    return image.resize((size[1], size[0]), interpolation)


def affine(image, matrix, interpolation, fill):
    transform = pillow().Transform.AFFINE
    return image.transform(image.size, transform, matrix, interpolation, fillcolor=color(fill, image))


def rotate(image, angle, interpolation, expand, center, fill):
    return image.rotate(angle, interpolation, expand, center, fillcolor=color(fill, image))


def color(fill, image):
    """What Pillow wants for a fill: a number, or one for each band."""
    bands = len(image.getbands())
    kind = float if image.mode == "F" else int
    if not isinstance(fill, (list, tuple)):
        fill = 0 if fill is None else fill
        return kind(fill) if bands == 1 else (kind(fill),) * bands
    if len(fill) not in (1, bands):
        raise ValueError(f"fill has {len(fill)} numbers, and the image has {bands} bands, those of mode {image.mode}")
    return tuple(kind(value) for value in fill) * (bands if len(fill) == 1 else 1)


def adjust_brightness(image, factor):
    return pillow("ImageEnhance").Brightness(image).enhance(factor)


def adjust_contrast(image, factor):
    return pillow("ImageEnhance").Contrast(image).enhance(factor)


def adjust_saturation(image, factor):
    return pillow("ImageEnhance").Color(image).enhance(factor)


def adjust_hue(image, factor):
    if image.mode in SHADES_ONLY:
        return image
    hue, saturation, value = image.convert("HSV").split()
    turned = np.asarray(hue) + np.uint8(int(factor * 255) % 256)  # the circle of hues has 256 of them, as uint8 has
    return pillow().merge("HSV", (image_of(turned, "L"), saturation, value)).convert(image.mode)


def rgb_to_grayscale(image, channels):
    shades = image.convert("L")
    return shades if channels == 1 else pillow().merge("RGB", (shades, shades, shades))
