"""What a custom Function saves in its ctx, taken apart for the node that keeps it.

A node must not hold Tensors of results (each would hold the node: a cycle, freed by the cyclic collector only), and the
backward pass needs the history of what was saved. So the arrays of all saved tensors go into the node, and ctx keeps a
`Slot` in the place of each. A saved tensor is

* an argument: it gets the history of that argument back;
* a result: it gets the node itself as history;
* an intermediate, computed by forward on the way: it has no history. If it is a floating-point value, gradients
  computed with it are right but must not be differentiated again (`Saved.intermediates`). The same goes for arrays and
  numbers of floating point among the attributes of ctx that are no arguments, and for objects that hide what they hold.
"""

import numpy as np

from ..tensor import Tensor, of_array

HARMLESS = (bool, int, str, bytes, type(None), type(...), slice, range, type, type(np), np.dtype, np.integer, np.bool_)


class Slot:
    """Stands for a saved tensor: number `index` of the arrays of the node."""

    __slots__ = ("index",)

    def __init__(self, index):
        self.index = index


class Saved:
    """Everything that a Function's node has to know for backward.

    names          what each kept array is, in words, for errors
    origins        for each kept array where its history comes from: ("argument", i), ("result", i) or a node or None
    intermediates  in words, the saved values because of which gradients must not be differentiated again
    arguments      (is it a tensor, its shape) for each argument of apply
    """

    def __init__(self, ctx, args):
        self.names, self.origins, self.intermediates = [], [], []
        self.arguments = [(True, x.array.shape) if isinstance(x, Tensor) else (False, None) for x in args]
        self.needs_input_grad, self.materialize = ctx.needs_input_grad, ctx._materialize
        self.tensors = self.attributes = None

    def context(self, make, node, select):
        """A new ctx for backward, with the saved tensors in place of their slots."""
        ctx = make(self.needs_input_grad)
        ctx._saved = self.unpacked(self.tensors, node, select)
        ctx.__dict__.update(self.unpacked(self.attributes, node, select))
        return ctx

    def unpacked(self, value, node, select):
        if isinstance(value, Slot):
            origin = self.origins[value.index]
            if isinstance(origin, tuple):
                kind, i = origin
                origin = node.parents[i] if kind == "argument" else node if node.shape is not None else select(node, i)
            return of_array(node.kept[0][value.index], origin)
        return rebuilt(value, lambda item: self.unpacked(item, node, select))


def rebuilt(value, convert):
    """`value` with `convert` applied to the items of a list, tuple or dict; itself if that changes nothing."""
    if type(value) is dict:
        items = {key: convert(item) for key, item in value.items()}
        return value if all(items[key] is value[key] for key in value) else items
    if not isinstance(value, (list, tuple)):
        return value
    items = [convert(item) for item in value]
    if all(new is old for new, old in zip(items, value)):
        return value
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


class Packing:
    """Takes the ctx of a Function that was called with `args` apart: `arrays` and `saved` are for its node.

    outputs  what forward returned
    results  the same tensors with memory of their own, which users get
    differentiable  for each of them whether it has a gradient
    """

    def __init__(self, ctx, args, outputs, results, differentiable):
        self.args, self.outputs, self.results, self.differentiable = args, outputs, results, differentiable
        items = [x for arg in args for x in (arg if isinstance(arg, (list, tuple)) else (arg,))]
        self.numbers = [x for x in items if isinstance(x, (int, float, complex))]
        self.arrays, self.saved = [], Saved(ctx, args)
        self.saved.tensors = tuple([self.packed(x, f"saved tensor {i}") for i, x in enumerate(ctx._saved)])
        self.saved.attributes = {name: self.packed(value, f"ctx.{name}") for name, value in ctx.__dict__.items()}

    def packed(self, value, name):
        """`value` with slots in place of Tensors."""
        if isinstance(value, Tensor):
            return self.slot(value, name)
        if isinstance(value, HARMLESS) or any(value is arg for arg in self.args):
            return value
        if isinstance(value, (list, tuple)) or type(value) is dict:
            return rebuilt(value, lambda item: self.packed(item, name))
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "biu":
                self.saved.intermediates.append(f"{name}, a {value.dtype} array of shape {value.shape},")
        elif isinstance(value, (float, complex, np.number)):
            if not any(value == number for number in self.numbers):
                self.saved.intermediates.append(f"{name}, the number {value:.6g},")
        elif not _is_constant_function(value):
            self.saved.intermediates.append(f"{name}, a {type(value).__name__} that may hold anything,")
        return value

    def slot(self, x, name):
        origin, array = self.origin(x)
        if origin is None and x.node is None and array.dtype.kind in "fc" and not any(x is arg for arg in self.args):
            self.saved.intermediates.append(f"{name}, a {x.dtype} tensor of shape {tuple(x.shape)},")
        self.saved.names.append(name)
        self.saved.origins.append(origin)
        self.arrays.append(array)
        return Slot(len(self.arrays) - 1)

    def origin(self, x):
        """Where the history of a saved tensor comes from, and the array to keep."""
        for i, out in enumerate(self.outputs):
            if x is out:
                return ("result", i) if self.differentiable[i] else None, self.results[i].array
        for same in (lambda arg: x is arg, lambda arg: x.array is arg.array):  # the latter: x.detach() of an argument
            for i, arg in enumerate(self.args):
                if isinstance(arg, Tensor) and same(arg):
                    return ("argument", i), x.array
        return x.node, x.array  # a tensor from elsewhere brings its own history


def _is_constant_function(value):
    """Whether `value` is a function that has captured no values."""
    return getattr(value, "__closure__", 0) is None or isinstance(value, (np.ufunc, type(len)))
