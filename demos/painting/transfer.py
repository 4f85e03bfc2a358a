"""The losses of neural style transfer, and an image that is changed until they are small."""

from typing import NamedTuple

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import optim

CONTENT_LAYER = 2  # of a network's features; 0 are the pixels


def gram(features):
    """Features (1, C, H, W) -> the mean product of each two channels, (C, C): what occurs together, but not where."""
    flat = features.flatten(2)[0]  # (C, H · W)
    return flat @ flat.T / flat.shape[1]


def difference(x, wanted):
    """Σ (x − wanted)² / Σ wanted²: 0 if they are equal, 1 for x = 0, whatever the size of a layer."""
    return (x - wanted).square().sum() / wanted.square().sum()


class Losses:
    """The losses of an image: losses(image) gives {name: loss}.

    content    difference of its features at CONTENT_LAYER from those of one picture
    style      mean over all layers of the differences of their Gram matrices from those of another picture
    variation  mean square of the differences between neighbouring pixels
    """

    def __init__(self, network, content, style):
        self.network = network
        with tg.no_grad():
            self.content = network.features(content)[CONTENT_LAYER]
            self.style = [gram(features) for features in network.features(style)]

    def __call__(self, image):
        features = self.network.features(image)
        styles = [difference(gram(found), wanted) for found, wanted in zip(features, self.style)]
        return {
            "content": difference(features[CONTENT_LAYER], self.content),
            "style": sum(styles) / len(styles),
            "variation": image.diff(dim=2).square().mean() + image.diff(dim=3).square().mean(),
        }


class Painting(NamedTuple):
    """An image that was made, and how."""

    image: tg.Tensor  # the best one, (1, 3, H, W)
    history: list  # {name: loss} at each evaluation
    stages: dict  # {number of evaluations: the best image until then}
    finished: bool  # False if Ctrl-C came


def paint(losses, weights, start, evaluations, stages, bar):
    """Make the weighted sum of losses small by L-BFGS; returns a Painting.

    losses       a function of an image that gives {name: loss}
    weights      {name: weight}
    start        the image to begin with, (1, 3, H, W)
    evaluations  how often losses and gradient are computed, about
    stages       numbers of evaluations after which the image is kept
    bar          is told of each evaluation, by bar.update()

    The image is sigmoid(z), so that all colours stay between 0 and 1; z is what is changed.
    """
    start = start.clamp(0.02, 0.98)
    z = (start / (1 - start)).log().requires_grad_()  # so that sigmoid(z) = start
    optimizer = optim.LBFGS(
        [z], max_iter=evaluations, max_eval=evaluations, history_size=10, tolerance_grad=0, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip
    history, kept, least, best = [], {}, np.inf, start

    def closure():
        nonlocal least, best
        image = z.sigmoid()
        found = losses(image)
        total = sum(weight * found[name] for name, weight in weights.items())
        optimizer.zero_grad()
        total.backward()
        history.append({name: loss.item() for name, loss in found.items()})
        if total.item() < least:
            least, best = total.item(), image.detach()
        if len(history) in stages:
            kept[len(history)] = best
        bar.update()
        return total

    try:
        optimizer.step(closure)
    except KeyboardInterrupt:
        return Painting(best, history, kept, False)
    return Painting(best, history, kept, True)
