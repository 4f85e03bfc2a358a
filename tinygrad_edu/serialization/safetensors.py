"""The safetensors format: arrays by name, without code.

A file is the length of a header (8 bytes), the header, and the data. The header is JSON: for each name the dtype, the
shape, and where in the data it begins and ends; and "__metadata__", texts by name. Here the entry "tinygrad_edu" of the
metadata says what the object was that was saved, and which tensors share memory or are Parameters. A file without it,
written by another program, is read as a dictionary.

Source of the format: the README of the safetensors project, section "Format".
"""

import json
from math import prod

import numpy as np

from ..nn.parameter import Parameter
from ..tensor import Tensor, of_array
from .errors import LoadError
from .files import Output, bytes_of
from .memory import contiguous_stride, places, view, widened
from .plain import refuse, walk
from .structure import described, rebuilt

DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "u2", "I16": "i2", "U32": "u4", "I32": "i4", "U64": "u8", "I64": "i8",
    "F16": "f2", "F32": "f4", "F64": "f8", "C64": "c8", "BF16": "u2",
}  # fmt: skip
NAMES = {np.dtype(code): name for name, code in DTYPES.items() if name != "BF16"}
LONGEST_HEADER = 100_000_000  # as in the safetensors library
OWN = "tinygrad_edu"


# ---- writing


def write(obj, file):
    """Write `obj` into a binary file."""
    found = walk(obj, TypeError, refuse)
    values = [value for _, value in found]
    unique = Names()
    names = [unique(".".join(map(str, path))) for path, _ in found]
    storages, where = places([value.array if isinstance(value, Tensor) else value for value in values])
    owners = {place.storage: name for name, place in reversed(list(zip(names, where))) if place.whole}
    stored = {owners.get(index) or unique("storage"): array for index, array in enumerate(storages)}
    holders, details = list(stored), {}
    for name, value, place in zip(names, values, where):
        detail = detail_of(value)
        holder = holders[place.storage]
        if holder != name:
            detail.update(storage=holder, offset=place.offset, shape=list(place.shape), stride=list(place.stride))
        if stored[holder].dtype == np.complex128:
            detail["complex"] = True
        if detail:
            details[name] = detail
    structure = described(obj, {id(value): name for name, value in zip(names, values)})
    own = json.dumps({"version": 1, "structure": structure, "tensors": details})
    write_arrays(stored, {"format": "pt", OWN: own}, file)


def detail_of(value):
    """What is to be remembered of a tensor or array besides its values."""
    if not isinstance(value, Tensor):
        return {}
    detail = {"parameter": True} if isinstance(value, Parameter) else {}
    if value.requires_grad != isinstance(value, Parameter):
        detail["requires_grad"] = value.requires_grad
    return detail


class Names:
    """Makes names unique, and printable: other programs show them."""

    def __init__(self):
        self.used = {"", "__metadata__"}

    def __call__(self, wanted):
        wanted = wanted if wanted.isprintable() and wanted else "tensor"
        name, count = wanted, 1
        while name in self.used:
            count += 1
            name = f"{wanted} ({count})"
        self.used.add(name)
        return name


def write_arrays(arrays, metadata, file):
    """Write contiguous arrays by name, and texts. Wide elements come first: all lie at multiples of their size."""
    header, begin = {"__metadata__": metadata}, 0
    arrays = {name: pairs_of(array) for name, array in arrays.items()}
    order = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    for name in order:
        array = arrays[name]
        kind = NAMES[array.dtype.newbyteorder("=")]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, begin + array.nbytes]}
        begin += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > LONGEST_HEADER:
        raise ValueError(
            f"save: the description of the object takes {len(text):,} bytes, and a safetensors file has at most "
            f"{LONGEST_HEADER:,}. Put numbers into tensors instead of lists"
        )
    output = Output(file)
    output.write(len(text).to_bytes(8, "little"))
    output.write(text)
    for name in order:
        output.write(bytes_of(arrays[name]))


def pairs_of(array):
    """complex128, which the format does not have, as pairs of float64."""
    return array[..., None].view(np.float64) if array.dtype == np.complex128 else array


# ---- reading


def read(source):
    """The object that a file holds."""
    header, start = read_header(source)
    metadata = header.pop("__metadata__", {})
    entries = checked_entries(header, source.size - start)
    own = metadata.get(OWN) if isinstance(metadata, dict) else None
    if own is None:
        return {name: of_array(array_of(source, start, name, entry), None) for name, entry in entries.items()}
    own = parsed(own, "the description of the saved object")
    if not isinstance(own, dict) or own.get("version") != 1 or not isinstance(own.get("tensors"), dict):
        raise LoadError("the file was written by a later version, or is damaged: its description has another form")
    return Reader(source, start, entries, own["tensors"]).read(own.get("structure"))


