"""SparseAdam, which needs what does not exist here."""

from .optimizer import Optimizer, check_betas, check_common

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """PyTorch's Adam for sparse gradients, which changes only the elements that a gradient has.

    There are no sparse tensors here, and like PyTorch's it refuses dense gradients: it can be made, but not take a
    step.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, maximize=maximize))

    def check(self, group):
        check_common("SparseAdam", group)
        for name in ("lr", "eps"):
            if not float(group[name]) > 0:
                raise ValueError(f"SparseAdam: {name} must be above 0, and is {float(group[name]):g}")
        check_betas("SparseAdam", group)

    def step_group(self, group):
        if self.live(group):
            raise RuntimeError(
                "SparseAdam is for sparse gradients, and these are dense; use Adam, which does the same for them"
            )
