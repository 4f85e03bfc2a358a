"""Data in parts: to train with, to choose settings by, and to test with."""

import numpy as np

from ..tensor import Tensor, of_array

__all__ = ["split", "suggested_sizes"]


def suggested_sizes(n):
    """The fractions for training, development and testing of n examples, by the rule of Andrew Ng's "Improving Deep
    Neural Networks": up to a million 60, 20 and 20 %; from a million on 98, 1 and 1 %, since 10,000 are enough to test
    with. (Below a hundred the rule says nothing, and any part is too small to test with; here they are 60, 20, 20.)"""
    if n < 1:
        raise ValueError(f"suggested_sizes: there must be an example to split, and n is {n}")
    return (0.98, 0.01, 0.01) if n >= 1_000_000 else (0.6, 0.2, 0.2)


def split(x, y=None, sizes=None, seed=0, stratify=False):
    """The examples in random parts, which have none in common and together are all: ((x, y), (x, y), ...), or only
    (x, x, ...) if y is None.

    x, y      tensors or arrays of the same length, for example images and labels
    sizes     of each part: fractions that add up to 1, or counts that add up to len(x); by default
              `suggested_sizes(len(x))`: train, dev, test = split(x, y)
    seed      which examples come into which part; the same seed, the same parts
    stratify  whether each class of y, (N,), has the same share in every part, but for rounding. For
              small sets, in which chance might leave a class out
    """
    n = len(x)
    if y is not None and len(y) != n:
        raise ValueError(f"split: x has {n} examples and y {len(y)}; each x has one y")
    counts = part_sizes(suggested_sizes(n) if sizes is None else sizes, n)
    random = np.random.default_rng(seed)
    order = random.permutation(n)
    if stratify:
        order = order[evenly_mixed(classes_of(y, n)[order])]
    parts = [random.permutation(part) for part in np.split(order, np.cumsum(counts)[:-1])]
    if y is None:
        return tuple([taken(x, part) for part in parts])
    return tuple([(taken(x, part), taken(y, part)) for part in parts])


def part_sizes(sizes, n):
    """How many of n examples are in each part, for fractions or counts. What rounding leaves goes to the parts that
    lost most by it (the method of the largest remainder)."""
    sizes = list(sizes)
    if not sizes or any(isinstance(size, bool) or not size > 0 for size in sizes):
        raise ValueError(f"split: sizes are positive fractions or counts, not {tuple(sizes)}")
    if all(isinstance(size, (int, np.integer)) for size in sizes):
        if sum(sizes) != n:
            raise ValueError(f"split: the counts {tuple(sizes)} add up to {sum(sizes)}, and there are {n} examples")
        return sizes
    if abs(sum(sizes) - 1) > 1e-6:
        raise ValueError(
            f"split: the fractions {tuple(sizes)} add up to {sum(sizes):g}, and should to 1. Counts are whole numbers"
        )
    exact = np.array(sizes, float) * n
    counts = np.floor(exact).astype(int)
    for index in np.argsort(counts - exact, kind="stable")[: n - counts.sum()]:
        counts[index] += 1
    if not counts.all():
        raise ValueError(f"split: of {n} examples, a part of {min(sizes):g} has none. Give larger fractions, or counts")
    return counts.tolist()


def classes_of(y, n):
    """The class of each example, as an array (n,)."""
    if y is None:
        raise ValueError("split: stratify=True keeps the share of each class, and there is no y that tells the classes")
    classes = y.detach().numpy() if isinstance(y, Tensor) else np.asarray(y)
    if classes.shape != (n,):
        raise ValueError(f"split: stratify=True takes y as numbers of classes, ({n},), not of shape {classes.shape}")
    return classes


def evenly_mixed(classes):
    """An order in which every class is spread evenly: the i-th of the m in a class comes at (i + 1/2) / m of the way,
    so that any stretch has its share of each."""
    places = np.empty(len(classes))
    for value in np.unique(classes):
        members = np.flatnonzero(classes == value)
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(places, kind="stable")


def taken(values, places):
    """A tensor or array with the examples at these places."""
    if isinstance(values, Tensor):
        return of_array(values.detach().numpy()[places], None)
    return np.asarray(values)[places]
