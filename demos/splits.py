"""Splits data into training, dev and test set, and tells from their errors what is wrong with a network.

Up to a million examples 60 / 20 / 20 %, from a million on 98 / 1 / 1 %. If the training error is far above what people
reach, the bias is high: a larger network, longer training. If the dev error is far above the training error, the
variance is high: more data, regularization. Tried on networks for which this is known: a line for spirals, a large
network for a few noisy points, a line for few points with many useless features, and one that fits.
"""

import tinygrad_edu as tg
from tinygrad_edu import nn, plots, train
from tinygrad_edu.data import spirals, split, suggested_sizes

from . import require
from .report import Report

SEED, SECONDS = "002", 5

EXAMPLES = (  # training error, dev error in percent, what the course says of them
    (1, 11, "high variance"),
    (15, 14, "high bias"),
    (15, 30, "high bias and high variance"),
    (0.5, 1, "low bias and low variance"),
)

ADVICE = {
    "high bias": "a larger network, longer training, another optimizer",
    "high variance": "more data, regularization",
    "high bias and high variance": "first a larger network, then more data",
    "low bias and low variance": "nothing",
}


def diagnosis(training_error, dev_error, human_error=0.0, high=5.0):
    """One of the keys of ADVICE.

    training_error, dev_error  in percent
    human_error                what can be reached at all: 0, where people make no mistakes
    high                       from how many points on a difference is high
    """
    gaps = {"high bias": training_error - human_error, "high variance": dev_error - training_error}
    return " and ".join(name for name, gap in gaps.items() if gap >= high) or "low bias and low variance"


def network(inputs, *hidden):
    """Points (n, inputs) -> logits of three classes (n, 3); without hidden layers the borders are straight lines."""
    sizes, layers = (inputs, *hidden), []
    for before, after in zip(sizes, hidden):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 3))


def with_useless(x, count=40):
    """Points (n, 2) -> (n, 2 + count), with features that are nothing but noise."""
    return tg.cat([x, tg.randn(len(x), count)], dim=1)


CASES = (  # name, points, noise of the spirals, useless features, hidden layers
    ("a line", 1500, 0.2, 0, ()),
    ("a large network, few noisy points", 200, 0.5, 0, (100, 100)),
    ("a line, few points, useless features", 200, 0.2, 40, ()),
    ("a network that fits", 1500, 0.2, 0, (32, 32)),
)


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    rows = []
    for n in (100, 10_000, 999_999, 1_000_000, 50_000_000):
        sizes = suggested_sizes(n)
        counts = [f"{round(n * size):,}" for size in sizes]
        rows.append([f"{n:,}", " / ".join(f"{100 * size:g}" for size in sizes), *counts])
    report.table(["examples", "percent", "training", "dev", "test"], rows)

    rows = [[f"{a} %", f"{b} %", course, diagnosis(a, b)] for a, b, course in EXAMPLES]
    rows.append(["15 %", "16 %", "people err in 14 %: nothing is wrong", diagnosis(15, 16, human_error=14)])
    report.table(["training error", "dev error", "course", "ours"], rows)
    report.compare("judged like the course", sum(row[2] == row[3] for row in rows[:4]), 4, digits=0)
    print()

    figure, rows = plots.new_figure(12, 5), []
    drawn = iter(figure.subplots(1, 2))
    for name, count, noise, useless, hidden in CASES:
        tg.manual_seed(options.seed)
        x, y = spirals(count, noise=noise, seed=options.seed)
        parts = split(with_useless(x, useless) if useless else x, y, seed=options.seed, stratify=True)
        model = network(2 + useless, *hidden)
        history = train.fit(
            model, parts[0], loss="cross_entropy", optimizer=("adam", {"lr": 0.01}), epochs=5 if options.quick else 150,
            batch_size=64, progress=False,
        )  # fmt: skip
        if history.interrupted:
            report.stopped(f"{len(rows)} of {len(CASES)} networks")
            break
        errors = [100 * (1 - train.evaluate(model, part, metrics=["accuracy"])["accuracy"]) for part in parts]
        found = diagnosis(*errors[:2])
        sizes = str([len(part[0]) for part in parts])
        rows.append([name, sizes, *[f"{error:.1f} %" for error in errors], found, ADVICE[found]])
        if name in (CASES[0][0], CASES[1][0]):

            def predict(points, model=model):
                return train.predict(model, tg.tensor(points).float()).softmax(1).numpy()

            plots.boundary(predict, *parts[0], f"{found}: {name}", axes=next(drawn))
    report.table(["network", "sizes", "training error", "dev", "test", "diagnosis", "what helps"], rows)
    report.picture(figure, "splits_regions.png")
    return report.done()
