"""The threads of NumPy's BLAS, where it is OpenBLAS.

OpenBLAS shares out one product at a time. Where several threads of this library each compute products of their own, its
threads are one layer too many: they wait for one another, and a product takes many times as long. So those places enter
`one_thread`. Where BLAS is another library, or its functions cannot be found, `one_thread` is None, and they use one
thread of their own.

After a product, OpenBLAS's threads wait for the next one in a loop that keeps their processors busy, for some 30 ms by
default. The helpers of this library (see blocks.py) need these processors: a step of a convolutional network took 77 ms
that takes 60 without the loops. So `sleep_soon` makes them stop after two milliseconds, which is enough to bridge
the gap between two products of one step. The environment variable OPENBLAS_THREAD_TIMEOUT says otherwise.
"""

import os
import sys
import threading


class OneThread:
    """A context in which every product is computed by the thread that asks for it; several threads may be in it at
    once."""

    def __init__(self, get, set):
        self.get, self.set = get, set
        self.lock = threading.Lock()
        self.inside = 0
        self.before = None

    def __enter__(self):
        with self.lock:
            if self.inside == 0:
                self.before = self.get()
                self.set(1)
            self.inside += 1

    def __exit__(self, *error):
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.set(self.before)


TICKS = 22
"""The binary logarithm of how long OpenBLAS's threads wait busily, in ticks of the processor's clock."""


def sleep_soon(library):
    """Make OpenBLAS's threads sleep after a short wait.

    It reads its settings from the environment when it starts its threads. So the setting is made, read, and unmade,
    and the threads are stopped; they start again with the next product. Not while other threads run, which might be
    computing products.
    """
    try:
        read_environment, stop_threads = library.openblas_read_env, library.blas_thread_shutdown_
    except AttributeError:
        return
    if "OPENBLAS_THREAD_TIMEOUT" in os.environ or threading.active_count() > 1:
        return
    os.environ["OPENBLAS_THREAD_TIMEOUT"] = str(TICKS)
    try:
        read_environment()
    finally:
        del os.environ["OPENBLAS_THREAD_TIMEOUT"]
    stop_threads()


def openblas():
    """NumPy's core, in which the functions of the OpenBLAS that it has loaded are found, too; None if it cannot be
    loaded."""
    import ctypes

    module = sys.modules.get("numpy._core._multiarray_umath") or sys.modules.get("numpy.core._multiarray_umath")
    try:
        return ctypes.CDLL(module.__file__)
    except (AttributeError, OSError):
        return None


def find(library):
    """`OneThread` for the OpenBLAS that NumPy has loaded; None if there is none."""
    for name in ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads64_",
                 "openblas_{}_num_threads"):  # fmt: skip
        try:
            return OneThread(*[getattr(library, name.format(verb)) for verb in ("get", "set")])
        except AttributeError:
            pass
    return None


_library = openblas()
one_thread = find(_library)
if one_thread is not None:
    sleep_soon(_library)
