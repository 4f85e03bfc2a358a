"""Stops training where the cost of the dev set is lowest, and keeps the weights of that moment.

A network with 100 hidden units learns 90 noisy points of two moons. The cost of the training set falls on and on, that
of the dev set falls, and then rises: the network learns the noise. `EarlyStopping` ends training when the dev cost has
not improved for 50 epochs and gives the model its best weights back. Both are tested with points never seen before.
"""

import tinygrad_edu as tg
from tinygrad_edu import nn, plots, train
from tinygrad_edu.data import moons, split

from . import require
from .report import Report

SEED, SECONDS = "002", 4

EPOCHS, PATIENCE = 600, 50


def learn(training, dev, epochs, callbacks=(), seed=0, progress=False):
    """(the trained model, its History)."""
    tg.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 1))
    history = train.fit(
        model, training, loss="bce_with_logits", optimizer=("adam", {"lr": 0.003}), epochs=epochs, batch_size=30,
        validation=dev, metrics=["accuracy"], callbacks=callbacks, seed=seed, progress=progress,
    )  # fmt: skip
    if history.interrupted:  # there is nothing to compare then
        raise KeyboardInterrupt
    return model, history


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    x, y = moons(n=2180, noise=0.35, seed=options.seed)
    training, dev, test = split(x, y.float(), sizes=(90, 90, 2000), seed=options.seed)
    epochs = 20 if options.quick else EPOCHS
    progress = False if options.no_progress else 50  # a line for every 50 epochs

    full, history = learn(training, dev, epochs, seed=options.seed, progress=progress)
    stopper = train.EarlyStopping("val_loss", patience=PATIENCE)
    stopped, short = learn(training, dev, epochs, [stopper], options.seed)
    print(f"\n{short.stopped or 'Not stopped: the dev cost was still falling'}\n")

    rows = []
    for name, model, run_for in (("all epochs", full, history.epochs), ("early stopping", stopped, short.epochs)):
        results = [train.evaluate(model, part, "bce_with_logits", ["accuracy"]) for part in (training, dev, test)]
        rows.append([name, run_for, *[f"{r['loss']:.4f}" for r in results], f"{results[2]['accuracy']:.2%}"])
    report.table(["", "epochs", "training cost", "dev cost", "test cost", "test accuracy"], rows)
    report.picture(draw_costs(history, stopper), "early_stopping_costs.png")
    figure = plots.new_figure(12, 5)
    for axes, (name, model) in zip(figure.subplots(1, 2), (("all epochs", full), ("early stopping", stopped))):

        def predict(points, model=model):
            return train.predict(model, tg.tensor(points).float()).sigmoid().numpy()

        plots.boundary(predict, *training, f"{name}, and the training set", axes=axes)
    report.picture(figure, "early_stopping_regions.png")
    return report.done()


def draw_costs(history, stopper):
    """The costs of training and dev set, and where training would have been stopped."""
    figure = history.plot(["loss"], log=["loss"], title="Training goes on for all epochs")
    axes = figure.axes[0]
    axes.axvline(stopper.best_epoch, color="#4a5568", linestyle=":")
    axes.annotate(f" lowest dev cost: epoch {stopper.best_epoch}", (stopper.best_epoch, 1), (0, -10), ha="left",
                  xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8)  # fmt: skip
    return figure
