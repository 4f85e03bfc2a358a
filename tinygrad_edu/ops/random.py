"""Random numbers, and dropout.

Every number is drawn by an operation of the table that is marked `random`: `draw_uniform`, `draw_normal`,
`draw_integers`, `draw_permutation`, `draw_exponential`, `draw_bernoulli`, `draw_multinomial`, `dropout_mask`. All are
called through one function, `draw`, so that whoever wants to see all draws of a program has one place to look. What
users call (`rand`, `normal_`, ...) checks its arguments, calls `draw` and wraps the result. A draw has no gradient.

The same seed gives the same numbers on every platform: they come from one PCG64 stream per generator, in the order of
the calls, and never depend on the number of threads.
"""

import numpy as np

from ..creation import floating_dtype, new_tensor_of, size_of
from ..define import case, composite, op
from ..devices import check_device
from ..dtypes import as_dtype, int64
from ..generator import Generator, present_default
from ..modes import state
from ..tensor import Tensor, of_array
from .inplace import assign, copy_into

__all__ = ["bernoulli", "multinomial", "normal", "rand", "randint", "randn", "randperm"]


def draw(operation, *arguments, generator=None):
    """The array that the random `operation` of the table draws from `generator` (by default the default one)."""
    if generator is None:
        generator = present_default()
    elif not isinstance(generator, Generator):
        raise TypeError(f"generator must be a tinygrad_edu.Generator, not {type(generator).__name__}")
    return state.quiet(operation.op.kernel, *arguments, generator)


# ---- the operations


SIZE, FLOAT32 = (7, 5), np.dtype(np.float32)  # of samples


def _random(*samples, count=0):
    """A random operation on `count` arrays; it has no gradient and is not offered to users under its name."""
    return op(
        *[None] * count, random=True, internal=True, method=False, promotes=False, domain=(0.1, 0.9), samples=samples
    )


@_random(case(size=SIZE, low=0, high=1, dtype=FLOAT32), case(size=SIZE, low=-2.0, high=3.0, dtype=FLOAT32))
def draw_uniform(size, low, high, dtype, generator):
    """Numbers from `low` up to but without `high`, all equally likely: low + (high − low) u with u in [0, 1)."""
    u = unit(size, dtype, generator)
    if (low, high) != (0, 1):
        u *= dtype.type(high - low)
        u += dtype.type(low)
        if high > low:  # rounding must not reach `high`
            np.minimum(u, np.nextafter(dtype.type(high), dtype.type(low)), out=u)
    return u


def unit(size, dtype, generator):
    """u in [0, 1), a multiple of 2⁻⁵³ in float64, 2⁻²⁴ in float32, 2⁻¹¹ in float16: never rounded up to 1."""
    if dtype in (np.float32, np.float64):
        return np.asarray(generator.numpy.random(size, dtype))
    bits = np.finfo(dtype).nmant + 1
    return np.asarray(generator.numpy.integers(0, 1 << bits, size) / (1 << bits)).astype(dtype)


@_random(case(size=SIZE, mean=0, std=1, dtype=FLOAT32), case(size=SIZE, mean=2.0, std=3.0, dtype=FLOAT32))
def draw_normal(size, mean, std, dtype, generator):
    """Numbers of the normal distribution; `mean` and `std` are numbers or arrays that broadcast to `size`."""
    z = generator.numpy.standard_normal(size, dtype if dtype in (np.float32, np.float64) else np.float32)
    z = np.asarray(z).astype(dtype, copy=False)
    if isinstance(std, np.ndarray) or std != 1:
        z *= std
    if isinstance(mean, np.ndarray) or mean != 0:
        z += mean
    return z


@_random(case(size=SIZE, low=-5, high=50, dtype=int64))
def draw_integers(size, low, high, dtype, generator):
    """Integers from `low` up to but without `high`, all equally likely."""
    return np.asarray(generator.numpy.integers(low, high, size)).astype(dtype, copy=False)


@_random(case(n=40, dtype=int64))
def draw_permutation(n, dtype, generator):
    """The integers from 0 to n − 1 in random order."""
    return generator.numpy.permutation(n).astype(dtype, copy=False)


@_random(case(size=SIZE, rate=2.0, dtype=FLOAT32))
def draw_exponential(size, rate, dtype, generator):
    """Numbers x > 0 with density rate · exp(−rate · x): x = −log(1 − u) / rate."""
    x = np.asarray(generator.numpy.standard_exponential(size)) / rate
    return np.maximum(x.astype(dtype), np.finfo(dtype).tiny)


@_random(case(SIZE, size=SIZE, dtype=FLOAT32), count=1)
def draw_bernoulli(p, size, dtype, generator):
    """1 with probability p (an array that broadcasts to `size`), else 0."""
    return np.asarray(generator.numpy.random(size) < p).astype(dtype)


