"""Functions with right and wrong gradients: what a gradient checker has to tell apart.

`python tests/cases_check.py` prints what three checkers say of them, as Markdown.

CASES holds pairs of NumPy functions (see gradient_cases.py), NATIVE functions of Tensors,
         written once for PyTorch and this library.
"""

import numpy as np
from gradient_cases import Case, each, scalar
from gradient_functions import (
    attention,
    attention_vjp,
    bisected,
    cholesky_vjp,
    convolve,
    convolve_vjp,
    cross_entropy,
    cross_entropy_slope,
    cumprod_divided,
    cumprod_vjp,
    eigenvalues_vjp,
    elu,
    hashed,
    hilbert,
    huber,
    inverse_vjp,
    layer_norm,
    layer_norm_vjp,
    logsumexp,
    newton,
    norm_slope,
    quantized,
    sigmoid,
    singular_values_vjp,
    softmax,
    solve_vjp,
    sorted_vjp,
    sym,
    top_vjp,
    weierstrass,
    weierstrass_slope,
)  # fmt: skip

RNG = np.random.default_rng(0)


def randn(*shape):
    return RNG.standard_normal(shape)


def f32(*values):
    return np.array(values, np.float32)


def f16(*values):
    return np.array(values, np.float16)


A3, A4 = randn(3, 3) + 3 * np.eye(3), randn(4, 4)
POSITIVE = A4 @ A4.T + np.eye(4)
RIGHT_BRANCH = {
    "outside the fan": lambda g, x: 1.5 * g * np.ones_like(x),
    "wrong sign": lambda g, x: -0.5 * g * np.ones_like(x),
}
BIG = np.linspace(1.0, 2.0, 2000).reshape(40, 50)

