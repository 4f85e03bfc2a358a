"""Adamax: Adam with the largest gradient in the place of the root mean square."""

import numpy as np

from ..define import op
from .optimizer import Optimizer, check_betas, check_common, check_positive, constant, total_gradient

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Kingma & Ba 2015, "Adam: a method for stochastic optimization" (Algorithm 2). In step t, with the gradient g:

        g ← g + weight_decay · p
        m ← β₁ m + (1 − β₁) g                       running mean of g                      (state: exp_avg)
        u ← max(β₂ u, |g| + eps)                    decaying maximum of |g|                (state: exp_inf)
        p ← p − lr / (1 − β₁ᵗ) · m / u

    betas         β₁ and β₂
    weight_decay  the factor of an L2 penalty, weight_decay / 2 · ‖p‖²
    maximize      go uphill
    """

    numbers, remembers = ("step",), ("exp_avg", "exp_inf")

    def __init__(
        self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False,
        differentiable=False, capturable=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("Adamax", group)
        check_positive("Adamax", group, "eps", "weight_decay")
        check_betas("Adamax", group)

    def update(self, group, batch, grads):
        beta1, beta2 = group["betas"]
        batch.apply(
            adamax, "Adamax.step", grads, self.remembers, float(group["lr"]), batch.count(), float(beta1), float(beta2),
            float(group["eps"]), float(group["weight_decay"]), group["maximize"],
        )  # fmt: skip


@op(None, None, None, None, internal=True, method=False, promotes=False)
def adamax(params, grads, means, largest, lr, t, beta1, beta2, eps, weight_decay, maximize):
    """One step of Adamax on lists of arrays, in place; t counts from 1."""
    multiply, dtype = np.multiply, params[0].dtype
    numbers = beta1, 1 - beta1, beta2, eps, lr / (1 - beta1**t)
    keep, take, fade, eps, size = [constant(number, dtype) for number in numbers]
    for param, grad, mean, most in zip(params, grads, means, largest):
        grad = total_gradient(param, grad, weight_decay, maximize)
        scratch = multiply(grad, take, np.empty(param.shape, dtype))
        multiply(mean, keep, mean)
        np.add(mean, scratch, mean)
        np.absolute(grad, scratch)
        np.add(scratch, eps, scratch)
        multiply(most, fade, most)
        np.maximum(most, scratch, out=most)
        np.divide(mean, most, scratch)
        multiply(scratch, size, scratch)
        np.subtract(param, scratch, param)
