"""What an array holds, in few words or few bytes: every number of a small one, statistics of a large one.

    described(array)      as data for JSON: what pages show
    text_of(array)        as a short text
    sampled(array, most)  a copy of at most so many elements, of which the others can tell later

Pages, films and pictures show arrays by these.
"""

import base64
import math
from functools import lru_cache

import numpy as np

__all__ = ["Sample", "described", "sampled", "text_of"]

REAL = "fiub"
"""The kinds of dtypes of real numbers."""

BINS = 24
CELLS = 32
"""A heat map has at most so many rows, and so many columns, if not told otherwise."""


def described(array, full=64, cells=CELLS):
    """An array as data that JSON can hold; numbers have five significant digits, and "nan", "inf", "-inf" are texts.

    {"shape": [2, 3], "dtype": "float32"} and, up to `full` elements, all of them in order,

        "full": [1.5, -2, "nan", ...]                      (bool: 0 and 1)

    or else, of those that are finite (None if none is),

        "min", "max", "mean", "std"     the standard deviation of the whole: divided by n
        "zeros", "nonfinite"            how many are 0; how many are NaN or infinite
        "histogram"                     counts in 24 bins of equal width from min to max; if those are equal, all are in
                                        the middle
        "heat": {"rows", "columns", "low", "high", "data"}  and "holes" if there are any
                                        a picture of at most `cells` × `cells` cells, each the mean of a block of the
                                        last two axes and of everything before them; `data` is base64 of one byte for
                                        each, row by row: 0 for `low`, 255 for `high`. `holes` are the numbers of the
                                        cells in which not all elements are finite

    Large arrays of other than real numbers have their shape and dtype only.

    Of a Sample the whole is described. If it has not all of its elements there is "sampled", the number of those that
    it has: mean, std, zeros, histogram (which counts these only) and heat are estimates from them.
    """
    sample = array if isinstance(array, Sample) else None
    array = np.asarray(array) if sample is None else sample.elements
    extremes = None if sample is None else sample.extremes
    shape = array.shape if sample is None else sample.shape
    told = {"shape": list(shape), "dtype": array.dtype.name}
    if array.size <= full and extremes is None:
        told["full"] = numbers_of(array)
    elif array.dtype.kind in REAL:
        with np.errstate(all="ignore"):
            told.update(statistics(array, cells, extremes))
        if extremes is not None:
            told.update(sampled=array.size, zeros=round(told["zeros"] * math.prod(shape) / array.size))
    return told


def numbers_of(array):
    """The elements in order, as JSON can hold them."""
    kind = array.dtype.kind
    if kind == "f":
        return [short(x) for x in array.ravel().tolist()]
    if kind in "iu":
        return array.ravel().tolist()
    if kind == "b":
        return array.ravel().astype(int).tolist()
    return [str(x) for x in array.ravel().tolist()]


def short(x):
    """A float with five significant digits; a text if it is not finite."""
    if not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    rounded = float(f"{x:.5g}")
    return rounded if math.isfinite(rounded) else x  # the largest number of all cannot be rounded up


def statistics(array, cells, extremes=None):
    """What `described` says about a large array of real numbers. `extremes`: of the whole, if it is a sample."""
    low, high, nonfinite = extremes_of(array) if extremes is None else extremes
    if array.dtype != np.float64:
        array = array.astype(np.float64)  # of narrower ones sums and squares would overflow
    finite = np.isfinite(array) if nonfinite else None
    values = array.ravel() if finite is None else array[finite]
    told = {"nonfinite": nonfinite, "zeros": array.size - int(np.count_nonzero(array)), "histogram": [0] * BINS}
    told.update(dict.fromkeys(("min", "max", "mean", "std")))
    if low is not None:
        told.update(min=short(low), max=short(high))
    if values.size:
        mean, std = moments(values, max(-low, high))
        told.update(mean=short(mean), std=short(std), histogram=histogram(values, low, high))
    told["heat"] = heat(array, finite, cells)
    return told


def extremes_of(array):
    """The smallest and the largest finite element (None if there is none), and how many are not finite."""
    low, high = float(array.min()), float(array.max())
    if math.isfinite(low) and math.isfinite(high):
        return low, high, 0
    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    return low, high, array.size - finite.size


def moments(values, largest):
    """Mean and standard deviation, of numbers of any size."""
    mean = values.mean()
    centred = values - mean
    square = centred.dot(centred) / values.size
    if math.isfinite(square) and (square > 1e-290 or not largest):
        return float(mean), math.sqrt(square)
    scaled = values / largest  # the squares overflow, or vanish
    return float(scaled.mean()) * largest, float(scaled.std()) * largest