CASES = [
    # ---- sizes
    Case("x² at 1e9", *each(lambda x: x * x, lambda x: 2 * x), [1e9]),
    Case("x² at 1e10", *each(lambda x: x * x, lambda x: 2 * x), [1e10]),
    Case("x² at 1e150", *each(lambda x: x * x, lambda x: 2 * x), [1e150, -3e149]),
    Case("x² at 1e-9", *each(lambda x: x * x, lambda x: 2 * x), [1e-9, -3e-9]),
    Case("x² at 0", *each(lambda x: x * x, lambda x: 2 * x), [0.0, 1.0]),
    Case("1e-6 x²", *each(lambda x: 1e-6 * x * x, lambda x: 2e-6 * x), [1.0, 3.0]),
    Case("1e-12 x", *each(lambda x: 1e-12 * x, lambda x: 1e-12 + 0 * x), [1.0, 1e5]),
    Case("1e12 x", *each(lambda x: 1e12 * x, lambda x: 1e12 + 0 * x), [1.0, 1e-5]),
    Case("3x", *each(lambda x: 3 * x, lambda x: 3 + 0 * x), [1.0, 2.0], wrong={"3.002": lambda g, x: 3.002 * g}),
    Case("log at 1e-5", *each(np.log, lambda x: 1 / x), [1e-5]),
    Case("log at 1e-300 and 1e300", *each(np.log, lambda x: 1 / x), [1e-300, 1e300]),
    Case("sqrt at 1e-6", *each(np.sqrt, lambda x: 0.5 / np.sqrt(x)), [1e-6]),
    Case("cbrt at 1e-12 and 8e9", *each(np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2)), [1e-12, 8e9]),
    Case("1/x", *each(lambda x: 1 / x, lambda x: -1 / x**2), [1e-8, 1e8, -1e-3]),
    Case("exp from -700 to 300", *each(np.exp, np.exp), [-700.0, -30.0, 0.0, 300.0]),
    Case("expm1 and log1p at 1e-12", *each(lambda x: np.expm1(x) + np.log1p(x), lambda x: np.exp(x) + 1 / (1 + x)),
         [1e-12, 0.1]),
    Case("x¹⁰", *each(lambda x: x**10, lambda x: 10 * x**9), [0.01, 1.0, 30.0]),
    Case("tan near π/2", *each(np.tan, lambda x: 1 / np.cos(x) ** 2), [1.5707, 1.0]),
    Case("arctan at 1000", *each(np.arctan, lambda x: 1 / (1 + x * x)), [1e3, 0.0, 1.0]),
    Case("tanh at 15", *each(np.tanh, lambda x: 1 / np.cosh(x) ** 2), [15.0, 0.5]),
    Case("sigmoid at ±30", *each(sigmoid, lambda x: sigmoid(x) * sigmoid(-x)), [-30.0, 0.0, 8.0]),
    Case("softplus at -700", *each(lambda x: np.logaddexp(0, x), sigmoid), [-700.0, 0.0, 50.0]),
    Case("x + 1e6 y, badly scaled", *scalar(lambda x, y: x + 1e6 * y, lambda x, y: (1.0, 1e6)), 1.0, 1.0),
    Case("Σx² of all sizes", *scalar(lambda x: (x * x).sum(), lambda x: 2 * x), [1e-3, 1.0, 1e3]),
    Case("Rosenbrock", *scalar(
        lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
        lambda x: np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])),
         [-1.2, 1.0]),
    Case("Rosenbrock at its minimum", *scalar(
        lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
        lambda x: np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])), [1.0, 1.0],
        wrong={"1e-3 instead of 0": lambda g, x: g * np.array([1e-3, 0.0])}),
    # ---- kinks and pieces
    Case("relu at 0", *each(lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0)), [0.0, 1.0], right="kink",
         faults=False, wrong=RIGHT_BRANCH),
    Case("relu beside 0", *each(lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0)), [1e-9, -1e-9, 1.0, -2.0],
         wrong={"the other branch": lambda g, x: g * (x < 0)}),
    Case("|x| at 0", *each(np.abs, np.sign), [0.0, -1.0], right="kink", faults=False, wrong=RIGHT_BRANCH),
    Case("|x| at 1e-7", *each(np.abs, np.sign), [1e-7, -1e-7]),
    Case("|x| at 0, wrong side", *each(np.abs, lambda x: np.where(x == 0, 1.0, np.sign(x))), [0.0], right="kink",
         faults=False, wrong={"1.001": lambda g, x: 1.001 * g}),
    Case("leaky relu at 0", *each(lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01)),
         [0.0, 2.0],
         right="kink", faults=False, wrong={"0": lambda g, x: g * (x > 0)}),
    Case("clamp at its end", *each(lambda x: np.clip(x, -1, 1), lambda x: 1.0 * (np.abs(x) <= 1)), [1.0, -1.0, 0.3],
         right="kink", faults=False, wrong=RIGHT_BRANCH),
    Case("clamp inside and outside", *each(lambda x: np.clip(x, -1, 1), lambda x: 1.0 * (np.abs(x) <= 1)),
         [0.3, 3.0, -0.9999]),
    Case("clamp 1e-5 beside its end", *each(lambda x: np.clip(x, 0, 1), lambda x: 1.0 * (x <= 1)), [1 + 1e-5, 1 - 1e-5],
         wrong={"1": lambda g, x: g, "0": lambda g, x: 0 * g}),
    Case("max with ties", lambda x: x.max(), top_vjp([0.5, 0.5]), [1.0, 3.0, 3.0], right="kink", faults=False,
         wrong={"to all": lambda g, x: g * np.ones(3), "to the least": lambda g, x: g * (x == x.min()),
                "twice": lambda g, x: g * np.array([0, 2.0, 0])}),
    Case("max with a tie, all to one", lambda x: x.max(), top_vjp([1.0, 0.0]), [1.0, 3.0, 3.0], right="kink",
         faults=False, wrong={"minus": lambda g, x: -g * (x == x.max())}),
    Case("maximum(x, 2x) at 0", *each(lambda x: np.maximum(x, 2 * x), lambda x: np.where(x < 0, 1.0, 2.0)),
         [0.0, 1.0, -1.0],
         right="kink", faults=False, wrong={"0": lambda g, x: 0 * g, "3 at 0": lambda g,
         x: g * np.where(x > 0, 2, np.where(x < 0, 1, 3))}),
    Case("Huber at its seam", *each(huber, lambda x: np.clip(x, -1, 1)), [1.0, -1.0, 0.5, 3.0]),
    Case("Huber beside its seam", *each(huber, lambda x: np.clip(x, -1, 1)), [1 + 1e-9, -1 + 1e-7]),
    Case("x|x| at 0", *each(lambda x: x * np.abs(x), lambda x: 2 * np.abs(x)), [0.0, 1.0, -2.0],
         wrong={"1e-3 at 0": lambda g, x: g * np.where(x == 0, 1e-3, 2 * np.abs(x))}),
    Case("|x|^1.5 at 0", *each(lambda x: np.abs(x) ** 1.5, lambda x: 1.5 * np.sign(x) * np.sqrt(np.abs(x))), [0.0, 1.0],
         wrong={"1 at 0": lambda g, x: g * np.where(x == 0, 1, 1.5)}),
    Case("|x|³ at 0", *each(lambda x: np.abs(x) ** 3, lambda x: 3 * x * np.abs(x)), [0.0, 2.0]),
    Case("sqrt at 0", *each(np.sqrt, lambda x: 0.5 / np.sqrt(x)), [0.0, 1.0], right="inconclusive", faults=False,
         why="the slope is infinite"),
    Case("cbrt at 0", *each(np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2)), [0.0], right="inconclusive", faults=False,
         why="the slope is infinite"),
    Case("x^1.5 at the edge 0", *each(lambda x: x**1.5, lambda x: 1.5 * np.sqrt(x)), [0.0, 1.0], right="inconclusive",
         why="differences converge as slowly as √h"),
    Case("relu(x)^1.2 at 0", *each(lambda x: np.maximum(x, 0) ** 1.2, lambda x: 1.2 * np.maximum(x, 0) ** 0.2),
         [0.0, 1.0], right="inconclusive", why="differences converge as slowly as h^0.2"),
    Case("x² sin(1/x) at 0", *each(lambda x: x * x * np.sin(1 / np.where(x == 0, 1, x)), lambda x: 0 * x), [0.0],
         right="inconclusive", why="the derivative exists, but differences oscillate towards it",
         wrong={"1": lambda g, x: g}),
    Case("x log x beside 0", *each(lambda x: x * np.log(x), lambda x: np.log(x) + 1), [1e-6, 1.0, 0.3]),
    Case("arccos at 0.999999", *each(np.arccos, lambda x: -1 / np.sqrt(1 - x * x)), [0.999999, -0.5]),
    Case("elu at 0", *each(elu, lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0)))), [0.0, -3.0, 2.0]),
    Case("selu at 0", *each(lambda x: 1.05 * elu(x) * np.where(x > 0, 1, 1.67),
         lambda x: np.where(x > 0, 1.05, 1.7535 * np.exp(x))),
         [0.0, -1.0], right="kink", faults=False, wrong={"alpha forgotten": lambda g, x: g * np.exp(np.minimum(x, 0))}),
    Case("hinge at its corner", *each(lambda x: np.maximum(0, 1 - x), lambda x: -1.0 * (x < 1)), [1.0, 0.0, 2.0],
         right="kink",
         faults=False, wrong={"sign": lambda g, x: g * (x <= 1)}),
    Case("pinball loss at 0", *each(lambda x: np.maximum(0.9 * x, -0.1 * x), lambda x: np.where(x > 0, 0.9, -0.1)),
         [0.0, 1.0],
         right="kink", faults=False, wrong={"sides exchanged": lambda g, x: g * np.where(x > 0, -0.1, 0.95)}),
    Case("floor between integers", *each(np.floor, lambda x: 0 * x), [0.5, -1.3], wrong={"1": lambda g, x: g}),
    Case("floor at 0", *each(np.floor, lambda x: 0 * x), [0.0], right="inconclusive", why="a jump", hard=("1", "NaN"),
         wrong={"1": lambda g, x: g}),
    Case("x mod 1", *each(lambda x: x % 1.0, lambda x: 1 + 0 * x), [0.3, 2.7]),
    Case("a jump 1e-6 away", *each(lambda x: x + (x > 0.300001), lambda x: 1 + 0 * x), [0.3]),
    Case("a jump 1e-9 away", *each(lambda x: x * x + (x > 0.300000001), lambda x: 2 * x), [0.3]),
    Case("a kink 1e-6 away", *each(lambda x: np.abs(x - 0.300001), lambda x: np.sign(x - 0.300001)), [0.3]),
    Case("a third derivative that jumps", *each(lambda x: np.maximum(x, 0) ** 3 + x,
         lambda x: 3 * np.maximum(x, 0) ** 2 + 1), [0.0, 1.0]),
    Case("norm at 0", lambda x: np.linalg.norm(x), lambda g, x: g * norm_slope(x), [0.0, 0.0, 0.0], right="kink",
         faults=False, wrong={"NaN": lambda g, x: g * x / np.linalg.norm(x), "2": lambda g, x: g * (x + 2)}),
    Case("norm at 1e-8", lambda x: np.linalg.norm(x), lambda g, x: g * norm_slope(x), [1e-8, 2e-8, -3e-8]),
    Case("norm at 1e-200", lambda x: np.hypot(x[0], x[1]), lambda g, x: g * x / np.hypot(x[0], x[1]), [3e-200, 4e-200]),
    # ---- oscillation
    Case("sin(1e4 x)", *each(lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x)), [1.0, 2.5]),
    Case("sin(1e7 x)", *each(lambda x: np.sin(1e7 * x), lambda x: 1e7 * np.cos(1e7 * x)), [1.0]),
    Case("x + 1e-3 sin(1e5 x)", *each(lambda x: x + 1e-3 * np.sin(1e5 * x), lambda x: 1 + 100 * np.cos(1e5 * x)),
         [1.0, 0.3],
         wrong={"the slow part": lambda g, x: g}),
    Case("x + 1e-8 sin(3e9 x)", *each(lambda x: x + 1e-8 * np.sin(3e9 * x), lambda x: 1 + 30 * np.cos(3e9 * x)), [0.7],
         right="inconclusive", why="the oscillation looks like noise", faults=False, hard=("the slow part",),
         wrong={"the slow part": lambda g, x: g}),
    Case("sin(x²) at 100", *each(lambda x: np.sin(x * x), lambda x: 2 * x * np.cos(x * x)), [100.0, 1.0]),
    Case("sin(1/x) at 0.001", *each(lambda x: np.sin(1 / x), lambda x: -np.cos(1 / x) / x**2), [0.001, 0.1]),
    Case("Σ cos(3ᵏ x) / 2ᵏ", *each(weierstrass, weierstrass_slope), [0.3, 1.0]),
    Case("sin at 1e9", *each(np.sin, np.cos), [1e9, 1e5, 1e-12]),
    # ---- noise
    Case("sin in float32 inside float64", *each(lambda x: np.sin(x.astype(np.float32)).astype(float), np.cos),
         [0.7, 2.0],
         right="inconclusive", hard=("factor", "one element"), why="float32 leaves three digits"),
    Case("x² + noise of 1e-8", *each(lambda x: x * x + hashed(x), lambda x: 2 * x), [1.3]),
    Case("sqrt by Newton, to 1e-6", *each(lambda x: newton(x, 1e-6), lambda x: 0.5 / np.sqrt(x)), [2.0]),
    Case("sqrt by Newton, to 1e-14", *each(lambda x: newton(x, 1e-14), lambda x: 0.5 / np.sqrt(x)), [2.0]),
    Case("cube root by bisection", *each(bisected, lambda x: 1 / (3 * np.cbrt(x) ** 2)), [2.0, 5.0],
         right="inconclusive",
         hard=("factor", "one element"), why="steps of 1e-8"),
    Case("x² to 6 decimals", *each(lambda x: quantized(x * x), lambda x: 2 * x), [1.3], right="inconclusive",
         hard=("factor",),
         why="steps of 1e-6: between them the slope is 0"),
    # ---- ill-conditioned
    Case("(1 - cos x) / x² at 1e-3", *each(lambda x: (1 - np.cos(x)) / x**2,
         lambda x: (x * np.sin(x) - 4 * np.sin(x / 2) ** 2) / x**3),
         [1e-3, 1.0], right="inconclusive", why="cancellation in the function and its gradient"),
    Case("(x + 1e6)² - x²", *each(lambda x: (x + 1e6) ** 2 - x * x, lambda x: 2e6 + 0 * x), [1.0, 2.0]),
    Case("(x - 1)⁷ expanded", *each(
        lambda x: x**7 - 7 * x**6 + 21 * x**5 - 35 * x**4 + 35 * x**3 - 21 * x**2 + 7 * x - 1,
         lambda x: 7 * (x - 1) ** 6), [1.3, 2.0]),
    Case("variance as E x² - (E x)²", *scalar(lambda x: (x * x).mean() - x.mean() ** 2,
         lambda x: 2 * (x - x.mean()) / x.size),
         [1e4, 1e4 + 1, 1e4 + 3]),
    Case("solve with a Hilbert matrix", lambda b: np.linalg.solve(hilbert(6), b), lambda g,
         b: np.linalg.solve(hilbert(6).T, g),
         randn(6)),
    Case("log det of a Hilbert matrix", *scalar(lambda a: np.linalg.slogdet(a)[1], lambda a: np.linalg.inv(a).T),
         hilbert(5)),
    Case("log(1 + x) at 1e-8", *each(lambda x: np.log(1 + x), lambda x: 1 / (1 + x)), [1e-8, 1.0]),
    # ---- float32 and float16
    Case("sin in float32", *each(np.sin, np.cos), f32(0.3, 2.0, -1.0)),
    Case("sin in float16", *each(np.sin, np.cos), f16(0.3, 2.0, -1.0)),
    Case("x² in float32 at 1e9", *each(lambda x: x * x, lambda x: 2 * x), f32(1e9, 3.0)),
    Case("x² in float16 at 100", *each(lambda x: x * x, lambda x: 2 * x), f16(100, 0.01)),
    Case("exp in float32 at 80 and -80", *each(np.exp, np.exp), f32(80, -80, 0)),
    Case("log in float32 at 1e-30", *each(np.log, lambda x: 1 / x), f32(1e-30, 1e30, 1)),
    Case("mean of 1000 in float16", *scalar(lambda x: x.mean(dtype=np.float32).astype(x.dtype),
         lambda x: np.full(1000, 1e-3)),
         np.linspace(1, 2, 1000).astype(np.float16), right="inconclusive",
         hard=("factor", "one element"), why="the mean is computed in float32"),
    Case("matmul in float32", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g), f32(*randn(3, 4)),
         f32(*randn(4, 2))),
    Case("softmax in float32", softmax, lambda g, x: softmax(x) * (g - (g * softmax(x)).sum(-1, keepdims=True)),
         f32(*randn(2, 5))),
    Case("relu in float32 at 0", *each(lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0)), f32(0, 1), right="kink",
         faults=False, wrong=RIGHT_BRANCH),
    Case("Σx² in float32, of 5000", *scalar(lambda x: (x * x).sum(), lambda x: 2 * x),
         randn(5000).astype(np.float32)),
    # ---- reductions, indexing, broadcasting
    Case("a row added to a matrix", lambda a, b: a * np.exp(b), lambda g, a,
         b: (g * np.exp(b), (g * a * np.exp(b)).sum(0)),
         randn(3, 4), randn(4), wrong={"sum forgotten": lambda g, a, b: (g * np.exp(b), (g * a * np.exp(b))[0]),
                                       "mean for sum": lambda g, a, b: (g * np.exp(b), (g * a * np.exp(b)).mean(0))}),
    Case("mean", *scalar(np.mean, lambda x: np.full(x.shape, 1 / x.size)), randn(3, 4),
         wrong={"not divided": lambda g, x: g * np.ones(x.shape)}),
    Case("product with a zero", *scalar(np.prod, lambda x: np.array([np.prod(np.delete(x, i)) for i in range(x.size)])),
         [2.0, 0.0, -3.0, 0.5], wrong={"divided": lambda g, x: g * np.prod(x) / x}),
    Case("cumulative product with zeros", np.cumprod, cumprod_vjp, [2.0, 0.0, -3.0, 0.0, 0.5],
         wrong={"divided": cumprod_divided}),
    Case("cumulative sum", np.cumsum, lambda g, x: np.cumsum(g[::-1])[::-1], randn(6),
         wrong={"forwards": lambda g, x: np.cumsum(g)}),
    Case("sort", np.sort, sorted_vjp, [3.0, -1.0, 2.0, 0.5],
         wrong={"unsorted": lambda g, x: g, "inverse order": lambda g, x: g[np.argsort(x)]}),
    Case("gather with repeats", lambda x: x[[0, 2, 2]], lambda g, x: np.bincount([0, 2, 2], g, 4), randn(4),
         wrong={"= for +=": lambda g, x: np.array([g[0], 0, g[2], 0])}),
    Case("where, log untaken", *each(lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1)), x),
         lambda x: np.where(x > 0, 1 / x, 1)),
         [2.0, -1.0, 0.5], wrong={"0 · NaN": lambda g, x: g * (x > 0) / x + g * (x <= 0) * np.sqrt(x)}),
    Case("padding by reflection", lambda x: np.pad(x, 2, "reflect"),
         lambda g, x: np.bincount([2, 1, 0, 1, 2, 3, 4, 3, 2], g, 5), randn(5), wrong={"zeros": lambda g, x: g[2:-2]}),
    Case("variance", *scalar(np.var, lambda x: 2 * (x - x.mean()) / x.size), randn(7),
         wrong={"n - 1": lambda g, x: g * 2 * (x - x.mean()) / (x.size - 1)}),
    Case("standard deviation at equal numbers", *scalar(np.std, lambda x: 0 * x), [2.0, 2.0, 2.0], right="kink",
         faults=False, wrong={"NaN": lambda g, x: g * x * np.nan, "1": lambda g, x: g + 0 * x}),
    Case("logsumexp at 1000", logsumexp, lambda g, x: g[..., None] * softmax(x),
         [[1000.0, 999.0, -1000.0], [-1e3, -1e3, -1e3]]),
    Case("einsum ij,jk,kl", lambda a, b, c: np.einsum("ij,jk,kl", a, b, c),
         lambda g, a, b, c: (g @ (b @ c).T, a.T @ g @ c.T, (a @ b).T @ g), randn(2, 2), randn(2, 2), randn(2, 2)),
    Case("outer product", np.outer, lambda g, a, b: (g @ b, a @ g), randn(3), randn(3)),
    Case("no elements", *scalar(lambda x, y: (x.sum() + y) ** 2, lambda x,
         y: (2 * (x.sum() + y) + 0 * x, 2 * (x.sum() + y))),
         np.zeros((0, 3)), 1.5),
    Case("five inputs", *scalar(
        lambda a, b, c, d, e: a * (b.sum() + (c**2).sum()) + d.mean() * np.exp(e),
        lambda a, b, c, d, e: (b.sum() + (c**2).sum(), a + 0 * b, 2 * a * c, np.exp(e) / d.size + 0 * d,
         d.mean() * np.exp(e))),
        0.7, randn(3), randn(2, 2), randn(1, 4), -0.2),
    Case("2000 elements", *scalar(lambda x: (x**3).sum(), lambda x: 3 * x * x), BIG),
    Case("2000 elements, into 40", lambda x: np.tanh(x).sum(1), lambda g, x: g[:, None] / np.cosh(x) ** 2, BIG),
    # ---- matrices
    Case("inverse", np.linalg.inv, inverse_vjp, A3, wrong={"not transposed": lambda g,
         a: -np.linalg.inv(a) @ g @ np.linalg.inv(a)}),
    Case("determinant", *scalar(np.linalg.det, lambda a: np.linalg.det(a) * np.linalg.inv(a).T), A3),
    Case("determinant of a singular matrix", *scalar(np.linalg.det, lambda a: np.array([[4.0, -3.0], [-2.0, 1.5]])),
         [[1.5, 2.0], [3.0, 4.0]],
         wrong={"0": lambda g, a: 0 * a}),
    Case("log det", *scalar(lambda a: np.linalg.slogdet(a)[1], lambda a: np.linalg.inv(a).T), A3),
    Case("solve", np.linalg.solve, solve_vjp, A3, randn(3),
         wrong={"not transposed": lambda g, a, b: (-np.outer(np.linalg.solve(a, g), np.linalg.solve(a, b)),
         np.linalg.solve(a, g))}),
    Case("cholesky", lambda a: np.linalg.cholesky(sym(a)), cholesky_vjp, POSITIVE),
    Case("eigenvalues of a symmetric matrix", lambda a: np.linalg.eigvalsh(sym(a)), eigenvalues_vjp, POSITIVE),
    Case("largest eigenvalue, repeated", *scalar(lambda a: np.linalg.eigvalsh(sym(a))[-1],
         lambda a: np.diag([0.5, 0.5])), np.eye(2),
         right="kink", faults=False, wrong={"2": lambda g, a: 2 * g * np.eye(2)}),
    Case("singular values", lambda a: np.linalg.svd(a, compute_uv=False), singular_values_vjp, randn(3, 4)),
    Case("nuclear norm", *scalar(lambda a: np.linalg.norm(a, "nuc"), lambda a: singular_values_vjp(np.ones(3), a)),
         randn(3, 4)),
    Case("trace A³", *scalar(lambda a: np.trace(a @ a @ a), lambda a: 3 * (a @ a).T), A3,
         wrong={"not transposed": lambda g, a: 3 * g * a @ a}),
    Case("xᵀAx", *scalar(lambda x, a: x @ a @ x, lambda x, a: ((a + a.T) @ x, np.outer(x, x))), randn(3), randn(3, 3),
         wrong={"2Ax": lambda g, x, a: (2 * g * a @ x, g * np.outer(x, x))}),
    # ---- losses and layers
    Case("cross-entropy", *scalar(cross_entropy, cross_entropy_slope), randn(3, 4),
         wrong={"not minus 1": lambda g, x: g * softmax(x)}),
    Case("cross-entropy, saturated", *scalar(cross_entropy, cross_entropy_slope),
         [[60.0, -60, 0], [0, -50, 5], [-40, 40, 0]],
         faults=False, wrong={"not minus 1": lambda g, x: g * softmax(x), "1 + 1e-6": lambda g,
         x: (1 + 1e-6) * g * cross_entropy_slope(x),
                              "0": lambda g, x: 0 * x, "NaN": lambda g, x: g * np.log(softmax(x)) * 0 + np.nan}),
    Case("softmax", softmax, lambda g, x: softmax(x) * (g - (g * softmax(x)).sum(-1, keepdims=True)), randn(2, 4),
         wrong={"elementwise": lambda g, x: g * softmax(x) * (1 - softmax(x))}),
    Case("log sigmoid at -800", *each(lambda x: -np.logaddexp(0, -x), lambda x: sigmoid(-x)), [-800.0, 0.0, 3.0]),
    Case("squared error", *scalar(lambda x: ((x - 1) ** 2).mean(), lambda x: 2 * (x - 1) / x.size), randn(4, 2),
         wrong={"2 forgotten": lambda g, x: g * (x - 1) / x.size}),
    Case("layer_norm", layer_norm, layer_norm_vjp, randn(2, 5),
         wrong={"mean and variance constant": lambda g, x: g / np.sqrt(x.var(-1, keepdims=True) + 1e-5)}),
    Case("convolution", convolve, convolve_vjp, randn(7), randn(3),
         wrong={"w not flipped": lambda g, x, w: (np.convolve(g, w), convolve_vjp(g, x, w)[1])}),
    Case("attention", attention, attention_vjp, randn(3, 4), randn(3, 4), randn(3, 4),
         wrong={"root forgotten": lambda g, q, k, v: [d * s for d, s in zip(attention_vjp(g, q, k, v), (2, 2, 1))]}),
    Case("Poisson loss", *scalar(lambda x: (np.exp(x) - 3 * x).sum(), lambda x: np.exp(x) - 3), [0.3, np.log(3), -5.0]),
    Case("sinc through its limit", *each(np.sinc, lambda x: np.where(x == 0, 0,
         (np.cos(np.pi * x) - np.sinc(x)) / np.where(x == 0, 1, x))),
         [0.5, 2.0], wrong={"cos": lambda g, x: g * np.cos(np.pi * x)}),
    Case("exp(-1/x²)", *each(lambda x: np.exp(-1 / (x * x)), lambda x: 2 * np.exp(-1 / (x * x)) / x**3),
         [0.3, 1.0, 0.05]),
    # ---- what runs in complex numbers, rightly or not
    Case("exp(sin x) / (1 + x²)", *each(lambda x: np.exp(np.sin(x)) / (1 + x * x),
         lambda x: np.exp(np.sin(x)) * (np.cos(x) * (1 + x * x) - 2 * x) / (1 + x * x) ** 2), [0.3, -2.0, 10.0]),
    Case("√(x²)", *each(lambda x: np.sqrt(x * x), np.sign), [2.0, -3.0, 1e-5], wrong={"1": lambda g, x: g}),
    Case("x conj(x)", *each(lambda x: x * np.conj(x), lambda x: 2 * x), [2.0, 1e5], wrong={"0": lambda g, x: 0 * g}),
    Case("x + Re x", *each(lambda x: x + x.real, lambda x: 2 + 0 * x), [2.0, 1e5], wrong={"1": lambda g, x: g}),
    Case("|x| of complex numbers", *each(lambda x: np.abs(x) + 0 * x, np.sign), [2.0, -1e5],
         wrong={"0": lambda g, x: 0 * g}),
    Case("tiny beside huge", *scalar(lambda x, y: 1e8 * x + 1e-8 * y, lambda x, y: (1e8, 1e-8)), 1.0, 1.0,
         wrong={"y: 0": lambda g, x, y: (1e8 * g, 0 * g), "y: twice": lambda g, x, y: (1e8 * g, 2e-8 * g)}),
]  # fmt: skip


