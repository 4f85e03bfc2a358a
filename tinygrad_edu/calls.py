"""The functions that take a kernel's place: unwrap Tensors, promote, compute, record.

One for each common form of operation, because the time of an operation on small tensors is spent here.
"""

import numpy as np

from .blocks import LARGE, in_blocks
from .clock import tick
from .dtypes import common_dtype, default_float
from .engine import Node
from .modes import state
from .operation import results
from .tensor import NUMBERS, Tensor, of_array
from .views import track_view

SYNONYMS = {
    "axis": "dim", "axes": "dim", "keepdims": "keepdim", "ddof": "correction", "a_min": "min", "a_max": "max",
    "unbiased": "correction",
}  # fmt: skip
"""NumPy's spellings of parameters, and old ones of PyTorch, accepted wherever today's are."""

_new = object.__new__
_ndarray = np.ndarray

PICKERS = {
    (): lambda x, y, out: (),
    ("x",): lambda x, y, out: (x,),
    ("y",): lambda x, y, out: (y,),
    ("out",): lambda x, y, out: (out,),
    ("x", "y"): lambda x, y, out: (x, y),
    ("x", "out"): lambda x, y, out: (x, out),
    ("y", "out"): lambda x, y, out: (y, out),
    ("x", "y", "out"): lambda x, y, out: (x, y, out),
}
"""What a rule of a simple operation keeps: the values of these names, in this order."""


def is_simple(entry):
    """Whether the operation has one or two operands called x and y, nothing else, and rules for both or none that ask
    for nothing else."""
    return (
        entry.operands in (("x",), ("x", "y"))
        and not (entry.attributes or entry.view or entry.random or entry.rules is None)
        and entry.promotes is True
        and all(names in PICKERS for names in entry.names)
        and entry.rules.count(None) in (0, len(entry.rules))
    )


def make_unary(entry):
    kernel, elementwise, floating = entry.ufunc or entry.kernel, entry.elementwise, entry.floating
    (rule,) = entry.rules
    pick = PICKERS[entry.names[0]]

    def unary(input):
        if not isinstance(input, Tensor):
            return kernel(input if isinstance(input, (_ndarray, NUMBERS)) else no_operand(entry, input))
        a = input.array
        if floating and a.dtype.kind not in "fc":
            a = a.astype(default_float())
        try:
            mode = state.mode
            out = in_blocks(kernel, (a,)) if elementwise and a.size > LARGE else mode.quiet(kernel, a)
        except Exception as error:
            raise entry.explain(error, (a,), (input,)) from error
        if type(out) is not _ndarray:
            out = np.asarray(out)
        result = _new(Tensor)
        result.array = out
        result.node = None
        result._base = None
        parent = input.node
        if parent is not None and rule is not None and mode.grad_enabled:
            result.node = node = _new(Node)  # as Node(...) would do, without the cost of a call
            node.op = entry
            node.parents = (parent,)
            node.kept = (pick(a, None, out),)
            node.attributes = node.extras = None
            node.shape = out.shape
            node.dtype = out.dtype
            node.number = tick()
        if mode.observer is not None:
            mode.observer.operation(entry, unary, (input,), {}, result)
        return result

    return unary


def make_binary(entry):
    kernel, elementwise, floating = entry.ufunc or entry.kernel, entry.elementwise, entry.floating
    pick_x, pick_y = (PICKERS[names] for names in entry.names)
    differentiable, keeps = entry.differentiable, entry.keeps

    def binary(input, other):
        x = y = None
        if isinstance(input, Tensor):
            a = input.array
            x = input.node
            if isinstance(other, Tensor):
                b = other.array
                y = other.node
            elif a.dtype.kind == "f" and (type(other) is float or type(other) is int):
                b = np.array(other, a.dtype)
            else:
                a, b = promoted((a, operand(entry, other)), floating)
        elif isinstance(other, Tensor):
            b = other.array
            y = other.node
            if b.dtype.kind == "f" and (type(input) is float or type(input) is int):
                a = np.array(input, b.dtype)
            else:
                a, b = promoted((operand(entry, input), b), floating)
        else:
            return kernel(input, other)
        if a.dtype is not b.dtype or (floating and a.dtype.kind not in "fc"):
            a, b = promoted((a, b), floating)
        try:
            mode = state.mode
            out = in_blocks(kernel, (a, b)) if elementwise and a.size > LARGE else mode.quiet(kernel, a, b)
        except Exception as error:
            raise entry.explain(error, (a, b), (input, other)) from error
        if type(out) is not _ndarray:
            out = np.asarray(out)
        result = _new(Tensor)
        result.array = out
        result.node = None
        result._base = None
        if (x is not None or y is not None) and differentiable and mode.grad_enabled:
            result.node = node = _new(Node)  # as Node(...) would do, without the cost of a call
            node.op = entry
            node.parents = (x, y)
            if keeps:
                node.kept = (() if x is None else pick_x(a, b, out), () if y is None else pick_y(a, b, out))
            else:
                node.kept = ((), ())
            node.attributes = node.extras = None
            node.shape = out.shape
            node.dtype = out.dtype
            node.number = tick()
        if mode.observer is not None:
            mode.observer.operation(entry, binary, (input, other), {}, result)
        return result

    return binary


