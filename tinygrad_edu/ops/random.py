"""Random numbers: new tensors of them, and draws with the probabilities that a tensor holds.

The same seed gives the numbers that PyTorch draws on a CPU. What users call here checks its arguments, lets `draw` call
an operation of `random_kernels.py`, and wraps the result. A draw has no gradient. What overwrites a tensor with draws
is in `random_inplace.py`, dropout in `random_dropout.py`.
"""

import warnings

import numpy as np

from ..creation import floating_dtype, new_tensor_of, size_of
from ..define import composite
from ..devices import check_device
from ..dtypes import as_dtype, int64
from ..tensor import Tensor, of_array
from .random_dropout import alpha_dropout, dropout, feature_alpha_dropout, feature_dropout
from .random_kernels import (
    WIDE, draw, draw_bernoulli, draw_integers, draw_multinomial, draw_normal, draw_permutation, draw_uniform,
    in_layout_of, memory_order,
)  # fmt: skip

__all__ = [
    "alpha_dropout", "bernoulli", "dropout", "feature_alpha_dropout", "feature_dropout", "multinomial", "normal",
    "rand", "randint", "randn", "randperm",
]  # fmt: skip


# ---- checks


def check_floating(dtype, what):
    if dtype.kind != "f":
        raise TypeError(f"{what} draws floating-point numbers, which {dtype} cannot hold; use randint for integers")
    return dtype


def largest_integer(dtype):
    """The largest integer up to which `dtype` holds all integers."""
    return 1 if dtype.kind == "b" else 1 << np.finfo(dtype).nmant + 1 if dtype.kind == "f" else int(np.iinfo(dtype).max)


def check_range(low, high, dtype, what):
    if low >= high:
        raise RuntimeError(f"{what}: there is no integer from low = {low} up to but without high = {high}")
    largest = largest_integer(dtype)
    least = {"f": -largest, "i": -largest - 1}.get(dtype.kind, 0)
    if not least <= low <= high - 1 <= largest:
        given = f"{what}: {dtype} does not hold all integers from {low} up to {high - 1}"
        told = f"{given}, only those from {least} to {largest}"
        if dtype.kind != "f":
            raise RuntimeError(told)
        warnings.warn(told, UserWarning, stacklevel=3)


def check_std(std, what):
    if not np.all(np.asarray(std) >= 0):
        raise RuntimeError(f"{what}: a standard deviation cannot be negative or NaN; the smallest is {np.min(std)}")


def check_probability(p, what):
    if np.size(p) and not (np.min(p) >= 0 and np.max(p) <= 1):
        raise RuntimeError(f"{what}: probabilities lie between 0 and 1, and these between {np.min(p)} and {np.max(p)}")


# ---- new tensors


def rand(*size, generator=None, dtype=None, requires_grad=False, device=None):
    """Uniform random numbers in [0, 1)."""
    check_device(device)
    dtype = check_floating(floating_dtype(dtype), "rand")
    return new_tensor_of(draw(draw_uniform, size_of(size, "rand"), 0, 1, dtype, generator=generator), requires_grad)


def randn(*size, generator=None, dtype=None, requires_grad=False, device=None):
    """Random numbers of the standard normal distribution: mean 0, variance 1."""
    check_device(device)
    dtype = check_floating(floating_dtype(dtype), "randn")
    return new_tensor_of(
        draw(draw_normal, size_of(size, "randn"), 0, 1, dtype, True, generator=generator), requires_grad
    )


def randint(*args, generator=None, dtype=int64, requires_grad=False, device=None, **named):
    """randint(high, size), randint(low, high, size): integers from low (0) up to but without high, all equally
    likely."""
    names = ("low", "high", "size") if len(args) + len(named) > 2 else ("high", "size")
    given = {**dict(zip(names, args)), **named}
    if len(args) > 3 or len(given) < len(args) + len(named) or set(given) - {"low"} != {"high", "size"}:
        raise TypeError("randint takes (high, size) or (low, high, size), for example randint(0, 10, (2, 3))")
    low, high, dtype = int(given.get("low", 0)), int(given["high"]), as_dtype(dtype)
    check_device(device)
    check_range(low, high, dtype, "randint")
    size, wide = size_of((given["size"],), "randint"), high - low >= WIDE
    return new_tensor_of(draw(draw_integers, size, low, high, dtype, wide, generator=generator), requires_grad)


def randperm(n, generator=None, dtype=int64, requires_grad=False, device=None):
    """The integers from 0 to n − 1 in random order."""
    check_device(device)
    n, dtype = int(n), as_dtype(dtype)
    if n < 0:
        raise RuntimeError(f"randperm: the number of integers cannot be negative, and is {n}")
    if n - 1 > largest_integer(dtype):
        raise RuntimeError(
            f"randperm: {dtype} does not hold all integers up to {n - 1}, only up to {largest_integer(dtype)}"
        )
    return new_tensor_of(draw(draw_permutation, n, dtype, generator=generator), requires_grad)


