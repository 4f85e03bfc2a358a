"""Stochastic gradient descent, with momentum."""

import numpy as np

from ..define import op
from ..tensor import of_array
from .optimizer import Optimizer, apply, arrays, check_range, constant, gradients, refuse, total_gradient

__all__ = ["SGD"]

INFINITE = float("inf")


class SGD(Optimizer):
    """Stochastic gradient descent: p ← p − lr · v, where v is the gradient g, or with momentum a decaying sum of
    gradients:

        g ← g + weight_decay · p
        v ← momentum · v + (1 − dampening) · g        (v = g in the first step)
        p ← p − lr · v                                 with nesterov:  p ← p − lr · (g + momentum · v)

    lr            learning rate
    momentum      how much of v the next step keeps (Polyak 1964, "Some methods of speeding up the convergence of
                  iteration methods")
    nesterov      look ahead (Sutskever et al. 2013, "On the importance of initialization and momentum in deep
                  learning")
    weight_decay  the factor of an L2 penalty, weight_decay / 2 · ‖p‖²
    maximize      go uphill
    """

    def __init__(
        self, params, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, *, maximize=False,
        foreach=None, fused=None, differentiable=False,
    ):  # fmt: skip
        refuse("SGD", foreach=foreach, fused=fused, differentiable=differentiable)
        options = dict(
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )
        super().__init__(params, options)

    def check(self, group):
        check_range("SGD", group, lr=(0, INFINITE), momentum=(0, INFINITE), weight_decay=(0, INFINITE))
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("SGD: nesterov needs a momentum above 0 and no dampening")

    def update(self, group, batch):
        momentum = float(group["momentum"])
        new = [item for item in batch if item[1].get("momentum_buffer") is None] if momentum else []
        for p, state in new:
            state["momentum_buffer"] = of_array(np.zeros(p.array.shape, p.array.dtype), None)
        if new and len(new) < len(batch):  # some parameters take their first step, with v = g
            fresh = {p for p, _ in new}
            self._apply(group, [item for item in batch if item[0] not in fresh], momentum, group["dampening"])
            self._apply(group, new, momentum, 0.0)
        else:
            self._apply(group, batch, momentum, 0.0 if new else group["dampening"])

    def _apply(self, group, batch, momentum, dampening):
        apply(
            sgd, "SGD.step", arrays(batch), gradients(batch), arrays(batch, "momentum_buffer") if momentum else None,
            float(group["lr"]), momentum, float(dampening), float(group["weight_decay"]), group["nesterov"], group["maximize"],
        )  # fmt: skip


@op(None, None, None, internal=True, method=False, promotes=False)
def sgd(params, grads, velocities, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """One step of SGD on lists of arrays, in place. `velocities`: None without momentum, zeros before the first
    step."""
    multiply, dtype = np.multiply, params[0].dtype
    lr, decay, keep = constant(lr, dtype), constant(weight_decay, dtype), constant(momentum, dtype)
    plain = not (weight_decay or maximize)
    for i, (param, grad) in enumerate(zip(params, grads)):
        scratch = np.empty(param.shape, dtype)
        if not plain:
            grad = total_gradient(param, grad, decay if weight_decay else None, maximize, scratch)
        if momentum:
            velocity = velocities[i]
            multiply(velocity, keep, velocity)
            velocity += grad if dampening == 0 else grad * constant(1 - dampening, dtype)
            if nesterov:
                ahead = multiply(velocity, keep, np.empty(param.shape, dtype))
                grad = np.add(ahead, grad, ahead)
            else:
                grad = velocity
        multiply(grad, lr, scratch)
        np.subtract(param, scratch, param)
