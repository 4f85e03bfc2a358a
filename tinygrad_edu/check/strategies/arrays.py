"""Dtypes, memory layouts, arrays and Tensors with values kept away from kinks and ties, and matrices of a kind.

Arrays of a few elements are drawn element by element, from a grid of simple numbers, so that a failing example has the
numbers 0, 1, -1, 2, ... wherever they do not matter. Larger ones come from a seed: drawing each element would be slow.
"""

import functools
import math

import hypothesis.strategies as st
import numpy as np

from ...tensor import of_array
from ..operands import APART, LAYOUTS, laid_out, spread_out
from .shapes import shapes

GRID = 16  # steps of the grid per unit: 1/16 is more than APART
FEW = 64  # elements that are drawn one by one


def dtypes(kinds="f"):
    """Dtypes of the given kinds: "f" floating, "i" integer, "b" boolean."""
    known = {"f": (np.float32, np.float64), "i": (np.int32, np.int64, np.uint8), "b": (np.bool_,)}
    unknown = [kind for kind in kinds if kind not in known]
    if unknown or not kinds:
        raise ValueError(f'kinds of dtypes are "f", "i" and "b", not {kinds!r}')
    return st.sampled_from([np.dtype(dtype) for kind in kinds for dtype in known[kind]])


def layouts(repeated=True):
    """How an array lies in memory: one of `operands.LAYOUTS`; without `repeated`, elements do not share memory."""
    return st.sampled_from([layout for layout in LAYOUTS if repeated or layout != "repeated"])


def seeds():
    """Seeds for NumPy's random generators."""
    return st.integers(0, 2**32 - 1)


def _drawn(draw, value):
    """What a strategy draws, or the value itself."""
    return draw(value) if isinstance(value, st.SearchStrategy) else value


@st.composite
def arrays(draw, shape=None, dtype=np.float64, layout="contiguous", domain=(-3.0, 3.0), away_from=(), ties=False):
    """NumPy arrays.

    shape      a shape, or a strategy for it; by default any with up to 3 dimensions
    dtype      a dtype, or a strategy for it
    layout     one of `operands.LAYOUTS`, a strategy for it, or None for any
    domain     the interval of the values. Integers are those of the interval, and not negative if unsigned
    away_from  numbers from which floating values keep a distance of at least 0.05: kinks and poles
    ties       whether floating values may be equal; otherwise they are at least 0.05 apart, or, if there is no room for
               that, evenly spread. (Integers and booleans may always be equal.)
    """
    shape = _drawn(draw, shapes() if shape is None else shape)
    dtype = np.dtype(_drawn(draw, dtype))
    size = math.prod(shape)
    if dtype.kind == "f":
        values = draw(_floats(size, domain, tuple(away_from), bool(ties)))
    elif dtype.kind == "b":
        values = (
            draw(st.lists(st.booleans(), min_size=size, max_size=size)) if size <= FEW else _random_bits(draw, size)
        )
    else:
        low, high = max(math.ceil(domain[0]), 0 if dtype.kind == "u" else -(2**31)), math.floor(domain[1])
        values = draw(_integers(size, low, high))
    array = np.array(values, dtype).reshape(shape)
    layout = _drawn(draw, layouts() if layout is None else layout)
    if layout == "repeated" and dtype.kind == "f" and not ties and size > 1:
        layout = "contiguous"  # its rows would be equal
    return laid_out(array, layout)


def _random_bits(draw, size):
    return np.random.default_rng(draw(seeds())).integers(0, 2, size)


def _integers(size, low, high):
    if size <= FEW:
        return st.lists(st.integers(low, high), min_size=size, max_size=size)
    return seeds().map(lambda seed: np.random.default_rng(seed).integers(low, high + 1, size))


def _floats(size, domain, away_from, ties):
    grid = simple_numbers(tuple(domain), away_from)
    if size <= FEW and size <= len(grid) // (1 if ties else 2):
        return st.lists(st.sampled_from(grid), min_size=size, max_size=size, unique=not ties)
    return seeds().map(lambda seed: random_numbers(size, domain, away_from, ties, np.random.default_rng(seed)))


