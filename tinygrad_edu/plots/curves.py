"""Curves over time, and the surface of a function of two numbers with the ways that optimizers take on it."""

import numpy as np

from .figures import axes_of, color_of, new_figure

FEW = 40  # points up to which each has a mark


def curves(panels, x=None, xlabel="step", log=(), title=None):
    """Lines over `x`, in panels next to each other.

    panels  {label of the y axis: {name of a line: its values}}. Values may be missing: NaN or None
    x       where the values are; by default 1, 2, ...; of a line that is shorter than x the first ones. Longer lines
            are at 1, 2, ...
    xlabel  of all panels, or a list with one of each
    log     labels of those y axes that are logarithmic
    Raises ValueError if there is nothing to draw.
    """
    if not panels or not all(panels.values()):
        raise ValueError(f"curves: {panels!r} has no lines; give {{'loss': {{'training': values}}}}")
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(5.2 * len(panels), 3.6)
    xlabels = [xlabel] * len(panels) if isinstance(xlabel, str) else xlabel
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, xlabel, (ylabel, lines) in zip(all_axes, xlabels, panels.items(), strict=True):
        for number, (name, values) in enumerate(lines.items()):
            values = np.asarray(values, np.float64)  # None is NaN
            places = np.arange(1, len(values) + 1) if x is None or len(x) < len(values) else x[: len(values)]
            mark = "o" if len(values) <= FEW else None
            axes.plot(places, values, color=color_of(number), label=name, linewidth=1.8, marker=mark, markersize=3)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if ylabel in log:
            axes.set_yscale("log")
            name_powers(axes)
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=(1, 2, 5, 10)))
        axes.grid(color="#e5e7eb")
        axes.spines[["top", "right"]].set_visible(False)
        if len(lines) > 1:
            axes.legend(frameon=False)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def name_powers(axes):
    """Numbers beside a logarithmic y axis, as many as can be read: within one decade all digits, then 1, 2 and 5."""
    from matplotlib.ticker import LogLocator

    low, high = axes.get_ylim()
    decades = np.log10(high / low)
    subs = range(1, 10) if decades < 1 else (1, 2, 5) if decades < 4 else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")


def surface(function, x, y, paths=None, title=None, steps=120, log=False, axes=None):
    """Contours of a function of two numbers, and ways across it.

    function  called with two arrays (steps, steps), returns one of that shape (NumPy's or Tensors' operations alike)
    x, y      (lowest, highest) of the two axes
    paths     {name: points (n, 2)}: each a line from its first point, a dot, to its last, a star
    log       levels at equal ratios instead of equal distances; the function must be positive
    """
    figure, axes = axes_of(axes, 6.2, 5.2)
    grid = np.meshgrid(np.linspace(*x, steps), np.linspace(*y, steps))
    values = np.asarray(function(*grid))
    if values.shape != grid[0].shape:
        raise ValueError(
            f"surface: the function must give one number for each point, an array of shape {grid[0].shape}; it gave "
            f"{values.shape}"
        )
    low, high = np.nanmin(values), np.nanmax(values)
    if log and low <= 0:
        raise ValueError(f"surface: with log=True the function must be positive; its least value here is {low:g}")
    levels = np.geomspace(low, high, 24) if log else np.linspace(low, high, 24)
    axes.contourf(*grid, values, levels=levels, norm="log" if log else None, cmap="YlGnBu_r", alpha=0.7)
    axes.contour(*grid, values, levels=levels, colors="white", linewidths=0.5, alpha=0.6)
    for number, (name, points) in enumerate((paths or {}).items()):
        points = np.asarray(points)
        color = color_of(number + 1)
        axes.plot(*points.T, "-", color=color, linewidth=1.6, label=name)
        axes.plot(*points[0], "o", color=color, markersize=5)
        axes.plot(*points[-1], "*", color=color, markersize=11, markeredgecolor="white", markeredgewidth=0.6)
    axes.set(xlim=x, ylim=y, title=title)
    if paths:
        axes.legend(framealpha=0.9)
    return figure
