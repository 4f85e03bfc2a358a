"""Verification (1:1) and recognition (1:n) by encodings, measured."""

import numpy as np

import tinygrad_edu as tg

PAIRS = 5000
"""How many pairs of photographs of one person are tried, and as many of two persons."""


def squared_distance(x, y):
    """‖x − y‖² along the last dimension, of arrays or tensors."""
    return ((x - y) ** 2).sum(-1)


def pairs(n, k, count, random):
    """((first, second), same): `count` pairs of two photographs of one person, and as many of two persons.

    n, k           the number of persons, and of photographs of each
    first, second  indices of n and k, so that x[first] are the photographs: pairs of (2 · count,)
    same           whether they show one person, (2 · count,)
    """
    same = np.arange(2 * count) < count
    person, look = random.integers(n, size=2 * count), random.integers(k, size=2 * count)
    another = np.where(same, person, (person + random.integers(1, n, 2 * count)) % n)
    another_look = (look + random.integers(1, k, 2 * count)) % k
    return ((person, look), (another, another_look)), same


def roc(distances, same):
    """(thresholds, false, right, area): if all pairs with d ≤ threshold are accepted, the rates at which pairs of two
    persons and of one are, and the area under the curve of the latter over the former.

    The area is how often, of a pair of one person and a pair of two, the former has the smaller distance; equal ones
    count half.
    """
    thresholds, place = np.unique(distances, return_inverse=True)
    false, right = [np.bincount(place, kind).cumsum() / kind.sum() for kind in (~same, same)]
    false, right = np.append(0, false), np.append(0, right)  # below all distances
    return np.append(-1, thresholds), false, right, np.trapezoid(right, false)


class Verification:
    """Verification of persons never seen, with the threshold that is best on other ones.

    dev, new               encodings of the persons for the threshold, and of those never seen, (n, k, d)

    threshold              accepted is what is not farther apart
    pairs, same            of persons never seen, as `pairs` gives them
    distances, right       of these pairs, and whether they are judged rightly
    rates, area            (false, right) and the area, as `roc` gives them
    """

    def __init__(self, dev, new, seed):
        random = np.random.default_rng(seed)  # the same pairs for all encoders
        (first, second), same = pairs(*dev.shape[:2], PAIRS, random)
        thresholds, false, right, _ = roc(squared_distance(dev[first], dev[second]).numpy(), same)
        best = (right - false).argmax()
        self.threshold = thresholds[best]
        self.dev_accuracy = (1 + right[best] - false[best]) / 2  # there are as many pairs of one person as of two
        self.pairs, self.same = pairs(*new.shape[:2], PAIRS, random)
        self.distances = squared_distance(*[new[place] for place in self.pairs]).numpy()
        self.right = (self.distances <= self.threshold) == self.same
        _, *self.rates, self.area = roc(self.distances, self.same)


def recognized(gallery, persons, queries):
    """Whom queries (q, d) show, (q,): of the `persons` (g,) that encodings in the gallery (g, d) show, the nearest."""
    return persons[tg.cdist(queries, gallery).argmin(1)]
