"""How an operation is defined: the decorator `op`, and the table `OPS` in which it puts the operation.

    @op(lambda g, y: g * y, lambda g, x: g * x, label="×", ufunc=np.multiply, elementwise=True)
    def mul(x, y):
        "x · y, element by element."

The decorated function, the *kernel*, computes with NumPy arrays. Each rule gives the gradient for one operand: `g` is
d(loss)/d(result), and the other names say what the rule needs: an operand, `out` (the result), an attribute (a parameter
after the operands), `x_shape` for an operand x, or `needs` (which operands need gradients). Exactly those arrays are
kept until the backward pass. An operand without a gradient has the rule None.

Rules use only operators and operations of this library, so that they run on arrays and on Tensors alike; the latter
gives gradients of any order. They never undo broadcasting: the engine sums a gradient to its operand's shape.

The function that takes the kernel's place accepts Tensors, arrays and numbers. Given no Tensor at all it just
calls the kernel and returns plain arrays, which is how rules run fast.
"""
import functools
import weakref

import numpy as np

from .blocks import LARGE, in_blocks
from .clock import tick
from .dtypes import get_default_dtype, result_type
from .engine import Node
from .errors import OperationError
from .modes import state
from .tensor import NUMBERS, Tensor, of_array
from .views import track_view

OPS = {}
"""The table: name -> Op."""

COMPOSITES = {}
"""Functions of users that are composed of operations: name -> function. They are recorded as what they call."""

SYNONYMS = {"axis": "dim", "axes": "dim", "keepdims": "keepdim", "ddof": "correction", "a_min": "min", "a_max": "max"}
"""NumPy's spellings of parameters, accepted wherever PyTorch's are."""

_new = object.__new__
_ndarray = np.ndarray


class Op:
    """One row of the table. The parameters of `op` say what its fields mean."""

    def __init__(self, kernel, rules, joint, operands, **facts):
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
        self.names = tuple(self._names_of(rule) for rule in (rules if joint is None else (joint,)))
        arrays = {*self.operands, "operands", "out"}
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
        known = {*self.parameters, "out", "needs", *(f"{operand}_shape" for operand in self.operands)}
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
            None if parent is None else rule(g, *self._values(node, index, box))
            for index, (parent, rule) in enumerate(zip(node.parents, self.rules))
        ]

    def _values(self, node, index, box):
        """What rule number `index` asked for; the arrays as Tensors with their history if there is a `box`."""
        kept = node.kept[index]
        if box is None:
            return kept
        values = []
        for name, value in zip(self.names[index], kept):
            if name in self.operands and isinstance(value, _ndarray):
                value = box(value, node.parents[self.operands.index(name)])
            elif name == "operands":
                value = tuple(box(array, parent) for array, parent in zip(value, node.parents))
            elif name == "out":
                value = box(value, node) if node.shape is not None else results(value, node)
            values.append(value)
        return values

    def kept_by_name(self, node):
        """(description, value) of everything that a node of this operation keeps."""
        for names, values in zip(self.names, node.kept):
            for name, value in zip(names, values):
                if isinstance(value, tuple) and name in ("operands", "out"):
                    yield from ((f"operand {i}" if name == "operands" else f"result {i}", v) for i, v in enumerate(value))
                else:
                    yield ("result" if name == "out" else f"operand `{name}`"), value

    # ---- what goes wrong

    def explain(self, error, operands):
        """The error to raise instead of NumPy's: it says which operation, and the shapes and dtypes it was given."""
        given = ", ".join(
            f"{value.dtype} {value.shape}" if isinstance(value, _ndarray) else repr(value) for value in operands
        )
        if isinstance(error, OperationError) and str(error).startswith(f"{self.name}: "):
            return error
        text = str(error)
        if "could not be broadcast" in text or "shape mismatch" in text:
            text = "these shapes do not broadcast: counted from the last dimension, sizes must be equal, or one of them 1"
        known = (TypeError, IndexError, NotImplementedError)  # NumPy's own kinds of them cannot be made from a text
        kind = next((kind for kind in known if isinstance(error, kind)), OperationError)
        return kind(f"{self.name}: {text}. Operands: {given}")


class SelectOp:
    """Picks one result of a node that has several; its gradient is a part of theirs."""

    name = label = "select"
    rules = joint = definition = None
    keeps = elementwise = view = False
    differentiable = True

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


