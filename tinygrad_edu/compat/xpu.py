"""`torch.xpu` on a machine without it."""

from .cuda import device_count, empty_cache, is_available, manual_seed  # noqa: F401


def synchronize():
    """Does nothing: nothing runs elsewhere."""
