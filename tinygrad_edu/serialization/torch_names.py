"""What the names in a file of torch.save stand for: the complete table of what such a file can make.

Every function here takes what a file gives it and checks it. Nothing else is ever called.
"""

from collections import Counter, OrderedDict

import numpy as np

from .. import devices, dtypes
from ..nn.parameter import Parameter
from ..tensor import Tensor, of_array
from .errors import LoadError, RefusedError
from .memory import view, widened
from .plain import check_key
from .safe_globals import is_registered
from .structure import number_dtype, set_attribute, size_of
from .unpickle import Known

STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}  # fmt: skip
"""PyTorch's classes of storages and the dtypes of their elements."""

DTYPES = (*STORAGES.values(), "uint16", "uint32", "uint64")

RENAMED = {
    "__builtin__": "builtins", "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
}  # fmt: skip
"""Modules that have other names in files of older programs."""

WITHOUT_COUNTERPART = {
    "sparse": "sparse tensors", "qtensor": "quantized tensors", "QInt": "quantized tensors",
    "QUInt": "quantized tensors", "nested": "nested tensors", "meta_tensor": "meta tensors",
    "distributed": "distributed tensors", "wrapper_subclass": "tensor subclasses", "float8": "8-bit floats",
    "complex32": "complex numbers of half precision",
}  # fmt: skip
"""Parts of names of PyTorch, and what they belong to."""


def find(name):
    """What a full name in a file stands for."""
    module, _, last = name.rpartition(".")
    name = f"{RENAMED.get(module, module)}.{last}"
    if name in TABLE:
        return TABLE[name]
    for part, what in WITHOUT_COUNTERPART.items():
        if name.startswith("torch.") and part in name:
            raise RefusedError(f"the file has {what} ({name}); there are none in this library")
    text = (
        f"the file asks for {name}; only tensors and plain containers are loaded, nothing is executed. Save "
        "model.state_dict() instead of the model"
    )
    if is_registered(name):
        text += " (it was registered with add_safe_globals, which does not change that)"
    raise RefusedError(text)


class Storage:
    """The memory of one or more tensors in a file, as elements of one dtype.

    raw   its bytes
    kind  the name of the dtype of its elements; None if only the tensors say it
    big   whether its numbers have their most significant byte first
    """

    def __init__(self, raw, kind, big):
        self.raw, self.kind, self.big = raw, kind, big
        self.elements = {}

    def __repr__(self):
        return "bare storage"

    def array(self, kind):
        """Its elements, one-dimensional: one array for each dtype, which its tensors share. bfloat16 as float32."""
        if kind not in self.elements:
            dtype = np.dtype("uint16" if kind == "bfloat16" else kind)
            if self.raw.size % dtype.itemsize:
                raise LoadError(f"a storage of {self.raw.size} bytes in the file cannot consist of {kind} values")
            array = self.raw.view(dtype.newbyteorder(">" if self.big else "<")).astype(dtype, copy=False)
            self.elements[kind] = widened(array) if kind == "bfloat16" else array
        return self.elements[kind]


# ---- tensors


def tensor(storage, offset, size, stride, requires_grad=False, hooks=None, kind=None, metadata=None):
    if not isinstance(storage, Storage) or type(size) is not tuple or type(stride) is not tuple:
        raise LoadError("a tensor in the file is not made of a storage, an offset, a shape and a stride")
    if kind is None and storage.kind is None:
        raise LoadError("a tensor in the file has no dtype")
    if metadata:
        raise RefusedError("the file has a tensor whose values are conjugated or negated when read; save x.clone()")
    array = storage.array(storage.kind if kind is None else kind.name)
    made = of_array(view(array, offset, size, stride, "a tensor in the file"), None)
    return made.requires_grad_() if requires_grad is True else made


def tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata=None):
    return tensor(storage, offset, size, stride, requires_grad, hooks, None, metadata)


def tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, metadata=None):
    if not isinstance(dtype, dtypes.DType):
        raise LoadError("a tensor in the file has no dtype")
    return tensor(storage, offset, size, stride, requires_grad, hooks, dtype, metadata)


def parameter(data, requires_grad, hooks=None, state=None):
    if not isinstance(data, Tensor):
        raise LoadError("a parameter in the file is not made of a tensor")
    return Parameter(data.detach(), requires_grad is True)


def tensor_with_attributes(make, kind, arguments, state):
    """A tensor to which a program has given attributes, or a Buffer: the tensor alone."""
    if make not in TENSOR_MAKERS or kind not in TENSOR_TYPES or type(arguments) is not tuple:
        raise RefusedError(f"the file has a tensor of a class of its own, a {kind!r}; its values alone can be saved")
    return make.make(*arguments)


# ---- numbers and arrays


def numpy_dtype(code, align=False, copy=True):
    return number_dtype(code)


def numpy_scalar(dtype, data):
    if not isinstance(dtype, np.dtype) or type(data) is not bytes or len(data) != dtype.itemsize:
        raise LoadError("a number in the file is not made of a dtype and its bytes")
    return np.frombuffer(data, dtype.newbyteorder("<"), 1).astype(dtype)[0]


