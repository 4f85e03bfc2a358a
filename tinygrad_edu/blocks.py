"""Large arrays: functions of elements block by block on several threads, and memory that is used again.

A formula such as g * (1 - out * out) makes a temporary array at each step. For large arrays these travel to memory and
back; cut into blocks that fit the processor's cache they do not. And the blocks can be shared out among threads, because
NumPy releases the interpreter's lock while it computes.
"""
import os

import numpy as np

from .modes import state

__all__ = ["get_num_threads", "set_num_threads"]

BLOCK = 1 << 16
"""Elements per block: 256 KiB of float32, so that the few blocks of a formula fit the second-level cache."""

LARGE = 1 << 17
"""Arrays of more elements than this are worth cutting up."""

_threads = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
_pool = None


def get_num_threads():
    """How many threads share the work on large arrays."""
    return _threads


def set_num_threads(n):
    """Use `n` threads for large arrays (by default as many as there are processors, at most 4). NumPy's BLAS has its own setting."""
    global _threads
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"the number of threads must be a positive integer, not {n!r}")
    _threads = n
    _forget_pool()


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


def _added(result, onto):
    return result if onto is None else np.add(onto, result, out=onto)


def _run(function, flat, shape, onto):
    size = next(x.size for x in flat if isinstance(x, np.ndarray) and x.ndim)
    ufunc = isinstance(function, np.ufunc) and onto is None

    def block(start):
        stop = start + BLOCK
        return [x[start:stop] if isinstance(x, np.ndarray) and x.ndim else x for x in flat]

    if onto is None:
        first = state.mode.quiet(function, *block(0))
        result = np.empty(shape, first.dtype)
        target = result.reshape(-1)
        target[:BLOCK] = first
        starts = iter(range(BLOCK, size, BLOCK))
    else:
        result, target, starts = onto, onto.reshape(-1), iter(range(0, size, BLOCK))

    def work():
        for start in starts:  # the threads take turns at the same iterator
            part = target[start : start + BLOCK]
            if ufunc:
                function(*block(start), out=part)
            elif onto is None:
                part[...] = function(*block(start))
            else:
                part += function(*block(start))

    others = [pool().submit(quietly, work) for _ in range(_threads - 1)] if _threads > 1 else []
    try:
        state.mode.quiet(work)
    finally:
        for other in others:
            other.result()
    return result


def quietly(function):
    """Run in the quiet context of whichever thread this is."""
    return state.mode.quiet(function)


def pool():
    """The threads that help, started when first needed."""
    global _pool
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor

        _pool = ThreadPoolExecutor(max(1, _threads - 1), "tinygrad_edu")
    return _pool


def _forget_pool():
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)  # threads do not survive a fork


def keep_freed_memory():
    """Tell the C library to keep freed memory for the next large array, up to 32 MiB each and 512 MiB in all.

    By default glibc gives large blocks back to the system at once, which then hands out, and clears, new pages for the next
    array of the same size: a third of the time of a chain of operations on 8 MB arrays. Does nothing where there is no
    mallopt, or where the environment variable TINYGRAD_EDU_KEEP_MEMORY is 0. See man mallopt.
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
