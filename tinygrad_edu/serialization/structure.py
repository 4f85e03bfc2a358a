"""Containers as JSON: what a safetensors file, which holds arrays by name, does not say about the object saved.

None, booleans, text, integers and finite floats are written as JSON has them, lists as lists. All else is an object of
one entry, whose name says what it is:

    {"dict": [[key, value], ...]}   {"OrderedDict": ...}   {"Counter": ...}   {"tuple": [...]}   {"set": [...]}
    {"tensor": name}   {"array": name}   {"Size": [...]}   {"dtype": "float32"}   {"device": "cpu"}   ...
"""

import base64
from collections import Counter, OrderedDict

import numpy as np

from .. import devices, dtypes
from ..tensor import Size, Tensor
from .errors import LoadError
from .files import bytes_of
from .plain import attributes_of, check_key


def described(value, names):
    """`value` in the form above. names: the name of each tensor and array, by id."""
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        return value if abs(value) < 1 << 63 else {"int": hex(value)}
    if kind is float:
        return value if np.isfinite(value) else {"float": str(value)}
    if kind is list:
        return [described(item, names) for item in value]
    if kind in (dict, OrderedDict, Counter):
        items = pairs(value, names)
        attributes = attributes_of(value)
        return {kind.__name__: items if not attributes else {"items": items, "attributes": pairs(attributes, names)}}
    if isinstance(value, Tensor):
        return {"tensor": names[id(value)]}
    if isinstance(value, np.generic):
        return {"number": [value.dtype.str[1:], bytes_of(value).hex()]}
    if isinstance(value, np.dtype):
        return {"numpy.dtype": value.str[1:]}
    if isinstance(value, dtypes.DType):
        return {"dtype": value.name}
    return WRITERS[kind](value, names)


def pairs(mapping, names):
    return [[described(key, names), described(value, names)] for key, value in mapping.items()]


WRITERS = {
    tuple: lambda value, names: {"tuple": [described(item, names) for item in value]},
    set: lambda value, names: {"set": [described(item, names) for item in value]},
    np.ndarray: lambda value, names: {"array": names[id(value)]},
    Size: lambda value, names: {"Size": list(value)},
    complex: lambda value, names: {"complex": [described(value.real, names), described(value.imag, names)]},
    bytes: lambda value, names: {"bytes": base64.b64encode(value).decode()},
    bytearray: lambda value, names: {"bytearray": base64.b64encode(value).decode()},
    devices.device: lambda value, names: {"device": str(value)},
    devices.layout: lambda value, names: {"layout": value.name},
}


def rebuilt(value, tensors, arrays):
    """The object that `described` made `value` from. tensors, arrays: functions that return the one of a name."""
    if isinstance(value, list):
        return [rebuilt(item, tensors, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise LoadError(f"the description of the structure has an object of {len(value)} entries instead of one")
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors(content)
    if kind == "array":
        return arrays(content)
    if kind not in READERS:
        raise LoadError(f"the description of the structure names {kind!r}, which this version does not know")
    return READERS[kind](content, lambda item: rebuilt(item, tensors, arrays))


def mapping(make):
    def read(content, inner):
        result, attributes = make(), ()
        if isinstance(content, dict):
            content, attributes = content["items"], content["attributes"]
        for key, value in content:
            key = inner(key)
            check_key(key, "the structure", LoadError)
            result[key] = inner(value)
        for name, item in attributes:
            set_attribute(result, name, inner(item))
        return result

    return read


def set_attribute(target, name, value):
    """Give an OrderedDict an attribute that a file says it has: never one that would hide a method."""
    if type(target) is not OrderedDict or type(name) is not str or hasattr(OrderedDict, name):
        raise LoadError(f"the file sets the attribute {name!r} of a {type(target).__name__}")
    setattr(target, name, value)


def keys(content, inner):
    """The items of a set."""
    items = [inner(item) for item in content]
    for item in items:
        check_key(item, "the structure", LoadError)
    return set(items)


CODES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
NUMPY_DTYPES = {sign + code: np.dtype(code) for code in CODES for sign in ("", "|", "<")}
"""NumPy's dtypes of numbers by what a file may call them."""


def number_dtype(code):
    if type(code) is not str or code not in NUMPY_DTYPES:
        raise LoadError(
            f"the file names the NumPy dtype {code!r:.40}, which is none of numbers, or of another byte order"
        )
    return NUMPY_DTYPES[code]


def number(content, inner):
    code, digits = content
    dtype = number_dtype(code)
    return np.frombuffer(bytes.fromhex(digits), dtype.newbyteorder("<"), 1).astype(dtype)[0]


def size_of(sizes):
    """A Size, of what is checked to be integers."""
    if type(sizes) not in (list, tuple) or not all(type(n) is int and abs(n) < 1 << 63 for n in sizes):
        raise LoadError("the file has a Size of other things than integers")
    return Size(sizes)


READERS = {
    "dict": mapping(dict),
    "OrderedDict": mapping(OrderedDict),
    "Counter": mapping(Counter),
    "tuple": lambda content, inner: tuple([inner(item) for item in content]),
    "set": keys,
    "int": lambda content, inner: int(content, 16),
    "float": lambda content, inner: float(content),
    "complex": lambda content, inner: complex(*(float(inner(part)) for part in content)),
    "bytes": lambda content, inner: base64.b64decode(content, validate=True),
    "bytearray": lambda content, inner: bytearray(base64.b64decode(content, validate=True)),
    "Size": lambda content, inner: size_of(content),
    "dtype": lambda content, inner: dtypes.named(content),
    "numpy.dtype": lambda content, inner: number_dtype(content),
    "number": number,
    "device": lambda content, inner: devices.device(content),
    "layout": lambda content, inner: LAYOUTS[content],
}
LAYOUTS = {"strided": devices.strided}
