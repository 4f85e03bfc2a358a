"""Functions of functions, as in torch.func: derivatives, modules as functions, and functions of batches."""

from .transforms import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp
from .vmap import stack_module_state, vmap

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "stack_module_state", "vjp",
    "vmap",
]  # fmt: skip
