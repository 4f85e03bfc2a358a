"""From random words to distributions: the operations of the table that are marked `random`, and how to call them.

Each takes words from a generator in the way in which PyTorch's kernels for CPUs do, so that the same seed gives the
same numbers in both libraries. That is more than the choice of formulas: how many words a number takes, which of their
bits, in which order, and what is left over for the next call. Where PyTorch rounds differently (its float32 logarithm
and sine, fused multiplications in float64) the last digit of a number may differ, never the numbers that follow.

All are called through one function, `draw`, so that whoever wants to see all draws of a program has one place to look.
Nothing depends on the number of threads.
"""

import math

import numpy as np

from ..define import case, op
from ..dtypes import int64
from ..generator import Generator, present_default
from ..modes import state

PIECE = 1 << 15
"""Numbers that are made at a time, so that their words stay in the cache."""

LOW_24, LOW_32, LOW_53 = ((1 << bits) - 1 for bits in (24, 32, 53))


def draw(operation, *arguments, generator=None):
    """The array that the random `operation` of the table draws from `generator` (by default the default one)."""
    if generator is None:
        generator = present_default()
    elif not isinstance(generator, Generator):
        raise TypeError(f"generator must be a tinygrad_edu.Generator, not {type(generator).__name__}")
    return state.quiet(operation.op.kernel, *arguments, generator)


# ---- uniform numbers from words


def pieces(n):
    """(start, stop) of the pieces of n numbers."""
    return [(start, min(start + PIECE, n)) for start in range(0, n, PIECE)]


def doubles(n, generator):
    """n float64 in [0, 1), multiples of 2⁻⁵³: of 64 random bits the lower 53."""
    u = np.empty(n)
    for start, stop in pieces(n):
        bits = generator.double_words(stop - start)
        bits &= LOW_53
        np.multiply(bits.view(np.int64), 2.0**-53, out=u[start:stop])
    return u


def singles(n, generator):
    """n float32 in [0, 1), multiples of 2⁻²⁴: the lower 24 bits of a word each."""
    u = np.empty(n, np.float32)
    for start, stop in pieces(n):
        bits = generator.words(stop - start).astype(np.uint32)
        bits &= LOW_24
        np.multiply(bits.view(np.int32).astype(np.float32), np.float32(2.0**-24), out=u[start:stop])
    return u


def kept(n, p, generator):
    """n booleans, True where the float64 of `doubles` would be below p."""
    limit = np.uint64(math.ceil(p * 2.0**53))
    below = np.empty(n, np.bool_)
    for start, stop in pieces(n):
        bits = generator.double_words(stop - start)
        bits &= LOW_53
        np.less(bits, limit, out=below[start:stop])
    return below


def rounded(x, dtype):
    """The float64 array x in another dtype; in float16 by way of float32, as PyTorch rounds it."""
    return (x.astype(np.float32) if dtype == np.float16 else x).astype(dtype, copy=False)


# ---- normal numbers


def normal_blocks(n, dtype, generator):
    """n ≥ 16 standard normal numbers by the transformation of Box & Muller (1958, "A note on the generation of random
    normal deviates"), in blocks of 16 from as many uniform numbers.

    If n is no multiple of 16, another block takes the place of the last 16 numbers.
    """
    single = dtype != np.float64
    uniform = singles if single else doubles
    whole = n // 16 * 16
    if dtype == np.float16:  # PyTorch draws for whole blocks alone only in this type
        z = np.empty(n, np.float32)
        z[:whole] = polar(uniform(whole, generator))
    else:
        z = uniform(n, generator)
        for start, stop in pieces(whole):
            z[start:stop] = polar(z[start:stop])
    if whole < n:
        z[n - 16 :] = polar(uniform(16, generator))
    return z


EIGHT = {np.dtype(np.float32): np.dtype("V32"), np.dtype(np.float64): np.dtype("V64")}


