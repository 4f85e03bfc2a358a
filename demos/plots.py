"""The pictures of the demos: each function draws one with matplotlib, writes it to `path` and returns `path`."""

import os

import numpy as np

COLORS = ("#1f6feb", "#d1495b", "#2a9d8f", "#8d5a97")


def new_figure(width, height):
    """A matplotlib Figure of so many inches. It belongs to no window, so nothing global is changed by it."""
    from matplotlib.figure import Figure

    return Figure((width, height), dpi=150, layout="constrained")


def save(figure, path):
    """Write a picture by renaming a complete one, so that nobody ever sees a part of it."""
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    part = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        figure.savefig(part, format=os.path.splitext(name)[1][1:], bbox_inches="tight")
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
    return path


def curves(path, x, panels, xlabel, log=()):
    """Lines over `x`, in panels next to each other.

    panels  {label of the y axis: {name of a line: its values}}
    log     labels of those axes that are logarithmic
    """
    from matplotlib.ticker import LogLocator, MaxNLocator

    figure = new_figure(5.2 * len(panels), 3.6)
    for axes, (ylabel, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items()):
        few = len(x) <= 40
        for color, (name, values) in zip(COLORS, lines.items()):
            axes.plot(x, values, color=color, label=name, linewidth=1.8, marker="o" if few else None, markersize=3)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if ylabel in log:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=(1, 2, 5, 10)))
        axes.grid(color="#e5e7eb")
        axes.spines[["top", "right"]].set_visible(False)
        if len(lines) > 1:
            axes.legend(frameon=False)
    return save(figure, path)


def images(path, pictures, titles=None, title=None, columns=8, signed=False):
    """A grid of pictures (number, height, width), each with a line of text above it if there are `titles`.

    signed  colour negative values blue and positive ones red, all on one scale, which ends below the largest 0.5 %;
            otherwise 0 is paper and 1 is ink
    """
    columns = min(columns, max(len(pictures), 4))  # room for the title
    rows = max(1, -(-len(pictures) // columns))
    figure = new_figure(columns + 0.9 * signed, (1.35 if titles else 1.0) * rows + 0.4)
    colors = {"cmap": "gray_r", "vmin": 0, "vmax": 1}
    if signed:
        limit = float(np.quantile(np.abs(pictures), 0.995))
        colors = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    drawn = None
    grid = figure.subplots(rows, columns, squeeze=False)
    for index, axes in enumerate(grid.ravel()):
        axes.set(xticks=[], yticks=[])
        if index >= len(pictures):
            axes.axis("off")
            continue
        axes.spines[:].set_color("#d1d5db")
        drawn = axes.imshow(pictures[index], **colors)
        if titles:
            axes.set_title(titles[index], fontsize=9, pad=3)
    if signed and drawn is not None:
        figure.colorbar(drawn, ax=grid, shrink=0.6, pad=0.02, extend="both")
    if title:
        figure.suptitle(title, fontsize=11)
    return save(figure, path)


def boundary(path, probability, points, classes, title, steps=400):
    """A classifier of the plane, and the points that it was trained with.

    probability      of class 1: a function of points (n, 2), with values (n,)
    points, classes  arrays (m, 2) and (m,), the latter of zeros and ones
    """
    low, high = points.min(axis=0) - 0.5, points.max(axis=0) + 0.5
    x, y = np.meshgrid(np.linspace(low[0], high[0], steps), np.linspace(low[1], high[1], steps))
    values = probability(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)

    figure = new_figure(6.2, 5.2)
    axes = figure.subplots()
    colors = axes.imshow(
        values, extent=(low[0], high[0], low[1], high[1]), origin="lower", cmap="RdBu_r", vmin=0, vmax=1, alpha=0.55
    )  # fmt: skip
    axes.contour(x, y, values, levels=[0.5], colors="black", linewidths=1.4)
    style = {"s": 18, "edgecolor": "white", "linewidth": 0.5}
    for label, color in ((0, COLORS[0]), (1, COLORS[1])):
        axes.scatter(*points[classes == label].T, color=color, label=f"class {label}", **style)
    axes.set(title=title, xlabel="x₁", ylabel="x₂", xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.legend(loc="upper right", framealpha=0.9)
    figure.colorbar(colors, label="probability of class 1", ticks=[0, 0.25, 0.5, 0.75, 1])
    return save(figure, path)
