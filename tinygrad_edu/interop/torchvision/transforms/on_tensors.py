"""The functions of `functional` on tensors (..., channels, height, width), by the library's own operations."""

import numpy as np

from .... import cat, clamp, floor, fmod, linspace, ones_like, stack, tensor, where, zeros_like
from ....dtypes import float32, float64
from ....nn import functional as F
from ....tensor import of_array
from .on_images import padded_places


def largest(dtype):
    """What stands for full intensity: the largest integer, or 1."""
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else 1


def get_dimensions(image):
    return [1 if image.ndim == 2 else image.shape[-3], *image.shape[-2:]]


def check_channels(image, name, permitted=(1, 3)):
    channels = get_dimensions(image)[0]
    if channels not in permitted:
        raise TypeError(
            f"{name} is for images of {' or '.join(map(str, permitted))} channels, and this one has {channels}"
        )


def hflip(image):
    return image.flip(-1)


def vflip(image):
    return image.flip(-2)


def crop(image, top, left, height, width):
    part = image[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    missing = [max(min(-left, width), 0), max(min(-top, height), 0)]
    missing += [width - part.shape[-1] - missing[0], height - part.shape[-2] - missing[1]]
    return pad(part, missing, 0, "constant") if any(missing) else part


def pad(image, sides, fill, mode):
    if isinstance(fill, (list, tuple)):
        raise TypeError("pad: fill is one number for a tensor; colors are for images of Pillow")
    left, top, right, bottom = sides
    if mode == "constant":
        return F.pad(image, (left, right, top, bottom), value=0 if fill is None else float(fill))
    if mode != "symmetric" and min(sides) >= 0 and image.ndim in (3, 4):
        return F.pad(image, (left, right, top, bottom), mode="replicate" if mode == "edge" else mode)
    rows = padded_places(image.shape[-2], (top, bottom), mode)
    columns = padded_places(image.shape[-1], (left, right), mode)
    return image[..., rows, :][..., columns]  # in two steps, the first of which copies whole rows


# ---- reading between the pixels


def as_batch(image, dtypes=(float32, float64)):
    """(images of a floating dtype and four dimensions, what brings a result back to the form of `image`)."""
    batch = image.unsqueeze(0) if image.ndim < 4 else image
    batch = batch if image.dtype in dtypes else batch.to(dtypes[0])

    def back(result):
        result = result.squeeze(0) if image.ndim < 4 else result
        if result.dtype == image.dtype:
            return result
        return (result.round() if image.dtype.kind in "iu" else result).to(image.dtype)

    return batch, back


def resize(image, size, interpolation, antialias):
    smooth = interpolation in ("bilinear", "bicubic")
    batch, back = as_batch(image)
    corners = False if smooth else None
    result = F.interpolate(batch, size, mode=interpolation, align_corners=corners, antialias=bool(antialias) and smooth)
    if interpolation == "bicubic" and image.dtype == np.uint8:
        result = result.clamp(0, 255)  # cubic curves overshoot
    return back(result)


def affine(image, matrix, interpolation, fill):
    return sampled(image, matrix, image.shape[-2:], interpolation, fill)


def rotate(image, matrix, interpolation, expand, fill):
    size = expanded(matrix, *image.shape[-2:]) if expand else image.shape[-2:]
    return sampled(image, matrix, size, interpolation, fill)


def expanded(matrix, height, width):
    """The height and width that hold the whole image after the map."""
    x, y = (
        np.float32([-0.5, -0.5, 0.5, 0.5]) * np.float32(width),
        np.float32([-0.5, 0.5, 0.5, -0.5]) * np.float32(height),
    )
    corners = np.stack([x, y, np.ones_like(x)], 1) @ np.float32(matrix).reshape(2, 3).T
    ends = [corners.min(0), corners.max(0)] + np.float32([width, height]) * np.float32(0.5)
    # to ten thousandths, so that rounding errors make no further pixel
    first, last = np.trunc(ends / np.float32(1e-4)) * np.float32(1e-4)
    columns, rows = np.ceil(last) - np.floor(first)
    return int(rows), int(columns)


def sampled(image, matrix, size, interpolation, fill):
    """The image whose pixel (x, y), from its middle, is that of `image` at the place matrix · (x, y, 1), from its
    middle."""
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"tensors are rotated with interpolation 'nearest' or 'bilinear', not {interpolation!r}")
    channels, height, width = get_dimensions(image)
    if isinstance(fill, (list, tuple)) and len(fill) not in (1, channels):
        raise ValueError(f"fill has {len(fill)} numbers, and the image has {channels} channels")
    dtype = image.dtype if image.dtype.kind == "f" else float32
    x, y = [np.arange(n) - (n - 1) / 2 for n in (size[1], size[0])]
    places = np.ones((*size, 3), dtype)
    places[..., 0], places[..., 1] = x, y[:, None]
    halves = np.array([0.5 * width, 0.5 * height], dtype)
    grid = places.reshape(-1, 3) @ (np.array(matrix, dtype).reshape(2, 3).T / halves)
    batch, back = as_batch(image, (dtype,))
    grid = of_array(grid.reshape(1, *size, 2), None).expand(batch.shape[0], *size, 2)
    if fill is None:
        return back(F.grid_sample(batch, grid, interpolation, "zeros", False))
    # a further channel of ones tells how much of each pixel comes from the image
    whole = F.grid_sample(cat([batch, ones_like(batch[:, :1])], 1), grid, interpolation, "zeros", False)
    result, share = whole[:, :-1], whole[:, -1:]
    fill = tensor(fill if isinstance(fill, (list, tuple)) else [fill], dtype=dtype).reshape(1, -1, 1, 1)
    if interpolation == "nearest":
        return back(where(share < 0.5, fill, result))
    return back(result * share + (1 - share) * fill)


