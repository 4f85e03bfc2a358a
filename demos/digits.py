"""Reads handwritten digits with a multilayer perceptron, dropout and an L2 penalty, and shows what it learned.

The images are MNIST where it is found, else the small set that comes with scikit-learn. Written to the output folder:
the graph of one step, the learning curves, the first layer's weights as images, and the test images that it gets wrong.

Ctrl-C stops the training, not the program: what was learned so far is tested and drawn, and the exit code is 130.
"""

import os
import sys

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import check, draw, func, nn, optim, plots, train
from tinygrad_edu.data import DataLoader, TensorDataset, datasets
from tinygrad_edu.nn import functional as F

from . import positive, require
from .report import Report

SEED, SECONDS = "", 7

HIDDEN = (256, 128)
DROPOUT = 0.3
SETTINGS = {  # the more data, the less penalty is needed
    "bundled": {"epochs": 30, "batch_size": 32, "lr": 3e-3, "l2": 1e-4},
    "mnist": {"epochs": 12, "batch_size": 128, "lr": 2e-3, "l2": 1e-5},
}


def add_arguments(parser):
    add = parser.add_argument
    add(
        "--data", choices=("auto", "bundled", "mnist"), default="auto",
        help="bundled: 1,797 digits of scikit-learn; mnist: 70,000 digits, downloaded if they are not found; "
        "auto (the default): MNIST if it is found, else the bundled digits",
    )  # fmt: skip
    add("--epochs", type=positive, metavar="N", help="passes over the training data (default: 30, MNIST 12)")
    add("--batch-size", type=positive, metavar="N", help="images per step (default: 32, MNIST 128)")


def load(wanted):
    """("bundled" or "mnist", why, the data), for what was asked for: "auto", "bundled" or "mnist"."""
    if wanted == "bundled":
        return "bundled", "as asked for", datasets.digits()
    folder = datasets.find_mnist()
    if folder is None and wanted == "auto":
        folders = " or ".join(datasets.mnist_folders()).replace(os.path.expanduser("~"), "~")
        why = f"no MNIST in {folders}; --data mnist downloads it, 11 MB"
        return "bundled", why, datasets.digits()
    return "mnist", f"found in {folder}" if folder else "downloaded", datasets.mnist(download=True)


def network(pixels, classes=10):
    """Images (B, height, width) -> logits (B, 10). The largest logit is at the digit that the network reads."""
    first, second = HIDDEN
    return nn.Sequential(
        nn.Flatten(),  # (B, pixels)
        nn.Linear(pixels, first), nn.ReLU(), nn.Dropout(DROPOUT),  # (B, 256)
        nn.Linear(first, second), nn.ReLU(), nn.Dropout(DROPOUT),  # (B, 128)
        nn.Linear(second, classes),  # (B, 10)
    )  # fmt: skip


def objective(logits, labels, parameters, l2):
    """What training makes small: the mean cross-entropy, plus l2 times the sum of all squared weights.

    parameters  name -> tensor; biases are not penalised
    """
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return F.cross_entropy(logits, labels) + l2 * tg.l2_penalty(weights)


def check_gradients(model, x, y, l2):
    """The report of comparing the objective's gradients with numerical derivatives, in float64, without dropout.

    Each tensor of parameters is moved along three random directions. The derivative along a direction is the scalar
    product of the gradient with it, so that any wrong element shows.
    """
    x, parameters = x.double(), {name: p.detach().double() for name, p in model.named_parameters()}
    directions = {name: p * tg.randn(3, *p.shape, dtype=tg.float64) for name, p in parameters.items()}  # (3, *p.shape)

    def loss(*steps):  # for each parameter tensor, how far to go along its directions: (3,)
        moved = {
            name: p + tg.tensordot(step, directions[name], 1)  # (3,) and (3, *p.shape) -> p.shape
            for step, (name, p) in zip(steps, parameters.items())
        }
        logits = func.functional_call(model, moved, x)
        return objective(logits, y, moved, l2)

    model.eval()
    report = check.gradients(loss, *[tg.zeros(3, dtype=tg.float64) for _ in parameters])
    model.train()
    return report


