"""Brings inputs to mean 0 and variance 1, and shows why gradient descent is faster then: the elongated bowl.

A plane is fitted to two features, one from 0 to 1 and one from 0 to 10. The mean squared error is a bowl over the
weights, and the more its curvatures differ the more elongated it is. A step must not be longer than its narrow side
allows, and is then too short for the long one. With inputs normalized by the mean and deviation of the training set
the bowl is round. The same statistics are used for the dev set: with its own it would be on another scale.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots
from tinygrad_edu.data import Standardize, split
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "002", 3

MOST_STEPS = 5000


def data(seed, n=500):
    """(features (n, 2), targets (n,)), in float64: y = 3 x₁ + 0.2 x₂ + noise."""
    random = np.random.default_rng(seed)
    x = random.uniform(0, 1, (n, 2)) * [1, 10]
    return tg.tensor(x), tg.tensor(x @ [3, 0.2] + 0.1 * random.standard_normal(n))


def cost(x, y, w):
    """mean((w₁ x₁ + w₂ x₂ + w₃ − y)²)."""
    return F.mse_loss(x @ w[:2] + w[2], y)


def bowl(x, y):
    """(curvatures of the cost, from the smallest to the largest; the weights at its lowest point; its lowest value)."""
    features, targets = np.column_stack([x.numpy(), np.ones(len(x))]), y.numpy()
    best = np.linalg.lstsq(features, targets, rcond=None)[0]
    curvatures = np.linalg.eigvalsh(2 * features.T @ features / len(features))  # of the second derivative
    return curvatures, best, np.mean((features @ best - targets) ** 2)


def descend(x, y, rate, lowest, steps):
    """Gradient descent from 0 until the cost is within 1 % of the lowest; the weights after 0, 1, ... steps (n, 3)."""
    w = nn.Parameter(tg.zeros(3, dtype=tg.float64))
    optimizer = optim.SGD([w], lr=rate)
    path = [w.tolist()]
    for _ in range(steps):
        loss = cost(x, y, w)
        if loss.item() < 1.01 * lowest:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        path.append(w.tolist())
    return np.array(path)


def run(options):
    require("matplotlib")
    report = Report(options)
    x, y = data(options.seed)
    (x, y), (dev_x, dev_y) = split(x, y, sizes=(0.8, 0.2), seed=options.seed)
    standardize = Standardize().fit(x)
    cases = {"as they are": (x, dev_x), "normalized": (standardize(x), standardize(dev_x))}
    figure, rows, falls = plots.new_figure(12, 5), [], {}
    for axes, (name, (inputs, dev)) in zip(figure.subplots(1, 2), cases.items()):
        curvatures, best, lowest = bowl(inputs, y)
        rate = 1 / curvatures[-1]  # from 2 / the largest curvature on, descent diverges
        path = descend(inputs, y, rate, lowest, 50 if options.quick else MOST_STEPS)
        falls[name] = [cost(inputs, y, tg.tensor(w)).item() for w in path]
        costs = falls[name][-1], cost(dev, dev_y, tg.tensor(path[-1])).item()
        steps = f"{len(path) - 1:,}" if costs[0] < 1.01 * lowest else f"more than {len(path) - 1:,}"
        ratio = curvatures[-1] / curvatures[0]
        rows.append([name, f"{ratio:.1f}", f"{rate:.4f}", steps, *[f"{value:.4f}" for value in costs]])
        draw_bowl(axes, inputs.numpy(), y.numpy(), best[:2], path[:, :2], f"Inputs {name}: {steps} steps")
    header = ["inputs", "ratio of curvatures", "learning rate", "steps to within 1 %", "training cost", "dev cost"]
    report.table(header, rows)
    report.picture(figure, "normalize_bowls.png")
    report.picture(plots.curves({"cost": falls}, log=["cost"]), "normalize_costs.png")
    return report.done()


def draw_bowl(axes, x, y, best, path, title):
    """The cost over w₁ and w₂, with the best w₃ for each, around its lowest point, and the way there."""

    def costs(w1, w2):  # grids of weights -> grid of costs
        errors = x @ np.stack([w1.ravel(), w2.ravel()]) - y[:, None]
        return errors.var(axis=0).reshape(w1.shape)  # w₃ takes the mean away

    reach = 1.2 * np.abs(best).max()
    box = [(middle - reach, middle + reach) for middle in best]
    plots.surface(costs, *box, {"gradient descent": path}, title, log=True, axes=axes)
    axes.set(xlabel="w₁", ylabel="w₂", aspect="equal")
