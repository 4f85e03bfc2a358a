"""`torch.distributed`: not available; a program runs in one process."""

import types


def is_available():
    return False


def is_initialized():
    return False


def is_torchelastic_launched():
    return False


def init_process_group(*args, **named):
    raise RuntimeError(
        "programs run in one process here; there is no process group. Ask distributed.is_available() first"
    )


get_rank = get_world_size = barrier = all_reduce = broadcast = init_process_group


def destroy_process_group(group=None):
    """Does nothing: there is no process group."""


class ReduceOp(types.SimpleNamespace):
    SUM, PRODUCT, MIN, MAX, AVG = "sum", "product", "min", "max", "avg"
