"""Boxes, `torchvision.ops`: against stored numbers of torchvision, plain loops and derivatives, and their errors."""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import check
from tinygrad_edu.interop.torchvision import ops
from tinygrad_edu.interop.torchvision.ops import boxes as module

N = np.arange(48)
CORNERS = np.stack([20 + 15 * np.sin(N * 1.3), 20 + 15 * np.cos(N * N * 0.7)], 1)
SIDES = np.stack([8 + 5 * np.sin(N * 2.1), 9 + 6 * np.cos(N * 0.9)], 1)
BOXES = tg.tensor(np.concatenate([CORNERS, CORNERS + SIDES], 1))
SCORES = tg.tensor(0.5 + 0.5 * np.sin(N * 0.77))
CATEGORIES = tg.tensor(N * N % 3)
NAMES = {name: getattr(ops, name) for name in ops.__all__}

STORED = {
    'box_convert(BOXES, "xyxy", "xywh")': 12.79685,
    'box_convert(BOXES, "xyxy", "cxcywh")': 9.93197,
    'box_convert(BOXES, "xywh", "xyxy")': 27.50064,
    'box_convert(BOXES, "xywh", "cxcywh")': 21.92445,
    'box_convert(BOXES, "cxcywh", "xyxy")': 20.29115,
    'box_convert(BOXES, "cxcywh", "xywh")': 18.37304,
    "box_area(BOXES)": -82.03723,
    'box_area(BOXES, "xywh")': 1177.18879,
    "box_iou(BOXES[:30], BOXES[30:])": 0.6388,
    'box_iou(BOXES[:30], BOXES[30:], "cxcywh")': 2.90338,
    "generalized_box_iou(BOXES[:30], BOXES[30:])": 3.61505,
    "clip_boxes_to_image(BOXES, (30, 25))": -27.37305,
    "masks_to_boxes(BOXES.reshape(8, 4, 6).sin() > 0.8)": -1.57207,
}
"""expression -> Σ value · cos(number of the value), of torchvision 0.28, whose also the following are."""

LARGE = [0, 1, 6, 7, 9, 12, 13, 15, 16, 19, 21, 22, 27, 28, 30, 33, 34, 36, 37, 40, 42, 43]
KEPT = [
    2, 43, 10, 35, 18, 27, 26, 34, 11, 42, 3, 1, 36, 17, 25, 20, 12, 41, 4, 45, 8, 29, 24, 32, 13, 40, 5, 46, 38, 15,
    23, 31, 14, 39,
]  # fmt: skip
KEPT_OF_CATEGORIES = [
    2, 43, 10, 35, 18, 27, 26, 19, 34, 11, 42, 3, 1, 36, 17, 28, 25, 20, 12, 41, 4, 45, 8, 37, 29, 24, 21, 32, 13, 40,
    5, 46, 7, 38, 30, 23, 31, 14, 39,
]  # fmt: skip


@pytest.mark.parametrize("expression", STORED)
def test_numbers_of_torchvision(expression):
    values = eval(expression, {**NAMES, "BOXES": BOXES}).numpy().astype(float).ravel()
    assert abs(values @ np.cos(np.arange(values.size)) - STORED[expression]) < 1e-5


def test_what_torchvision_keeps():
    assert ops.remove_small_boxes(BOXES, 6.0).tolist() == LARGE
    assert ops.nms(BOXES, SCORES, 0.3).tolist() == KEPT
    assert ops.batched_nms(BOXES, SCORES, CATEGORIES, 0.3).tolist() == KEPT_OF_CATEGORIES


# ---- against plain loops


def drawn(random, *shape, dtype=np.float64):
    """Boxes with whole numbers, of which many share edges, and some are empty."""
    corners = random.integers(-5, 6, (*shape, 2))
    return np.concatenate([corners, corners + random.integers(0, 12, (*shape, 2))], -1).astype(dtype)


def iou(a, b):
    """By counting pixels."""
    cover = [{(x, y) for x in range(int(c[0]), int(c[2])) for y in range(int(c[1]), int(c[3]))} for c in (a, b)]
    union = len(cover[0] | cover[1])
    return len(cover[0] & cover[1]) / union if union else float("nan")


def kept(boxes, scores, categories, threshold):
    """Non-maximum suppression as one would do it by hand."""
    left, result = sorted(range(len(boxes)), key=lambda i: -scores[i]), []
    while left:
        best = left.pop(0)
        result.append(best)
        left = [i for i in left if not (categories[i] == categories[best] and iou(boxes[i], boxes[best]) > threshold)]
    return result


@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "uint8"])
def test_overlaps_by_a_loop(dtype):
    random = np.random.default_rng(0)
    a, b = [(drawn(random, *shape) + 5).astype(dtype) for shape in ((2, 9), (12,))]
    a[0, 0], b[0] = (1, 2, 1, 5), (3, 3, 9, 3)  # both without area
    expected = [[[iou(box, other) for other in b] for box in boxes] for boxes in a]
    result = ops.box_iou(tg.tensor(a), tg.tensor(b))
    assert result.shape == (2, 9, 12) and np.allclose(result.numpy(), expected, rtol=1e-6, equal_nan=True)
    assert np.isnan(expected).any() and (np.array(expected) > 0.05).sum() > 9


@pytest.mark.parametrize("dtype", [tg.uint8, tg.int16, tg.float16])
def test_areas_fit(dtype):
    assert ops.box_area(tg.tensor([[0, 2, 250, 252]], dtype=dtype)).tolist() == [62500]


