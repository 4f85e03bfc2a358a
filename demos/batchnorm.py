"""Shows batch normalization: its formula, faster learning with larger rates, and running averages for single images.

Each value behind a linear layer is brought to mean 0 and variance 1 over the images of the batch, then scaled by γ and
shifted by β, which are learnt. Layers thus see inputs that do not drift as those before them learn. In use there may be
one image only, which has no variance: there the averages that ran along in training are taken instead.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots, train
from tinygrad_edu.data import load_digits

from . import require
from .report import Report

SEED, SECONDS = "001", 6

WIDTHS = 64, 50, 50, 50, 50, 10
RATES = 0.01, 0.1, 1.0
EPOCHS, BATCH = 8, 32


def network(normalized):
    """Images (B, 64) -> scores (B, 10): linear layers, batch normalization if asked for, ReLU."""
    layers = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:-1]):
        layers += [nn.Linear(inputs, outputs), *([nn.BatchNorm1d(outputs)] if normalized else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(*WIDTHS[-2:]))


def formula(z, gamma, beta, eps=1e-5):
    """The course's: of values (B, n) those that the layer gives in training."""
    means = z.sum(axis=0) / len(z)
    variances = ((z - means) ** 2).sum(axis=0) / len(z)
    return gamma * (z - means) / np.sqrt(variances + eps) + beta


class Averages(train.Callback):
    """Notes, after each step, mean and variance of the batch and the running averages, of one value."""

    def __init__(self, layer, value):
        self.value, self.batch, self.running = value, [], []
        self.layer, self.handle = layer, layer.register_forward_hook(self.note)

    def note(self, layer, inputs, output):
        if layer.training:
            z = inputs[0].detach()[:, self.value]
            self.batch.append([z.mean().item(), z.var().item()])
            self.running.append([layer.running_mean[self.value].item(), layer.running_var[self.value].item()])

    def on_fit_end(self, run):
        self.handle.remove()


def fit(model, training, test, rate, options, callbacks=()):
    return train.fit(
        model, training, loss="cross_entropy", optimizer=optim.SGD(model.parameters(), lr=rate), batch_size=BATCH,
        epochs=1 if options.quick else EPOCHS, validation=test, metrics=["accuracy"], callbacks=list(callbacks),
        seed=options.seed, progress=False,
    )  # fmt: skip


def accuracy_in_batches(model, x, y, size, training):
    """How many images, in batches of `size`, are read rightly, in training or in evaluation mode; in percent."""
    model.train(training)
    averages = {name: value.clone() for name, value in model.named_buffers()}
    with tg.no_grad():
        read = [model(x[i : i + size]).argmax(1) for i in range(0, len(x) - len(x) % size, size)]
    model.load_state_dict(averages, strict=False)  # training mode has moved them
    model.eval()
    read = tg.cat(read)
    return 100 * (read == y[: len(read)]).float().mean().item()


def run(options):
    require("matplotlib", "sklearn")
    report = Report(options)
    digits = load_digits()
    (x, y), test = [(2 * images.flatten(1) - 1, labels) for images, labels in (digits.train, digits.test)]  # -1 … 1

    x, y = [values[: len(x) - len(x) % BATCH] for values in (x, y)]  # a last batch of 3 would have poor statistics

    layer = nn.BatchNorm1d(64)
    difference = np.abs(layer(x[:BATCH]).detach().numpy() - formula(x[:BATCH].numpy(), 1.0, 0.0)).max()
    print(f"The layer and the formula differ by at most {difference:.0e}.\n")

    rows, costs = [], {}
    for rate in RATES:
        for normalized in (False, True):
            tg.manual_seed(options.seed)
            model = network(normalized)
            averages = [Averages(model[1], 0)] if normalized else []
            history = fit(model, (x, y), test, rate, options, averages)
            if history.interrupted:
                report.stopped(f"{history.epochs} epochs")
                return report.done()
            name = f"{'with' if normalized else 'without'}, rate {rate:g}"
            costs[name] = history["loss"]
            found = [f"{100 * history['val_accuracy'][epoch]:.1f} %" for epoch in (0, -1)]
            rows.append([name, *found, f"{history['loss'][-1]:.4f}"])
            if normalized and rate == RATES[1]:
                kept, noted = model, averages[0]
    report.table(["batch normalization", "test after one epoch", f"after {history.epochs}", "cost"], rows)

    rows = []
    for size in (1, 2, 4, 16, 64, len(test[1])):
        own = "impossible" if size == 1 else f"{accuracy_in_batches(kept, *test, size, True):.1f} %"
        rows.append([f"{size}", f"{accuracy_in_batches(kept, *test, size, False):.1f} %", own])
    report.table(["images in a batch", "test with running averages", "with the batch's own statistics"], rows)

    report.picture(plots.curves({"cost": costs}, xlabel="epoch", log=["cost"]), "batchnorm_costs.png")
    (means, variances), (running_means, running_variances) = zip(*noted.batch), zip(*noted.running)
    panels = {
        "mean of a value": {"of the batch": means, "running average": running_means},
        "variance": {"of the batch": variances, "running average": running_variances},
    }
    report.picture(plots.curves(panels), "batchnorm_averages.png")
    return report.done()
