"""Reads handwritten digits by softmax regression and by a multilayer perceptron, in mini-batches of 50.

Softmax regression is one layer, softmax(W x + b); the perceptron has two hidden layers of 256 and 128 units with ReLU
and dropout before it. The cost is the cross-entropy −Σ y log ŷ with y the one-hot label. Softmax and cross-entropy are
computed as one, so that no log of 0 arises and nothing has to be added to ŷ.
"""

import tinygrad_edu as tg
from tinygrad_edu import nn, plots, train
from tinygrad_edu.data import load_mnist

from . import require
from .fingers import fit
from .report import Report

SEED, SECONDS = "003", 34

EPOCHS, BATCH, RATE = 6, 50, 3e-3


def softmax_regression():
    """Images (B, 28, 28) -> scores (B, 10)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def perceptron():
    """Images (B, 28, 28) -> scores (B, 10)."""
    return nn.Sequential(
        nn.Flatten(),  # (B, 784)
        nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(128, 10),
    )  # fmt: skip


def load(report, options, channels=False):
    """((x, y) to train with, (x, y) to test with): MNIST, with --quick only its first images."""
    data = load_mnist()
    report.data(data)
    data = data.channels_first() if channels else data
    size = 300 if options.quick else None
    return [(x[:size], y[:size]) for x, y in (data.train, data.test)]


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    training, test = load(report, options)
    rows, curves = [], {}
    for make in (softmax_regression, perceptron):
        name = make.__name__.replace("_", " ")
        tg.manual_seed(options.seed)
        model = make()
        history = fit(model, training, test, 2 if options.quick else EPOCHS, options, BATCH, RATE)
        results = [100 * train.evaluate(model, pair, metrics=["accuracy"])["accuracy"] for pair in (training, test)]
        count = sum(p.numel() for p in model.parameters())
        rows.append([name, f"{count:,}", *[f"{result:.2f} %" for result in results]])
        curves[name] = [100 * value for value in history["val_accuracy"]]
        if make is softmax_regression:
            weights = model[1].weight.detach().numpy().reshape(10, 28, 28)
        if history.interrupted:
            report.stopped(f"{history.epochs} epochs of {name}")
            break
    report.table(["", "parameters", "train accuracy", "test accuracy"], rows)
    report.picture(plots.curves({"test accuracy in %": curves}, xlabel="epoch"), "mnist_mlp_accuracy.png")
    title = "Softmax regression's weights for each digit: ink in red speaks for it"
    report.picture(plots.images(weights, list("0123456789"), title, columns=5, signed=True), "mnist_mlp_weights.png")
    return report.done()
