"""Many images as one, and saved to a file."""

import math
import os

from ... import cat, stack
from ...grad_mode import no_grad
from ...serialization.files import opened_for_writing
from ...tensor import Tensor
from .pillow import pillow

__all__ = ["make_grid", "save_image"]


@no_grad()
def make_grid(tensor, nrow=8, padding=2, normalize=False, value_range=None, scale_each=False, pad_value=0.0):
    """Images side by side, as one tensor (channels, height, width).

    tensor       (number, channels, height, width), one image, or a list of images of equal shapes; shades of gray, of
                 one channel, become three equal ones
    nrow         how many are in a row
    padding      pixels between them, and around all
    normalize    whether values are moved and stretched to the range from 0 to 1
    value_range  (lowest, highest), which become 0 and 1; by default those of the images
    scale_each   whether this is done for each image by itself
    pad_value    what is between the images

    A single image is returned without a border.
    """
    if isinstance(tensor, list) and all(isinstance(image, Tensor) for image in tensor):
        tensor = stack(tensor)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"make_grid takes a tensor or a list of tensors, not a {type(tensor).__name__}")
    images = tensor if tensor.ndim > 2 else tensor.unsqueeze(0)
    images = images if images.ndim > 3 else images.unsqueeze(0)
    if images.ndim != 4:
        raise ValueError(f"make_grid takes images (number, channels, height, width), not shape {tuple(tensor.shape)}")
    if images.shape[1] == 1:
        images = cat([images] * 3, 1)
    if normalize:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError(f"value_range is a tuple (lowest, highest), not a {type(value_range).__name__}")
        images = images.clone()
        for part in images if scale_each else [images]:
            low, high = value_range or (part.min().item(), part.max().item())
            part.clamp_(low, high).sub_(low).div_(max(high - low, 1e-5))
    count, channels, height, width = images.shape
    if count == 1:
        return images.squeeze(0)
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    height, width = height + padding, width + padding
    grid = images.new_full((channels, rows * height + padding, columns * width + padding), pad_value)
    for number in range(count):
        top, left = number // columns * height + padding, number % columns * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = images[number]
    return grid


@no_grad()
def save_image(tensor, fp, format=None, **kwargs):
    """Write a tensor of numbers from 0 to 1 to a file, several images as one by `make_grid`.

    fp      a path, or a binary file
    format  Pillow's name for it, for example "PNG"; by default the one that belongs to the ending of the path
    kwargs  for `make_grid`

    A path never holds half an image: the file is written beside it and then takes its place.
    """
    grid = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to("cpu", "uint8").numpy()
    image = pillow()
    picture = image.fromarray(pixels)
    if format is None and not hasattr(fp, "write"):
        ending = os.path.splitext(os.fsdecode(fp))[1].lower()
        format = image.registered_extensions().get(ending)
        if format is None:
            raise ValueError(
                f"save_image: {ending!r} is not the ending of a format of images; end the path in .png, or give format"
            )
    with opened_for_writing(fp) as file:
        picture.save(file, format=format)
