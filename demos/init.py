"""Compares first weights, zeros, too small, too large, Xavier's and He's: symmetry, vanishing and exploding gradients.

In a small network on two circles: with equal weights all units of a layer get the same gradient and stay the same
unit, so that the symmetry must be broken by chance; large weights break it, and make large mistakes at first. In a
network of thirty layers on digits: each layer multiplies the size of its input, and on the way back that of the
gradient, by a factor that the weights decide. It must be near 1: with ReLU that is He's deviation, √(2 / inputs).
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import data, nn, optim, plots, train
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn import init

from . import require
from .report import Report

SEED, SECONDS = "001", 17

WEIGHTS = {  # of a layer with n inputs; biases are 0
    "zero": init.zeros_,
    "all equal": lambda w: init.constant_(w, 0.1),
    "too small": lambda w: init.normal_(w, 0, 0.01),
    "too large": lambda w: init.normal_(w, 0, 10),
    "Xavier": lambda w: init.normal_(w, 0, (1 / w.shape[1]) ** 0.5),  # √(1 / n), as the course has it
    "He": lambda w: init.normal_(w, 0, (2 / w.shape[1]) ** 0.5),
}

SMALL, SMALL_RATE, SMALL_STEPS = (2, 10, 5, 2), 0.1, 2000
DEEP, DEEP_RATE, DEEP_STEPS = (64, *[50] * 29, 10), 0.01, 300


def network(sizes, fill, seed):
    """Linear layers, ReLU between them, whose weights are made by fill(weight)."""
    tg.manual_seed(seed)
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layer = nn.Linear(inputs, outputs)
        fill(layer.weight)
        init.zeros_(layer.bias)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).double()  # float32 ends at 3e38, which large weights exceed


def descend(model, x, y, rate, steps, batch):
    """Gradient descent on batches in turn; returns the cost at each step and the gradients' sizes."""
    optimizer, norms, costs = optim.SGD(model.parameters(), lr=rate), plots.GradientNorms(model), []
    for step in range(steps):
        part = slice(start := step * batch % len(x), start + batch)
        cost = F.cross_entropy(model(x[part]), y[part])
        optimizer.zero_grad()
        cost.backward()
        norms.note()
        optimizer.step()
        costs.append(cost.item())
    return costs, norms


def sizes_by_layer(model, x, y):
    """Root mean squares of the values behind each linear layer, and of the cost's gradient there: two lists."""
    values = []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            x.retain_grad()
            values.append(x)
    F.cross_entropy(x, y).backward()
    return [[size.square().mean().sqrt().item() for size in sizes]
            for sizes in (values, [value.grad for value in values])]  # fmt: skip


def different_units(layer):
    """How many of the units have weights that no other has."""
    return len(np.unique(layer.weight.detach().numpy().round(6), axis=0))


def small(report, options):
    """Two circles: the symmetry of equal weights, and the slow start of large ones."""
    training, test = [data.circles(n, factor=0.8, seed=n, dtype=tg.float64) for n in (300, 100)]
    rows, costs = [], {}
    figure = plots.new_figure(9, 6.4)
    for (name, fill), axes in zip(WEIGHTS.items(), figure.subplots(2, 3).flat):
        model = network(SMALL, fill, options.seed)
        costs[name], _ = descend(model, *training, SMALL_RATE, 20 if options.quick else SMALL_STEPS, 300)
        accuracies = [100 * train.evaluate(model, pair, metrics=["accuracy"])["accuracy"] for pair in (training, test)]
        shown = [f"{cost:.4f}" for cost in (costs[name][0], costs[name][-1])]
        rows.append([name, *shown, *[f"{a:.1f} %" for a in accuracies], different_units(model[0])])

        def probabilities(points):  # (n, 2) -> (n, 2)
            return train.predict(model, points).softmax(1).numpy()

        plots.boundary(probabilities, *training, f"{name}: test {accuracies[1]:.1f} %", 100, axes)
        axes.get_legend().remove()
        axes.set(xticks=[], yticks=[], xlabel=None, ylabel=None)
    print(f"A network {'-'.join(map(str, SMALL))} on two circles, {len(costs['He'])} steps:\n")
    report.table(["first weights", "first cost", "last cost", "train", "test", "different hidden units"], rows)
    report.picture(figure, "init_boundaries.png")
    report.picture(plots.curves({"cost": costs}, log=["cost"]), "init_costs.png")


def deep(report, options):
    """Thirty layers: values vanish or explode on the way there, gradients on the way back."""
    digits = data.load_digits()
    x, y = digits.train_x.flatten(1).double(), digits.train_y
    x = data.Standardize().fit(x)(x)  # the factors of the layers begin at 1
    rows, panels = [], {"power of ten of the values": {}, "power of ten of their gradients": {}}
    for name, fill in WEIGHTS.items():
        model = network(DEEP, fill, options.seed)
        values, gradients = sizes_by_layer(model, x, y)
        for lines, sizes in zip(panels.values(), (values, gradients)):
            lines[name] = [np.log10(size) if size else None for size in sizes]
        costs, norms = descend(model, x, y, DEEP_RATE, 5 if options.quick else DEEP_STEPS, 64)
        accuracy = 100 * train.evaluate(model, (x, y), metrics=["accuracy"])["accuracy"]
        ends = [f"{size:.1e}" for size in (values[-1], gradients[-1], gradients[0])]
        rows.append([name, *ends, f"{costs[-1]:.4f}", f"{accuracy:.1f} %"])
        if name in ("Xavier", "He"):
            title = f"{name}: root mean square of the gradients"
            report.picture(norms.figure(title), f"init_{name.lower()}.png")
    print(f"A network of {len(DEEP) - 1} layers on handwritten digits, {len(costs)} steps:\n")
    header = ["first weights", "last layer's values", "their gradient", "in the first layer", "last cost", "train"]
    report.table(header, rows)
    title = "Root mean squares before the first step; those of zeros are 0"
    report.picture(plots.curves(panels, xlabel="layer", title=title), "init_layers.png")


def run(options):
    require("matplotlib", "sklearn")
    report = Report(options)
    small(report, options)
    deep(report, options)
    return report.done()
