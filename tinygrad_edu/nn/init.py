"""Initial values of parameters. Each function overwrites a tensor in place, without recording it, and returns it.

`generator` is a tinygrad_edu.Generator; by default the one that manual_seed() seeds. The same seed gives the numbers
that torch.nn.init gives.

How large the weights start decides whether signals, and gradients on their way back, grow or shrink from layer to
layer: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks" (xavier);
He et al. 2015, "Delving deep into rectifiers" (kaiming); Saxe et al. 2014, "Exact solutions to the nonlinear
dynamics of learning in deep linear neural networks" (orthogonal); Martens 2010, "Deep learning via Hessian-free
optimization" (sparse).
"""

import math
import warnings

import numpy as np

from ..grad_mode import no_grad
from ..ops.random import randperm
from ..tensor import of_array


def calculate_gain(nonlinearity, param=None):
    """The factor by which weights before this nonlinearity should be larger, so that it does not shrink the signal.

    1 for linear maps and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + slope²)) for leaky_relu, 3/4 for selu;
    `param` is the slope of leaky_relu, 0.01 if None.
    """
    if nonlinearity in ("linear", "sigmoid") or nonlinearity.startswith("conv"):
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else float(param)
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(
        f"no gain is known for {nonlinearity!r}, only for linear, conv1d…, sigmoid, tanh, relu, leaky_relu and selu"
    )


def fans(tensor):
    """(fan_in, fan_out) of a weight (out, in, *kernel): how many inputs an output has, and outputs an input."""
    if tensor.ndim < 2:
        raise ValueError(
            f"the numbers of inputs and outputs cannot be told from a tensor of shape {tuple(tensor.shape)}; it must "
            "have at least two "
            "dimensions, (out, in, ...). For biases use uniform_ or zeros_"
        )
    kernel = math.prod(tensor.shape[2:])
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform in [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with this mean and standard deviation."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def constant_(tensor, val):
    """All `val`."""
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor):
    """All 0."""
    return constant_(tensor, 0.0)


def ones_(tensor):
    """All 1."""
    return constant_(tensor, 1.0)


def eye_(tensor):
    """The identity matrix; 1 on the diagonal of a matrix that is not square."""
    check_matrix(tensor, "eye_")
    return overwritten(tensor, np.eye(*tensor.shape))


def check_matrix(tensor, name):
    if tensor.ndim != 2:
        raise ValueError(f"{name} takes a matrix, not a tensor of shape {tuple(tensor.shape)}")


