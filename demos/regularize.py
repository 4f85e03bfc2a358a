"""Regularizes the network for cats, which overfits, by an L2 penalty and by dropout, and compares with none.

The network is that of cat-deep, computed in float32. L2 adds λ / 2m · Σ‖W‖² to the cost, m being the number of images
and W the weights of each layer, so that a gradient step also makes all weights smaller. Dropout sets each value behind
the first layer to 0 with probability 1 − keep and divides the others by keep, so that their expectation stays (inverted
dropout); in use it does nothing. Costs in the table and the curves are cross-entropies, without penalty or dropout.
"""

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots, train
from tinygrad_edu.data import load_cats
from tinygrad_edu.nn import functional as F

from . import require
from .cat_deep import RATE, network
from .cat_logistic import pairs
from .report import Report

SEED, SECONDS = "000", 43

WAYS = {  # name: (λ, keep)
    "none": (0, 1),
    "L2, λ = 0.7": (0.7, 1),
    "dropout, keep = 0.8": (0, 0.8),
    "both": (0.7, 0.8),
}
STEPS, EVERY = 2500, 25

TRAIN_ACCURACY, TEST_ACCURACY = 99.0, 76.0
"""The course's without regularization, in percent."""


def cost_of(model, x, y, λ):
    """What training makes small: the mean cross-entropy and the penalty."""
    weights = [p for p in model.parameters() if p.ndim == 2]  # biases are not penalized
    return F.binary_cross_entropy_with_logits(model(x), y) + λ / (2 * len(x)) * tg.l2_penalty(weights)


def descend(model, λ, training, test, steps):
    """Gradient descent on all images at once. Returns rows of a step and the measures after it, of train and test.

    steps  an iterable of their numbers, from 1
    """
    optimizer = optim.SGD(model.parameters(), lr=RATE)
    history = []
    for step in steps:
        cost = cost_of(model, *training, λ)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        if step % EVERY == 0:
            results = [train.evaluate(model, pair, "bce_with_logits", ["accuracy"]) for pair in (training, test)]
            history.append((step, *results))
    return history


def run(options):
    require("matplotlib", "tqdm")
    from tqdm import tqdm

    report = Report(options)
    data = load_cats()
    report.data(data)
    training, test = pairs(data)

    rows, costs = [], {"training cost": {}, "test cost": {}}
    for name, (λ, keep) in WAYS.items():
        tg.manual_seed(options.seed)
        first, relu, *rest = network().float()  # the same weights at the start
        model = nn.Sequential(first, relu, nn.Dropout(1 - keep), *rest)
        count = 2 * EVERY if options.quick else STEPS
        bar = tqdm(range(1, count + 1), f"{name:20}", unit="step", disable=options.no_progress, ncols=88)
        try:
            history = descend(model, λ, training, test, bar)
        except KeyboardInterrupt:
            if not rows:
                raise
            report.stopped(f"{len(rows)} of {len(WAYS)} networks")
            break
        steps, on_train, on_test = zip(*history)
        costs["training cost"][name] = [result["loss"] for result in on_train]
        costs["test cost"][name] = [result["loss"] for result in on_test]
        accuracies = [100 * results[-1]["accuracy"] for results in (on_train, on_test)]
        size = sum(p.square().sum().item() for p in model.parameters() if p.ndim == 2)
        rows.append([name, *accuracies, on_train[-1]["loss"], on_test[-1]["loss"], size])
    report.table(["", "train accuracy %", "test accuracy %", "train cost", "test cost", "Σ‖W‖²"], rows)
    none, *others = rows
    report.compare("without: train accuracy", none[1], TRAIN_ACCURACY, "%")
    report.compare("without: test accuracy", none[2], TEST_ACCURACY, "%")
    for name, _, accuracy, *_ in others:
        report.compare(f"{name}: test accuracy", accuracy, TEST_ACCURACY, "%")
    report.picture(plots.curves(costs, steps), "regularize_costs.png")
    return report.done()
