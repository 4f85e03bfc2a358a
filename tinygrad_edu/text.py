"""How tensors are written: in PyTorch's format, all numbers of one width, long tensors shortened to their edges."""

import math
from collections import namedtuple

import numpy as np

__all__ = ["set_printoptions"]

PROFILES = {
    "default": dict(precision=4, threshold=1000, edgeitems=3, linewidth=80),
    "short": dict(precision=2, threshold=1000, edgeitems=2, linewidth=80),
    "full": dict(precision=4, threshold=math.inf, edgeitems=3, linewidth=80),
}

options = {**PROFILES["default"], "sci_mode": None}
"""What `set_printoptions` sets."""

namespace = {"prefix": "", "node": lambda node: node.name}
"""What stands before the names of types in texts, and the name of a recorded operation. `interop.torch` sets both as
PyTorch has them."""


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """How tensors are written from now on; what is None stays as it is.

    precision  digits after the point (4)
    threshold  how many elements are written before a tensor is shortened (1000)
    edgeitems  how many at each edge of a shortened dimension (3)
    linewidth  characters in a line (80)
    profile    "default", "short" or "full": a set of all these
    sci_mode   True: in scientific notation, False: not; None: where digits would be lost otherwise
    """
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(f"there is no profile {profile!r}; the profiles are {', '.join(PROFILES)}")
        options.update(PROFILES[profile])
    given = dict(precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth)
    options.update({name: value for name, value in given.items() if value is not None}, sci_mode=sci_mode)


def tensor_text(array, start, notes):
    """`start`, the values in nested brackets, the notes, and a closing bracket: the text of a tensor."""
    text = start + values_text(array, len(start))
    column = len(text) - text.rfind("\n") + 1
    for note in notes:
        if column + len(note) + 2 > options["linewidth"]:
            text, column = f"{text},\n{' ' * len(start)}{note}", len(start) + len(note)
        else:
            text, column = f"{text}, {note}", column + len(note) + 2
    return text + ")"


def values_text(array, indent):
    """The values in nested brackets; `indent` is the column at which they start."""
    if array.size == 0:
        return "[]"
    shortened = array.size > options["threshold"]
    write = number_format(shown(array) if shortened else array)
    return nested(array, indent, write, shortened)


def nested(array, indent, write, shortened):
    edge = options["edgeitems"]
    cut = shortened and array.ndim > 0 and len(array) > 2 * edge
    if array.ndim == 0:
        return write(array[()])
    if array.ndim == 1:
        words = [write(x) for x in array.tolist()] if not cut else None
        if cut:
            words = [write(x) for x in array[:edge].tolist()] + [" ..."] + [write(x) for x in array[-edge:].tolist()]
        per_line = max(1, (options["linewidth"] - indent) // (len(write(array[0])) + 2))
        lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [*range(edge), *range(len(array) - edge, len(array))] if cut else range(len(array))
    parts = [nested(array[i], indent + 1, write, shortened) for i in rows]
    if cut:
        parts.insert(edge, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def shown(array):
    """The elements of a shortened array that are written."""
    edge = options["edgeitems"]
    for axis, size in enumerate(array.shape):
        if size > 2 * edge:
            array = np.take(array, [*range(edge), *range(size - edge, size)], axis)
    return array


def number_format(values):
    """A function that writes one number in the width of the widest of `values`.

    Floating-point numbers: as integers with a point where all are whole, else with four decimals; in scientific
    notation where that would lose digits. Infinities and NaNs do not count.
    """
    if values.dtype.kind != "f":
        width = max(len(str(x)) for x in values.ravel().tolist())
        return lambda x: str(x).rjust(width)
    numbers = values[np.isfinite(values) & (values != 0)].astype(float)
    sizes, digits = np.abs(numbers), options["precision"]
    whole = bool((sizes == np.ceil(sizes)).all())
    scientific = options["sci_mode"] if sizes.size else False
    if scientific is None:
        scientific = bool(sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8 or (not whole and sizes.min() < 1e-4))

    def write(x):
        if scientific:
            return f"{x:.{digits}e}"
        if whole:
            return f"{x:.0f}." if math.isfinite(x) else f"{x:.0f}"
        return f"{x:.{digits}f}"

    width = max((len(write(x)) for x in numbers.tolist()), default=1)
    return lambda x: write(x).rjust(width)


def named_results(name, *fields):
    """A class for the results of an operation that has several: a tuple with names, written as PyTorch writes it."""

    def write(self):
        values = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self))
        return f"{namespace['prefix']}return_types.{name}(\n{values})"

    members = {"__slots__": (), "__repr__": write, "__doc__": f"({', '.join(fields)}) of `{name}`."}
    return type(name, (namedtuple(name, fields),), members)