def has_one_operand(entry):
    """Whether the operation has one operand, settings, and one result."""
    return len(entry.operands) == 1 and entry.rules is not None and not entry.random


def make_with_attributes(entry):
    """For one operand and settings: x.sum(dim), x.reshape(2, 3), x[index]."""
    kernel, elementwise, floating, view = entry.kernel, entry.elementwise, entry.floating, entry.view
    bind = make_binder(entry)
    (rule,) = entry.rules
    steps = plan(entry.names[0], entry)
    names, spread = entry.attributes, entry.spread
    defaults = {name: entry.defaults[name] for name in names if name in entry.defaults}
    fewest, most = 1 + len(names) - len(defaults), 1 + len(names)

    def unary(*args, **named):
        if not args or not isinstance(args[0], Tensor):
            if (
                not named and fewest <= len(args) <= most and type(args[0]) is _ndarray
                and (spread is None or len(args) == 2 and type(args[1]) is tuple)
            ):  # fmt: skip
                return kernel(*args)  # this is how rules run
            (input,), attributes = bind(args, named)
            if not isinstance(input, Tensor):
                return kernel(
                    input if isinstance(input, (_ndarray, NUMBERS)) else no_operand(entry, input), **attributes
                )
        elif len(args) == 1 and not named and len(defaults) == len(names):
            input, attributes = args[0], defaults.copy()
        elif len(args) == 2 and not named and names and (spread is None or type(args[1]) is tuple):
            input, attributes = args[0], {**defaults, names[0]: args[1]}
            if len(attributes) < len(names):
                bind(args, named)  # says what is missing
        else:
            (input,), attributes = bind(args, named)
        a = input.array
        if floating and a.dtype.kind not in "fc":
            a = a.astype(default_float())
        mode = state.mode
        try:
            if elementwise and a.size > LARGE:
                out = in_blocks(lambda part: kernel(part, **attributes), (a,))
            else:
                out = mode.quiet(kernel, a, **attributes)
        except Exception as error:
            raise entry.explain(error, (a,), (input,), attributes) from error
        if type(out) is not _ndarray:
            out = np.asarray(out)
        result = of_array(out, None)
        parent = input.node
        if parent is not None and rule is not None and mode.grad_enabled and out.dtype.kind in "fc":
            parents = (parent,)
            kept = (keep(steps, parents, (a,), attributes, out) if steps else (),)
            result.node = Node(entry, parents, kept, attributes, out.shape, out.dtype, tick())
        if view and (out.base is a or out.base is a.base is not None):
            track_view(result, input, unary, attributes)
        if mode.observer is not None:
            mode.observer.operation(entry, unary, (input,), attributes, result)
        return result

    return unary


def make_general(entry):
    kernel, count, promotes = entry.kernel, len(entry.operands), entry.promotes
    bind = make_binder(entry)
    plans = [plan(names, entry) for names in entry.names]
    most, takes_attributes = len(entry.parameters), bool(entry.attributes) or entry.variadic
    saves = bool(entry.saves)

    def general(*args, **named):
        if not named and len(args) <= most:
            for value in args:
                if isinstance(value, Tensor):
                    break
            else:  # plain arrays: this is how rules run
                return kernel(*args)[0] if saves else kernel(*args)
        if named or takes_attributes or len(args) != count:
            operands, attributes = bind(args, named)
        else:
            operands, attributes = args, {}
        arrays, parents, plain, traced = [], [], True, False
        for value in operands:
            parent = None
            if isinstance(value, Tensor):
                plain = False
                parent = value.node
                traced = traced or parent is not None
                value = value.array
            elif value is not None:
                operand(entry, value)
            arrays.append(value)
            parents.append(parent)
        if plain:
            out = kernel(*operands, **attributes)
            return out[0] if saves else out
        if promotes:
            arrays = promoted(arrays, entry.floating, promotes)
        mode = state.mode
        try:
            out = mode.quiet(kernel, *arrays, **attributes)
        except Exception as error:
            raise entry.explain(error, arrays, operands, attributes) from error
        saved = ()
        if saves:
            out, *saved = out
        several = isinstance(out, tuple)
        if not several and type(out) is not _ndarray:
            out = np.asarray(out)
        node = None
        if traced and mode.grad_enabled and entry.differentiable:
            if entry.rules is not None:
                parents = [None if rule is None else parent for rule, parent in zip(entry.rules, parents)]
            if parents.count(None) < len(parents):
                node = record(tuple(parents), arrays, attributes, out, saved)
        result = results(out, node) if several else of_array(out, node)
        if mode.observer is not None:
            mode.observer.operation(entry, general, operands, attributes, result)
        return result

    def record(parents, arrays, attributes, out, saved):
        if entry.rules is None:
            kept = (keep(plans[0], parents, arrays, attributes, out, saved),)
        else:
            kept = tuple(
                [
                    () if parent is None else keep(steps, parents, arrays, attributes, out)
                    for parent, steps in zip(parents, plans)
                ]
            )
        if isinstance(out, tuple):
            shapes = tuple([(np.shape(array), np.asarray(array).dtype) for array in out])
            return Node(entry, parents, kept, {**attributes, "shapes": shapes}, None, None, tick())
        if out.dtype.kind not in "fc":
            return None
        return Node(entry, parents, kept, attributes, out.shape, out.dtype, tick())

    return general