def overwritten(tensor, array):
    """`tensor` with its values replaced by those of an array of the same shape."""
    with no_grad():
        return tensor.copy_(of_array(np.asarray(array, tensor.dtype), None))


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform in ±gain · √(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, equation 16)."""
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / sum(fans(tensor))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with standard deviation gain · √(2 / (fan_in + fan_out)) (Glorot & Bengio 2010, equation 12)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform in ±gain · √(3 / fan) (He et al. 2015, section 2.2).

    a             slope of the leaky_relu that follows
    mode          "fan_in" keeps the size of the signal, "fan_out" that of the gradients
    nonlinearity  what follows: see calculate_gain
    """
    if 0 in tensor.shape:
        warnings.warn("initialising a tensor of no elements does nothing", UserWarning, stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with standard deviation gain / √fan (He et al. 2015, equation 10); arguments as for kaiming_uniform_."""
    if 0 in tensor.shape:
        warnings.warn("initialising a tensor of no elements does nothing", UserWarning, stacklevel=2)
        return tensor
    return normal_(tensor, 0.0, kaiming_std(tensor, a, mode, nonlinearity), generator)


def kaiming_std(tensor, a, mode, nonlinearity):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(tensor)[mode == "fan_out"])


def orthogonal_(tensor, gain=1, generator=None):
    """A random (semi-)orthogonal matrix times `gain`, of the dimensions (first, all others) (Saxe et al. 2014).

    It is the Q of the QR decomposition of a normal matrix, with R's diagonal made positive: only then are all
    orthogonal matrices equally likely (Mezzadri 2007).
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ takes a tensor of at least two dimensions, not of shape {tuple(tensor.shape)}")
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    normal = normal_(of_array(np.empty((rows, columns), tensor.dtype), None), generator=generator).array
    q, r = np.linalg.qr(normal.T if rows < columns else normal)
    q *= np.sign(np.diagonal(r))
    overwritten(tensor, (q.T if rows < columns else q).reshape(tensor.shape))
    with no_grad():
        return tensor.mul_(gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Normal, but in each column the fraction `sparsity` of the rows, chosen at random, 0 (Martens 2010).

    As in PyTorch `generator` draws the normal numbers, the default one the rows.
    """
    check_matrix(tensor, "sparse_")
    normal_(tensor, 0.0, std, generator)
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    values = tensor.array.copy()
    for column in range(columns):
        values[randperm(rows).array[:zeros], column] = 0
    return overwritten(tensor, values)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Normal, given that the value lies in [a, b].

    Where that has a probability above 0.3, values outside are drawn again. Elsewhere values are drawn uniformly in [a,
    b), and taken with a probability proportional to their density (von Neumann 1951, "Various techniques used in
    connection with random digits").
    """
    if not a < b:
        raise ValueError(f"trunc_normal_: a must be less than b, not {a} and {b}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            f"trunc_normal_: the mean {mean} lies more than two standard deviations outside of [{a}, {b}]",
            UserWarning, stacklevel=2,
        )  # fmt: skip
    inside = normal_below((b - mean) / std) - normal_below((a - mean) / std)
    with no_grad():
        if inside > 0.3:
            return redrawn(tensor, mean, std, *(tensor.dtype.type(x) for x in (a, b)), generator)
        return accepted(tensor, mean, std, a, b, generator)


def normal_below(x):
    """The probability that a standard normal number lies below x."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def redrawn(tensor, mean, std, low, high, generator):
    """Normal numbers, of which those outside of [low, high] are drawn again; each time as many as the tensor has."""
    values = tensor.normal_(mean, std, generator=generator).array
    again = of_array(np.empty_like(values), None)
    while (outside := (values < low) | (values > high)).any():
        values = np.where(outside, again.normal_(mean, std, generator=generator).array, values)
    return tensor if values is tensor.array else overwritten(tensor, values)


def accepted(tensor, mean, std, a, b, generator):
    """Uniform numbers of [a, b), each taken with the probability density / highest density, else drawn again."""
    nearest = max(a, min(mean, b))
    log_peak = -0.5 * ((nearest - mean) / std) ** 2
    again, u = (of_array(np.empty_like(tensor.array), None) for _ in range(2))

    def refused():
        z = (again.array - mean) / std
        return np.log(u.uniform_(generator=generator).array) > z * z * -0.5 - log_peak

    again.uniform_(a, b, generator=generator)
    values = again.array.copy()
    with np.errstate(divide="ignore"):  # log 0
        outside = refused()
        while outside.any():
            values = np.where(outside, again.uniform_(a, b, generator=generator).array, values)
            outside &= refused()
    return overwritten(tensor, values)


def dirac_(tensor, groups=1):
    """The weights of a convolution that passes its input channels on unchanged, as many as there are: (out, in,
    *kernel)."""
    if not 3 <= tensor.ndim <= 5:
        raise ValueError(
            f"dirac_ fills weights with 3, 4 or 5 dimensions, (out, in, *kernel), not {tuple(tensor.shape)}"
        )
    if tensor.shape[0] % groups:
        raise ValueError(f"dirac_: the {tensor.shape[0]} output channels cannot be divided into {groups} groups")
    values = np.zeros(tuple(tensor.shape), tensor.array.dtype)
    size = tensor.shape[0] // groups
    middle = tuple([n // 2 for n in tensor.shape[2:]])
    for group in range(groups):
        for channel in range(min(size, tensor.shape[1])):
            values[(group * size + channel, channel, *middle)] = 1
    with no_grad():
        return tensor.copy_(of_array(values, None))
