"""Looking for NaN and infinity: `detect_anomaly` and `set_detect_anomaly`."""

import numpy as np

from ..engine import reachable
from ..errors import AutogradError
from ..modes import state
from ..observing import Observer, together, without
from ..tensor import Tensor

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch the search on or off, in this thread; as a context manager, until its end.

    While it is on, a backward pass raises AutogradError if the tensor that it starts from is not finite (PyTorch lets a
    NaN loss pass), or as soon as a rule makes a gradient that is not finite from one that is. The error names the
    operation. It costs time: leave it off where nothing is wrong.
    """

    def __init__(self, mode, check_nan=True):
        self.before = state.mode.observer
        others = without(self.before, Watch)
        state.mode.observer = together(others, Watch()) if mode and check_nan else others

    def __enter__(self):
        pass

    def __exit__(self, *error):
        state.mode.observer = self.before


class detect_anomaly(set_detect_anomaly):
    """`with detect_anomaly():` is `with set_detect_anomaly(True):`."""

    def __init__(self, check_nan=True):
        super().__init__(True, check_nan)


class Watch(Observer):
    """Raises as soon as a backward pass starts from, or makes, what is not finite."""

    def gradients(self, node, g, parts):
        if finite(parts) or not finite(g):
            return
        kept = [f"its {name} is not finite" for name, value in node.op.kept_by_name(node) if not finite(value)]
        raise AutogradError(
            f"the gradient of `{node.op.name}` is not finite, although the gradient of its result is"
            + "".join(f"; {text}" for text in kept)
        )

    def backward_starts(self, tensor):
        check_start(tensor)


def check_start(x):
    """Raise if the tensor that a backward pass starts from is not finite, and say where that began."""
    if finite(x):
        return
    message = f"backward from a tensor of shape {tuple(x.shape)} that is not finite"
    for node in reversed(reachable([x.node])):
        for name, value in node.op.kept_by_name(node) if node.op is not None and node.kept is not None else ():
            if not finite(value):
                raise AutogradError(
                    f"{message}: of the values that operations kept, the first such is the {name} of `{node.op.name}`"
                )
    raise AutogradError(
        f"{message}: no operation kept such a value, so one of the last ones made it (`{x.node.name}`?)"
    )


def finite(value):
    """Whether `value`, a floating array or Tensor, or several of them, holds neither NaN nor infinity; True for all
    else."""
    if isinstance(value, dict):
        return all(finite(part) for part in value.values())
    if isinstance(value, (tuple, list)):
        return all(finite(part) for part in value)
    array = value.array if isinstance(value, Tensor) else value
    if not isinstance(array, (np.ndarray, np.generic)) or array.dtype.kind not in "fc":
        return True
    return bool(np.isfinite(array).all())
