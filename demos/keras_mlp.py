"""Reads handwritten digits with three dense layers of 128 units and dropout, as in the first Keras model of the course.

Flatten, three times (Dense 128, ReLU, dropout 0.5), Dense 10: its summary, 13 epochs on 50,000 images of MNIST with
10,000 others for validation, and the weights of each layer. Test images are not used: nothing is final. Inputs have
mean 0 and standard deviation 1, and the learning rate rises and falls (one cycle): dropout of one half makes steps of
constant size too noisy at the end. With --tips the course's advice on how to be better is tried, a change at a time.

The course shows the 13 epochs of a network that has been trained before: the cost of its first epoch is 0.149 already.
So `fit` is called twice here, each time for 13 epochs; the second begins where the course's does.
"""

import time

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, plots, train
from tinygrad_edu.data import Standardize, augment, load_mnist
from tinygrad_edu.optim import lr_scheduler

from . import require
from .report import Report

SEED, SECONDS = "004", 30

PARAMETERS, VALIDATION_ACCURACY = 134_794, 0.976
"""The course's."""

EPOCHS, BATCH, RATE = 13, 128, 0.002


def add_arguments(parser):
    parser.add_argument("--tips", action="store_true", help="try the course's advice one by one (some minutes)")


def network(pixels=784, width=128, depth=3, activation=nn.ReLU, dropout=0.5):
    """Images (B, height, width) -> logits (B, 10), with `depth` hidden layers of `width` units."""
    layers = [nn.Flatten()]  # (B, pixels)
    for i in range(depth):
        layers += [nn.Linear(width if i else pixels, width), activation(), nn.Dropout(dropout)]  # (B, width)
    return nn.Sequential(*layers, nn.Linear(width, 10))  # (B, 10); the softmax is part of the loss


class Perturb(train.Callback):
    """Every image is moved by up to two pixels and turned by up to ten degrees, in each epoch anew."""

    def on_batch_begin(self, run):
        (images,) = run.inputs
        moved = augment.random_crop(images, padding=2, padding_mode="border")  # the border is paper
        run.inputs = (augment.rotate(moved, degrees=10, padding_mode="border"),)


def one_cycle(epochs, batches):
    return train.LearningRateScheduler(
        lr_scheduler.OneCycleLR, max_lr=RATE, total_steps=max(epochs * batches, 2), every="batch"
    )


TIPS = (  # name, changes of the network, of `learn`
    ("one fit as above", {}, {}),
    ("more neurons: 512", {"width": 512}, {}),
    ("more layers: 5", {"depth": 5}, {}),
    ("nonlinearity: tanh", {"activation": nn.Tanh}, {}),
    ("nonlinearity: leaky ReLU", {"activation": nn.LeakyReLU}, {}),
    ("less dropout: 0.2", {"dropout": 0.2}, {}),
    ("constant learning rate", {}, {"optimizer": ("adam", {"lr": 0.001}), "cycle": False}),
    ("SGD with momentum", {}, {"optimizer": ("sgd", {"lr": 0.05, "momentum": 0.9}), "cycle": False}),
    ("early stopping (patience 10)", {}, {"epochs": 60, "cycle": False, "callbacks": "stop"}),
    ("data augmentation", {}, {"callbacks": "perturb"}),
)
"""The course's advice on network size, nonlinearities, early stopping, faster optimization and regularization."""


