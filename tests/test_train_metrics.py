"""Metrics: scikit-learn is the oracle."""

import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.train import metrics

oracle = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle of these tests")

SIZES = (1, 7, 32, 4)


def scores(classes, seed=0, n=sum(SIZES), missing=()):
    """Scores (n, classes) and class numbers (n,); some classes are never right."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([c for c in range(classes) if c not in missing], n)
    return rng.standard_normal((n, classes)) + np.eye(classes)[labels], labels


def in_batches(metric, output, target):
    """The metric of batches of different sizes."""
    metric.reset()
    for part, other in zip(*[np.split(array, np.cumsum(SIZES)[:-1]) for array in (output, target)]):
        metric.update(tg.tensor(part), tg.tensor(other))
    return metric.compute()


AVERAGED = [
    (metrics.Precision, metrics.precision, oracle.precision_score),
    (metrics.Recall, metrics.recall, oracle.recall_score),
    (metrics.F1, metrics.f1, oracle.f1_score),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_accuracy_and_confusion(classes, seed):
    output, target = scores(classes, seed)
    chosen = output.argmax(1)
    assert in_batches(metrics.Accuracy(), output, target) == oracle.accuracy_score(target, chosen)
    assert metrics.accuracy(output, target) == oracle.accuracy_score(target, chosen)
    matrix = oracle.confusion_matrix(target, chosen, labels=range(classes))
    np.testing.assert_array_equal(in_batches(metrics.ConfusionMatrix(), output, target), matrix)
    np.testing.assert_array_equal(metrics.confusion_matrix(output, target), matrix)


@pytest.mark.parametrize("kind, function, expected", AVERAGED)
@pytest.mark.parametrize("average", ["macro", "micro"])
@pytest.mark.parametrize("missing", [(), (1,), (0, 4)])
def test_averages_over_classes(kind, function, expected, average, missing):
    output, target = scores(5, missing=missing)
    if missing:
        output[:, 4] = -10  # a class that is never chosen, and perhaps never right
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of 0/0
        value = expected(target, output.argmax(1), average=average)
    assert in_batches(kind(average), output, target) == pytest.approx(value, abs=1e-15)
    assert function(output, target, average) == pytest.approx(value, abs=1e-15)
    if average == "macro":
        assert function(output, target) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize("kind, function, expected", AVERAGED)
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_binary(kind, function, expected, shape, threshold):
    output, target = scores(2)
    logits = output[:, 1] - output[:, 0]
    answers = 1 / (1 + np.exp(-logits)) if threshold else logits
    value = expected(target, logits > 0)
    assert in_batches(kind(threshold=threshold), answers.reshape(shape), target.astype(float)) == pytest.approx(value)
    assert in_batches(kind(), output, target) == pytest.approx(value)  # two scores: of class 1, too
    assert function(logits > 0, target) == pytest.approx(value)  # chosen already
    accuracy = in_batches(metrics.Accuracy(threshold), answers.reshape(shape), target.reshape(shape))
    assert accuracy == oracle.accuracy_score(target, logits > 0)


def test_classes_that_appear_later():
    """Of classes that are chosen already it is not known how many there are."""
    rng = np.random.default_rng(0)
    chosen, target = np.sort(rng.integers(0, 6, sum(SIZES))), rng.integers(0, 4, sum(SIZES))
    np.testing.assert_array_equal(
        in_batches(metrics.ConfusionMatrix(), chosen, target), oracle.confusion_matrix(target, chosen)
    )
    assert in_batches(metrics.ConfusionMatrix(9), chosen, target).shape == (9, 9)


def test_nothing_is_ever_chosen():
    for function in (metrics.precision, metrics.recall, metrics.f1):
        assert function(np.zeros(4, bool), np.ones(4)) == 0
        assert function(np.zeros(4, bool), np.zeros(4)) == 0


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k(k):
    output, target = scores(6)
    value = oracle.top_k_accuracy_score(target, output, k=k, labels=range(6))
    assert in_batches(metrics.TopK(k), output, target) == pytest.approx(value)
    assert metrics.top_k(output, target, k) == pytest.approx(value)


def test_top_k_of_equal_scores_and_nan():
    """A model that says nothing is not right: with equal scores the first k classes are chosen, as argmax does."""
    assert metrics.top_k(np.zeros((4, 4)), np.arange(4), 1) == 0.25
    assert metrics.top_k(np.zeros((4, 4)), np.arange(4), 3) == 0.75
    assert metrics.top_k(np.full((4, 4), np.nan), np.arange(4), 3) == 0
    assert metrics.top_k(np.array([[np.nan, 2.0, 1.0]]), np.array([1]), 1) == 0


def test_positions_and_padding():
    """(N, C, L) scores of sequences; targets of −100 count nothing."""
    rng = np.random.default_rng(0)
    output, target = rng.standard_normal((4, 3, 5)), rng.integers(0, 3, (4, 5))
    chosen = output.argmax(1)
    assert metrics.accuracy(output, target) == (chosen == target).mean()
    padded = target.copy()
    padded[:, 3:] = -100
    assert metrics.accuracy(output, padded) == (chosen == target)[:, :3].mean()
    assert metrics.confusion_matrix(output, padded).sum() == 12
    assert metrics.top_k(output, padded, 1) == (chosen == target)[:, :3].mean()


def test_targets_that_are_rows():
    output, target = scores(4)
    rows = np.eye(4)[target]
    assert metrics.accuracy(output, rows) == metrics.accuracy(output, target)
    answers = np.array([[0.2, -1.0], [3.0, 1.0]])  # two questions for each sample
    assert metrics.accuracy(answers, np.array([[1, 1], [1, 0]]), threshold=0) == 0.5


def test_mean_absolute_error():
    rng = np.random.default_rng(0)
    output, target = rng.standard_normal((44, 1)).astype(np.float32), rng.standard_normal(44)
    value = oracle.mean_absolute_error(target, output)
    assert in_batches(metrics.MeanAbsoluteError(), output, target) == pytest.approx(value, rel=1e-14)
    assert metrics.mean_absolute_error(output, target) == pytest.approx(value, rel=1e-14)


def test_a_call_leaves_what_was_collected():
    metric = metrics.Accuracy()
    metric.update(np.array([1, 0]), np.array([1, 1]))
    assert metric(np.array([1]), np.array([1])) == 1 and metric.compute() == 0.5


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1", "mae", "top_2"])
def test_nothing_seen_is_nan(name):
    [metric] = metrics.metrics_of(name)
    assert np.isnan(metric.compute())


@pytest.mark.parametrize(
    "output, target, message",
    [
        (np.zeros((3, 2)), np.array([0, 1, 2]), "a target is 2, and there are 2 classes"),
        (np.zeros((3, 2)), np.array([0, 1, -1]), "a target is -1"),
        (np.zeros((3, 2)), np.array([0, 1, 0.5]), "one of these is 0.5"),
        (np.zeros((3, 2)), np.zeros(4, int), "do not go with targets"),
        (np.zeros(3), np.zeros(3), "give threshold=0 for logits"),
        (np.zeros((3, 1)), np.zeros(3), "give threshold=0 for logits"),
        (np.zeros(3, int), np.zeros(4, int), "they must be equal"),
        (np.zeros(3, bool), np.array([1, 1, -1]), "a target is -1"),
    ],
)
def test_what_does_not_go_together(output, target, message):
    for function in (metrics.accuracy, metrics.confusion_matrix, metrics.f1):
        with pytest.raises(ValueError, match=message):
            function(output, target)


def test_errors():
    with pytest.raises(ValueError, match="k is at most 3"):
        metrics.top_k(np.zeros((2, 3)), np.zeros(2, int), 4)
    with pytest.raises(ValueError, match="need class numbers"):
        metrics.top_k(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="the target"):
        metrics.mean_absolute_error(np.zeros((3, 1)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="'binary', 'macro', 'micro'"):
        metrics.F1("weighted")
    with pytest.raises(ValueError, match="for two classes, and there are 3"):
        metrics.f1(np.zeros((2, 3)), np.zeros(2, int), "binary")
    with pytest.raises(ValueError, match="class 2 occurs, and classes=2"):
        metrics.confusion_matrix(np.array([2]), np.array([0]), classes=2)
    with pytest.raises(TypeError, match="a tuple of several things"):
        metrics.accuracy((np.zeros((2, 3)), 1), np.zeros(2, int))
    with pytest.raises(ValueError, match="two metrics have it"):
        metrics.metrics_of(["accuracy", metrics.Accuracy(0.5)])
    with pytest.raises(ValueError, match="there is no metric 'acuracy'"):
        metrics.metrics_of("acuracy")
    with pytest.raises(TypeError, match=r"make one: Accuracy\(\)"):
        metrics.metrics_of([metrics.Accuracy])
