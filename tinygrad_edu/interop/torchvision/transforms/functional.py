"""What the transforms compute, as functions without chance: each on images of Pillow and on tensors.

A tensor image is (..., channels, height, width); of integers from 0 to the largest of the dtype, or floating-point
numbers from 0 to 1.
"""

import math
import numbers
import sys
import warnings

import numpy as np

from ....dtypes import get_default_dtype
from ....tensor import Tensor, of_array
from ..pillow import image_of, is_image
from . import on_images, on_tensors
from .interpolation import IN_PILLOW, InterpolationMode, as_mode

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation", "affine",
    "center_crop", "convert_image_dtype", "crop", "erase", "gaussian_blur", "get_dimensions", "get_image_num_channels",
    "get_image_size", "hflip", "normalize", "pad", "pil_to_tensor", "resize", "resized_crop", "rgb_to_grayscale",
    "rotate", "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]  # fmt: skip


def functions_for(image):
    """The module whose functions take this image."""
    if isinstance(image, Tensor):
        if image.ndim < 2:
            raise TypeError(f"a tensor image has shape (..., channels, height, width), not {tuple(image.shape)}")
        return on_tensors
    if is_image(image):
        return on_images
    raise TypeError(
        f"an image is one of Pillow or a tensor, not a {type(image).__name__}; to_tensor takes NumPy arrays"
    )


def check_tensor(image, name):
    if not isinstance(image, Tensor):
        raise TypeError(f"{name} takes a tensor, not a {type(image).__name__}; to_tensor makes one of an image")


def get_dimensions(img):
    """[channels, height, width] of an image."""
    return functions_for(img).get_dimensions(img)


