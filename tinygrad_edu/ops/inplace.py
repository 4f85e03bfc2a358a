"""In-place operations: `x += 1`, `x[i] = y`, `add_`, `zero_`, `copy_`, ...

Each one is its ordinary operation, whose result is then written into the memory of the tensor. What that does to
gradients is as in PyTorch:

* the tensor's node becomes that of the result, and the nodes of its views, or of the tensor it is a view of and of all
  other views of that, change accordingly (`overwrite` is the operation that writes a part);
* a node that keeps an array which is overwritten later raises when its gradient is asked for (`clock.Writes`);
* a leaf that requires gradients cannot be changed in place, except under `no_grad`.
"""

import numpy as np

from ..clock import owner_of, tick, writes
from ..define import COMPOSITES, OPS, case, op
from ..engine import Node
from ..modes import state
from ..tensor import Tensor, as_tensor, of_array
from ..views import replay, views_of
from .indexing import after_integers, getitem, index_put, is_basic, plain_index
from .shape import cast, clone


@op(
    lambda g: g * 0,
    lambda g: g,
    linear=(0, 1),
    internal=True,
    label="copy into",
    samples=[case((3, 4), (4,)), case((2,), ())],
    oracle=lambda x, value: np.zeros(x.shape) + value,
)
def copy_into(x, value):
    """`value`, broadcast to the shape of x: what x is after it was overwritten."""
    return np.broadcast_to(value, x.shape).copy()


def assign(target, result, name):
    """Make `target` hold, and be differentiated as, `result`; `name` is the in-place operation, for errors."""
    array = result.array
    if array.shape != target.array.shape:
        raise RuntimeError(
            f"{name}: the result has shape {array.shape} and cannot be written into a tensor of shape "
            f"{target.array.shape}"
        )
    if array.dtype != target.array.dtype:
        if "buif".index(target.array.dtype.kind) < "buif".index(array.dtype.kind) and not (
            {target.array.dtype.kind, array.dtype.kind} == {"u", "i"}
        ):
            raise RuntimeError(
                f"{name}: the result is {array.dtype} and cannot be written into a tensor of {target.array.dtype} "
                "without losing its values; compute a new tensor instead"
            )
        result = cast(result, target.array.dtype)
    check_overlap(target, name)
    if state.mode.observer is not None:
        state.mode.observer.written(target, result, name)
    root = target if target._base is None else target._base
    if not state.grad_enabled or (root.node is None and result.node is None):
        np.copyto(target.array, result.array)
        writes.note(target.array, name)
        tell_of_part(target, result)
        return target
    check_leaf(target, name)
    if result.node is not None:
        preserve(result.node, target.array)
    np.copyto(target.array, result.array)
    writes.note(target.array, name)
    if root is target:
        root.node = result.node
    else:
        entry = OPS["overwrite"]
        kept = ((target._steps,), (target._steps,))
        root.node = Node(entry, (root.node, result.node), kept, {}, root.array.shape, root.array.dtype, tick())
        tell_of_part(target, result)
    for reference in views_of(root):
        view = reference()
        if view is not None:
            view.node = replay(view._steps, of_array(root.array, root.node)).node
    return target


def tell_of_part(target, result):
    """Tell those who look on that the tensor of which `target` is a view now holds `result` in that part."""
    observer = state.mode.observer
    if observer is not None and target._base is not None:
        entry, root = OPS["overwrite"], target._base
        observer.operation(entry, entry.call, (root, result), {"steps": target._steps}, root)


def check_leaf(target, name):
    """A leaf that requires gradients has to keep the value at which they are computed."""
    root = target if target._base is None else target._base
    if root.node is not None and root.node.op is None:
        what = "a leaf" if root is target else "a view of a leaf"
        raise RuntimeError(
            f"{name}: {what} that requires gradients cannot be changed in place. To update a parameter, do it within "
            "`with no_grad():`; to compute with changed values, change a copy: y = x.clone()"
        )


def check_overlap(target, name):
    """An expanded tensor shows one number in several places: writing into it has no meaning."""
    if any(step == 0 and size > 1 for step, size in zip(target.array.strides, target.array.shape)):
        raise RuntimeError(
            f"{name}: several elements of this expanded tensor share one place in memory; clone() it before"
        )


def preserve(node, array):
    """Replace what `node` keeps of the memory that is about to be overwritten by copies."""
    node.kept = without(owner_of(array), node.kept)


def without(owner, value):
    """`value` with arrays that look into the memory of `owner` replaced by copies; also in tuples."""
    if isinstance(value, np.ndarray):
        return value.copy() if owner_of(value) is owner else value
    return tuple([without(owner, item) for item in value]) if type(value) is tuple else value


def in_place(call, name):
    """The method that overwrites its tensor with the result of `call`."""

    def method(self, *args, **named):
        return assign(self, call(self, *args, **named), name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In place: {(call.__doc__ or '').strip()}"
    return method


PYTHON_SIGNS = {"__add__": "+", "__sub__": "-", "__mul__": "*", "__truediv__": "/", "__pow__": "**", "__mod__": "%"}


def of_copy(function):
    """A composed function applied to a copy of its tensor: the operations within may keep what will be overwritten."""

    def call(self, *args, **named):
        return function(clone(self), *args, **named)

    call.__doc__ = function.__doc__
    return call


def attach_in_place_methods():
    """Give Tensor `name_` for every operation that asks for it, and += and its like."""
    for entry in OPS.values():
        if entry.inplace:
            for name in (entry.name, *entry.aliases):
                setattr(Tensor, name + "_", in_place(entry.call, name + "_"))
            for operator in entry.operators:
                if not operator.startswith("__r") and entry.operands[1:]:
                    setattr(Tensor, "__i" + operator[2:], in_place(entry.call, PYTHON_SIGNS[operator] + "="))
    for function in COMPOSITES.values():
        if function.inplace:
            setattr(Tensor, function.__name__ + "_", in_place(of_copy(function), function.__name__ + "_"))


def setitem(self, index, value):
    """x[index] = value, for every index that can be read; `value` is broadcast."""
    index = plain_index(index)
    value = value if isinstance(value, Tensor) else as_tensor(value, self.dtype)
    if not state.grad_enabled or (value.node is None and (self if self._base is None else self._base).node is None):
        check_overlap(self, "x[...] =")
        part, index = after_integers(self.array, index)
        part[index] = value.array
        writes.note(self.array, "x[...] =")
        return
    if value.dtype != self.dtype:
        value = cast(value, self.dtype)
    if is_basic(index):
        part = getitem(self, index)
        while value.ndim > part.ndim and value.shape[0] == 1:
            value = value[0]
        assign(part, copy_into(part, value), "x[...] =")
    else:
        assign(self, index_put(self, value, index), "x[...] =")


def copy_(self, src, non_blocking=False):
    """Overwrite this tensor with `src`, broadcast and converted to its dtype."""
    src = as_tensor(src)
    return assign(self, copy_into(self, cast(src, self.dtype)), "copy_")


def fill_(self, value):
    """Overwrite every element with `value`."""
    return assign(self, copy_into(self, as_tensor(value, self.dtype)), "fill_")


def zero_(self):
    """Overwrite every element with 0."""
    return assign(self, copy_into(self, as_tensor(0, self.dtype)), "zero_")


Tensor.__setitem__ = setitem
Tensor.copy_, Tensor.fill_, Tensor.zero_ = copy_, fill_, zero_
attach_in_place_methods()
