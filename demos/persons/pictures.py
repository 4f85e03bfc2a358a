"""What `faces` draws: pairs, their distances, rates of acceptance, encodings in a plane."""

import numpy as np

from tinygrad_edu import plots


def percent(rights):
    return f"{100 * np.mean(np.asarray(rights)):.1f} %"


def plane(f):
    """Encodings (n, k, d) in the plane in which they differ most (principal components): (n, k, 2)."""
    rows = f.numpy().reshape(-1, f.shape[2])
    centred = rows - rows.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)  # its rows, the direction of the largest variance first
    return (centred @ axes[:2].T).reshape(*f.shape[:2], 2)


def draw_pairs(x, verification, columns=8):
    """Pairs of one person and of two, from the nearest to the farthest."""
    (first, second), distances = verification.pairs, verification.distances
    shown = []
    for kind in (verification.same, ~verification.same):
        order = np.flatnonzero(kind)[distances[kind].argsort()]
        shown.extend(order[np.linspace(0, len(order) - 1, 2 * columns).astype(int)])
    images = np.concatenate([x[first][shown, 0], np.full((len(shown), 28, 2), 0.5), x[second][shown, 0]], 2)
    titles = [f"{distances[i]:.2f}{'' if verification.right[i] else ', wrong'}" for i in shown]
    title = f"Pairs of one person (above) and of two, with d; accepted up to {verification.threshold:.2f}"
    return plots.images(images, titles, title, columns, width=1.5)


def draw_distances(found):
    """Histograms of the distances of pairs, and the thresholds."""
    figure = plots.new_figure(11, 3.6)
    for axes, (name, v) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items()):
        for kind, label, color in zip((v.same, ~v.same), ("same person", "two persons"), plots.COLORS):
            axes.hist(v.distances[kind], 60, range=(0, v.distances.max()), color=color, alpha=0.6, label=label)
        axes.axvline(v.threshold, color="black", label=f"threshold {v.threshold:.2f}")
        axes.set(title=f"{name}: {percent(v.right)} judged rightly", xlabel="‖f(x₁) − f(x₂)‖²", ylabel="pairs")
        axes.legend(frameon=False)
    return figure


def draw_rates(found):
    """How often pairs of one person are accepted, against how often those of two, for all thresholds."""
    x = np.linspace(0, 100, 201)
    lines = {name: 100 * np.interp(x / 100, *v.rates) for name, v in found.items()}
    few = {name: line for name, line in lines.items() if name.startswith("semi-hard")}
    lines = {name: line for name, line in lines.items() if "persons" not in name}
    label = "accepted of pairs of one person, %"
    panels = {label: lines, "accepted, by persons known, %": few} if few else {label: lines}
    return plots.curves(panels, x, "accepted of pairs of two persons, %")


def draw_planes(planes, names):
    """Photographs of some persons as points of a plane, each drawn as the letter that it shows."""
    figure = plots.new_figure(11, 5.4)
    for axes, (title, points) in zip(figure.subplots(1, len(planes), squeeze=False)[0], planes.items()):
        for number, (name, own) in enumerate(zip(names, points)):
            for place in own:
                style = {"color": plots.COLORS[number], "family": "DejaVu Sans", "in_layout": False}
                axes.text(*place, name, ha="center", va="center", **style)
        limit = 1.1 * abs(points).max()
        axes.set(title=title, xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    return figure