def get_image_size(img):
    """[width, height] of an image."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img):
    """How many channels or bands an image has."""
    return get_dimensions(img)[0]


# ---- between images, arrays and tensors

ARRAY_TYPES = {"I": np.int32, "F": np.float32, "I;16" if sys.byteorder == "little" else "I;16B": np.int16}


def to_tensor(pic):
    """An image of Pillow, or an array (height, width) or (height, width, channels), as a tensor (channels, height,
    width).

    uint8 values, those of most images, are divided by 255, so that they go from 0 to 1; others stay as they are.
    """
    if is_image(pic):
        array = np.asarray(pic, ARRAY_TYPES.get(pic.mode, np.uint8))
        array = array * np.uint8(255) if pic.mode == "1" else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"to_tensor takes an image of Pillow or a NumPy array, not a {type(pic).__name__}")
    if array.ndim not in (2, 3):
        raise ValueError(f"an image has 2 or 3 dimensions, not {array.ndim}")
    array = np.atleast_3d(array).transpose(2, 0, 1)
    if array.dtype == np.uint8:
        return of_array(np.true_divide(array, 255, dtype=get_default_dtype(), order="C"), None)
    return of_array(array.copy("C") if is_image(pic) else np.ascontiguousarray(array), None)


def pil_to_tensor(pic):
    """An image of Pillow as a tensor (channels, height, width) of its own type of numbers."""
    if not is_image(pic):
        raise TypeError(f"pil_to_tensor takes an image of Pillow, not a {type(pic).__name__}")
    return of_array(np.atleast_3d(np.array(pic)).transpose(2, 0, 1), None)


BANDS = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
"""The modes of images of several bands; the first is the usual one."""

SHADES = {np.dtype(kind): mode for mode, kind in ARRAY_TYPES.items()} | {np.dtype(np.uint8): "L"}


def to_pil_image(pic, mode=None):
    """A tensor (channels, height, width) or an array (height, width, channels), or either without channels, as an
    image.

    mode  Pillow's name for what the numbers mean; by default L, LA, RGB or RGBA for 1 to 4 channels of uint8, and I,
          I;16 or F for one channel of int32, int16 or float32

    Floating-point numbers are multiplied by 255 and cut to integers, unless mode is "F".
    """
    if isinstance(pic, Tensor):
        array = pic.numpy(force=True)
        array = array.transpose(1, 2, 0) if pic.ndim == 3 else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"to_pil_image takes a tensor or a NumPy array, not a {type(pic).__name__}")
    if array.ndim not in (2, 3):
        raise ValueError(f"an image has 2 or 3 dimensions, not {array.ndim}")
    array = np.atleast_3d(array)
    if array.shape[2] not in (1, *BANDS):
        raise ValueError(f"an image has 1 to 4 channels, not {array.shape[2]}")
    if array.dtype.kind == "f" and mode != "F":
        # by way of int32: what lies outside 0 ... 255 has no meaning, but is the same on all processors
        array = np.multiply(array, 255, out=np.empty(array.shape, np.int32), casting="unsafe").astype(np.uint8)
    if array.shape[2] == 1:
        array, fitting = array[:, :, 0], [SHADES.get(array.dtype)]
    else:
        fitting = BANDS[array.shape[2]]
    if mode is not None and mode not in fitting:
        raise ValueError(
            f"mode {mode!r} is not one for an array of shape {array.shape} and dtype {array.dtype}: {fitting}"
        )
    if fitting[0] is None or array.ndim == 3 and mode is None and array.dtype != np.uint8:
        raise TypeError(f"there are no images of {array.dtype} of shape {array.shape}")
    return image_of(array, mode or fitting[0])


def convert_image_dtype(image, dtype=np.float32):
    """A tensor image of another dtype, its values scaled from the range of the one to the range of the other."""
    check_tensor(image, "convert_image_dtype")
    return on_tensors.convert_image_dtype(image, dtype)


def normalize(tensor, mean, std, inplace=False):
    """(tensor − mean) / std, with one number for each channel."""
    check_tensor(tensor, "normalize")
    return on_tensors.normalize(tensor, mean, std, inplace)


# ---- parts


def two_of(size):
    """(height, width) of what may be one number."""
    if isinstance(size, numbers.Number):
        return int(size), int(size)
    size = tuple(size)
    if len(size) not in (1, 2):
        raise ValueError(f"a size is a number or (height, width), not {size}")
    return size * 2 if len(size) == 1 else size


def hflip(img):
    """The image with left and right exchanged."""
    return functions_for(img).hflip(img)


def vflip(img):
    """The image with top and bottom exchanged."""
    return functions_for(img).vflip(img)


def crop(img, top, left, height, width):
    """A rectangle of the image; what lies outside is 0."""
    return functions_for(img).crop(img, top, left, height, width)


def center_crop(img, output_size):
    """The middle of the image; an image that is smaller gets a border of zeros."""
    part, whole = two_of(output_size), get_dimensions(img)[1:]
    # an odd pixel is to the right of an image that is too small
    top, left = [(b - a + 1) // 2 if a > b else round((b - a) / 2) for a, b in zip(part, whole)]
    return crop(img, top, left, *part)


PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def check_padding(padding, fill, mode):
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError(f"padding is a number, or 1, 2 or 4 of them, not a {type(padding).__name__}")
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError(f"fill is a number, or one for each channel, not a {type(fill).__name__}")
    if not isinstance(mode, str):
        raise TypeError(f"padding_mode is one of {PADDING_MODES}, not a {type(mode).__name__}")
    if mode not in PADDING_MODES:
        raise ValueError(f"there is no padding_mode {mode!r}; there are {', '.join(PADDING_MODES)}")
    if not isinstance(padding, numbers.Number) and len(padding) not in (1, 2, 4):
        raise ValueError(f"padding is a number, or 1, 2 or 4 of them, not {padding}")


def pad(img, padding, fill=0, padding_mode="constant"):
    """The image with a border; a negative one cuts off.

    padding       its width: one for all sides; (left and right, top and bottom); or (left, top, right, bottom)
    fill          what a constant border holds: a number, for an image of Pillow also one for each band
    padding_mode  "constant"; "edge", the outermost pixels; "reflect" or "symmetric", the mirrored image without or with
                  the outermost pixels
    """
    check_padding(padding, fill, padding_mode)
    padding = [padding] if isinstance(padding, numbers.Number) else list(padding)
    return functions_for(img).pad(img, tuple(padding * (4 // len(padding))), fill, padding_mode)


# ---- other places of pixels


def resize(img, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
    """The image in another size.

    size           (height, width); or one number, that of the shorter side, the other one in proportion
    interpolation  an InterpolationMode, or Pillow's number for it
    max_size       the longer side is at most this, where size is one number
    antialias      whether each new pixel is a mean of all old ones that it covers ("bilinear", "bicubic"); always so
                   with images of Pillow
    """
    interpolation = as_mode(interpolation)
    functions = functions_for(img)
    old = get_dimensions(img)[1:]
    new = resized(old, [size] if isinstance(size, int) else list(size), max_size)
    if new == old:
        return img
    if functions is on_images:
        if antialias is False:
            warnings.warn(
                "Pillow's images are always resized with antialiasing; antialias=False is for tensors", stacklevel=2
            )
        return on_images.resize(img, new, IN_PILLOW[interpolation], True)
    return on_tensors.resize(img, new, interpolation.value, antialias)


def resized(old, size, max_size):
    """The new [height, width]."""
    if len(size) not in (1, 2):
        raise ValueError(f"a size is a number or (height, width), not {size}")
    if len(size) == 2:
        if max_size is not None:
            raise ValueError(f"max_size is for a size that is one number, that of the shorter side, not for {size}")
        return size
    short, long = size[0], int(size[0] * max(old) / min(old))
    if max_size is not None:
        if max_size <= short:
            raise ValueError(
                f"max_size = {max_size}, for the longer side, must be more than size = {short}, for the shorter"
            )
        if long > max_size:
            short, long = int(max_size * short / long), max_size
    return [long, short] if old[1] <= old[0] else [short, long]


def resized_crop(img, top, left, height, width, size, interpolation=InterpolationMode.BILINEAR, antialias=True):
    """A rectangle of the image, resized."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def check_map(angle, center):
    if not isinstance(angle, (int, float)):
        raise TypeError(f"angle is a number of degrees, not a {type(angle).__name__}")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError(f"center is a pair (x, y), not a {type(center).__name__}")