@functools.lru_cache(maxsize=256)
def simple_numbers(domain, away_from=()):
    """Multiples of 1/16 in an interval, without those nearer to certain points than 0.05; the simplest first."""
    low, high = domain
    numbers = [n / GRID for n in range(math.ceil(low * GRID), math.floor(high * GRID) + 1)]
    numbers = [x for x in numbers if all(abs(x - point) >= APART for point in away_from)]
    return sorted(numbers, key=lambda x: (x.as_integer_ratio()[1], abs(x), x < 0))


def random_numbers(size, domain, away_from, ties, random):
    """Numbers of an interval that keep 0.05 away from certain points, and, unless there are ties, from one another."""
    low, high = domain
    free = [(low, high)]
    for point in sorted(away_from):
        free = [
            part
            for a, b in free
            for part in ((a, min(b, point - APART)), (max(a, point + APART), b))
            if part[0] < part[1]
        ]
    if not free:
        raise ValueError(f"the interval {domain} has no room for numbers at least {APART} away from {away_from}")
    ends = np.cumsum([0.0] + [b - a for a, b in free])
    if ties:
        places = random.uniform(0.0, ends[-1], size)
    else:
        places = spread_out((0.0, ends[-1]), random.permutation(size), max(size, 1), random)
    part = np.minimum(np.searchsorted(ends, places, side="right") - 1, len(free) - 1)
    return np.array([a for a, _ in free])[part] + places - ends[part]


@st.composite
def tensors(
    draw,
    shape=None,
    dtype=np.float64,
    layout="contiguous",
    requires_grad=False,
    domain=(-3.0, 3.0),
    away_from=(),
    ties=False,
):
    """Tensors, with the parameters of `arrays`.

    requires_grad  whether they are leaves that collect gradients; True, False or a strategy. Only floating ones can
    """
    array = draw(arrays(shape, dtype, layout, domain, away_from, ties))
    tensor = of_array(array, None)
    if array.dtype.kind == "f":
        tensor.requires_grad = bool(_drawn(draw, requires_grad))
    return tensor


@st.composite
def matrices(draw, kind="well conditioned", rows=None, columns=None, batch=(), condition=10.0, dtype=np.float64):
    """Matrices whose largest singular value is `condition` times the smallest, at most.

    kind       "well conditioned": any such matrix
               "positive definite": symmetric, with positive eigenvalues, which differ from one another
               "orthogonal": Qᵀ Q = 1 (for more columns than rows Q Qᵀ = 1); its condition number is 1
               "distinct singular values": as it says: where singular vectors have derivatives
    rows, columns  sizes, or strategies for them; by default 1 to 4, and as many columns as rows
    batch      dimensions before those of the matrix: a shape or a strategy for it
    condition  at least 1. Singular values lie between 1/√condition and √condition
    """
    if kind not in KINDS:
        raise ValueError(f"kinds of matrices are {', '.join(KINDS)}, not {kind!r}")
    if condition < 1:
        raise ValueError(f"a condition number is at least 1, not {condition}")
    rows = _drawn(draw, st.integers(1, 4) if rows is None else rows)
    columns = rows if columns is None else _drawn(draw, columns)
    if kind == "positive definite" and rows != columns:
        raise ValueError(f"a positive definite matrix is square, not {rows} by {columns}")
    batch, rank = tuple(_drawn(draw, batch)), min(rows, columns)
    random = np.random.default_rng(draw(seeds()))
    left = np.linalg.qr(random.standard_normal((*batch, rows, rows)))[0][..., :rank]
    right = (
        left
        if kind == "positive definite"
        else np.linalg.qr(random.standard_normal((*batch, columns, columns)))[0][..., :rank]
    )
    if kind == "orthogonal":
        values = np.ones((*batch, rank))
    elif kind == "well conditioned":
        values = condition ** random.uniform(-0.49, 0.49, (*batch, rank))
    else:  # one in each of `rank` equal parts of the logarithmic range, a bit off
        places = (
            random.permuted(np.broadcast_to(np.arange(rank), (*batch, rank)), axis=-1)
            if rank
            else np.zeros((*batch, 0))
        )
        values = condition ** (0.98 * (places + random.uniform(0.3, 0.7, (*batch, rank))) / max(rank, 1) - 0.49)
    made = (left * values[..., None, :]) @ np.swapaxes(right, -1, -2)
    if kind == "positive definite":
        made = (made + np.swapaxes(made, -1, -2)) / 2
    return made.astype(dtype)


KINDS = ("well conditioned", "positive definite", "orthogonal", "distinct singular values")
"""Kinds of `matrices`."""
