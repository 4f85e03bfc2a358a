"""Writes files that PyTorch reads, also with `torch.load(f, weights_only=True)`.

The layout is that of torch.save, see `torch_reader`. The pickle is put together by hand from the instructions of
protocol 2 that PyTorch's restricted reader knows; PyTorch's functions appear in it by name only.
"""

import struct
import zipfile
from collections import Counter, OrderedDict

import numpy as np

from ..devices import device, layout
from ..dtypes import DType
from ..nn.parameter import Parameter
from ..tensor import Size, Tensor
from .files import Output, bytes_of
from .memory import places
from .plain import attributes_of, refuse, walk
from .torch_names import STORAGES

CLASSES = {kind: name for name, kind in STORAGES.items()}
ALIGNMENT = 64  # where the values of a storage begin, so that a mapped file can be computed with


def write(obj, file):
    """Write `obj` into a binary file."""
    tensors = [value for _, value in walk(obj, TypeError, refuse) if isinstance(value, Tensor)]
    storages, where = places([tensor.array for tensor in tensors])
    writer = Pickle({id(tensor): place for tensor, place in zip(tensors, where)}, storages)
    with zipfile.ZipFile(Output(file), "w", zipfile.ZIP_STORED) as archive:
        add(archive, "data.pkl", writer.written(obj))
        add(archive, "byteorder", b"little")
        for number, array in enumerate(storages):
            add(archive, f"data/{number}", bytes_of(array))
        add(archive, "version", b"3\n")


def add(archive, name, data):
    """Add a file whose contents begin at a multiple of ALIGNMENT: an extra field before them fills the gap."""
    info = zipfile.ZipInfo(f"archive/{name}")  # dated 1980, so that equal objects give equal files
    info.file_size = len(data)
    start = archive.fp.tell() + 30 + len(info.filename) + 4
    if info.file_size * 1.05 > zipfile.ZIP64_LIMIT:
        start += 20  # the field in which zipfile will write the size
    info.extra = struct.pack("<2sH", b"FB", -start % ALIGNMENT).ljust(4 + -start % ALIGNMENT, b"Z")
    with archive.open(info, "w") as file:
        file.write(data)


