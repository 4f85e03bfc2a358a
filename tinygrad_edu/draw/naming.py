"""What things are called: leaves, results, constants; and how shapes, settings and values are written."""

import numpy as np

from ..clock import owner_of
from ..engine import Node
from ..tensor import Tensor

PLURALS = {"leaf": "leaves"}


class Names:
    """The names given by the arguments `params` and `inputs` of `graph`.

    of_node    node -> names
    of_array   id of an array that needs no gradient -> name
    of_owner   id of the array that owns its memory -> name, or None if several such arrays share it
    parameters  node -> name, of the leaves in `params`
    inputs     name -> Tensor, of `inputs`
    owners     name of a parameter or buffer -> path of the module that has it
    calls      (start, stop, path, class name) of every remembered call of a module
    paths      id of a module -> where it is in the model
    pairs      (name, tensor) of everything
    """

    def __init__(self, params, inputs):
        self.paths, self.pairs = {}, []
        self.of_node, self.of_array, self.of_owner, self.owners, self.calls = {}, {}, {}, {}, []
        self.parameters = {}
        self.unnamed = {}  # leaf without a name -> the name it is given here
        for name, tensor in self.read_params(params):
            self.give(name, tensor)
            if tensor.node is not None and tensor.node.op is None:
                self.parameters.setdefault(tensor.node, name)
        self.inputs = dict(read_inputs(inputs))
        for name, tensor in self.inputs.items():
            self.give(name, tensor)

    def read_params(self, params):
        """(name, tensor) of everything in `params`; notes modules on the way."""
        if params is None:
            return []
        if hasattr(params, "named_parameters"):
            return self.read_module("", params)
        if not hasattr(params, "items"):
            raise TypeError(
                f"params must be a Module or a dict name -> Tensor (or Module), not {type(params).__name__}; "
                'write, say, params={"w": w, "b": b}'
            )
        pairs = []
        for name, value in params.items():
            if hasattr(value, "named_parameters"):
                pairs += self.read_module(str(name), value)
            elif isinstance(value, Tensor):
                pairs.append((str(name), value))
            else:
                raise TypeError(f"params[{name!r}] must be a Tensor or a Module, not {type(value).__name__}")
        return pairs

    def read_module(self, prefix, module):
        """The parameters of a module and its parts (buffers only name constants), by qualified names."""
        pairs = [(joined(prefix, name), tensor) for name, tensor in members(module, "named_parameters")]
        self.owners.update((name, name.rpartition(".")[0]) for name, _ in pairs)
        for name, tensor in members(module, "named_buffers"):
            name = joined(prefix, name)
            self.owners[name] = name.rpartition(".")[0]
            self.give(name, tensor)
        for path, part in members(module, "named_modules", shared_once=True):
            kind = type(part).__name__
            self.paths[id(part)] = joined(prefix, path)
            self.calls += [(start, stop, joined(prefix, path), kind) for start, stop in getattr(part, "_calls", ())]
        return pairs

    def give(self, name, tensor):
        self.pairs.append((name, tensor))
        if tensor.node is None:
            self.of_array.setdefault(id(tensor.array), name)
            owner = id(owner_of(tensor.array))
            self.of_owner[owner] = name if self.of_owner.get(owner, name) == name else None
        else:
            names = self.of_node.setdefault(tensor.node, [])
            if name not in names:
                names.append(name)

    def kind(self, node):
        if node.op is not None:
            return "operation"
        if node in self.parameters:
            return "parameter"
        return "input" if node in self.of_node else "leaf"

    def of_leaf(self, node):
        """All names of a leaf, or one that is made up."""
        if node in self.of_node:
            return self.of_node[node]
        return [self.unnamed.setdefault(node, f"leaf {len(self.unnamed) + 1}" if self.unnamed else "leaf")]

    def of_result(self, node):
        """The name that was given to an operation's result, or None."""
        return self.of_node.get(node, (None,))[0]

    def of_constant(self, array):
        """The name of an array; 'view of x' if it only shares memory with one that has a name; or None."""
        name = self.of_array.get(id(array))
        if name is None:
            name = self.of_owner.get(id(owner_of(array)))
            name = name and f"view of {name}"
        return name

    def notes(self, order, constants):
        """What was named and is neither one of these nodes nor one of these constants (None: not all are known)."""
        present = set(order)
        unused = [name for node, name in self.parameters.items() if node not in present]
        unused += [name for name, x in self.inputs.items() if x.node is not None and x.node not in present]
        notes = [f"not in this graph: {enumeration(unused)}"] if unused else []
        if constants is not None:
            without = [name for name, x in self.inputs.items() if x.node is None]
            lost = [name for name in without if constants.isdisjoint((name, f"view of {name}"))]
            notes += [f"not in this graph, or released by backward(): {enumeration(lost)}"] if lost else []
        return notes


def members(module, method, shared_once=False):
    """What a method such as `named_parameters` lists; shared ones under all of their names if it can do that."""
    method = getattr(module, method, tuple)
    if not shared_once and "remove_duplicate" in getattr(getattr(method, "__code__", None), "co_varnames", ()):
        return method(remove_duplicate=False)
    return method()


def enumeration(names):
    """'a, b, c'; of many only the first few"""
    return ", ".join(names if len(names) <= 8 else [*names[:7], f"{len(names) - 7:,} more"])


