"""Reads what torch.save has written: a zip archive with a pickle, and one file for each storage.

    archive/data.pkl      the object; tensors in it name their storage
    archive/data/0, ...   the bytes of the storages
    archive/byteorder     "little" or "big"

The first part of the names is chosen by the writer. No name is ever used as the name of a file.
Source: PyTorch, torch/serialization.py, and what it writes.
"""

import struct
import zipfile
import zlib

import numpy as np

from .errors import LoadError, RefusedError
from .torch_names import STORAGE_KINDS, Storage, build, find
from .unpickle import Known, read_pickle

LOCAL_HEADER = struct.Struct("<4s22xHH")
"""What precedes each file of an archive: a sign, ..., the lengths of its name and of an extra field, which follow."""


def read(source):
    """The object in the archive."""
    archive = Archive(source)
    return read_pickle(archive.bytes("data.pkl"), find, archive.persistent, build)


class Archive:
    """The files of an archive, by name; each is read once, and checked."""

    def __init__(self, source):
        self.source = source
        self.members = directory(source)
        pickles = [name for name in self.members if name.endswith("/data.pkl") and name.count("/") == 1]
        if not pickles:
            raise LoadError(
                "this zip archive holds no data.pkl, so torch.save has not written it. An archive of NumPy (.npz) is "
                "read with numpy.load"
            )
        if len(pickles) > 1:
            raise LoadError("this zip archive holds several data.pkl; torch.save writes one")
        self.prefix = pickles[0].removesuffix("data.pkl")
        if f"{self.prefix}constants.pkl" in self.members:
            raise RefusedError(
                "the file holds a compiled model (TorchScript), with code. Open it in PyTorch with torch.jit.load and "
                "save its state_dict()"
            )
        self.taken = 0
        self.storages = {}
        order = self.bytes("byteorder") if f"{self.prefix}byteorder" in self.members else b"little"
        if order not in (b"little", b"big"):
            raise LoadError(f"the file says that its byte order is {order[:20]!r}")
        self.big = order == b"big"

    def array(self, name):
        """The contents of a file, as a uint8 array."""
        info = self.members.get(self.prefix + name)
        if info is None:
            raise LoadError(f"the archive lacks `{name}`, which belongs to the saved object")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 1:
            raise LoadError(f"`{name}` in the archive is compressed or encrypted, as torch.save never does")
        self.taken += info.file_size
        if self.taken > self.source.size:  # files that lie over one another: an archive that unfolds when it is read
            raise LoadError("the files in the archive are together larger than the archive")
        what = f"`{name}` in the archive"
        sign, name_length, extra_length = LOCAL_HEADER.unpack(
            self.source.read(info.header_offset, LOCAL_HEADER.size, what)
        )
        if sign != b"PK\x03\x04":
            raise LoadError(f"the archive is damaged: {what} is not where it should be")
        start = info.header_offset + LOCAL_HEADER.size + name_length + extra_length
        array = self.source.array(start, info.file_size, what)
        # PyTorch can be told not to compute checksums and then writes 0. Of a mapped file not everything is to be read
        if info.CRC and self.source.mapped is None and zlib.crc32(array) != info.CRC:
            raise LoadError(f"{what} is damaged: its checksum is wrong")
        return array

    def bytes(self, name):
        return self.array(name).tobytes()

    def persistent(self, key):
        """The storage that an id in the pickle means: ("storage", class, name, device, number of elements)."""
        if type(key) is not tuple or len(key) != 5 or key[0] != "storage" or type(key[2]) is not str:
            raise LoadError("the file refers to something that is no storage")
        _, known, name, _, count = key
        if not isinstance(known, Known) or known not in STORAGE_KINDS:
            raise LoadError("the file has a storage of an unknown class")
        if name not in self.storages:
            self.storages[name] = Storage(self.array(f"data/{name}"), STORAGE_KINDS[known], self.big)
        storage = self.storages[name]
        if storage.kind != STORAGE_KINDS[known]:
            raise LoadError(f"the storage {name!r} in the file belongs to two classes")
        width = 1 if storage.kind is None else 2 if storage.kind == "bfloat16" else np.dtype(storage.kind).itemsize
        if type(count) is not int or count * width != storage.raw.size:
            raise LoadError(
                f"the storage {name!r} should have {count} elements, and the file has {storage.raw.size} bytes"
            )
        return storage


def directory(source):
    """The entries of the archive by name."""
    try:
        with zipfile.ZipFile(source.file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, RuntimeError, EOFError, struct.error) as error:
        raise LoadError(f"the file is cut off or damaged: its directory cannot be read ({error})") from None
    members = {info.filename: info for info in entries}
    if len(members) != len(entries):
        raise LoadError("the archive has two files of one name")
    return members
