"""Adam and AdamW: steps of a size that does not depend on the scale of the gradient."""

import math

import numpy as np

from ..define import op
from .optimizer import Optimizer, check_betas, check_common, check_positive, constant, total_gradient

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Kingma & Ba 2015, "Adam: a method for stochastic optimization" (Algorithm 1). In step t, with the gradient g:

        g ← g + weight_decay · p
        m ← β₁ m + (1 − β₁) g                       running mean of g                      (state: exp_avg)
        v ← β₂ v + (1 − β₂) g²                      running mean of g²                     (state: exp_avg_sq)
        p ← p − lr · m̂ / (√v̂ + eps)                m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)

    betas                   β₁ and β₂
    weight_decay            the factor of an L2 penalty, weight_decay / 2 · ‖p‖²
    amsgrad                 use the largest v so far (Reddi, Kale & Kumar 2018, "On the convergence of Adam and beyond")
    maximize                go uphill
    decoupled_weight_decay  shrink p instead of adding to g: AdamW
    """

    numbers, remembers = ("step",), ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None,
        maximize=False, capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize,
            foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        kind = type(self).__name__
        check_common(kind, group)
        check_positive(kind, group, "eps", "weight_decay")
        check_betas(kind, group)

    def arrays(self, group):
        return self.remembers if group["amsgrad"] else self.remembers[:2]

    def update(self, group, batch, grads):
        beta1, beta2 = group["betas"]
        batch.apply(
            adam, f"{type(self).__name__}.step", grads,
            ["exp_avg", "exp_avg_sq", "max_exp_avg_sq" if group["amsgrad"] else None],
            float(group["lr"]), batch.count(), float(beta1), float(beta2), float(group["eps"]),
            float(group["weight_decay"]), group["decoupled_weight_decay"], group["maximize"],
        )  # fmt: skip


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← p − lr · weight_decay · p first, instead of an L2 penalty in the
    gradient, which Adam would scale away. Loshchilov & Hutter 2019, "Decoupled weight decay regularization"
    (Algorithm 2). Options as for Adam.
    """

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False,
        foreach=None, capturable=False, differentiable=False, fused=None,
    ):  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True  # also if it was Adam's state


@op(None, None, None, None, None, internal=True, method=False, promotes=False)
def adam(params, grads, means, squares, largest, lr, t, beta1, beta2, eps, weight_decay, decoupled, maximize):
    """One step of Adam on lists of arrays, in place; t counts from 1.

    With the corrections moved out of the arrays: lr · m̂ / (√v̂ + eps) = (lr · √c₂ / c₁) · m / (√v + eps · √c₂), where
    c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ. Twelve passes over each parameter, one scratch array.
    """
    dtype = params[0].dtype
    root = math.sqrt(1 - beta2**t)
    numbers = beta1, 1 - beta1, beta2, 1 - beta2, eps * root, lr * root / (1 - beta1**t), 1 - lr * weight_decay
    *betas, eps, size, shrink = [constant(number, dtype) for number in numbers]
    penalty = 0 if decoupled else weight_decay
    for i, (param, grad, mean, square) in enumerate(zip(params, grads, means, squares)):
        if weight_decay and decoupled:
            np.multiply(param, shrink, param)
        grad = total_gradient(param, grad, penalty, maximize)
        scratch = update_means(grad, mean, square, *betas)
        if largest is not None:
            square = np.maximum(largest[i], square, out=largest[i])
        np.sqrt(square, scratch)
        np.add(scratch, eps, scratch)
        np.divide(mean, scratch, scratch)
        np.multiply(scratch, size, scratch)
        np.subtract(param, scratch, param)


def update_means(grad, mean, square, keep1, take1, keep2, take2):
    """m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g², in place; keepᵢ is βᵢ, takeᵢ is 1 − βᵢ. Returns scratch
    space."""
    scratch = np.multiply(grad, take1, np.empty(mean.shape, mean.dtype))
    np.multiply(mean, keep1, mean)
    np.add(mean, scratch, mean)
    np.square(grad, scratch)
    np.multiply(scratch, take2, scratch)
    np.multiply(square, keep2, square)
    np.add(square, scratch, square)
    return scratch
