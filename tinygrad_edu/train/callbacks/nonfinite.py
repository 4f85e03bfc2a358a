"""Ending training at the first number that is not finite."""

import numpy as np

from ...tensor import Tensor
from ..structure import mapped
from .base import Callback

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Ends training when the loss or a gradient is NaN or infinite, before the optimizer takes the step that would
    spoil the weights, and says what was not finite: an input, a target, a parameter, an output, a gradient, in this
    order.

    `with tg.autograd.detect_anomaly():` finds the operation that made it.
    """

    def on_backward_end(self, run):
        if np.isfinite(run.batch_loss) and all(
            p.grad is None or all_finite(p.grad.array) for p in run.model.parameters()
        ):
            return
        found = [text for text in map(described, self.things(run)) if text]
        found = [*found[:4], "…"] if len(found) > 4 else found
        run.stop(
            f"TerminateOnNaN: epoch {run.epoch + 1}, batch {run.batch + 1}: the loss is {run.batch_loss:g}. "
            f"Not finite: {'; '.join(found) or 'nothing but the loss, not even a gradient'}"
        )

    def things(self, run):
        """(name, Tensor) in the order in which they are computed."""
        for what, values in (("the input", run.inputs), ("the target", run.target)):
            for tensor in tensors_in(values):
                yield what, tensor
        for name, p in run.model.named_parameters():
            yield f"the parameter {name}", p
        for tensor in tensors_in(run.output):
            yield "the output", tensor
        for name, p in run.model.named_parameters():
            if p.grad is not None:
                yield f"the gradient of {name}", p.grad


def all_finite(array):
    """Whether all elements are finite; of float arrays usually told from one sum of squares."""
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(flat.dot(flat))) or bool(np.isfinite(flat).all())


def tensors_in(values):
    found = []
    mapped(lambda value: found.append(value) if isinstance(value, Tensor) else None, values)
    return found


def described(named):
    """ "the input (3 NaN of 10 numbers)"; None if all is finite."""
    name, tensor = named
    array = tensor.array
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return None
    nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    counts = " and ".join(f"{n} {word}" for n, word in ((nan, "NaN"), (infinite, "infinite")) if n)
    return f"{name} ({counts} of {array.size} numbers)"
