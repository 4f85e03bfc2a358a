"""Searches for hyper-parameters: on the right scales, by a grid or at random, coarse to fine, on all cores.

From a learning rate of 0.0001 to 0.0002 is as far as from 0.1 to 0.2: it is 10^r with r drawn uniformly. A momentum β
averages over 1/(1 − β) steps, so that 1 − β is drawn in this way. Four searches try equally many settings of a network
for digits, trained by Adam: at random on a linear scale; a grid; at random on the right scales; and, coarse to fine, so
in the region of the best ones.

Many models side by side, each on a core of its own, are the way of caviar: a fish lays many eggs. Who can pay for one
model only does as pandas do: one child, watched day by day. Here a schedule does what the watcher would, and lowers the
learning rate whenever the dev cost no longer falls. What was chosen is measured on the test set, which no trial sees.
"""

import time
from functools import partial

import numpy as np

from tinygrad_edu import data, optim, train

from . import positive, require
from .report import Report
from .tuning import pictures
from .tuning.spaces import LINEAR, SPACE, around, draw, grid, settings_at
from .tuning.trials import learn, search

SEED, SECONDS = "001", 34

STEPS_OF_β = (0.9, 0.9005), (0.999, 0.9995)  # the course's: equally long on a linear scale

GRID = 4, 3, 2, 2  # values of each; every search has as many trials as the grid
BEST = 6  # trials that say where the fine search is

IMAGES, EPOCHS = 6000, 4  # half of the images to train with, half for the dev set
USUAL = {"rate": 0.001, "β": 0.9, "units": 64, "dropout": 0.0}  # Adam's own, and a guess
WATCHED, WATCHED_EPOCHS = {**USUAL, "rate": 0.01}, 20
TIMED = 12  # trials whose time is measured


def add_arguments(parser):
    text = "models that learn at the same time (default: as many as there are cores)"
    parser.add_argument("--jobs", type=positive, metavar="N", help=text)


def run(options):
    require("joblib", "matplotlib", "threadpoolctl", "tqdm")
    import joblib
    from threadpoolctl import threadpool_limits

    report = Report(options)
    random = np.random.default_rng(options.seed)
    show_scales(report, random)
    digits = data.load_mnist()
    report.data(digits)
    images, counts, epochs = (300, (2, 2, 1, 1), 1) if options.quick else (IMAGES, GRID, EPOCHS)
    training, dev = data.split(digits.train_x[:images], digits.train_y[:images], [0.5, 0.5], seed=options.seed)
    mean, deviation = training[0].mean(), training[0].std()
    training, dev, test = [((x - mean) / deviation, y) for x, y in (training, dev, digits.test)]
    arguments = training, dev, epochs, options.seed
    look = partial(search, arguments=arguments, progress=not options.no_progress)
    jobs = options.jobs or min(joblib.cpu_count(), 2 if options.quick else np.prod(counts))

    trials, learnt = {}, {}
    try:
        search_all(trials, counts, random, partial(look, jobs=jobs))
        compare_times(report, [t.settings for t in trials["random"][:TIMED]], jobs, look)
        with threadpool_limits(1):
            learnt["panda"] = watch(training, dev, 2 if options.quick else WATCHED_EPOCHS, options.seed)
    except KeyboardInterrupt:
        if not any(trials.values()):
            raise
        report.stopped(f"{sum(map(len, trials.values()))} trials")
        trials = {name: found for name, found in trials.items() if found}

    show_trials(report, trials)
    if "panda" in learnt:
        report.picture(pictures.curves(trials["random"], learnt["panda"][2]), "tune_curves.png")
    best = max([t for found in trials.values() for t in found], key=lambda t: t.accuracy)
    with threadpool_limits(1):
        for name, settings in (("best trial", best.settings), ("usual", USUAL)):
            learnt[name] = settings, *learn(settings, *arguments)
    show_test(report, learnt, test)
    return report.done()


