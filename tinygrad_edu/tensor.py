"""The Tensor: an array, and the node that says how it was computed.

Here stand construction, conversion, attributes and text. The operations come from the table (`define.py`), which
gives Tensor its other methods and its operators; what concerns gradients comes from `autograd`.
"""

import numpy as np

from .clock import writes
from .devices import check_device, cpu
from .dtypes import as_dtype, dtype_of, dtype_of_data
from .engine import leaf
from .text import namespace, tensor_text
from .modes import taken_out

__all__ = ["Size", "Tensor", "as_tensor", "from_dlpack", "from_numpy", "is_tensor", "tensor"]

NUMBERS = (int, float, bool, np.number, np.bool_)


class Size(tuple):
    """The shape of a tensor: a tuple of ints that also counts the elements."""

    def numel(self):
        n = 1
        for size in self:
            n *= size
        return n

    def __repr__(self):
        return f"{namespace['prefix']}Size({list(self)})"


class Tensor:
    """An n-dimensional array of one dtype that can record the operations done with it.

    array  the NumPy array that holds the values. Writing into it bypasses everything; use in-place operations
    node   how it was computed (an engine.Node; a leaf's node collects its gradient), or None if it needs no gradient

    `Tensor(data)` makes a float32 tensor (the default dtype), `Tensor(2, 3)` one of that size with any values, as
    `torch.Tensor` does; `tensor(data)` infers the dtype.
    """

    # _base: the tensor that this one is a view of, or None. _steps (set in views only): how the view is made from it.
    # _views (set in tensors that have views only): weak references to them. See inplace.py.
    __slots__ = ("__weakref__", "_base", "_idle_grad", "_steps", "_views", "array", "node")

    __array_priority__ = 1000

    def __init__(self, *data, dtype=None, requires_grad=False):
        if data and all(isinstance(n, int) and not isinstance(n, bool) for n in data):
            data = np.empty(data, dtype_of_data(0.0) if dtype is None else as_dtype(dtype))
        elif len(data) > 1:
            raise TypeError(f"Tensor(data) takes one sequence, or sizes as integers, not {len(data)} arguments")
        else:
            data = data[0] if data else ()
        other = tensor(data, dtype=default_dtype_for(data) if dtype is None else dtype, requires_grad=requires_grad)
        self.array, self.node, self._base = other.array, other.node, None

    # ---- attributes

    @property
    def shape(self):
        return Size(self.array.shape)

    @property
    def dtype(self):
        return dtype_of(self.array)

    @property
    def ndim(self):
        return self.array.ndim

    @property
    def itemsize(self):
        return self.array.itemsize

    @property
    def nbytes(self):
        return self.array.nbytes

    @property
    def device(self):
        """Where the values are: always the CPU's memory."""
        return cpu

    @property
    def is_leaf(self):
        """Whether this tensor was not computed by a recorded operation."""
        return self.node is None or self.node.op is None

    @property
    def grad_fn(self):
        """The node of the operation that computed this tensor; None for leaves."""
        return None if self.is_leaf else self.node

    @property
    def requires_grad(self):
        """Whether gradients are computed for this tensor. May be set on leaves, to True for floating dtypes only."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, flag):
        if bool(flag) == (self.node is not None):
            return
        if flag:
            if self.array.dtype.kind not in "fc":
                raise RuntimeError(
                    f"only tensors of floating dtype can require gradients, not {self.array.dtype}; convert it first: "
                    "x = x.float().requires_grad_()"
                )
            self.node = leaf(self.array.shape, self.array.dtype)
            self.node.extras.grad = getattr(self, "_idle_grad", None)
        elif not self.is_leaf:
            raise RuntimeError(
                f"requires_grad can be switched off on leaves only, and this tensor was computed by "
                f"`{self.node.name}`; use x.detach() for a tensor without history"
            )
        else:
            self._idle_grad = self.node.extras.grad
            self.node = None

    def requires_grad_(self, requires_grad=True):
        """Set `requires_grad` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self):
        """d(loss)/d(this tensor), summed over the backward passes since it was last reset; None before the first."""
        if self.node is None:
            return getattr(self, "_idle_grad", None)
        return None if self.node.extras is None else self.node.extras.grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"a gradient must be a Tensor or None, not {type(value).__name__}")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise RuntimeError(
                    f"a gradient must be like its tensor, {tuple(self.shape)} {self.dtype}; "
                    f"this one is {tuple(value.shape)} {value.dtype}"
                )
        if self.node is None:
            self._idle_grad = value
        elif self.node.extras is not None:
            self.node.extras.grad = value
        elif value is not None:
            raise RuntimeError("the gradient of a computed tensor can be set only after retain_grad()")

    @property
    def data(self):
        """The same values without history. Writing into it changes this tensor."""
        return taken_out(self, ".data", of_array(self.array, None))

    @data.setter
    def data(self, value):
        value = value if isinstance(value, Tensor) else as_tensor(value)
        if self.node is not None and (value.array.shape, value.array.dtype) != (self.node.shape, self.node.dtype):
            if self.node.op is not None:
                raise RuntimeError("the data of a computed tensor can be replaced only by data of its shape and dtype")
            self.node.shape, self.node.dtype, self.node.extras.grad = value.array.shape, value.array.dtype, None
        self.array = value.array

    @property
    def real(self):
        return self

    # ---- sizes

    def size(self, dim=None):
        """The shape, or the size along `dim`."""
        return self.shape if dim is None else self.array.shape[dim]

    def dim(self):
        """The number of dimensions."""
        return self.array.ndim

    ndimension = dim

    def numel(self):
        """The number of elements."""
        return self.array.size

    nelement = numel

    def element_size(self):
        """Bytes per element."""
        return self.array.itemsize

    def stride(self, dim=None):
        """Steps between neighbours along each dimension, in elements."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[dim]

    def is_contiguous(self):
        """Whether the values lie in memory one after the other, last dimension fastest."""
        return self.array.flags.c_contiguous

    def is_floating_point(self):
        return self.array.dtype.kind == "f"

    def __len__(self):
        if self.array.ndim == 0:
            raise TypeError("a 0-dimensional tensor has no length; its value is x.item()")
        return len(self.array)

    # ---- conversion

    def detach(self):
        """A tensor with the same memory that does not require gradients."""
        return taken_out(self, "detach()", of_array(self.array, None))

    def detach_(self):
        """Forget how this tensor was computed."""
        taken_out(self, "detach_()", self)
        self.node = self._base = None
        return self

    def item(self):
        """The value of a tensor of one element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(f"item() needs a tensor of one element; this one has shape {self.array.shape}")
        return taken_out(self, "item()", self.array.item())

    def tolist(self):
        """The values as (nested lists of) Python numbers."""
        return taken_out(self, "tolist()", self.array.tolist())

    def numpy(self, *, force=False):
        """The values as a NumPy array that shares memory with the tensor (with `force`, also if it requires
        gradients)."""
        if self.node is not None and not force:
            raise RuntimeError(
                "numpy() on a tensor that requires gradients: what is computed with the array would not be recorded. "
                "Write x.detach().numpy()"
            )
        return taken_out(self, "numpy()", self.array)

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        # np.asarray(t) asks for values; unlike numpy() it is also what plotting libraries call, so it never refuses
        array = np.asarray(self.array, dtype) if copy is None else np.array(self.array, dtype, copy=copy)
        return taken_out(self, "numpy.asarray", array)

    def __dlpack__(self, **options):
        if self.node is not None:
            raise BufferError("a tensor that requires gradients cannot be exported; use x.detach()")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __bool__(self):
        if self.array.size != 1:
            raise RuntimeError(
                f"the truth value of a tensor of shape {self.array.shape} is ambiguous; use (...).any() or (...).all()"
            )
        return bool(self.array.item())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __complex__(self):
        return complex(self.item())

    def __index__(self):
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError(
                f"only a tensor of one integer can be an index or a length, not {self.array.dtype} {self.array.shape}"
            )
        return int(self.array.item())

    def __contains__(self, value):
        return bool((self.array == (value.array if isinstance(value, Tensor) else value)).any())

    def __hash__(self):
        return id(self)

    def __copy__(self):
        """A tensor of the same memory: a leaf like this one, or for a computed tensor a view of it."""
        return rebuild(type(self), self.array, self.requires_grad) if self.is_leaf else self[...]

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError(
                f"only leaves can be deep-copied, and this tensor was computed by `{self.node.name}`: a copy of it "
                "would need a copy of its graph. Use x.detach().clone()"
            )
        copied = rebuild(type(self), self.array.copy(), self.requires_grad)
        memo[id(self)] = copied
        if self.grad is not None:
            copied.grad = of_array(self.grad.array.copy(), None)
        return copied

    def __reduce_ex__(self, protocol):
        if not self.is_leaf:
            raise RuntimeError(
                f"only leaves can be pickled, and this tensor was computed by `{self.node.name}`. Use x.detach()"
            )
        return rebuild, (type(self), self.array, self.requires_grad)

    # ---- text

    def __repr__(self):
        return tensor_text(self.array, self._start(), self._notes())

    def _start(self):
        return "tensor("

    def _notes(self):
        """What is written behind the values where it is not obvious."""
        size, dtype, node = self.array.size, self.array.dtype, self.node
        if size == 0 and self.array.ndim != 1:
            yield f"size={tuple(self.array.shape)}"
        if dtype != dtype_of_data(0.0) and (size == 0 or dtype not in (np.int64, np.bool_)):
            yield f"dtype={self.dtype}"
        if node is not None:
            yield "requires_grad=True" if node.op is None else f"grad_fn=<{namespace['node'](node)}>"

    def __format__(self, spec):
        return format(self.array.item(), spec) if self.array.ndim == 0 else object.__format__(self, spec)


