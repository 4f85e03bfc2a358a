"""Ready-made parametrizations: weight_norm, spectral_norm, orthogonal."""

import numpy as np

from ...grad_mode import no_grad
from ...ops.joining import pad_zeros
from ...ops.linalg import solve
from ...ops.linear import matmul
from ...ops.matrix_exp import householder_product, matrix_exp
from ...ops.normalization import normalize
from ...ops.reduce import sum as sum_
from ...ops.reduce import vector_norm
from ...ops.shape import diagonal, movedim, reshape, transpose, tril
from ...tensor import of_array
from .. import init
from ..module import Module
from .parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


# ---- weight normalisation


def norm_except_dim(v, dim):
    """The lengths of the slices of v along `dim`, in a shape that broadcasts against v; for dim −1 that of all of v."""
    if dim == -1:
        return vector_norm(v, 2.0)
    return vector_norm(v, 2.0, tuple([d for d in range(v.ndim) if d != dim % v.ndim]), True)


def weight_of(g, v, dim):
    """g · v / ‖v‖ for each slice along `dim`."""
    return v * (g / norm_except_dim(v, dim))


class _WeightNorm(Module):
    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return weight_of(weight_g, weight_v, self.dim)

    def right_inverse(self, weight):
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Let a weight be g · v / ‖v‖: its length g and its direction v are learned apart (Salimans & Kingma 2016).

    dim  each slice along this dimension has a length of its own; None: all of the weight has one

    The originals are original0, g, and original1, v.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


# ---- spectral normalisation


def as_matrix(weight, dim):
    """The weight as a matrix whose rows are its slices along `dim`."""
    weight = movedim(weight, dim, 0) if dim else weight
    return reshape(weight, (weight.shape[0], -1))


def default_dim(module):
    """1 for transposed convolutions, whose outputs are counted there, else 0."""
    return 1 if any(kind.__name__.startswith("ConvTranspose") for kind in type(module).__mro__) else 0


def random_direction(size, dtype, eps):
    """A random vector of length 1."""
    return normalize(init.normal_(of_array(np.empty(size, dtype), None)), dim=0, eps=eps)


class _SpectralNorm(Module):
    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim {dim} is out of range for a weight of shape {tuple(weight.shape)}")
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: n_power_iterations must be positive, not {n_power_iterations}")
        self.dim = dim if dim >= 0 else dim + weight.ndim
        self.eps = eps
        if weight.ndim > 1:  # a vector is simply divided by its length
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            for name, size in zip(("_u", "_v"), matrix.shape):
                self.register_buffer(name, random_direction(size, weight.array.dtype, eps))
            self._iterate(matrix, 15)

    def _iterate(self, matrix, times):
        """Turn u and v towards the singular vectors of the largest singular value (the power method)."""
        with no_grad():
            for _ in range(times):
                self._u.copy_(normalize(matmul(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(normalize(matmul(matrix.mT, self._u), dim=0, eps=self.eps))

    def forward(self, weight):
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # a later step will overwrite them
        return weight / matmul(u, matmul(matrix, v))

    def right_inverse(self, value):
        return value


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide a weight by its largest singular value (Miyato et al. 2018), which is estimated by the power method.

    n_power_iterations  steps of the method for each forward pass in training
    eps                 vectors shorter than this are not made longer
    dim                 the rows of the matrix are the slices along this dimension; by default 0, for transposed
                        convolutions 1
    """
    weight = getattr(module, name)
    dim = default_dim(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


# ---- orthogonal matrices


class _Orthogonal(Module):
    def __init__(self, weight, orthogonal_map, use_trivialization=True):
        super().__init__()
        self.shape = tuple(weight.shape)
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x):
        n, k = x.shape[-2:]
        wide = n < k
        if wide:
            x, n, k = transpose(x, -1, -2), k, n
        if self.orthogonal_map == "householder":
            below = tril(x, -1)
            tau = 2.0 / (1.0 + sum_(below * below, -2))
            q = householder_product(below, tau)
            signs = diagonal(x, 0, -2, -1).detach().trunc()  # 1 or −1
            q = q * signs.unsqueeze(-2)
        else:
            x = tril(x)
            if n != k:
                x = pad_zeros(x, ((0, 0),) * (x.ndim - 1) + ((0, n - k),))
            a = x - transpose(x, -1, -2)
            if self.orthogonal_map == "matrix_exp":
                q = matrix_exp(a)
            else:
                one = np.eye(n, dtype=a.array.dtype)
                q = solve(one - 0.5 * a, one + 0.5 * a)
            if n != k:
                q = q[..., :k]
        base = getattr(self, "base", None)
        if base is not None:
            q = matmul(base, q)
        return transpose(q, -1, -2) if wide else q

    def right_inverse(self, value):
        if tuple(value.shape) != self.shape:
            raise ValueError(f"expected a matrix or batch of matrices of shape {self.shape}, not {tuple(value.shape)}")
        q = value.array
        n, k = q.shape[-2:]
        wide = n < k
        if wide:
            q, n, k = q.swapaxes(-1, -2), k, n
        if "base" not in self._buffers:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    f"a weight with orthogonal_map={self.orthogonal_map!r} cannot be set where use_trivialization=False"
                )
            a, tau = np.linalg.qr(q.astype(np.float64), "raw")
            a, places = a.swapaxes(-1, -2).copy(), np.arange(k)
            signs = np.where(a[..., places, places] < 0, -1.0, 1.0)
            # there LAPACK reflects not at all, `forward` does
            a[..., places, places] = np.where(tau == 0, -signs, signs)
            a = a.astype(q.dtype)
            return of_array(a.swapaxes(-1, -2).copy() if wide else a, None)
        if n != k:
            others = init.normal_(of_array(np.empty((*q.shape[:-1], n - k), q.dtype), None)).array
            q = np.concatenate([q, others], -1)
        if n != k or not is_orthogonal(q):
            q = made_orthogonal(q)
        self.base = of_array(np.array(q), None)
        original = np.zeros(self.shape, q.dtype)  # −1 on the diagonal: all maps make the identity of it
        original[..., np.arange(k), np.arange(k)] = -1.0
        return of_array(original, None)


def is_orthogonal(q):
    """Whether qᵀ q is the identity, but for rounding."""
    n = q.shape[-1]
    return np.allclose(q.swapaxes(-1, -2) @ q, np.eye(n), atol=10 * n * np.finfo(q.dtype).eps)


def made_orthogonal(a):
    """The Q of the QR decomposition in which R has a positive diagonal."""
    q, r = np.linalg.qr(a)
    return q * np.sign(np.diagonal(r, 0, -2, -1))[..., None, :]


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Keep a matrix, or a batch of them, orthogonal: its columns (or, if it is wide, its rows) are orthonormal.

    orthogonal_map      how it is made from an unconstrained matrix x, with A = x.tril() − x.tril()ᵀ: "matrix_exp",
                        exp(A); "cayley", (I − A/2)⁻¹ (I + A/2); "householder", a product of reflections. By default the
                        first for square matrices, the last for others
    use_trivialization  multiply by a fixed orthogonal matrix `base`, chosen so that the weight starts (or is set) as
                        wanted (Lezcano-Casado 2019)
    """
    weight = getattr(module, name)
    if weight.ndim < 2:
        raise ValueError(f"orthogonal takes matrices, (..., n, k), not a weight of shape {tuple(weight.shape)}")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(f'orthogonal_map must be "matrix_exp", "cayley" or "householder", not {orthogonal_map!r}')
    map_ = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, map_, unsafe=True)
