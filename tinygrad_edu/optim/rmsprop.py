"""RMSprop: gradients divided by the root of their running mean square."""

import numpy as np

from ..define import op
from .optimizer import Optimizer, check_common, check_positive, constant, total_gradient

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Hinton 2012, "Neural networks for machine learning", lecture 6e. With the gradient g:

        g ← g + weight_decay · p
        v ← alpha · v + (1 − alpha) · g²             running mean of g²                     (state: square_avg)
        d = g / (√v + eps)                            centered:  g / (√(v − m²) + eps)       (state: grad_avg)
        p ← p − lr · d                                with momentum:  b ← momentum · b + d,  p ← p − lr · b
                                                                                            (state: momentum_buffer)

    centered  divide by the standard deviation instead, with m the running mean of g (Graves 2013, "Generating sequences
              with recurrent neural networks", section 4.2)
    maximize  go uphill
    """

    numbers, remembers = ("step",), ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(
        self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, capturable=False,
        foreach=None, maximize=False, differentiable=False,
    ):  # fmt: skip
        options = dict(
            lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
            capturable=capturable, foreach=foreach, maximize=maximize, differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("RMSprop", group)
        check_positive("RMSprop", group, "alpha", "eps", "weight_decay", "momentum")

    def arrays(self, group):
        wanted = True, group["centered"], group["momentum"]
        return [name for name, use in zip(self.remembers, wanted) if use]

    def update(self, group, batch, grads):
        batch.count()
        names = self.arrays(group)
        batch.apply(
            rmsprop, "RMSprop.step", grads, [name if name in names else None for name in self.remembers],
            float(group["lr"]), float(group["alpha"]), float(group["eps"]),
            float(group["weight_decay"]), float(group["momentum"]), group["maximize"],
        )  # fmt: skip


@op(None, None, None, None, None, internal=True, method=False, promotes=False)
def rmsprop(params, grads, squares, means, buffers, lr, alpha, eps, weight_decay, momentum, maximize):
    """One step of RMSprop on lists of arrays, in place. `means`: None unless centered; `buffers`: None without
    momentum."""
    multiply, dtype = np.multiply, params[0].dtype
    keep, take, eps, lr, momentum = [constant(number, dtype) for number in (alpha, 1 - alpha, eps, lr, momentum)]
    for i, (param, grad, square) in enumerate(zip(params, grads, squares)):
        grad = total_gradient(param, grad, weight_decay, maximize)
        scratch = np.square(grad, np.empty(param.shape, dtype))
        multiply(scratch, take, scratch)
        multiply(square, keep, square)
        np.add(square, scratch, square)
        if means is not None:
            mean = means[i]
            np.subtract(grad, mean, scratch)
            multiply(scratch, take, scratch)
            np.add(mean, scratch, mean)
            np.square(mean, scratch)
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
