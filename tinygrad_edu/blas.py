"""How many threads NumPy's BLAS computes on, where it is OpenBLAS.

OpenBLAS shares out one product at a time. Where several threads of this library each compute products of their own, its
threads are one layer too many: they wait for one another, and a product takes many times as long. So those places enter
`one_thread`. Where BLAS is another library, or its functions cannot be found, `one_thread` is None, and they use one
thread of their own.
"""

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


def find():
    """`OneThread` for the OpenBLAS that NumPy has loaded; None if there is none."""
    import ctypes

    module = sys.modules.get("numpy._core._multiarray_umath") or sys.modules.get("numpy.core._multiarray_umath")
    try:
        library = ctypes.CDLL(module.__file__)  # names are looked for in the libraries that it needs, too
    except (AttributeError, OSError):
        return None
    for name in ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads64_",
                 "openblas_{}_num_threads"):  # fmt: skip
        try:
            return OneThread(*[getattr(library, name.format(verb)) for verb in ("get", "set")])
        except AttributeError:
            pass
    return None


one_thread = find()
