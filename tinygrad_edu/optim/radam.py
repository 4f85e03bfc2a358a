"""RAdam: Adam that waits until it knows enough of the variance of the gradient."""

import math

import numpy as np

from ..define import op
from .adam import update_means
from .optimizer import Optimizer, check_betas, check_common, check_positive, constant, total_gradient

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """Liu et al. 2020, "On the variance of the adaptive learning rate and beyond" (Algorithm 2). In step t, with the
    gradient g:

        g ← g + weight_decay · p
        m ← β₁ m + (1 − β₁) g                       running mean of g                      (state: exp_avg)
        v ← β₂ v + (1 − β₂) g²                      running mean of g²                     (state: exp_avg_sq)
        ρ∞ = 2 / (1 − β₂) − 1,   ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        ρ > 5:      p ← p − lr · r · m̂ · √(1 − β₂ᵗ) / (√v + eps)     r² = (ρ−4)(ρ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ)
        otherwise:  p ← p − lr · m̂                                  m̂ = m / (1 − β₁ᵗ)

    betas                   β₁ and β₂
    weight_decay            the factor of an L2 penalty, weight_decay / 2 · ‖p‖²
    decoupled_weight_decay  shrink p by lr · weight_decay · p instead of adding to g, as AdamW does
    maximize                go uphill
    """

    numbers, remembers = ("step",), ("exp_avg", "exp_avg_sq")

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *,
        foreach=None, maximize=False, capturable=False, differentiable=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize, foreach=foreach,
            capturable=capturable, decoupled_weight_decay=decoupled_weight_decay, differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("RAdam", group)
        check_positive("RAdam", group, "eps", "weight_decay")
        check_betas("RAdam", group)

    def update(self, group, batch, grads):
        t, (beta1, beta2) = batch.count(), map(float, group["betas"])
        correction = 1 - beta2**t
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * t * beta2**t / correction
        rectified = None
        if length > 5:
            ratio = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
            rectified = math.sqrt(ratio * correction)
        batch.apply(
            radam, "RAdam.step", grads, self.remembers, float(group["lr"]), t, beta1, beta2, rectified,
            float(group["eps"]), float(group["weight_decay"]), group["decoupled_weight_decay"], group["maximize"],
        )  # fmt: skip


@op(None, None, None, None, internal=True, method=False, promotes=False)
def radam(params, grads, means, squares, lr, t, beta1, beta2, rectified, eps, weight_decay, decoupled, maximize):
    """One step of RAdam on lists of arrays, in place; t counts from 1. `rectified`: r · √(1 − β₂ᵗ), None for ρ ≤ 5."""
    dtype = params[0].dtype
    size = lr / (1 - beta1**t) * (1 if rectified is None else rectified)
    numbers = beta1, 1 - beta1, beta2, 1 - beta2, eps, size, 1 - lr * weight_decay
    *betas, eps, size, shrink = [constant(number, dtype) for number in numbers]
    penalty = 0 if decoupled else weight_decay
    for param, grad, mean, square in zip(params, grads, means, squares):
        if weight_decay and decoupled:
            np.multiply(param, shrink, param)
        grad = total_gradient(param, grad, penalty, maximize)
        scratch = update_means(grad, mean, square, *betas)
        if rectified is None:
            np.multiply(mean, size, scratch)
        else:
            np.sqrt(square, scratch)
            np.add(scratch, eps, scratch)
            np.divide(mean, scratch, scratch)
            np.multiply(scratch, size, scratch)
        np.subtract(param, scratch, param)
