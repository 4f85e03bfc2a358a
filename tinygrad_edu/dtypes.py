"""Number types: their names, the default one, and which type a mixture of them gets (PyTorch's rules).

A tensor's dtype is a `DType`: a name with PyTorch's attributes, equal to NumPy's dtype of the same name and accepted by
NumPy wherever one is. Where NumPy's and PyTorch's rules for mixtures differ, PyTorch's hold: an integer with a
float takes the float's type (int64 with float32 is float32), and neither Python numbers nor 0-dimensional tensors
change the type of a tensor that has dimensions, unless they are of a higher kind (bool < integer < float).
Source: PyTorch, "Tensor Attributes", section torch.dtype.
"""

import numpy as np

from .text import namespace

__all__ = [
    "DType", "bfloat16", "bool_", "can_cast", "dtype", "finfo", "float16", "float32", "float64", "get_default_dtype",
    "iinfo", "int16", "int32", "int64", "int8", "promote_types", "result_type", "set_default_dtype", "uint16", "uint32",
    "uint64", "uint8",
]  # fmt: skip


class DType:
    """The type of a tensor's elements. Beyond the attributes below it has those of NumPy's dtype (`kind`, `itemsize`,
    ...).

    name   "float32", ...
    dtype  NumPy's dtype, which is also how NumPy reads this one
    """

    __slots__ = ("dtype", "name")

    def __init__(self, name):
        self.name = name
        self.dtype = np.dtype(name)

    @property
    def is_floating_point(self):
        return self.dtype.kind == "f"

    @property
    def is_complex(self):
        return self.dtype.kind == "c"

    @property
    def is_signed(self):
        return self.dtype.kind in "ifc"

    def __getattr__(self, name):
        return getattr(self.dtype, name)

    def __eq__(self, other):
        return self is other or self.dtype == other

    def __hash__(self):
        return hash(self.dtype)

    def __repr__(self):
        return namespace["prefix"] + self.name

    def __reduce__(self):
        return named, (self.name,)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


class MissingDType(DType):
    """A dtype that programs may name but no tensor can have."""

    __slots__ = ()

    def __init__(self, name):
        self.name = name

    @property
    def dtype(self):
        raise TypeError(f"there are no tensors of {self.name}: NumPy has no such type; use float32 or float16")

    is_floating_point, is_complex, is_signed = True, False, True

    def __getattr__(self, name):
        raise AttributeError(f"{self.name} has no attribute {name!r}: no tensor can have this dtype")

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return id(self)


float16, float32, float64 = DType("float16"), DType("float32"), DType("float64")
int8, int16, int32, int64 = DType("int8"), DType("int16"), DType("int32"), DType("int64")
uint8, uint16, uint32, uint64 = DType("uint8"), DType("uint16"), DType("uint32"), DType("uint64")
bool_ = DType("bool")
bfloat16 = MissingDType("bfloat16")
dtype = DType

_BY_NAME = {d.name: d for d in (
    float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool_, bfloat16,
    DType("complex64"), DType("complex128"),
)}  # fmt: skip
_BY_NUMPY = {d.dtype: d for d in _BY_NAME.values() if d is not bfloat16}


def named(name):
    """The DType of a name."""
    return _BY_NAME[name]


def dtype_of(array):
    """The DType of an array."""
    return _BY_NUMPY[array.dtype]


_default = np.dtype(np.float32)
_KINDS = "biufc"  # NumPy's letters in ascending order; unsigned and signed integers are one category
_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


def get_default_dtype():
    """The dtype of tensors made from Python floats: float32 unless `set_default_dtype` changed it."""
    return _BY_NUMPY[_default]


def default_float():
    """`get_default_dtype` as NumPy's dtype."""
    return _default


def set_default_dtype(dtype):
    """Make `dtype`, a floating type, the one that tensors made from Python floats get."""
    global _default
    chosen = as_dtype(dtype)
    if chosen.kind != "f":
        raise TypeError(f"the default dtype must be a floating type, not {chosen}")
    _default = chosen


