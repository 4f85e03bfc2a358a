"""tinygrad_edu: an autograd engine in Python and NumPy that people can read, check, draw and trust.

    import tinygrad_edu as tg

    w = tg.tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    w.grad                    # tensor([2., 4.])

Names and meanings are PyTorch's; NumPy's spellings (`axis`, `keepdims`) are accepted too. `nn`, `optim` and `data` hold layers,
optimizers and data loading, `linalg` linear algebra, `func` derivatives of functions; `draw` draws graphs, `check` tests gradients.
docs/architecture.md explains the whole library on one page.
"""

from . import autograd, dtypes, numpy_protocol, ops
from .autograd import backward, grad
from .blocks import get_num_threads, set_num_threads
from .creation import *  # noqa: F403
from .define import COMPOSITES, OPS
from .devices import *  # noqa: F403
from .dtypes import *  # noqa: F403
from .errors import AutogradError, GraphFreedError, OperationError, OverwrittenError
from .generator import *  # noqa: F403
from .grad_mode import *  # noqa: F403
from .ops.random import *  # noqa: F403
from .tensor import *  # noqa: F403
from .text import set_printoptions

__version__ = "0.1.0"

# The operations: every entry of the table, and the functions composed of them, under their names and aliases.
globals().update(
    {name: entry.call for entry in OPS.values() if not entry.internal for name in (entry.name, *entry.aliases)},
    **{name: function for name, function in COMPOSITES.items()},
    **{alias: function for function in COMPOSITES.values() for alias in function.aliases},
)

# PyTorch's names of dtypes that are also names of Python types; last, so that nothing above sees them.
half, short, float, double, int, long, bool = (
    dtypes.float16, dtypes.int16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.bool_,
)  # fmt: skip


_LAZY = ("check", "data", "draw", "func", "linalg", "nn", "optim", "utils")


def __getattr__(name):
    """Parts of the library that are loaded when first used, which keeps `import tinygrad_edu` short."""
    if name in _LAZY:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_LAZY})
