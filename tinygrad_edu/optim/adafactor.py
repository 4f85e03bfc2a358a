"""Adafactor: Adam's scaling with much less memory, a row and a column for each matrix."""

import math

import numpy as np

from ..define import op
from ..dtypes import default_float
from ..tensor import of_array
from .batches import apply
from .optimizer import INFINITE, Optimizer, check_common, check_positive, check_range

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Shazeer & Stern 2018, "Adafactor: adaptive learning rates with sublinear memory cost" (Algorithms 4 and 5). In
    step t, with the gradient g, α = max(eps₂, rms(p)) · min(lr, 1/√t) and the weight w = t^beta2_decay of the newest
    gradient:

        p ← p − lr · weight_decay · p
        matrices:  r ← r + w · (mean of g² over columns − r)                                 (state: row_var)
                   c ← c + w · (mean of g² over rows − c)                                    (state: col_var)
                   v = r c / max(mean of r, eps₁)
        vectors:   v ← v + w · (g² − v)                                                      (state: variance)
        u = g / √max(v, eps₁²)
        p ← p − α · u / max(1, rms(u) / d)

    rms is the root of the mean square. Tensors of more dimensions are stacks of matrices, their last two dimensions.

    eps       (eps₁, eps₂); None for eps₁ is the machine epsilon of the parameter's dtype
    d         u is made shorter where its rms is larger
    maximize  go uphill
    """

    numbers = ("step",)

    def __init__(
        self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, foreach=None,
        maximize=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, foreach=foreach, maximize=maximize
        )
        super().__init__(params, options)

    def check(self, group):
        check_common("Adafactor", group)
        check_positive("Adafactor", group, "weight_decay")
        check_range("Adafactor", group, beta2_decay=(-INFINITE, 0), d=(1, INFINITE))
        check_positive("Adafactor", {"eps[0]": group["eps"][0] or 0, "eps[1]": group["eps"][1]}, "eps[0]", "eps[1]")

    def start(self, p, state, group):
        shape, dtype = p.array.shape, p.array.dtype
        state["step"] = of_array(np.zeros((), default_float()), None)
        if len(shape) > 1:
            state["row_var"] = of_array(np.zeros((*shape[:-1], 1), dtype), None)
            state["col_var"] = of_array(np.zeros((*shape[:-2], 1, shape[-1]), dtype), None)
        else:
            state["variance"] = of_array(np.zeros(shape, dtype), None)

    def step_group(self, group):
        for p, state in self.live(group):
            if not state:
                self.start(p, state, group)
            state["step"].array += 1
            variances = [state[name].array for name in ("row_var", "col_var", "variance") if name in state]
            eps1 = np.finfo(p.array.dtype).eps if group["eps"][0] is None else group["eps"][0]
            apply(
                adafactor, "Adafactor.step", [p.array], p.grad.array, variances, float(group["lr"]),
                state["step"].item(), float(group["beta2_decay"]), float(eps1), float(group["eps"][1]),
                float(group["d"]), float(group["weight_decay"]), group["maximize"],
            )  # fmt: skip


@op(None, None, None, internal=True, method=False, promotes=False)
def adafactor(params, grad, variances, lr, t, beta2_decay, eps1, eps2, d, weight_decay, maximize):
    """One step of Adafactor on a list of one array, in place. `variances`: [rows, columns], or [all] of a vector."""
    (param,) = params
    newest = t**beta2_decay
    size = max(eps2, rms(param)) * min(lr, 1 / math.sqrt(t))
    if weight_decay:
        param *= 1 - lr * weight_decay
    squares = np.square(grad)
    if len(variances) == 2:
        rows, columns = variances
        rows += (squares.mean(-1, keepdims=True) - rows) * newest
        columns += (squares.mean(-2, keepdims=True) - columns) * newest
        variance = rows @ columns
        variance /= np.maximum(rows.mean(-2, keepdims=True), eps1)
    else:
        variances[0][...] += (squares - variances[0]) * newest
        variance = variances[0]
    update = grad / np.sqrt(np.maximum(variance, eps1 * eps1))
    update *= size / max(1.0, rms(update) / d)
    if maximize:
        param += update
    else:
        param -= update


def rms(array):
    """The root of the mean square."""
    return math.sqrt(np.vdot(array, array) / max(1, array.size))
