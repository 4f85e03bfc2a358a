"""Clips exploding gradients: a recurrent network on names of dinosaurs, with gradients as they are and with short ones.

A recurrent network multiplies by the same matrix at every character, and gradients on their way back by its transpose:
over many characters they vanish or explode, as the matrix shrinks or stretches. A single step along an exploded one
throws the weights far away. Clipping by norm shortens such a gradient and keeps its direction; clipping by value limits
each element.
"""

from functools import partial

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import data, nn, optim, plots
from tinygrad_edu.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm

from . import require
from .names import END, HIDDEN, Reader, cost
from .report import Report

SEED, SECONDS = "001", 7

LENGTH, BATCH, RATE, STEPS, FIRST = 60, 32, 0.5, 300, 1.15
STRETCHES = 0.7, 1.0, 1.4
"""Deviations of the recurrent weights in units of He's, √(2 / units), which keeps the size of values behind ReLU.
Training begins with FIRST, a little too much."""

CLIPPINGS = {  # parameters -> None
    "none": lambda parameters: None,
    "norm ≤ 1": lambda parameters: clip_grad_norm_(parameters, 1.0),
    "values from −0.01 to 0.01": lambda parameters: clip_grad_value_(parameters, 0.01),
}


def sequences(names, vocabulary, length=LENGTH):
    """(x, y), each (N, length): all names one after the other, cut into pieces; and the character that comes next."""
    characters = vocabulary.encode(END.join(names) + END)
    count = (len(characters) - 1) // length
    return [characters[shift : shift + count * length].reshape(count, length) for shift in (0, 1)]


def start_recurrent(weight, stretch):
    """Normal with `stretch` times He's deviation."""
    return nn.init.normal_(weight, 0, stretch * (2 / len(weight)) ** 0.5)


def gradients_through_time(stretch, length=LENGTH):
    """Norms of the gradient of Σ h(length) by h(0), h(1), ... h(length − 1), where h(t) = ReLU(W h(t − 1))."""
    weight = start_recurrent(tg.empty(HIDDEN, HIDDEN, dtype=tg.float64), stretch)
    states = [tg.ones(HIDDEN, dtype=tg.float64, requires_grad=True)]
    for _ in range(length):
        states.append((weight @ states[-1]).relu())
    return [gradient.norm().item() for gradient in tg.autograd.grad(states[-1].sum(), states[:-1])]


def learn(clip, x, y, vocabulary, steps, seed):
    """Gradient descent with ReLU in the recurrent layer; returns the cost and the gradient's norm at each step."""
    tg.manual_seed(seed)
    model = Reader(partial(nn.RNN, nonlinearity="relu"), len(vocabulary))
    start_recurrent(model.recurrent.weight_hh_l0, FIRST)
    optimizer = optim.SGD(model.parameters(), lr=RATE)
    costs, norms = [], []
    for _ in range(steps):
        rows = tg.randint(0, len(x), (BATCH,))
        loss = cost(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        norms.append(get_total_norm([p.grad.double() for p in model.parameters()]).item())  # squares of 1e20 overflow
        clip(model.parameters())
        optimizer.step()
        costs.append(loss.item())
    return costs, norms


def run(options):
    require("matplotlib")
    report = Report(options)
    names = data.load_dinosaurs()
    report.data(names)
    tg.manual_seed(options.seed)
    flows = {f"{stretch:g} × He": gradients_through_time(stretch) for stretch in STRETCHES}
    report.table(
        ["recurrent weights", f"gradient {LENGTH} steps back", "30 steps back", "1 step back"],
        [[name, *[f"{norms[-steps]:.1e}" for steps in (LENGTH, 30, 1)]] for name, norms in flows.items()],
    )
    powers = {name: np.log10(norms[::-1]) for name, norms in flows.items()}
    figure = plots.curves({"power of ten of the gradient": powers}, xlabel="steps back")
    report.picture(figure, "clipping_through_time.png")

    vocabulary = data.Vocabulary([*names.names, END])
    x, y = sequences(names.names, vocabulary)
    rows, panels = [], {"cost, drawn up to 6": {}, "power of ten of the gradient before clipping": {}}
    for name, clip in CLIPPINGS.items():
        costs, norms = learn(clip, x, y, vocabulary, 5 if options.quick else STEPS, options.seed)
        for lines, values in zip(panels.values(), (np.minimum(costs, 6), np.log10(norms))):
            lines[name] = values
        rows.append([name, f"{costs[0]:.3f}", f"{sum(costs[-20:]) / len(costs[-20:]):.3f}", f"{np.nanmax(norms):.1e}"])
    report.table(["clipping", "first cost", "cost of the last 20 steps", "largest gradient"], rows)
    report.picture(plots.curves(panels), "clipping_curves.png")
    return report.done()