def from_middle(center, img):
    """A place (x, y), from the upper left corner, as one from the middle of the image."""
    if center is None:
        return [0.0, 0.0]
    _, height, width = get_dimensions(img)
    return [center[0] - width * 0.5, center[1] - height * 0.5]


def inverse_matrix(center, angle, translate, scale, shear):
    """[a, b, c, d, e, f] such that the pixel (x, y) of the result is that at (a x + b y + c, d x + e y + f).

    The image is sheared along y by ψ and along x by φ, turned clockwise by α, scaled, all around `center`, and then
    moved. Without the scale that is [[p, q], [r, s]] with p = cos(α − ψ) / cos ψ, q = −p tan φ − sin α, r = sin(α − ψ)
    / cos ψ, s = −r tan φ + cos α, of determinant 1.
    """
    turn, x_shear, y_shear = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    p, r = math.cos(turn - y_shear) / math.cos(y_shear), math.sin(turn - y_shear) / math.cos(y_shear)
    q, s = -p * math.tan(x_shear) - math.sin(turn), -r * math.tan(x_shear) + math.cos(turn)
    a, b, d, e = [value / scale for value in (s, -q, -r, p)]
    x, y = -center[0] - translate[0], -center[1] - translate[1]
    return [a, b, a * x + b * y + center[0], d, e, d * x + e * y + center[1]]


def rotate(img, angle, interpolation=InterpolationMode.NEAREST, expand=False, center=None, fill=None):
    """The image turned counterclockwise by `angle` degrees.

    interpolation  an InterpolationMode, or Pillow's number for it
    expand         whether the result is so large that it holds the whole image (turned around its middle)
    center         (x, y) around which it is turned, from the upper left corner; by default the middle
    fill           what is around the turned image: a number, or one for each channel
    """
    interpolation = as_mode(interpolation)
    check_map(angle, center)
    if functions_for(img) is on_images:
        return on_images.rotate(img, angle, IN_PILLOW[interpolation], expand, center, fill)
    matrix = inverse_matrix(from_middle(center, img), -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    return on_tensors.rotate(img, matrix, interpolation.value, expand, fill)


def affine(img, angle, translate, scale, shear, interpolation=InterpolationMode.NEAREST, fill=None, center=None):
    """The image sheared, turned clockwise, scaled and moved.

    angle, shear  degrees; shear is one number, along x, or two
    translate     (x, y) in pixels
    scale         a positive number
    others        as in `rotate`
    """
    interpolation = as_mode(interpolation)
    check_map(angle, center)
    if not isinstance(translate, (list, tuple)):
        raise TypeError(f"translate is a pair (x, y), not a {type(translate).__name__}")
    if len(translate) != 2:
        raise ValueError(f"translate is a pair (x, y), not {translate}")
    if scale <= 0:
        raise ValueError(f"scale must be positive, and is {scale}")
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError(f"shear is one or two numbers of degrees, not a {type(shear).__name__}")
    shear = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)
    shear = shear * 2 if len(shear) == 1 else shear
    if len(shear) != 2:
        raise ValueError(f"shear is one or two numbers of degrees, not {shear}")
    if functions_for(img) is on_images:
        center = [img.width * 0.5, img.height * 0.5] if center is None else center
        return on_images.affine(
            img, inverse_matrix(center, angle, translate, scale, shear), IN_PILLOW[interpolation], fill
        )
    matrix = inverse_matrix(from_middle(center, img), angle, translate, scale, shear)
    return on_tensors.affine(img, matrix, interpolation.value, fill)


