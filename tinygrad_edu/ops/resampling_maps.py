"""Linear maps along one dimension with few weights in each row: what all ways of resampling by fixed rules have in
common.

    result[i] = Σₖ weights[i, k] · x[places[i, k]]

A map is applied as small products of matrices: 48 places of the result at a time, which depend on a few neighbouring
places of x only. BLAS makes these products, several times faster than gathering; but they multiply by zeros as well,
so that an infinity or NaN would spread. If there is one, values are gathered after all.

The adjoint of a map is a map of the same kind, with rows and columns exchanged.
"""

import functools
import math

import numpy as np

BLOCK = 48
"""Places of the result in one product of matrices."""


class Map:
    """A linear map from `size` places to `count`: places and weights have the shape (count, terms)."""

    def __init__(self, size, places, weights):
        self.size = size
        self.count, self.terms = places.shape
        self.places = places
        self.weights = weights
        self.picks = self.terms == 1 and bool((weights == 1).all())
        self._blocks = {}

    @functools.cached_property
    def repeats(self):
        """Whether each place of x is repeated equally often, and nothing else."""
        times = self.count // max(1, self.size)
        return self.picks and np.array_equal(self.places[:, 0], np.repeat(np.arange(self.size), times))

    def __repr__(self):
        return f"<map from {self.size} to {self.count} places>"

    @functools.cached_property
    def T(self):
        """The adjoint."""
        rows, terms = np.nonzero(self.weights)
        columns = self.places[rows, terms]
        order = np.argsort(columns, kind="stable")
        rows, columns, weights = rows[order], columns[order], self.weights[rows, terms][order]
        counts = np.bincount(columns, minlength=self.size)
        number = np.arange(len(columns)) - np.repeat(np.cumsum(counts) - counts, counts)
        adjoint = Map(self.count, *filled((self.size, max(1, counts.max(initial=0))), columns, number, rows, weights))
        adjoint.T = self
        return adjoint

    def blocks(self, dtype):
        """The map in pieces: (slice of the result, slice of x, matrix)."""
        if dtype not in self._blocks:
            blocks = []
            for start in range(0, self.count, BLOCK):
                places, weights = self.places[start : start + BLOCK], self.weights[start : start + BLOCK]
                low, high = places.min(), places.max() + 1
                matrix = np.zeros((len(places), high - low))
                np.add.at(matrix, (np.arange(len(places))[:, None], places - low), weights)
                blocks.append((slice(start, start + len(places)), slice(low, high), matrix.astype(dtype)))
            self._blocks[dtype] = blocks
        return self._blocks[dtype]

    def matrix(self):
        """The whole map as one matrix (count, size)."""
        matrix = np.zeros((self.count, self.size))
        np.add.at(matrix, (np.arange(self.count)[:, None], self.places), self.weights)
        return matrix


def filled(shape, rows, terms, places, weights):
    """(places, weights) of a map from single terms; rows are filled up with weights of 0."""
    all_places, all_weights = np.zeros(shape, np.intp), np.zeros(shape)
    all_places[rows, terms] = places
    all_weights[rows, terms] = weights
    return np.where(all_weights == 0, all_places[:, :1], all_places), all_weights


def apply(map, x, axis):
    """x with `map` applied along an axis: a new array."""
    shape = (*x.shape[:axis], map.count, *x.shape[axis + 1 :])
    if not math.prod(shape) or not x.size:
        return np.zeros(shape, x.dtype)
    if map.picks:
        return np.take(x, map.places[:, 0], axis)
    if x.dtype.itemsize == 2:  # BLAS has no half precision
        return apply(map, x.astype(np.float32), axis).astype(x.dtype)
    if not np.isfinite(np.add.reduce(x, None)):
        return gathered(map, x, axis)
    result = np.empty(shape, x.dtype)
    if axis == x.ndim - 1:
        source, target = x.reshape(-1, map.size), result.reshape(-1, map.count)
        for some, places, matrix in map.blocks(x.dtype):
            np.matmul(source[:, places], matrix.T, out=target[:, some])
    else:
        lead = math.prod(x.shape[:axis])
        source, target = x.reshape(lead, map.size, -1), result.reshape(lead, map.count, -1)
        for some, places, matrix in map.blocks(x.dtype):
            np.matmul(matrix, source[:, places], out=target[:, some])
    return result


def gathered(map, x, axis):
    """The same by gathering: terms whose weight is 0 do not count."""
    result = 0
    after = (1,) * (x.ndim - axis - 1)
    for k in range(map.terms):
        weights = map.weights[:, k].reshape(-1, *after).astype(x.dtype)
        term = np.take(x, map.places[:, k], axis) * weights
        result = result + np.where(weights == 0, x.dtype.type(0), term)
    return result


# ---- the maps; `scale` is how far neighbouring places of the result lie apart in x


def scale_of(size, count, align_corners, scale_factor, real):
    """The distance in x of neighbouring places of the result; with align_corners the first and last places are the
    same."""
    if align_corners:
        return real(size - 1) / real(count - 1) if count > 1 else real(0)
    return real(1 / scale_factor) if scale_factor else real(size) / real(count)


