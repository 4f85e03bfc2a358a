"""`torch.cuda` on a machine without CUDA: there is no such device, and what needs one raises."""

from . import amp  # noqa: F401


def missing(what):
    return RuntimeError(
        f"{what} needs a CUDA device, and there is none: tensors live in the memory of the CPU. Ask "
        "cuda.is_available() first and use device 'cpu'"
    )


def is_available():
    return False


def is_bf16_supported(including_emulation=True):
    return False


def is_initialized():
    return False


def device_count():
    return 0


def init():
    raise missing("cuda.init()")


def current_device():
    raise missing("cuda.current_device()")


def get_device_name(device=None):
    raise missing("cuda.get_device_name()")


def get_device_properties(device=None):
    raise missing("cuda.get_device_properties()")


def get_device_capability(device=None):
    raise missing("cuda.get_device_capability()")


def set_device(device):
    raise missing("cuda.set_device()")


def synchronize(device=None):
    raise missing("cuda.synchronize()")


def manual_seed(seed):
    """Does nothing: there is no generator to seed."""


manual_seed_all = manual_seed


def empty_cache():
    """Does nothing: there is no memory to free."""


ipc_collect = empty_cache


def memory_allocated(device=None):
    """Bytes of GPU memory in use: none."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def reset_peak_memory_stats(device=None):
    """Does nothing: no GPU memory is in use."""


class Stream:
    def __init__(self, *args, **kwargs):
        raise missing("cuda.Stream")


class Event:
    def __init__(self, *args, **kwargs):
        raise missing("cuda.Event")