def gaussian_blur(image, kernel_size, sigma):
    dtype = image.dtype if image.dtype.kind == "f" else float32
    column, row = bell(kernel_size[1], sigma[1], dtype), bell(kernel_size[0], sigma[0], dtype)
    kernel = (column[:, None] @ row[None]).expand(image.shape[-3], 1, kernel_size[1], kernel_size[0])
    batch, back = as_batch(image, (dtype,))
    x, y = kernel_size[0] // 2, kernel_size[1] // 2
    return back(F.conv2d(F.pad(batch, (x, x, y, y), mode="reflect"), kernel, groups=image.shape[-3]))


def bell(size, sigma, dtype):
    """The Gaussian of standard deviation `sigma` at `size` places around 0, of sum 1."""
    x = linspace(-(size - 1) * 0.5, (size - 1) * 0.5, steps=size, dtype=dtype)
    values = (-0.5 * (x / sigma) ** 2).exp()
    return values / values.sum()


# ---- colors


def rgb_to_grayscale(image, channels):
    if image.ndim < 3:
        raise TypeError(f"a tensor image has 3 or more dimensions (..., channels, height, width), not {image.ndim}")
    check_channels(image, "rgb_to_grayscale")
    if image.shape[-3] == 1:
        shades = image.clone()
    else:
        r, g, b = image.unbind(dim=-3)
        shades = (0.2989 * r + 0.587 * g + 0.114 * b).to(image.dtype).unsqueeze(-3)
    return shades.expand(image.shape) if channels == 3 else shades


def blend(image, other, factor):
    """factor · image + (1 − factor) · other, within the range of intensities."""
    factor = float(factor)
    return (factor * image + (1 - factor) * other).clamp(0, largest(image.dtype)).to(image.dtype)


def check_factor(image, factor, name):
    if factor < 0:
        raise ValueError(f"{name}: the factor cannot be negative, and is {factor}")
    check_channels(image, name)


def adjust_brightness(image, factor):
    check_factor(image, factor, "adjust_brightness")
    return blend(image, zeros_like(image), factor)


