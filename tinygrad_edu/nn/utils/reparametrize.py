"""weight_norm and spectral_norm as they were before there were parametrizations: the weight is computed by a hook
before each forward pass, from parameters `weight_g` and `weight_v`, or `weight_orig`."""

import warnings

from ...grad_mode import no_grad
from ...ops.linear import matmul
from ...ops.normalization import normalize
from ..parameter import Parameter
from .parametrizations import as_matrix, default_dim, norm_except_dim, random_direction, weight_of


class WeightNorm:
    """The hook that sets `name` to g · v / ‖v‖."""

    def __init__(self, name, dim):
        self.name = name
        self.dim = -1 if dim is None else dim

    def apply(self, module):
        weight = getattr(module, self.name)
        delattr(module, self.name)
        with no_grad():
            length = norm_except_dim(weight, self.dim)
        module.register_parameter(self.name + "_g", Parameter(length.detach()))
        module.register_parameter(self.name + "_v", Parameter(weight.detach()))
        setattr(module, self.name, self.compute(module))

    def compute(self, module):
        return weight_of(getattr(module, self.name + "_g"), getattr(module, self.name + "_v"), self.dim)

    def remove(self, module):
        weight = self.compute(module)
        for name in (self.name, self.name + "_g", self.name + "_v"):
            delattr(module, name)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module, args):
        setattr(module, self.name, self.compute(module))


class SpectralNorm:
    """The hook that sets `name` to the original divided by its largest singular value, as the power method estimates
    it."""

    def __init__(self, name, n_power_iterations, dim, eps):
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: n_power_iterations must be positive, not {n_power_iterations}")
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def apply(self, module):
        weight = module._parameters.get(self.name)
        if weight is None:
            raise ValueError(f"spectral_norm: {type(module).__name__} has no parameter `{self.name}`")
        sizes = as_matrix(weight.detach(), self.dim).shape
        u, v = (random_direction(size, weight.array.dtype, self.eps) for size in sizes)
        delattr(module, self.name)
        module.register_parameter(self.name + "_orig", weight)
        setattr(module, self.name, weight.detach())
        module.register_buffer(self.name + "_u", u)
        module.register_buffer(self.name + "_v", v)

    def compute(self, module, iterate):
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        matrix = as_matrix(weight, self.dim)
        if iterate:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(matmul(matrix.mT, u), dim=0, eps=self.eps))
                    u.copy_(normalize(matmul(matrix, v), dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()  # a later step will overwrite them
        return weight / matmul(u, matmul(matrix, v))

    def remove(self, module):
        with no_grad():
            weight = self.compute(module, False)
        for name in ("", "_orig", "_u", "_v"):
            delattr(module, self.name + name)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module, args):
        setattr(module, self.name, self.compute(module, module.training))


def _attach(module, hook):
    """Add the hook, and remember its handle."""
    for _, (other, _) in list(module._hooks.before.items()) if module._hooks else ():
        if isinstance(other, type(hook)) and other.name == hook.name:
            raise RuntimeError(f"`{hook.name}` of {type(module).__name__} is normalised like this already")
    hook.apply(module)
    hook.handle = module.register_forward_pre_hook(hook)
    return module


def _detach(module, kind, name, what):
    for hook, _ in list(module._hooks.before.values()) if module._hooks else ():
        if isinstance(hook, kind) and hook.name == name:
            hook.remove(module)
            hook.handle.remove()
            return module
    raise ValueError(f"{what} of '{name}' not found in {type(module).__name__}")


def weight_norm(module, name="weight", dim=0):
    """`parametrizations.weight_norm` in its older form, with the parameters weight_g and weight_v."""
    warnings.warn(
        "nn.utils.weight_norm is deprecated; use nn.utils.parametrizations.weight_norm", FutureWarning, stacklevel=2
    )
    return _attach(module, WeightNorm(name, dim))


def remove_weight_norm(module, name="weight"):
    """Make the weight an ordinary parameter again, with its present value."""
    return _detach(module, WeightNorm, name, "weight_norm")


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """`parametrizations.spectral_norm` in its older form, with the parameter weight_orig."""
    return _attach(module, SpectralNorm(name, n_power_iterations, default_dim(module) if dim is None else dim, eps))


def remove_spectral_norm(module, name="weight"):
    """Make the weight an ordinary parameter again, with its present value."""
    return _detach(module, SpectralNorm, name, "spectral_norm")