@_random(case((7, 9), num_samples=5, replacement=False), case((9,), num_samples=30, replacement=True), count=1)
def draw_multinomial(weights, num_samples, replacement, generator):
    """Row by row, `num_samples` positions, each drawn with a probability proportional to its weight.

    With replacement: the first position at which the running total of the weights exceeds u · total, u uniform in
    [0, 1). Without: every position waits for an exponential time with its weight as rate, and the first `num_samples`
    to arrive are taken. (Efraimidis & Spirakis 2006, "Weighted random sampling with a reservoir".)
    """
    weights = weights.astype(np.float64)
    if not replacement:
        with_zero = np.where(weights > 0, weights, 1.0)
        arrival = np.where(weights > 0, generator.numpy.standard_exponential(weights.shape) / with_zero, np.inf)
        return np.argsort(arrival, axis=-1, kind="stable")[..., :num_samples]
    u = generator.numpy.random((*weights.shape[:-1], num_samples))
    if weights.ndim == 1:
        return _positions(weights, u)
    return np.array([_positions(*row) for row in zip(weights, u)], np.int64).reshape(u.shape)


def _positions(weights, u):
    running = np.cumsum(weights)
    last = np.flatnonzero(weights)[-1]  # u · total may be rounded up to the total
    return np.minimum(np.searchsorted(running, u * running[-1], side="right"), last)


@_random(case(SIZE, p=0.5), count=1)
def dropout_mask(x, p, generator):
    """In the shape and dtype of x: 0 with probability p, else 1 / (1 − p), so that the expectation is 1.

    An element is kept if a random number of 61 bits lies below 1 − p. Its first 8 bits decide that, except where they
    equal those of 1 − p, in one of 256 cases: only there further bits are drawn. This takes half the time of one
    float32 per element, and is exact where those are rounded to 24 bits.
    """
    keep = (1.0 - p) * 256
    first = int(keep)
    words = generator.numpy.bit_generator.random_raw((x.size + 7) // 8)
    digits = np.asarray(words, "<u8").view(np.uint8)[: x.size].reshape(x.shape)
    kept = digits < first
    if keep != first:
        undecided = np.flatnonzero(digits == first)
        kept.reshape(-1)[undecided] = generator.numpy.random(undecided.size) < keep - first
    return np.multiply(kept, x.dtype.type(1.0 / (1.0 - p)), dtype=x.dtype)


# ---- new tensors


def rand(*size, generator=None, dtype=None, requires_grad=False, device=None):
    """Uniform random numbers in [0, 1)."""
    return _filled(draw_uniform, size, (0, 1), "rand", generator, dtype, requires_grad, device)


def randn(*size, generator=None, dtype=None, requires_grad=False, device=None):
    """Random numbers of the standard normal distribution: mean 0, variance 1."""
    return _filled(draw_normal, size, (0, 1), "randn", generator, dtype, requires_grad, device)


def _filled(operation, size, parameters, what, generator, dtype, requires_grad, device):
    check_device(device)
    dtype = check_floating(floating_dtype(dtype), what)
    return new_tensor_of(draw(operation, size_of(size, what), *parameters, dtype, generator=generator), requires_grad)


def check_floating(dtype, what):
    if dtype.kind != "f":
        raise TypeError(f"{what} draws floating-point numbers, which {dtype} cannot hold; use randint for integers")
    return dtype


def randint(*args, generator=None, dtype=int64, requires_grad=False, device=None, **named):
    """randint(high, size), randint(low, high, size): integers from low (0) up to but without high, all equally
    likely."""
    names = ("low", "high", "size") if len(args) + len(named) > 2 else ("high", "size")
    given = {**dict(zip(names, args)), **named}
    if len(args) > 3 or len(given) < len(args) + len(named) or set(given) - {"low"} != {"high", "size"}:
        raise TypeError("randint takes (high, size) or (low, high, size), for example randint(0, 10, (2, 3))")
    low, high = int(given.get("low", 0)), int(given["high"])
    check_device(device)
    check_range(low, high, "randint")
    array = draw(draw_integers, size_of((given["size"],), "randint"), low, high, as_dtype(dtype), generator=generator)
    return new_tensor_of(array, requires_grad)


def check_range(low, high, what):
    if low >= high:
        raise RuntimeError(f"{what}: there is no integer from low = {low} up to but without high = {high}")


def randperm(n, generator=None, dtype=int64, requires_grad=False, device=None):
    """The integers from 0 to n − 1 in random order."""
    check_device(device)
    if n < 0:
        raise RuntimeError(f"randperm: the number of integers cannot be negative, and is {n}")
    return new_tensor_of(draw(draw_permutation, int(n), as_dtype(dtype), generator=generator), requires_grad)


@composite(method=False)
def rand_like(x, dtype=None, requires_grad=False, device=None, generator=None):
    """Uniform random numbers in [0, 1), in the size and (unless given) dtype of x."""
    return rand(tuple(x.shape), generator=generator, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device)


@composite(method=False)
def randn_like(x, dtype=None, requires_grad=False, device=None, generator=None):
    """Random numbers of the standard normal distribution, in the size and (unless given) dtype of x."""
    dtype = dtype or x.dtype
    return randn(tuple(x.shape), generator=generator, dtype=dtype, requires_grad=requires_grad, device=device)


@composite(method=False)
def randint_like(x, low, high=None, dtype=None, requires_grad=False, device=None, generator=None):
    """randint_like(x, high), randint_like(x, low, high): as randint, in the size and (unless given) dtype of x."""
    low, high = (0, low) if high is None else (low, high)
    shape, dtype = tuple(x.shape), dtype or x.dtype
    return randint(low, high, shape, generator=generator, dtype=dtype, requires_grad=requires_grad, device=device)


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
    return new_tensor_of(draw(draw_normal, shape, mean, std, dtype, generator=generator), requires_grad)


def check_std(std, what):
    if not np.all(np.asarray(std) >= 0):
        raise RuntimeError(f"{what}: a standard deviation cannot be negative or NaN; the smallest is {np.min(std)}")


def check_probability(p, what):
    if np.size(p) and not (np.min(p) >= 0 and np.max(p) <= 1):
        raise RuntimeError(f"{what}: probabilities lie between 0 and 1, and these between {np.min(p)} and {np.max(p)}")


@composite
def bernoulli(x, p=None, *, generator=None):
    """1 with the probability that the element of x says (with p: with probability p), else 0; in the shape and dtype
    of x."""
    probability = x.array if p is None else np.asarray(p)
    check_probability(probability, "bernoulli")
    dtype = check_floating(x.dtype, "bernoulli")
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
            f"not 0; "
            "pass replacement=True to draw positions more than once"
        )
    return of_array(draw(draw_multinomial, weights, int(num_samples), bool(replacement), generator=generator), None)