def polar(u):
    """Normal numbers √(−2 log(1 − u)) · (cos 2πv, sin 2πv) from uniform u and v, of which eight each take turns."""
    eights = u.view(EIGHT[u.dtype]).reshape(-1, 2)  # copied as one item: twice as fast as eight numbers
    radius, angle = (eights[:, i].copy().view(u.dtype) for i in (0, 1))
    np.subtract(1, radius, out=radius)
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    angle *= u.dtype.type(2 * math.pi)
    z = np.empty_like(eights)
    z[:, 0] = (np.cos(angle) * radius).view(eights.dtype)
    z[:, 1] = (np.sin(angle) * radius).view(eights.dtype)
    return z.reshape(-1).view(u.dtype)


def normal_pairs(n, generator):
    """n standard normal numbers in float64, in pairs √(−2 log(1 − v)) · (cos 2πu, sin 2πu) from uniform u and v.

    The generator keeps the second number of a pair of which only the first is needed, for the next call.
    """
    kept = [] if n == 0 or generator.spare_normal is None else [generator.spare_normal]
    if kept:
        generator.spare_normal = None
    u, v = doubles(n - len(kept) + 1 & ~1, generator).reshape(-1, 2).T
    z = np.empty(len(kept) + 2 * len(u))
    z[: len(kept)] = kept
    radius = np.sqrt(-2 * np.log1p(-v))
    angle = 2 * math.pi * u
    np.multiply(radius, np.cos(angle), out=z[len(kept) :: 2])
    np.multiply(radius, np.sin(angle), out=z[len(kept) + 1 :: 2])
    if len(z) > n:
        generator.spare_normal = float(z[n])
    return z[:n]


# ---- the operations


SIZE, FLOAT32 = (7, 5), np.dtype(np.float32)  # of samples


def _random(*samples, count=0):
    """A random operation on `count` arrays; it has no gradient and is not offered to users under its name."""
    return op(
        *[None] * count, random=True, internal=True, method=False, promotes=False, domain=(0.1, 0.9), samples=samples
    )


@_random(case(size=SIZE, low=0, high=1, dtype=FLOAT32), case(size=SIZE, low=-2.0, high=3.0, dtype=FLOAT32))
def draw_uniform(size, low, high, dtype, generator):
    """Numbers from `low` up to but without `high`, all equally likely: low + (high − low) u with u in [0, 1).

    What rounding takes up to `high` becomes `low`.
    """
    n = math.prod(size)
    kind = dtype if dtype == np.float64 else np.dtype(np.float32)
    u = doubles(n, generator) if kind == np.float64 else singles(n, generator)
    if (low, high) != (0, 1):
        first, width = kind.type(low), kind.type(high) - kind.type(low)
        if kind == np.float64:
            u *= width
            u += first
        else:  # with one rounding at the end, as a processor's fused multiplication and addition has it
            u = (u * np.float64(width) + np.float64(first)).astype(np.float32)
    u = u.astype(dtype, copy=False)
    if dtype == np.float16 or (low, high) != (0, 1):
        u[u == dtype.type(high)] = dtype.type(low)
    return u.reshape(size)


@_random(
    case(size=SIZE, mean=0, std=1, dtype=FLOAT32, blocks=True),
    case(size=SIZE, mean=2.0, std=3.0, dtype=FLOAT32, blocks=True),
    case(size=(3, 3), mean=1, std=2, dtype=FLOAT32, blocks=True),
    case(size=SIZE, mean=0, std=2.0, dtype=FLOAT32, blocks=False),
)  # fmt: skip
def draw_normal(size, mean, std, dtype, blocks, generator):
    """Numbers of the normal distribution; `mean` and `std` are numbers or arrays that broadcast to `size`.

    blocks  whether 16 numbers or more may be made in blocks, which is faster; they are other numbers
    """
    n = math.prod(size)
    if blocks and n >= 16:
        z = normal_blocks(n, dtype, generator).reshape(size)
    else:
        z = normal_pairs(n, generator).reshape(size)
    if isinstance(mean, np.ndarray) or isinstance(std, np.ndarray):
        z = z.astype(dtype, copy=False)
    if isinstance(std, np.ndarray) or std != 1:
        z *= std
    if isinstance(mean, np.ndarray) or mean != 0:
        z += mean
    return rounded(z, dtype)


