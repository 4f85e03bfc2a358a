"""Functions and their vjps for the table of cases_check.py, with NumPy."""

import numpy as np

LABELS = np.array([0, 2, 1])


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def logsumexp(x):
    top = x.max(-1, keepdims=True)
    return np.log(np.exp(x - top).sum(-1)) + top[..., 0]


def sym(a):
    return (a + np.swapaxes(a, -1, -2)) / 2


def hilbert(n):
    i = np.arange(n)
    return 1 / (i[:, None] + i + 1.0)


def quantized(x):
    """x, to 6 decimals: a staircase."""
    return np.round(x, 6)


def newton(a, tolerance):
    """The square root by Newton's method, stopped early: how many steps it takes depends on a."""
    x = np.maximum(a, 1.0)
    for _ in range(50):
        if np.abs(x * x - a).max() <= tolerance:
            break
        x = (x + a / x) / 2
    return x


def bisected(a):
    """The cube root by 30 bisections: a staircase of steps 1e-8."""
    low, high = np.zeros_like(a), np.full_like(a, 8.0)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = np.where(middle**3 < a, middle, low), np.where(middle**3 < a, high, middle)
    return low


def hashed(x):
    """x with noise of size 1e-8 that depends on every bit of it, and is the same each time."""
    bits = np.ascontiguousarray(x).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return 1e-8 * ((bits >> np.uint64(40)).astype(float) / 2**24 - 0.5)


def cross_entropy(x):
    return (logsumexp(x) - x[np.arange(3), LABELS]).sum()


def cross_entropy_slope(x):
    return softmax(x) - (np.arange(x.shape[1]) == LABELS[:, None])


def layer_norm(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def layer_norm_vjp(g, x):
    y, s = layer_norm(x), np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True)) / s


def convolve(x, w):
    return np.convolve(x, w, "valid")


def convolve_vjp(g, x, w):
    return np.convolve(g, w[::-1]), np.correlate(x, g, "valid")[::-1]


def cholesky_vjp(g, a):
    low = np.linalg.cholesky(sym(a))
    inverse = np.linalg.inv(low)
    phi = np.tril(low.T @ np.tril(g))
    phi[np.diag_indices_from(phi)] /= 2
    return sym(inverse.T @ sym(phi) @ inverse) * 1.0


def eigenvalues_vjp(g, a):
    _, q = np.linalg.eigh(sym(a))
    return (q * g) @ q.T


def singular_values_vjp(g, a):
    u, _, v = np.linalg.svd(a, full_matrices=False)
    return (u * g) @ v


def inverse_vjp(g, a):
    b = np.linalg.inv(a)
    return -b.T @ g @ b.T


def solve_vjp(g, a, b):
    x, gb = np.linalg.solve(a, b), np.linalg.solve(a.T, g)
    return -np.outer(gb, x), gb


def cumprod_vjp(g, x):
    """Right with zeros, too: each product without the factor."""
    n = len(x)
    return np.array([sum(g[k] * np.prod(np.delete(x[: k + 1], i)) for k in range(i, n)) for i in range(n)])


def cumprod_divided(g, x):
    """The formula that divides by x: NaN at zeros."""
    return np.cumsum((g * np.cumprod(x))[::-1])[::-1] / x


def sorted_vjp(g, x):
    out = np.zeros_like(x)
    out[np.argsort(x)] = g
    return out


def top_vjp(shares):
    """The gradient of the largest element: `shares` of the place of the first, where several are equal."""

    def vjp(g, x):
        top = np.flatnonzero(x == x.max())
        out = np.zeros_like(x)
        out[top] = np.array(shares[: len(top)]) if len(top) == len(shares) else 1 / len(top)
        return g * out

    return vjp


def huber(x):
    return np.where(np.abs(x) <= 1, x * x / 2, np.abs(x) - 0.5)


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def weierstrass(x):
    return sum(0.5**k * np.cos(3.0**k * x) for k in range(12))


def weierstrass_slope(x):
    return -sum(1.5**k * np.sin(3.0**k * x) for k in range(12))


def norm_slope(x):
    size = np.linalg.norm(x)
    return x / size if size else 0 * x


def attention(q, k, v):
    return softmax(q @ k.T / np.sqrt(q.shape[1])) @ v


def attention_vjp(g, q, k, v):
    p, root = softmax(q @ k.T / np.sqrt(q.shape[1])), np.sqrt(q.shape[1])
    gp = g @ v.T
    gs = p * (gp - (gp * p).sum(-1, keepdims=True)) / root
    return gs @ k, gs.T @ q, p.T @ g
