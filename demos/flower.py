"""Separates the petals of a "flower" with four hidden units, and gets the costs of a well-known course to six digits.

400 points in two classes, a 2-4-1 network with tanh and sigmoid, gradient descent on all points at once with learning
rate 1.2: the planar data exercise of Andrew Ng's "Neural Networks and Deep Learning". Our costs are compared with those
that its solution prints. Then come hidden layers of 1 to 50 units, and none at all, logistic regression, on the same
points, beside the course's accuracies.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import data, draw, nn, optim, plots

from . import require
from .report import Report

SEED, SECONDS = "004", 15

COSTS = (0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504)
"""The course's costs after 0, 1000, ... 7000 iterations. Later ones depend on the rounding of the last bit."""

ITERATIONS = 10_000

ACCURACIES = {0: 47.0, 1: 67.5, 2: 67.25, 3: 90.75, 4: 90.5, 5: 91.25, 20: 90.0, 50: 90.25}
"""The course's for so many hidden units, in percent, after 5000 iterations; 0 is logistic regression."""

SWEEP_ITERATIONS = 5000


def points_and_classes():
    """The course's points as a (400, 2) tensor and their classes, 0.0 or 1.0, as a (400, 1) tensor."""
    x, y = data.flower(dtype=tg.float64)
    return x, y.double().unsqueeze(1)


def network(width=4):
    """The 2-width-1 network in float64, with the course's initial weights; without hidden units logistic regression,
    from weights of 0."""
    if width == 0:
        model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()).double()
        nn.init.zeros_(model[0].weight)
        nn.init.zeros_(model[0].bias)
        return model
    hidden, output = nn.Linear(2, width), nn.Linear(width, 1)
    random = np.random.RandomState(2)
    with tg.no_grad():
        for layer in (hidden, output):
            layer.double()
            layer.weight.copy_(tg.tensor(0.01 * random.randn(*layer.weight.shape)))
            layer.bias.zero_()
    return nn.Sequential(hidden, nn.Tanh(), output, nn.Sigmoid())


def train(model, x, y, iterations=ITERATIONS):
    """Gradient descent; returns the cost before each iteration."""
    cost = nn.BCELoss()
    optimizer = optim.SGD(model.parameters(), lr=1.2)
    costs = []
    for _ in range(iterations):
        loss = cost(model(x), y)  # x (400, 2) -> probabilities of class 1 (400, 1) -> one number
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        costs.append(loss.item())
    return costs


def accuracy_of(model, x, y):
    """The share of the points that are judged rightly, in percent."""
    with tg.no_grad():
        return 100 * ((model(x) > 0.5) == (y > 0.5)).double().mean().item()


def sweep(x, y, iterations):
    """The trained models of all widths in ACCURACIES: {width: model}."""
    models = {width: network(width) for width in ACCURACIES}
    for model in models.values():
        train(model, x, y, iterations)
    return models


def run(options):
    require("matplotlib", "pygraphviz")
    report = Report(options)
    x, y = points_and_classes()
    model = network()
    count = sum(p.numel() for p in model.parameters())
    print(f"{len(x)} points in two classes, and a network of {count} parameters:\n{model}\n")

    loss = nn.BCELoss()(model(x), y)
    report.picture(draw.graph({"cost": loss}, model, {"points": x, "classes": y}), "flower_graph.svg")

    costs = train(model, x, y, 2001 if options.quick else ITERATIONS)
    pairs = list(zip(costs[::1000], COSTS))
    print("iterations      cost    course  difference")
    for index, (cost, expected) in enumerate(pairs):
        print(f"{1000 * index:10}  {cost:.6f}  {expected:.6f}  {cost - expected:10.1e}")
    agrees = all(abs(cost - expected) < 2e-6 for cost, expected in pairs)
    accuracy = accuracy_of(model, x, y)
    print(f"\naccuracy {accuracy:.1f}% (course: 90 %)\n")

    models = sweep(x, y, 100 if options.quick else SWEEP_ITERATIONS)
    names = {width: f"{width} hidden" if width else "logistic regression" for width in models}
    measured = {width: accuracy_of(other, x, y) for width, other in models.items()}
    rows = [[names[width], f"{measured[width]:.2f} %", f"{ACCURACIES[width]:.2f} %"] for width in models]
    report.table(["units", "accuracy", "course"], rows)
    reached = sum(measured[width] >= ACCURACIES[width] for width in models)
    report.compare("networks that are as good as the course's", reached, len(models), digits=0)

    title = f"Accuracy {accuracy:.1f}%"
    report.picture(plots.boundary(probability_of(model), x, y[:, 0], title), "flower_boundary.png")
    report.picture(plots.curves({"cost": {"training": costs}}, range(len(costs)), "iteration"), "flower_cost.png")
    titles = {width: f"{names[width]}: {measured[width]:.2f}%" for width in models}
    report.picture(draw_widths(models, titles, x, y), "flower_widths.png")
    code = report.done()
    if not agrees:
        print("The costs differ from the course's by more than 2e-6.")
    return code if agrees else 1


def probability_of(model):
    """A function of points, an array (n, 2): the probability of class 1, (n,)."""

    def probability(points):
        with tg.no_grad():
            return model(tg.tensor(points))[:, 0].numpy()

    return probability


def draw_widths(models, titles, x, y):
    """The regions of each model."""
    figure = plots.new_figure(16, 7)
    for axes, (width, model) in zip(figure.subplots(2, 4).ravel(), models.items()):
        plots.boundary(probability_of(model), x, y[:, 0], titles[width], steps=150, axes=axes)
    return figure