WIDE = 1 << 28
"""So many integers, or more, are chosen by two words each."""


@_random(
    case(size=SIZE, low=-5, high=50, dtype=int64, wide=False),
    case(size=SIZE, low=-5, high=1 << 40, dtype=int64, wide=True)
)  # fmt: skip
def draw_integers(size, low, high, dtype, wide, generator):
    """Integers from `low` up to but without `high`, all (almost) equally likely: a word modulo their number.

    wide  whether the word is one of 64 bits
    """
    n, number = math.prod(size), high - low
    bits = generator.double_words(n) if wide else generator.words(n)
    if number < 1 << 64:
        bits %= np.uint64(number)
        bits += np.uint64(low % (1 << 64))  # modulo 2⁶⁴, which is what negative ones are
    return bits.view(np.int64).astype(dtype, copy=False).reshape(size)


@_random(case(n=40, dtype=int64))
def draw_permutation(n, dtype, generator):
    """The integers from 0 to n − 1 in random order, by Fisher's and Yates' shuffle: for i = 0, 1, ... number i and
    number i + (word modulo n − i) change places."""
    if n < 2:
        return np.arange(n, dtype=dtype)
    steps = np.arange(n - 1, dtype=np.int64)
    targets = generator.words(n - 1) % np.arange(n, 1, -1, dtype=np.uint64)
    return exchanged(steps, targets.view(np.int64) + steps).astype(dtype, copy=False)


def exchanged(steps, targets):
    """What becomes of 0, 1, ..., n − 1 if for i = 0, 1, ..., n − 2 the places i and targets[i] ≥ i change their
    contents.

    Place i ends with what place targets[i] held before step i. That was brought there by the last step before i with
    the same target, and that step took it from its own place; and so on, until a place that no step had reached before.
    The chains are short (about log n), and all are followed at once, each time twice as far.
    """
    n = len(steps) + 1
    if n < 300:  # one after the other
        places = [*range(n)]
        for i, target in enumerate(targets.tolist()):
            places[i], places[target] = places[target], places[i]
        return np.array(places)
    keys = np.sort(targets << 32 | steps)  # the steps, sorted by their targets
    order = keys & LOW_32
    again = np.flatnonzero(keys[1:] >> 32 == keys[:-1] >> 32)
    before = np.full(n - 1, -1, np.int64)  # of each step: the last one before it with the same target
    before[order[again + 1]] = order[again]
    source = np.arange(n, dtype=np.int64)  # of each place: the last step that reached it
    source[targets] = steps  # where a target occurs several times, the last one stays
    while not np.array_equal(further := source[source], source):
        source = further
    return np.append(np.where(before < 0, targets, source[before]), source[-1])


@_random(case(size=SIZE, rate=2.0, dtype=FLOAT32))
def draw_exponential(size, rate, dtype, generator):
    """Numbers x ≥ 0 with density rate · exp(−rate · x): x = −log(1 − u) / rate."""
    x = np.log1p(-doubles(math.prod(size), generator))
    x *= -1.0 / rate
    return rounded(x, dtype).reshape(size)


@_random(case(size=SIZE, p=0.1, dtype=FLOAT32))
def draw_geometric(size, p, dtype, generator):
    """Numbers of trials until the first success, which has probability p: ⌈log u / log(1 − p)⌉."""
    x = np.log(doubles(math.prod(size), generator))
    x /= math.log1p(-p)
    return rounded(np.ceil(x), dtype).reshape(size)


