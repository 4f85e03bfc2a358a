"""Methods that overwrite a tensor with random numbers, by the rules for in-place operations.

A tensor that does not lie in memory row by row, such as a transposed one, is filled in the order of its memory, as
PyTorch does it.
"""

import numpy as np

from ..tensor import Tensor, of_array
from .inplace import assign, copy_into
from .random import check_floating, check_probability, check_range, check_std, largest_integer
from .random_kernels import (
    WIDE, draw, draw_bernoulli, draw_cauchy, draw_exponential, draw_geometric, draw_integers, draw_log_normal,
    draw_normal, draw_uniform, in_layout_of, memory_order,
)  # fmt: skip


def overwrite(target, name, make):
    """Write the array that make(size) draws into `target`; gradients do not pass through it."""
    drawn = of_array(in_layout_of(target.array, make), None)
    return assign(target, drawn if target.node is None else copy_into(target, drawn), name)


def bounds(args, named, defaults, what):
    """The values of the parameters `from` and `to`; Python lets no parameter be called `from`."""
    values = {**dict(zip(("from", "to"), args)), **named}
    if set(values) - {"from", "to"} or len(args) > 2 or len(values) < len(args) + len(named):
        raise TypeError(f"{what} takes (from, to), not {args} and {named}")
    return values.get("from", defaults[0]), values.get("to", defaults[1])


def uniform_(self, *args, generator=None, **named):
    """uniform_(from=0, to=1): overwrite this tensor with uniform random numbers from `from` up to but without `to`."""
    low, high = bounds(args, named, (0.0, 1.0), "uniform_")
    if not low <= high:
        raise RuntimeError(f"uniform_: from must be at most `to`, and {low} is larger than {high}")
    dtype = check_floating(self.dtype, "uniform_")
    if high - low > float(np.finfo(dtype).max):
        raise RuntimeError(f"uniform_: the difference between {low} and {high} is too large for {dtype}")
    return overwrite(self, "uniform_", lambda size: draw(draw_uniform, size, low, high, dtype, generator=generator))


def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Overwrite this tensor with random numbers of the normal distribution."""
    check_std(std, "normal_")
    dtype, blocks = check_floating(self.dtype, "normal_"), self.array.flags.c_contiguous
    return overwrite(
        self, "normal_", lambda size: draw(draw_normal, size, mean, std, dtype, blocks, generator=generator)
    )


def log_normal_(self, mean=1.0, std=2.0, *, generator=None):
    """Overwrite this tensor with exp(z), z of the normal distribution with this mean and standard deviation."""
    if not std > 0:
        raise RuntimeError(f"log_normal_: the standard deviation std must be positive, not {std}")
    dtype = check_floating(self.dtype, "log_normal_")
    return overwrite(
        self, "log_normal_", lambda size: draw(draw_log_normal, size, mean, std, dtype, generator=generator)
    )


def exponential_(self, lambd=1.0, *, generator=None):
    """Overwrite this tensor with random numbers of the exponential distribution, whose density is λ exp(−λx)."""
    if not lambd > 0:
        raise RuntimeError(f"exponential_: the rate lambd must be positive, not {lambd}")
    dtype = check_floating(self.dtype, "exponential_")
    return overwrite(self, "exponential_", lambda size: draw(draw_exponential, size, lambd, dtype, generator=generator))


def cauchy_(self, median=0.0, sigma=1.0, *, generator=None):
    """Overwrite this tensor with random numbers of the Cauchy distribution, whose density is
    1 / (πσ (1 + (x − median)² / σ²))."""
    if not sigma > 0:
        raise RuntimeError(f"cauchy_: the width sigma must be positive, not {sigma}")
    dtype = check_floating(self.dtype, "cauchy_")
    return overwrite(self, "cauchy_", lambda size: draw(draw_cauchy, size, median, sigma, dtype, generator=generator))


def geometric_(self, p, *, generator=None):
    """Overwrite this tensor with numbers k = 1, 2, ... of trials until the first success, whose probability is p at
    each: k has probability p (1 − p)ᵏ⁻¹."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_: the probability p must lie between 0 and 1, and is {p}")
    if self.dtype.kind == "b":
        raise TypeError("geometric_ draws numbers from 1 on, which bool cannot hold")
    return overwrite(self, "geometric_", lambda size: draw(draw_geometric, size, p, self.dtype, generator=generator))


def bernoulli_(self, p=0.5, *, generator=None):
    """Overwrite this tensor with 1 with probability p (a number, or a floating tensor that expands to this size), else
    0."""
    p = p.array if isinstance(p, Tensor) else np.asarray(p, np.float64)
    check_floating(p.dtype, "bernoulli_")
    check_probability(p, "bernoulli_")
    if p.ndim:
        order = memory_order(self.array)
        p = np.broadcast_to(p, self.array.shape)
        p = p if order is None else p.transpose(order)
    return overwrite(self, "bernoulli_", lambda size: draw(draw_bernoulli, p, size, self.dtype, generator=generator))


def random_(self, *args, generator=None, **named):
    """random_(), random_(to), random_(from, to): overwrite this tensor with integers from `from` up to but without
    `to`.

    Without `to`, or where it is None: up to the largest that the dtype holds; in floating dtypes, the largest up to
    which it holds all integers.
    """
    low, high = (0, args[0]) if len(args) == 1 and not named else bounds(args, named, (0, None), "random_")
    low, high, dtype = int(low), largest_integer(self.dtype) + 1 if high is None else int(high), self.dtype
    check_range(low, high, dtype, "random_")
    wide = high - low >= WIDE and (bool(args or named) or dtype.itemsize == 8)  # random_() takes one word for an int32
    return overwrite(
        self, "random_", lambda size: draw(draw_integers, size, low, high, dtype, wide, generator=generator)
    )


for _method in (
    uniform_, normal_, log_normal_, exponential_, cauchy_, geometric_, bernoulli_, random_,
):  # fmt: skip
    setattr(Tensor, _method.__name__, _method)
