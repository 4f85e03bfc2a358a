"""Adagrad: gradients divided by the root of the sum of all their squares."""

import numpy as np

from ..define import op
from ..tensor import of_array
from .optimizer import Optimizer, apply, arrays, check_range, constant, gradients, refuse, total_gradient

__all__ = ["Adagrad"]

INFINITE = float("inf")


class Adagrad(Optimizer):
    """Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization",
    Figure 1. In step t, with the gradient g:

        g ← g + weight_decay · p
        s ← s + g²                                    from initial_accumulator_value        (state: sum)
        p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps)

    maximize  go uphill
    """

    remembers = ("step", "sum")

    def __init__(
        self, params, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10, foreach=None, *,
        maximize=False, differentiable=False, fused=None,
    ):  # fmt: skip
        refuse("Adagrad", foreach=foreach, differentiable=differentiable, fused=fused)
        options = dict(
            lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, maximize=maximize,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        names = "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"
        check_range("Adagrad", group, **dict.fromkeys(names, (0, INFINITE)))

    def start(self, p, state, group):
        state["step"] = 0
        state["sum"] = of_array(np.full(p.array.shape, group["initial_accumulator_value"], p.array.dtype), None)

    def update(self, group, batch):
        for _, state in batch:
            state["step"] += 1
        apply(
            adagrad, "Adagrad.step", arrays(batch), gradients(batch), arrays(batch, "sum"), float(group["lr"]),
            batch[0][1]["step"], float(group["lr_decay"]), float(group["eps"]), float(group["weight_decay"]), group["maximize"],
        )  # fmt: skip


@op(None, None, None, internal=True, method=False, promotes=False)
def adagrad(params, grads, sums, lr, t, lr_decay, eps, weight_decay, maximize):
    """One step of Adagrad on lists of arrays, in place; t counts from 1."""
    dtype = params[0].dtype
    rate, eps, decay = [constant(number, dtype) for number in (lr / (1 + (t - 1) * lr_decay), eps, weight_decay)]
    plain = not (weight_decay or maximize)
    for param, grad, total in zip(params, grads, sums):
        scratch = np.empty(param.shape, dtype)
        if not plain:
            grad = total_gradient(param, grad, decay if weight_decay else None, maximize, np.empty(param.shape, dtype))
        np.multiply(grad, grad, scratch)
        np.add(total, scratch, total)
        np.sqrt(total, scratch)
        np.add(scratch, eps, scratch)
        np.divide(grad, scratch, scratch)
        np.multiply(scratch, rate, scratch)
        np.subtract(param, scratch, param)
