"""New tensors: filled with a number, counted, spaced, on a grid or a diagonal.

A size may be given number by number or as one tuple: `zeros(2, 3)` is `zeros((2, 3))`. Without `dtype`, tensors of
floats get the default dtype (float32), as in PyTorch.
"""

import math

import numpy as np

from .define import composite
from .devices import check_device
from .dtypes import as_dtype, bool_, default_float, int64
from .ops.joining import stack
from .ops.shape import diagonal as main_diagonal
from .ops.shape import diagonal_scatter, expand, reshape
from .tensor import Tensor, of_array, tensor

__all__ = ["arange", "empty", "eye", "full", "linspace", "logspace", "ones", "one_hot", "zeros"]


def new_tensor_of(array, requires_grad=False):
    """A leaf that holds `array`."""
    result = of_array(array, None)
    if requires_grad:
        result.requires_grad = True
    return result


def size_of(size, what):
    """The shape meant by `size`, the arguments of a function `what`: ints, or one sequence of ints."""
    if len(size) == 1 and not isinstance(size[0], (int, np.integer)):
        size = size[0]
        if isinstance(size, Tensor):
            size = size.tolist() if size.ndim else (size,)
    try:
        shape = tuple([n.__index__() for n in size])
    except (AttributeError, TypeError):
        raise TypeError(f"{what}: a size is made of integers, not {size!r}; write {what}(2, 3)") from None
    if shape and min(shape) < 0:
        raise RuntimeError(f"{what}: sizes cannot be negative, and {shape} has {min(shape)}")
    return shape


def floating_dtype(dtype):
    return default_float() if dtype is None else as_dtype(dtype)


# ---- filled with a number


def zeros(*size, dtype=None, requires_grad=False, device=None, **named):
    """Zeros of the given size."""
    shape = size_of(_only_size(size, named, "zeros"), "zeros")
    check_device(device)
    return new_tensor_of(np.zeros(shape, floating_dtype(dtype)), requires_grad)


def ones(*size, dtype=None, requires_grad=False, device=None, **named):
    """Ones of the given size."""
    shape = size_of(_only_size(size, named, "ones"), "ones")
    check_device(device)
    return new_tensor_of(np.ones(shape, floating_dtype(dtype)), requires_grad)


def empty(*size, dtype=None, requires_grad=False, device=None, **named):
    """A tensor of the given size whose values are whatever was in memory: to be overwritten."""
    shape = size_of(_only_size(size, named, "empty"), "empty")
    check_device(device)
    return new_tensor_of(np.empty(shape, floating_dtype(dtype)), requires_grad)


def full(size, fill_value, dtype=None, requires_grad=False, device=None):
    """`fill_value` everywhere; by default bool for True and False, int64 for ints, the default dtype for floats."""
    check_device(device)
    value = fill_value.array if isinstance(fill_value, Tensor) else np.asarray(fill_value)
    if value.ndim:
        raise ValueError(f"full: fill_value is one number, not values of shape {value.shape}; use expand")
    if dtype is None:
        dtype = {"b": bool_, "i": int64, "u": int64}.get(value.dtype.kind, default_float())
    return new_tensor_of(np.full(size_of((size,), "full"), value, as_dtype(dtype)), requires_grad)


def _only_size(size, named, what):
    """The arguments of `what(*size)` or `what(size=...)`."""
    if not named and size:
        return size
    if size or set(named) != {"size"}:
        unknown = [name for name in named if name != "size"]
        problem = f"unknown parameters {unknown}" if unknown else "give the size once: as numbers or as a tuple"
        raise TypeError(f"{what}: {problem}")
    return (named["size"],)


@composite(method=False, numpy=[np.zeros_like])
def zeros_like(x, dtype=None, requires_grad=False, device=None):
    """Zeros of the size and (unless given) dtype of x."""
    return _like(np.zeros, x, dtype, requires_grad, device)


@composite(method=False, numpy=[np.ones_like])
def ones_like(x, dtype=None, requires_grad=False, device=None):
    """Ones of the size and (unless given) dtype of x."""
    return _like(np.ones, x, dtype, requires_grad, device)


@composite(method=False, numpy=[np.empty_like])
def empty_like(x, dtype=None, requires_grad=False, device=None):
    """A tensor of the size and (unless given) dtype of x, to be overwritten."""
    return _like(np.empty, x, dtype, requires_grad, device)


@composite(method=False, numpy=[np.full_like])
def full_like(x, fill_value, dtype=None, requires_grad=False, device=None):
    """`fill_value` everywhere, in the size and (unless given) dtype of x."""
    return full(tuple(x.shape), fill_value, x.dtype if dtype is None else dtype, requires_grad, device)


def _like(make, x, dtype, requires_grad, device):
    check_device(device)
    return new_tensor_of(make(tuple(x.shape), x.dtype if dtype is None else as_dtype(dtype)), requires_grad)


# ---- counted and spaced


def arange(start, end=None, step=1, dtype=None, requires_grad=False, device=None):
    """start, start + step, ... up to but without `end`; arange(end) starts at 0.

    int64 if all three are integers, else the default dtype. The length is ⌈(end − start) / step⌉.
    """
    check_device(device)
    if end is None:
        start, end = 0, start
    start, end, step = _number(start), _number(end), _number(step)
    if dtype is None:
        whole = all(isinstance(value, (int, np.integer)) for value in (start, end, step))
        dtype = int64 if whole else default_float()
    if step == 0:
        raise RuntimeError("arange: step is 0, so that the end is never reached")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"arange: start and end must be finite, not {start} and {end}")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: step {step} does not lead from {start} to {end}; it has the wrong sign")
    count = max(math.ceil((end - start) / step), 0)
    return new_tensor_of((start + np.arange(count) * step).astype(as_dtype(dtype), copy=False), requires_grad)


