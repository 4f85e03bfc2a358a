"""Muon: momentum of matrices, with all singular values made equal."""

import math

import numpy as np

from ..define import op
from .batches import apply
from .optimizer import Optimizer, check_common, check_positive

__all__ = ["Muon"]


class Muon(Optimizer):
    """Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks". For the weights of hidden layers,
    all of them matrices; biases, embeddings and the like need another optimizer. With the gradient g:

        b ← momentum · b + (1 − momentum) · g         from zeros                             (state: momentum_buffer)
        u = orthogonal(b)                              with nesterov:  orthogonal(momentum · b + (1 − momentum) · g)
        p ← (1 − lr · weight_decay) · p − lr · scale · u

    orthogonal(x) is about U Vᵀ, where x = U S Vᵀ is the singular value decomposition: x / ‖x‖, and then `ns_steps`
    times

        x ← a x + (b x xᵀ + c (x xᵀ)²) x              (a, b, c) = ns_coefficients

    which brings singular values from anywhere in (0, 1] to somewhere near 1. It is computed in the dtype of the
    parameter.

    eps           the least norm to divide by
    adjust_lr_fn  scale, for a matrix of size m × n: √max(1, m / n) for "original" or None, 0.2 · √max(m, n) for
                  "match_rms_adamw" (Liu et al. 2025, "Muon is scalable for LLM training"), which suits learning rates
                  and weight decays chosen for AdamW
    """

    remembers = ("momentum_buffer",)

    def __init__(
        self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.775, 2.0315),
        eps=1e-7, ns_steps=5, adjust_lr_fn=None,
    ):  # fmt: skip
        options = dict(
            lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, ns_coefficients=ns_coefficients,
            eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("Muon", group)
        check_positive("Muon", group, "weight_decay", "momentum")
        if group["adjust_lr_fn"] not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Muon: adjust_lr_fn is 'original' or 'match_rms_adamw', not {group['adjust_lr_fn']!r}")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError(f"Muon: ns_coefficients are three numbers, not {len(group['ns_coefficients'])}")
        if group["ns_steps"] >= 100:
            raise ValueError(f"Muon: ns_steps must be less than 100, and is {group['ns_steps']}; five are enough")
        for p in group.get("params", ()):
            if p.ndim != 2:
                raise ValueError(
                    f"Muon is for matrices, and a parameter has the shape {tuple(p.shape)}; give such to AdamW"
                )

    def step_group(self, group):
        members = self.live(group)
        for p, state in members:
            if not state:
                self.start(p, state, group)
        apply(
            muon, "Muon.step", [p.array for p, _ in members], [p.grad.array for p, _ in members],
            [state["momentum_buffer"].array for _, state in members], float(group["lr"]), float(group["weight_decay"]),
            float(group["momentum"]), group["nesterov"], group["ns_coefficients"], float(group["eps"]),
            group["ns_steps"], group["adjust_lr_fn"],
        )  # fmt: skip


@op(None, None, None, internal=True, method=False, promotes=False)
def muon(params, grads, buffers, lr, weight_decay, momentum, nesterov, coefficients, eps, steps, adjust):
    """One step of Muon on lists of matrices, in place."""
    for param, grad, buffer in zip(params, grads, buffers):
        buffer += (grad - buffer) * (1 - momentum)
        update = orthogonal(grad + (buffer - grad) * momentum if nesterov else buffer, coefficients, eps, steps)
        rows, columns = param.shape
        scale = math.sqrt(max(1, rows / columns))
        if adjust == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        param *= 1 - lr * weight_decay
        param -= update * (lr * scale)


def orthogonal(matrix, coefficients, eps, steps):
    """Nearly U Vᵀ of a matrix U S Vᵀ, by an iteration of Newton and Schulz; see Muon."""
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix  # x xᵀ is the smaller of the two products
    x = x / max(math.sqrt(np.vdot(x, x)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x