def at_middles(count, scale, real):
    """Where in x the middles of `count` cells lie: place i is the middle of the cell from i − ½ to i + ½."""
    return scale * (np.arange(count, dtype=real) + real(0.5)) - real(0.5)


@functools.lru_cache(maxsize=64)
def nearest_map(size, count, scale_factor, exact, real):
    """Each place of the result takes the place of x that is nearest; unless `exact`, the one before where its cell
    begins."""
    scale = scale_of(size, count, False, scale_factor, real)
    places = np.floor((np.arange(count, dtype=real) + real(0.5 if exact else 0)) * scale).astype(np.intp)
    return Map(size, np.clip(places, 0, size - 1)[:, None], np.ones((count, 1)))


@functools.lru_cache(maxsize=64)
def linear_map(size, count, align_corners, scale_factor, real):
    """The straight line between two neighbouring places of x; outside of the middles of cells, the border."""
    scale = scale_of(size, count, align_corners, scale_factor, real)
    where = np.arange(count, dtype=real) * scale if align_corners else at_middles(count, scale, real)
    first = np.minimum(where.astype(np.intp), size - 1)
    part = np.clip(where - first.astype(real), 0, 1)  # 0 also before the first middle
    return Map(size, np.stack([first, np.minimum(first + 1, size - 1)], 1), np.stack([1 - part, part], 1))


def cubic_weights(part, a=-0.75):
    """The weights of four neighbours of a place `part` behind the second (Keys 1981, "Cubic convolution
    interpolation")."""
    outer, inner = part + 1, part
    return [
        ((a * outer - 5 * a) * outer + 8 * a) * outer - 4 * a,
        ((a + 2) * inner - (a + 3)) * inner * inner + 1,
        ((a + 2) * (1 - inner) - (a + 3)) * (1 - inner) * (1 - inner) + 1,
        ((a * (2 - inner) - 5 * a) * (2 - inner) + 8 * a) * (2 - inner) - 4 * a,
    ]


@functools.lru_cache(maxsize=64)
def cubic_map(size, count, align_corners, scale_factor, real):
    """A cubic curve through four neighbouring places of x; the border is repeated."""
    scale = scale_of(size, count, align_corners, scale_factor, real)
    where = np.arange(count, dtype=real) * scale if align_corners else at_middles(count, scale, real)
    first = np.floor(where)
    places = np.clip(first.astype(np.intp)[:, None] + np.arange(-1, 3), 0, size - 1)
    return Map(size, places, np.stack(cubic_weights(where - first), 1))


def triangle(x):
    return np.maximum(1 - np.abs(x), 0)


def cubic(x, a=-0.5):
    x = np.abs(x)
    inner, outer = ((a + 2) * x - (a + 3)) * x * x + 1, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, inner, np.where(x < 2, outer, 0))


def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


FILTERS = {"bilinear": (triangle, 1.0), "bicubic": (cubic, 2.0), "lanczos": (lanczos, 3.0)}
"""Mode -> (filter, how far it reaches)."""


@functools.lru_cache(maxsize=64)
def filter_map(size, count, mode, align_corners, scale_factor, real):
    """Averages of x weighted by a filter around each place of the result. Where the result is smaller than x the
    filter is wide enough to see every place: this keeps fine patterns from turning into coarse ones (antialiasing)."""
    weight, reach = FILTERS[mode]
    scale = scale_of(size, count, align_corners, scale_factor, real)
    support, narrow = real(reach) * max(scale, real(1)), 1 / max(scale, real(1))
    middle = scale * (np.arange(count, dtype=real) + real(0.5))
    low = np.maximum((middle - support + real(0.5)).astype(np.intp), 0)
    terms = np.minimum((middle + support + real(0.5)).astype(np.intp), size) - low
    places = low[:, None] + np.arange(max(1, terms.max(initial=0)))
    weights = weight((places - middle[:, None] + real(0.5)) * narrow)
    weights = np.where(np.arange(places.shape[1]) < terms[:, None], weights, 0)
    return Map(size, np.where(weights == 0, low[:, None], places), weights / weights.sum(1, keepdims=True))


def adaptive_bounds(size, count):
    """The first place and the end of `count` windows that together hold all of `size` places, and overlap as little
    as can be."""
    i = np.arange(count)
    return i * size // count, -(-((i + 1) * size) // count)


@functools.lru_cache(maxsize=64)
def average_map(size, count):
    """The average of each of `count` windows that together hold all places."""
    start, end = adaptive_bounds(size, count)
    places = start[:, None] + np.arange(max(1, (end - start).max(initial=0)))
    inside = places < end[:, None]
    return Map(size, np.where(inside, places, start[:, None]), inside / (end - start)[:, None])


@functools.lru_cache(maxsize=64)
def window_map(size, count):
    """The places of these windows one after the other, each window filled up with its last place to the size of the
    largest."""
    start, end = adaptive_bounds(size, count)
    places = start[:, None] + np.arange(max(1, (end - start).max(initial=0)))
    places = np.minimum(places, end[:, None] - 1).reshape(-1, 1)
    return Map(size, places, np.ones(places.shape))