def dropout(x, p=0.5, training=True, generator=None):
    """In training: elements set to 0 with probability p, the others divided by 1 − p, so that the expectation is x.
    Else x.

    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: the probability p lies between 0 and 1, and is {p}")
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0.0
    check_floating(x.dtype, "dropout")
    return x * of_array(draw(dropout_mask, x.array, float(p), generator=generator), None)


# ---- methods that overwrite a tensor with draws


def overwrite(target, operation, arguments, name, generator):
    """Write what `operation` draws into `target`, by the rules for in-place operations; gradients do not pass through
    it."""
    drawn = of_array(draw(operation, *arguments, target.dtype, generator=generator), None)
    return assign(target, drawn if target.node is None else copy_into(target, drawn), name)


def uniform_(self, low=0.0, to=1.0, *, generator=None):
    """Overwrite this tensor with uniform random numbers from `low` up to but without `to`."""
    if not low <= to:
        raise RuntimeError(f"uniform_: low must be at most `to`, and {low} is larger than {to}")
    check_floating(self.dtype, "uniform_")
    return overwrite(self, draw_uniform, (self.array.shape, low, to), "uniform_", generator)


def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Overwrite this tensor with random numbers of the normal distribution."""
    check_std(std, "normal_")
    check_floating(self.dtype, "normal_")
    return overwrite(self, draw_normal, (self.array.shape, mean, std), "normal_", generator)


def exponential_(self, lambd=1.0, *, generator=None):
    """Overwrite this tensor with random numbers of the exponential distribution, whose density is λ exp(−λx)."""
    if not lambd > 0:
        raise RuntimeError(f"exponential_: the rate lambd must be positive, not {lambd}")
    check_floating(self.dtype, "exponential_")
    return overwrite(self, draw_exponential, (self.array.shape, lambd), "exponential_", generator)


def bernoulli_(self, p=0.5, *, generator=None):
    """Overwrite this tensor with 1 with probability p (a number, or a tensor that broadcasts), else 0."""
    p = p.array if isinstance(p, Tensor) else np.asarray(p)
    check_probability(p, "bernoulli_")
    return overwrite(self, draw_bernoulli, (p, self.array.shape), "bernoulli_", generator)


def random_(self, low=0, to=None, *, generator=None):
    """random_(), random_(to), random_(low, to): overwrite this tensor with integers from `low` up to but without `to`.

    Without `to`: up to the largest that the dtype holds; in floating dtypes, the largest below which it holds all
    integers.
    """
    kind = self.dtype.kind
    if to is None and low != 0:
        low, to = 0, low
    if to is None:
        largest = 1 if kind == "b" else 1 << np.finfo(self.dtype).nmant + 1 if kind == "f" else np.iinfo(self.dtype).max
        to = largest + 1
    check_range(low, to, "random_")
    return overwrite(self, draw_integers, (self.array.shape, low, to), "random_", generator)


for _method in (uniform_, normal_, exponential_, bernoulli_, random_):
    setattr(Tensor, _method.__name__, _method)
