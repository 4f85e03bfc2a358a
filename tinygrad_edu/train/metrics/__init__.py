"""Metrics: numbers about a model's outputs that are exact over batches of any sizes.

As classes, which collect batch after batch, `metric.update(output, target)`, and then say `metric.compute()`; and as
functions of all data at once, `accuracy(output, target)`. For `fit` and `evaluate` metrics have names:

    "accuracy", "top_5" (any k), "precision", "recall", "f1", "confusion", "mae"
"""

from .base import MeanOf, Metric
from .classification import (
    F1, Accuracy, ConfusionMatrix, Precision, Recall, TopK, accuracy, confusion_matrix, f1, precision, recall, top_k,
)  # fmt: skip
from .names import metrics_of
from .regression import MeanAbsoluteError, mean_absolute_error

__all__ = [
    "Accuracy", "ConfusionMatrix", "F1", "MeanAbsoluteError", "MeanOf", "Metric", "Precision", "Recall", "TopK",
    "accuracy", "confusion_matrix", "f1", "mean_absolute_error", "metrics_of", "precision", "recall", "top_k",
]  # fmt: skip
