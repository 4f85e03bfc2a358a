"""Reads handwritten digits with DropConnect, and with an ensemble of columns that see differently prepared images.

DropConnect (Wan and others 2013) sets weights to 0 at random, where dropout sets values to 0; here one draw serves a
whole mini-batch, and in use all weights count, as with dropout. An ensemble of columns (Cireşan, Meier and Schmidhuber
2012) are networks that were trained with digits stretched to different widths; the mean of what they say is mostly
better than the best of them.
"""

import tinygrad_edu as tg
from tinygrad_edu import nn, plots, train
from tinygrad_edu.nn import functional as F

from . import require
from .fingers import fit
from .mnist_mlp import load
from .report import Report

SEED, SECONDS = "003", 56

WIDTHS = 10, 14, 18
"""To which the digits are stretched, in pixels, beside those that are left as they are."""

EPOCHS, BATCH, RATE = 3, 200, 4e-3


class DropConnect(nn.Linear):
    """x W'ᵀ + b. In training each weight of W' is 0 with probability p, otherwise that of W divided by 1 − p."""

    def __init__(self, inputs, outputs, p=0.2):
        super().__init__(inputs, outputs)
        self.p = p

    def forward(self, x):
        return F.linear(x, F.dropout(self.weight, self.p, self.training), self.bias)


def perceptron(linear=nn.Linear, dropout=0.0):
    """Images (B, 28, 28) -> scores (B, 10). `linear` makes the two hidden layers."""
    return nn.Sequential(
        nn.Flatten(),  # (B, 784)
        linear(784, 256), nn.ReLU(), nn.Dropout(dropout),
        linear(256, 128), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(128, 10),
    )  # fmt: skip


def stretched(x, width):
    """Images (N, 28, 28) in which the ink is as many pixels wide, and in the middle of the width.

    Some hundred at a time, whose arrays stay in the processor's cache: that is five times as fast as all at once.
    """
    return tg.cat([stretched_at_once(part, width) for part in x.split(500)])


def stretched_at_once(x, width):
    size = x.shape[2]
    columns = tg.arange(size)
    ink = (x > 0).any(dim=1)  # (N, 28): which columns have some
    left = tg.where(ink, columns, size).amin(dim=1)  # (N,)
    right = tg.where(ink, columns, -1).amax(dim=1) + 1
    # out(column) = in(middle + scale · column), with columns from −1 at the left edge to 1 at the right one
    scale, middle = (right - left) / width, (left + right) / size - 1
    zero, one = tg.zeros(len(x)), tg.ones(len(x))
    rows = tg.stack([scale, zero, middle, zero, one, zero], dim=1).reshape(-1, 2, 3)
    images = x.unsqueeze(1)  # (N, 1, 28, 28)
    return F.grid_sample(images, F.affine_grid(rows, images.shape, False), align_corners=False).squeeze(1)


def connected():
    return perceptron(DropConnect)


JOBS = [  # name, network, width of the digits; from the third on they are the columns
    ("no dropout", perceptron, None),
    ("dropout 0.2", lambda: perceptron(dropout=0.2), None),
    ("DropConnect 0.2", connected, None),
    *[(f"DropConnect, digits {width} wide", connected, width) for width in WIDTHS],
]


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    given = load(report, options)
    labels = given[1][1]
    rows, curves, columns = [], {}, []
    for name, make, width in JOBS:
        training, test = [(x if width is None else stretched(x, width), y) for x, y in given]
        tg.manual_seed(options.seed)
        model = make()
        history = fit(model, training, test, 2 if options.quick else EPOCHS, options, BATCH, RATE)
        columns.append(train.predict(model, test[0]).softmax(1))  # (10000, 10)
        known = train.evaluate(model, training, metrics=["accuracy"])["accuracy"]
        rows.append([name, f"{100 * known:.2f} %", percent(columns[-1], labels)])
        curves[name] = [100 * value for value in history["val_accuracy"]]
        if history.interrupted:
            report.stopped(f"{history.epochs} epochs of {name}")
            break
    if len(columns) > 3:
        rows.append([f"ensemble of the last {len(columns) - 2}", "", percent(sum(columns[2:]), labels)])
    report.table(["", "train accuracy", "test accuracy"], rows)

    eight = given[1][0][:8]
    shown = tg.cat([eight, *[stretched(eight, width) for width in WIDTHS]])
    title = f"Digits as they are, and {', '.join(map(str, WIDTHS))} pixels wide"
    report.picture(plots.images(shown, title=title), "columns_images.png")
    report.picture(plots.curves({"test accuracy in %": curves}, xlabel="epoch"), "columns_accuracy.png")
    return report.done()


def percent(scores, labels):
    return f"{100 * (scores.argmax(1) == labels).double().mean().item():.2f} %"
