"""Trials: a network trained with some settings, and many of them side by side, each on a core of its own."""

import signal
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, train

BATCH = 64


class Trial(NamedTuple):
    """What came of some settings."""

    number: int  # in its search
    settings: dict
    accuracies: list  # on the dev set after each epoch, in percent
    failed: bool  # its cost was NaN or infinite

    @property
    def accuracy(self):
        return 0.0 if self.failed else self.accuracies[-1]


def learn(settings, training, dev, epochs, seed, schedule=None):
    """(a network trained with these settings, the history). Without another schedule the learning rate falls to 0 along
    a cosine, so that chance in the last steps decides little."""
    tg.manual_seed(seed)
    units = int(settings["units"])
    layers = nn.Linear(28 * 28, units), nn.ReLU(), nn.Dropout(settings["dropout"]), nn.Linear(units, 10)
    model = nn.Sequential(nn.Flatten(), *layers)  # images (B, 28, 28) -> scores (B, 10)
    optimizer = optim.Adam(model.parameters(), lr=settings["rate"], betas=(settings["β"], 0.999))
    steps = epochs * -(-len(training[0]) // BATCH)
    cosine = train.LearningRateScheduler(optim.lr_scheduler.CosineAnnealingLR, T_max=steps, every="batch")
    history = train.fit(
        model, training, loss="cross_entropy", optimizer=optimizer, epochs=epochs, batch_size=BATCH, validation=dev,
        metrics=["accuracy"], callbacks=[train.TerminateOnNaN(), schedule or cosine], progress=False,
    )  # fmt: skip
    if history.interrupted:  # a part of the training is no result
        raise KeyboardInterrupt
    return model, history


def trial(number, settings, *arguments):
    """A Trial of these settings; the other arguments are those of `learn`."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # one core for each, and the same last bits wherever it runs
        _, history = learn(settings, *arguments)
    failed = history.stopped is not None or not np.isfinite(history["val_loss"][-1])
    return Trial(number, settings, [100 * value for value in history.get("val_accuracy", ())], failed)


def search(name, candidates, found, arguments, jobs, progress):
    """A trial of each of the settings `candidates`, `jobs` of them at the same time.

    found      the list into which each Trial comes when it is finished, so that Ctrl-C loses none
    arguments  of `learn`, behind the settings
    progress   whether to show a bar
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    tasks = [delayed(trial)(number, settings, *arguments) for number, settings in enumerate(candidates)]
    with ctrl_c_ignored():
        trials = Parallel(jobs, return_as="generator_unordered")(tasks)
    try:
        for result in tqdm(trials, f"{name:14}", len(candidates), unit="trial", disable=not progress, ncols=88):
            found.append(result)
    finally:
        found.sort()  # they come in the order in which they are finished


@contextmanager
def ctrl_c_ignored():
    """Processes that are started within it ignore Ctrl-C for good: a terminal sends it to them, too, but only the main
    process shall end the search."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
