"""NumPy's functions on Tensors: `np.exp(x)`, `np.mean(x, axis=0)`, `array * x` give recorded Tensors.

NumPy asks the arguments of its ufuncs for `__array_ufunc__` (NEP 13) and those of its other functions for
`__array_function__` (NEP 18). Which operation answers is a fact of the table: `ufunc=` and `numpy=` of `op` and
`composite`. Where NumPy's function takes other arguments, or means something slightly different, `numpy_functions.py`
has an adapter.

Any other NumPy function is computed with the arrays, if none of the tensors needs gradients; else it raises, because
its result would not be differentiated and nobody would know. Nothing is ever written into a Tensor behind its back.
"""

import functools

import numpy as np

from .calls import SYNONYMS
from .define import COMPOSITES, OPS
from .numpy_functions import ADAPTERS, NO_GRADIENT, PLAIN, WRITERS
from .tensor import NUMBERS, Tensor, of_array

REDUCTIONS = {
    np.add: "sum", np.multiply: "prod", np.maximum: "amax", np.minimum: "amin",
    np.logical_and: "all", np.logical_or: "any",
}  # fmt: skip
SCANS = {np.add: "cumsum", np.multiply: "cumprod"}
RENAMED = {"k": "diagonal", "axis": "dims", "axes": "dims", "axis1": "dim1", "axis2": "dim2", "rcond": "rtol"}
IGNORED = {"subok", "order", "kind", "casting", "optimize"}
"""Settings of NumPy that change nothing for Tensors, and do not change values."""

_table = {"size": 0}


def __array_ufunc__(self, ufunc, method, *inputs, **named):
    """What NumPy calls for `ufunc(*inputs)`, or one of the methods of the ufunc, when an input is a Tensor."""
    if not all(
        isinstance(x, (Tensor, np.ndarray, NUMBERS, list, tuple, type(None))) for x in inputs + named.get("out", ())
    ):
        return NotImplemented  # leave it to the other type
    if named.get("out") is not None:
        return _into_arrays(ufunc, method, inputs, named)
    name = f"numpy.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    inputs = [np.asarray(x) if isinstance(x, (list, tuple)) else x for x in inputs]
    if named.get("where", True) is not True:
        raise TypeError(f"{name} of Tensors takes no `where`; write tinygrad_edu.where(condition, ...)")
    if method == "__call__" and not named:
        call = ADAPTERS.get(ufunc) or table().get(ufunc, (None,))[0]
        if call is not None:
            return call(*inputs)
    if method == "reduce" and ufunc in REDUCTIONS and named.keys() <= {"axis", "keepdims", "dtype"}:
        named = {"axis": 0, **{key: value for key, value in named.items() if value is not None or key == "axis"}}
        return OPS[REDUCTIONS[ufunc]].call(*inputs, **named)
    if method == "accumulate" and ufunc in SCANS and not named:
        return OPS[SCANS[ufunc]].call(*inputs, 0)
    if method == "at":
        raise TypeError(
            f"{name} writes into its first argument; for a Tensor write x.index_put_(index, values, accumulate=True)"
        )
    return on_arrays(ufunc if method == "__call__" else getattr(ufunc, method), name, inputs, named)


def __array_function__(self, function, types, args, named):
    """What NumPy calls for `function(*args, **named)` when an argument is a Tensor."""
    if not all(issubclass(kind, (Tensor, np.ndarray)) for kind in types):
        return NotImplemented
    name = f"{function.__module__}.{function.__name__}"
    if function in WRITERS or named.get("out") is not None:
        raise TypeError(
            f"{name} would write into an array that it is given: {WRITERS.get(function, 'leave out `out`')}"
        )
    if function in ADAPTERS:
        return ADAPTERS[function](*args, **named)
    if function in table():
        return by_table(function, name, args, named)
    if function in PLAIN:
        return function(*plain(args), **plain(named))
    return on_arrays(function, name, args, named)


