"""Number types: their names, the default one, and which type a mixture of them gets (PyTorch's rules).

A dtype here is NumPy's. Where NumPy's and PyTorch's rules for mixtures differ, PyTorch's hold: an integer with a
float takes the float's type (int64 with float32 is float32), and neither Python numbers nor 0-dimensional tensors
change the type of a tensor that has dimensions, unless they are of a higher kind (bool < integer < float).
Source: PyTorch, "Tensor Attributes", section torch.dtype.
"""

import numpy as np

__all__ = [
    "bool_", "float16", "float32", "float64", "get_default_dtype", "int16", "int32", "int64", "int8",
    "promote_types", "result_type", "set_default_dtype", "uint8",
]  # fmt: skip

float16 = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)
int8 = np.dtype(np.int8)
int16 = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool_ = np.dtype(np.bool_)

_default = float32
_KINDS = "biufc"  # NumPy's letters in ascending order; unsigned and signed integers are one category
_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


def get_default_dtype():
    """The dtype of tensors made from Python floats: float32 unless `set_default_dtype` changed it."""
    return _default


def set_default_dtype(dtype):
    """Make `dtype`, a floating type, the one that tensors made from Python floats get."""
    global _default
    dtype = as_dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"the default dtype must be a floating type, not {dtype}")
    _default = dtype


def as_dtype(dtype):
    """The NumPy dtype that `dtype` (a NumPy dtype or scalar type, a name, or Python's float, int, bool) means."""
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{dtype!r} is not a dtype; use tinygrad_edu.float32, 'float32' or numpy.float32") from None
    if dtype.kind not in _KINDS:
        raise TypeError(f"a tensor cannot hold {dtype} values, only booleans, integers and floating-point numbers")
    return dtype


def promote_types(a, b):
    """The smallest dtype to which both `a` and `b` convert by PyTorch's rules."""
    a, b = as_dtype(a), as_dtype(b)
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
    ranks = [None, None, None]  # with dimensions, 0-dimensional, Python numbers
    for operand in operands:
        dtype, rank = _dtype_and_rank(operand)
        ranks[rank] = dtype if ranks[rank] is None else promote_types(ranks[rank], dtype)
    result = None
    for dtype in ranks:
        if dtype is None:
            continue
        if result is None:
            result = dtype
        elif _CATEGORY[dtype.kind] > _CATEGORY[result.kind]:
            result = promote_types(result, dtype)
    return result


def _dtype_and_rank(operand):
    if isinstance(operand, bool):
        return bool_, 2
    if isinstance(operand, (np.ndarray, np.generic)) or hasattr(operand, "dtype"):
        return operand.dtype, 1 if operand.ndim == 0 else 0
    if isinstance(operand, int):
        return int64, 2
    if isinstance(operand, float):
        return _default, 2
    if isinstance(operand, complex):
        return np.promote_types(_default, np.complex64), 2
    raise TypeError(f"expected a tensor, an array or a number, not {type(operand).__name__}")


def dtype_of_data(data):
    """The dtype of a tensor made from Python data: the default for floats, int64 for integers, bool for booleans."""
    kind = np.asarray(data).dtype.kind if not isinstance(data, np.ndarray) else data.dtype.kind
    return {"f": _default, "i": int64, "u": int64, "b": bool_}.get(kind)
