"""Separates the petals of a "flower" with four hidden units, and gets the costs of a well-known course to six digits.

400 points in two classes, a 2-4-1 network with tanh and sigmoid, gradient descent on all points at once with learning
rate 1.2: the planar data exercise of Andrew Ng's "Neural Networks and Deep Learning". Our costs are compared with those
that its solution prints.
"""

import time

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import draw, nn, optim, plots

from . import require

SEED, SECONDS = "004", 6

COSTS = (0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504)
"""The course's costs after 0, 1000, ... 7000 iterations. Later ones depend on the rounding of the last bit."""

ITERATIONS = 10_000


def data():
    """Points as a (400, 2) tensor and their classes, 0.0 or 1.0, as a (400, 1) tensor."""
    random = np.random.RandomState(1)
    points, classes = [], []
    for j in (0, 1):
        t = np.linspace(3.12 * j, 3.12 * (j + 1), 200) + 0.2 * random.randn(200)  # angle
        r = 4 * np.sin(4 * t) + 0.2 * random.randn(200)  # radius: a rose of eight petals
        points.append(np.stack([r * np.sin(t), r * np.cos(t)], axis=1))
        classes.append(np.full((200, 1), float(j)))
    return tg.tensor(np.concatenate(points)), tg.tensor(np.concatenate(classes))


def network():
    """The 2-4-1 network in float64, with the course's initial weights."""
    hidden, output = nn.Linear(2, 4), nn.Linear(4, 1)
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


def run(options):
    require("matplotlib", "pygraphviz")
    start = time.perf_counter()
    x, y = data()
    model = network()
    count = sum(p.numel() for p in model.parameters())
    print(f"{len(x)} points in two classes, and a network of {count} parameters:\n{model}\n")

    loss = nn.BCELoss()(model(x), y)
    graph = draw.graph({"cost": loss}, model, {"points": x, "classes": y}).save(f"{options.out}/flower_graph.svg")

    costs = train(model, x, y)
    print("iterations      cost    course  difference")
    for index, expected in enumerate(COSTS):
        cost = costs[1000 * index]
        print(f"{1000 * index:10}  {cost:.6f}  {expected:.6f}  {cost - expected:10.1e}")
    agrees = all(abs(costs[1000 * index] - expected) < 2e-6 for index, expected in enumerate(COSTS))

    with tg.no_grad():
        accuracy = ((model(x) > 0.5) == (y > 0.5)).double().mean().item()
    print(f"\naccuracy {accuracy:.1%} (course: 90 %)")

    def probability(points):  # (n, 2) -> (n,)
        with tg.no_grad():
            return model(tg.tensor(points))[:, 0].numpy()

    regions = plots.boundary(probability, x, y[:, 0], f"Accuracy {accuracy:.1%}")
    cost = plots.curves({"cost": {"training": costs}}, range(len(costs)), "iteration")
    files = [
        graph,
        plots.save(regions, f"{options.out}/flower_boundary.png"),
        plots.save(cost, f"{options.out}/flower_cost.png"),
    ]
    print("\nWrote " + "\n      ".join(files))
    print(f"Time: {time.perf_counter() - start:.1f} s")
    if not agrees:
        print("The costs differ from the course's by more than 2e-6.")
    return 0 if agrees else 1