def histogram(values, low, high):
    if low == high:
        counts = [0] * BINS
        counts[BINS // 2] = values.size
        return counts
    if not math.isfinite(high - low):
        values, low, high = values / 4, low / 4, high / 4
    bins = ((values - low) / (high - low) * BINS).astype(np.intp)
    counts = np.bincount(bins, minlength=BINS + 1)
    counts[BINS - 1] += counts[BINS]  # the largest
    return counts[:BINS].tolist()


def heat(array, finite, cells):
    """The heat map. `finite` says which elements are; None: all."""
    *around, height, width = (1, *array.shape) if array.ndim < 2 else array.shape
    grid = array.reshape(math.prod(around), height, width)
    if finite is None:
        means, holes = block_means(grid, cells), None
    else:
        share = block_means(finite.reshape(grid.shape).astype(float), cells)
        means, holes = block_means(np.where(finite.reshape(grid.shape), grid, 0), cells) / share, share < 1
    seen = means if holes is None else means[np.isfinite(means)]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)
    span = high - low
    levels = (means - low) / span * 255 if span and math.isfinite(span) else np.full(means.shape, 127.0)
    data = np.nan_to_num(np.rint(levels)).astype(np.uint8)
    told = {"rows": means.shape[0], "columns": means.shape[1], "low": short(low), "high": short(high)}
    told["data"] = base64.b64encode(data.tobytes()).decode()
    if holes is not None:
        told["holes"] = np.flatnonzero(holes).tolist()
    return told


def block_means(grid, cells):
    """The means of at most `cells` × `cells` blocks of the last two of three axes."""
    means = grid[0] if len(grid) == 1 else grid.mean(0)
    for axis in (0, 1):
        size = means.shape[axis]
        if size > cells:
            starts = np.arange(cells) * size // cells
            counts = np.diff(starts, append=size)
            sums = np.add.reduceat(means, starts, axis)
            means = sums / (counts[:, None] if axis == 0 else counts)
    return means


# ---- text


def text_of(array, full=8):
    """An array in a short line: up to `full` elements all of them, else what `described` says of it.

    2.5    [1, -0.25, nan]    [[1, 2], [3, 4]]    -3.1 … 2.8, mean 0.012, std 0.99, 3 of 4,096 zero
    """
    if isinstance(array, Sample):
        whole, size = array.elements, math.prod(array.shape)
    else:
        array = whole = np.asarray(array)
        size = array.size
    return nested_text(whole) if size <= full else text_of_described(described(array, full=0))


def nested_text(array):
    if array.ndim == 0:
        return word(array.item())
    return f"[{', '.join([nested_text(part) for part in array])}]"


def word(x):
    """A number in five significant digits; anything else as it is."""
    return f"{x:.5g}" if isinstance(x, float) else str(x)


def text_of_described(told):
    """A description, as `described` gives it, in a short line."""
    if "full" in told:
        dtype = np.bool_ if told["dtype"] == "bool" else np.float64
        numbers = told["full"]
        whole = all(isinstance(x, int) for x in numbers) and dtype is not np.bool_
        return nested_text(np.array(numbers, object if whole else dtype).reshape(told["shape"]))
    if "min" not in told:
        return f"{math.prod(told['shape']):,} elements"
    size = math.prod(told["shape"])
    parts = []
    about = "about " if "sampled" in told else ""
    if told["min"] is None:
        parts.append("no finite number")
    elif told["min"] == told["max"]:
        parts.append(f"{word(told['min'])} where finite" if told["nonfinite"] else f"all {word(told['min'])}")
    else:
        parts.append(f"{word(told['min'])} … {word(told['max'])}")
        if told["mean"] is not None:
            parts.append(f"mean {about}{word(told['mean'])}, std {about}{word(told['std'])}")
    if 0 < told["zeros"] < size:
        parts.append(f"{about}{told['zeros']:,} of {size:,} zero")
    if told["nonfinite"]:
        parts.append(f"{told['nonfinite']:,} of {size:,} not finite")
    return ", ".join(parts)


# ---- samples


class Sample:
    """What is kept of an array that will soon be gone: a copy if it is small, else evenly spaced elements.

    elements      an array with its own memory
    shape, dtype  of the whole
    extremes      (smallest finite element, largest, how many are not finite) of the whole, exactly; None where
                  `elements` are the whole
    """

    __slots__ = ("elements", "extremes", "shape")

    def __init__(self, elements, shape, extremes=None):
        self.elements, self.shape, self.extremes = elements, shape, extremes

    dtype = property(lambda self: self.elements.dtype)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.elements, dtype)

    def same(self, other):
        """Whether the whole was the same, as far as these two know."""
        return (self.shape, self.dtype, self.extremes) == (other.shape, other.dtype, other.extremes) and (
            self.elements.tobytes() == other.elements.tobytes()
        )


def sampled(array, most):
    """A Sample of at most `most` elements (at least one along each dimension)."""
    if array.size <= most:
        return Sample(np.array(array), array.shape)
    elements = np.array(array[spaced(array.shape, most)])
    return Sample(elements, array.shape, extremes_of(array) if array.dtype.kind in REAL else (0, 0, 0))


@lru_cache(maxsize=1024)
def spaced(shape, most):
    """The index that picks at most `most` evenly spaced elements: every second one along the longest dimension, and so
    on. Leading dimensions count four times, because heat maps show the last two."""
    sizes, steps = list(shape), [1] * len(shape)
    weights = [4] * (len(shape) - 2) + [1] * min(2, len(shape))
    while math.prod(sizes) > most and max(sizes) > 1:
        axis = max((axis for axis, size in enumerate(sizes) if size > 1), key=lambda axis: sizes[axis] * weights[axis])
        steps[axis] *= 2
        sizes[axis] = -(-shape[axis] // steps[axis])
    return tuple([slice(step // 2 if step // 2 < size else 0, None, step) for step, size in zip(steps, shape)])