def adjust_contrast(image, factor):
    check_factor(image, factor, "adjust_contrast")
    shades = rgb_to_grayscale(image, 1) if get_dimensions(image)[0] == 3 else image
    dtype = image.dtype if image.dtype.kind == "f" else float32
    return blend(image, shades.to(dtype).mean(dim=(-3, -2, -1), keepdim=True), factor)


def adjust_saturation(image, factor):
    check_factor(image, factor, "adjust_saturation")
    return image if get_dimensions(image)[0] == 1 else blend(image, rgb_to_grayscale(image, 1), factor)


def adjust_hue(image, factor):
    check_channels(image, "adjust_hue")
    if get_dimensions(image)[0] == 1:
        return image
    hue, saturation, value = hue_saturation_value(convert_image_dtype(image, float32))
    return convert_image_dtype(from_hue((hue + factor) % 1.0, saturation, value), image.dtype)


def hue_saturation_value(image):
    """The hue from 0 to 1, the saturation and the value of an RGB image (Smith 1978)."""
    r, g, b = image.unbind(dim=-3)
    value = image.amax(dim=-3)
    span = value - image.amin(dim=-3)
    gray = span == 0
    saturation = span / where(gray, 1, value)
    divisor = where(gray, 1, span)
    to_r, to_g, to_b = (value - r) / divisor, (value - g) / divisor, (value - b) / divisor
    sixths = where(value == r, to_b - to_g, where(value == g, 2 + to_r - to_b, 4 + to_g - to_r))
    return fmod(sixths / 6 + 1, 1.0), saturation, value


def from_hue(hue, saturation, value):
    """The RGB image that has this hue, saturation and value."""
    sector = floor(hue * 6)
    part = hue * 6 - sector
    sector = sector % 6
    low = clamp(value * (1 - saturation), 0, 1)
    falling = clamp(value * (1 - saturation * part), 0, 1)
    rising = clamp(value * (1 - saturation * (1 - part)), 0, 1)
    courses = (  # of red, green and blue, through the six sectors of the circle of hues
        (value, falling, low, low, rising, value),
        (rising, value, value, falling, low, low),
        (low, low, rising, value, value, falling),
    )
    channels = []
    for course in courses:
        channel = course[5]
        for number in range(5):
            channel = where(sector == number, course[number], channel)
        channels.append(channel)
    return stack(channels, dim=-3)


# ---- values


def convert_image_dtype(image, dtype):
    old, new = np.dtype(image.dtype), np.dtype(dtype)
    if old == new:
        return image
    if new.kind == "f":
        return image.to(dtype) if old.kind == "f" else image.to(dtype) / float(largest(old))
    if old.kind == "f":
        if new.itemsize > 4 or new.itemsize == 4 and old.itemsize == 4:
            raise RuntimeError(f"{old} does not hold all integers of {new}, so that full intensity would overflow")
        return (image * (largest(new) + 1 - 1e-3)).to(dtype)  # equal parts of 0 ... 1 become the integers
    if largest(old) > largest(new):
        return (image // ((largest(old) + 1) // (largest(new) + 1))).to(dtype)
    return image.to(dtype) * ((largest(new) + 1) // (largest(old) + 1))


def normalize(image, mean, std, inplace):
    if image.dtype.kind != "f":
        raise TypeError(
            f"normalize takes a tensor of floating-point numbers, not {image.dtype}; ToTensor makes one of an image"
        )
    if image.ndim < 3:
        raise ValueError(
            f"normalize takes a tensor (..., channels, height, width), not one of shape {tuple(image.shape)}"
        )
    mean, std = [np.asarray(values, image.dtype) for values in (mean, std)]
    if not std.all():
        raise ValueError(f"normalize: a standard deviation is 0 in {image.dtype}, and nothing can be divided by it")
    mean, std = [values.reshape(-1, 1, 1) if values.ndim == 1 else values for values in (mean, std)]
    return image.sub_(mean).div_(std) if inplace else (image - mean) / std


def erase(image, top, left, height, width, value, inplace):
    result = image if inplace else image.clone()
    result[..., top : top + height, left : left + width] = value
    return result
