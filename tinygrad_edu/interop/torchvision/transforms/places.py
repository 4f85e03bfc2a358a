"""Transforms that move pixels: other sizes, parts, borders, mirrors, rotations."""

import math
from collections.abc import Sequence

from .... import randint
from ....nn.module import Module
from . import functional
from .functional import check_padding, two_of
from .interpolation import InterpolationMode, as_mode
from .settings import angles, check_ranges, check_sequence, checked_fill, drawn, drawn_proportion, fill_for, happens

__all__ = [
    "CenterCrop", "Pad", "RandomAffine", "RandomCrop", "RandomHorizontalFlip", "RandomResizedCrop", "RandomRotation",
    "RandomVerticalFlip", "Resize",
]  # fmt: skip


def place(count):
    """A random number of 0 ... count − 1."""
    return randint(0, count, size=(1,)).item()


class Resize(Module):
    """`functional.resize`: the image of size (height, width), or with a shorter side of `size`."""

    def __init__(self, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Resize: size is a number or (height, width), not a {type(size).__name__}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError(f"Resize: size is a number or (height, width), not {size}")
        self.size, self.max_size = size, max_size
        self.interpolation, self.antialias = as_mode(interpolation), antialias

    def forward(self, img):
        return functional.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self):
        return (
            f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )


class CenterCrop(Module):
    """The middle of the image, of size (height, width)."""

    def __init__(self, size):
        super().__init__()
        self.size = two_of(size)

    def forward(self, img):
        return functional.center_crop(img, self.size)

    def __repr__(self):
        return f"{type(self).__name__}(size={self.size})"


class Pad(Module):
    """`functional.pad`: the image with a border."""

    def __init__(self, padding, fill=0, padding_mode="constant"):
        super().__init__()
        if fill is None:
            raise TypeError("Pad: fill is a number, or one for each channel, not None")
        check_padding(padding, fill, padding_mode)
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img):
        return functional.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self):
        return f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class RandomCrop(Module):
    """A part of size (height, width) at a random place.

    padding             the border that the image gets before, as in `functional.pad`
    pad_if_needed       whether an image that is too small gets a border
    fill, padding_mode  of the borders
    """

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        super().__init__()
        self.size = two_of(size)
        self.padding, self.pad_if_needed = padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    @staticmethod
    def get_params(img, output_size):
        """(top, left, height, width) of a part, drawn at random."""
        _, rows, columns = functional.get_dimensions(img)
        height, width = output_size
        if rows < height or columns < width:
            raise ValueError(
                f"RandomCrop: the image has size {(rows, columns)}, and a part of {(height, width)} does not fit into "
                "it; pad_if_needed=True adds a border"
            )
        if (rows, columns) == (height, width):
            return 0, 0, rows, columns
        return place(rows - height + 1), place(columns - width + 1), height, width

    def forward(self, img):
        if self.padding is not None:
            img = functional.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            _, rows, columns = functional.get_dimensions(img)
            height, width = self.size
            for sides in ([width - columns, 0], [0, height - rows]):
                if max(sides) > 0:
                    img = functional.pad(img, sides, self.fill, self.padding_mode)
        return functional.crop(img, *self.get_params(img, self.size))

    def __repr__(self):
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


class RandomHorizontalFlip(Module):
    """With probability p, left and right exchanged."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, img):
        return functional.hflip(img) if happens(self.p) else img

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p})"


class RandomVerticalFlip(Module):
    """With probability p, top and bottom exchanged."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, img):
        return functional.vflip(img) if happens(self.p) else img

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p})"


class RandomResizedCrop(Module):
    """A part of random size, proportions and place, resized to size (height, width) (Szegedy et al. 2015, Inception).

    scale   the lowest and the highest area of the part, as fractions of the image
    ratio   the lowest and the highest proportion width / height, before it is resized
    others  as in `functional.resize`
    """

    def __init__(
        self, size, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3), interpolation=InterpolationMode.BILINEAR, antialias=True
    ):
        super().__init__()
        self.size = two_of(size)
        check_ranges(scale, ratio)
        self.scale, self.ratio = scale, ratio
        self.interpolation, self.antialias = as_mode(interpolation), antialias

    @staticmethod
    def get_params(img, scale, ratio):
        """(top, left, height, width) of a part, drawn at random; of the middle if ten drawn ones do not fit."""
        _, rows, columns = functional.get_dimensions(img)
        for _ in range(10):
            area = rows * columns * drawn(scale[0], scale[1])
            proportion = drawn_proportion(ratio)
            width, height = round(math.sqrt(area * proportion)), round(math.sqrt(area / proportion))
            if 0 < width <= columns and 0 < height <= rows:
                return place(rows - height + 1), place(columns - width + 1), height, width
        width, height = columns, rows
        if columns / rows < min(ratio):
            height = round(columns / min(ratio))
        elif columns / rows > max(ratio):
            width = round(rows * max(ratio))
        return (rows - height) // 2, (columns - width) // 2, height, width

    def forward(self, img):
        part = self.get_params(img, self.scale, self.ratio)
        return functional.resized_crop(img, *part, self.size, self.interpolation, self.antialias)

    def __repr__(self):
        scale, ratio = [tuple(round(value, 4) for value in pair) for pair in (self.scale, self.ratio)]
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


