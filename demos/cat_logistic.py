"""Tells cats from other things by logistic regression on the pixels, and gets the course's costs to six digits.

One neuron: ŷ = σ(w·x + b) of the 12,288 numbers of an image, the mean cross-entropy over all 209 images, gradient
descent on all of them at once from w = 0. Written: the costs, the weights as images, and the test images that are
judged wrongly. The first project of the course; it overfits: 99 % of the training images are judged rightly.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots
from tinygrad_edu.data import load_cats
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "000", 4

RATE, ITERATIONS = 0.005, 2000

TEST_ACCURACY = 68.0
"""The course's, in percent."""

COSTS = (0.693147, 0.466949, 0.331463, 0.279880, 0.242941, 0.214820, 0.192544, 0.174399, 0.159305, 0.146542)
"""After 0, 200, ... 1800 steps, as in the exercise that the course comes from."""


def pairs(data, dtype=tg.float32):
    """((x, y) to train with, (x, y) to test with): images as rows (n, 12288), labels 0.0 or 1.0 (n, 1)."""
    return [(x.flatten(1).to(dtype), y.unsqueeze(1).to(dtype)) for x, y in (data.train, data.test)]


def train(model, x, y, rate, iterations, progress=False):
    """Gradient descent on all images at once; returns the cost before each step. Ctrl-C ends it early."""
    from tqdm import tqdm

    optimizer = optim.SGD(model.parameters(), lr=rate)
    costs = []
    try:
        for _ in tqdm(range(iterations), "training", unit="step", disable=not progress, ncols=88):
            # −mean(y log ŷ + (1 − y) log(1 − ŷ)) with ŷ = σ(model(x))
            cost = F.binary_cross_entropy_with_logits(model(x), y)
            optimizer.zero_grad()
            cost.backward()
            optimizer.step()
            costs.append(cost.item())
    except KeyboardInterrupt:
        pass
    return costs


def judged_rightly(model, x, y):
    """Whether each image is, an array (n,): above 0, where σ is above 1/2, the model says "cat"."""
    with tg.no_grad():
        return ((model(x) > 0) == (y > 0.5))[:, 0].numpy()


def compare_costs(report, costs, expected, every):
    """A table of the costs beside the course's, which are from every `every`th step."""
    ours = costs[::every]
    rows = [[every * i, f"{cost:.6f}", f"{theirs:.6f}"] for i, (cost, theirs) in enumerate(zip(ours, expected))]
    report.table(["step", "cost", "course"], rows)
    equal = sum(abs(cost - theirs) < 1e-6 for cost, theirs in zip(ours, expected))
    report.compare("costs equal to the course's to six digits", equal, len(expected), digits=0)


def learn_cats(report, model, data, rate, iterations, course, progress):
    """Train a model on the cats, and hold its costs and its test accuracy against the course's.

    course  (its costs after 0, 200, ... steps, its test accuracy in percent)

    Returns the costs, and whether each test image is judged rightly, an array (50,).
    """
    (x, y), (test_x, test_y) = pairs(data, model[0].weight.dtype)
    steps = 101 if report.quick else iterations
    costs = train(model, x, y, rate, steps, progress)
    if len(costs) < steps:
        report.stopped(f"{len(costs)} of {steps} steps")
    compare_costs(report, costs, course[0], 200)
    print(f"train accuracy {100 * judged_rightly(model, x, y).mean():.1f} %")
    right = judged_rightly(model, test_x, test_y)
    report.compare("test accuracy", 100 * right.mean(), course[1], "%")
    return costs, right


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    data = load_cats()
    report.data(data)

    model = nn.Sequential(nn.Linear(data.train_x[0].numel(), 1))  # 12288 pixels
    nn.init.zeros_(model[0].weight)
    nn.init.zeros_(model[0].bias)
    costs, right = learn_cats(report, model, data, RATE, ITERATIONS, (COSTS, TEST_ACCURACY), not options.no_progress)

    report.picture(plots.curves({"cost": {"training": costs}}), "cat_logistic_cost.png")
    weights = model[0].weight.detach().numpy().reshape(*data.train_x.shape[1:]).transpose(2, 0, 1)  # (3, 64, 64)
    title = "The weights: light in red pixels speaks for a cat, in blue ones against it"
    report.picture(plots.images(weights, ["red", "green", "blue"], title, signed=True), "cat_logistic_weights.png")
    report.picture(mistakes(data, right), "cat_logistic_mistakes.png")
    return report.done()


def mistakes(data, right):
    """The test images that are judged wrongly."""
    wrong = np.flatnonzero(~right)[:32]
    titles = [data.classes[label] for label in data.test_y.numpy()[wrong]]
    title = f"{(~right).sum()} of {len(right)} test images are judged wrongly; what they are:"
    return plots.images(data.test_x.numpy()[wrong], titles, title)
