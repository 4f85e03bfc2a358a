"""Separates points of the plane by one hidden layer, of 1 to 20 units: five data sets, and the regions that are learnt.

A 2-h-k network: tanh in the hidden layer, softmax over the k classes, gradient descent on all points at once. Each unit
of the hidden layer cuts the plane once, softly, so that more of them draw finer borders. How many a data set needs is
seen in the table and the picture: one for the blobs, more than two for moons and circles, and for the spirals many.
"""

import tinygrad_edu as tg
from tinygrad_edu import data, nn, optim, plots, train
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "000", 20

SETS = {
    "blobs": data.blobs, "moons": data.moons, "circles": data.circles, "flower": data.flower, "spirals": data.spirals
}
WIDTHS = 1, 2, 4, 20
RATE, STEPS = 0.6, 3000


def network(width, classes):
    """Points (n, 2) -> scores (n, classes)."""
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, classes))


def descend(model, x, y, steps):
    """Gradient descent on all points at once; returns the cost before each step."""
    optimizer = optim.SGD(model.parameters(), lr=RATE)
    costs = []
    for _ in range(steps):
        cost = F.cross_entropy(model(x), y)  # the mean of −log p of the right classes, p = softmax(scores)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        costs.append(cost.item())
    return costs


def run(options):
    require("matplotlib")
    report = Report(options)
    rows, panels = [], {}
    figure = plots.new_figure(3.2 * len(WIDTHS), 3.2 * len(SETS))
    grid = figure.subplots(len(SETS), len(WIDTHS))
    for (name, make), line in zip(SETS.items(), grid):
        x, y = make()
        x, classes = data.Standardize().fit(x)(x), int(y.max()) + 1  # mean 0 and deviation 1: one rate does for all
        rows.append([name])
        panels[f"cost: {name}"] = {}
        for width, axes in zip(WIDTHS, line):
            tg.manual_seed(options.seed)
            model = network(width, classes)
            panels[f"cost: {name}"][f"{width} hidden"] = descend(model, x, y, 30 if options.quick else STEPS)
            accuracy = 100 * train.evaluate(model, (x, y), metrics=["accuracy"])["accuracy"]
            rows[-1].append(f"{accuracy:.1f} %")

            def probabilities(points):  # (n, 2) -> (n, classes)
                return train.predict(model, points).softmax(1).numpy()

            plots.boundary(probabilities, x, y, f"{name}, {width} hidden: {accuracy:.1f} %", steps=100, axes=axes)
            axes.get_legend().remove()
            axes.set(xticks=[], yticks=[], xlabel=None, ylabel=None)
    report.table(["accuracy", *[f"{width} hidden" for width in WIDTHS]], rows)
    report.picture(figure, "planar_boundaries.png")
    report.picture(plots.curves(panels, log=list(panels)), "planar_costs.png")
    return report.done()
