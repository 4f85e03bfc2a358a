"""Finds the minimum of w² − 10w + 25 at w = 5 by gradient descent, with fixed coefficients and with fed ones.

The first program that the course writes with a framework: it says what the cost is, the framework how it changes with
w. The derivative is 2w − 10, so that from w = 0 with the learning rate 0.01 there is w = 5 (1 − 0.98^t) after t steps:
0.1 after one, and 5 to eight digits after a thousand more. Coefficients that are fed, as batches of data are, may
change from step to step; here a second set moves the minimum to 10.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import draw, nn, optim, plots

from . import require
from .report import Report

SEED, SECONDS = "002", 3

RATE, STEPS = 0.01, 1001  # one, and a thousand more

COEFFICIENTS = [[1.0], [-10.0], [25.0]]
OTHERS = [[1.0], [-20.0], [100.0]]  # (w − 10)²


def fixed(w):
    """The cost with the coefficients in the program."""
    return w**2 - 10 * w + 25


def fed(w, x):
    """The cost with coefficients (3, 1) that are given to it."""
    return x[0][0] * w**2 + x[1][0] * w + x[2][0]


def descend(cost, w, steps, rate=RATE):
    """Gradient descent on cost(w); returns w after 0, 1, ... steps."""
    optimizer = optim.SGD([w], lr=rate)
    values = [w.item()]
    for _ in range(steps):
        loss = cost(w)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(w.item())
    return values


def variable():
    """w = 0, in float64."""
    return nn.Parameter(tg.zeros((), dtype=tg.float64))


def run(options):
    require("matplotlib", "pygraphviz")
    report = Report(options)
    steps = 101 if options.quick else STEPS
    x, others = tg.tensor(COEFFICIENTS, dtype=tg.float64), tg.tensor(OTHERS, dtype=tg.float64)

    w = variable()
    ways = {"fixed": descend(fixed, w, steps), "fed": descend(lambda w: fed(w, x), variable(), steps)}
    ways["fed, others at half-time"] = descend(lambda w: fed(w, x), w2 := variable(), steps // 2)
    ways["fed, others at half-time"] += descend(lambda w: fed(w, others), w2, steps - steps // 2)[1:]
    formula = 5 * (1 - 0.98 ** np.arange(steps + 1))
    shown = [t for t in (0, 1, 2, 10, 100, steps // 2, steps) if t <= steps]
    rows = [[t, *[f"{way[t]:.8f}" for way in ways.values()], f"{formula[t]:.8f}"] for t in shown]
    report.table(["step", *ways, "5 (1 − 0.98^t)"], rows)
    for name in ("fixed", "fed"):
        report.compare(f"w with {name} coefficients", round(ways[name][-1], 6), 5, digits=6)
    off = max(np.abs(np.array(ways[name]) - formula).max() for name in ("fixed", "fed"))
    print(f"largest distance from the formula: {off:.0e}")

    report.picture(draw.graph({"cost": fixed(w)}, {"w": w}), "quadratic_graph.svg")
    panels = {"w": ways, "cost": {"fixed": [fixed(value) for value in ways["fixed"]]}}
    report.picture(plots.curves(panels, range(steps + 1)), "quadratic_curves.png")
    return report.done()
