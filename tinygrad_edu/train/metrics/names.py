"""Metrics by name, and functions as metrics."""

import copy
import re

from .base import MeanOf, Metric
from .classification import F1, Accuracy, Classification, ConfusionMatrix, Precision, Recall, TopK
from .regression import MeanAbsoluteError

__all__ = ["metrics_of"]

METRICS = {
    "accuracy": Accuracy, "confusion": ConfusionMatrix, "f1": F1, "mae": MeanAbsoluteError, "precision": Precision,
    "recall": Recall,
}  # fmt: skip


def metrics_of(given, threshold=None):
    """A list of Metrics, copies of those that are given.

    given      one or several of: a Metric; a name; a function (output, target) -> number, of which the mean is taken
    threshold  for classification metrics that have none, see Classification
    """
    given = [given] if isinstance(given, (str, Metric)) or callable(given) else list(given)
    metrics = [metric_of(metric) for metric in given]
    names = [metric.name for metric in metrics]
    for name in names:
        if names.count(name) > 1 or name == "loss" or name.startswith("val_"):
            why = "two metrics have it" if names.count(name) > 1 else "it stands for something else"
            raise ValueError(f"a metric cannot have the name {name!r}, {why}; give one: Accuracy(name='…')")
    for metric in metrics:
        if isinstance(metric, Classification) and metric.threshold is None:
            metric.threshold = threshold
    return metrics


def metric_of(given):
    if isinstance(given, Metric):
        return copy.deepcopy(given)
    if isinstance(given, str):
        if given in METRICS:
            return METRICS[given]()
        if re.fullmatch(r"top_?\d+", given):
            return TopK(int(given.removeprefix("top").removeprefix("_")), given)
        raise ValueError(
            f"there is no metric {given!r}; there are {', '.join(METRICS)}, top_5 (any k); or give a function"
        )
    if callable(given) and not isinstance(given, type):
        return MeanOf(given)
    hint = f"make one: {given.__name__}()" if isinstance(given, type) else f"and this is a {type(given).__name__}"
    raise TypeError(f"a metric is a Metric, a name, or a function (output, target); {hint}")
