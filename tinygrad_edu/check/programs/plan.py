"""Which operands an operation of the table gets: results of earlier steps where they fit, new inputs elsewhere."""

import math

import numpy as np

from ..choices import choose_partner, choose_shape
from .build import MOST, Unfit
from .fitting import attributes_for, is_fitted
from .program import Step
from .text import NotWritable, as_text
from .written import ATTRIBUTES, CASES, WRITTEN


def add_operation(builder, entry, choices):
    """Add one operation of the table."""
    operands, attributes, text = plan(builder, entry, choices)
    names = builder.fill(entry, operands, choices, attributes)
    return builder.take(Step((), entry.name, names, dict(attributes), False, text))


def plan(builder, entry, choices):
    """(operands, attributes, text) for one call: operands are names, shapes of new inputs, constants or None."""
    if entry.name in WRITTEN:
        text, *shapes = choices.of(WRITTEN[entry.name])
        return _reusing(builder, choices, shapes), {}, text
    if entry.name in CASES:
        return _reusing(builder, choices, choices.of(CASES[entry.name])), ATTRIBUTES.get(entry.name, {}), None
    if entry.elementwise:
        return *_elementwise(builder, entry, choices), None
    if is_fitted(entry):
        name, shape = _first(builder, choices)
        attributes = attributes_for(entry, choices, shape)
        if attributes is None:  # a matrix has them all
            name, shape = None, (1 + choices.below(3), 2)
            attributes = attributes_for(entry, choices, shape)
        if attributes is None:
            raise Unfit("no attributes")
        return (name or shape,), attributes, None
    if entry.name == "matmul":
        name, shape = _first(builder, choices, least=1)
        count = 1 + choices.below(3)
        batch = (2,) if len(shape) < 3 else shape[:1]
        other = choices.of(((shape[-1], count), (shape[-1],), (*batch, shape[-1], count)))
        return (name or shape, builder.pick_of_shape(choices, other) or other), {}, None
    samples = usable_samples(entry)
    if not samples:
        raise Unfit("no samples")
    operands, attributes = choices.of(samples)
    if is_alike(entry):
        name, shape = _first(builder, choices)
        operands = [shape] * len(operands)
        return (name or shape, *_reusing(builder, choices, operands[1:])), attributes, None
    return _reusing(builder, choices, operands), attributes, None


def _first(builder, choices, least=0):
    """(name, shape) of a tensor of any shape, or None and the shape of a new input."""
    name = builder.pick(choices, 8, lambda name: MOST >= builder.array(name).size and builder.array(name).ndim >= least)
    if name is not None:
        return name, builder.array(name).shape
    shape = choose_shape(choices, MOST)
    return None, shape if len(shape) >= least else (2,) * least


def _reusing(builder, choices, operands):
    """The operands of a sample, with names of tensors in the place of some shapes."""
    return tuple([_is_shape(x) and builder.pick_of_shape(choices, tuple(x)) or x for x in operands])


def _is_shape(x):
    return isinstance(x, (tuple, list)) and not (len(x) and isinstance(x[0], str))


def _elementwise(builder, entry, choices):
    special, attributes = (None,) * len(entry.operands), {}
    samples = usable_samples(entry)
    if samples:
        special, attributes = choices.of(samples)
    name, shape = _first(builder, choices)
    operands = []
    for number, item in enumerate(special):
        if item is not None and not _is_shape(item):
            operands.append(("bools", shape))
        elif number and (number > 1 or item is None or _is_shape(special[0])):
            other = choose_partner(choices, shape)
            operands.append(builder.pick_of_shape(choices, other) or other)
        else:
            operands.append(name or shape)
            name, shape = (None, shape) if number else (name, shape)
    return tuple(operands), attributes


def usable_samples(entry):
    """The samples of an entry that are small, have elements, and can be written as text.

    With `decimals` the jumps are elsewhere than the entry says.
    """
    found = _USABLE.get(entry)
    if found is None:
        found = _USABLE[entry] = [sample for sample in entry.samples if _is_usable(*sample)]
    return found


_USABLE = {}


def _is_usable(operands, attributes):
    sizes = [math.prod(x) for x in operands if _is_shape(x)]
    given = any(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in operands)  # at certain points: constants
    if given or not sizes or 0 in sizes or sum(sizes) > 48 or "decimals" in attributes:
        return False
    try:
        as_text(tuple(attributes.values()))
    except NotWritable:
        return False
    return True


def is_alike(entry):
    """Whether the operands of every sample have the same shape: any will do."""
    return len(entry.operands) > 1 and all(
        len({tuple(x) if _is_shape(x) else x for x in operands}) == 1 and "dim" not in attributes
        for operands, attributes in entry.samples
    )
