"""Boxes around things in images: their formats, areas, overlaps, and which of many to keep.

A box is four numbers of pixels in the last dimension, by default "xyxy": left x₁, top y₁, right x₂ and bottom y₂, with
x₁ ≤ x₂ and y₁ ≤ y₂, which nothing checks: where it does not hold, areas and overlaps mean nothing. Other formats are
"xywh", left, top, width and height, and "cxcywh", the middle, width and height. All functions of boxes but those that
choose some of them are differentiable.
"""

import numpy as np

from .... import cat, clamp, maximum, minimum, stack, zeros
from ....dtypes import float32, int32
from ....tensor import Tensor, of_array

__all__ = [
    "batched_nms", "box_area", "box_convert", "box_iou", "clip_boxes_to_image", "generalized_box_iou", "masks_to_boxes",
    "nms", "remove_small_boxes",
]  # fmt: skip

FORMATS = "xyxy", "xywh", "cxcywh"

BLOCK = 128
"""Of so many boxes `nms` computes at once how they overlap the worse ones."""

# ---- formats


def box_convert(boxes, in_fmt, out_fmt):
    """Boxes (..., 4) of one format in another: "xyxy", "xywh" or "cxcywh". Always a new tensor."""
    check_boxes("box_convert", boxes)
    check_format("box_convert", in_fmt)
    check_format("box_convert", out_fmt)
    if in_fmt == out_fmt:
        return boxes.clone()
    a, b, c, d = boxes.unbind(-1)
    if in_fmt == "xywh":
        a, b, c, d = a, b, a + c, b + d
    elif in_fmt == "cxcywh":
        a, b, c, d = a - 0.5 * c, b - 0.5 * d, a + 0.5 * c, b + 0.5 * d
    if out_fmt == "xywh":
        a, b, c, d = a, b, c - a, d - b
    elif out_fmt == "cxcywh":
        a, b, c, d = (a + c) / 2, (b + d) / 2, c - a, d - b
    return stack([a, b, c, d], -1)


def masks_to_boxes(masks):
    """The boxes (N, 4), float32, around what is not 0 in masks (N, height, width): (x₁, y₁) is the first pixel and
    (x₂, y₂) the last one, so that the width in pixels is x₂ − x₁ + 1. An empty mask has the box (0, 0, 0, 0)."""
    if not isinstance(masks, Tensor) or masks.ndim != 3:
        raise ValueError(f"masks_to_boxes takes a tensor of masks (N, height, width), not {described(masks)}")
    inked = masks.array != 0
    if not inked.size:
        return zeros(0, 4)
    columns, rows = inked.any(1), inked.any(2)  # (N, width), (N, height): whether there is anything in it
    first = [line.argmax(1) for line in (columns, rows)]
    last = [line.shape[1] - 1 - line[:, ::-1].argmax(1) for line in (columns, rows)]
    boxes = np.stack([*first, *last], 1) * inked.any((1, 2))[:, None]
    return of_array(boxes.astype(np.float32), None)


# ---- areas and overlaps


def box_area(boxes, fmt="xyxy"):
    """The areas (...) of boxes (..., 4)."""
    check_boxes("box_area", boxes)
    check_format("box_area", fmt)
    boxes = widened(boxes)
    return areas(boxes) if fmt == "xyxy" else boxes[..., 2] * boxes[..., 3]


def box_iou(boxes1, boxes2, fmt="xyxy"):
    """Intersection over union of each pair of boxes: (..., N, 4) and (..., M, 4) give (..., N, M), from 0 to 1.

    IoU(A, B) = |A ∩ B| / |A ∪ B|, the areas of what both cover and of what at least one covers; 1 if they are the same
    box, 0 if they do not meet. Two boxes without area at all have NaN.
    """
    pair = [checked("box_iou", boxes) for boxes in (boxes1, boxes2)]
    intersection, union = intersection_and_union(*[box_convert(boxes, fmt, "xyxy") for boxes in pair])
    return intersection / union


def generalized_box_iou(boxes1, boxes2):
    """IoU of each pair less the part of C, the smallest box around both, that neither covers.

    IoU(A, B) − (|C| − |A ∪ B|) / |C|, from −1 to 1. Unlike IoU it tells boxes that are far apart from those that nearly
    meet, so that its gradient brings them together (Rezatofighi et al. 2019, "Generalized intersection over union").
    Shapes as for `box_iou`.
    """
    a, b = [checked("generalized_box_iou", boxes) for boxes in (boxes1, boxes2)]
    intersection, union = intersection_and_union(a, b)
    a, b = a[..., :, None, :], b[..., None, :, :]
    around = areas(cat([minimum(a[..., :2], b[..., :2]), maximum(a[..., 2:], b[..., 2:])], -1))
    return intersection / union - (around - union) / around


