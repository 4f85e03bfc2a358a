"""Operations of computer vision: on boxes, all that there is here of torchvision's."""

from . import boxes
from .boxes import (
    batched_nms, box_area, box_convert, box_iou, clip_boxes_to_image, generalized_box_iou, masks_to_boxes, nms,
    remove_small_boxes,
)  # fmt: skip

__all__ = [
    "batched_nms", "box_area", "box_convert", "box_iou", "boxes", "clip_boxes_to_image", "generalized_box_iou",
    "masks_to_boxes", "nms", "remove_small_boxes",
]  # fmt: skip
