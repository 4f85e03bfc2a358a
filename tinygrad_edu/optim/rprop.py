"""Rprop: only the signs of the gradients count."""

import numpy as np

from ..define import op
from ..tensor import of_array
from .optimizer import Optimizer, check_common, constant

__all__ = ["Rprop"]


class Rprop(Optimizer):
    """Riedmiller & Braun 1993, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm".
    Each element has a step size s of its own, which begins as lr. With the gradient g, and g' that of the step before:

        g · g' > 0:  s ← min(η₊ s, largest)
        g · g' < 0:  s ← max(η₋ s, smallest),  g ← 0
        p ← p − s · sign(g)                         (state: step_size; prev, which is g)

    For gradients of the whole data set: those of small batches change their signs by chance. A later change of `lr` has
    no effect.

    etas        η₋ and η₊
    step_sizes  the smallest and the largest step
    maximize    go uphill
    """

    numbers, remembers = ("step",), ("prev", "step_size")

    def __init__(
        self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, capturable=False, foreach=None,
        maximize=False, differentiable=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach, maximize=maximize, differentiable=differentiable,
            capturable=capturable,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("Rprop", group)
        less, more = group["etas"]
        if not 0 < less < 1 < more:
            raise ValueError(f"Rprop: etas must be a factor between 0 and 1 and one above 1, and are {less}, {more}")

    def start(self, p, state, group):
        new = "step_size" not in state
        super().start(p, state, group)
        if new:
            state["step_size"] = of_array(np.full(p.array.shape, float(group["lr"]), p.array.dtype), None)

    def update(self, group, batch, grads):
        batch.count()
        batch.apply(
            rprop, "Rprop.step", grads, self.remembers, *map(float, group["etas"]), *map(float, group["step_sizes"]),
            group["maximize"],
        )  # fmt: skip


@op(None, None, None, None, internal=True, method=False, promotes=False)
def rprop(params, grads, befores, sizes, less, more, smallest, largest, maximize):
    """One step of Rprop on lists of arrays, in place."""
    dtype = params[0].dtype
    less, more, smallest, largest = [constant(number, dtype) for number in (less, more, smallest, largest)]
    for param, grad, before, size in zip(params, grads, befores, sizes):
        sign = np.negative(grad) if maximize else grad
        scratch = np.multiply(sign, before, np.empty(param.shape, dtype))
        turned = scratch < 0
        np.multiply(size, more, out=size, where=scratch > 0)
        np.multiply(size, less, out=size, where=turned)
        np.clip(size, smallest, largest, out=size)
        np.copyto(before, sign)
        np.copyto(before, 0, where=turned)
        np.sign(before, scratch)
        np.multiply(scratch, size, scratch)
        np.subtract(param, scratch, param)
