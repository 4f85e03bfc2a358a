"""Files: written so that a crash leaves the old one or the new one, read by pieces whose lengths are checked first."""

import contextlib
import io
import os
import stat

import numpy as np

from .errors import LoadError


@contextlib.contextmanager
def opened_for_writing(f):
    """A binary file to write into: `f` itself, or for a path a temporary one that takes its place at the end."""
    if hasattr(f, "write"):
        if isinstance(f, io.TextIOBase):
            raise TypeError("save writes bytes, and this file is open for text; open it with mode 'wb'")
        yield f
        if hasattr(f, "flush"):
            f.flush()
        return
    path = os.path.realpath(os.fsdecode(path_of(f, "save")))  # a link stays a link, and what it leads to is replaced
    mode = present_mode(path)
    if mode is not None and not stat.S_ISREG(mode):  # a device or a pipe cannot be replaced; a folder raises here
        with open(path, "wb") as file:
            yield file
        return
    with replacing(path, mode) as file:
        yield file


@contextlib.contextmanager
def replacing(path, mode):
    """A new file in the folder of `path`, renamed to `path` once its contents are on the disk.

    A rename within one folder happens entirely or not at all, so whoever opens `path`, also after a crash, finds the
    old contents or all of the new ones.
    """
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".{os.path.basename(path)[:100]}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    # as open() would create it: the process's umask applies
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except FileNotFoundError:
        raise FileNotFoundError(f"save: the folder {folder} does not exist; os.makedirs makes it") from None
    except PermissionError:
        raise PermissionError(
            f"save: no file can be made in {folder}. A new file is written beside the old one, so that a crash leaves "
            "one of them; to do without, pass an open file"
        ) from None
    try:
        with open(descriptor, "wb") as file:
            if mode is not None:
                with contextlib.suppress(OSError):  # some file systems have no modes
                    os.chmod(temporary, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if os.name == "posix":  # elsewhere folders cannot be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # some file systems cannot sync folders; the file itself is on the disk
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def present_mode(path):
    """The mode of the file that is to be replaced, which must be writable; None if there is none."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode) and not os.access(path, os.W_OK):
        raise PermissionError(f"save: {path} is write-protected")
    return mode


def path_of(f, what):
    try:
        return os.fspath(f)
    except TypeError:
        raise TypeError(f"{what} takes a path or a binary file, not a {type(f).__name__}") from None


class Output:
    """Counts what is written, from 0 wherever the file stands, and writes arrays.

    It cannot seek, which lets the same code write to files, pipes and memory.
    """

    def __init__(self, file):
        self.file = file
        self.position = 0

    def write(self, data):
        self.file.write(data)
        self.position += len(data)
        return len(data)

    def tell(self):
        return self.position

    def flush(self):
        pass


def bytes_of(array):
    """The bytes of an array, least significant first, as a memoryview."""
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1)
    return memoryview(array.view(np.uint8))


class Source:
    """What is read from: a file of known size.

    Everything is read by position and length, and no memory is asked for before the length is known to lie within the
    file: a file that lies about lengths cannot make the program allocate more than a few times its own size.
    """

    def __init__(self, file, mapped=None):
        self.file, self.mapped = file, mapped
        self.size = file.seek(0, io.SEEK_END) if mapped is None else mapped.size

    def check(self, offset, count, what):
        if offset < 0 or count < 0 or offset + count > self.size:
            raise LoadError(
                f"the file is cut off or damaged: {what} should occupy bytes {offset} to {offset + count}, and the "
                f"file has {self.size}"
            )

    def read(self, offset, count, what):
        """Some bytes."""
        self.check(offset, count, what)
        if self.mapped is not None:
            return self.mapped[offset : offset + count].tobytes()
        self.file.seek(offset)
        data = self.file.read(count)
        if len(data) != count:
            raise LoadError(f"the file is cut off within {what}")
        return data

    def array(self, offset, count, what):
        """Some bytes as a uint8 array of its own memory (of the mapped memory, if the file is mapped)."""
        self.check(offset, count, what)
        if self.mapped is not None:
            return self.mapped[offset : offset + count]
        if not hasattr(self.file, "readinto"):
            return np.frombuffer(bytearray(self.read(offset, count, what)), np.uint8)
        array = np.empty(count, np.uint8)
        self.file.seek(offset)
        done, view = 0, memoryview(array)
        while done < count:
            got = self.file.readinto(view[done:])
            if not got:
                raise LoadError(f"the file is cut off within {what}")
            done += got
        return array


@contextlib.contextmanager
def opened_for_reading(f, mmap):
    """A Source of a path or a binary file; with `mmap`, of a path whose bytes are mapped into memory."""
    if hasattr(f, "read"):
        if mmap:
            raise ValueError("mmap=True needs the path of a file, not an open file")
        if isinstance(f, io.TextIOBase):
            raise TypeError("load reads bytes, and this file is open for text; open it with mode 'rb'")
        if not (hasattr(f, "seekable") and f.seekable() and f.tell() == 0):
            f = io.BytesIO(f.read())
        yield Source(f)
        return
    path = path_of(f, "load")
    with open(path, "rb") as file:
        if not (file.seekable() and stat.S_ISREG(os.fstat(file.fileno()).st_mode)):
            yield Source(io.BytesIO(file.read()))
        elif mmap and os.fstat(file.fileno()).st_size:
            # copy-on-write: tensors may be changed, the file stays as it is
            yield Source(file, np.memmap(file, np.uint8, "c").view(np.ndarray))
        else:
            yield Source(file)