def numpy_array(kind, shape, code):
    """An empty array, which `build` fills."""
    if kind is not TABLE["numpy.ndarray"]:
        raise LoadError("an array in the file is of a class of its own")
    return np.empty(0, np.int8)


def numpy_from_buffer(data, dtype, shape, order):
    """How protocol 5 writes an array."""
    array = np.empty(0, np.int8)
    set_array(array, 1, shape, dtype, order == "F", bytes(data) if type(data) is bytearray else data)
    return array


def set_array(array, version, shape, dtype, columns_first, data):
    if not isinstance(dtype, np.dtype) or type(data) is not bytes or type(shape) is not tuple:
        raise RefusedError("the file has an array of Python objects; arrays of numbers are loaded")
    count = 1
    for size in shape:
        if type(size) is not int or size < 0:
            raise LoadError(f"an array in the file has shape {shape}")
        count *= size
    if count * dtype.itemsize != len(data):
        raise LoadError(f"an array in the file has shape {shape} and dtype {dtype}, but {len(data)} bytes of values")
    array.__setstate__((1, shape, dtype, columns_first is True, data))


def build(target, state):
    """Give an object of the file its state."""
    kind = type(target)
    if kind is OrderedDict and type(state) is dict:
        for name, value in state.items():
            set_attribute(target, name, value)
    elif kind is np.ndarray and type(state) is tuple and len(state) == 5:
        set_array(target, *state)
    elif isinstance(target, np.dtype) and type(state) is tuple and len(state) > 1:
        if state[1] == ">":
            raise RefusedError("the file has a NumPy array whose numbers have their most significant byte first")
    else:
        raise RefusedError(f"the file sets the state of a {kind.__name__}, which is not done")


# ---- plain values


def encoded(text, coding):
    """How protocol 2 writes bytes: as the text of these code points."""
    if type(text) is not str or coding not in ("latin1", "latin-1"):
        raise LoadError(f"the file asks for text in the coding {coding!r}; bytes are written as latin1")
    return text.encode("latin1")


def of_bytes(make):
    def call(data=b""):
        if not isinstance(data, (bytes, bytearray)):  # bytes(n) would be n zeros: any amount of memory
            raise LoadError(f"the file makes {make.__name__} of a {type(data).__name__}")
        return make(data)

    return call


def of_pairs(make):
    def call(items=()):
        if type(items) in (list, tuple):
            items = dict_of(items)
        elif type(items) not in (dict, OrderedDict):
            raise LoadError(f"the file makes a {make.__name__} of a {type(items).__name__}")
        return make(items)

    return call


def dict_of(pairs):
    made = {}
    for key, value in pairs:
        check_key(key, "a dictionary in the file", LoadError)
        made[key] = value
    return made


def set_of(items=()):
    for item in items if type(items) in (list, tuple) else (items,):
        check_key(item, "a set in the file", LoadError)
    return set(items)


def complex_of(real, imaginary=0.0):
    if not isinstance(real, (int, float)) or not isinstance(imaginary, (int, float)):
        raise LoadError("a complex number in the file is not made of two numbers")
    return complex(real, imaginary)


def layout(name):
    if name != "torch.strided":
        raise RefusedError(f"the file names the layout {name!r}; tensors are torch.strided here")
    return devices.strided


FUNCTIONS = {
    "collections.OrderedDict": of_pairs(OrderedDict),
    "collections.Counter": of_pairs(Counter),
    "builtins.set": set_of,
    "builtins.complex": complex_of,
    "builtins.bytes": of_bytes(bytes),
    "builtins.bytearray": of_bytes(bytearray),
    "_codecs.encode": encoded,
    "numpy.dtype": numpy_dtype,
    "numpy._core.multiarray.scalar": numpy_scalar,
    "numpy._core.multiarray._reconstruct": numpy_array,
    "numpy._core.numeric._frombuffer": numpy_from_buffer,
    "torch.Size": lambda sizes=(): size_of(sizes),
    "torch.device": devices.device,
    "torch.serialization._get_layout": layout,
    "torch._utils._rebuild_tensor": tensor,
    "torch._utils._rebuild_tensor_v2": tensor_v2,
    "torch._utils._rebuild_tensor_v3": tensor_v3,
    "torch._utils._rebuild_parameter": parameter,
    "torch._utils._rebuild_parameter_with_state": parameter,
    "torch._tensor._rebuild_from_type_v2": tensor_with_attributes,
}

TYPES = (
    "numpy.ndarray", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
    "torch.storage.UntypedStorage", *(f"torch.{name}" for name in STORAGES),
)  # fmt: skip

TABLE = {
    **{name: Known(name, make) for name, make in FUNCTIONS.items()},
    **{name: Known(name) for name in TYPES},
    **{f"torch.{name}": dtypes.named(name) for name in DTYPES},
}
TENSOR_TYPES = [TABLE["torch.Tensor"], TABLE["torch.nn.parameter.Parameter"], TABLE["torch.nn.parameter.Buffer"]]
TENSOR_MAKERS = [TABLE[name] for name in FUNCTIONS if name.startswith("torch._utils.")]
STORAGE_KINDS = {
    TABLE["torch.storage.UntypedStorage"]: None,
    **{TABLE[f"torch.{name}"]: kind for name, kind in STORAGES.items()},
}
