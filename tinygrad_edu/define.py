"""How an operation is defined: the decorator `op`, and the table `OPS` in which it puts the operation.

    @op(lambda g, y: g * y, lambda g, x: g * x, label="×", ufunc=np.multiply, elementwise=True)
    def mul(x, y):
        "x · y, element by element."

The decorated function, the *kernel*, computes with NumPy arrays. Each rule gives the gradient for one operand: `g` is
d(loss)/d(result), and the other names say what the rule needs: an operand, `out` (the result), an attribute (a
parameter after the operands), `x_shape` for an operand x, or `needs` (which operands need gradients). Exactly those
arrays are kept until the backward pass. An operand without a gradient has the rule None.

Rules use only operators and operations of this library, so that they run on arrays and on Tensors alike; the latter
gives gradients of any order. They never undo broadcasting: the engine sums a gradient to its operand's shape.

The function that takes the kernel's place accepts Tensors, arrays and numbers. Given no Tensor at all it just
calls the kernel and returns plain arrays, which is how rules run fast.
"""

import functools

import numpy as np

from .calls import SYNONYMS, has_one_operand, is_simple, make_binary, make_general, make_unary, make_with_attributes
from .operation import Op
from .tensor import NUMBERS, Tensor

OPS = {}
"""The table: name -> Op."""

COMPOSITES = {}
"""Functions of users that are composed of operations: name -> function. They are recorded as what they call."""


def op(
    *rules,
    joint=None,
    operands=None,
    saves=(),
    adds=None,
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
    multiply_adds=None,
    internal=False,
):
    """Define an operation by its kernel and put it in the table.

    rules        one per operand: how to compute its gradient; None for operands that have none
    joint        instead of `rules`: one function that returns the gradients of all operands; `operands` counts them
                 (a kernel with `*xs` takes any number)
    saves        names of values that the kernel returns after its result, (out, value, ...), for the joint rule to ask
                 for. Where gradients are recorded the rule gets None for them, and computes them by operations
    adds         for one operand with a rule: adds(total, g, ...), with what the rule asks for, adds the gradient to the
                 array `total` in place. Worth it where the gradient is mostly zeros
    label        what graphs show
    operators    special methods that it implements, e.g. `__mul__`, `__rmul__` (operands exchanged)
    aliases      further names
    ufunc        NumPy's ufunc that computes the same: called instead of the kernel, and calls the operation when given
                 Tensors
    numpy        NumPy's functions that call the operation when given Tensors
    method       whether Tensors have it as a method
    inplace      whether Tensors have it as a method `name_` that overwrites the tensor
    elementwise  each element of the result depends on the same element of the (broadcast) operands only
    linear       numbers of the operands in which it is linear
    view         the result may share memory with the first operand
    floating     integer operands are converted to the default floating dtype
    promotes     operands are converted to a common dtype; a tuple says which ones
    spread       a parameter whose items may be given one by one: x.reshape(2, 3) for x.reshape((2, 3))
    domain       for tests: the interval (or kind of matrix) from which operands are drawn; a tuple of them, one per
                 operand
    avoid        for tests: points at which it is not differentiable
    samples      for tests: operands and attributes to try, each a `case`
    definition   the same as a composition of simpler operations
    random       draws random numbers
    multiply_adds  how many products of two numbers are added up, for an operation that consists of matrix products: a
                 function of shapes (of operands, by their names, and `out`) and of attributes; see cost.py
    oracle       for tests: computes the same with NumPy, where neither `ufunc` nor `numpy` does
    internal     not offered to users under this name: only other operations and rules call it
    """

    def register(kernel):
        entry = Op(
            kernel, rules, joint, operands, saves=saves, adds=adds, label=label, operators=operators, aliases=aliases,
            ufunc=ufunc,
            numpy=numpy, method=method, inplace=inplace, elementwise=elementwise, linear=linear, view=view,
            floating=floating, promotes=promotes, spread=spread, domain=domain, avoid=avoid, samples=samples,
            definition=definition, random=random, oracle=oracle, multiply_adds=multiply_adds, internal=internal,
        )  # fmt: skip
        if entry.name in OPS:
            raise NameError(f"there is an operation `{entry.name}` already")
        if is_simple(entry):
            make = make_unary if len(entry.operands) == 1 else make_binary
        else:
            make = make_with_attributes if has_one_operand(entry) else make_general
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


def attach(entry):
    """Give Tensor the methods and operators of an operation."""
    if entry.method and not entry.internal:
        for name in (entry.name, *entry.aliases):
            setattr(Tensor, name, entry.call)
    for name in entry.operators:
        special = (
            reflected if name.startswith("__r") else equality if name in ("__eq__", "__ne__") else lambda call: call
        )
        setattr(Tensor, name, special(entry.call))


def reflected(call):
    """y ∘ x for x ∘ y."""

    def swapped(self, other):
        return call(other, self)

    return swapped


def equality(call):
    """== or != that leaves anything but numbers, arrays and Tensors to Python, so that `tensor == None` is False."""

    def compare(self, other):
        return call(self, other) if isinstance(other, (Tensor, np.ndarray, NUMBERS)) else NotImplemented

    return compare