@_random(case(size=SIZE, median=0.0, sigma=1.0, dtype=FLOAT32))
def draw_cauchy(size, median, sigma, dtype, generator):
    """Numbers of the Cauchy distribution: median + sigma · tan(π (u − ½))."""
    x = np.tan(math.pi * (doubles(math.prod(size), generator) - 0.5))
    x *= sigma
    x += median
    return rounded(x, dtype).reshape(size)


@_random(case(size=SIZE, mean=1.0, std=2.0, dtype=FLOAT32))
def draw_log_normal(size, mean, std, dtype, generator):
    """exp(z) for normal numbers z of this mean and standard deviation."""
    return rounded(np.exp(normal_pairs(math.prod(size), generator) * std + mean), dtype).reshape(size)


@_random(case(SIZE, size=SIZE, dtype=FLOAT32), case((5,), size=SIZE, dtype=FLOAT32), count=1)
def draw_bernoulli(p, size, dtype, generator):
    """1 with probability p (an array that broadcasts to `size`), else 0; p decides by its dtype how many bits
    decide."""
    n = math.prod(size)
    if p.ndim == 0 and p.dtype == np.float64:
        ones = kept(n, float(p), generator).reshape(size)
    else:
        ones = (doubles if p.dtype == np.float64 else singles)(n, generator).reshape(size) < p
    return ones.astype(dtype)


@_random(case((7, 9), num_samples=5, replacement=False), case((9,), num_samples=30, replacement=True), count=1)
def draw_multinomial(weights, num_samples, replacement, generator):
    """Row by row, `num_samples` positions, each drawn with a probability proportional to its weight.

    With replacement: the first position at which the running total of the weights, divided by the whole total, reaches
    a uniform number. Without, or for one sample: every position waits for an exponential time with its weight as rate,
    and the first `num_samples` to arrive are taken. (Efraimidis & Spirakis 2006, "Weighted random sampling with a
    reservoir".)
    """
    if num_samples == 1 or not replacement:
        exponential = draw_exponential.op.kernel
        times = in_layout_of(weights, lambda size: exponential(size, 1.0, weights.dtype, generator))
        return np.argsort(-(weights / times), axis=-1, kind="stable")[..., :num_samples]
    rows = weights.reshape(-1, weights.shape[-1])
    rows = rows.astype(np.float32) if weights.dtype == np.float16 else rows
    u = doubles(len(rows) * num_samples, generator).reshape(len(rows), num_samples)
    positions = np.empty(u.shape, np.int64)
    for row, wanted, found in zip(rows, u, positions):
        running = np.cumsum(row, dtype=row.dtype)
        running /= running[-1]
        running[-1] = 1
        found[:] = np.searchsorted(running.astype(np.float64), wanted, side="left")
    return positions.reshape((*weights.shape[:-1], num_samples))


@_random(case(SIZE, p=0.5), case(SIZE, p=0.3), count=1)
def dropout_mask(x, p, generator):
    """In the shape, dtype and memory layout of x: 0 with probability p, else 1 / (1 − p), so that the expectation is
    1."""
    exact = np.promote_types(x.dtype, np.float32).type
    scale = x.dtype.type(exact(1) / exact(1 - p))

    def mask(size):
        ones = kept(x.size, 1 - p, generator).reshape(size)
        return np.multiply(ones, scale, dtype=x.dtype)

    return in_layout_of(x, mask)


# ---- the order in which elements are visited


def memory_order(x):
    """The dimensions of an array, from the one with the longest steps in memory to that with the shortest: in this
    order PyTorch's kernels visit the elements. None if it is the order of the dimensions."""
    if x.flags.c_contiguous or 0 in x.strides:
        return None
    order = sorted(range(x.ndim), key=lambda d: -abs(x.strides[d]))
    return None if order == list(range(x.ndim)) else order


def in_layout_of(x, make):
    """An array with the shape of x and its order of elements in memory, which make(size) gives in that order."""
    order = memory_order(x)
    if order is None:
        return make(x.shape)
    return make(tuple([x.shape[d] for d in order])).transpose(np.argsort(order))
