"""What happened when: one counter for nodes, writes and module calls, and the last write into each array.

A gradient rule computes with arrays that were kept when its operation ran. If one of them has been written into since,
the gradient would be wrong, and silently. So every in-place operation notes the time of its write under the array that
owns the memory, and the backward pass compares it with the time at which the node was made. Arrays that are never
written into cost nothing; neither does a graph that is younger than the latest write, the case in ordinary training.
"""

import itertools
import os
import sys
import weakref

import numpy as np

from .errors import OverwrittenError

tick = itertools.count(1).__next__

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Write:
    """The last write into the memory of one array: when, by which operation, from which line of whose source."""

    __slots__ = ("time", "operation", "place", "owner")


class Writes:
    """All known last writes. `latest` is the time of the very last one."""

    def __init__(self):
        self.latest = 0
        self.by_owner = {}  # id of the owning array -> Write; removed with the array

    def note(self, array, operation, place=None):
        """Say that `operation` has just written into `array`. `place`: the calling line, where the caller knows it
        already."""
        owner = owner_of(array)
        key = id(owner)
        write = self.by_owner.get(key)
        if write is None:
            write = self.by_owner[key] = Write()
            forget = self.by_owner.pop
            write.owner = weakref.ref(owner, lambda _: forget(key, None))
        self.latest = write.time = tick()
        write.operation = operation
        write.place = calling_line() if place is None else place

    def check(self, node):
        """Raise if a value that `node` keeps was written into after the node was made."""
        for name, value in node.op.kept_by_name(node):
            if isinstance(value, np.ndarray):
                write = self.by_owner.get(id(owner_of(value)))
                if write is not None and write.time > node.number:
                    raise OverwrittenError(
                        f"the gradient of `{node.op.name}` needs its {name}, an array of shape {value.shape}, but "
                        f"`{write.operation}` at {write.place} has changed it in place since. Compute a new tensor "
                        f"there (`x = x + 1` instead of `x += 1`), or give `{node.op.name}` a `clone()`."
                    )


writes = Writes()


def owner_of(array):
    """The array that owns the memory which `array` looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def calling_line():
    """'file:line' of the innermost caller outside this package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return "an unknown place" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
