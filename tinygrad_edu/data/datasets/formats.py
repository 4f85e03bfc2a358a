"""Readers of data files: a file that is not exactly what it should be is a ValueError that names it.

Nothing that a file contains is executed: no pickles are read.
"""

import io
import math

import numpy as np

__all__ = ["read_cifar10", "read_hdf5", "read_idx", "read_npz", "read_text"]

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

CIFAR_PIXELS = 3 * 32 * 32


def damaged(path, kind, error):
    return ValueError(f"{path} is not {kind}: {error}. Delete it and get it again")


def check_sha256(parts, wanted, what="its"):
    """ValueError if the bytes of the parts together have another SHA-256 than `wanted`."""
    import hashlib

    checksum = hashlib.sha256()
    for part in parts:
        checksum.update(part)
    if checksum.hexdigest() != wanted:
        raise ValueError(f"{what} SHA-256 is {checksum.hexdigest()}, and should be {wanted}")


# ---- IDX, the format of MNIST


def read_idx(path, shape=None, sha256=None):
    """The array in an IDX file, which may be packed by gzip.

    shape, sha256  what it must have: its shape, and the checksum of the (unpacked) file

    The format (LeCun): two zero bytes, a byte for the type, a byte for the number of dimensions, each size as a 4-byte
    integer, then the values, the last dimension fastest; most significant bytes first. ValueError for anything else.
    """
    import gzip
    import zlib

    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else open(path, "rb") as file:
            header, found, dtype = read_idx_header(file)
            if shape is not None and found != tuple(shape):
                raise ValueError(f"its values have shape {found}, and should have {tuple(shape)}")
            size = math.prod(found) * dtype.itemsize
            values = file.read(size + 1)
        if len(values) != size:
            count = "more" if len(values) > size else f"only {len(values)}"
            raise ValueError(f"values of shape {found} and type {dtype} are {size} bytes, and it has {count}")
        if sha256 is not None:
            check_sha256([header, values], sha256)
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path, "an IDX file" if sha256 is None else "the IDX file that it should be", error) from error
    return np.frombuffer(values, dtype).reshape(found)


def read_idx_header(file):
    """(the bytes of the header, shape, dtype) of an open IDX file."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES or magic[3] == 0:
        raise ValueError(f"it starts with {magic.hex(' ') or 'nothing'}, which is not the magic number of an IDX file")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError(f"it ends within its header, which announces {magic[3]} dimensions")
    return magic + sizes, tuple(np.frombuffer(sizes, ">u4").tolist()), np.dtype(IDX_TYPES[magic[2]])


# ---- the binary version of CIFAR-10


def read_cifar10(path, count=None):
    """(images (N, 32, 32, 3), labels (N,)), both uint8, of a file that has for each image a byte that is its label,
    then its red, green and blue pixels.

    count  how many images it must have
    """
    content = np.fromfile(path, np.uint8)
    if content.size == 0 or content.size % (1 + CIFAR_PIXELS):
        raise ValueError(
            f"{path} has {content.size} bytes, no multiple of {1 + CIFAR_PIXELS}, a label and the pixels of an image. "
            "Delete it and get it again"
        )
    rows = content.reshape(-1, 1 + CIFAR_PIXELS)
    if count is not None and len(rows) != count:
        raise ValueError(f"{path} has {len(rows)} images, and should have {count}. Delete it and get it again")
    if rows[:, 0].max() > 9:
        label = rows[:, 0].max()
        raise ValueError(f"{path} has the label {label}, and there are 10 classes. Delete it and get it again")
    return np.ascontiguousarray(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), rows[:, 0]


# ---- HDF5


def read_hdf5(path, shapes, sha256=None):
    """The arrays of an HDF5 file that have the names and shapes {name: shape}, in this order.

    sha256  of their bytes, one array after the other, which must have the least significant byte first

    Needs h5py: pip install "tinygrad-edu[data]".
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f'{path} is an HDF5 file, and h5py, which reads them, is not installed: pip install "tinygrad-edu[data]"'
        ) from error
    with open(path, "rb"):  # its absence, or a lack of permission, is another error than damage
        pass
    try:
        with h5py.File(path, "r") as file:
            arrays = [read_member(file, name, shape) for name, shape in shapes.items()]
        if sha256 is not None:
            check_sha256([array.tobytes() for array in arrays], sha256, "its arrays'")
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        kind = "an HDF5 file" if sha256 is None else "the HDF5 file that it should be"
        raise damaged(path, kind, error.args[-1]) from error
    return arrays


def read_member(file, name, shape):
    """An array of an open HDF5 file; not one whose values lie in other files, as the format allows."""
    if name not in file or not hasattr(file[name], "shape"):
        raise ValueError(f"it has no array {name!r}, but {', '.join(map(repr, file)) or 'nothing'}")
    member = file[name]
    if member.shape != shape:
        raise ValueError(f"its array {name!r} has shape {member.shape}, and should have {shape}")
    if member.dtype.kind not in "iuf" or member.is_virtual or member.external or member.file != file:
        raise ValueError(f"its array {name!r} is not one of numbers that it contains itself")
    return member[()]


# ---- NumPy's archives


def read_npz(path, names):
    """The arrays with these names of a .npz file, whose parts have checksums of their own."""
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(path) as archive:
            present = [name.removesuffix(".npy") for name in archive.namelist()]
            for name in names:
                if name not in present:
                    raise ValueError(f"it has no array {name!r}, but {', '.join(map(repr, present)) or 'nothing'}")
            return [read_npy(archive.read(f"{name}.npy"), name) for name in names]  # `read` compares the checksum
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, KeyError) as error:
        raise damaged(path, "a .npz file with these arrays", error) from error


def read_npy(content, name):
    """The array of a .npy file's bytes; not one of Python objects, which are pickles."""
    file = io.BytesIO(content)
    try:
        array = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # NumPy reads the header as a Python literal, which may fail in many ways
        raise ValueError(f"its array {name!r} cannot be read: {error}") from error
    if file.read(1):
        raise ValueError(f"there is more after the values of its array {name!r}")
    return array


# ---- text


def read_text(path, sha256):
    """The text of a UTF-8 file, with lines that end in "\\n", without empty lines at its ends.

    sha256  the checksum that this text must have
    """
    with open(path, "rb") as file:
        content = file.read()
    try:
        text = content.decode("utf-8").replace("\r\n", "\n").strip()
        check_sha256([text.encode("utf-8")], sha256, "its text's")
    except ValueError as error:
        raise damaged(path, "the text that it should be", error) from error
    return text