def joined(prefix, name):
    return f"{prefix}.{name}" if prefix and name else prefix or name


def read_inputs(inputs):
    """(name, tensor) of each input."""
    if inputs is None:
        return []
    if isinstance(inputs, Tensor):
        pairs = [("input", inputs)]
    elif hasattr(inputs, "items"):
        pairs = [(str(name), value) for name, value in inputs.items()]
    else:
        pairs = [(f"input {i}", value) for i, value in enumerate(inputs)]
    for name, value in pairs:
        if not isinstance(value, Tensor):
            raise TypeError(f"inputs: {name} must be a Tensor, not {type(value).__name__}")
    return pairs


def names_of_outputs(outputs):
    """[(name, output)]: from a dict, a named tuple, any other sequence, or a single Tensor."""
    if isinstance(outputs, Tensor):
        return [("output", outputs)]
    if hasattr(outputs, "items"):
        pairs = [(str(name), value) for name, value in outputs.items()]
    elif hasattr(outputs, "_fields"):
        pairs = list(zip(outputs._fields, outputs))
    elif isinstance(outputs, (list, tuple)):
        pairs = [("output" if len(outputs) == 1 else f"output {i}", value) for i, value in enumerate(outputs)]
    else:
        raise TypeError(f"outputs must be a Tensor, several of them, or a dict of them, not {type(outputs).__name__}")
    if not pairs:
        raise ValueError("graph: there is no output to draw")
    return pairs


def counted(count, kind):
    """'1 leaf', '18,400 operations'"""
    return f"{count:,} {kind if count == 1 else PLURALS.get(kind, kind + 's')}"


# ---- operands without gradient


def operand_value(node, index):
    """(array, shape, dtype) of an operand as far as the gradient rules of `node` kept it; None for what is unknown."""
    op, shape = node.op, None
    for names, values in zip(op.names, node.kept or ()):
        for name, value in zip(names, values):
            if op.variadic and name in ("operands", "shapes"):
                name, value = ("shape" if name == "shapes" else "value"), value[index]
            elif not op.variadic and name == op.operands[index]:
                name = "value"
            elif not op.variadic and name == f"{op.operands[index]}_shape":
                name = "shape"
            if name == "value" and isinstance(value, np.ndarray):
                return value, value.shape, value.dtype
            if name == "shape":
                shape = value
    return None, shape, None


# ---- shapes, settings, values


def shape_text(shape, dtype=None):
    """'(3, 4)'; 'float64 (3, 4)' if the dtype is not the usual one."""
    text = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})" if shape else "scalar"
    return text if dtype is None or dtype == np.float32 else f"{dtype} {text}"


def label_text(op, attributes):
    """The operation's label; for indexing with the index in it."""
    if "·" not in op.label or "index" not in (attributes or {}):
        return op.label
    index = attributes["index"]
    text = ", ".join([value_text(item) for item in index]) if isinstance(index, tuple) else value_text(index)
    return op.label.replace("·", shortened(text))


TOLD = ("shape", "shapes", "size", "steps", "normalized_shape")
"""Settings that the shapes of operands and result say as well."""
USUAL = {
    "stride": ("1", "(1,)", "(1, 1)", "(1, 1, 1)"), "dilation": ("1", "(1,)", "(1, 1)", "(1, 1, 1)"), "groups": ("1",),
    "eps": ("1e-05",), "ignore_index": ("-100",), "reduction": ("'mean'",), "label_smoothing": ("0", "0.0"),
}  # fmt: skip
"""Settings that operations have no defaults for, but that the functions and modules of users do."""


def setting_text(op, attributes):
    """'dim=1, keepdim=True': the attributes that are not the default, except what the label or shape says."""
    parts, defaults = [], getattr(op, "defaults", {})
    for name, value in (attributes or {}).items():
        told = name in TOLD or (name == "index" and "·" in op.label) or (name in USUAL and repr(value) in USUAL[name])
        if not told and not same(value, defaults.get(name, Node)):
            parts.append(f"{name}={value_text(value)}")
    return ", ".join(parts)


def same(value, default):
    comparable = type(value) is type(default) and isinstance(value, (int, float, str))
    return value is default or (comparable and value == default)


def value_text(value):
    """An attribute or a constant in few characters."""
    if isinstance(value, Tensor):
        value = value.array
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (float, np.floating)):
        text = f"{value:.6g}"
    elif isinstance(value, np.ndarray):
        text = shape_text(value.shape, value.dtype)
    elif isinstance(value, np.dtype):
        text = value.name
    elif isinstance(value, slice):
        ends = ["" if end is None else str(end) for end in (value.start, value.stop, value.step)]
        text = ":".join(ends if ends[2] else ends[:2])
    elif isinstance(value, (tuple, list)):
        items = ", ".join([value_text(item) for item in value[:16]]) + (", …" if len(value) > 16 else "")
        text = f"({items}{',' if len(value) == 1 else ''})" if isinstance(value, tuple) else f"[{items}]"
    elif value is Ellipsis:
        text = "..."
    elif isinstance(value, np.generic):
        text = str(value)
    else:
        text = getattr(value, "__name__", None) if callable(value) else repr(value)
        text = text or type(value).__name__
    return shortened(text)


def shortened(text, limit=32):
    return text if len(text) <= limit else text[: limit - 1] + "…"
