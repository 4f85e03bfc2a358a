"""Enlarges a small training set by random changes of its images, and compares the accuracy with and without.

Twenty photographs of each digit that fingers show, and the network of the demo fingers, which soon knows them by heart.
With augmentation it sees each of them in another form in every epoch: moved, turned, slanted, warped, in other light.
Written: each of the library's changes on one photograph, and the curves.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import optim, plots, train
from tinygrad_edu.data import augment, load_sign_digits
from tinygrad_edu.nn import functional as F

from . import require
from .fingers import network
from .report import Report

SEED, SECONDS = "000", 52

EACH, EPOCHS, BATCH, RATE = 20, 36, 50, 2e-3
EVERY = 4  # epochs between two points of the curves

EDGE = {"padding_mode": "border"}  # what comes into view is the background


def changes(axes):
    """{name: a function of photographs (N, 64, 64, 3)}, each of which changes every photograph by its own draw.

    axes  of the colors of the training set
    """
    return {
        "mirror": lambda x: augment.mirror(x),
        "random crop": lambda x: augment.random_crop(x, padding=5, **EDGE),
        "rotate": lambda x: augment.rotate(x, 15, **EDGE),
        "shear": lambda x: augment.shear(x, 10, **EDGE),
        "warp": lambda x: augment.warp(x, 1.5, 8, **EDGE),
        "shift colors": lambda x: augment.shift_colors(x, 0.1),
        "PCA colors": lambda x: augment.pca_colors(x, axes, 0.3),
    }


def few(x, y, each):
    """The first `each` photographs of every class."""
    chosen = np.concatenate([np.flatnonzero(y.numpy() == digit)[:each] for digit in range(10)])
    return x[chosen], y[chosen]


def channels_first(x):
    return x.permute(0, 3, 1, 2).contiguous()


def learn(training, test, steps, epochs):
    """Train with these changes, one after the other, of every batch. Returns (model, test accuracies).

    epochs  an iterable of their numbers, from 1
    """
    x, y = training
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=RATE)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, len(epochs))
    accuracies = []
    for epoch in epochs:
        model.train()
        for part in tg.randperm(len(x)).split(BATCH):
            batch = x[part]  # (50, 64, 64, 3)
            for change in steps:
                batch = change(batch)
            loss = F.cross_entropy(model(channels_first(batch)), y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        if epoch % EVERY == 0:
            accuracies.append(100 * train.evaluate(model, test, metrics=["accuracy"])["accuracy"])
    return model, accuracies


def run(options):
    require("matplotlib", "tqdm")
    from tqdm import tqdm

    report = Report(options)
    data = load_sign_digits()
    report.data(data)
    x, y = training = few(*data.train, 3 if options.quick else EACH)
    size = 50 if options.quick else None
    test = channels_first(data.test_x[:size]), data.test_y[:size]

    tg.manual_seed(options.seed)
    every = changes(augment.color_axes(x))
    one = tg.cat([x[y == 5][:1]] * 8)  # eight times the same photograph
    rows = [change(one) for change in every.values()]
    titles = [name if column == 0 else "" for name in every for column in range(8)]
    report.picture(plots.images(tg.cat(rows), titles, "Eight draws of each change"), "augment_changes.png")

    ways = {
        "without": [],
        "moved, turned, slanted": [every[name] for name in ("random crop", "rotate", "shear")],
        "and warped, other light": [every[name] for name in ("random crop", "rotate", "shear", "warp", "shift colors")],
    }
    rows, curves = [], {}
    for name, steps in ways.items():
        tg.manual_seed(options.seed)
        count = EVERY if options.quick else EPOCHS
        bar = tqdm(range(1, count + 1), f"{name:24}", unit="epoch", disable=options.no_progress, ncols=88)
        try:
            model, curves[name] = learn(training, test, steps, bar)
        except KeyboardInterrupt:
            if not rows:
                raise
            report.stopped(f"{len(rows)} of {len(ways)} networks")
            break
        known = train.evaluate(model, (channels_first(x), y), metrics=["accuracy"])["accuracy"]
        rows.append([name, f"{100 * known:.1f} %", f"{curves[name][-1]:.1f} %"])
    print(f"{len(x)} photographs to train with, {len(test[1])} to test with")
    report.table(["", "train accuracy", "test accuracy"], rows)
    epochs = range(EVERY, EPOCHS + 1, EVERY)
    report.picture(plots.curves({"test accuracy in %": curves}, epochs, "epoch"), "augment_accuracy.png")
    return report.done()
