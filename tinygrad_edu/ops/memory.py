"""Methods about places and memory, which here is always the CPU's; and two that call a Python function for each
element."""

import numpy as np

from .. import devices as places
from ..clock import owner_of
from ..dtypes import bfloat16
from ..tensor import Tensor, replace_values
from .conversion import to


def cuda(self, device=None, non_blocking=False, memory_format=None):
    """An error: there is no CUDA device."""
    places.check_device("cuda")


def pin_memory(self, device=None):
    """The tensor itself: memory for transfers to a GPU is of no use here."""
    return self


def share_memory_(self):
    """The tensor itself: threads share its memory anyway."""
    return self


def storage_offset(self):
    """How many elements of the owner of the memory lie before the first one of this tensor."""
    owner = owner_of(self.array)
    if not isinstance(owner, np.ndarray):
        return 0
    return (self.array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]) // self.array.itemsize


def data_ptr(self):
    """The address of the first element."""
    return self.array.__array_interface__["data"][0]


def get_device(self):
    """−1, the number of the CPU."""
    return -1


def apply_(self, callable):
    """In place: every element x becomes callable(x). Slow, and without gradients."""
    values = [callable(x) for x in self.array.ravel().tolist()]
    return assign_plain(self, np.array(values, self.array.dtype).reshape(self.array.shape), "apply_")


def map_(self, tensor, callable):
    """In place: every element x becomes callable(x, y) with the element y of `tensor`. Slow, and without gradients."""
    others = np.broadcast_to(tensor.array, self.array.shape)
    values = [callable(x, y) for x, y in zip(self.array.ravel().tolist(), others.ravel().tolist())]
    return assign_plain(self, np.array(values, self.array.dtype).reshape(self.array.shape), "map_")


def assign_plain(target, array, name):
    if target.requires_grad:
        raise RuntimeError(f"{name} calls a Python function, which has no gradient; use it on x.detach()")
    replace_values(target, array, name)
    return target


for _function in (cuda, pin_memory, share_memory_, storage_offset, data_ptr, get_device, apply_, map_):
    setattr(Tensor, _function.__name__, _function)
for _name in ("is_cuda", "is_mps", "is_xpu", "is_sparse", "is_quantized", "is_meta", "is_nested"):
    setattr(Tensor, _name, False)
Tensor.is_cpu, Tensor.layout = True, places.strided
Tensor.is_pinned = Tensor.is_shared = Tensor.is_complex = Tensor.is_inference = lambda self: False
Tensor.is_signed = lambda self: self.array.dtype.kind in "if"
Tensor.is_same_size = lambda self, other: self.shape == other.shape
Tensor.mH = Tensor.mT
Tensor.bfloat16 = lambda self: to(self, bfloat16)