class Reader:
    """Reads arrays by name, each once, and makes of them what the description says."""

    def __init__(self, source, start, entries, details):
        self.source, self.start, self.entries, self.details = source, start, entries, details
        self.stored, self.made = {}, {}

    def read(self, structure):
        obj = rebuilt(structure, self.tensor, self.array)
        unused = [name for name in self.entries if name not in self.stored]
        if unused:
            raise LoadError(f"the structure of the saved object does not mention `{unused[0]}`, which the file holds")
        return obj

    def storage(self, name):
        if name not in self.stored:
            if name not in self.entries:
                raise LoadError(f"the file does not hold `{name}`, which the structure of the saved object mentions")
            self.stored[name] = array_of(self.source, self.start, name, self.entries[name])
        return self.stored[name]

    def values(self, name):
        detail = self.details.get(name, {})
        array = self.storage(detail.get("storage", name))
        if detail.get("complex"):
            if array.dtype != np.float64 or array.shape[-1:] != (2,):
                raise LoadError(f"`{name}` should be complex, but its values are no pairs of float64")
            array = array.view(np.complex128)[..., 0]
        if "storage" not in detail:
            return array
        return view(array.reshape(-1), detail["offset"], tuple(detail["shape"]), tuple(detail["stride"]), f"`{name}`")

    def array(self, name):
        return self.once(("array", name), lambda: self.values(name))

    def tensor(self, name):
        return self.once(("tensor", name), lambda: self.new_tensor(name))

    def once(self, key, make):
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def new_tensor(self, name):
        detail = self.details.get(name, {})
        tensor = of_array(self.values(name), None)
        parameter = detail.get("parameter") is True
        requires_grad = detail.get("requires_grad", parameter) is True
        if parameter:
            return Parameter(tensor, requires_grad)
        return tensor.requires_grad_() if requires_grad else tensor


def read_header(source):
    """(header, where the data begins)."""
    length = int.from_bytes(source.read(0, 8, "the length of the header"), "little")
    if length > LONGEST_HEADER:
        raise LoadError(f"the header of the safetensors file should have {length:,} bytes; it is damaged")
    header = parsed(source.read(8, length, "the header"), "the header")
    if not isinstance(header, dict):
        raise LoadError("the header of a safetensors file is a JSON object")
    return header, 8 + length


def parsed(text, what):
    try:
        if isinstance(text, bytes):
            text = text.decode()
        return json.loads(text, object_pairs_hook=unique_keys, parse_constant=no_constant)
    except LoadError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise LoadError(f"{what} is no valid JSON: {error}") from None


def unique_keys(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise LoadError("a JSON object of the file has an entry twice")
    return found


def no_constant(name):
    raise LoadError(f"the JSON of the file has {name}, which is no number")


def checked_entries(header, size):
    """The entries of the header, which must describe the data without gaps or overlaps."""
    spans = []
    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise LoadError(f"`{name}`: an entry of the header has dtype, shape and data_offsets, and nothing else")
        kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if kind not in DTYPES:
            raise LoadError(f"`{name}` has dtype {kind!r}, which no tensor can have here: NumPy has none like it")
        if not is_counts(shape) or not is_counts(offsets) or len(offsets) != 2:
            raise LoadError(f"`{name}`: shape {shape!r} and data_offsets {offsets!r} must be lists of integers from 0")
        begin, stop = offsets
        if stop - begin != prod(shape) * np.dtype(DTYPES[kind]).itemsize:
            raise LoadError(f"`{name}`: {kind} values of shape {shape} do not fill bytes {begin} to {stop}")
        spans.append((begin, stop, name))
    position = 0
    for begin, stop, name in sorted(spans):
        if begin != position:
            raise LoadError(f"`{name}` begins at byte {begin} of the data, and what is before it ends at {position}")
        position = stop
    if position != size:
        raise LoadError(f"the file is cut off or damaged: its entries fill {position} bytes of data, and it has {size}")
    return header


def is_counts(value):
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in value)


def array_of(source, start, name, entry):
    """The array of an entry; bfloat16 becomes float32, which has all its values."""
    begin, stop = entry["data_offsets"]
    raw = source.array(start + begin, stop - begin, f"`{name}`").view(
        np.dtype(DTYPES[entry["dtype"]]).newbyteorder("<")
    )
    array = widened(raw) if entry["dtype"] == "BF16" else raw.astype(raw.dtype.newbyteorder("="), copy=False)
    return view(array, 0, tuple(entry["shape"]), contiguous_stride(entry["shape"]), f"`{name}`")
