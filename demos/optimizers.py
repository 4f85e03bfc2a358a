"""Compares batches, mini-batches, momentum, RMSprop and Adam: their formulas, their curves, their ways on a surface.

Mini-batches are made by hand: the points are shuffled, then parted; 300 points in batches of 64 leave 44 for the last.
Each optimizer of the library is followed step by step by its formula from the course, written in NumPy. The animation
shows the ways on a long valley, from which one sees what momentum and the division by √s are for: plain gradient
descent swings across the valley at every step; averages of gradients swing slowly, and √s makes the steep way short.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots, train
from tinygrad_edu.data import moons
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "000", 10

SIZE, EPOCHS, RATE = 64, 100, 0.01
BETA, BETA1, BETA2 = 0.9, 0.9, 0.999

OPTIMIZERS = {  # parameters and rate -> optimizer; SGD keeps v / (1 − β), so that it gets the rate times 1 − β
    "gradient descent": lambda p, rate: optim.SGD(p, lr=rate),
    "momentum": lambda p, rate: optim.SGD(p, lr=rate * (1 - BETA), momentum=BETA),
    "RMSprop": lambda p, rate: optim.RMSprop(p, lr=rate, alpha=BETA, eps=1e-7),
    "Adam": lambda p, rate: optim.Adam(p, lr=rate, betas=(BETA1, BETA2), eps=1e-8),
}

# ---- the course's formulas: (w, its gradient, v and s so far, the number of the step) -> (w, v, s)


def gradient_descent(w, dw, v, s, t):
    return w - RATE * dw, v, s


def momentum(w, dw, v, s, t):
    v = BETA * v + (1 - BETA) * dw
    return w - RATE * v, v, s


def rmsprop(w, dw, v, s, t):
    s = BETA * s + (1 - BETA) * dw**2
    return w - RATE * dw / (np.sqrt(s) + 1e-7), v, s


def adam(w, dw, v, s, t):
    v = BETA1 * v + (1 - BETA1) * dw
    s = BETA2 * s + (1 - BETA2) * dw**2
    corrected_v, corrected_s = v / (1 - BETA1**t), s / (1 - BETA2**t)
    return w - RATE * corrected_v / (np.sqrt(corrected_s) + 1e-8), v, s


FORMULAS = {"gradient descent": gradient_descent, "momentum": momentum, "RMSprop": rmsprop, "Adam": adam}

# ---- training


def mini_batches(x, y, size):
    """Shuffle, then part: batches of `size` pairs, the last one smaller if they do not come out even."""
    order = tg.randperm(len(x))
    return [(x[part], y[part]) for part in order.split(size)]


def learn(name, x, y, size, epochs):
    """(cost of all points after each epoch, accuracy, the largest difference from the formula) of one optimizer."""
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2)).double()
    optimizer = OPTIMIZERS[name](model.parameters(), RATE)
    by_formula = [(p.detach().numpy().copy(), 0, 0) for p in model.parameters()]  # w, v, s of each
    costs, step, difference = [], 0, 0.0
    for _ in range(epochs):
        for batch_x, batch_y in mini_batches(x, y, size):  # (64, 2), (64,)
            loss = F.cross_entropy(model(batch_x), batch_y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            for i, p in enumerate(model.parameters()):
                w, v, s = by_formula[i]
                by_formula[i] = FORMULAS[name](w, p.grad.numpy(), v, s, step)
                difference = max(difference, np.abs(p.detach().numpy() - by_formula[i][0]).max())
        results = train.evaluate(model, (x, y), "cross_entropy", ["accuracy"])
        costs.append(results["loss"])
    return costs, results["accuracy"], difference


# ---- ways on a surface


def valley(x, y):
    """Twenty times as steep across as along; its lowest point is (0, 0)."""
    return 0.05 * x**2 + y**2


RATES = {"gradient descent": 0.95, "momentum": 0.95, "RMSprop": 0.3, "Adam": 0.5}


def way(name, steps):
    """The points (steps + 1, 2) of an optimizer on the valley, each step with the true gradient."""
    point = tg.tensor([-9.0, 2.5], requires_grad=True)
    optimizer = OPTIMIZERS[name]([point], RATES[name])
    points = [point.tolist()]
    for _ in range(steps):
        optimizer.zero_grad()
        valley(*point).backward()
        optimizer.step()
        points.append(point.tolist())
    return np.array(points)


def run(options):
    require("matplotlib", "PIL")
    report = Report(options)
    x, y = moons(300, noise=0.2, dtype=tg.float64)
    runs = {"gradient descent, whole batch": ("gradient descent", len(x))}
    runs.update({f"{name}, mini-batches": (name, SIZE) for name in OPTIMIZERS})
    rows, curves, largest = [], {}, 0.0
    for title, (name, size) in runs.items():
        tg.manual_seed(options.seed)
        curves[title], accuracy, difference = learn(name, x, y, size, 3 if options.quick else EPOCHS)
        steps = -(-len(x) // size) * len(curves[title])
        rows.append([title, steps, curves[title][-1], f"{accuracy:.1%}", f"{difference:.1e}"])
        largest = max(largest, difference)
    sizes = [len(part) for part, _ in mini_batches(x, y, SIZE)]
    print(f"{len(x)} points in mini-batches of {', '.join(map(str, sizes))}; {len(curves[title])} epochs\n")
    report.table(["", "steps", "cost", "accuracy", "largest difference from the formula"], rows)
    report.picture(plots.curves({"cost": curves}, xlabel="epoch"), "optimizers_costs.png")

    ways = {name: way(name, 40) for name in OPTIMIZERS}

    def frame(step):
        paths = {name: points[: step + 1] for name, points in ways.items()}
        return plots.surface(valley, (-10, 2), (-3, 3), paths, f"After {step} steps", steps=60)

    report.picture(frame(40), "optimizers_ways.png")
    report.picture(plots.Animation(frame(step) for step in range(0, 6 if options.quick else 41)), "optimizers_ways.gif")
    code = report.done()
    if largest > 1e-10:
        print(f"The library's steps differ from the formulas by up to {largest:.1e}.")
        return 1
    return code
