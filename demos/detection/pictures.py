"""Pictures of canvases with boxes, and of heat maps."""

import numpy as np

from tinygrad_edu import plots

from .found import hits
from .windows import BORDER, STRIDE, WINDOW, ZOOMS

TRUE, RIGHT, WRONG = "#9aa5b1", plots.COLORS[2], plots.COLORS[1]
"""The colors of boxes."""


def canvas_on(axes, canvas, title=None):
    """Draw a canvas (1, H, W)."""
    axes.imshow(canvas[0].numpy(), cmap="gray_r", vmin=0, vmax=1.6)
    axes.autoscale(False)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=8, pad=3)
    axes.spines[:].set_color("#d1d5db")


def boxes_on(axes, boxes, colors, texts=None, **style):
    """Draw boxes (k, 4), each in its color, and its text below it."""
    for i, (left, top, right, bottom) in enumerate(boxes.numpy() - 0.5):  # pixel 0 is drawn from −0.5 to 0.5
        x, y = [left, right, right, left, left], [top, top, bottom, bottom, top]
        axes.plot(x, y, color=colors[i], linewidth=1.1, **style)
        if texts:
            axes.text(left, bottom + 0.3, texts[i], color=colors[i], fontsize=6, va="top")


def grid(rows, columns, title):
    """A figure and its axes, for so many canvases."""
    figure = plots.new_figure(1.55 * columns, 1.65 * rows + 0.4)
    figure.suptitle(title, fontsize=11)
    return figure, figure.subplots(rows, columns, squeeze=False)


def found_on(canvases, found, title, rows=2, columns=6):
    """Canvases, their true boxes dashed, and the boxes that were found, right ones and wrong ones."""
    figure, axes = grid(rows, columns, f"{title}: green is right, red is wrong, dashed is true")
    for ax, canvas, boxes, labels, one in zip(axes.flat, canvases.pixels, canvases.boxes, canvases.labels, found):
        canvas_on(ax, canvas)
        boxes_on(ax, boxes, [TRUE] * len(boxes), linestyle="--")
        texts = [f"{digit}  {score:.0%}" for digit, score in zip(one.labels.tolist(), one.scores.tolist())]
        boxes_on(ax, one.boxes, np.where(hits(one, boxes, labels), RIGHT, WRONG), texts)
    return figure


def heat_on(canvases, heat):
    """The first canvases, and for each zoom the probability of a digit in each window, drawn in the window's middle.

    heat  from `windows.heat`
    """
    figure, axes = grid(1 + len(ZOOMS), len(heat[0]), "Sliding windows: where there is a digit")
    for ax, canvas in zip(axes[0], canvases.pixels):
        canvas_on(ax, canvas, "canvas")
    for row, zoom, maps in zip(axes[1:], ZOOMS, heat):
        start = (WINDOW - STRIDE) / 2 / zoom - BORDER - 0.5  # the left edge of the square of the first window
        end = start + maps.shape[1] * STRIDE / zoom
        for ax, canvas, values in zip(row, canvases.pixels, maps):
            canvas_on(ax, canvas, f"windows of {WINDOW / zoom:.0f} pixels")
            limits = ax.get_xlim(), ax.get_ylim()
            ax.imshow(values.numpy(), cmap="Reds", vmin=0, vmax=1, alpha=0.6, extent=(start, end, end, start))
            ax.set(xlim=limits[0], ylim=limits[1])
    return figure


def suppression(pixels, detectors):
    """What detectors find on canvases (N, 1, H, W) before and after non-maximum suppression; a color for each digit.

    detectors  {name: a list of Found}
    """
    figure, axes = grid(2 * len(detectors), len(pixels), "Non-maximum suppression")
    for (name, found), before, after in zip(detectors.items(), axes[::2], axes[1::2]):
        for canvas, one, *pair in zip(pixels, found, before, after):
            for ax, boxes, when in zip(pair, (one, one.suppressed()), ("before", "after")):
                canvas_on(ax, canvas, f"{name}, {when}: {len(boxes)}")
                digits = boxes.labels.tolist()
                boxes_on(ax, boxes.boxes, [plots.COLORS[digit % 8] for digit in digits], digits)
    return figure
