"""RMSprop: gradients divided by the root of their running mean square."""

import numpy as np

from ..define import op
from ..tensor import of_array
from .optimizer import Optimizer, apply, arrays, check_range, constant, gradients, refuse, total_gradient

__all__ = ["RMSprop"]

INFINITE = float("inf")


class RMSprop(Optimizer):
    """Hinton 2012, "Neural networks for machine learning", lecture 6e. With the gradient g:

        g ← g + weight_decay · p
        v ← alpha · v + (1 − alpha) · g²             running mean of g²                     (state: square_avg)
        d = g / (√v + eps)                            centered:  g / (√(v − m²) + eps)
        p ← p − lr · d                                with momentum:  b ← momentum · b + d,  p ← p − lr · b

    centered  divide by the standard deviation instead, with m the running mean of g (Graves 2013, "Generating sequences
              with recurrent neural networks", section 4.2)
    maximize  go uphill
    """

    remembers = ("step", "square_avg")

    def __init__(
        self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False, capturable=False,
        foreach=None, maximize=False, differentiable=False,
    ):  # fmt: skip
        refuse("RMSprop", foreach=foreach, capturable=capturable, differentiable=differentiable)
        options = dict(
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )
        super().__init__(params, options)

    def check(self, group):
        infinite = dict.fromkeys(("lr", "alpha", "eps", "weight_decay", "momentum"), (0, INFINITE))
        check_range("RMSprop", group, **infinite)

    def start(self, p, state, group):
        super().start(p, state, group)
        for name, wanted in (("momentum_buffer", group["momentum"]), ("grad_avg", group["centered"])):
            if wanted:
                state[name] = of_array(np.zeros(p.array.shape, p.array.dtype), None)

    def update(self, group, batch):
        for _, state in batch:
            state["step"] += 1
        apply(
            rmsprop, "RMSprop.step", arrays(batch), gradients(batch), arrays(batch, "square_avg"),
            arrays(batch, "grad_avg") if group["centered"] else None,
            arrays(batch, "momentum_buffer") if group["momentum"] else None,
            float(group["lr"]), float(group["alpha"]), float(group["eps"]), float(group["weight_decay"]),
            float(group["momentum"]), group["maximize"],
        )  # fmt: skip


@op(None, None, None, None, None, internal=True, method=False, promotes=False)
def rmsprop(params, grads, squares, means, buffers, lr, alpha, eps, weight_decay, momentum, maximize):
    """One step of RMSprop on lists of arrays, in place. `means`: None unless centered; `buffers`: None without
    momentum."""
    multiply, dtype = np.multiply, params[0].dtype
    numbers = alpha, 1 - alpha, eps, lr, weight_decay, momentum
    keep, take, eps, lr, decay, momentum = [constant(number, dtype) for number in numbers]
    plain = not (weight_decay or maximize)
    for i, (param, grad, square) in enumerate(zip(params, grads, squares)):
        scratch = np.empty(param.shape, dtype)
        if not plain:
            grad = total_gradient(param, grad, decay if weight_decay else None, maximize, np.empty(param.shape, dtype))
        multiply(grad, grad, scratch)
        multiply(scratch, take, scratch)
        multiply(square, keep, square)
        np.add(square, scratch, square)
        if means is not None:
            mean = means[i]
            np.subtract(grad, mean, scratch)
            multiply(scratch, take, scratch)
            np.add(mean, scratch, mean)
            multiply(mean, mean, scratch)
            square = np.subtract(square, scratch, scratch)
        np.sqrt(square, scratch)
        np.add(scratch, eps, scratch)
        direction = np.divide(grad, scratch, scratch)
        if buffers is not None:
            buffer = buffers[i]
            multiply(buffer, momentum, buffer)
            direction = np.add(buffer, direction, buffer)
        multiply(direction, lr, scratch)
        np.subtract(param, scratch, param)
