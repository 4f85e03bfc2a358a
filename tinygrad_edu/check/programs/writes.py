"""In-place steps: x[i] = y, x += y, x.copy_(y), x.exp_(), on results of earlier steps and on views of them."""

import numpy as np

from ...define import OPS
from ..choices import choose_index, choose_partner, choose_shape
from ..operands import suits
from .build import WIDE, Unfit, is_saturated
from .program import Step

METHODS = (
    "neg",
    "square",
    "sin",
    "tanh",
    "exp",
    "sigmoid",
    "cos",
    "atan",
    "erf",
    "relu",
    "abs",
    "sinh",
    "sqrt",
    "log",
    "softplus",
)


def add_write(builder, form, choices):
    """Add an in-place step of the given form, one of WRITES, to a tensor that may be written into."""
    target = _target(builder, choices)
    WRITES[form](builder, choices, target)


def _target(builder, choices):
    """The name of a tensor to overwrite: an earlier result, a copy, or a view of one of them."""
    target = builder.pick(choices, 4, lambda name: _may_be_written(builder.run[name]))
    if target is None:
        source = builder.pick(choices, 6, lambda name: builder.array(name).size > 0)
        source = source or builder.add_input(_values(choices, choose_shape(choices)))
        (target,) = builder.take(Step((), "clone", (source,)))
    shape = builder.array(target).shape
    if choices.below(3) == 2 and shape:
        kinds = ("int", "slice", "ellipsis", "none")
        view = choices.of(("getitem", "transpose", "flatten"))
        attributes = {
            "getitem": lambda: {"index": choose_index(choices, shape, kinds)},
            "transpose": lambda: {"dim0": 0, "dim1": -1},
            "flatten": dict,
        }[view]()
        (target,) = builder.take(Step((), view, (target,), attributes))
    return target


def _may_be_written(tensor):
    root = tensor if tensor._base is None else tensor._base
    leaf = root.node is None or root.node.op is None
    expanded = any(step == 0 and size > 1 for step, size in zip(tensor.array.strides, tensor.array.shape))
    return not leaf and not expanded and tensor.array.size > 0 and tensor.array.flags.writeable


def _values(choices, shape):
    random = np.random.default_rng(choices.below(65536))
    return np.asarray(np.round(random.uniform(0.3, 2.0, shape) * random.choice((-1.0, 1.0), shape), 1))


def _source(builder, choices, shape):
    """The name of a tensor that can be written into a tensor of that shape."""
    name = builder.pick(choices, 4, lambda name: _goes_into(builder.array(name).shape, shape))
    return name or builder.add_input(_values(choices, choose_partner(choices, shape)))


def _goes_into(source, shape):
    try:
        return np.broadcast_shapes(source, shape) == shape
    except ValueError:
        return False


def _copy(builder, choices, target):
    source = _source(builder, choices, builder.array(target).shape)
    builder.write(Step((target,), "copy_", (target, source), {}, True))


def _set_item(builder, choices, target):
    array = builder.array(target)
    index = choose_index(choices, array.shape)
    if isinstance(index, tuple) and any(isinstance(item, np.ndarray) and item.dtype != bool for item in index):
        counts = np.zeros(array.shape, int)
        np.add.at(counts, index, 1)
        if (counts > 1).any():  # which of several values stays is nobody's promise
            raise Unfit("an element is written twice")
    elif isinstance(index, np.ndarray) and index.dtype != bool and len(set((index % len(array)).flat)) < index.size:
        raise Unfit("an element is written twice")
    source = _source(builder, choices, tuple(builder.run[target].detach()[index].shape))
    builder.write(Step((target,), "setitem", (target, source), {"index": index}, True))


def _binary(name, method):
    def write(builder, choices, target):
        source = _source(builder, choices, builder.array(target).shape)
        values = [builder.array(target), builder.array(source)]
        if not suits(OPS[name], values, WIDE) or is_saturated(OPS[name], values, {}):
            raise Unfit("no such operands")
        text = "{}." + name + "_({})" if method else None
        builder.write(Step((target,), name, (target, source), {}, True, text))

    return write


def _method(builder, choices, target):
    value = [builder.array(target)]
    names = [name for name in METHODS if suits(OPS[name], value, WIDE) and not is_saturated(OPS[name], value, {})]
    if not names:
        raise Unfit("no method")
    builder.write(Step((target,), choices.of(names), (target,), {}, True))


WRITES = {
    "x += y": _binary("add", False),
    "x *= y": _binary("mul", False),
    "x[i] = y": _set_item,
    "x.copy_(y)": _copy,
    "x -= y": _binary("sub", False),
    "x.add_(y)": _binary("add", True),
    "x.mul_(y)": _binary("mul", True),
    "x.div_(y)": _binary("div", True),
    "x.exp_()": _method,
}
"""Forms of in-place steps: form -> function(builder, choices, name of the tensor to overwrite)."""
