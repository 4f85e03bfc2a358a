"""Lowers the learning rate as training goes on, by the four rules of the course, and shows what that is good for.

Mini-batches make gradients noisy, and with steps of a constant size the cost ends up circling its minimum. With steps
that become smaller it settles. A network with one hidden layer learns noisy moons, four points at a time, by plain SGD;
all start from the same weights and see the same batches.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, plots, train
from tinygrad_edu.data import moons

from . import require
from .report import Report

SEED, SECONDS = "002", 6

RATE, EPOCHS = 0.5, 40

RULES = {  # the learning rate in an epoch, which are counted from 0
    "constant": lambda epoch: RATE,
    "1 / (1 + decay_rate · epoch)": lambda epoch: RATE / (1 + 0.1 * epoch),
    "0.95^epoch": lambda epoch: RATE * 0.95**epoch,
    "k / √epoch": lambda epoch: RATE * 1.0 / (epoch + 1) ** 0.5,  # k = 1; the first epoch must not divide by 0
    "by hand": lambda epoch: RATE * (1.0 if epoch < 20 else 0.3 if epoch < 30 else 0.1),
}


def learn(rule, data, epochs, seed):
    """Train by one of RULES; the History, whose "at the end" is the loss of all points after each epoch."""
    tg.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    return train.fit(
        model, data, loss="bce_with_logits", optimizer=("sgd", {"lr": RATE}), epochs=epochs, batch_size=4,
        validation=data, callbacks=[train.LearningRateScheduler(rule)], seed=seed, progress=False,
    )  # fmt: skip


def run(options):
    require("matplotlib")
    report = Report(options)
    x, y = moons(n=300, noise=0.25, seed=options.seed)
    epochs = 3 if options.quick else EPOCHS
    found = {}
    for name, rule in RULES.items():
        found[name] = learn(rule, (x, y.float()), epochs, options.seed)
        if found[name].interrupted:
            report.stopped(f"{name}, epoch {found[name].epochs}")
            break
    found = {name: history for name, history in found.items() if history.epochs}
    last = max(epochs // 4, 1)
    rows = []
    for name, history in found.items():
        costs = np.array(history["val_loss"])[-last:]
        rows.append([name, f"{history['lr'][-1]:.4f}", f"{costs.mean():.4f}", f"{costs.std():.4f}"])
    header = ["learning rate", "last rate", f"mean cost of the last {last} epochs", "its standard deviation"]
    report.table(header, rows)
    if found:
        rates = {name: history["lr"] for name, history in found.items()}
        costs = {name: history["val_loss"] for name, history in found.items()}
        figure = plots.curves({"learning rate": rates, "cost of all points": costs}, xlabel="epoch")
        report.picture(figure, "decay.png")
    return report.done()
