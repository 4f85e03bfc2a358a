"""Averaged stochastic gradient descent."""

import numpy as np

from ..define import op
from ..tensor import of_array
from .optimizer import Optimizer, check_common, check_positive, constant, total_gradient

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging". In step t, with the gradient g:

        g ← g + weight_decay · p
        p ← (1 − lambd · η) · p − η · g
        a ← a + μ · (p − a)                          average of p                           (state: ax)
        η ← lr / (1 + lambd · lr · t) ^ alpha         from lr                                (state: eta)
        μ ← 1 / max(1, t − t0)                       from 1                                 (state: mu)

    The average is for the user to take, `optimizer.state[p]["ax"]`.

    lambd         how fast η decreases, and p with it
    alpha         the power of that decrease
    t0            the step from which on p is averaged; until then a = p
    weight_decay  the factor of an L2 penalty, weight_decay / 2 · ‖p‖²
    maximize      go uphill
    """

    numbers, remembers = ("step", "eta", "mu"), ("ax",)

    def __init__(
        self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, foreach=None, maximize=False,
        differentiable=False, capturable=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("ASGD", group)
        check_positive("ASGD", group, "weight_decay")

    def start(self, p, state, group):
        new = "eta" not in state
        super().start(p, state, group)
        if new:
            dtype = state["step"].array.dtype
            state["eta"] = of_array(np.array(float(group["lr"]), dtype), None)
            state["mu"] = of_array(np.ones((), dtype), None)

    def update(self, group, batch, grads):
        t, lr, lambd = batch.count(), float(group["lr"]), float(group["lambd"])
        batch.apply(
            asgd, "ASGD.step", grads, self.remembers, batch.get("eta"), batch.get("mu"), lambd,
            float(group["weight_decay"]), group["maximize"],
        )  # fmt: skip
        batch.set("eta", lr / (1 + lambd * lr * t) ** group["alpha"])
        batch.set("mu", 1 / max(1, t - group["t0"]))


@op(None, None, None, internal=True, method=False, promotes=False)
def asgd(params, grads, averages, eta, mu, lambd, weight_decay, maximize):
    """One step of averaged SGD on lists of arrays, in place."""
    multiply, dtype = np.multiply, params[0].dtype
    shrink, eta, part = [constant(number, dtype) for number in (1 - lambd * eta, eta, mu)]
    for param, grad, average in zip(params, grads, averages):
        grad = total_gradient(param, grad, weight_decay, maximize)
        scratch = multiply(grad, eta, np.empty(param.shape, dtype))
        multiply(param, shrink, param)
        np.subtract(param, scratch, param)
        if mu == 1:
            np.copyto(average, param)
        else:
            np.subtract(param, average, scratch)
            multiply(scratch, part, scratch)
            np.add(average, scratch, average)