def of_array(array, node):
    """A Tensor of this very array and node; for use inside the library."""
    self = object.__new__(Tensor)
    self.array = array
    self.node = node
    self._base = None
    return self


def rebuild(cls, array, requires_grad):
    """What copies and pickles of a Tensor are made with."""
    self = cls.__new__(cls)
    self.array, self.node, self._base = array, None, None
    if requires_grad:
        self.requires_grad = True
    return self


def is_tensor(x):
    return isinstance(x, Tensor)


def default_dtype_for(data):
    return data.dtype if isinstance(data, Tensor) else dtype_of_data(0.0)


def tensor(data, dtype=None, requires_grad=False, device=None):
    """A new tensor that holds a copy of `data`.

    data   a number, nested sequences of numbers (or of tensors of one element), an array or a Tensor
    dtype  by default: the default dtype (float32) for Python floats, int64 for ints, bool for bools, the array's own

    A copy is a leaf: it has no history. For memory shared with an array use `from_numpy` or `as_tensor`.
    """
    check_device(device)
    result = of_array(new_array(data, dtype, copy=True), None)
    for x in recorded(data):
        taken_out(x, "tensor()", result)
    if requires_grad:
        result.requires_grad = True
    return result


def as_tensor(data, dtype=None, device=None):
    """`data` as a tensor: itself if it is one (with its history), sharing memory with an array; copied only if
    needed."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None or data.dtype == as_dtype(dtype) else data.to(dtype)
    result = of_array(new_array(data, dtype, copy=False), None)
    for x in recorded(data):
        taken_out(x, "tensor()", result)
    return result


def from_numpy(array):
    """A tensor that shares memory with a NumPy array: a change of one is a change of the other."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy takes a numpy.ndarray, not {type(array).__name__}; use tensor(data)")
    as_dtype(array.dtype)
    return of_array(array, None)


