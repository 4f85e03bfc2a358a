"""Reads handwritten digits by a convolutional network, and draws the distribution over the ten digits for an image.

28 × 28 → 14 × 14 × 16 → 7 × 7 × 32 → 128 → 10: convolution, batch normalization, ReLU and max pooling twice, then two
linear layers with dropout. The network is never wholly certain: for each image it gives ten probabilities, of which the
label, one-hot, is the limit. Drawn: those of the first nine in the test set and of images about which it is unsure.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import draw, nn, plots, train

from . import require
from .fingers import fit
from .mnist_mlp import load
from .report import Report

SEED, SECONDS = "003", 130

EPOCHS, BATCH, RATE = 3, 128, 4e-3

TEST_ACCURACY = 99.0
"""To be reached, in percent."""


def network():
    """Images (B, 1, 28, 28) -> scores (B, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),  # (B, 16, 14, 14)
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),  # (B, 32, 7, 7)
        nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.3),  # (B, 128)
        nn.Linear(128, 10),
    )  # fmt: skip


def distributions(images, labels, probabilities):
    """A row for each image: what it is, and the probability of each digit beside its one-hot label."""
    figure = plots.new_figure(7, 1.7 * len(images))
    for (left, right), image, label, row in zip(figure.subplots(len(images), 2, width_ratios=[1, 3]), images, labels,
                                                probabilities):  # fmt: skip
        left.imshow(image, cmap="gray_r")
        left.set(xticks=[], yticks=[], title=f"a {label}")
        right.bar(np.arange(10), np.eye(10)[label], 0.9, color="#d1d5db", label="one-hot label")
        right.bar(np.arange(10), row, 0.5, color=plots.COLORS[0], label="network")
        for digit in np.flatnonzero(row > 0.005):
            right.text(digit, row[digit] + 0.03, f"{row[digit]:.2f}", ha="center", fontsize=8)
        right.set(xticks=range(10), ylim=(0, 1.2), ylabel="probability")
        right.spines[["top", "right"]].set_visible(False)
    figure.axes[1].legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    training, test = load(report, options, channels=True)
    tg.manual_seed(options.seed)
    model = network()
    print(f"{draw.summary(model, training[0][:1])}\n", flush=True)
    history = fit(model, training, test, 1 if options.quick else EPOCHS, options, BATCH, RATE)
    if history.interrupted:
        report.stopped(f"{history.epochs} epochs")

    x, y = test[0].squeeze(1).numpy(), test[1].numpy()  # (10000, 28, 28), (10000,)
    probabilities = train.predict(model, test[0]).softmax(1).numpy()  # (10000, 10)
    read = probabilities.argmax(1)
    wrong = np.flatnonzero(read != y)
    report.compare("test accuracy", 100 * (1 - len(wrong) / len(y)), TEST_ACCURACY, "%", digits=2, of="to be reached")

    nine = int(np.argmax(y == 9))
    print(f"\nTest image {nine}, a 9:")
    rows = [[digit, int(digit == 9), f"{p:.4f}"] for digit, p in enumerate(probabilities[nine])]
    report.table(["digit", "one-hot", "network"], rows)
    unsure = np.argsort(probabilities.max(1))[:3]
    shown = [nine, *unsure]
    report.picture(distributions(x[shown], y[shown], probabilities[shown]), "mnist_cnn_distributions.png")
    report.picture(plots.confusion(y, read), "mnist_cnn_confusion.png")
    titles = [f"{y[i]} read as {read[i]}" for i in wrong[:24]]
    title = f"{len(wrong)} of {len(y):,} test images are read wrongly; the first of them"
    report.picture(plots.images(x[wrong[:24]], titles, title), "mnist_cnn_mistakes.png")
    return report.done()
