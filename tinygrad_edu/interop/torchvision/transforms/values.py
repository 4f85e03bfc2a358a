"""Transforms that change the values of pixels: colors, blur, erased parts."""

import math
import numbers
from collections.abc import Sequence

from .... import empty, randint, randperm, tensor
from ....nn.module import Module
from . import functional
from .settings import check_ranges, drawn, drawn_proportion, happens

__all__ = ["ColorJitter", "GaussianBlur", "Grayscale", "RandomErasing", "RandomGrayscale"]


class ColorJitter(Module):
    """Brightness, contrast, saturation and hue changed at random, in random order.

    brightness, contrast, saturation  the factors are from max(0, 1 − value) to 1 + value, or in (lowest, highest)
    hue                               is moved by −value to value, at most 0.5, or by (lowest, highest)
    """

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        super().__init__()
        self.brightness = factors(brightness, "brightness")
        self.contrast = factors(contrast, "contrast")
        self.saturation = factors(saturation, "saturation")
        self.hue = factors(hue, "hue", center=0, lowest=-0.5, highest=0.5)

    @staticmethod
    def get_params(brightness, contrast, saturation, hue):
        """(the order as a permutation of 0 ... 3, the four factors, None where nothing is changed), drawn at random."""
        order = randperm(4)
        return order, *[None if pair is None else drawn(*pair) for pair in (brightness, contrast, saturation, hue)]

    def forward(self, img):
        order, *drawn_factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        for number in order.tolist():
            if drawn_factors[number] is not None:
                img = CHANGES[number](img, drawn_factors[number])
        return img

    def __repr__(self):
        return (
            f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue})"
        )


CHANGES = (
    functional.adjust_brightness,
    functional.adjust_contrast,
    functional.adjust_saturation,
    functional.adjust_hue,
)


def factors(value, name, center=1, lowest=0.0, highest=math.inf):
    """(lowest, highest) of the factors that a setting of ColorJitter means; None if they change nothing."""
    if isinstance(value, numbers.Number):
        if value < 0:
            raise ValueError(f"{name}, if it is one number, is the largest change, and not negative as {value}")
        pair = center - float(value), center + float(value)
        pair = pair if center == 0 else (max(pair[0], 0.0), pair[1])
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        pair = float(value[0]), float(value[1])
    else:
        raise TypeError(f"{name} is a number or (lowest, highest), not {value!r}")
    if not lowest <= pair[0] <= pair[1] <= highest:
        raise ValueError(f"{name} has the range {pair}, which must be ascending and from {lowest} to {highest}")
    return None if pair == (center, center) else pair


class Grayscale(Module):
    """The image in shades of gray, of 1 channel or 3 equal ones."""

    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img):
        return functional.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self):
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomGrayscale(Module):
    """With probability p, the image in shades of gray; it keeps its number of channels."""

    def __init__(self, p=0.1):
        super().__init__()
        self.p = p

    def forward(self, img):
        channels = functional.get_image_num_channels(img)
        return functional.rgb_to_grayscale(img, channels) if happens(self.p) else img

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p})"


class RandomErasing(Module):
    """With probability p, a random rectangle of a tensor replaced (Zhong et al. 2017).

    scale    the lowest and the highest area of the rectangle, as fractions of the image
    ratio    the lowest and the highest proportion height / width
    value    what it is replaced by: a number, one for each channel, or "random": a number for each pixel, of the
             standard normal distribution
    inplace  whether the given tensor is changed
    """

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError(f"value is a number, one for each channel, or 'random', not a {type(value).__name__}")
        if isinstance(value, str) and value != "random":
            raise ValueError(f"value is a number, one for each channel, or 'random', not {value!r}")
        check_ranges(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError(f"scale has fractions of the image, from 0 to 1, not {scale}")
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, from 0 to 1, not {p}")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(img, scale, ratio, value=None):
        """(top, left, height, width, values) of a rectangle, drawn at random; all of the image if ten do not fit.

        value  None for random values, or a list of one number or one for each channel
        """
        channels, rows, columns = img.shape[-3:]
        for _ in range(10):
            area = rows * columns * drawn(scale[0], scale[1])
            proportion = drawn_proportion(ratio)
            height, width = round(math.sqrt(area * proportion)), round(math.sqrt(area / proportion))
            if height < rows and width < columns:
                values = empty(channels, height, width).normal_() if value is None else tensor(value)[:, None, None]
                top = randint(0, rows - height + 1, size=(1,)).item()
                left = randint(0, columns - width + 1, size=(1,)).item()
                return top, left, height, width, values
        return 0, 0, rows, columns, img

    def forward(self, img):
        if not happens(self.p):
            return img
        value = self.value
        if isinstance(value, str):
            value = None
        else:
            value = [float(number) for number in (value if isinstance(value, (tuple, list)) else [value])]
            if len(value) not in (1, img.shape[-3]):
                raise ValueError(f"value has {len(value)} numbers, and the image {img.shape[-3]} channels")
        return functional.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)

    def __repr__(self):
        return (
            f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, "
            f"inplace={self.inplace})"
        )


class GaussianBlur(Module):
    """The image blurred by a Gaussian of random width.

    kernel_size  odd: one number, or (in x, in y)
    sigma        (lowest, highest) standard deviation, or one number
    """

    def __init__(self, kernel_size, sigma=(0.1, 2.0)):
        super().__init__()
        self.kernel_size = functional.two_of(kernel_size)
        if not all(size > 0 and size % 2 for size in self.kernel_size):
            raise ValueError(f"kernel_size is an odd number, or two of them, not {kernel_size}")
        if isinstance(sigma, numbers.Number):
            sigma = (sigma, sigma)
        if not isinstance(sigma, Sequence) or len(sigma) != 2 or not 0 < sigma[0] <= sigma[1]:
            raise ValueError(f"sigma is a positive number, or (lowest, highest), not {sigma}")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min, sigma_max):
        """A standard deviation, drawn at random."""
        return drawn(sigma_min, sigma_max)

    def forward(self, img):
        sigma = self.get_params(self.sigma[0], self.sigma[1])
        return functional.gaussian_blur(img, self.kernel_size, [sigma, sigma])

    def __repr__(self):
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"