def linspace(start, end, steps, dtype=None, requires_grad=False, device=None):
    """`steps` numbers in equal distances from `start` to `end`, both included."""
    check_device(device)
    values = _spaced(_number(start), _number(end), steps, "linspace")
    return new_tensor_of(values.astype(floating_dtype(dtype)), requires_grad)


def logspace(start, end, steps, base=10.0, dtype=None, requires_grad=False, device=None):
    """base^start to base^end: `steps` numbers with equal ratios."""
    check_device(device)
    powers = np.power(float(base), _spaced(_number(start), _number(end), steps, "logspace"))
    return new_tensor_of(powers.astype(floating_dtype(dtype)), requires_grad)


def _spaced(start, end, steps, what):
    if steps < 0:
        raise RuntimeError(f"{what}: the number of steps cannot be negative, and is {steps}")
    return np.linspace(start, end, int(steps), dtype=np.float64)


def _number(value):
    return value.item() if isinstance(value, (Tensor, np.ndarray)) else value


# ---- grids and diagonals


def eye(n, m=None, dtype=None, requires_grad=False, device=None):
    """The n × m matrix (square without m) with ones on the diagonal, zeros elsewhere."""
    check_device(device)
    shape = size_of((n, n if m is None else m), "eye")
    return new_tensor_of(np.eye(*shape, dtype=floating_dtype(dtype)), requires_grad)


@composite(method=False, numpy=[np.meshgrid])
def meshgrid(*tensors, indexing="ij"):
    """The coordinates of a grid, from those along its axes: result i holds tensors[i] varying along dimension i.

    indexing  "ij": the result has shape (len(tensors[0]), len(tensors[1]), ...).
              "xy": the first two dimensions exchanged, as for plotting
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise ValueError(f"meshgrid: indexing is 'ij' or 'xy', not {indexing!r}")
    for index, x in enumerate(tensors):
        if x.ndim > 1:
            raise ValueError(f"meshgrid: tensors[{index}] is no vector, its shape is {tuple(x.shape)}")
    order = list(range(len(tensors)))
    if indexing == "xy" and len(order) > 1:
        order[:2] = 1, 0
    lengths = [tensors[i].numel() for i in order]
    grids = []
    for index, x in enumerate(tensors):
        along = order.index(index)
        shape = [1] * len(order)
        shape[along] = lengths[along]
        grids.append(expand(reshape(x, tuple(shape)), tuple(lengths)))
    return tuple(grids)


@composite(method=False)
def cartesian_prod(*tensors):
    """All combinations of an element of each vector, as rows; the last varies fastest. Of one vector: itself."""
    if len(tensors) == 1:
        return tensors[0]
    return reshape(stack(meshgrid(*tensors), -1), (-1, len(tensors)))


@composite(numpy=[np.diag])
def diag(x, diagonal=0):
    """Of a vector: the square matrix with it on a diagonal. Of a matrix: that diagonal. `diagonal` > 0 lies above the
    main one."""
    if x.ndim == 1:
        n = x.shape[0] + abs(diagonal)
        return diagonal_scatter(x, (n, n), diagonal)
    if x.ndim == 2:
        return main_diagonal(x, diagonal)
    raise ValueError(f"diag takes a vector or a matrix, not shape {tuple(x.shape)}; use diagonal")


def one_hot(tensor, num_classes=-1):
    """int64 rows with a 1 at the position that the integer names: shape (*tensor.shape, num_classes).

    num_classes  −1: one more than the largest value
    """
    values = tensor.array
    if values.dtype.kind not in "iu":
        raise RuntimeError(f"one_hot: class numbers are integers, not {values.dtype}; convert them with .long()")
    if values.size == 0 and num_classes <= 0:
        raise RuntimeError("one_hot: an empty tensor does not tell the number of classes; give num_classes")
    lowest, highest = (int(values.min()), int(values.max())) if values.size else (0, -1)
    if lowest < 0 or num_classes != -1 and highest >= num_classes:
        raise RuntimeError(
            f"one_hot: class numbers lie between 0 and num_classes − 1 (num_classes is {num_classes}), and these "
            f"between {lowest} and {highest}"
        )
    count = highest + 1 if num_classes == -1 else num_classes
    return of_array((values[..., None] == np.arange(count)).astype(np.int64), None)


# ---- methods: new tensors of the dtype of an existing one


def _new(make):
    def method(self, *size, dtype=None, requires_grad=False, device=None, **named):
        dtype = self.dtype if dtype is None else dtype
        return make(*size, dtype=dtype, requires_grad=requires_grad, device=device, **named)

    method.__name__ = method.__qualname__ = f"new_{make.__name__}"
    method.__doc__ = f"{make.__doc__.rstrip('.')}; the dtype is that of this tensor unless given."
    return method


def new_full(self, size, fill_value, dtype=None, requires_grad=False, device=None):
    """`fill_value` everywhere in the given size; the dtype is that of this tensor unless given."""
    return full(size, fill_value, self.dtype if dtype is None else dtype, requires_grad, device)


def new_tensor(self, data, dtype=None, requires_grad=False, device=None):
    """A copy of `data`; the dtype is that of this tensor unless given."""
    check_device(device)
    return tensor(data, self.dtype if dtype is None else dtype, requires_grad)


Tensor.new_zeros, Tensor.new_ones, Tensor.new_empty = _new(zeros), _new(ones), _new(empty)
Tensor.new_full, Tensor.new_tensor = new_full, new_tensor