def search_all(trials, counts, random, look):
    """The four searches; their trials come into the dict `trials`."""
    count = int(np.prod(counts))
    searches = {
        "linear scale": (LINEAR, draw(LINEAR, count, random)),
        "grid": (SPACE, grid(SPACE, counts)),
        "random": (SPACE, draw(SPACE, count, random)),
    }
    for name, (space, points) in searches.items():
        look(name, settings_at(space, points), trials.setdefault(name, []))
    best = sorted(trials["random"], key=lambda t: t.accuracy)[-BEST:]
    region = around(SPACE, points[[t.number for t in best]])
    look("fine", settings_at(region, draw(region, count, random)), trials.setdefault("fine", []))


def compare_times(report, candidates, jobs, look):
    """How long the same trials take side by side and one by one, and whether the results are the same."""
    found, seconds = ([], []), []
    for some, at_once in zip(found, (jobs, 1)):
        start = time.perf_counter()
        look(f"{at_once} at a time", candidates, some, jobs=at_once)
        seconds.append(time.perf_counter() - start)
    many, one = seconds
    times = f"{one:.1f} s one by one, {many:.1f} s with {jobs} at a time, {one / many:.2f} times as fast"
    print(f"\n{len(candidates)} trials: {times}")
    equal = sum(a == b for a, b in zip(*found))
    report.compare("Trials with equal results", equal, len(candidates), digits=0, of="all")


def watch(training, dev, epochs, seed):
    """(the settings, the model, its history) of the model whose learning rate is lowered while it learns."""
    slower = train.LearningRateScheduler(optim.lr_scheduler.ReduceLROnPlateau, factor=0.3, patience=1)
    return WATCHED, *learn(WATCHED, training, dev, epochs, seed, slower)


def show_test(report, learnt, test):
    """The models {name: (settings, model, history)} on a test set by which nothing was chosen."""
    rows, accuracies = [], {}
    for name, (settings, model, history) in learnt.items():
        accuracies[name] = 100 * train.evaluate(model, test, metrics=["accuracy"])["accuracy"]
        texts = [f"{settings[key]:.4g}" for key in SPACE]
        dev = 100 * history.get("val_accuracy", [np.nan])[-1]
        rows.append([name, *texts, history.epochs, f"{dev:.1f} %", f"{accuracies[name]:.1f} %"])
    report.table(["", *SPACE, "epochs", "dev", "test"], rows)
    report.compare("Test accuracy of the best trial", accuracies["best trial"], accuracies["usual"], "%", of="usual")


def show_scales(report, random, count=10_000):
    """Where draws of the learning rate and of 1 − β fall, uniform themselves and as 10^r."""
    drawn, rows = {}, []
    for column, (name, size) in enumerate((("rate", lambda rate: rate), ("β", lambda β: 1 - β))):
        low, high, _ = SPACE[name]
        decades = 10.0 ** np.arange(low, high + 1)
        drawn[name] = [size(space[name][2](draw(space, count, random)[:, column])) for space in (LINEAR, SPACE)]
        shares = [np.histogram(values, decades)[0] / count for values in drawn[name]]
        for *ends, linear, right in zip(decades, decades[1:], *shares):
            ends = " to ".join(f"{end:g}" for end in sorted(map(size, ends)))
            rows.append([f"{name} from {ends}", f"{linear:6.1%}", f"{right:6.1%}"])
    report.table(["share of the draws", "linear scale", "10^r"], rows)
    steps = [[1 / (1 - β) for β in ends] for ends in STEPS_OF_β]
    rows = [[f"{a:g} to {b:g}", f"{m:.2f} to {n:.2f}"] for (a, b), (m, n) in zip(STEPS_OF_β, steps)]
    report.table(["β", "steps that it averages over, 1/(1 − β)"], rows)
    report.picture(pictures.scales(drawn), "tune_scales.png")


def show_trials(report, trials):
    """What each search found."""
    rows = []
    for name, found in trials.items():
        accuracies = sorted([t.accuracy for t in found], reverse=True)
        figures = accuracies[0], np.mean(accuracies[:BEST]), np.median(accuracies)
        rates, failed = len({t.settings["rate"] for t in found}), sum(t.failed for t in found)
        rows.append([name, len(found), failed, rates, *[f"{figure:.1f} %" for figure in figures]])
    print()
    report.table(["search", "trials", "failed", "rates tried", "best on dev", f"best {BEST}", "median"], rows)
    report.picture(pictures.errors_of_trials(trials), "tune_trials.png")
