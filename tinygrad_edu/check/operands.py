"""Operands for operations: random values of the kind that the operation's entry in the table asks for.

An entry says from where values are drawn (`domain`), what they must keep away from (`avoid`) and, unless it works
element by element, which operands and attributes fit together (`samples`). Everything here is plain NumPy and a random
generator; `strategies` draws shapes, memory layouts and seeds with hypothesis.
"""

import numpy as np

from ..define import OPS
from ..tensor import NUMBERS, Tensor, of_array

MATRICES = ("well conditioned", "positive definite", "distinct singular values")
APART = 0.05  # distance that values keep from points at which an operation has no derivative

EVERYWHERE = (-3.0, 3.0)  # the domain of operations that take any number

LAYOUTS = ("contiguous", "transposed", "step 2", "reversed", "repeated")
"""How an array may lie in memory; "repeated" is what broadcasting gives: the stride of its first dimension is 0."""


def entry_of(operation):
    """The entry of the table for an operation, its name, or the entry itself."""
    if isinstance(operation, str):
        return OPS[operation]
    return getattr(operation, "op", operation)


def domain_of(entry, number):
    """From where operand `number` is drawn: an interval or the name of a kind."""
    domain = entry.domain
    if domain is None or isinstance(domain, str) or all(isinstance(end, NUMBERS) for end in domain):
        return domain
    return domain[min(number, len(domain) - 1)]


def operands_of(entry, shapes, random, dtype=np.float64):
    """A list of operands: for each item of `shapes` (see `define.case`) an array of such values as `entry` takes."""
    crowd = sum(int(np.prod(shape)) for shape in shapes if _is_shape(shape)) if "ties" in entry.avoid else 0
    places = random.permutation(crowd)
    result = []
    for number, shape in enumerate(shapes):
        if not _is_shape(shape):
            x = _special(entry, shape, random)
            result.append(x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x)
            continue
        domain = domain_of(entry, number)
        if isinstance(domain, str):
            x = of_kind(domain, shape, random)
        elif crowd:
            size = int(np.prod(shape))
            mine, places = places[:size], places[size:]
            x = spread_out(domain, mine, crowd, random).reshape(shape)
        else:
            x = random.uniform(*domain, shape)
        if x.dtype.kind == "f":
            for point in entry.avoid:
                if point != "ties":
                    x = np.where(np.abs(x - point) < APART, x + np.where(x < point, -APART, APART), x)
            x = np.asarray(x, dtype)
        result.append(x)
    return result


def suits(entry, operands, wide=6.0):
    """Whether an operation is smooth and well conditioned at these operands, as far as its entry tells.

    Values lie in its domain (in [-wide, wide] where that is the default, all numbers), at least APART from the points
    that it avoids and, where it avoids ties, from one another; matrices are of the kind that it asks for.
    """
    crowd = []
    for number, x in enumerate(operands):
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
            continue
        domain = domain_of(entry, number)
        if domain is None:
            continue
        if isinstance(domain, str):
            if x.ndim >= 2 and not _is_of_kind(x, domain):
                return False
            domain = EVERYWHERE
        low, high = (-wide, wide) if tuple(domain) == EVERYWHERE else domain
        if not ((x >= low) & (x <= high)).all():
            return False
        for point in entry.avoid:
            if point != "ties" and (np.abs(x - point) < APART).any():
                return False
        crowd.append(x.ravel())
    if "ties" in entry.avoid and crowd:
        return bool((np.diff(np.sort(np.concatenate(crowd))) >= APART).all())
    return True


def _is_of_kind(x, kind):
    """Whether the last two dimensions are matrices of one of MATRICES, with singular values from 0.2 to 20."""
    if not x.size:
        return True
    if not np.isfinite(x).all() or (kind == "positive definite" and not np.array_equal(x, np.swapaxes(x, -1, -2))):
        return False
    values = np.linalg.svd(x, compute_uv=False)
    if kind == "positive definite" and (np.linalg.eigvalsh(x) <= 0).any():
        return False
    apart = kind == "well conditioned" or (-np.diff(values) >= 0.2).all()
    return bool(apart and (values >= 0.2).all() and (values <= 20).all())


def _is_shape(item):
    return isinstance(item, (tuple, list)) and not (len(item) and isinstance(item[0], str))


