"""Tells digits and clouds of points apart by softmax regression, the generalisation of logistic regression.

A linear layer gives a number z for each class, softmax makes probabilities of them, t = exp(z), ŷ = t / Σt, where
hardmax says 1 for the largest and 0 for the others. The cost is −mean(Σ y log ŷ), and its derivative with respect to z
is (ŷ − y) / m. Between two classes the border is a straight line: drawn for three, four and six clouds in the plane.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots
from tinygrad_edu.data import blobs, load_digits
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "002", 3

EXAMPLE = [5.0, 2.0, -1.0, 3.0]


def softmax(z):
    """(m, C) -> (m, C), rows of positive numbers whose sum is 1. The largest z is taken off first, which changes
    nothing but keeps exp from overflowing."""
    t = tg.exp(z - z.max(dim=1, keepdim=True).values)
    return t / t.sum(dim=1, keepdim=True)


def hardmax(z):
    """(m, C) -> (m, C): 1 at the first largest number of each row, 0 elsewhere."""
    return F.one_hot(z.argmax(dim=1), z.shape[1]).to(z.dtype)


def cost(z, y):
    """−mean(Σ y log ŷ) with y as rows [0 … 1 … 0]: what F.cross_entropy computes more accurately from z."""
    return -(y * tg.log(softmax(z))).sum(dim=1).mean()


def learn(x, y, classes, steps, rate):
    """Softmax regression: gradient descent on all examples at once, from weights of 0. Returns (layer, costs)."""
    model = nn.Linear(x.shape[1], classes)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = optim.SGD(model.parameters(), lr=rate)
    costs = []
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        costs.append(loss.item())
    return model, costs


def accuracy(model, x, y):
    with tg.no_grad():
        return (model(x).argmax(dim=1) == y).double().mean().item()


def run(options):
    require("sklearn", "matplotlib")
    report = Report(options)
    z = tg.tensor([EXAMPLE], dtype=tg.float64, requires_grad=True)
    y = tg.tensor([[1.0, 0, 0, 0]], dtype=tg.float64)
    cost(z, y).backward()
    rows = [[name, *[f"{value:.3f}" for value in row[0].tolist()]] for name, row in (
        ("z", z), ("softmax: ŷ", softmax(z)), ("hardmax", hardmax(z)), ("y", y), ("derivative of the cost", z.grad),
        ("ŷ − y", softmax(z) - y))]  # fmt: skip
    report.table(["", *[f"class {i}" for i in range(4)]], rows)

    data = load_digits()
    report.data(data)
    x, test_x = data.train_x.flatten(1), data.test_x.flatten(1)  # (1347, 64), (450, 64)
    model, costs = learn(x, data.train_y, 10, steps=50 if options.quick else 1000, rate=1.0)
    print(f"cost {costs[0]:.4f} (log 10) at first, {costs[-1]:.4f} after {len(costs)} steps")
    print(f"train accuracy {accuracy(model, x, data.train_y):.2%}")
    print(f"test accuracy  {accuracy(model, test_x, data.test_y):.2%}")

    weights = model.weight.detach().numpy().reshape(10, *data.train_x.shape[1:])
    title = "The weights of each class: red where ink speaks for it"
    report.picture(plots.images(weights, list(data.classes), title, columns=5, signed=True), "softmax_digits.png")
    report.picture(draw_borders(options.seed, 50 if options.quick else 500), "softmax_borders.png")
    return report.done()


def draw_borders(seed, steps):
    """The regions of 3, 4 and 6 classes, with colours mixed by the probabilities."""
    figure = plots.new_figure(16, 5)
    for axes, classes in zip(figure.subplots(1, 3), (3, 4, 6)):
        angles = 2 * np.pi * np.arange(classes) / classes
        x, y = blobs(300, 3 * np.stack([np.cos(angles), np.sin(angles)], axis=1), spread=0.8, seed=seed)
        model, _ = learn(x, y, classes, steps, rate=0.5)

        def predict(points, model=model):
            with tg.no_grad():
                return softmax(model(tg.tensor(points).float())).numpy()

        plots.boundary(predict, x, y, f"{classes} classes: accuracy {accuracy(model, x, y):.1%}", 200, axes)
    return figure
