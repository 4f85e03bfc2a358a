"""Points in the plane, in two classes or more: made by a few lines, from a seed.

Each function returns (x, y): the points (n, 2) and the number of each one's class (n,), int64, class after class.
N(0, s²) is Gaussian noise of standard deviation s, drawn for each number by itself. `dtype` is that of the points, by
default `get_default_dtype()`.
"""

import numpy as np

from ...dtypes import get_default_dtype
from ...tensor import from_numpy

__all__ = ["blobs", "circles", "flower", "moons", "spirals"]


def flower(n=400, noise=0.2, seed=1, dtype=None):
    """A flower of eight petals, one half of them in class 0, the other in class 1.

    For class j, t goes evenly from 3.12 j to 3.12 (j + 1), plus N(0, noise²), and r = 4 sin 4t + N(0, noise²):
    x = (r sin t, r cos t). With the standard settings these are the points of the planar data exercise in Andrew Ng's
    "Neural Networks and Deep Learning", of which the seed 1 (of NumPy's old generator) is part.
    """
    random = np.random.RandomState(seed)
    points = []
    for j, count in enumerate(counts(n, 2)):
        t = np.linspace(3.12 * j, 3.12 * (j + 1), count) + noise * random.randn(count)
        r = 4 * np.sin(4 * t) + noise * random.randn(count)
        points.append(np.stack([r * np.sin(t), r * np.cos(t)], axis=1))
    return classified(points, dtype)


def moons(n=200, noise=0.1, seed=0, dtype=None):
    """Two half circles of radius 1 that reach into each other.

    For t evenly from 0 to π: class 0 is (cos t, sin t), class 1 is (1 − cos t, 1/2 − sin t), both plus N(0, noise²).
    """
    t, u = [np.linspace(0, np.pi, count) for count in counts(n, 2)]
    points = [np.stack([np.cos(t), np.sin(t)], axis=1), np.stack([1 - np.cos(u), 0.5 - np.sin(u)], axis=1)]
    return classified(with_noise(points, noise, seed), dtype)


def circles(n=200, noise=0.05, factor=0.5, seed=0, dtype=None):
    """Two circles around one middle: class 0 of radius 1, class 1 of radius `factor`, evenly, plus N(0, noise²)."""
    if not 0 < factor < 1:
        raise ValueError(f"circles: factor, the radius of the inner circle, is between 0 and 1, not {factor}")
    angles = [2 * np.pi * np.arange(count) / count for count in counts(n, 2)]
    points = [radius * np.stack([np.cos(t), np.sin(t)], axis=1) for radius, t in zip((1, factor), angles)]
    return classified(with_noise(points, noise, seed), dtype)


def spirals(n=300, classes=3, noise=0.2, seed=0, dtype=None):
    """Arms that wind around one another, one for each class, as in the notes of Stanford's CS231n.

    For class j, r goes evenly from 0 to 1, and t = 2π j / classes + 4 r + N(0, noise²): x = (r sin t, r cos t).
    """
    random = np.random.default_rng(seed)
    points = []
    for j, count in enumerate(counts(n, classes)):
        r = np.linspace(0, 1, count)
        t = 2 * np.pi * j / classes + 4 * r + noise * random.standard_normal(count)
        points.append(np.stack([r * np.sin(t), r * np.cos(t)], axis=1))
    return classified(points, dtype)


def blobs(n=300, centers=3, spread=1.0, seed=0, dtype=None):
    """Clouds of points: class j is centers[j] + N(0, spread²).

    centers  their middles, (classes, 2); or how many there are: then they are drawn uniformly from −10 to 10
    """
    random = np.random.default_rng(seed)
    middles = random.uniform(-10, 10, (centers, 2)) if isinstance(centers, int) else np.asarray(centers, float)
    if middles.ndim != 2 or middles.shape[1] != 2:
        raise ValueError(f"blobs: centers are points (classes, 2), or their number; not of shape {middles.shape}")
    parts = counts(n, len(middles))
    return classified([m + spread * random.standard_normal((k, 2)) for m, k in zip(middles, parts)], dtype)


def counts(n, classes):
    """n points as evenly among the classes as can be, the first ones having one more."""
    if not 1 <= classes <= n:
        raise ValueError(f"{n} points cannot be in {classes} classes; there must be one of each at least")
    return [n // classes + (j < n % classes) for j in range(classes)]


def with_noise(points, noise, seed):
    random = np.random.default_rng(seed)
    return [part + noise * random.standard_normal(part.shape) for part in points]


def classified(points, dtype):
    """(x, y) of the points of each class."""
    x = from_numpy(np.concatenate(points)).to(get_default_dtype() if dtype is None else dtype)
    y = np.repeat(np.arange(len(points)), [len(part) for part in points])
    return x, from_numpy(y.astype(np.int64))
