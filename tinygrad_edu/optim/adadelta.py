"""Adadelta: steps in the proportion of their own past size to that of the gradients."""

import numpy as np

from ..define import op
from .optimizer import Optimizer, check_common, check_positive, check_range, constant, total_gradient

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Zeiler 2012, "ADADELTA: an adaptive learning rate method" (Algorithm 1, with a learning rate). With the gradient
    g:

        g ← g + weight_decay · p
        v ← rho · v + (1 − rho) · g²                running mean of g²                     (state: square_avg)
        d = √(u + eps) / √(v + eps) · g
        u ← rho · u + (1 − rho) · d²                running mean of d²                     (state: acc_delta)
        p ← p − lr · d

    weight_decay  the factor of an L2 penalty, weight_decay / 2 · ‖p‖²
    maximize      go uphill
    """

    numbers, remembers = ("step",), ("square_avg", "acc_delta")

    def __init__(
        self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False, maximize=False,
        differentiable=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, capturable=capturable,
            foreach=foreach, differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("Adadelta", group)
        check_positive("Adadelta", group, "eps", "weight_decay")
        check_range("Adadelta", group, rho=(0, 1))

    def update(self, group, batch, grads):
        batch.count()
        batch.apply(
            adadelta, "Adadelta.step", grads, self.remembers, float(group["lr"]), float(group["rho"]),
            float(group["eps"]), float(group["weight_decay"]), group["maximize"],
        )  # fmt: skip


@op(None, None, None, None, internal=True, method=False, promotes=False)
def adadelta(params, grads, squares, deltas, lr, rho, eps, weight_decay, maximize):
    """One step of Adadelta on lists of arrays, in place."""
    add, multiply, dtype = np.add, np.multiply, params[0].dtype
    keep, take, eps, lr = [constant(number, dtype) for number in (rho, 1 - rho, eps, lr)]
    for param, grad, square, delta in zip(params, grads, squares, deltas):
        grad = total_gradient(param, grad, weight_decay, maximize)
        step, scratch = np.empty(param.shape, dtype), np.empty(param.shape, dtype)
        np.square(grad, scratch)
        multiply(scratch, take, scratch)
        multiply(square, keep, square)
        add(square, scratch, square)
        add(square, eps, scratch)
        add(delta, eps, step)
        np.divide(step, scratch, step)
        np.sqrt(step, step)
        multiply(step, grad, step)
        np.square(step, scratch)
        multiply(scratch, take, scratch)
        multiply(delta, keep, delta)
        add(delta, scratch, delta)
        multiply(step, lr, step)
        np.subtract(param, step, param)