def as_dtype(dtype):
    """The NumPy dtype that `dtype` (a DType, a NumPy dtype or scalar type, a name, or Python's float, int, bool)
    means."""
    if isinstance(dtype, DType):
        return dtype.dtype
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{dtype!r} is not a dtype; use tinygrad_edu.float32, 'float32' or numpy.float32") from None
    if dtype.kind not in _KINDS:
        raise TypeError(f"a tensor cannot hold {dtype} values, only booleans, integers and floating-point numbers")
    return dtype


def promote_types(a, b):
    """The smallest dtype to which both `a` and `b` convert by PyTorch's rules."""
    return _BY_NUMPY[promoted(as_dtype(a), as_dtype(b))]


def promoted(a, b):
    if a == b:
        return a
    if _CATEGORY[a.kind] == _CATEGORY[b.kind] or "b" in (a.kind, b.kind):
        return np.promote_types(a, b)
    if "c" in (a.kind, b.kind):
        return np.promote_types(a, b)
    return a if a.kind == "f" else b


def result_type(*operands):
    """The dtype of an operation on `operands`: arrays, Tensors or Python numbers.

    Operands with dimensions decide; 0-dimensional ones, and after them Python numbers, only if of a higher category.
    """
    return _BY_NUMPY[common_dtype(*operands)]


def common_dtype(*operands):
    """`result_type` as NumPy's dtype."""
    ranks = [None, None, None]  # with dimensions, 0-dimensional, Python numbers
    for operand in operands:
        kind, rank = _dtype_and_rank(operand)
        ranks[rank] = kind if ranks[rank] is None else promoted(ranks[rank], kind)
    result = None
    for kind in ranks:
        if kind is None:
            continue
        if result is None:
            result = kind
        elif _CATEGORY[kind.kind] > _CATEGORY[result.kind]:
            result = promoted(result, kind)
    return result


def _dtype_and_rank(operand):
    if isinstance(operand, bool):
        return np.dtype(bool), 2
    if isinstance(operand, (np.ndarray, np.generic)) or hasattr(operand, "dtype"):
        return as_dtype(operand.dtype), 1 if operand.ndim == 0 else 0
    if isinstance(operand, int):
        return np.dtype(np.int64), 2
    if isinstance(operand, float):
        return _default, 2
    if isinstance(operand, complex):
        return np.promote_types(_default, np.complex64), 2
    raise TypeError(f"expected a tensor, an array or a number, not {type(operand).__name__}")


def dtype_of_data(data):
    """The dtype of a tensor made from Python data: the default for floats, int64 for integers, bool for booleans."""
    kind = np.asarray(data).dtype.kind if not isinstance(data, np.ndarray) else data.dtype.kind
    return {"f": _default, "i": np.dtype(np.int64), "u": np.dtype(np.int64), "b": np.dtype(bool)}.get(kind)


def can_cast(from_, to):
    """Whether values of one dtype may be written into a tensor of the other: not to a lower kind (bool < integer <
    float)."""
    return _CATEGORY[as_dtype(from_).kind] <= _CATEGORY[as_dtype(to).kind]


class finfo:
    """The limits of a floating dtype (the default one if none is given), as Python numbers: eps, max, min, tiny,
    bits."""

    def __init__(self, dtype=None):
        kind = _default if dtype is None else as_dtype(dtype)
        if kind.kind != "f":
            raise TypeError(f"finfo describes floating dtypes, not {kind}; use iinfo")
        limits = np.finfo(kind)
        self.dtype, self.bits = kind.name, kind.itemsize * 8
        self.eps, self.max, self.min = float(limits.eps), float(limits.max), float(limits.min)
        self.tiny = self.smallest_normal = float(limits.tiny)
        self.resolution = 10.0**-limits.precision

    def __repr__(self):
        return (
            f"finfo(resolution={self.resolution}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integer dtype: max, min, bits."""

    def __init__(self, dtype):
        kind = as_dtype(dtype)
        if kind.kind not in "iu":
            raise TypeError(f"iinfo describes integer dtypes, not {kind}; use finfo")
        limits = np.iinfo(kind)
        self.dtype, self.bits, self.max, self.min = kind.name, limits.bits, int(limits.max), int(limits.min)

    def __repr__(self):
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