def intersection_and_union(a, b):
    """The areas (..., N, M) of A ∩ B and A ∪ B for boxes A (..., N, 4) and B (..., M, 4)."""
    areas_a, areas_b = areas(a)[..., :, None], areas(b)[..., None, :]
    a, b = a[..., :, None, :], b[..., None, :, :]
    sides = clamp(minimum(a[..., 2:], b[..., 2:]) - maximum(a[..., :2], b[..., :2]), min=0)
    intersection = sides[..., 0] * sides[..., 1]
    return intersection, areas_a + areas_b - intersection


def areas(boxes):
    """The areas (...) of boxes (..., 4)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def clip_boxes_to_image(boxes, size):
    """Boxes (..., 4) without what lies outside an image of `size`, (height, width)."""
    check_boxes("clip_boxes_to_image", boxes)
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ValueError(f"clip_boxes_to_image: size is the image's (height, width), not {size!r}")
    height, width = size
    x1, y1, x2, y2 = boxes.unbind(-1)
    return stack([x1.clamp(0, width), y1.clamp(0, height), x2.clamp(0, width), y2.clamp(0, height)], -1)


# ---- which boxes to keep


def remove_small_boxes(boxes, min_size):
    """The numbers, int64 (K,), of those boxes (N, 4) whose width and height are at least `min_size`."""
    check_boxes("remove_small_boxes", boxes, exactly=2)
    x1, y1, x2, y2 = boxes.array.T
    return of_array(np.flatnonzero((x2 - x1 >= min_size) & (y2 - y1 >= min_size)), None)


def nms(boxes, scores, iou_threshold):
    """Non-maximum suppression: the numbers, int64 (K,), of the boxes to keep, those with the best scores first.

    boxes          (N, 4), "xyxy"
    scores         (N,); of equal ones the first counts as the better
    iou_threshold  from 0 to 1

    The box with the best score is kept, and all whose IoU with it is greater than the threshold are dropped, since they
    are taken for further boxes around the same thing; then the same with the rest, until none is left.
    """
    return suppressed("nms", boxes, scores, None, iou_threshold)


def batched_nms(boxes, scores, idxs, iou_threshold):
    """`nms` for each category by itself: a box drops none of another category.

    idxs  (N,), the category of each box: of what class it is, or from which image
    """
    return suppressed("batched_nms", boxes, scores, idxs, iou_threshold)


def suppressed(name, boxes, scores, categories, threshold):
    """`nms` with categories, or without any."""
    check_boxes(name, boxes, exactly=2)
    if not isinstance(scores, Tensor) or scores.shape != boxes.shape[:1]:
        raise ValueError(f"{name}: scores has a number for each of {len(boxes)} boxes, not {described(scores)}")
    if categories is not None and (not isinstance(categories, Tensor) or categories.shape != scores.shape):
        raise ValueError(f"{name}: idxs has a category for each of {len(boxes)} boxes, not {described(categories)}")
    if not 0 <= threshold <= 1:
        raise ValueError(f"{name}: iou_threshold is a number from 0 to 1, not {threshold}; for 50 percent write 0.5")
    unknown = np.flatnonzero(np.isnan(boxes.array).any(1) | np.isnan(scores.array))
    if len(unknown):
        raise ValueError(f"{name}: box {unknown[0]} or its score is NaN, which is neither better nor worse than others")
    order = scores.argsort(descending=True, stable=True)  # from here on boxes go by their rank
    boxes = boxes.detach()[order]
    categories = None if categories is None else categories[order].array
    dropped, kept = np.zeros(len(boxes), bool), []
    for start in range(0, len(boxes), BLOCK):
        block = slice(start, start + BLOCK)
        drops = box_iou(boxes[block], boxes[start:]).array > np.float64(threshold)  # which float32 would round
        if categories is not None:
            drops &= categories[block, None] == categories[start:]
        for rank, row in enumerate(drops, start):
            if not dropped[rank]:
                kept.append(rank)
                dropped[start:] |= row
    return of_array(order.array[kept], None)


# ---- checks


def widened(boxes):
    """Half precision as float32, short integers as int32: there differences have their sign, and areas fit."""
    if boxes.dtype.itemsize >= float32.itemsize:
        return boxes
    return boxes.to(float32 if boxes.is_floating_point() else int32)


def checked(name, boxes):
    """Sets of boxes (..., N, 4), wide enough for areas."""
    check_boxes(name, boxes, at_least=2)
    return widened(boxes)


def check_format(name, fmt):
    if fmt not in FORMATS:
        raise ValueError(f"{name}: there is no format {fmt!r} of boxes; there are {', '.join(FORMATS)}")


def check_boxes(name, boxes, at_least=1, exactly=None):
    """Raise unless it is a tensor with four numbers in its last dimension, and of so many dimensions."""
    fits = isinstance(boxes, Tensor) and boxes.ndim >= at_least and boxes.shape[-1] == 4
    if not fits or exactly not in (None, boxes.ndim):
        shape = "(N, 4)" if exactly else "(..., N, 4)" if at_least == 2 else "(..., 4)"
        raise ValueError(f"{name} takes a tensor of boxes {shape}, not {described(boxes)}")


def described(value):
    """What was given instead: "shape (3, 5)" or "a list"."""
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
