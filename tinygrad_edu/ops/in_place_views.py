"""squeeze_, unsqueeze_, t_, transpose_: the tensor itself takes another shape; its memory stays as it is."""

import weakref

from ..tensor import Tensor, of_array
from ..views import views_of
from .inplace import check_leaf
from .shape import squeeze, t, transpose, unsqueeze


def reshaping(operation):
    """The method that gives its tensor the shape, and the history, of a view of it."""
    name = operation.__name__ + "_"

    def method(self, *args, **named):
        check_leaf(self, name)
        if self._base is None and any(reference() is not None for reference in views_of(self)):
            raise RuntimeError(
                f"{name}: other tensors are views of this one and would no longer fit its shape; "
                f"write y = x.{operation.__name__}(...) instead"
            )
        before = of_array(self.array, self.node)
        if self._base is not None:
            before._base, before._steps = self._base, self._steps
        after = operation(before, *args, **named)
        self.array, self.node = after.array, after.node
        if self._base is not None:
            self._steps = after._steps
            views_of(self._base).append(weakref.ref(self))
        return self

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In place: {operation.__doc__}"
    return method


for _operation in (squeeze, unsqueeze, t, transpose):
    setattr(Tensor, _operation.__name__ + "_", reshaping(_operation))
Tensor.swapaxes_ = Tensor.swapdims_ = Tensor.transpose_
