"""Separates a ring from what lies within it by logistic regression with quadratic features, trained in three ways.

P(y = 1 | x) = σ(w · expand(x)) with the features x0, x1, x0², x1², x0·x1, 1; cross-entropy; a hundred steps with four
points each, by mini-batch SGD, by SGD with momentum, and by RMSprop. Each optimizer sees the same points. The loss of
all points before each step is drawn, and the decision surface as it moves, as an animation.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots
from tinygrad_edu.data import circles
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "004", 15

ITERATIONS, BATCH, RATE = 100, 4, 0.05

OPTIMIZERS = {
    "SGD": lambda w: optim.SGD([w], lr=RATE),  # w ← w − η g
    "SGD with momentum": lambda w: optim.SGD([w], lr=RATE, momentum=0.9),  # ν ← α ν + g;  w ← w − η ν
    "RMSprop": lambda w: optim.RMSprop([w], lr=RATE, alpha=0.9, eps=1e-8),  # G ← α G + (1 − α) g²;  w ← w − η g / √G
}
"""(The course has ν ← α ν + η g, which is the same while η is constant, and √(G + ε) where ours is √G + ε.)"""

TEST = [[0, 0], [1, 0], [2.61, -1.28], [-0.59, 2.1]]
EXPANDED = [
    [0, 0, 0, 0, 0, 1],
    [1, 0, 1, 0, 0, 1],
    [2.61, -1.28, 6.8121, 1.6384, -3.3408, 1],
    [-0.59, 2.1, 0.3481, 4.41, -1.239, 1],
]
"""The course's test of `expand`: points, and what it must return."""


def expand(x):
    """Points (n, 2) -> features (n, 6): x0, x1, x0², x1², x0·x1, 1."""
    x0, x1 = x[:, 0], x[:, 1]
    return tg.stack([x0, x1, x0**2, x1**2, x0 * x1, tg.ones_like(x0)], dim=1)


def probability(features, w):
    """P(y = 1 | x) of each row: (n, 6) and (6,) -> (n,)."""
    return tg.sigmoid(features @ w)


def compute_loss(features, y, w):
    """The mean cross-entropy −mean(y log p + (1 − y) log(1 − p)), computed from the logits so that log(0) cannot be."""
    return F.binary_cross_entropy_with_logits(features @ w, y)


def train(make_optimizer, features, y, batches):
    """Returns (the loss of all points before each step, the weights before each step (steps + 1, 6))."""
    w = nn.Parameter(tg.tensor([0.0, 0, 0, 0, 0, 1], dtype=features.dtype))
    optimizer = make_optimizer(w)
    losses, weights = [], [w.tolist()]
    for chosen in batches:  # the numbers of four points
        with tg.no_grad():
            losses.append(compute_loss(features, y, w).item())
        loss = compute_loss(features[chosen], y[chosen], w)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        weights.append(w.tolist())
    return losses, np.array(weights)


def run(options):
    require("matplotlib", "PIL")
    report = Report(options)
    expanded = expand(tg.tensor(TEST, dtype=tg.float64)).numpy()
    names = ["x0", "x1", "x0²", "x1²", "x0·x1", "1"]
    report.table(names, [[f"{value:.4f}" for value in row] for row in expanded])
    rows = int(np.isclose(expanded, EXPANDED, rtol=0, atol=1e-9).all(axis=1).sum())
    report.compare("rows of the course's test table", rows, len(EXPANDED), digits=0)

    x, y = circles(n=400, noise=0.12, factor=0.4, seed=options.seed, dtype=tg.float64)
    x, y = 2 * x, y.double()  # (400, 2), (400,)
    features = expand(x)
    steps = 10 if options.quick else ITERATIONS
    batches = np.random.default_rng(options.seed).integers(0, len(x), (steps, BATCH))
    results = {name: train(make, features, y, batches) for name, make in OPTIMIZERS.items()}

    rows = []
    for name, (losses, weights) in results.items():
        w = tg.tensor(weights[-1])
        right = ((probability(features, w) > 0.5) == (y > 0.5)).double().mean().item()
        rows.append([name, *[f"{losses[step]:.4f}" for step in (0, steps // 4, steps - 1)], f"{right:.1%}"])
    print()
    report.table(["optimizer", "first loss", f"after {steps // 4}", f"after {steps - 1}", "accuracy"], rows)
    plain, *others = [losses[-1] for losses, _ in results.values()]
    print(f"At the end {sum(loss < plain for loss in others)} of the 2 others are below plain SGD (course: both)")

    panels = {"cross-entropy of all points": {name: losses for name, (losses, _) in results.items()}}
    report.picture(plots.curves(panels, range(steps)), "linear_losses.png")
    report.picture(animation(x.numpy(), y.numpy(), results), "linear_surfaces.gif")
    return report.done()


def animation(x, y, results, every=5):
    """The decision surfaces of all optimizers next to each other, below them the losses; at every so many steps."""
    highest = 1.05 * max(max(losses) for losses, _ in results.values())
    count = len(next(iter(results.values()))[1])

    def frame(step):
        figure = plots.new_figure(12, 5.6)
        rows = figure.subplots(2, len(results), height_ratios=[3, 1])
        for above, below, (name, (losses, weights)) in zip(*rows, results.items()):

            def predict(points, w=weights[step]):
                return probability(expand(tg.tensor(points)), tg.tensor(w)).numpy()

            plots.boundary(predict, x, y, f"{name}, step {step}", steps=80, axes=above)
            below.plot(losses[: step + 1], color=plots.COLORS[0])
            below.set(xlim=(0, len(losses)), ylim=(0, highest), xlabel="step")
        rows[1][0].set_ylabel("cross-entropy")
        return figure

    return plots.Animation((frame(step) for step in range(0, count, every)), seconds=0.2, dpi=70)
