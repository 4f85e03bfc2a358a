"""What a detector has found on a canvas, and how good that is."""

import numpy as np

from tinygrad_edu.interop.torchvision.ops import batched_nms, box_iou

FAINT = 0.05
"""What is less sure is never looked at."""

OVERLAP = 0.4
"""Two boxes around the same digit whose IoU is greater mean the same one."""


class Found:
    """Digits that a detector has found on a canvas.

    boxes   (k, 4): left, top, right, bottom in pixels
    scores  (k,), how sure it is, from 0 to 1
    labels  (k,), which digits they are
    """

    def __init__(self, boxes, scores, labels):
        self.boxes, self.scores, self.labels = boxes, scores, labels

    def __len__(self):
        return len(self.boxes)

    def chosen(self, which):
        """Those with these numbers, or where this is True."""
        return Found(self.boxes[which], self.scores[which], self.labels[which])

    def above(self, threshold=FAINT):
        """Those that are surer than the threshold."""
        return self.chosen(self.scores > threshold)

    def suppressed(self):
        """Without boxes that overlap a surer one around the same digit: non-maximum suppression, digit by digit."""
        return self.chosen(batched_nms(self.boxes, self.scores, self.labels, OVERLAP))


def hits(found, boxes, labels, overlap=0.5):
    """Which of what was found (k,) is right: the digit is the same, and IoU is at least `overlap`. Each digit is found
    once, by the surest; what finds it once more is wrong."""
    same = found.labels.numpy()[:, None] == labels.numpy()
    iou = np.where(same, box_iou(found.boxes, boxes).numpy(), 0)  # (k, digits on the canvas)
    right = np.zeros(len(found), bool)
    for i in np.argsort(-found.scores.numpy(), kind="stable"):
        if iou[i].max(initial=0) >= overlap:
            right[i] = True
            iou[:, iou[i].argmax()] = 0  # nothing else finds it
    return right


def average_precision(scores, right, count):
    """The area below the curve of precision over recall, which all thresholds of the scores give.

    scores, right  (k,) of all that was found: how sure it is, and whether it is right
    count          how many there are to be found

    Precision at a recall is the best that is reached there or at a higher one (Everingham et al. 2010, "The PASCAL
    visual object classes challenge"; at all points instead of eleven).
    """
    right = right[np.argsort(-scores, kind="stable")]
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return precision[right].sum() / count


def figures(found, canvases, threshold):
    """Mean average precision over the digits, and precision and recall of what is surer than the threshold.

    found  for each canvas what was found on it, however unsure
    """
    right = np.concatenate([hits(*three) for three in zip(found, canvases.boxes, canvases.labels)])
    scores, labels = [np.concatenate([getattr(one, part).numpy() for one in found]) for part in ("scores", "labels")]
    there = np.concatenate([labels.numpy() for labels in canvases.labels])
    means = [average_precision(scores[labels == k], right[labels == k], (there == k).sum()) for k in np.unique(there)]
    count = right[scores > threshold].sum()
    return np.mean(means), count / max((scores > threshold).sum(), 1), count / len(there)
