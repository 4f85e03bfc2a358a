"""Adagrad: gradients divided by the root of the sum of all their squares."""

import numpy as np

from ..define import op
from ..tensor import of_array
from .optimizer import Optimizer, check_common, check_positive, constant, total_gradient

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization",
    Figure 1. In step t, with the gradient g:

        g ← g + weight_decay · p
        s ← s + g²                                    from initial_accumulator_value        (state: sum)
        p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps)

    maximize  go uphill
    """

    numbers, remembers = ("step",), ("sum",)

    def __init__(
        self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, foreach=None, *,
        maximize=False, differentiable=False, fused=None,
    ):  # fmt: skip
        options = dict(
            lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, foreach=foreach, maximize=maximize,
            differentiable=differentiable, fused=fused,
        )  # fmt: skip
        super().__init__(params, options)
        for group in self.param_groups:
            for p in group["params"]:
                self.start(p, self.state[p], group)

    def check(self, group):
        check_common("Adagrad", group)
        check_positive("Adagrad", group, "lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def start(self, p, state, group):
        new = "sum" not in state
        super().start(p, state, group)
        if new:
            first = self.defaults["initial_accumulator_value"]
            state["sum"] = of_array(np.full(p.array.shape, first, p.array.dtype), None)

    def update(self, group, batch, grads):
        rate = float(group["lr"]) / (1 + (batch.count() - 1) * group["lr_decay"])
        batch.apply(
            adagrad, "Adagrad.step", grads, self.remembers, rate, float(group["eps"]), float(group["weight_decay"]),
            group["maximize"],
        )  # fmt: skip


@op(None, None, None, internal=True, method=False, promotes=False)
def adagrad(params, grads, sums, rate, eps, weight_decay, maximize):
    """One step of Adagrad on lists of arrays, in place, with the learning rate of this step."""
    dtype = params[0].dtype
    rate, eps = constant(rate, dtype), constant(eps, dtype)
    for param, grad, total in zip(params, grads, sums):
        grad = total_gradient(param, grad, weight_decay, maximize)
        scratch = np.square(grad, np.empty(param.shape, dtype))
        np.add(total, scratch, total)
        np.sqrt(total, scratch)
        np.add(scratch, eps, scratch)
        np.divide(grad, scratch, scratch)
        np.multiply(scratch, rate, scratch)
        np.subtract(param, scratch, param)
