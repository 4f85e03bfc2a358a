"""Metrics of classifiers: accuracy, top-k, confusion matrix, precision, recall, F1."""

import numpy as np

from .base import Metric
from .decisions import IGNORED, array_of, decisions

__all__ = [
    "Accuracy", "ConfusionMatrix", "F1", "Precision", "Recall", "TopK", "accuracy", "confusion_matrix", "f1",
    "precision", "recall", "top_k",
]  # fmt: skip


class Classification(Metric):
    """The base of metrics of decisions between classes.

    threshold  from which output on the answer is yes, where there is one output for each answer: 0 for logits, 0.5 for
               probabilities. `fit` and `evaluate` know it from the loss if that is bce or bce_with_logits. Scores of
               several classes need none, the largest is chosen

    Targets of −100 count nothing, as in cross_entropy.
    """

    default_name = None

    def __init__(self, threshold=None, name=None):
        self.threshold = threshold
        super().__init__(name or self.default_name)


class Accuracy(Classification):
    """The fraction of right decisions."""

    remembers = ("right", "count")
    default_name = "accuracy"

    def reset(self):
        self.right = self.count = 0

    def update(self, output, target):
        chosen, right, _ = decisions(output, target, self.threshold)
        self.right += int(np.count_nonzero(chosen == right))
        self.count += right.size

    def compute(self):
        return self.right / self.count if self.count else float("nan")


class TopK(Metric):
    """How often the right class is among the `k` with the largest scores (of equal scores those of the lower classes
    come first), for scores (N, C, …) and class numbers (N, …)."""

    remembers = ("right", "count")

    def __init__(self, k=5, name=None):
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"TopK: k must be a positive integer, not {k!r}")
        self.k = k
        super().__init__(name or f"top_{k}")

    def reset(self):
        self.right = self.count = 0

    def update(self, output, target):
        scores, target = array_of(output, "output"), array_of(target, "target")
        if scores.ndim < 2 or scores.shape[:1] + scores.shape[2:] != target.shape:
            raise ValueError(
                f"TopK: scores (N, C, …) need class numbers (N, …); these have shapes {scores.shape}, {target.shape}"
            )
        _, right, classes = decisions(scores, target, None)  # checks the class numbers
        if self.k > classes:
            raise ValueError(f"TopK: the first {self.k} of {classes} classes are asked for; k is at most {classes}")
        rows = np.moveaxis(scores, 1, -1).reshape(-1, classes)[target.reshape(-1) != IGNORED]
        own = rows[np.arange(len(right)), right][:, None]
        first = (rows == own) & (np.arange(classes) < right[:, None])
        ahead = np.count_nonzero(~(rows <= own) | first, axis=1)  # NaN is ahead of all, and all of NaN
        self.right += int(np.count_nonzero(ahead < self.k))
        self.count += len(right)

    def compute(self):
        return self.right / self.count if self.count else float("nan")


class ConfusionMatrix(Classification):
    """How often each class was taken for which: an array (C, C) of counts, row the right class, column the chosen one.

    classes  C; by default as many as the outputs have scores (2 for yes and no), or as occur, for classes that are
             chosen already
    """

    remembers = ("matrix",)
    default_name = "confusion"
    better = None

    def __init__(self, classes=None, threshold=None, name=None):
        self.classes = classes
        super().__init__(threshold, name)

    def reset(self):
        self.matrix = np.zeros((self.classes or 0,) * 2, np.int64)

    def update(self, output, target):
        chosen, right, classes = decisions(output, target, self.threshold)
        present = 1 + max(int(chosen.max(initial=-1)), int(right.max(initial=-1)))
        if self.classes is not None and present > self.classes:
            raise ValueError(f"{type(self).__name__}: class {present - 1} occurs, and classes={self.classes}")
        if chosen.size and chosen.min() < 0:
            raise ValueError(f"{type(self).__name__}: class {chosen.min()} was chosen; class numbers start at 0")
        size = max(len(self.matrix), self.classes or classes or present)
        if size > len(self.matrix):
            self.matrix = np.pad(self.matrix, (0, size - len(self.matrix)))
        pairs = right.astype(np.int64) * size + chosen
        self.matrix = self.matrix + np.bincount(pairs, minlength=size * size).reshape(size, size)

    def compute(self):
        return self.matrix.copy()


class Averaged(ConfusionMatrix):
    """The base of numbers that each class has, and of which an average is taken.

    average    "binary": of class 1, where there are two
               "macro": the mean over the classes that occur, as right or as chosen
               "micro": of all decisions together
               None (the default): "binary" for two classes, "macro" for more
    threshold  see Classification

    A quotient 0/0, of a class that never occurs or is never chosen, is 0, as in scikit-learn.
    """

    better = "max"

    def __init__(self, average=None, threshold=None, classes=None, name=None):
        if average not in (None, "binary", "macro", "micro"):
            raise ValueError(f"{type(self).__name__}: average is 'binary', 'macro', 'micro' or None, not {average!r}")
        self.average = average
        super().__init__(classes, threshold, name)

    def compute(self):
        hits, right, chosen = np.diag(self.matrix), self.matrix.sum(1), self.matrix.sum(0)
        if not right.any():
            return float("nan")
        average = self.average or ("binary" if len(self.matrix) <= 2 else "macro")
        if average == "binary":
            if len(self.matrix) > 2:
                raise ValueError(f"average='binary' is for two classes, and there are {len(self.matrix)}; use 'macro'")
            values = self.quotient(*[np.pad(counts, (0, 2 - len(counts)))[1:] for counts in (hits, right, chosen)])
        elif average == "micro":
            values = self.quotient(*[counts.sum(keepdims=True) for counts in (hits, right, chosen)])
        else:
            values = self.quotient(hits, right, chosen)[right + chosen > 0]
        return float(values.mean())

    def quotient(self, hits, right, chosen):
        """The value of each class, from how often it was chosen rightly, was right, and was chosen."""
        raise NotImplementedError


class Precision(Averaged):
    """Of those for which a class was chosen, the fraction for which it was right."""

    default_name = "precision"

    def quotient(self, hits, right, chosen):
        return hits / np.maximum(chosen, 1)


class Recall(Averaged):
    """Of those of a class, the fraction for which it was chosen."""

    default_name = "recall"

    def quotient(self, hits, right, chosen):
        return hits / np.maximum(right, 1)


class F1(Averaged):
    """The harmonic mean of precision and recall: 2 · hits / (chosen + right)."""

    default_name = "f1"

    def quotient(self, hits, right, chosen):
        return 2 * hits / np.maximum(right + chosen, 1)


def accuracy(output, target, threshold=None):
    """The fraction of right decisions; see Accuracy."""
    return Accuracy(threshold)(output, target)


def top_k(output, target, k=5):
    """How often the right class is among the k with the largest scores; see TopK."""
    return TopK(k)(output, target)


def confusion_matrix(output, target, classes=None, threshold=None):
    """How often each class was taken for which, (C, C); see ConfusionMatrix."""
    return ConfusionMatrix(classes, threshold)(output, target)


def precision(output, target, average=None, threshold=None):
    """See Precision."""
    return Precision(average, threshold)(output, target)


def recall(output, target, average=None, threshold=None):
    """See Recall."""
    return Recall(average, threshold)(output, target)


def f1(output, target, average=None, threshold=None):
    """See F1."""
    return F1(average, threshold)(output, target)
