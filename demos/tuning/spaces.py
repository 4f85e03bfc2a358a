"""Where to search: the scale of each hyper-parameter, draws and grids on it."""

import numpy as np

SPACE = {  # hyper-parameter: (lowest r, highest r, its value for r); a search draws r uniformly
    "rate": (-4, 0, lambda r: 10.0**r),
    "β": (-3, -1, lambda r: 1 - 10.0**r),
    "units": (4, 7, lambda r: np.round(2.0**r)),
    "dropout": (0, 0.5, lambda r: r),
}
LINEAR = {  # the same values, drawn uniformly themselves
    "rate": (1e-4, 1, lambda r: r),
    "β": (0.9, 0.999, lambda r: r),
    "units": (16, 128, np.round),
    "dropout": (0, 0.5, lambda r: r),
}


def draw(space, count, random):
    """(count, number of hyper-parameters): the r of each, drawn uniformly."""
    low, high, _ = zip(*space.values())
    return random.uniform(low, high, (count, len(space)))


def grid(space, counts):
    """The middles of `counts` equal parts of each range of r, each with each."""
    ranges = zip(space.values(), counts)
    lines = [low + (high - low) * (np.arange(count) + 0.5) / count for (low, high, _), count in ranges]
    return np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, len(space))


def around(space, points):
    """The smallest space that holds these points."""
    ends = zip(np.min(points, 0).tolist(), np.max(points, 0).tolist())
    return {name: (low, high, value) for (name, (_, _, value)), (low, high) in zip(space.items(), ends)}


def settings_at(space, points):
    """A dict of values for each point."""
    columns = [value(r) for (_, _, value), r in zip(space.values(), np.transpose(points))]
    return [dict(zip(space, values)) for values in np.transpose(columns).tolist()]
