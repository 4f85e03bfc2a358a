"""What can be saved: tensors, arrays, numbers, text and plain containers of them; and how all else is refused."""

from collections import Counter, OrderedDict

import numpy as np

from ..devices import device, layout
from ..dtypes import DType
from ..tensor import Size, Tensor

DEEPEST = 100
"""Containers may lie this deep within each other. Programs need five; without a limit a file could exhaust the stack
of whoever walks through what was loaded."""

MAPPINGS = (dict, OrderedDict, Counter)
CONTAINERS = (*MAPPINGS, list, tuple, set)
CONSTANTS = (type(None), bool, int, float, complex, str, bytes, bytearray, Size, device, layout)
NUMBERS = frozenset("?bhilqBHILQefdFD")
"""NumPy's letters for the dtypes whose arrays and scalars are saved."""


def is_number_dtype(dtype):
    return dtype.char in NUMBERS


def is_constant(value):
    """Whether a value is saved as it is, without looking into it."""
    if isinstance(value, np.generic):
        return is_number_dtype(value.dtype)
    if isinstance(value, np.dtype):
        return is_number_dtype(value)
    return type(value) in CONSTANTS or isinstance(value, DType)


def items_of(value):
    """[(key or index, item)] of a container."""
    if type(value) in MAPPINGS:
        return [*value.items(), *attributes_of(value).items()]
    return [] if type(value) is set else list(enumerate(value))


def attributes_of(value):
    """The attributes that somebody gave to a dictionary: PyTorch's state dictionaries have `_metadata`."""
    return vars(value) if type(value) is OrderedDict else {}


def walk(obj, error, refuse):
    """[(path, value)] of all tensors and arrays in `obj`, each once; a path is a tuple of keys. It does not recurse.

    error   what to raise for keys that cannot be keys, containers that contain themselves and those that lie too deep
    refuse  refuse(path, value) raises for what is no tensor, no container and no constant
    """
    found, seen, heights, opened = [], set(), {}, set()
    todo = [((), obj, False)]
    while todo:
        path, value, leaving = todo.pop()
        key = id(value)
        if leaving:
            opened.discard(key)
            heights[key] = 1 + max((heights.get(id(item), 0) for _, item in items_of(value)), default=0)
            if heights[key] > DEEPEST:
                raise error(f"{text_of(path)} holds containers within containers, more than {DEEPEST} deep")
        elif isinstance(value, Tensor) or type(value) is np.ndarray:
            if not is_number_dtype(value.array.dtype if isinstance(value, Tensor) else value.dtype):
                refuse(path, value)
            if key not in seen:
                seen.add(key)
                found.append((path, value))
        elif type(value) in CONTAINERS:
            if key in opened:
                raise error(f"{text_of(path)} contains itself")
            if key in heights:
                continue
            if len(opened) >= DEEPEST:
                raise error(f"{text_of(path)} lies in containers within containers, more than {DEEPEST} deep")
            if type(value) in MAPPINGS or type(value) is set:
                for item in value:
                    check_key(item, text_of(path), error)
            opened.add(key)
            todo.append((path, value, True))
            todo += [((*path, step), item, False) for step, item in reversed(items_of(value))]
        elif not is_constant(value):
            refuse(path, value)
    return found


def text_of(path):
    """How a program would write the way to an item."""
    return "obj" + "".join(f"[{key!r}]" for key in path)


def check_key(key, path, error):
    """Raise unless `key` may be the key of a dictionary, or in a set: text, numbers, and tuples of them.

    Integers of more than 64 bits are refused, because a file could hold many of the same hash; so are tuples in tuples,
    because Python computes their hashes by recursion, without a limit.
    """
    for item in key if type(key) is tuple else (key,):
        if type(item) is int and not -(1 << 63) <= item < 1 << 64:
            raise error(f"{path} has an integer of more than 64 bits as a key")
        if type(item) in (bytearray, complex) or not is_constant(item):
            raise error(f"{path} has a {type(item).__name__} as a key; keys are text, numbers, or tuples of them")


def refuse(path, value):
    """Raise the error that says what cannot be saved and what to save instead."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    plain = next((base.__name__ for base in (str, int, float, list, dict, set) if isinstance(value, base)), None)
    if callable(getattr(value, "state_dict", None)):
        advice = (
            "To read it again, its class would have to be found and executed. Save what its state_dict() returns, and "
            "give that to load_state_dict() of a new one"
        )
    elif name.startswith("torch."):
        advice = "It belongs to PyTorch: convert it first, x.numpy(), or save it with torch.save"
    elif isinstance(value, (np.ndarray, np.generic, np.dtype, Tensor)):
        advice = "Of arrays, those of booleans and numbers are saved"
    elif isinstance(value, tuple):
        advice = "Save its items: tuple(x), or x._asdict()"
    elif plain is not None:
        advice = f"Its class would be lost; convert it yourself: {plain}(x)"
    elif callable(value):
        advice = "Functions and classes are not data"
    else:
        advice = "Save what it consists of"
    raise TypeError(
        f"save: {text_of(path)} is of type {name}, and only tensors, arrays, numbers, text and plain containers of "
        f"them are saved. {advice}"
    )