def _special(entry, item, random):
    """An operand that is not given by its shape: `ints`, `bools`, an array, a number or None."""
    if isinstance(item, tuple) and item[0] == "ints":
        return random.integers(0, item[1], item[2])
    if isinstance(item, tuple) and item[0] == "bools":
        return random.integers(0, 2, item[1]).astype(bool)
    if item is None or isinstance(item, NUMBERS):
        return item
    if isinstance(item, (np.ndarray, Tensor)):
        return np.array(item)
    raise ValueError(
        f"a sample of `{entry.name}` has the operand {item!r}; give a shape, ints(...), bools(...), an array or None"
    )


def spread_out(interval, places, crowd, random):
    """Numbers of an interval that differ from one another: `places` of a grid of `crowd` places, a bit off."""
    low, high = interval
    return low + (high - low) * (places + random.uniform(0.3, 0.7, places.shape)) / crowd


def of_kind(kind, shape, random):
    """An array of a kind that an interval cannot describe."""
    if kind == "integers":
        return random.integers(0, 8, shape)
    if kind not in MATRICES:
        raise ValueError(f'there is no domain "{kind}"; use an interval, "integers" or one of {MATRICES}')
    if len(shape) < 2:
        return random.uniform(-3.0, 3.0, shape)  # a vector that goes with a matrix, such as a right-hand side
    *batch, rows, columns = shape
    left = _orthogonal((*batch, rows, rows), random)
    right = left if kind == "positive definite" else _orthogonal((*batch, columns, columns), random)
    rank = min(rows, columns)
    values = 1.0 + random.permutation(rank) * 0.7 + random.uniform(-0.1, 0.1, (*batch, rank))
    return (left[..., :rank] * values[..., None, :]) @ np.swapaxes(right[..., :rank], -1, -2)


def _orthogonal(shape, random):
    return np.linalg.qr(random.standard_normal(shape))[0]


def laid_out(array, layout):
    """The same values (for "repeated": those of its first row) in another memory layout."""
    if layout == "contiguous" or array.ndim == 0:
        return array.copy()
    if layout == "transposed":
        return np.ascontiguousarray(array.T).T
    if layout == "step 2":
        room = np.full((*array.shape[:-1], 2 * array.shape[-1]), 99, array.dtype)
        room[..., ::2] = array
        return room[..., ::2]
    if layout == "reversed":
        return np.ascontiguousarray(np.flip(array))[tuple([slice(None, None, -1)] * array.ndim)]
    if layout == "repeated":
        return np.broadcast_to(array[:1].copy(), array.shape)
    raise ValueError(f"there is no layout {layout!r}, only {LAYOUTS}")


def steps_of(array):
    """The steps of an array in memory, counted in elements; None if it is contiguous, or if elements share memory."""
    if array.size < 2 or array.flags.c_contiguous or any(step % array.itemsize for step in array.strides):
        return None
    steps = tuple([step // array.itemsize for step in array.strides])
    reach = 0
    for step, size in sorted((abs(step), size) for step, size in zip(steps, array.shape) if size > 1):
        if step <= reach:
            return None
        reach += step * (size - 1)
    return steps


def copied(array, steps=None):
    """A copy that lies in memory as an array with these `steps_of`."""
    if steps is None:
        return np.array(array)
    ends = [step * (size - 1) for step, size in zip(steps, array.shape)]
    room = np.full(sum(map(abs, ends)) + 1, 99, array.dtype)
    start = -sum(end for end in ends if end < 0)
    size = array.dtype.itemsize
    copy = np.ndarray(array.shape, array.dtype, room, start * size, [step * size for step in steps])
    copy[...] = array
    return copy


def differentiable_operands(entry, operands):
    """The numbers of the operands for which the operation gives gradients."""
    return [
        number
        for number, x in enumerate(operands)
        if isinstance(x, np.ndarray)
        and x.dtype.kind == "f"
        and (entry.joint is not None or entry.rules[number] is not None)
    ]


def as_function(entry, operands, attributes, call=None):
    """(fn, inputs) for `gradients`: the operation as a function of those operands that have gradients."""
    call = entry.call if call is None else call
    numbers = differentiable_operands(entry, operands)
    fixed = [of_array(x, None) if isinstance(x, np.ndarray) else x for x in operands]

    def fn(*inputs):
        full = list(fixed)
        for number, x in zip(numbers, inputs):
            # a symmetric matrix stays symmetric when one element moves: the derivative is that in the symmetric part
            full[number] = (x + x.mT) / 2 if domain_of(entry, number) == "positive definite" else x
        return call(*full, **attributes)

    return fn, [operands[number] for number in numbers]