def table():
    """NumPy's functions in the table of operations: function -> (operation, attributes unlike its defaults)."""
    if _table["size"] != len(OPS) + len(COMPOSITES):
        for call, functions, ufunc in (
            *((entry.call, entry.numpy, entry.ufunc) for entry in OPS.values()),
            *((call, call.numpy, None) for call in COMPOSITES.values()),
        ):
            for function in functions:
                if getattr(function, "__name__", "") != "reduce":
                    _table[function] = call, functions[function] if isinstance(functions, dict) else {}
            if ufunc is not None:
                _table[ufunc] = call, {}
        _table["size"] = len(OPS) + len(COMPOSITES)
    return _table


def by_table(function, name, args, named):
    """Call the operation for `function` with the arguments, under the operation's names for them.

    Required parameters of NumPy's function are the first of the operation; the others have the same name, or one of
    SYNONYMS.
    """
    call, overrides = table()[function]
    parameters = signature(function)
    if parameters is None:  # written in C, without a signature
        return call(*args, **named)
    if len(args) > sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters.values()):
        raise TypeError(f"{name} was given too many arguments: {len(args)}")
    given = {**dict(zip(parameters, args)), **named}
    own = names_of(call)
    translated = dict(overrides)
    for index, (key, parameter) in enumerate(parameters.items()):
        if key not in given:
            if parameter.default is parameter.empty:
                raise TypeError(f"{name} needs a value for `{key}`")
            continue
        value = given.pop(key)
        if parameter.default is parameter.empty:
            translated[own[index]] = value
        elif value is not parameter.default and key not in IGNORED:
            target = next((t for t in (key, SYNONYMS.get(key), RENAMED.get(key)) if t in own), None)
            if target is None:
                raise TypeError(
                    f"{name} of a Tensor does not take `{key}`; `{call.__name__}` has the parameters {', '.join(own)}"
                )
            translated[target] = value
    if given:
        raise TypeError(f"{name} has no parameter {', '.join(given)}")
    operands = [translated.pop(own[0])] if own and own[0] in translated else []
    return call(*operands, **translated)


def names_of(call):
    """The names of the parameters of an operation or a composite."""
    if hasattr(call, "op"):
        return call.op.parameters
    code = call.__wrapped__.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


@functools.cache
def signature(function):
    """The parameters of a NumPy function by name, or None if it does not tell."""
    import inspect

    try:
        return inspect.signature(function).parameters
    except ValueError:
        return None


def on_arrays(function, name, args, named):
    """`function` of the arrays, as Tensors; an error if the result should have had a gradient."""
    if function not in NO_GRADIENT and any(x.node is not None for x in tensors_in((args, named))):
        raise TypeError(
            f"{name} of a Tensor that requires gradients: there is no operation for it, hence its result would not be "
            "differentiated. Use operations of tinygrad_edu; if no gradient is wanted, write x.detach().numpy()"
        )
    return as_tensors(function(*plain(args), **plain(named)))


def _into_arrays(ufunc, method, inputs, named):
    """ufunc(..., out=array), which is also what `array += x` does: allowed if nothing would have to be recorded."""
    out = named["out"]
    if any(isinstance(x, Tensor) for x in out):
        raise TypeError(
            f"numpy.{ufunc.__name__} cannot write into a Tensor; use the in-place operations, such as x.add_(y)"
        )
    if any(isinstance(x, Tensor) and x.node is not None for x in inputs):
        raise TypeError(
            f"numpy.{ufunc.__name__} would write a Tensor that requires gradients into an array (`array += x` does "
            "so), which would not be recorded. Write array = array + x, or use x.detach().numpy()"
        )
    return getattr(ufunc, method)(*plain(inputs), **plain(named))


def plain(value):
    """`value` with the Tensors in tuples, lists and dicts replaced by their arrays."""
    if isinstance(value, Tensor):
        return value.array
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    return {key: plain(item) for key, item in value.items()} if type(value) is dict else value


def tensors_in(value):
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(item)


def as_tensors(value):
    """Arrays of numbers, and NumPy numbers, as Tensors; also in tuples and lists."""
    if isinstance(value, (np.ndarray, np.number, np.bool_)):
        return of_array(np.asarray(value), None) if value.dtype.kind in "biufc" else value
    if isinstance(value, (tuple, list)):
        items = [as_tensors(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


Tensor.__array_ufunc__ = __array_ufunc__
Tensor.__array_function__ = __array_function__
