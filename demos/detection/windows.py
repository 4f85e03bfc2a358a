"""Sliding windows: a classifier of small crops, used at every place of a canvas.

The classifier has no padding and no layer for one size only: what would be a dense layer is a convolution whose kernel
is as large as its input. So it gives one answer for a crop of WINDOW × WINDOW pixels, and for a larger image a map of
answers, those for the windows at every STRIDE pixels. What the windows have in common is computed once (Sermanet et al.
2014, "OverFeat").
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, train
from tinygrad_edu.interop.torchvision.ops import box_convert
from tinygrad_edu.nn import functional as F

from .found import Found

WINDOW, STRIDE = 28, 4

BACKGROUND = 10
"""The class of a window in whose middle there is no digit of the right size."""

LEAST, MOST, NEAR = 15, 23, 3
"""The right size: pixels of a digit's longer side. In the middle: at most so many pixels away from it."""

BORDER, ZOOMS = 14, (1, 18 / 23)
"""A canvas gets a border, so that digits at its edge are in the middle of a window, too. It is searched as it is, and
made smaller, so that large digits have the right size."""

REACHES = 3, 20
"""Training crops lie around each digit, at most so many pixels away: at it, and anywhere near it."""


def network():
    """Images (B, 1, H, W) -> scores (B, 11, (H − 28) / 4 + 1, (W − 28) / 4 + 1)."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2),  # of a crop (B, 8, 12, 12)
        nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2),  # (B, 16, 4, 4)
        nn.Conv2d(16, 64, 4), nn.ReLU(),  # (B, 64, 1, 1): a dense layer, written as a convolution
        nn.Conv2d(64, 11, 1),
    )  # fmt: skip


def zoomed(pixels, zoom):
    """Canvases (N, 1, S, S) with their border, made smaller: (N, 1, (S + 28) · zoom, (S + 28) · zoom)."""
    pixels = F.pad(pixels, [BORDER] * 4)
    return F.interpolate(pixels, size=round(zoom * pixels.shape[-1]), mode="bilinear", antialias=True)


def crops(canvases, seed):
    """Windows to learn from (n, 1, 28, 28), and their classes (n, 1, 1)."""
    random = np.random.default_rng(seed)
    images, classes = [], []
    for zoom in ZOOMS:
        for image, boxes, labels in zip(zoomed(canvases.pixels, zoom).numpy()[:, 0], canvases.boxes, canvases.labels):
            middles, sides = np.split(zoom * box_convert(boxes + BORDER, "xyxy", "cxcywh").numpy(), 2, 1)  # (k, 2)
            fits = (LEAST <= sides.max(1)) & (sides.max(1) <= MOST)
            places = np.concatenate([middles + random.uniform(-reach, reach, middles.shape) for reach in REACHES])
            corners = (places - WINDOW / 2).round().clip(0, len(image) - WINDOW).astype(int)  # (2 k, 2)
            away = abs(corners[:, None] + WINDOW / 2 - middles).max(2)  # (2 k, k)
            away[:, ~fits] = np.inf
            classes.append(np.where(away.min(1) <= NEAR, labels.numpy()[away.argmin(1)], BACKGROUND))
            images.extend(image[top : top + WINDOW, left : left + WINDOW] for left, top in corners)
    return tg.tensor(np.stack(images)[:, None]), tg.tensor(np.concatenate(classes)[:, None, None])


def usual_sides(canvases):
    """The mean width and height (10, 2) of each digit, as parts of its longer side: all that is known of its box."""
    boxes = box_convert(tg.cat(canvases.boxes), "xyxy", "cxcywh")
    labels, sides = tg.cat(canvases.labels).numpy(), boxes.numpy()[:, 2:]
    sides = sides / sides.max(1, keepdims=True)
    return np.stack([sides[labels == digit].mean(0) for digit in range(10)])


def together(model, images):
    """The scores (N, 11, rows, columns) of all windows of images (N, 1, H, W), as one convolution."""
    return train.predict(model, images)


@tg.no_grad()
def one_by_one(model, images):
    """The same, each window being cut out."""
    views = np.lib.stride_tricks.sliding_window_view(images.numpy(), (WINDOW, WINDOW), (2, 3))[:, :, ::STRIDE, ::STRIDE]
    crops = tg.tensor(views).permute(0, 2, 3, 1, 4, 5)  # (N, rows, columns, 1, 28, 28)
    scores = [model(crop.unsqueeze(0)).flatten() for crop in crops.flatten(0, 2)]
    return tg.stack(scores, 1).reshape(-1, *crops.shape[:3]).permute(1, 0, 2, 3)


def heat(model, pixels):
    """The probability that there is a digit in each window of canvases: (N, rows, columns) for each zoom."""
    return [1 - together(model, zoomed(pixels, zoom)).softmax(1)[:, BACKGROUND] for zoom in ZOOMS]


def search(model, sides, pixels):
    """What is in the windows of canvases (N, 1, S, S), a digit for each window: a list of Found.

    sides  of the digits, from `usual_sides`
    """
    parts = []
    for zoom in ZOOMS:
        p, digits = together(model, zoomed(pixels, zoom)).softmax(1)[:, :BACKGROUND].max(1)  # (N, rows, columns)
        y, x = np.indices(digits.shape[1:]) * STRIDE + WINDOW / 2
        middles = np.broadcast_to(np.stack([x, y], -1) / zoom - BORDER, (*digits.shape, 2))
        boxes = np.concatenate([middles, sides[digits.numpy()] * (LEAST + MOST) / 2 / zoom], -1).astype(np.float32)
        boxes = box_convert(tg.tensor(boxes), "cxcywh", "xyxy")  # (N, rows, columns, 4)
        parts.append([boxes.flatten(1, 2), p.flatten(1), digits.flatten(1)])
    return [Found(*one) for one in zip(*[tg.cat(part, 1) for part in zip(*parts)])]
