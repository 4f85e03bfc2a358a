"""Transfers what a network learnt from the digits 0 to 7 to the digits 8 and 9, of which it gets few examples.

A convolutional network learns eight digits from many images. Its first layers serve any digit. For the two new ones the
last layer is replaced: either only it learns (the rest is frozen), or all layers go on learning (fine-tuning). Both are
compared with the same network from first weights, for 1 to 50 examples of each digit, each the mean of several draws.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import data, nn, plots, train

from . import require
from .fingers import fit
from .report import Report

SEED, SECONDS = "001", 17

OLD, NEW = 8, 2  # digits
EXAMPLES, DRAWS, STEPS = (1, 2, 5, 10, 20, 50), 5, 60
TRAINING, EPOCHS, BATCH, RATE = 8000, 2, 64, 5e-3

WAYS = {  # name: (begins with what was learnt, only the last layer learns, learning rate)
    "from first weights": (False, False, 3e-3),
    "frozen": (True, True, 3e-2),
    "fine-tuned": (True, False, 3e-3),
}


def network(classes):
    """Images (B, 1, 28, 28) -> scores (B, classes)."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(),  # (B, 8, 14, 14)
        nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),  # (B, 16, 7, 7)
        nn.Flatten(), nn.Linear(16 * 7 * 7, 32), nn.ReLU(),
        nn.Linear(32, classes),
    )  # fmt: skip


def parts(x, y):
    """((images, labels) of the digits 0 to 7, those of 8 and 9 with the labels 0 and 1)."""
    old = y < OLD
    return (x[old], y[old]), (x[~old], y[~old] - OLD)


def few(x, y, count, random):
    """`count` images of each of the new digits."""
    chosen = [random.choice(np.flatnonzero(y == digit), count, replace=False) for digit in range(NEW)]
    return x[np.concatenate(chosen)], y[np.concatenate(chosen)]


def transferred(learnt, frozen):
    """A network for the new digits with all layers of `learnt` but the last, which begins anew."""
    model = network(NEW)
    for layer, source in zip(model[:-1], learnt[:-1]):
        layer.load_state_dict(source.state_dict())
        layer.requires_grad_(not frozen)
    return model


def accuracy(model, pair):
    return 100 * train.evaluate(model, pair, metrics=["accuracy"])["accuracy"]


def learn_new(learnt, way, examples, test, steps, seed):
    """The test accuracy after learning the new digits from a few examples, in one of the WAYS."""
    begins_learnt, frozen, rate = WAYS[way]
    tg.manual_seed(seed)
    model = transferred(learnt, frozen) if begins_learnt else network(NEW)
    optimizer = tg.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
    x, y = examples
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return accuracy(model, test)


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    digits = data.load_mnist().channels_first()
    report.data(digits)
    training, new = parts(digits.train_x[:TRAINING], digits.train_y[:TRAINING])
    test, new_test = parts(*digits.test)
    if options.quick:
        training, test, new_test = [(x[:64], y[:64]) for x, y in (training, test, new_test)]

    tg.manual_seed(options.seed)
    learnt = network(OLD)
    history = fit(learnt, training, None, 1 if options.quick else EPOCHS, options, BATCH, RATE)
    if history.interrupted:
        report.stopped(f"{history.epochs} epochs")
    print(f"\nEight digits: {len(training[0]):,} images to learn from, test {accuracy(learnt, test):.1f} %\n")

    counts, draws = ((1, 5), 1) if options.quick else (EXAMPLES, DRAWS)
    means = {way: [] for way in WAYS}
    for count in counts:
        random = np.random.default_rng(options.seed)
        examples = [few(*new, count, random) for _ in range(draws)]  # the same for each way
        for way in WAYS:
            found = [learn_new(learnt, way, pair, new_test, STEPS, seed) for seed, pair in enumerate(examples)]
            means[way].append(np.mean(found))
    rows = [[f"{count}", *[f"{means[way][i]:.1f} %" for way in WAYS]] for i, count in enumerate(counts)]
    report.table(["examples of each new digit", *WAYS], rows)
    curves = {"test accuracy of the new digits, %": means}
    report.picture(plots.curves(curves, counts, "examples of each"), "transfer_accuracy.png")
    filters = learnt[0].weight.detach()[:, 0].numpy()  # (8, 5, 5)
    picture = plots.images(filters, title="What is transferred: the first filters", signed=True)
    report.picture(picture, "transfer_filters.png")
    return report.done()
