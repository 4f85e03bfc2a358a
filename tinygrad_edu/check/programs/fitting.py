"""Attributes that fit an operand of any shape: which axes to sum over, what shape to take, which part to read.

`FITTING[name](choices, shape)` gives the attributes of an operation for an operand of that shape, or None where there
are none. `attributes_for` finds them for every operation with one operand whose parameters say it by their names
(`dim`, `dim` and `keepdim`); the rest work on the shapes of their samples.
"""

import math

import numpy as np

from ..choices import choose_axes, choose_axis, choose_index

MOST = 12  # elements of a result


def attributes_for(entry, choices, shape):
    """Attributes with which the operation takes an operand of this shape; None if nothing is known about that."""
    fit = FITTING.get(entry.name)
    if fit is not None:
        return fit(choices, shape)
    if _reduces(entry):
        return _reduction(entry, choices, shape)
    if entry.attributes == ("dim",):
        return {"dim": choose_axis(choices, len(shape))} if shape else None
    return None


def is_fitted(entry):
    """Whether `attributes_for` knows the operation."""
    alone = len(entry.operands) == 1
    return alone and (entry.name in FITTING or _reduces(entry) or entry.attributes == ("dim",))


def _reduces(entry):
    return {"dim", "keepdim"} <= set(entry.attributes) and "p" not in entry.attributes


def _reduction(entry, choices, shape):
    kinds = {type(attributes.get("dim")) for _, attributes in entry.samples}
    dim = choices.of([kind for kind in (type(None), int, tuple) if kind in kinds])
    if dim is type(None):
        attributes = {}
    elif not shape:
        return None
    else:
        attributes = {"dim": choose_axis(choices, len(shape)) if dim is int else choose_axes(choices, len(shape))}
        if choices.chance(3):
            attributes["keepdim"] = True
    if entry.name == "var":  # of one element it is not defined
        dim = attributes.get("dim", tuple(range(len(shape))))
        count = math.prod([shape[axis] for axis in (dim if isinstance(dim, tuple) else (dim,))])
        if count < 2:
            return None
        if choices.chance(3):
            attributes["correction"] = 0
    return attributes


def _reshape(choices, shape):
    size = math.prod(shape)
    divisors = [d for d in range(1, size + 1) if size % d == 0]
    first = choices.of(divisors)
    second = choices.of([d for d in divisors if (size // first) % d == 0])
    return {"shape": choices.of([(-1,), (first, size // first), (first, second, size // first // second), (-1, first)])}


def _flatten(choices, shape):
    start = choices.below(max(len(shape), 1))
    end = start + choices.below(max(len(shape) - start, 1))
    return {} if not shape or choices.below(2) == 0 else {"start_dim": start, "end_dim": end}


def _unflatten(choices, shape):
    if not shape:
        return None
    dim = choose_axis(choices, len(shape))
    first = choices.of([d for d in range(1, shape[dim] + 1) if shape[dim] % d == 0])
    return {"dim": dim, "sizes": choices.of([(first, shape[dim] // first), (-1, first)])}


def _permutation(choices, ndim):
    order = list(range(ndim))
    return tuple([order.pop(choices.below(len(order))) for _ in range(ndim)])


def _transpose(choices, shape):
    return {"dim0": choose_axis(choices, len(shape)), "dim1": choose_axis(choices, len(shape))} if shape else None


def _movedim(choices, shape):
    if not shape:
        return None
    return {"source": choose_axis(choices, len(shape)), "destination": choose_axis(choices, len(shape))}


def _squeeze(choices, shape):
    return {} if not shape or choices.below(2) == 0 else {"dim": choose_axis(choices, len(shape))}


def _expand(choices, shape):
    size = tuple([choices.of((n, 2, 3)) if n == 1 else n for n in shape])
    if choices.below(2) or size == shape:
        size = (1 + choices.below(3), *size)
    return {"size": size} if math.prod(size) <= MOST else None


def _sum_to_size(choices, shape):
    kept = shape[choices.below(len(shape) + 1) :]
    return {"size": tuple([1 if choices.chance(2) else n for n in kept])}


def _repeat(choices, shape):
    repeats = tuple([1 + choices.below(2) for _ in range(len(shape) + choices.below(2))])
    return {"repeats": repeats} if repeats and math.prod(shape) * math.prod(repeats) <= MOST else None


def _roll(choices, shape):
    if not shape or choices.below(2) == 0:
        return {"shifts": 1 + choices.below(3)}
    return {"shifts": choices.below(5) - 2, "dims": choose_axis(choices, len(shape))}


def _diagonal(choices, shape):
    if len(shape) < 2:
        return None
    offset = choices.of((0, 1, -1))
    if not -shape[0] < offset < shape[1]:
        return None
    return {"offset": offset} if offset else {}


def _triangle(choices, shape):
    return {"diagonal": choices.below(3) - 1} if len(shape) >= 2 else None


def _gather(choices, shape):
    if not shape:
        return None
    dim = choose_axis(choices, len(shape))
    form = [1 + choices.below(n) for n in shape]
    form[dim] = 1 + choices.below(3)
    if math.prod(form) > MOST:
        return None
    values = [choices.below(shape[dim]) for _ in range(math.prod(form))]
    return {"dim": dim, "index": np.array(values).reshape(form)}


FITTING = {
    "reshape": _reshape,
    "flatten": _flatten,
    "unflatten": _unflatten,
    "permute": lambda choices, shape: {"dims": _permutation(choices, len(shape))} if shape else None,
    "transpose": _transpose,
    "t": lambda choices, shape: {} if len(shape) <= 2 else None,
    "movedim": _movedim,
    "squeeze": _squeeze,
    "unsqueeze": lambda choices, shape: {"dim": choices.below(len(shape) + 1)},
    "expand": _expand,
    "sum_to_size": _sum_to_size,
    "repeat": _repeat,
    "flip": lambda choices, shape: {"dims": choose_axes(choices, len(shape))} if shape else None,
    "roll": _roll,
    "diagonal": _diagonal,
    "tril": _triangle,
    "triu": _triangle,
    "clone": lambda choices, shape: {},
    "contiguous": lambda choices, shape: {},
    "getitem": lambda choices, shape: {"index": choose_index(choices, shape)},
    "gather": _gather,
}
"""Operations with one operand: (choices, shape) -> attributes or None."""