def learn(model, train_set, test_set, epochs, batch_size, lr, l2, progress=True):
    """Adam with a learning rate that falls to 0 along a cosine. Returns (history, whether all epochs were run).

    history has a row (epoch, measures of the training set, of the test set) for the start, the end of each epoch, and
    the moment of Ctrl-C; measures are {"loss": the mean cross-entropy, "accuracy": …}
    """
    from tqdm import tqdm

    loader = DataLoader(TensorDataset(*train_set), batch_size=batch_size, shuffle=True)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    parameters = dict(model.named_parameters())
    history, steps = [], 0

    def note():
        measures = [train.evaluate(model, pair, "cross_entropy", ["accuracy"]) for pair in (train_set, test_set)]
        history.append((steps / len(loader), *measures))

    note()
    try:
        for epoch in range(1, epochs + 1):
            total = 0.0
            with tqdm(loader, f"epoch {epoch:2}/{epochs}", unit="step", disable=not progress, ncols=88) as bar:
                for step, (x, y) in enumerate(bar, 1):  # (B, height, width), (B,)
                    loss = objective(model(x), y, parameters, l2)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    schedule.step()
                    steps += 1
                    total += loss.item()
                    bar.set_postfix(loss=f"{total / step:.4f}", refresh=False)
            note()
    except KeyboardInterrupt:
        note()
        return history, False
    return history, True


def run(options):
    require("sklearn", "matplotlib", "tqdm", "pygraphviz")
    report = Report(options)
    try:
        name, why, (train_set, test_set) = load(options.data)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    settings = dict(SETTINGS[name])
    settings["epochs"] = options.epochs or (2 if options.quick else settings["epochs"])
    settings["batch_size"] = options.batch_size or settings["batch_size"]
    count, height, width = train_set[0].shape
    title = {"bundled": "scikit-learn's bundled digits", "mnist": "MNIST"}[name]
    print(f"Data: {title} ({why})")
    print(f"      {count:,} images of {height}×{width} pixels to train with, {len(test_set[0]):,} to test with\n")

    tg.manual_seed(options.seed)
    model = network(height * width)
    print(f"{model}\n{sum(p.numel() for p in model.parameters()):,} parameters\n")

    x, y = train_set[0][:4], train_set[1][:4]
    print("Comparing gradients with numerical derivatives: 4 images, 3 directions for each parameter", flush=True)
    checked = check_gradients(model, x, y, settings["l2"])
    print(f"{checked}\n")
    if not checked:
        return 1
    loss = objective(model(x), y, dict(model.named_parameters()), settings["l2"])
    report.picture(draw.graph({"loss": loss}, model, {"images": x, "labels": y}), "digits_graph.svg")

    print("Training: {epochs} epochs, batches of {batch_size}".format(**settings), flush=True)
    history, finished = learn(model, train_set, test_set, **settings, progress=not options.no_progress)
    epoch, on_train, on_test = history[-1]
    if not finished:
        report.stopped(f"{epoch:.1f} of {settings['epochs']} epochs")
    print(f"train accuracy {on_train['accuracy']:.2%}\ntest accuracy  {on_test['accuracy']:.2%}")

    report.picture(draw_curves(history), "digits_curves.png")
    report.picture(draw_weights(model, height, width), "digits_weights.png")
    report.picture(draw_mistakes(model, *test_set), "digits_mistakes.png")
    return report.done()


def draw_curves(history):
    """Loss and accuracy by epoch. The start, before any training, is left out: it would flatten everything else."""
    epochs, on_train, on_test = zip(*(history[1:] or history))
    panels = {
        label: {name: [factor * row[key] for row in rows] for name, rows in (("training", on_train), ("test", on_test))}
        for label, key, factor in (("cross-entropy", "loss", 1), ("accuracy in %", "accuracy", 100))
    }
    return plots.curves(panels, epochs, "epoch", log=["cross-entropy"])


def draw_weights(model, height, width):
    """The rows of the first weight matrix as images: of the 64 hidden units with the largest weights."""
    first = next(model.parameters()).detach().numpy().reshape(-1, height, width)  # (256, pixels) -> (256, h, w)
    largest = np.argsort(-np.square(first).sum(axis=(1, 2)))[:64]
    title = f"{len(largest)} of the {len(first)} units of the first layer: what they look for (red: ink, blue: paper)"
    return plots.images(first[largest], title=title, signed=True)


def draw_mistakes(model, x, y):
    """The images that are read wrongly, those of which the network is most certain first."""
    probabilities = train.predict(model, x).softmax(1).numpy()  # (N, 10)
    read, certainty, labels = probabilities.argmax(axis=1), probabilities.max(axis=1), y.numpy()
    wrong = np.flatnonzero(read != labels)
    shown = wrong[np.argsort(-certainty[wrong])][:40]
    titles = [f"{labels[i]} read as {read[i]}\n{certainty[i]:.0%} sure" for i in shown]
    title = f"{len(wrong)} of {len(x):,} test images are read wrongly"
    if len(wrong) > len(shown):
        title += f"; these {len(shown)} with the greatest certainty"
    return plots.images(x.numpy()[shown], titles, title)
