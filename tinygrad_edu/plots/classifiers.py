"""What a classifier has learnt: its regions of the plane, and which classes it takes for which."""

import numpy as np

from .figures import axes_of, color_of


def boundary(predict, points, classes, title=None, steps=400, axes=None):
    """A classifier of the plane, and the points that it was trained with.

    predict  a function of points (n, 2), an array: the probability of class 1, (n,); or of each class, (n, k)
    points, classes  arrays (or Tensors) (m, 2) and (m,), the latter of integers from 0
    Raises ValueError if the shapes are others.
    """
    points, classes = np.asarray(points), np.asarray(classes).astype(int)
    if points.ndim != 2 or points.shape[1] != 2 or classes.shape != points.shape[:1]:
        raise ValueError(
            f"boundary: points must be (m, 2) and classes (m,); these are {points.shape} and {classes.shape}"
        )
    low, high = points.min(axis=0) - 0.5, points.max(axis=0) + 0.5
    x, y = np.meshgrid(np.linspace(low[0], high[0], steps), np.linspace(low[1], high[1], steps))
    values = np.asarray(predict(np.stack([x.ravel(), y.ravel()], axis=1)))
    if values.ndim not in (1, 2) or len(values) != x.size:
        raise ValueError(
            f"boundary: of {x.size} points predict must give {x.size} probabilities, or as many rows of one for each "
            f"class; it gave an array of shape {values.shape}"
        )

    figure, axes = axes_of(axes, 6.2, 5.2)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    extent = {"extent": (low[0], high[0], low[1], high[1]), "origin": "lower"}
    if values.ndim == 1:
        values = values.reshape(x.shape)
        shades = axes.imshow(values, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.55, **extent)
        axes.contour(x, y, values, levels=[0.5], colors="black", linewidths=1.4)
        figure.colorbar(shades, label="probability of class 1", ticks=[0, 0.25, 0.5, 0.75, 1])
    else:
        axes.imshow(blended(values).reshape(*x.shape, 3), **extent)
        best = values.argmax(1).reshape(x.shape)
        for k in range(values.shape[1]):
            if (best == k).any() and (best != k).any():
                axes.contour(x, y, (best == k).astype(float), levels=[0.5], colors="black", linewidths=1.0)
    for k in np.unique(classes):
        style = {"s": 18, "edgecolor": "white", "linewidth": 0.5, "color": color_of(k), "label": f"class {k}"}
        axes.scatter(*points[classes == k].T, **style)
    axes.set(title=title, xlabel="x₁", ylabel="x₂", xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.legend(loc="upper right", framealpha=0.9)
    return figure


def blended(probabilities):
    """The colours of the classes, mixed by their probabilities and with white: (n, 3)."""
    from matplotlib.colors import to_rgb

    colors = np.array([to_rgb(color_of(k)) for k in range(probabilities.shape[1])])
    shares = probabilities / np.maximum(probabilities.sum(1, keepdims=True), 1e-12)
    return np.clip(0.5 + 0.5 * shares @ colors, 0, 1)


def confusion(truth, predicted, names=None, title=None, axes=None):
    """The confusion matrix: a row for each true class, a column for each predicted one, with counts; the shade is the
    share of its row.

    truth, predicted  classes, integers from 0, arrays or Tensors of one shape (n,)
    names             of the classes, in order
    """
    truth, predicted = np.asarray(truth).astype(int), np.asarray(predicted).astype(int)
    if truth.shape != predicted.shape or truth.ndim != 1:
        raise ValueError(
            f"confusion: both must be (n,), one class for each example; these are {truth.shape} and {predicted.shape}. "
            "Of scores take argmax(1)"
        )
    least = max(truth.max(initial=-1), predicted.max(initial=-1)) + 1
    k = max(least, len(names or ()))
    if names is not None and len(names) < k:
        raise ValueError(f"confusion: there are {k} classes, and names of {len(names)}")
    counts = np.zeros((k, k), int)
    np.add.at(counts, (truth, predicted), 1)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)

    figure, axes = axes_of(axes, 1.6 + 0.5 * k, 1.4 + 0.5 * k)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.argwhere(counts):
        axes.text(j, i, str(counts[i, j]), ha="center", va="center", color="white" if shares[i, j] > 0.5 else "#2b2f36")
    labels = [str(name) for name in (range(k) if names is None else names)]
    axes.set(xticks=range(k), yticks=range(k), xlabel="predicted", ylabel="true", title=title)
    axes.set_xticklabels(labels, rotation=0 if max(map(len, labels), default=0) < 4 else 45)
    axes.set_yticklabels(labels)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