def sharing(T, x):
    return (3 * x) * x.exp()


def cut(T, x):
    """x² whose second factor was taken out of the graph."""
    return (x * x.detach()).sum()


def half_cut(T, x):
    return T.tanh(x) * T.exp(x).detach()


def no_second(T, x):
    """Right once, wrong twice: exp(x) whose slope is a constant."""
    return x.exp().detach() * (x - x.detach()) + x.exp().detach()


def network(T, x, w, b, v):
    return T.nn.functional.cross_entropy(T.tanh(x @ w.T + b) @ v.T, T.tensor([1, 0, 2, 1]))


NATIVE = {  # name: (fn(T, *tensors), inputs, order, verdict)
    "3x exp x, a shared input": (sharing, [randn(3)], 2, "ok"),
    "x · 3x, summed": (lambda T, x: (x * (3 * x)).sum(), [randn(3)], 2, "ok"),
    "x · detached x": (cut, [randn(3)], 1, "wrong"),
    "tanh x · detached exp x": (half_cut, [randn(3)], 1, "wrong"),
    "exp with a constant slope, twice": (no_second, [randn(3)], 2, "wrong"),
    "a network of 30 parameters": (network, [randn(4, 2), randn(5, 2), randn(5), randn(3, 5)], 2, "ok"),
    "softmax of a matrix": (lambda T, x: T.softmax(x, 1), [randn(3, 4)], 2, "ok"),
    "log_softmax, saturated": (lambda T, x: T.log_softmax(x, 0), [np.array([80.0, -80.0, 0.0])], 1, "ok"),
    "logsumexp at 1000": (lambda T, x: T.logsumexp(x, 0), [np.array([1000.0, 999.0, 998.0])], 2, "ok"),
    "conv2d": (lambda T, x, w: T.nn.functional.conv2d(x, w, padding=1), [randn(1, 2, 4, 4), randn(2, 2, 3, 3)], 2,
         "ok"),
    "layer_norm": (lambda T, x, w: T.nn.functional.layer_norm(x, (5,), w), [randn(2, 5), randn(5)], 2, "ok"),
    "gelu, silu, mish": (lambda T, x: T.nn.functional.gelu(x) + T.nn.functional.silu(x) * T.nn.functional.mish(x),
         [randn(4)], 2, "ok"),
    "max pooling": (lambda T, x: T.nn.functional.max_pool2d(x, 2), [randn(1, 1, 4, 4)], 2, "ok"),
    "relu at 0": (lambda T, x: T.relu(x), [np.array([0.0, 1.0])], 1, "kink"),
    "amax with ties": (lambda T, x: T.amax(x, 0), [np.array([1.0, 3.0, 3.0])], 1, "kink"),
    "norm at 0": (lambda T, x: T.linalg.norm(x), [np.zeros(3)], 1, "kink"),
    "1/x at 1e-8": (lambda T, x: 1 / x, [np.array([1e-8, 1e8])], 2, "ok"),
    "√ x² at 1e-5": (lambda T, x: T.sqrt(x * x), [np.array([1e-5, -2.0])], 2, "ok"),
    "inverse": (lambda T, a: T.linalg.inv(a), [A3], 2, "ok"),
    "log det": (lambda T, a: T.linalg.slogdet(a)[1], [A3], 2, "ok"),
    "cholesky": (lambda T, a: T.linalg.cholesky(a @ a.T + T.eye(3, dtype=a.dtype)), [A3], 2, "ok"),
    "eigenvalues": (lambda T, a: T.linalg.eigvalsh(a + a.T), [A3], 2, "ok"),
    "solve": (lambda T, a, b: T.linalg.solve(a, b), [A3, randn(3)], 2, "ok"),
    "cumprod with zeros": (lambda T, x: T.cumprod(x, 0), [np.array([2.0, 0.0, -3.0, 0.0, 0.5])], 1, "ok"),
    "where, NaN from the untaken branch": (lambda T, x: T.where(x > 0, T.sqrt(x), x), [np.array([2.0, -1.0])], 1,
         "wrong"),
    "log(x)², float32": (lambda T, x: T.log(x) ** 2, [f32(0.5, 3, 1e-3)], 2, "ok"),
}  # fmt: skip


if __name__ == "__main__":
    from gradient_cases import print_table

    print_table(CASES, NATIVE)
