"""Parameter and Buffer: tensors that a Module recognises as its own."""

from ..engine import leaf
from ..tensor import Tensor, as_tensor


class Parameter(Tensor):
    """A tensor to be trained: a Module that it is assigned to lists it in `parameters()`.

    data           a tensor (whose memory it shares), an array or nested lists of floats
    requires_grad  whether gradients are computed for it
    """

    def __init__(self, data=(), requires_grad=True):
        self.array = as_tensor(data).array
        self.node = self._base = None
        if requires_grad:
            if self.array.dtype.kind != "f":
                raise RuntimeError(
                    f"a parameter of {self.array.dtype} values cannot have gradients; convert the data with .float(), "
                    "or pass "
                    "requires_grad=False"
                )
            self.node = leaf(self.array.shape, self.array.dtype)

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that belongs to a Module but is not trained, such as a running mean.

    persistent  whether it is part of the module's `state_dict`
    """

    persistent = True

    def __init__(self, data=(), persistent=True):
        self.array = as_tensor(data).array
        self.node = self._base = None
        self.persistent = persistent
