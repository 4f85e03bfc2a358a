"""Stochastic gradient descent, with momentum."""

import numpy as np

from ..define import op
from .optimizer import INFINITE, Optimizer, check_common, check_positive, constant, total_gradient

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent: p ← p − lr · v, where v is the gradient g, or with momentum a decaying sum of
    gradients:

        g ← g + weight_decay · p
        v ← momentum · v + (1 − dampening) · g        (v = g in the first step)        (state: momentum_buffer)
        p ← p − lr · v                                 with nesterov:  p ← p − lr · (g + momentum · v)

    lr            learning rate
    momentum      how much of v the next step keeps (Polyak 1964, "Some methods of speeding up the convergence of
                  iteration methods")
    nesterov      look ahead (Sutskever et al. 2013, "On the importance of initialization and momentum in deep
                  learning")
    weight_decay  the factor of an L2 penalty, weight_decay / 2 · ‖p‖²
    maximize      go uphill
    """

    remembers = ("momentum_buffer",)

    def __init__(
        self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False, foreach=None,
        differentiable=False, fused=None,
    ):  # fmt: skip
        options = dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("SGD", group)
        check_positive("SGD", group, "momentum", "weight_decay")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("SGD: nesterov needs a momentum above 0 and no dampening")

    def arrays(self, group):
        return self.remembers if group["momentum"] else ()

    def joins(self, group):
        return 5 if group["momentum"] else INFINITE  # two passes are no more than joining costs

    def update(self, group, batch, grads):
        momentum = float(group["momentum"])
        batch.apply(
            sgd, "SGD.step", grads, ["momentum_buffer" if momentum else None], float(group["lr"]), momentum,
            0.0 if batch.first else float(group["dampening"]), float(group["weight_decay"]), group["nesterov"],
            group["maximize"],
        )  # fmt: skip


@op(None, None, None, internal=True, method=False, promotes=False)
def sgd(params, grads, velocities, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """One step of SGD on lists of arrays, in place. `velocities`: None without momentum, zeros before the first
    step."""
    multiply, add, dtype = np.multiply, np.add, params[0].dtype
    lr, keep, take = [constant(number, dtype) for number in (lr, momentum, 1 - dampening)]
    for i, (param, grad) in enumerate(zip(params, grads)):
        grad = total_gradient(param, grad, weight_decay, maximize)
        scratch = np.empty(param.shape, dtype)
        if momentum:
            velocity = velocities[i]
            multiply(velocity, keep, velocity)
            add(velocity, multiply(grad, take, scratch) if dampening else grad, velocity)
            if nesterov:
                multiply(velocity, keep, scratch)
                grad = add(scratch, grad, scratch)
            else:
                grad = velocity
        multiply(grad, lr, scratch)
        np.subtract(param, scratch, param)
