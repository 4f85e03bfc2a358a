"""Conversion of Tensors: `to` and its short forms, views by other names, transposes as attributes."""

import numpy as np

from .. import devices as places
from ..define import composite
from ..dtypes import as_dtype
from ..tensor import Tensor
from .shape import cast, expand, permute, reshape, transpose


@composite
def to(x, *args, dtype=None, device=None, copy=False, non_blocking=False, memory_format=None):
    """x converted to a dtype, or to the dtype of another tensor; x itself where nothing changes and `copy` is not asked
    for.

    to(dtype), to(other), to("cpu"), to("cpu", dtype): the only device is "cpu".
    """
    for arg in args:
        if isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, bool):
            copy = arg
        elif isinstance(arg, (places.device, str)) and not _names_dtype(arg):
            device = arg
        elif arg is not None:
            dtype = arg
    places.check_device(device)
    if dtype is not None and as_dtype(dtype) != x.dtype:
        return cast(x, as_dtype(dtype))
    return x.clone() if copy else x


def _names_dtype(text):
    try:
        np.dtype(text)
    except TypeError:
        return False
    return True


def _short_form(name, dtype):
    def convert(self):
        return to(self, dtype)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"The tensor converted to {np.dtype(dtype)}."
    setattr(Tensor, name, convert)


for _name, _dtype in dict(
    float=np.float32, double=np.float64, half=np.float16, int=np.int32, long=np.int64, short=np.int16, char=np.int8,
    byte=np.uint8, bool=np.bool_,
).items():  # fmt: skip
    _short_form(_name, _dtype)


@composite
def type_as(x, other):
    """x converted to the dtype of `other`."""
    return to(x, other.dtype)


@composite
def view(x, *shape):
    """A view of x in another shape; an error where only a copy could have that shape (reshape makes one)."""
    shape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    if len(shape) == 1 and not isinstance(shape[0], (int, np.integer, Tensor)):
        raise TypeError(f"view takes sizes, not {shape[0]!r}; to convert the dtype use x.to(dtype)")
    result = reshape(x, shape)
    if result.array.size and not np.shares_memory(result.array, x.array):
        raise RuntimeError(
            f"view: a tensor of shape {tuple(x.shape)} and strides {x.stride()} cannot be seen in shape "
            f"{tuple(result.shape)} without copying; use reshape"
        )
    return result


@composite
def view_as(x, other):
    """A view of x in the shape of `other`."""
    return view(x, other.shape)


@composite
def reshape_as(x, other):
    """x in the shape of `other`."""
    return reshape(x, tuple(other.shape))


@composite
def expand_as(x, other):
    """x expanded to the shape of `other`."""
    return expand(x, tuple(other.shape))


@composite
def ravel(x):
    """x as a vector."""
    return reshape(x, (-1,))


Tensor.T = property(lambda self: permute(self, tuple(range(self.ndim))[::-1]), doc="All dimensions in reverse order.")
Tensor.mT = property(lambda self: transpose(self, -1, -2), doc="The last two dimensions exchanged.")
Tensor.H = Tensor.mT
