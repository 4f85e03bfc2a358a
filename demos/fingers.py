"""Reads the number that fingers show, by a convolutional network on photographs of hands.

Photographs are made smaller by half; then three times convolution, batch normalization, ReLU and max pooling, and a
linear layer: 32 × 32 × 3 → 16 × 16 × 16 → 8 × 8 × 32 → 4 × 4 × 64 → 10. Adam on mini-batches; the learning rate rises
and falls once (one cycle). Written: the curves, which digit is taken for which, and the mistakes.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import draw, nn, optim, plots, train
from tinygrad_edu.data import load_sign_digits

from . import require
from .report import Report

SEED, SECONDS = "000", 25

EPOCHS, BATCH, RATE = 16, 64, 4e-3

TEST_ACCURACY = 95.0
"""To be reached, in percent."""


def network():
    """Photographs (B, 3, 64, 64) -> scores (B, 10)."""
    layers = [nn.AvgPool2d(2)]  # (B, 3, 32, 32)
    for inputs, outputs in ((3, 16), (16, 32), (32, 64)):  # each halves height and width
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 4 * 4, 10))


def fit(model, training, test, epochs, options, batch=BATCH, rate=RATE, loss="cross_entropy", metrics=("accuracy",)):
    """Train with Adam and one cycle of the learning rate, up to `rate` and down again; returns the history."""
    steps = epochs * -(-len(training[0]) // batch)
    optimizer = optim.Adam(model.parameters())
    cycle = optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    return train.fit(
        model, training, loss=loss, optimizer=optimizer, epochs=epochs, batch_size=batch, validation=test,
        metrics=metrics, callbacks=[train.LearningRateScheduler(cycle, every="batch")], seed=options.seed,
        progress=not options.no_progress,
    )  # fmt: skip


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    data = load_sign_digits().channels_first()
    report.data(data)
    training, test = data.train, data.test
    if options.quick:
        training, test = [(x[:64], y[:64]) for x, y in (training, test)]
    tg.manual_seed(options.seed)
    model = network()
    print(f"{draw.summary(model, training[0][:1])}\n", flush=True)
    history = fit(model, training, test, 2 if options.quick else EPOCHS, options)
    if history.interrupted:
        report.stopped(f"{history.epochs} epochs")

    x, y = test
    probabilities = train.predict(model, x).softmax(1).numpy()  # (412, 10)
    read = probabilities.argmax(1)
    wrong = np.flatnonzero(read != y.numpy())
    report.compare("test accuracy", 100 * (1 - len(wrong) / len(y)), TEST_ACCURACY, "%", of="to be reached")
    if history.epochs:
        report.picture(history.plot(["loss", "accuracy"]), "fingers_curves.png")
    report.picture(plots.confusion(y, read), "fingers_confusion.png")
    titles = [f"{y[i]} read as {read[i]}\n{probabilities[i, read[i]]:.0%} sure" for i in wrong[:16]]
    title = f"{len(wrong)} of {len(y)} test photographs are read wrongly"
    photographs = x.permute(0, 2, 3, 1).numpy()[wrong[:16]]
    report.picture(plots.images(photographs, titles, title), "fingers_mistakes.png")
    return report.done()