def from_dlpack(data):
    """A tensor that shares memory with an object of another library that speaks DLPack (PyTorch, JAX, CuPy on the
    CPU)."""
    return of_array(np.from_dlpack(data), None)


def new_array(data, dtype, copy):
    """The array that holds `data`: of `dtype`, or of the dtype that PyTorch would choose."""
    if isinstance(data, Tensor):
        data = data.array
    if isinstance(data, (np.ndarray, np.generic)):
        dtype = data.dtype if dtype is None else dtype
    else:
        data = plain(data)
        try:
            array = np.asarray(data)
        except ValueError as error:
            raise ValueError(f"the rows of the data have different lengths: {error}") from None
        if array.dtype.kind not in "biufc":
            kind = type(data).__name__
            raise TypeError(f"a tensor holds numbers; cannot make one from a {kind} (NumPy reads it as {array.dtype})")
        if dtype is None:
            dtype = dtype_of_data(array) if array.size else dtype_of_data(0.0)
        data = array
    dtype = as_dtype(dtype)
    array = (np.array if copy else np.asarray)(data, dtype=dtype)
    return array if array.dtype.isnative else array.astype(dtype.newbyteorder("="))


def recorded(data):
    """The Tensors with a history in nested sequences that begin or end with a Tensor or sequence."""
    if isinstance(data, Tensor):
        if data.node is not None:
            yield data
    elif isinstance(data, (list, tuple)) and data:
        if isinstance(data[0], (Tensor, list, tuple)) or isinstance(data[-1], Tensor):
            for item in data:
                yield from recorded(item)


def plain(data):
    """Nested sequences with the Tensors in them replaced by arrays."""
    if isinstance(data, Tensor):
        return data.array
    if isinstance(data, (list, tuple)) and any(isinstance(item, (Tensor, list, tuple)) for item in data):
        return [plain(item) for item in data]
    return data


def replace_values(target, array, operation):
    """Write `array` into the memory of `target` and note the write."""
    np.copyto(target.array, array, casting="unsafe")
    writes.note(target.array, operation)
