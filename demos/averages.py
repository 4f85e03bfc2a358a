"""Follows the temperatures of a year by exponentially weighted averages, with and without bias correction.

V(t) = β V(t − 1) + (1 − β) θ(t) from V(0) = 0 averages about the last 1/(1 − β) days: further back each day counts less
than 1/e of the latest one. The first values are too small because V starts from 0; divided by 1 − β^t they are not.
The days are made here: a cold winter, a warm summer, and noise. The first three are those of the course.
"""

import numpy as np

from tinygrad_edu import plots

from . import require
from .report import Report

SEED, SECONDS = "002", 2

BETAS = 0.5, 0.9, 0.98

FIRST_DAYS, FIRST_AVERAGES = (40, 49, 45), (4, 8.5, 12.15)
"""The course's: three temperatures, and their averages with β = 0.9, not corrected."""


def weighted_averages(values, beta, corrected=False):
    """V(1), V(2), ... of the values θ(1), θ(2), ..., with V(t) divided by 1 − β^t if they are to be corrected."""
    average, averages = 0.0, []
    for t, value in enumerate(values, 1):
        average = beta * average + (1 - beta) * value
        averages.append(average / (1 - beta**t) if corrected else average)
    return averages


def year(seed):
    """(temperatures, (365,); the same without noise)."""
    day = np.arange(365)
    smooth = 58 - 17 * np.cos(2 * np.pi * (day - 15) / 365)  # °F, coldest in the middle of January
    noisy = smooth + 4 * np.random.default_rng(seed).standard_normal(365)
    noisy[:3] = FIRST_DAYS
    return noisy, smooth


def run(options):
    require("matplotlib")
    report = Report(options)
    days, smooth = year(options.seed)
    first = weighted_averages(FIRST_DAYS, 0.9)
    corrected = weighted_averages(FIRST_DAYS, 0.9, corrected=True)
    rows = [[t + 1, FIRST_DAYS[t], first[t], FIRST_AVERAGES[t], corrected[t]] for t in range(3)]
    report.table(["day", "temperature", "average, β = 0.9", "course", "corrected"], rows)
    equal = int(np.isclose(first, FIRST_AVERAGES, rtol=0, atol=1e-12).sum())
    report.compare("averages equal to the course's", equal, 3, digits=0)

    rows = []
    for beta in BETAS:
        plain, right = [np.array(weighted_averages(days, beta, corrected)) for corrected in (False, True)]
        errors = [np.sqrt(np.mean((found - smooth)[part] ** 2)) for found in (plain, right)
                  for part in (slice(20), slice(20, None))]  # fmt: skip
        rows.append([str(beta), 1 / (1 - beta), *[f"{error:.2f}" for error in errors]])
    print("\nRoot mean square distance from the temperatures without noise:")
    header = ["β", "1/(1 − β) days", "first 20 days", "later", "corrected: first 20", "later"]
    report.table(header, rows)

    report.picture(draw_year(days), "averages_year.png")
    report.picture(draw_start(days), "averages_bias.png")
    return report.done()


def draw_year(days):
    figure = plots.new_figure(8, 4.2)
    axes = figure.subplots()
    axes.plot(days, ".", color="#9ca3af", markersize=4, label="temperature")
    for number, beta in enumerate(BETAS):
        averages = weighted_averages(days, beta, corrected=True)
        axes.plot(averages, color=plots.COLORS[number], linewidth=1.8 if number else 0.9, label=f"β = {beta}")
    axes.set(xlabel="day", ylabel="°F", title="The larger β, the smoother and the later")
    axes.legend(frameon=False)
    return figure


def draw_start(days, count=60):
    """The first days, with β = 0.9 and 0.98."""
    figure = plots.new_figure(8, 4.2)
    axes = figure.subplots()
    axes.plot(days[:count], ".", color="#9ca3af", markersize=5, label="temperature")
    for color, beta in zip(plots.COLORS[1:], BETAS[1:]):
        axes.plot(weighted_averages(days[:count], beta, True), color=color, label=f"β = {beta}, corrected")
        axes.plot(weighted_averages(days[:count], beta), "--", color=color, label=f"β = {beta}")
    axes.set(xlabel="day", ylabel="°F", title="Without correction the first averages start from 0")
    axes.legend(frameon=False)
    return figure
