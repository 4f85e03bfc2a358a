"""PyTorch's old types of tensors: FloatTensor and its like, each a tensor of one dtype."""

import numpy as np

from .dtypes import as_dtype, dtype_of
from .tensor import Tensor, of_array, tensor
from .text import namespace

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor",
    "ShortTensor",
]  # fmt: skip

TYPES = {
    "FloatTensor": "float32", "DoubleTensor": "float64", "HalfTensor": "float16", "ByteTensor": "uint8",
    "CharTensor": "int8",
    "ShortTensor": "int16", "IntTensor": "int32", "LongTensor": "int64", "BoolTensor": "bool",
}  # fmt: skip
NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}


class TensorType(type):
    """`isinstance(x, FloatTensor)`: whether x is a tensor of that dtype."""

    def __instancecheck__(cls, x):
        return isinstance(x, Tensor) and x.dtype == cls.dtype

    def __repr__(cls):
        return f"<class '{namespace['prefix'] or 'tinygrad_edu.'}{cls.__name__}'>"


def make(name, kind):
    def new(cls, *data):
        """FloatTensor([1, 2]) holds the data, FloatTensor(2, 3) has that size and any values."""
        if data and all(isinstance(n, int) and not isinstance(n, bool) for n in data):
            return of_array(np.empty(data, kind), None)
        return tensor(data[0] if data else (), dtype=kind)

    return TensorType(name, (), {"__new__": new, "dtype": np.dtype(kind), "__doc__": f"A tensor of {kind} values."})


(
    FloatTensor, DoubleTensor, HalfTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor, BoolTensor,
) = [make(name, kind) for name, kind in TYPES.items()]  # fmt: skip


def dtype_of_type(kind):
    """The dtype meant by a tensor type, its name ("torch.FloatTensor") or a dtype."""
    if isinstance(kind, TensorType):
        return kind.dtype
    if isinstance(kind, str) and kind.rpartition(".")[2] in TYPES:
        return np.dtype(TYPES[kind.rpartition(".")[2]])
    return as_dtype(kind)


def type(self, dtype=None, non_blocking=False):
    """The name of the tensor's type, "tinygrad_edu.FloatTensor"; or the tensor converted to a dtype or type."""
    if dtype is None:
        return (namespace["prefix"] or "tinygrad_edu.") + NAMES.get(self.array.dtype, repr(dtype_of(self.array)))
    return self.to(dtype_of_type(dtype))


Tensor.type = type
