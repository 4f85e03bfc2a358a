"""tinygrad_edu: an autograd engine in Python and NumPy that people can read, check, draw and trust.

    import tinygrad_edu as tg

    w = tg.tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    w.grad                    # tensor([2., 4.])

Names and meanings are PyTorch's; NumPy's spellings (`axis`, `keepdims`) are accepted too. `nn`, `optim` and `data` hold
layers, optimizers and data loading, `linalg` linear algebra, `func` derivatives of functions; `draw` draws graphs,
`check` tests gradients. docs/architecture.md explains the whole library on one page.

(PYTEST_DONT_REWRITE: pytest would warn where this is imported before pytest runs, because it is shipped with a plugin.)
"""

from . import autograd, dtypes, numpy_protocol, ops
from .autograd import backward, grad
from .threads import get_num_threads, set_num_threads
from .creation import *  # noqa: F403
from .define import COMPOSITES, OPS
from .devices import *  # noqa: F403
from .dtypes import *  # noqa: F403
from .errors import AutogradError, GraphFreedError, OperationError, OverwrittenError
from .generator import *  # noqa: F403
from .grad_mode import *  # noqa: F403
from .legacy import *  # noqa: F403
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


_LAZY = {
    **{name: (name, None) for name in (
        "check", "compat", "data", "draw", "func", "interop", "linalg", "nn", "optim", "plots", "random",
        "serialization", "train", "utils",
    )},
    **{name: (f"compat.{name}", None) for name in (
        "accelerator", "amp", "backends", "cuda", "distributed", "jit", "mps", "onnx", "profiler", "version", "xpu",
    )},
    **{name: ("compat.settings", name) for name in (
        "are_deterministic_algorithms_enabled", "compile", "get_default_device", "get_float32_matmul_precision",
        "set_default_device", "set_default_tensor_type", "set_float32_matmul_precision", "set_num_interop_threads",
        "use_deterministic_algorithms",
    )},
    "ask": ("ask", None),
    "lint": ("ask", "lint"),
    "why": ("ask", "why"),
    "autocast": ("compat.amp", "autocast"),
    "vmap": ("func", "vmap"),
    "summary": ("draw.summary", "summary"),
    "load": ("serialization", "load"),
    "save": ("serialization", "save"),
}  # fmt: skip
"""Parts that are loaded when first used, which keeps `import tinygrad_edu` short: name -> (module, name in it or None
for the module itself)."""


def __getattr__(name):
    if name in _LAZY:
        import importlib

        module, attribute = _LAZY[name]
        part = importlib.import_module(f"{__name__}.{module}")
        value = globals()[name] = part if attribute is None else getattr(part, attribute)
        return value
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)  # relu_(x) is x.relu_()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_LAZY})