# ---- other values of pixels


def adjust_brightness(img, brightness_factor):
    """The image brightness_factor times as bright: 0 gives black."""
    return functions_for(img).adjust_brightness(img, brightness_factor)


def adjust_contrast(img, contrast_factor):
    """Differences to the mean brightness contrast_factor times as large: 0 gives gray."""
    return functions_for(img).adjust_contrast(img, contrast_factor)


def adjust_saturation(img, saturation_factor):
    """Differences to the shades of gray saturation_factor times as large: 0 gives a picture without colors."""
    return functions_for(img).adjust_saturation(img, saturation_factor)


def adjust_hue(img, hue_factor):
    """All colors moved along the circle of hues by hue_factor, from −0.5 to 0.5, of the whole."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor must be from -0.5 to 0.5, and is {hue_factor}")
    return functions_for(img).adjust_hue(img, hue_factor)


def rgb_to_grayscale(img, num_output_channels=1):
    """The image in shades of gray, 0.299 R + 0.587 G + 0.114 B, in 1 channel or 3 equal ones."""
    functions = functions_for(img)
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels is 1 or 3, not {num_output_channels}")
    return functions.rgb_to_grayscale(img, num_output_channels)


def to_grayscale(img, num_output_channels=1):
    """`rgb_to_grayscale` for images of Pillow."""
    if not is_image(img):
        raise TypeError(
            f"to_grayscale takes an image of Pillow, not a {type(img).__name__}; rgb_to_grayscale takes tensors"
        )
    return rgb_to_grayscale(img, num_output_channels)


def erase(img, i, j, h, w, v, inplace=False):
    """A tensor image with the values v in the rectangle of height h and width w whose upper left corner is (i, j)."""
    check_tensor(img, "erase")
    return on_tensors.erase(img, i, j, h, w, v, inplace)


def gaussian_blur(img, kernel_size, sigma=None):
    """The image blurred by a Gaussian.

    kernel_size  odd: one number, or (in x, in y)
    sigma        standard deviations: one number, or (in x, in y); by default 0.15 kernel_size + 0.35
    """
    if not isinstance(kernel_size, (int, list, tuple)):
        raise TypeError(f"kernel_size is an odd number, or two of them, not a {type(kernel_size).__name__}")
    kernel_size = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(kernel_size) != 2 or not all(size > 0 and size % 2 for size in kernel_size):
        raise ValueError(f"kernel_size is an odd number, or two of them, not {kernel_size}")
    sigma = [size * 0.15 + 0.35 for size in kernel_size] if sigma is None else sigma
    if not isinstance(sigma, (int, float, list, tuple)):
        raise TypeError(f"sigma is a positive number, or two of them, not a {type(sigma).__name__}")
    sigma = [float(sigma)] if isinstance(sigma, (int, float)) else list(sigma)
    sigma = sigma * 2 if len(sigma) == 1 else sigma
    if len(sigma) != 2 or min(sigma) <= 0:
        raise ValueError(f"sigma is a positive number, or two of them, not {sigma}")
    if functions_for(img) is on_tensors:
        return on_tensors.gaussian_blur(img, kernel_size, sigma)
    return to_pil_image(on_tensors.gaussian_blur(pil_to_tensor(img), kernel_size, sigma), mode=img.mode)
