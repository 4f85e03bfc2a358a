"""NAdam: Adam that looks ahead, as Nesterov's momentum does."""

import math

import numpy as np

from ..define import op
from ..tensor import of_array
from .adam import update_means
from .optimizer import Optimizer, check_betas, check_common, check_positive, constant, total_gradient

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """Dozat 2016, "Incorporating Nesterov momentum into Adam". In step t, with the gradient g:

        g ← g + weight_decay · p
        m ← β₁ m + (1 − β₁) g                       running mean of g                      (state: exp_avg)
        v ← β₂ v + (1 − β₂) g²                      running mean of g²                     (state: exp_avg_sq)
        μₜ = β₁ (1 − ½ · 0.96^(t · momentum_decay)),   Πₜ = μ₁ · … · μₜ                      (state: mu_product)
        m̂ = μₜ₊₁ / (1 − Πₜ₊₁) · m + (1 − μₜ) / (1 − Πₜ) · g
        p ← p − lr · m̂ / (√v̂ + eps)                v̂ = v / (1 − β₂ᵗ)

    betas                   β₁ and β₂
    weight_decay            the factor of an L2 penalty, weight_decay / 2 · ‖p‖²
    decoupled_weight_decay  shrink p by lr · weight_decay · p instead of adding to g, as AdamW does
    maximize                go uphill
    """

    numbers, remembers = ("step", "mu_product"), ("exp_avg", "exp_avg_sq")

    def __init__(
        self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
        decoupled_weight_decay=False, *, foreach=None, maximize=False, capturable=False, differentiable=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("NAdam", group)
        check_positive("NAdam", group, "eps", "weight_decay", "momentum_decay")
        check_betas("NAdam", group)

    def start(self, p, state, group):
        new = "mu_product" not in state
        super().start(p, state, group)
        if new:
            state["mu_product"] = of_array(np.ones((), state["step"].array.dtype), None)

    def update(self, group, batch, grads):
        t, (beta1, beta2) = batch.count(), map(float, group["betas"])
        mu, mu_next = [beta1 * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"])) for step in (t, t + 1)]
        dtype = batch.numbers["mu_product"].dtype.type
        product = batch.set("mu_product", dtype(batch.get("mu_product")) * dtype(mu))  # rounded as PyTorch does
        batch.apply(
            nadam, "NAdam.step", grads, self.remembers, float(group["lr"]), t, beta1, beta2,
            mu_next / (1 - product * mu_next), (1 - mu) / (1 - product), float(group["eps"]),
            float(group["weight_decay"]), group["decoupled_weight_decay"], group["maximize"],
        )  # fmt: skip


@op(None, None, None, None, internal=True, method=False, promotes=False)
def nadam(params, grads, means, squares, lr, t, beta1, beta2, of_mean, of_grad, eps, weight_decay, decoupled, maximize):
    """One step of NAdam on lists of arrays, in place; t counts from 1. m̂ = of_mean · m + of_grad · g."""
    dtype = params[0].dtype
    root = math.sqrt(1 - beta2**t)
    numbers = beta1, 1 - beta1, beta2, 1 - beta2, eps * root, 1 - lr * weight_decay
    *betas, eps, shrink = [constant(number, dtype) for number in numbers]
    of_mean, of_grad = [constant(lr * root * number, dtype) for number in (of_mean, of_grad)]
    penalty = 0 if decoupled else weight_decay
    for param, grad, mean, square in zip(params, grads, means, squares):
        if weight_decay and decoupled:
            np.multiply(param, shrink, param)
        grad = total_gradient(param, grad, penalty, maximize)
        scratch = update_means(grad, mean, square, *betas)
        ahead = np.multiply(mean, of_mean, np.empty(param.shape, dtype))
        np.multiply(grad, of_grad, scratch)
        np.add(ahead, scratch, ahead)
        np.sqrt(square, scratch)
        np.add(scratch, eps, scratch)
        np.divide(ahead, scratch, scratch)
        np.subtract(param, scratch, param)