class Pickle:
    """Assembles the instructions that make an object.

    places    the Place of each tensor, by id
    storages  the arrays that they refer to
    """

    def __init__(self, places, storages):
        self.places, self.storages = places, storages
        self.parts = []
        self.memo = {}  # id of an object, or what identifies a text or a name -> its number
        self.alive = []  # what has a number, so that no id is given to another object

    def written(self, obj):
        self.parts.append(b"\x80\x02")
        self.put(obj)
        self.parts.append(b".")
        return b"".join(self.parts)

    def put(self, value):
        """The instructions that push `value`."""
        kind = type(value)
        if isinstance(value, Tensor):
            self.object(self.tensor, value)
        elif isinstance(value, DType):
            self.name("torch", value.name)
        elif isinstance(value, np.generic):
            self.call("numpy._core.multiarray", "scalar", value.dtype, bytes(bytes_of(value)))
        elif isinstance(value, np.dtype):
            self.numpy_dtype(value)
        elif kind in (list, dict, OrderedDict, Counter, set, np.ndarray, bytearray):
            self.object(lambda value: PUT[kind](self, value), value)
        else:
            PUT[kind](self, value)

    def object(self, put, value):
        self.alive.append(value)
        self.once(id(value), put, value)

    def once(self, key, put, *arguments):
        """Push an object: with its instructions the first time, later by its number, so that it stays one object."""
        number = self.memo.get(key)
        if number is None:
            put(*arguments)
            self.remember(key)
        else:
            self.parts.append(b"h" + bytes([number]) if number < 256 else b"j" + struct.pack("<I", number))

    def remember(self, key):
        number = self.memo[key] = len(self.memo)
        self.parts.append(b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number))

    def name(self, module, name):
        self.once((module, name), self.parts.append, f"c{module}\n{name}\n".encode())

    def call(self, module, name, *arguments):
        """Push what a function returns."""
        self.name(module, name)
        self.tuple(arguments)
        self.parts.append(b"R")

    def tuple(self, items):
        if len(items) > 3:
            self.parts.append(b"(")
        for item in items:
            self.put(item)
        self.parts.append((b")", b"\x85", b"\x86", b"\x87")[len(items)] if len(items) <= 3 else b"t")

    def items(self, pairs):
        """Add keys and values to the dictionary on the stack."""
        if pairs:
            self.parts.append(b"(")
            for key, value in pairs:
                self.put(key)
                self.put(value)
            self.parts.append(b"u")

    # ---- kinds of values

    def integer(self, value):
        if 0 <= value < 256:
            self.parts.append(b"K" + bytes([value]))
        elif -(1 << 31) <= value < 1 << 31:
            self.parts.append(b"J" + struct.pack("<i", value))
        else:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            if len(data) > 255:
                raise TypeError(f"save: an integer of {value.bit_length()} bits; a file of PyTorch has up to 2039")
            self.parts.append(b"\x8a" + bytes([len(data)]) + data)

    def text(self, value):
        data = value.encode("utf-8", "surrogatepass")
        self.once(("", value), self.parts.append, b"X" + struct.pack("<I", len(data)) + data)

    def list(self, value):
        self.parts.append(b"]")
        if value:
            self.parts.append(b"(")
            for item in value:
                self.put(item)
            self.parts.append(b"e")

    def dict(self, value):
        self.parts.append(b"}")
        self.items(value.items())

    def ordered(self, value):
        self.call("collections", "OrderedDict")
        self.items(value.items())
        if attributes_of(value):
            self.put(dict(attributes_of(value)))
            self.parts.append(b"b")

    def numpy_dtype(self, dtype):
        self.call("numpy", "dtype", dtype.str[1:], False, True)
        self.tuple((3, "|" if dtype.itemsize == 1 else "<", None, None, None, -1, -1, 0))
        self.parts.append(b"b")

    def numpy_array(self, array):
        self.name("numpy._core.multiarray", "_reconstruct")
        self.name("numpy", "ndarray")
        self.tuple((0,))
        self.put(b"b")
        self.parts.append(b"\x87R(")
        for item in (1, array.shape, array.dtype, False, bytes(bytes_of(array))):
            self.put(item)
        self.parts.append(b"tb")

    def tensor(self, value):
        if isinstance(value, Parameter):
            self.name("torch._utils", "_rebuild_parameter")
            self.values(value, False)
            self.put(value.requires_grad)
            self.call("collections", "OrderedDict")  # hooks, of which there are none
            self.parts.append(b"\x87R")
        else:
            self.values(value, value.requires_grad)

    def values(self, value, requires_grad):
        place = self.places[id(value)]
        storage = self.storages[place.storage]
        kind = storage.dtype.name
        self.name("torch._utils", "_rebuild_tensor_v2" if kind in CLASSES else "_rebuild_tensor_v3")
        self.parts.append(b"((")
        self.put("storage")
        if kind in CLASSES:
            self.name("torch", CLASSES[kind])
        else:
            self.name("torch.storage", "UntypedStorage")
        for item in (str(place.storage), "cpu", storage.size if kind in CLASSES else storage.nbytes):
            self.put(item)
        self.parts.append(b"tQ")
        for item in (place.offset, place.shape, place.stride, requires_grad):
            self.put(item)
        self.call("collections", "OrderedDict")
        if kind not in CLASSES:
            self.name("torch", kind)
        self.parts.append(b"tR")


PUT = {
    type(None): lambda pickle, value: pickle.parts.append(b"N"),
    bool: lambda pickle, value: pickle.parts.append(b"\x88" if value else b"\x89"),
    int: Pickle.integer,
    float: lambda pickle, value: pickle.parts.append(b"G" + struct.pack(">d", value)),
    complex: lambda pickle, value: pickle.call("__builtin__", "complex", value.real, value.imag),
    str: Pickle.text,
    bytes: lambda pickle, value: pickle.call("_codecs", "encode", value.decode("latin1"), "latin1"),
    bytearray: lambda pickle, value: pickle.call("__builtin__", "bytearray", bytes(value)),
    list: Pickle.list,
    tuple: Pickle.tuple,
    dict: Pickle.dict,
    OrderedDict: Pickle.ordered,
    Counter: lambda pickle, value: pickle.call("collections", "Counter", dict(value)),
    set: lambda pickle, value: pickle.call("__builtin__", "set", list(value)),
    Size: lambda pickle, value: pickle.call("torch", "Size", tuple(value)),
    device: lambda pickle, value: pickle.call("torch", "device", str(value)),
    layout: lambda pickle, value: pickle.call("torch.serialization", "_get_layout", f"torch.{value.name}"),
    np.ndarray: Pickle.numpy_array,
}
