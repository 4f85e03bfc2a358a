"""Networks that say for each cell of a grid whether the middle of a digit is in it, where, how large it is, and which.

Of each cell a network gives OUTPUTS numbers: the logit of p, the probability that there is a digit; its box; the scores
of the ten digits. The box is (bx, by, bw, bh): where its middle is in the cell, from (0, 0) at the top left to (1, 1),
and its width and height, measured in cells. With a single cell, the whole canvas, this is classification with
localization; with many it is a single-shot detector in the form of YOLO (Redmon et al. 2016, "You only look once") with
one box for each cell.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.interop.torchvision.ops import box_convert
from tinygrad_edu.nn import functional as F

from .found import Found

DIGITS = 10
OUTPUTS = 1 + 4 + DIGITS

BOX_WEIGHT = 3
"""Of the errors of boxes in the loss."""


class Grid(nn.Module):
    """Layers of which the last has OUTPUTS channels: canvases (B, 1, H, W) -> (B, rows, columns, OUTPUTS)."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x).permute(0, 2, 3, 1)


def convolution(inputs, outputs, kernel=3, stride=1):
    """Three layers; height and width are divided by the stride."""
    padding = (kernel - 1) // 2
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


def localizer():
    """Canvases of 40 × 40 pixels, one cell each."""
    return Grid(
        *convolution(1, 24, 6, 4), *convolution(24, 48), nn.MaxPool2d(2),  # (B, 48, 5, 5)
        *convolution(48, 48), nn.MaxPool2d(2, ceil_mode=True),  # (B, 48, 3, 3)
        nn.Conv2d(48, 128, 3), nn.ReLU(),  # (B, 128, 1, 1): a dense layer, written as a convolution
        nn.Conv2d(128, OUTPUTS, 1),
    )  # fmt: skip


def detector():
    """Cells of 8 × 8 pixels, each judged by the 47 × 47 pixels around it."""
    return Grid(
        *convolution(1, 8, 5, 2), *convolution(8, 16, 3, 2), *convolution(16, 48, 3, 2),  # (B, 48, H / 8, W / 8)
        *convolution(48, 48), *convolution(48, 48), nn.Conv2d(48, OUTPUTS, 1),
    )  # fmt: skip


def targets(canvases, cell):
    """What a network is to say: (N, rows, columns, 6), p, bx, by, bw, bh and the digit; zeros where there is none.

    cell  how many pixels high and wide a cell is
    """
    rows, columns = [length // cell for length in canvases.pixels.shape[2:]]
    values = np.zeros((len(canvases), rows, columns, 6), np.float32)
    for value, boxes, labels in zip(values, canvases.boxes, canvases.labels):
        x, y, w, h = box_convert(boxes, "xyxy", "cxcywh").numpy().T / cell
        column, row = x.astype(int), y.astype(int)
        value[row, column] = np.stack([np.ones_like(x), x - column, y - row, w, h, labels.numpy()], 1)
    return tg.tensor(values)


def loss(outputs, targets):
    """Of outputs (B, rows, columns, OUTPUTS) and targets (B, rows, columns, 6): the sum over all cells, for each digit.

    −log p, or −log (1 − p) in a cell without a digit, of which nothing else counts; otherwise squared errors of bx and
    by and of the logarithms of bw and bh (a pixel more or less matters more for a small box), and −log of the
    probability of the right digit.
    """
    there = targets[..., 0] == 1
    count = max(there.sum().item(), 1)
    presence = F.binary_cross_entropy_with_logits(outputs[..., 0], targets[..., 0], reduction="sum")
    outputs, targets = outputs[there], targets[there]  # (k, OUTPUTS), (k, 6)
    place = F.mse_loss(outputs[:, 1:3].sigmoid(), targets[:, 1:3], reduction="sum")
    size = F.mse_loss(outputs[:, 3:5], targets[:, 3:5].log(), reduction="sum")
    digit = F.cross_entropy(outputs[:, 5:], targets[:, 5].long(), reduction="sum")
    return (presence + BOX_WEIGHT * (place + size) + digit) / count


def decoded(outputs, cell):
    """What outputs (B, rows, columns, OUTPUTS) say: a list of Found, a digit for each cell, however unlikely.

    cell  how many pixels high and wide a cell is
    """
    rows, columns = outputs.shape[1:3]
    y, x = tg.meshgrid(tg.arange(rows), tg.arange(columns), indexing="ij")
    middles = outputs[..., 1:3].sigmoid() + tg.stack([x, y], -1)  # (B, rows, columns, 2), in cells
    boxes = box_convert(cell * tg.cat([middles, outputs[..., 3:5].exp()], -1), "cxcywh", "xyxy").flatten(1, 2)
    there = outputs[..., 0].sigmoid().flatten(1)
    probabilities, digits = outputs[..., 5:].softmax(-1).flatten(1, 2).max(-1)
    return [Found(*one) for one in zip(boxes, there * probabilities, digits)]