# ---- in the size of another tensor


@composite(method=False)
def rand_like(x, dtype=None, requires_grad=False, device=None, generator=None):
    """Uniform random numbers in [0, 1), in the size and (unless given) dtype of x."""
    check_device(device)
    dtype = check_floating(as_dtype(dtype or x.dtype), "rand_like")
    array = in_layout_of(x.array, lambda size: draw(draw_uniform, size, 0, 1, dtype, generator=generator))
    return new_tensor_of(array, requires_grad)


@composite(method=False)
def randn_like(x, dtype=None, requires_grad=False, device=None, generator=None):
    """Random numbers of the standard normal distribution, in the size and (unless given) dtype of x."""
    check_device(device)
    dtype, blocks = check_floating(as_dtype(dtype or x.dtype), "randn_like"), memory_order(x.array) is None
    array = in_layout_of(x.array, lambda size: draw(draw_normal, size, 0, 1, dtype, blocks, generator=generator))
    return new_tensor_of(array, requires_grad)


@composite(method=False)
def randint_like(x, low, high=None, dtype=None, requires_grad=False, device=None, generator=None):
    """randint_like(x, high), randint_like(x, low, high): as randint, in the size and (unless given) dtype of x."""
    check_device(device)
    low, high = (0, int(low)) if high is None else (int(low), int(high))
    dtype, wide = as_dtype(dtype or x.dtype), high - low >= WIDE
    check_range(low, high, dtype, "randint_like")
    array = in_layout_of(x.array, lambda size: draw(draw_integers, size, low, high, dtype, wide, generator=generator))
    return new_tensor_of(array, requires_grad)


# ---- with the parameters that tensors hold


def normal(mean, std=1.0, size=None, generator=None, dtype=None, requires_grad=False, device=None):
    """Random numbers of normal distributions.

    mean, std  numbers together with a `size`; or tensors, which broadcast, of the mean and standard deviation of each
    number
    """
    check_device(device)
    tensors = [x for x in (mean, std) if isinstance(x, Tensor)]
    if not tensors and size is None:
        raise TypeError("normal: with numbers for mean and std give a size, as in normal(0.0, 1.0, (2, 3))")
    if tensors and size is not None:
        raise TypeError("normal: a size can be given only with numbers for mean and std; tensors have their own")
    mean, std = (x.array if isinstance(x, Tensor) else x for x in (mean, std))
    check_std(std, "normal")
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std)) if size is None else size_of((size,), "normal")
    dtype = check_floating((tensors[0].dtype if tensors else floating_dtype(dtype)), "normal")
    return new_tensor_of(draw(draw_normal, shape, mean, std, dtype, True, generator=generator), requires_grad)


@composite
def bernoulli(x, p=None, *, generator=None):
    """1 with the probability that the element of x says (with p: with probability p), else 0; in the shape and dtype
    of x."""
    probability = x.array if p is None else np.asarray(p, np.float64)
    check_probability(probability, "bernoulli")
    dtype = check_floating(x.dtype, "bernoulli") if p is None else x.dtype
    return of_array(draw(draw_bernoulli, probability, x.array.shape, dtype, generator=generator), None)


@composite
def multinomial(x, num_samples, replacement=False, *, generator=None):
    """`num_samples` positions of each row of x, drawn with probabilities proportional to its values. int64.

    x            weights, (n,) or (rows, n): not negative, finite, not all 0 in a row; they need not sum to 1
    replacement  whether a position can be drawn more than once
    """
    weights = x.array
    if weights.ndim not in (1, 2) or weights.dtype.kind != "f":
        raise RuntimeError(f"multinomial: weights are a float (n,) or (rows, n), not {weights.dtype} {weights.shape}")
    if num_samples <= 0:
        raise RuntimeError(f"multinomial: num_samples must be positive, not {num_samples}")
    if not np.isfinite(weights).all() or weights.size and weights.min() < 0:
        raise RuntimeError("multinomial: weights must be finite and not negative; here are some that are not")
    available = np.count_nonzero(weights, axis=-1)
    if weights.size == 0 or np.min(available) == 0:
        raise RuntimeError("multinomial: the weights of a row are all 0, so that nothing can be drawn from it")
    if not replacement and num_samples > np.min(available):
        raise RuntimeError(
            f"multinomial: cannot draw {num_samples} different positions where only {np.min(available)} weights are "
            "not 0; pass replacement=True to draw positions more than once"
        )
    return of_array(draw(draw_multinomial, weights, int(num_samples), bool(replacement), generator=generator), None)