def op(
    *rules,
    joint=None,
    operands=None,
    label=None,
    operators=(),
    aliases=(),
    ufunc=None,
    numpy=(),
    method=True,
    inplace=False,
    elementwise=False,
    linear=(),
    view=False,
    floating=False,
    promotes=True,
    spread=None,
    domain=(-3.0, 3.0),
    avoid=(),
    samples=(),
    definition=None,
    random=False,
    oracle=None,
    internal=False,
):
    """Define an operation by its kernel and put it in the table.

    rules        one per operand: how to compute its gradient; None for operands that have none
    joint        instead of `rules`: one function that returns the gradients of all operands; `operands` counts them
                 (a kernel with `*xs` takes any number)
    label        what graphs show
    operators    special methods that it implements, e.g. `__mul__`, `__rmul__` (operands exchanged)
    aliases      further names
    ufunc        NumPy's ufunc that computes the same: called instead of the kernel, and calls the operation when given Tensors
    numpy        NumPy's functions that call the operation when given Tensors
    method       whether Tensors have it as a method
    inplace      whether Tensors have it as a method `name_` that overwrites the tensor
    elementwise  each element of the result depends on the same element of the (broadcast) operands only
    linear       numbers of the operands in which it is linear
    view         the result may share memory with the first operand
    floating     integer operands are converted to the default floating dtype
    promotes     operands are converted to a common dtype; a tuple says which ones
    spread       a parameter whose items may be given one by one: x.reshape(2, 3) for x.reshape((2, 3))
    domain       for tests: the interval (or kind of matrix) from which operands are drawn; a tuple of them, one per operand
    avoid        for tests: points at which it is not differentiable
    samples      for tests: operands and attributes to try, each a `case`
    definition   the same as a composition of simpler operations
    random       draws random numbers
    oracle       for tests: computes the same with NumPy, where neither `ufunc` nor `numpy` does
    internal     not offered to users under this name: only other operations and rules call it
    """

    def register(kernel):
        entry = Op(
            kernel, rules, joint, operands, label=label, operators=operators, aliases=aliases, ufunc=ufunc,
            numpy=numpy, method=method, inplace=inplace, elementwise=elementwise, linear=linear, view=view,
            floating=floating, promotes=promotes, spread=spread, domain=domain, avoid=avoid, samples=samples,
            definition=definition, random=random, oracle=oracle, internal=internal,
        )  # fmt: skip
        if entry.name in OPS:
            raise NameError(f"there is an operation `{entry.name}` already")
        make = (make_unary if len(entry.operands) == 1 else make_binary) if is_simple(entry) else make_general
        call = make(entry)
        call.__name__ = call.__qualname__ = kernel.__name__
        call.__doc__ = kernel.__doc__
        call.__module__ = kernel.__module__
        call.op = entry
        entry.call = call
        OPS[entry.name] = entry
        attach(entry)
        return call

    return register


def composite(function=None, *, method=True, aliases=(), numpy=(), samples=(), inplace=False):
    """Offer a function composed of operations to users: in the package, and as a method of Tensor.

    Parameters as for `op`. Its first parameter may be called `input`, as in PyTorch.
    """
    if function is None:
        return lambda function: composite(
            function, method=method, aliases=aliases, numpy=numpy, samples=samples, inplace=inplace
        )
    names = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
    synonyms = {alias: name for alias, name in SYNONYMS.items() if name in names and alias not in names}
    synonyms.update({alias: name for alias, name in zip(("input", "other"), names) if alias not in names})

    @functools.wraps(function)
    def call(*args, **named):
        if named:
            named = {synonyms.get(name, name): value for name, value in named.items()}
        return function(*args, **named)

    call.aliases, call.numpy, call.samples, call.inplace = aliases, numpy, samples, inplace
    COMPOSITES[function.__name__] = call
    if method:
        for name in (function.__name__, *aliases):
            setattr(Tensor, name, call)
    return call


def case(*operands, **attributes):
    """A sample for tests: for each operand a shape (random numbers of the domain), `ints`, `bools` or an array."""
    return operands, attributes


def ints(high, *shape):
    """For `case`: integers from 0 to high - 1."""
    return "ints", high, shape


def bools(*shape):
    """For `case`: booleans."""
    return "bools", shape


