"""Paints one picture in the style of another: neural style transfer, with a network that is trained here.

An image is changed, pixel by pixel, until a network's features of it are those of one picture at every place (content)
and have the correlations of those of another (style): Gatys, Ecker & Bethge 2016, "Image style transfer using
convolutional neural networks". Their features are those of VGG-19, which learnt from 1.2 million photographs. Here it
is a network of four layers that learns in seconds where in which picture a small part was cut out. It knows colours,
edges and small textures, but no objects, and nothing larger than 38 pixels.

The pictures are scikit-learn's two sample photographs and computed paint strokes. Shown are also content and style
alone, from noise, and what features do that learnt nothing.
"""

from functools import partial

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import plots
from tinygrad_edu.nn import functional as F

from . import require
from .painting.network import CELLS, Network, learn, learn_nothing
from .painting.strokes import strokes
from .painting.transfer import Losses, paint
from .report import Report

SEED, SECONDS = "001", 34

STEPS = 300  # of training
WEIGHTS = {"content": 0.1, "style": 1.0, "variation": 0.3}
EVALUATIONS = 80  # of losses and gradient, for each picture
STAGES = (1, 10, 20, 40, EVALUATIONS)
TRANSFERS = ("temple", "flower"), ("temple", "strokes"), ("flower", "temple"), ("flower", "strokes")
"""(content, style)"""

ORDER = (
    "temple", "temple as flower", "temple as strokes", "strokes",
    "flower", "flower as temple", "flower as strokes", "style alone",
    "temple as flower, untrained", "temple as strokes, untrained", "content alone",
)  # fmt: skip
"""How the pictures stand beside each other."""


def load(random):
    """{name: picture (1, 3, 427, 640)}, values from 0 to 1."""
    from sklearn.datasets import load_sample_image

    pixels = {"temple": load_sample_image("china.jpg") / 255, "flower": load_sample_image("flower.jpg") / 255}
    pixels["strokes"] = strokes(*pixels["temple"].shape[:2], random)
    return {name: tg.tensor(picture).float().permute(2, 0, 1).unsqueeze(0) for name, picture in pixels.items()}


def two_networks(images, steps, random, progress):
    """[trained, untrained]: one that learnt where parts of the images come from, and one whose filters learnt nothing.

    images    an array (n, 3, H, W)
    progress  makes a bar of the numbers of the steps
    """
    places = len(images) * CELLS[0] * CELLS[1]
    trained, untrained = Network(places), Network(places)
    right = learn(trained, images, progress(range(steps), desc="features"), random)
    learn_nothing(untrained, images, steps // 5, random)
    told = np.mean(right[-steps // 10 :])
    print(f"Of {told:.0%} of all parts the network tells from which of {places} places they are.\n", flush=True)
    return [network.eval().requires_grad_(False) for network in (trained, untrained)]


def run(options):
    require("matplotlib", "PIL", "sklearn", "tqdm")
    from tqdm import tqdm

    report, random = Report(options), np.random.default_rng(options.seed)
    size, steps, evaluations = ((48, 72), 5, 4) if options.quick else ((144, 216), STEPS, EVALUATIONS)
    progress = partial(tqdm, disable=options.no_progress, ncols=100)
    whole = load(random)
    pictures = {name: F.adaptive_avg_pool2d(picture, size).clamp(0, 1) for name, picture in whole.items()}
    larger = F.adaptive_avg_pool2d(tg.cat(list(whole.values())), (256, 384)).numpy()
    tg.manual_seed(options.seed)
    trained, untrained = two_networks(larger, steps, random, progress)

    noise = 0.5 + 0.1 * tg.randn(1, 3, *size)
    jobs = [(f"{c} as {s}", trained, c, s, WEIGHTS, pictures[c]) for c, s in TRANSFERS]
    jobs += [(f"{c} as {s}, untrained", untrained, c, s, WEIGHTS, pictures[c]) for c, s in TRANSFERS[:2]]
    for name in ("content", "style"):
        jobs.append((f"{name} alone", trained, *TRANSFERS[1], {**WEIGHTS, "content": 0, "style": 0, name: 1}, noise))
    paintings, rows = {}, []
    for title, network, content, style, weights, start in jobs:
        losses, judge = [Losses(each, pictures[content], pictures[style]) for each in (network, trained)]
        with progress(total=evaluations, desc=f"{title:28}") as bar:
            painting = paint(losses, weights, start, evaluations, STAGES, bar)
        if painting.history:
            paintings[title] = painting
            before, after = judge(start), judge(painting.image)
            rows.append([title, *[found[name].item() for name in ("content", "style") for found in (before, after)]])
        if not painting.finished:
            report.stopped(f"{max(len(paintings) - 1, 0)} of {len(jobs)} pictures")
            break
    if paintings:
        print("\nHow far features are from those of the two pictures, at first and at last, for the trained network:\n")
        report.table(["", "content", "", "style", ""], rows)
        draw(report, pictures, paintings)
    return report.done()


def draw(report, pictures, paintings):
    """All pictures, how the first ones came about, and their losses."""
    images = {**pictures, **{title: painting.image for title, painting in paintings.items()}}
    report.picture(shown({title: images[title] for title in ORDER if title in images}, 4), "style_results.png")
    transfers = {title: paintings[title] for title in list(paintings)[: len(TRANSFERS)]}
    stages = {f"{title}, {n}": x for title in list(transfers)[:2] for n, x in paintings[title].stages.items()}
    report.picture(shown(stages, len(STAGES)), "style_stages.png")
    lines = {
        name: {title: [losses[name] for losses in painting.history] for title, painting in transfers.items()}
        for name in ("content", "style")
    }
    report.picture(plots.curves(lines, xlabel="evaluation", log=["style"]), "style_curves.png")


def shown(images, columns):
    """Images {title: (1, 3, H, W)} beside each other."""
    pixels = [image[0].permute(1, 2, 0).numpy() for image in images.values()]
    return plots.images(np.stack(pixels), list(images), columns=columns, width=2.4)
