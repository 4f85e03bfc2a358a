"""Lets a demo run without its pictures, for those who measure what it computes."""

import sys

import numpy as np

KEPT = "COLORS", "GradientNorms"
"""Of `plots`: what measures, and does not draw."""


class Nothing:
    """Stands for a picture and whatever makes one: what it is asked for is nothing, too."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args, **named):
        return self

    def __getitem__(self, key):
        return self

    def __iter__(self):
        return iter(())

    def __str__(self):
        return ""

    def __format__(self, how):
        return ""

    def save(self, *args):
        """The path, the last of what it is given, as if the picture were there."""
        return args[-1]

    def subplots(self, rows=1, columns=1, squeeze=True, **named):
        """As many of it as matplotlib would give axes."""
        grid = np.empty((rows, columns), object)
        grid.fill(self)
        return (grid.squeeze() if grid.size > 1 else self) if squeeze else grid


def leave_out_pictures():
    """From now on `plots`, `draw` and `check` of tinygrad_edu do nothing in this process, nor does `Report.picture`."""
    import tinygrad_edu

    nothing = Nothing()
    for name in ("check", "draw", "summary"):
        setattr(tinygrad_edu, name, nothing)
        sys.modules[f"tinygrad_edu.{name}"] = nothing
    from tinygrad_edu import plots

    for name in dir(plots):
        if name not in KEPT and callable(getattr(plots, name)):
            setattr(plots, name, getattr(nothing, name))
    plots.GradientNorms.figure = nothing
    from ..report import Report

    Report.picture = nothing