# ---- the functions that take a kernel's place: one for each common form, because a small tensor's time is spent here


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
    """Whether the operation has one or two operands called x and y, nothing else, and rules that ask for nothing else."""
    return (
        entry.operands in (("x",), ("x", "y"))
        and not (entry.attributes or entry.view or entry.random or entry.rules is None)
        and entry.promotes is True
        and all(names in PICKERS for names in entry.names)
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
            a = a.astype(get_default_dtype())
        try:
            mode = state.mode
            out = in_blocks(kernel, (a,)) if elementwise and a.size > LARGE else mode.quiet(kernel, a)
        except Exception as error:
            raise entry.explain(error, (a,)) from error
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
        return result

    return unary


def make_binary(entry):
    kernel, elementwise, floating = entry.ufunc or entry.kernel, entry.elementwise, entry.floating
    pick_x, pick_y = (PICKERS[names] for names in entry.names)
    differentiable, keeps = entry.differentiable, entry.keeps
    lacks_x, lacks_y = (rule is None and differentiable for rule in entry.rules)

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
            raise entry.explain(error, (a, b)) from error
        if type(out) is not _ndarray:
            out = np.asarray(out)
        result = _new(Tensor)
        result.array = out
        result.node = None
        result._base = None
        if lacks_x:
            x = None
        if lacks_y:
            y = None
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
        return result

    return binary


def make_general(entry):
    kernel, variadic, count = entry.kernel, entry.variadic, len(entry.operands)
    bind = make_binder(entry)

    def general(*args, **named):
        operands, attributes = bind(args, named)
        tensors = [isinstance(value, Tensor) for value in operands]
        if True not in tensors:
            return kernel(*operands, **attributes)
        arrays = [
            value.array if is_tensor else (None if value is None else operand(entry, value))
            for value, is_tensor in zip(operands, tensors)
        ]
        if entry.promotes:
            arrays = promoted(arrays, entry.floating, entry.promotes)
        try:
            out = state.quiet(kernel_call, kernel, arrays, attributes)
        except Exception as error:
            raise entry.explain(error, arrays) from error
        several = isinstance(out, tuple)
        if not several and type(out) is not _ndarray:
            out = np.asarray(out)
        node = None
        if entry.differentiable and state.grad_enabled:
            parents = tuple([value.node if is_tensor else None for value, is_tensor in zip(operands, tensors)])
            if entry.rules is not None:
                parents = tuple([None if rule is None else p for rule, p in zip(entry.rules, parents)])
            if any([parent is not None for parent in parents]):
                node = record(entry, parents, arrays, attributes, out)
        if several:
            return results(out, node)
        result = of_array(out, node)
        if entry.view and (arrays[0] is out.base or arrays[0].base is out.base is not None):
            track_view(result, operands[0], general, attributes)
        return result

    def record(entry, parents, arrays, attributes, out):
        values = {"out": out, "needs": tuple([parent is not None for parent in parents]), **attributes}
        if variadic:
            values["operands"] = tuple(arrays)
            values["shapes"] = tuple([array.shape for array in arrays])
        else:
            for name, array in zip(entry.operands, arrays):
                values[name] = array
                values[name + "_shape"] = None if array is None else array.shape
        if entry.rules is None:
            kept = (tuple([values[name] for name in entry.names[0]]),)
        else:
            kept = tuple(
                [
                    () if parent is None else tuple([values[name] for name in names])
                    for parent, names in zip(parents, entry.names)
                ]
            )
        if isinstance(out, tuple):
            shapes = tuple((np.shape(array), np.asarray(array).dtype) for array in out)
            return Node(entry, parents, kept, {**attributes, "shapes": shapes}, None, None, tick())
        if out.dtype.kind not in "fc":
            return None
        return Node(entry, parents, kept, attributes, out.shape, out.dtype, tick())

    return general


def kernel_call(kernel, arrays, attributes):
    return kernel(*arrays, **attributes)


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
            raise TypeError(f"{entry.name}() takes at most {len(names)} arguments ({', '.join(names)}), not {len(args)}")
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
                    raise TypeError(f"{entry.name}() was given `{name}`, {problem}; its parameters are {', '.join(names)}")
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
    """The operands as arrays of one dtype (see dtypes.result_type); `which` of them, if it is a tuple."""
    chosen = range(len(operands)) if which is True else which
    among = [operands[i] for i in chosen if operands[i] is not None]
    dtype = result_type(*among)
    if floating and dtype.kind not in "fc":
        dtype = get_default_dtype()
    return [
        value
        if value is None or (type(value) is _ndarray and (value.dtype is dtype or (which is not True and i not in which)))
        else np.asarray(value, dtype if which is True or i in which else None)
        for i, value in enumerate(operands)
    ]


def attach(entry):
    """Give Tensor the methods and operators of an operation."""
    if entry.method and not entry.internal:
        for name in (entry.name, *entry.aliases):
            setattr(Tensor, name, entry.call)
    for name in entry.operators:
        special = reflected if name.startswith("__r") else equality if name in ("__eq__", "__ne__") else lambda call: call
        setattr(Tensor, name, special(entry.call))


def reflected(call):
    """y ∘ x for x ∘ y."""

    def swapped(self, other):
        return call(other, self)

    return swapped


def equality(call):
    """== or != that leaves anything but numbers, arrays and Tensors to Python, so that `tensor == None` is False."""

    def compare(self, other):
        return call(self, other) if isinstance(other, (Tensor, _ndarray, NUMBERS)) else NotImplemented

    return compare
