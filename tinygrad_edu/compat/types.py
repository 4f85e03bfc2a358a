"""`torch.types`: names for annotations."""

from typing import Any, Sequence, Union

from ..devices import device
from ..dtypes import dtype
from ..tensor import Size, Tensor

Device = Union[device, str, int, None]
Number = Union[int, float, bool]
_dtype, _device, _size, _int, _float, _bool = dtype, device, Union[Size, list, tuple], int, float, bool
TensorOrTensors = Union[Tensor, Sequence[Tensor]]
FileLike = Any
