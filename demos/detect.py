"""Finds handwritten digits on a canvas, where and which: localization, sliding windows, a single-shot detector.

1. Localization: of a canvas with at most one digit, a network says whether there is one, its box, and which it is.
2. Sliding windows: a classifier of crops looks at every place of a canvas with several digits, all in one convolution.
3. A single shot: the network of 1 for every cell of a grid, in one pass over such a canvas, as in YOLO.

Both detectors find a digit several times; of boxes that overlap, only the surest is kept (non-maximum suppression). A
digit counts as found if it is named rightly and intersection over union (IoU) of its box and the true one is at least
0.5. Canvases to learn from have digits of MNIST's training set, canvases to test with those of its test set. The parts
are in demos/detection: canvases, cells (1 and 3), windows, found (suppression, average precision), pictures.
"""

import time

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import data, train
from tinygrad_edu.interop.torchvision.ops import box_iou

from . import require
from .detection import cells, pictures, windows
from .detection.canvases import scatter
from .detection.found import figures
from .fingers import fit
from .report import Report

SEED, SECONDS = "001", 46

ONE = {"size": 40, "digits": (0, 1, 1, 1, 1), "sides": (26, 34)}
SEVERAL = {"size": 64, "digits": (2, 3, 4, 5, 6), "sides": (25, 39)}
CELL = 8  # pixels; for localization the whole canvas is a single cell

TRAINING = {  # name: canvases, epochs, batch, learning rate
    "localization": (8000, 3, 32, 8e-3),
    "windows": (900, 3, 64, 1e-2),
    "single shot": (9000, 2, 16, 1e-2),
}
TEST, QUICK = 500, 40  # canvases

SURE = {"windows": 0.7, "single shot": 0.3}
"""From which score on a digit is taken to be there: where precision and recall are about the same."""

SHOWN = 3
"""Of how many canvases heat maps, and boxes before suppression, are drawn."""

PRECISION = 90.0
"""Mean average precision of the single shot, to be reached, in percent."""


def canvases(digits, name, kind, options):
    """Canvases to learn from, and others to test with."""
    learning, testing = (QUICK, QUICK) if options.quick else (TRAINING[name][0], TEST)
    parts = (digits.train, learning), (digits.test, testing)
    return [scatter(*pair, count, **kind, seed=options.seed) for pair, count in parts]


def learn(name, model, pair, loss, report, options):
    """Train one of the networks."""
    print(f"\n{name}: {len(pair[0]):,} examples to learn from", flush=True)
    _, epochs, batch, rate = TRAINING[name]
    history = fit(model, pair, None, 1 if options.quick else epochs, options, batch, rate, loss, metrics=[])
    if history.interrupted:
        report.stopped(f"{history.epochs} epochs of {name}")


def localize(digits, report, options):
    """Part 1: whether there is a digit, its box, and which it is."""
    training, test = canvases(digits, "localization", ONE, options)
    model = cells.localizer()
    learn("localization", model, (training.pixels, cells.targets(training, ONE["size"])), cells.loss, report, options)

    outputs = train.predict(model, test.pixels)  # (N, 1, 1, 15)
    found = cells.decoded(outputs, ONE["size"])  # a digit for each canvas
    said, there = (outputs[:, 0, 0, 0] > 0).numpy(), np.array([len(labels) == 1 for labels in test.labels])
    boxes, names = [tg.cat([getattr(one, part) for one in found])[tg.tensor(there)] for part in ("boxes", "labels")]
    overlaps = box_iou(boxes.unsqueeze(1), tg.cat(test.boxes).unsqueeze(1))  # (k, 1, 1): each with its own
    right = (names == tg.cat(test.labels)).float()
    print(f"whether there is a digit: {np.mean(said == there):.1%} right; which: {right.mean().item():.1%} right; "
          f"its box: mean IoU {overlaps.mean().item():.2f}")  # fmt: skip
    found = [one.chosen(slice(int(yes))) for one, yes in zip(found, said)]  # it, or none
    report.picture(pictures.found_on(test, found, "Localization"), "detect_localization.png")


def learn_windows(training, test, report, options):
    """Part 2: a classifier of windows. Returns a detector: canvases (N, 1, 64, 64) -> a list of Found."""
    training = training.first(TRAINING["windows"][0])
    model, sides = windows.network(), windows.usual_sides(training)
    learn("windows", model, windows.crops(training, options.seed), "cross_entropy", report, options)

    scores, times = [], [time.perf_counter()]
    for look in (windows.one_by_one, windows.together):
        scores.append([look(model, windows.zoomed(test.pixels[:1], zoom)) for zoom in windows.ZOOMS])
        times.append(time.perf_counter())
    count = sum(part[0, 0].numel() for part in scores[0])
    difference = max((alone - together).abs().max().item() for alone, together in zip(*scores))
    slow, fast = 1000 * np.diff(times)
    print(f"{count} windows of a canvas: one by one {slow:.0f} ms, as convolutions {fast:.0f} ms; their scores differ "
          f"by at most {difference:.0e}")  # fmt: skip
    report.picture(pictures.heat_on(test, windows.heat(model, test.pixels[:SHOWN])), "detect_heat.png")
    return lambda pixels: windows.search(model, sides, pixels)


def learn_single_shot(training, report, options):
    """Part 3: a network of cells. Returns a detector, as part 2."""
    model = cells.detector()
    learn("single shot", model, (training.pixels, cells.targets(training, CELL)), cells.loss, report, options)
    return lambda pixels: cells.decoded(train.predict(model, pixels), CELL)


def measure(name, detect, test, report):
    """A line of the table: how well a detector finds the digits of the test canvases, and how fast. Draws some."""
    start = time.perf_counter()
    found = [one.above().suppressed() for one in detect(test.pixels)]
    milliseconds = 1000 * (time.perf_counter() - start) / len(test)
    sure = [one.above(SURE[name]) for one in found]
    report.picture(pictures.found_on(test, sure, name), f"detect_{name.replace(' ', '_')}.png")
    return [name, *[100 * figure for figure in figures(found, test, SURE[name])], f"{milliseconds:.2f} ms"]


def draw_suppression(detectors, test, report):
    """The canvases on which suppression removes most of what the single shot finds."""
    found = {name: [one.above(SURE[name]) for one in detect(test.pixels)] for name, detect in detectors.items()}
    removed = [len(one) - len(one.suppressed()) for one in found["single shot"]]
    most = sorted(range(len(test)), key=lambda i: -removed[i])[:SHOWN]
    shown = {name: [ones[i] for i in most] for name, ones in found.items()}
    report.picture(pictures.suppression(test.pixels[most], shown), "detect_suppression.png")


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    digits = data.load_mnist()
    report.data(digits)
    tg.manual_seed(options.seed)
    localize(digits, report, options)
    if report.interrupted:
        return report.done()

    training, test = canvases(digits, "single shot", SEVERAL, options)
    detectors = {"windows": learn_windows(training, test, report, options)}
    if not report.interrupted:
        detectors["single shot"] = learn_single_shot(training, report, options)
    print()
    rows = [measure(name, detect, test, report) for name, detect in detectors.items()]
    report.table(["detector", "mean average precision %", "precision %", "recall %", "a canvas takes"], rows)
    if "single shot" in detectors:
        report.compare("single shot: mean average precision", rows[-1][1], PRECISION, "%", of="to be reached")
        draw_suppression(detectors, test, report)
    return report.done()
