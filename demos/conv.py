"""Shows what a convolution is: edge detectors on a photograph, padding, stride, 1×1 and pooling, drawn.

A filter is laid on every place of an image; the products are summed. One that subtracts right from left answers where
brightness changes in this direction: it is an edge detector, with nine numbers for an image of any size. Which pixels
are used how often is told by the gradient of the sum of all results: without padding those at the edge count least.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, plots
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "001", 4

VERTICAL = [[1, 0, -1], [1, 0, -1], [1, 0, -1]]
FILTERS = {
    "vertical edges": VERTICAL,
    "horizontal edges": np.transpose(VERTICAL).tolist(),
    "Sobel": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "Scharr": [[3, 0, -3], [10, 0, -10], [3, 0, -3]],
    "Laplace": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "diagonal edges": [[2, 1, 0], [1, 0, -1], [0, -1, -2]],
}
BLUR = [[1 / 9] * 3] * 3
SIZES = (6, 3, 0, 1), (6, 3, 1, 1), (7, 3, 0, 2), (6, 3, 0, 2), (28, 5, 0, 1), (28, 5, 2, 1), (224, 7, 3, 2)
"""n, f, p, s: of the image, the filter, the padding, the stride."""


def photograph():
    """A temple, one of scikit-learn's sample photographs, (1, 3, 214, 320) from 0 to 1: every second pixel."""
    from sklearn.datasets import load_sample_image

    pixels = load_sample_image("china.jpg")[::2, ::2] / np.float32(255)  # (214, 320, 3)
    return tg.tensor(pixels).permute(2, 0, 1).unsqueeze(0)


def convolved(image, weight, padding=0, stride=1):
    """An image (1, 1, H, W) and a filter, a list of rows -> (1, 1, H', W').

    As everywhere in deep learning the filter is not flipped; mathematicians call this cross-correlation.
    """
    return F.conv2d(image, tg.tensor(weight).float()[None, None], padding=padding, stride=stride)


def size_after(n, f, p, s):
    """The course's formula for the height or width of the result."""
    return (n - f + 2 * p) // s + 1


def times_used(n, f, p):
    """How many results each pixel of an n × n image is part of, (n, n)."""
    image = tg.zeros(1, 1, n, n, requires_grad=True)
    convolved(image, [[1] * f] * f, p).sum().backward()
    return image.grad[0, 0].numpy()


def edge():
    """Six by six pixels, the left half bright and the right half dark."""
    return tg.tensor([[10.0] * 3 + [0.0] * 3] * 6)[None, None]


def run(options):
    require("matplotlib", "sklearn", "PIL")
    report = Report(options)
    small = edge()
    grids = {"image": small, "filter": tg.tensor(VERTICAL), "result": convolved(small, VERTICAL)}
    grids["with padding 1"] = convolved(small, VERTICAL, padding=1)
    grids["with stride 2"] = convolved(small, VERTICAL, stride=2)
    grids |= {"max pooling": F.max_pool2d(small, 2), "average pooling": F.avg_pool2d(small, 2)}
    print("A bright and a dark half, and a filter for vertical edges, give\n")
    print(grids["result"][0, 0].numpy().astype(int), "\n")
    grids |= {f"uses of a pixel,\npadding {p}": times_used(6, 3, p) for p in (0, 1)}
    report.picture(drawn(grids), "conv_numbers.png")

    rows = []
    for n, f, p, s in SIZES:
        found = convolved(tg.zeros(1, 1, n, n), [[1] * f] * f, p, s).shape[-1]
        rows.append([f"{n} × {n}", f"{f} × {f}", p, s, f"{size_after(n, f, p, s)}", f"{found} × {found}"])
    report.table(["image", "filter", "padding", "stride", "⌊(n − f + 2p) / s⌋ + 1", "result"], rows)

    color = photograph()
    height, width = color.shape[2:]
    convolution, dense = 3 * 3 * 3 * 8 + 8, (3 * height * width + 1) * 8 * height * width
    print(f"From {height} × {width} × 3 to as many pixels of 8 channels: by 3 × 3 filters {convolution:,} parameters,")
    print(f"by a fully connected layer {dense:,}.\n")

    to_gray = nn.Conv2d(3, 1, 1, bias=False)  # 1 × 1: only channels are mixed, at each pixel in the same way
    with tg.no_grad():
        to_gray.weight.copy_(tg.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1))  # how bright the eye sees them
        gray = to_gray(color)  # (1, 1, 214, 320)
    edges = {name: convolved(gray, weight, padding=1) for name, weight in FILTERS.items()}
    report.picture(shown(edges, signed=True), "conv_edges.png")

    steps = {
        "image": color, "1 × 1: one channel of three": gray, "stride 4": convolved(gray, BLUR, stride=4),
        "max pooling 8 × 8": F.max_pool2d(gray, 8), "average pooling 8 × 8": F.avg_pool2d(gray, 8),
        "five times 9 × 9, no padding": shrunk(gray, 5),
    }  # fmt: skip
    report.picture(shown(steps), "conv_sizes.png")
    return report.done()


def shrunk(image, times):
    """Blurred `times` by 9 × 9 without padding: each time 8 rows and columns are lost."""
    for _ in range(times):
        image = convolved(image, [[1 / 81] * 9] * 9)
    return image


def drawn(grids):
    """Small grids of numbers, each number in its square."""
    figure = plots.new_figure(13, 5.6)
    for axes, (title, grid) in zip(figure.subplots(2, 5).flat, grids.items()):
        grid = np.asarray(grid).reshape(grid.shape[-2:])
        axes.imshow(grid, cmap="RdBu_r", vmin=-1.5 * abs(grid).max(), vmax=1.5 * abs(grid).max())
        for (row, column), value in np.ndenumerate(grid):
            axes.text(column, row, f"{value:g}", ha="center", va="center")
        axes.set(title=f"{title}, {len(grid)} × {len(grid)}", xticks=[], yticks=[])
    for axes in figure.axes[len(grids) :]:
        axes.axis("off")
    return figure


def shown(results, signed=False):
    """Images (1, channels, H, W) at one size, however many pixels they have; `signed`: negative values are blue."""
    figure = plots.new_figure(12, 6)
    for axes, (title, result) in zip(figure.subplots(2, 3).flat, results.items()):
        pixels = result[0].permute(1, 2, 0).numpy()  # (H, W, channels)
        limit = np.quantile(abs(pixels), 0.99)  # so that a few strong edges do not make all others pale
        colors = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if signed else {"cmap": "gray"}
        axes.imshow(pixels, interpolation="nearest", **colors)
        axes.set(title=f"{title}: {' × '.join(map(str, pixels.shape))}", xticks=[], yticks=[])
    return figure