def plan(names, entry):
    """For each name that a rule asks for: where its value comes from, and under which key."""
    steps = []
    for name in names:
        if name in entry.operands:
            steps.append(("operand", entry.operands.index(name)))
        elif name.endswith("_shape") and name[:-6] in entry.operands:
            steps.append(("shape", entry.operands.index(name[:-6])))
        elif name in entry.attributes:
            steps.append(("attribute", name))
        elif name in entry.saves:
            steps.append(("saved", entry.saves.index(name)))
        else:
            steps.append((name, None))
    return steps


def keep(steps, parents, arrays, attributes, out, saved=()):
    """The values that a plan names, for one call."""
    values = []
    for source, key in steps:
        if source == "operand":
            value = arrays[key]
        elif source == "attribute":
            value = attributes[key]
        elif source == "shape":
            value = None if arrays[key] is None else arrays[key].shape
        elif source == "out":
            value = out
        elif source == "saved":
            value = saved[key]
        elif source == "operands":
            value = tuple(arrays)
        elif source == "shapes":
            value = tuple([array.shape for array in arrays])
        else:  # needs
            value = tuple([parent is not None for parent in parents])
        values.append(value)
    return tuple(values)


def make_binder(entry):
    """A function that sorts the arguments of a call into operands and a dict of attributes, defaults filled in."""
    names, count, defaults, spread = entry.parameters, len(entry.operands), entry.defaults, entry.spread
    synonyms = {alias: name for alias, name in SYNONYMS.items() if name in names and alias not in names}
    if not entry.variadic:
        synonyms.update(zip(("input", "other"), entry.operands))
        synonyms.update(zip(("self",), entry.operands))
    attribute_names = entry.attributes
    attribute_defaults = {name: defaults[name] for name in attribute_names if name in defaults}
    where_spread = names.index(spread) if spread else None

    def bind(args, named):
        if entry.variadic:
            attributes = {**attribute_defaults, **{synonyms.get(name, name): value for name, value in named.items()}}
            return args, attributes
        if spread and len(args) > where_spread and not isinstance(args[where_spread], (tuple, list)):
            args = (*args[:where_spread], args[where_spread:])
        if len(args) > len(names):
            raise TypeError(
                f"{entry.name}() takes at most {len(names)} arguments ({', '.join(names)}), not {len(args)}"
            )
        attributes = attribute_defaults.copy()
        operands = list(args[:count])
        for name, value in zip(attribute_names, args[count:]):
            attributes[name] = value
        if named or len(operands) < count:
            named = {synonyms.get(name, name): value for name, value in named.items()}
            for name in entry.operands[len(operands) :]:
                if name in named:
                    operands.append(named.pop(name))
                elif name in defaults:
                    operands.append(defaults[name])
                else:
                    raise TypeError(f"{entry.name}() needs a value for `{name}`; its parameters are {', '.join(names)}")
            for name, value in named.items():
                if name not in attribute_names or name in names[: len(args)]:
                    problem = "twice" if name in names else "unknown to it"
                    raise TypeError(
                        f"{entry.name}() was given `{name}`, {problem}; its parameters are {', '.join(names)}"
                    )
                attributes[name] = value
        if len(attributes) < len(attribute_names):
            missing = [name for name in attribute_names if name not in attributes]
            raise TypeError(f"{entry.name}() needs {', '.join(missing)}; its parameters are {', '.join(names)}")
        return operands, attributes

    return bind


def operand(entry, value):
    """An operand that is no Tensor, as an array; numbers stay as they are, for promotion to see."""
    if isinstance(value, (_ndarray, NUMBERS)):
        return value
    return no_operand(entry, value)


def no_operand(entry, value):
    raise TypeError(
        f"{entry.name}: operands must be tensors, arrays or numbers, not {type(value).__name__}; "
        "convert it with tinygrad_edu.tensor(...)"
    )


def promoted(operands, floating, which=True):
    """The operands as arrays of one dtype (see dtypes.common_dtype); `which` of them, if it is a tuple."""
    chosen = range(len(operands)) if which is True else which
    among = [operands[i] for i in chosen if operands[i] is not None]
    dtype = common_dtype(*among)
    if floating and dtype.kind not in "fc":
        dtype = default_float()
    return [
        value
        if value is None
        or (type(value) is _ndarray and (value.dtype is dtype or (which is not True and i not in which)))
        else converted(value, dtype)
        if which is True
        else np.asarray(value, dtype if i in which else None)
        for i, value in enumerate(operands)
    ]


def converted(value, dtype):
    """An array of the dtype. Integers that do not fit wrap around, as PyTorch's operators have it: -4 is 252 in
    uint8."""
    try:
        return np.asarray(value, dtype)
    except OverflowError:
        return np.asarray(value).astype(dtype)
