"""Large arrays: functions of elements on several threads, and memory that is used again.

NumPy computes on one thread, but releases the interpreter's lock while it does. So a function that works element by
element can be shared out: each thread takes a block of the operands at a time and writes its block of the result.
Gradients can be added to what is there already on the way, block by block, while the block is in the cache.

The threads meet at the lock between any two NumPy calls, and it costs tens of microseconds when they collide. Blocks
therefore are large; smaller ones would fit the second-level cache, and are slower all the same (docs/performance.md
has the figures).
"""

import functools
import operator
import os

import numpy as np

from .modes import call, state
from .threads import at_once, get_num_threads

BLOCK = 1 << 18
"""Elements of the smallest block."""

LARGE = 1 << 19
"""Arrays of more elements than this are worth sharing out."""


def in_blocks(function, operands, onto=None):
    """function(*operands), for a function that works element by element.

    operands  arrays that broadcast to one shape, or other values, which are handed on as they are
    onto      an array of the result's shape and dtype to which the result is added in place, instead of a new one
    """
    sizes = [x.size for x in operands if isinstance(x, np.ndarray)]
    shape = next(x.shape for x in operands if isinstance(x, np.ndarray) and x.size == max(sizes))
    flat, all_single = [], True
    for x in operands:
        if isinstance(x, np.ndarray) and x.ndim:
            if x.size > 1 and not any(x.strides):  # one number, repeated without copying
                x = x[(0,) * x.ndim]
            elif x.size == 1 and x.ndim <= len(shape):
                x = x.reshape(())
            elif x.shape == shape and x.flags.c_contiguous:
                x, all_single = x.reshape(-1), False
            else:  # real broadcasting, or another order in memory: not for blocks
                return _added(state.mode.quiet(function, *operands), onto)
        flat.append(x)
    if all_single:
        one = state.mode.quiet(function, *flat)
        return _added(np.broadcast_to(one, shape), onto)
    return _run(function, flat, shape, onto)


class Applied:
    """A ufunc applied to operands."""

    def __init__(self, ufunc, operands):
        self.ufunc, self.operands = ufunc, operands


class Operand(np.lib.mixins.NDArrayOperatorsMixin):
    """A stand-in for an array, on which a call of a ufunc is just noted."""

    def __array_ufunc__(self, ufunc, method, *operands, **settings):
        return NotImplemented if settings or method != "__call__" else Applied(ufunc, operands)


def unchanged(x):
    """x; in place of any function that gives back its operand."""
    return x


@functools.lru_cache(maxsize=None)
def simplified(function, count):
    """The ufunc that a function of `count` operands applies to them, if that is all that it does: a ufunc can write
    where the result belongs, which saves a pass. `unchanged` if it does nothing; else the function itself."""
    operands = tuple([Operand() for _ in range(count)])
    try:
        result = function(*operands)
    except Exception:  # it does more than ufuncs can
        return function
    if result is operands[0]:
        return unchanged
    if type(result) is Applied and len(result.operands) == count and all(map(operator.is_, result.operands, operands)):
        return result.ufunc
    return function


def shared_out(function, *operands):
    """function(*operands), in blocks if they are large; for use in kernels and in rules. These run in the quiet context
    already, and a context cannot be entered twice.
    """
    if operands[0].size <= LARGE:
        return function(*operands)
    mode = state.mode
    quiet, mode.quiet = mode.quiet, call
    try:
        return in_blocks(function, operands)
    finally:
        mode.quiet = quiet


def _added(result, onto):
    return result if onto is None else np.add(onto, result, out=onto)


def _run(function, flat, shape, onto):
    size = next(x.size for x in flat if isinstance(x, np.ndarray) and x.ndim)
    ufunc = isinstance(function, np.ufunc) and onto is None

    def block(start, stop):
        return [x[start:stop] if isinstance(x, np.ndarray) and x.ndim else x for x in flat]

    if onto is None:
        one = [x[:1] if isinstance(x, np.ndarray) and x.ndim else x for x in flat]
        result = np.empty(shape, state.mode.quiet(function, *one).dtype)
    else:
        result = onto
    target, ranges = result.reshape(-1), iter(shares(size))

    def work():
        for start, stop in ranges:  # the threads take turns at the same iterator
            part = target[start:stop]
            if ufunc:
                function(*block(start, stop), out=part)
            elif onto is None:
                part[...] = function(*block(start, stop))
            else:
                part += function(*block(start, stop))

    state.mode.quiet(at_once, work)
    return result


def in_parts(work, count, size):
    """work(start, stop) for parts of range(count), on several threads if the arrays that it works on are large; for use
    in kernels and in rules, which are quiet already.

    size  elements of these arrays, all parts together
    """
    if size <= LARGE or count < 2:
        work(0, count)
        return
    ranges = iter([(start * count // size, stop * count // size) for start, stop in shares(size)])

    def several():
        for start, stop in ranges:
            if start < stop:
                work(start, stop)

    at_once(several)


def shares(size):
    """The (start, stop) of blocks that get smaller and smaller.

    Guided self-scheduling (Polychronopoulos & Kuck 1987): the threads end together whatever each of them was held up
    by; and because no two blocks are alike, they do not go in step and meet at the interpreter's lock again and again.
    """
    ranges, start = [], 0
    while start < size:
        stop = min(size, start + max(BLOCK, (size - start) // (2 * get_num_threads())))
        ranges.append((start, stop))
        start = stop
    return ranges


def keep_freed_memory():
    """Tell the C library to keep freed memory for the next large array, up to 32 MiB each and 512 MiB in all.

    By default glibc gives large blocks back to the system at once, which then hands out, and clears, new pages for the
    next array of the same size: a third of the time of a chain of operations on 8 MB arrays. Does nothing where there
    is no mallopt, or where the environment variable TINYGRAD_EDU_KEEP_MEMORY is 0. See man mallopt.
    """
    if os.environ.get("TINYGRAD_EDU_KEEP_MEMORY") == "0" or os.name != "posix":
        return
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
    mallopt(M_MMAP_THRESHOLD, 32 << 20)
    mallopt(M_TRIM_THRESHOLD, 512 << 20)


keep_freed_memory()