def learn(model, training, validation, epochs=EPOCHS, optimizer="adam", cycle=True, callbacks="", progress=True):
    """Train, and return the History.

    callbacks  "stop": end ten epochs past the best validation accuracy, with its weights; "perturb": change images
    """
    extra = {"": [], "stop": [train.EarlyStopping("val_accuracy", patience=10)], "perturb": [Perturb()]}[callbacks]
    if cycle:
        extra.append(one_cycle(epochs, -(-len(training[0]) // BATCH)))
    return train.fit(
        model, training, loss="cross_entropy", optimizer=optimizer, epochs=epochs, batch_size=BATCH,
        validation=validation, metrics=["accuracy"], callbacks=extra, progress=progress,
    )  # fmt: skip


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    data = load_mnist()
    report.data(data)
    n = len(data.train_x) * 5 // 6  # 50,000 of 60,000
    if options.quick:
        n = min(n, 1000)
    x, y = data.train
    x = Standardize(axes=None).fit(x[:n])(x)  # one mean and deviation for all pixels
    training, validation = (x[:n], y[:n]), (x[n : n + n // 5], y[n : n + n // 5])
    epochs = 2 if options.quick else EPOCHS
    print(f"{n:,} images to train with, {len(validation[0]):,} for validation\n")

    tg.manual_seed(options.seed)
    model = network()
    summary = tg.summary(model, x[:1])
    print(f"{summary}\n")
    print(f"parameters {summary.parameters:,} (course: {PARAMETERS:,})\n")
    history, rows = train.History(), []
    for fit in ("first", "second"):
        print(f"{fit} fit: {epochs} epochs", flush=True)
        start = time.perf_counter()
        part = learn(model, training, validation, epochs, progress=not options.no_progress)
        for i in range(part.epochs):
            history.append({name: values[i] for name, values in part.items()})
        if part.interrupted:
            report.stopped(f"{history.epochs} of {2 * epochs} epochs")
            break
        losses = f"{part['loss'][0]:.4f} to {part['loss'][-1]:.4f}"
        rows.append([fit, losses, f"{part['val_accuracy'][-1]:.4f}", f"{time.perf_counter() - start:.1f} s"])
    print()
    report.table(["fit", "loss", "validation accuracy", "time"], rows)
    accuracy = train.evaluate(model, validation, metrics=["accuracy"])["accuracy"]
    report.compare("validation accuracy", accuracy, VALIDATION_ACCURACY, digits=4)

    if history.epochs:
        report.picture(history.plot(["loss", "accuracy"], log=["loss"]), "keras_mlp_curves.png")
    first = model[1].weight.detach().numpy().reshape(-1, 28, 28)[:32]  # (128, 784) -> (32, 28, 28)
    title = "Weights of the first layer, of 32 units: red where ink excites the unit, blue where it inhibits it"
    report.picture(plots.images(first, title=title, signed=True), "keras_mlp_first_layer.png")
    report.picture(matrices(model), "keras_mlp_layers.png")
    if options.tips and not report.interrupted:
        rows = tips(training, validation, options, report)
        report.table(["tip", "parameters", "epochs", "validation accuracy"], rows)
    return report.done()


def matrices(model):
    """The weights of the other layers: a row for each unit, a column for each of its inputs; one scale for all."""
    layers = [layer.weight.detach().numpy() for layer in model if isinstance(layer, nn.Linear)][1:]
    limit = max(np.quantile(np.abs(w), 0.995) for w in layers)
    figure = plots.new_figure(4 * len(layers) + 0.8, 4)
    grid = figure.subplots(1, len(layers))
    for number, (axes, weight) in enumerate(zip(grid, layers), 2):
        drawn = axes.imshow(weight, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
        axes.set(title=f"Weights of layer {number}: {weight.shape[0]}×{weight.shape[1]}", xlabel="input", ylabel="unit")
    figure.colorbar(drawn, ax=grid, extend="both")
    return figure


def tips(training, validation, options, report):
    """A row for each of TIPS: its name, the number of parameters, of epochs, and the validation accuracy."""
    rows = []
    for name, shape, settings in TIPS:
        tg.manual_seed(options.seed)
        model = network(**shape)
        if options.quick:
            settings = {**settings, "epochs": 1}
        history = learn(model, training, validation, **settings, progress=False)
        accuracy = train.evaluate(model, validation, metrics=["accuracy"])["accuracy"]
        count = sum(p.numel() for p in model.parameters())
        rows.append([name, f"{count:,}", history.epochs, f"{accuracy:.4f}"])
        if not options.no_progress:
            print(f"{name}: {accuracy:.4f}", flush=True)
        if history.interrupted:
            report.stopped(f"{len(rows) - 1} of {len(TIPS)} tips")
            break
    print()
    return rows
