"""An operation as data: what the table holds, what the engine asks of it, and operations with several results."""

import weakref

import numpy as np

from .clock import tick
from .engine import Node
from .errors import OperationError
from .modes import state
from .tensor import of_array


class Op:
    """One row of the table. The parameters of `op` say what its fields mean."""

    def __init__(self, kernel, rules, joint, operands, saves=(), adds=None, **facts):
        code = kernel.__code__
        parameters = code.co_varnames[: code.co_argcount]
        self.name = kernel.__name__.rstrip("_")
        self.kernel = kernel
        self.doc = kernel.__doc__
        self.variadic = bool(code.co_flags & 0x04)  # def kernel(*xs, ...)
        if self.variadic:
            self.operands, self.attributes = (), code.co_varnames[: code.co_kwonlyargcount]
            defaults = kernel.__kwdefaults__ or {}
        else:
            count = len(rules) if operands is None else operands
            self.operands, self.attributes = parameters[:count], parameters[count:]
            values = kernel.__defaults__ or ()
            defaults = dict(zip(parameters[len(parameters) - len(values) :], values))
        self.parameters = self.operands + self.attributes
        self.defaults = defaults
        self.rules = rules if joint is None else None
        self.joint = joint
        self.saves = saves
        self.adds = adds
        if saves and joint is None:
            raise TypeError(f"`{self.name}` saves {saves}: that goes with a joint rule only")
        self.names = tuple(self._names_of(rule) for rule in (rules if joint is None else (joint,)))
        arrays = {*self.operands, *saves, "operands", "out"}
        self.keeps = any(name in arrays for names in self.names for name in names)
        self.differentiable = joint is not None or any(rule is not None for rule in rules)
        self.__dict__.update(facts)
        if self.label is None:
            self.label = self.name

    def _names_of(self, rule):
        """The names that a rule asks for, checked."""
        if rule is None:
            return ()
        names = rule.__code__.co_varnames[1 : rule.__code__.co_argcount]
        known = {*self.parameters, *self.saves, "out", "needs", *(f"{operand}_shape" for operand in self.operands)}
        if self.variadic:
            known |= {"operands", "shapes"}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise NameError(f"a gradient rule of `{self.name}` asks for {unknown}; it can have {sorted(known)}")
        return names

    def __repr__(self):
        return f"<operation {self.name}>"

    # ---- what the engine asks

    def gradients(self, node, g, box, create_graph):
        """The gradient of each operand, or None; by rules on Tensors if `create_graph`, else on arrays."""
        if self.joint is not None:
            values = self._values(node, 0, box if create_graph else None)
            if node.shape is None:
                g = g.filled(node, box if create_graph else None)
            return self.joint(g, *values) if create_graph else state.quiet(self.joint, g, *values)
        return [
            None if parent is None else rule(g, *self._values(node, index, box if create_graph else None))
            for index, (parent, rule) in enumerate(zip(node.parents, self.rules))
        ]

    def _values(self, node, index, box):
        """What rule number `index` asked for; the arrays as Tensors with their history if there is a `box`."""
        kept = node.kept[index]
        if box is None:
            return kept
        values = []
        for name, value in zip(self.names[index], kept):
            if name in self.operands and isinstance(value, np.ndarray):
                value = box(value, node.parents[self.operands.index(name)])
            elif name == "operands":
                value = tuple(box(array, parent) for array, parent in zip(value, node.parents))
            elif name == "out":
                value = box(value, node) if node.shape is not None else results(value, node)
            elif name in self.saves:
                value = None
            values.append(value)
        return values

    def kept_by_name(self, node):
        """(description, value) of everything that a node of this operation keeps."""
        for names, values in zip(self.names, node.kept):
            for name, value in zip(names, values):
                if isinstance(value, tuple) and name in ("operands", "out"):
                    yield from (
                        (f"operand {i}" if name == "operands" else f"result {i}", v) for i, v in enumerate(value)
                    )
                else:
                    yield ("result" if name == "out" else f"operand `{name}`"), value

    # ---- what goes wrong

    def explain(self, error, arrays, operands, attributes=None):
        """The error to raise instead of NumPy's: it says which operation, and the shapes and dtypes it was given.

        arrays  what the kernel got;  operands, attributes  what the caller gave, for observers
        """
        told = self._told(error, arrays)
        if state.mode.observer is not None:
            state.mode.observer.failed(self, operands, attributes or {}, told)
        return told

    def _told(self, error, arrays):
        given = ", ".join(
            f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value) for value in arrays
        )
        if isinstance(error, OperationError) and str(error).startswith(f"{self.name}: "):
            return error
        text = str(error)
        if "could not be broadcast" in text or "shape mismatch" in text:
            text = (
                "these shapes do not broadcast: counted from the last dimension, sizes must be equal, or one of them 1"
            )
        known = (TypeError, IndexError, NotImplementedError)  # NumPy's own kinds of them cannot be made from a text
        kind = next((kind for kind in known if isinstance(error, kind)), OperationError)
        return kind(f"{self.name}: {text}. Operands: {given}")


class SelectOp:
    """Picks one result of a node that has several; its gradient is a part of theirs."""

    name = label = "select"
    rules = joint = definition = None
    keeps = elementwise = view = False
    differentiable = True
    passes_on = False  # whether it makes no results of its own, but hands its operands on

    def gradients(self, node, g, box, create_graph):
        return (Parts({node.attributes["index"]: g}),)

    def kept_by_name(self, node):
        return ()


SELECT = SelectOp()

SELECTED = weakref.WeakValueDictionary()
"""The nodes that pick results: (number of the node with several results, number of the result) -> node.

A rule that asks for `out` thereby gets tensors with the very nodes of the tensors that the user has, and gradients of
gradients with respect to those are complete.
"""


class Parts(dict):
    """The gradients of some of the results of one node, by the number of the result."""

    def __add__(self, other):
        merged = Parts(self)
        for index, g in other.items():
            merged[index] = merged[index] + g if index in merged else g
        return merged

    def filled(self, node, box):
        """The gradients of all results, zeros for the missing ones."""
        shapes = node.attributes["shapes"]
        zeros = (np.zeros(shape, dtype) for shape, dtype in shapes)
        return tuple(
            self[i] if i in self else (zero if box is None else box(zero, None)) for i, zero in enumerate(zeros)
        )


def results(arrays, node):
    """Tensors of the several results of one node (None if nothing is recorded)."""
    tensors = []
    for index, array in enumerate(arrays):
        array = np.asarray(array)
        select = None
        if node is not None and array.dtype.kind in "fc":
            select = SELECTED.get((node.number, index))
            if select is None:
                select = Node(SELECT, (node,), ((),), {"index": index}, array.shape, array.dtype, tick())
                SELECTED[node.number, index] = select
        tensors.append(of_array(array, select))
    return type(arrays)(*tensors) if hasattr(arrays, "_fields") else tuple(tensors)
