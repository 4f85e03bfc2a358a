"""Canvases on which digits are scattered, with the box and the number of each."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.interop.torchvision.ops import masks_to_boxes
from tinygrad_edu.nn import functional as F

INK, MARGIN, TRIES = 0.2, 2, 50
"""From which value on a pixel is part of a digit; by how many pixels boxes may overlap; how often a place is tried."""


class Canvases:
    """Pictures of digits, and what is on them.

    pixels  float32 (N, 1, size, size), 0 is paper and 1 ink
    boxes   for each canvas a float32 tensor (k, 4): left, top, right and bottom of its digits, in pixels
    labels  for each canvas an int64 tensor (k,): which digits they are
    """

    def __init__(self, pixels, boxes, labels):
        self.pixels, self.boxes, self.labels = pixels, boxes, labels

    def __len__(self):
        return len(self.pixels)

    def first(self, count):
        return Canvases(self.pixels[:count], self.boxes[:count], self.labels[:count])


def scatter(images, labels, count, size, digits=(1, 2, 3, 4, 5), sides=(22, 39), seed=0):
    """Canvases with random digits at random places, which hardly overlap. The same seed gives the same canvases.

    images, labels  (N, 28, 28) and (N,), of which the digits are drawn
    count, size     how many canvases, and how many pixels high and wide they are
    digits          how many digits a canvas may get, all equally likely; one for which no place is found is left out
    sides           (least, most) pixels, at most `size`, to which the sides of the images are enlarged or reduced
    """
    random = np.random.default_rng(seed)
    wanted = random.choice(digits, count)
    chosen = random.integers(len(images), size=wanted.sum())
    drawings = resized(images[tg.tensor(chosen)], random.integers(sides[0], sides[1] + 1, len(chosen)))
    numbers = labels.numpy()[chosen]

    canvases = np.zeros((count, 1, size, size), np.float32)
    boxes, names = [], []
    for canvas, group in zip(canvases[:, 0], np.split(np.arange(len(chosen)), wanted.cumsum()[:-1])):
        placed, kept = [], []
        for i in group:
            height, width = drawings[i].shape
            box = free_place(width, height, size, placed, random)
            if box is not None:
                left, top, right, bottom = box
                canvas[top:bottom, left:right] = np.maximum(canvas[top:bottom, left:right], drawings[i])
                placed.append(box)
                kept.append(i)
        boxes.append(tg.tensor(placed, dtype=tg.float32).reshape(-1, 4))
        names.append(tg.tensor(numbers[kept]))
    return Canvases(tg.tensor(canvases), boxes, names)


def resized(images, sides):
    """A list of what is drawn on each of the images (N, 28, 28) after it has been resized to its side: an array (h, w)
    without the empty border."""
    drawings = [None] * len(images)
    for side in np.unique(sides):
        here = np.flatnonzero(sides == side)
        squares = F.interpolate(images[tg.tensor(here)].unsqueeze(1), size=int(side), mode="bilinear").squeeze(1)
        ends = masks_to_boxes(squares > INK).numpy().astype(int)  # first and last column and row
        for i, square, (x1, y1, x2, y2) in zip(here, squares.numpy(), ends):
            drawings[i] = square[y1 : y2 + 1, x1 : x2 + 1]
    return drawings


def free_place(width, height, size, placed, random):
    """A box of this size, (left, top, right, bottom), at a random place of a canvas, which hardly overlaps those that
    are placed; None if none is found."""
    for _ in range(TRIES):
        left, top = int(random.integers(size - width + 1)), int(random.integers(size - height + 1))
        box = left, top, left + width, top + height
        if all(overlap(box, other) <= MARGIN for other in placed):
            return box
    return None


def overlap(a, b):
    """The shorter side of what two boxes both cover."""
    return min(min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1]))