@pytest.mark.parametrize("block", [1, 3, 128])
def test_suppression_by_a_loop(block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    random, dropped = np.random.default_rng(block), 0
    for count in (0, 1, 2, *[12] * 10):
        boxes, scores, categories = drawn(random, count), random.integers(0, 6, count) / 5, random.integers(0, 2, count)
        for threshold in (0, 1 / 3, 0.5, 1):
            tensors = tg.tensor(boxes), tg.tensor(scores)
            expected = kept(boxes, scores, [0] * count, threshold)
            result = ops.nms(*tensors, threshold)
            assert result.tolist() == expected and result.dtype == tg.int64
            expected = kept(boxes, scores, categories, threshold)
            assert ops.batched_nms(*tensors, tg.tensor(categories), threshold).tolist() == expected
            dropped += count - len(expected)
    assert dropped > 50


def test_a_threshold_is_not_rounded():
    boxes, scores = tg.tensor([[0.0, 0, 3, 1], [0, 0, 1, 1]]), tg.tensor([1.0, 0.5])
    assert ops.box_iou(boxes, boxes)[0, 1] == tg.tensor(1 / 3)  # which is more than 1 / 3
    assert ops.nms(boxes, scores, 1 / 3).tolist() == [0]


def test_masks():
    masks = tg.zeros(4, 5, 7)
    masks[0, 1:3, 2:6] = 1
    masks[1, 4, 0] = masks[1, 0, 6] = -2.0
    masks[2] = 1
    expected = [[2, 1, 5, 2], [0, 0, 6, 4], [0, 0, 6, 4], [0, 0, 0, 0]]
    assert ops.masks_to_boxes(masks).tolist() == ops.masks_to_boxes(masks != 0).tolist() == expected
    assert ops.masks_to_boxes(masks[:0]).shape == ops.masks_to_boxes(tg.zeros(3, 0, 2)).shape == (0, 4)


# ---- derivatives


@pytest.mark.parametrize("function", [
    lambda a, b: ops.box_iou(a, b), lambda a, b: ops.generalized_box_iou(a, b), lambda a, b: ops.box_area(a),
    lambda a, b: ops.box_convert(a, "xyxy", "cxcywh"), lambda a, b: ops.clip_boxes_to_image(a, (20, 30)),
])  # fmt: skip
def test_derivatives(function):
    a, b = BOXES[:5].clone().requires_grad_(), BOXES[20:24].clone().requires_grad_()
    check.assert_gradients(function, a, b)


def test_indices_have_none():
    boxes = BOXES.clone().requires_grad_()
    assert not ops.nms(boxes, SCORES.clone().requires_grad_(), 0.5).requires_grad


def test_nothing_that_is_given_is_changed():
    boxes, scores = BOXES.clone(), SCORES.clone()
    ops.nms(boxes, scores, 0.3)
    same = ops.box_convert(boxes, "xyxy", "xyxy")
    same += 1
    assert (boxes == BOXES).all() and (scores == SCORES).all()


# ---- errors


@pytest.mark.parametrize("expression, says", [
    ("box_area([1, 2, 3, 4])", r"takes a tensor of boxes \(\.\.\., 4\), not a list"),
    ("box_iou(BOXES[:, :3], BOXES)", r"box_iou takes a tensor of boxes \(\.\.\., N, 4\), not shape \(48, 3\)"),
    ("box_iou(BOXES[0], BOXES)", r"not shape \(4,\)"),
    ('box_iou(BOXES, BOXES, "xywhr")', "no format 'xywhr' of boxes; there are xyxy, xywh, cxcywh"),
    ('box_convert(BOXES, "xyxy", "yxyx")', "no format 'yxyx'"),
    ('box_convert(BOXES, "yxyx", "xyxy")', "no format 'yxyx'"),
    ('box_area(BOXES, "yxyx")', "no format 'yxyx'"),
    ("generalized_box_iou(BOXES, BOXES[0])", r"not shape \(4,\)"),
    ("nms(BOXES.reshape(2, 24, 4), SCORES, 0.5)", r"nms takes a tensor of boxes \(N, 4\), not shape \(2, 24, 4\)"),
    ("nms(BOXES, SCORES[:9], 0.5)", r"a number for each of 48 boxes, not shape \(9,\)"),
    ("nms(BOXES, list(SCORES), 0.5)", "a number for each of 48 boxes, not a list"),
    ("nms(BOXES, SCORES, 50)", "from 0 to 1, not 50; for 50 percent write 0.5"),
    ("nms(BOXES, SCORES, float('nan'))", "not nan"),
    ("nms(BOXES / 0 * 0, SCORES, 0.5)", "box 0 or its score is NaN"),
    ("nms(BOXES, (SCORES - 0.6).log(), 0.5)", "box 0 or its score is NaN"),
    ("batched_nms(BOXES, SCORES, CATEGORIES[1:], 0.5)", r"a category for each of 48 boxes, not shape \(47,\)"),
    ("batched_nms(BOXES, SCORES, 1, 0.5)", "not a int"),
    ("remove_small_boxes(BOXES[0], 1)", r"\(N, 4\), not shape \(4,\)"),
    ("clip_boxes_to_image(BOXES, 30)", r"size is the image's \(height, width\), not 30"),
    ("masks_to_boxes(BOXES)", r"masks \(N, height, width\), not shape \(48, 4\)"),
])  # fmt: skip
def test_errors(expression, says):
    with pytest.raises(ValueError, match=says):
        eval(expression, {**NAMES, "BOXES": BOXES, "SCORES": SCORES, "CATEGORIES": CATEGORIES})


def test_programs_for_torchvision():
    code = """
from tinygrad_edu.interop import torch; torch.install()
import torch, torchvision
from torchvision.ops.boxes import box_iou
boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.0]])
print(box_iou(boxes, boxes)[0, 1].item(), torchvision.ops.nms(boxes, torch.tensor([0.1, 0.9]), 0.4))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0.5 tensor([1])\n"
