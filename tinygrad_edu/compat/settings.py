"""Settings of PyTorch's runtime. The computations here are deterministic, on the CPU, in the precision of the dtype."""

from ..devices import check_device, cpu
from ..dtypes import set_default_dtype

_kept = {"precision": "highest", "deterministic": False}


def compile(model=None, *, fullgraph=False, dynamic=None, backend=None, mode=None, options=None, disable=False):
    """The function or module itself: it already runs as it is written. Also a decorator."""
    return model if model is not None else lambda model: model


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Notes the setting; every operation is deterministic anyway."""
    _kept["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled():
    return _kept["deterministic"]


def set_float32_matmul_precision(precision):
    """Notes the setting; float32 products are always computed in float32 ("highest")."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"the precision is 'highest', 'high' or 'medium', not {precision!r}")
    _kept["precision"] = precision


def get_float32_matmul_precision():
    return _kept["precision"]


def set_num_interop_threads(number):
    """Does nothing: operations of one program never run side by side."""


def set_default_device(device):
    """Does nothing for "cpu"; any other device is an error."""
    check_device(device)


def get_default_device():
    return cpu


def set_default_tensor_type(kind):
    """`set_default_dtype`, by the name of a tensor type: "torch.DoubleTensor" or DoubleTensor."""
    from ..legacy import dtype_of_type

    set_default_dtype(dtype_of_type(kind))