class RandomRotation(Module):
    """The image turned by a random angle.

    degrees  the largest angle, or (lowest, highest)
    others   as in `functional.rotate`
    """

    def __init__(self, degrees, interpolation=InterpolationMode.NEAREST, expand=False, center=None, fill=0):
        super().__init__()
        self.degrees = angles(degrees, "degrees")
        if center is not None:
            check_sequence(center, "center", (2,))
        self.interpolation, self.expand, self.center = as_mode(interpolation), expand, center
        self.fill = checked_fill(fill)

    @staticmethod
    def get_params(degrees):
        """An angle, drawn at random."""
        return drawn(float(degrees[0]), float(degrees[1]))

    def forward(self, img):
        fill = fill_for(img, self.fill)
        return functional.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, fill)

    def __repr__(self):
        center = "" if self.center is None else f", center={self.center}"
        return (
            f"{type(self).__name__}(degrees={self.degrees}, interpolation={self.interpolation.value}, "
            f"expand={self.expand}{center}, fill={self.fill})"
        )


class RandomAffine(Module):
    """The image turned, moved, scaled and sheared at random, around its middle or `center`.

    degrees    the largest angle, or (lowest, highest)
    translate  how far it is moved at most, along x and y, as fractions of its width and height
    scale      (lowest, highest)
    shear      the largest angle along x; (lowest, highest); or these for x and for y
    others     as in `functional.affine`
    """

    def __init__(
        self,
        degrees,
        translate=None,
        scale=None,
        shear=None,
        interpolation=InterpolationMode.NEAREST,
        fill=0,
        center=None,
    ):
        super().__init__()
        self.degrees = angles(degrees, "degrees")
        if translate is not None:
            check_sequence(translate, "translate", (2,))
            if not all(0 <= part <= 1 for part in translate):
                raise ValueError(f"translate has fractions of the image, from 0 to 1, not {translate}")
        if scale is not None:
            check_sequence(scale, "scale", (2,))
            if min(scale) <= 0:
                raise ValueError(f"scale has positive numbers, not {scale}")
        if center is not None:
            check_sequence(center, "center", (2,))
        self.translate, self.scale, self.center = translate, scale, center
        self.shear = None if shear is None else angles(shear, "shear", (2, 4))
        self.interpolation, self.fill = as_mode(interpolation), checked_fill(fill)

    @staticmethod
    def get_params(degrees, translate, scale_ranges, shears, img_size):
        """(angle, (x, y) by which the image is moved, scale, (shear along x, along y)), drawn at random.

        img_size  (width, height)
        """
        angle = drawn(float(degrees[0]), float(degrees[1]))
        moved, scale, shear = (0, 0), 1.0, [0.0, 0.0]
        if translate is not None:
            most = [float(part * size) for part, size in zip(translate, img_size)]
            moved = tuple([round(drawn(-distance, distance)) for distance in most])
        if scale_ranges is not None:
            scale = drawn(scale_ranges[0], scale_ranges[1])
        for start in range(0, 0 if shears is None else len(shears), 2):
            shear[start // 2] = drawn(shears[start], shears[start + 1])
        return angle, moved, scale, tuple(shear)

    def forward(self, img):
        size = functional.get_image_size(img)
        angle, moved, scale, shear = self.get_params(self.degrees, self.translate, self.scale, self.shear, size)
        fill = fill_for(img, self.fill)
        return functional.affine(img, angle, moved, scale, shear, self.interpolation, fill, self.center)

    def __repr__(self):
        settings = {
            "degrees": (self.degrees, ()),
            "translate": (self.translate, (None,)),
            "scale": (self.scale, (None,)),
            "shear": (self.shear, (None,)),
            "interpolation": (self.interpolation.value, ("nearest",)),
            "fill": (self.fill, (0,)),
            "center": (self.center, (None,)),
        }
        told = [f"{name}={value}" for name, (value, usual) in settings.items() if value not in usual]
        return f"{type(self).__name__}({', '.join(told)})"
