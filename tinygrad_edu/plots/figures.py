"""New figures, and files of them."""

import io
import os

from ..files import write_whole

COLORS = ("#1f6feb", "#d1495b", "#2a9d8f", "#8d5a97", "#e09f3e", "#4a5568", "#7cb518", "#c77dff")
"""Of lines and classes, in order; from the ninth on they repeat."""


def new_figure(width, height):
    """A matplotlib Figure of so many inches. It belongs to no window, so nothing global is changed by it."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "tinygrad-edu[plots]"') from error
    return Figure((width, height), dpi=150, layout="constrained")


def axes_of(axes, width, height):
    """(figure, axes): of the caller, or new ones."""
    figure = new_figure(width, height) if axes is None else axes.figure
    return figure, figure.subplots() if axes is None else axes


def color_of(number):
    return COLORS[number % len(COLORS)]


def save(figure, path):
    """Write a picture, whole or not at all; returns the path. Missing folders are made.

    Its suffix says the format: .png, .svg, .pdf, and what else matplotlib knows.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format=os.path.splitext(os.fspath(path))[1][1:] or None, bbox_inches="tight")
    return write_whole(path, picture.getvalue())
