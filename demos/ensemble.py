"""Averages the probabilities of several networks: independent ones, and snapshots of a single one.

Five networks that start from different weights make different mistakes; the mean of their probabilities makes fewer.
Snapshots cost no more than one training: the learning rate falls to 0 and jumps up again, time after time, and the
weights at the end of each cycle are one network of the ensemble (Huang et al. 2017). 400 digits are learnt.
"""

import tinygrad_edu as tg
from tinygrad_edu import nn, plots, train
from tinygrad_edu.data import load_digits, split
from tinygrad_edu.optim import lr_scheduler

from . import require
from .report import Report

SEED, SECONDS = "002", 5

MODELS, EPOCHS = 5, 30
"""So many networks, each for so many epochs; the snapshots are of one network, in as many epochs together."""


def network(pixels):
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))


class Snapshots(train.Callback):
    """Keeps the probabilities of an evaluation set after every so many epochs."""

    def __init__(self, every, x):
        self.every, self.x, self.probabilities = every, x, []

    def on_epoch_end(self, run):
        if (run.epoch + 1) % self.every == 0:
            self.probabilities.append(probabilities(run.model, self.x))


def probabilities(model, x):
    """(N, 10), without dropout."""
    return train.predict(model, x).softmax(1)


def learn(training, test_x, epochs, cycle, seed):
    """Train one network, whose learning rate falls to 0 within each `cycle` epochs; the probabilities of the test set
    at the end of each cycle."""
    tg.manual_seed(seed)
    model = network(training[0][0].numel())
    snapshots = Snapshots(cycle, test_x)
    warm_restarts = train.LearningRateScheduler(lr_scheduler.CosineAnnealingWarmRestarts, T_0=cycle)
    history = train.fit(
        model, training, loss="cross_entropy", optimizer=("adam", {"lr": 0.01}), epochs=epochs, batch_size=32,
        callbacks=[warm_restarts, snapshots], seed=seed, progress=False,
    )  # fmt: skip
    if history.interrupted:  # a part of the ensemble is none
        raise KeyboardInterrupt
    return snapshots.probabilities


def accuracy(probabilities, y):
    """In percent."""
    return 100 * train.metrics.accuracy(probabilities, y)


def run(options):
    require("sklearn", "matplotlib", "tqdm")
    report = Report(options)
    data = load_digits()
    report.data(data)
    n = 400
    training, (test_x, test_y) = split(*data.train, sizes=(n, len(data.train_x) - n), seed=options.seed)
    test_x, test_y = tg.cat([test_x, data.test_x]), tg.cat([test_y, data.test_y])  # more, so that 1 % is many
    print(f"{n} images to train with, {len(test_x):,} to test with\n")

    epochs = 2 if options.quick else EPOCHS
    ways = {
        "independent networks": [
            learn(training, test_x, epochs, epochs, seed=MODELS * options.seed + i)[0] for i in range(MODELS)
        ],
        "snapshots of one network": learn(training, test_x, MODELS * epochs, epochs, seed=MODELS * options.seed),
    }
    rows, panels = [], {}
    for name, found in ways.items():
        alone = [accuracy(p, test_y) for p in found]
        together = [accuracy(sum(found[: k + 1]) / (k + 1), test_y) for k in range(len(found))]
        panels[f"{name}: test accuracy in %"] = {"each alone": alone, "the mean of so many": together}
        mean = sum(alone) / len(alone)
        percent = [f"{value:.2f} %" for value in (mean, max(alone), together[-1])]
        rows.append([name, *percent, f"{together[-1] - mean:+.2f}"])
    report.table(["", "alone, on average", "the best alone", "all together", "gain in points"], rows)
    print('The course promises up to two points, "extra 2 % performance".')
    report.picture(plots.curves(panels, xlabel="network"), "ensemble.png")
    return report.done()
