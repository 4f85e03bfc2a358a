"""Saving to files and loading from them, without executing anything.

    tg.save(model.state_dict(), "model.pt")
    model.load_state_dict(tg.load("model.pt"))

Two formats are written and read, and told apart by their contents:

* **PyTorch's** (.pt, .pth and all others): what torch.save writes and torch.load reads. Weights move both ways.
* **safetensors** (.safetensors): arrays by name behind a header of JSON, which many programs read.

A file is data. PyTorch's format can name any function of Python, to be called when the file is read; here such a name
is looked up in a table of harmless ones (`torch_names`), and the file is refused if it is not there.
"""

import os

from ..devices import check_device
from .errors import LoadError, RefusedError
from .files import opened_for_reading, opened_for_writing
from .plain import walk
from .safe_globals import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

__all__ = [
    "LoadError", "RefusedError", "add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals",
    "save",
]  # fmt: skip

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How a file begins that PyTorch wrote before version 1.6: a pickle of a number."""

SAVE_AGAIN = "Open it in PyTorch, and save it again with torch.save(torch.load(path), path)"


def save(obj, f, format=None):
    """Save tensors, and containers of them, to a file.

    obj     a tensor, a state_dict (of a module, an optimizer, a schedule), or dicts, lists, tuples and sets of tensors,
            NumPy arrays, numbers, text, bytes, Size, dtype, device, None; Parameters stay Parameters. Objects of other
            classes, modules among them, are refused (TypeError): save module.state_dict()
    f       a path, or a binary file to write to
    format  "torch" or "safetensors"; by default safetensors if the path ends in .safetensors, else torch

    Tensors that share memory do so again when they are loaded, and one tensor (with "torch" also one list or dict)
    found in several places is loaded as one. All other tensors are written contiguously, without what else lies in
    their memory.

    A path never holds half a file: all is written to a temporary file beside it, which takes its place in one step.
    What a crash leaves is the old file or the new one, and perhaps a file `.name.….tmp`.
    """
    if format is None:
        name = f if isinstance(f, (str, bytes, os.PathLike)) else getattr(f, "name", "")
        name = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else ""
        format = "safetensors" if name.endswith(".safetensors") else "torch"
    if format == "safetensors":
        from .safetensors import write
    elif format == "torch":
        from .torch_writer import write
    else:
        raise ValueError(f"save: format is 'torch' or 'safetensors', not {format!r}")
    with opened_for_writing(f) as file:
        write(obj, file)


def load(f, map_location=None, *, weights_only=True, mmap=None):
    """What was saved with `save`, with torch.save, or by any program that writes safetensors.

    f             a path, or a binary file, read from where it stands to its end
    map_location  None, "cpu", a function or a dict, as in PyTorch; tensors of any device are loaded into the memory of
                  the CPU, so that there is nothing to choose. Another device is an error
    weights_only  True or False; nothing in a file is ever executed, and False does not change that
    mmap          with True, and a path: tensors look into the file instead of being read at once. They can be changed;
                  the file is not. Checksums are not verified then

    bfloat16 values are loaded as float32, which has them all. Raises LoadError, a RuntimeError and ValueError, for
    damaged files and unknown formats; RefusedError, which is also a pickle.UnpicklingError, for files that hold
    anything but tensors and plain containers, naming it.
    """
    if not callable(map_location) and not isinstance(map_location, dict):
        check_device(map_location if map_location is None else str(map_location))
    with opened_for_reading(f, mmap) as source:
        head = source.read(0, min(source.size, 512), "its beginning")
        if head[8:9] == b"{":
            from .safetensors import read
        elif head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            from .torch_reader import read
        else:
            raise LoadError(f"load: {unknown(head)}")
        try:
            obj = read(source)
            walk(obj, LoadError, leftover)
            return obj
        except (LoadError, MemoryError, OSError):
            raise
        except Exception as error:  # whatever malformed input has led to: nothing but `obj` has been touched
            raise LoadError(f"the file is damaged: {type(error).__name__}: {error}") from error


def leftover(path, value):
    """Refuse what a file of PyTorch may name, but what is no data: a class, or memory without a tensor."""
    raise RefusedError(f"the file holds a {value!r:.80}; only tensors and plain containers are loaded")


def unknown(head):
    """What is to be said of a file that begins with these bytes."""
    if not head:
        return "the file is empty"
    if head.startswith(LEGACY) or head[257:262] == b"ustar":
        return f"the file has the format of PyTorch before version 1.6. {SAVE_AGAIN}"
    if head[0] == 0x80:
        return (
            "the file is a pickle, and reading one means executing it. Open it with the program that wrote it, and "
            "save the tensors in it with torch.save or tinygrad_edu.save"
        )
    if head.startswith(b"\x93NUMPY"):
        return "the file holds an array of NumPy; read it with numpy.load"
    return "the file is neither in the format of torch.save nor in that of safetensors"
