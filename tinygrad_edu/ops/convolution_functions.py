"""conv1d, conv2d, conv3d and their transposes, with PyTorch's arguments: checked, and given to the operations."""

from ..define import composite
from ..errors import OperationError
from .convolution import conv, conv_transpose, out_sizes
from .convolution_windows import need_padding, need_positive, numbers
from .shape import reshape


def with_batch(of, x, dims):
    """x with a batch dimension."""
    if x.ndim == dims + 2:
        return x
    if x.ndim != dims + 1:
        names = ", ".join("DHW"[3 - dims :])
        raise OperationError(
            f"{of}: expected an input of {dims + 2} dimensions (N, C, {names}), or {dims + 1} without a batch, not of "
            f"shape {tuple(x.shape)}"
        )
    return reshape(x, (1, *x.shape))


def check_operands(of, x, weight, bias, groups, inputs, outputs, dims):
    """Raise unless weight and bias fit the input; `inputs` and `outputs`: numbers of channels according to the
    weight."""
    if groups <= 0:
        raise OperationError(f"{of}: groups must be greater than 0, not {groups}")
    if weight.ndim != dims + 2:
        raise OperationError(f"{of}: expected a weight of {dims + 2} dimensions, not of shape {tuple(weight.shape)}")
    if weight.shape[0] == 0 or weight.shape[0] % groups:
        raise OperationError(
            f"{of}: the first size of the weight must be a positive multiple of groups, {groups}, not {weight.shape[0]}"
        )
    if x.shape[1] != inputs:
        raise OperationError(
            f"{of}: the input has {x.shape[1]} channels (shape {tuple(x.shape)}), and a weight of shape "
            f"{tuple(weight.shape)} with groups={groups} takes {inputs}"
        )
    if min(weight.shape[2:]) < 1:
        raise OperationError(f"{of}: the kernel must not be empty, but the weight has shape {tuple(weight.shape)}")
    if bias is not None:
        if tuple(bias.shape) != (outputs,):
            raise OperationError(f"{of}: expected a bias of shape ({outputs},), not {tuple(bias.shape)}")
        if bias.dtype != weight.dtype:
            raise OperationError(f"{of}: the bias is {bias.dtype} and the weight {weight.dtype}; convert one of them")


def padding_pairs(of, padding, kernel, stride, dilation):
    """(before, after) for each dimension, from numbers, "valid" or "same"."""
    if not isinstance(padding, str):
        padding = numbers(padding, len(kernel), "padding", of)
        need_padding(of, padding)
        return tuple([(p, p) for p in padding])
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding != "same":
        raise OperationError(f"{of}: padding must be numbers, 'same' or 'valid', not {padding!r}")
    if set(stride) != {1}:
        raise OperationError(f"{of}: padding='same' is defined for stride 1 only, not {stride}; give numbers")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return tuple([(total // 2, total - total // 2) for total in totals])


def convolve(dims, x, weight, bias, stride, padding, dilation, groups):
    of = f"conv{dims}d"
    batched = with_batch(of, x, dims)
    stride, dilation = numbers(stride, dims, "stride", of), numbers(dilation, dims, "dilation", of)
    need_positive(of, stride=stride, dilation=dilation)
    outputs = weight.shape[0] if weight.ndim else 0
    check_operands(of, batched, weight, bias, groups, weight.shape[1] * groups if weight.ndim > 1 else 0, outputs, dims)
    kernel = tuple(weight.shape[2:])
    padding = padding_pairs(of, padding, kernel, stride, dilation)
    if min(out_sizes(batched.shape[2:], kernel, stride, padding, dilation)) < 1:
        raise OperationError(
            f"{of}: a kernel of size {kernel} with dilation {dilation} does not fit into images of size "
            f"{tuple(batched.shape[2:])} with padding {padding}; use a smaller kernel or more padding"
        )
    y = conv(batched, weight, bias, stride, padding, dilation, groups)
    return y if x.ndim == dims + 2 else reshape(y, y.shape[1:])


def convolve_transposed(dims, x, weight, bias, stride, padding, output_padding, groups, dilation):
    of = f"conv_transpose{dims}d"
    if isinstance(padding, str):
        raise TypeError(f"{of}: padding must be numbers, not {padding!r}")
    batched = with_batch(of, x, dims)
    settings = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    stride, padding, output_padding, dilation = [numbers(value, dims, name, of) for name, value in settings.items()]
    need_positive(of, stride=stride, dilation=dilation)
    need_padding(of, padding)
    outputs = weight.shape[1] * groups if weight.ndim > 1 else 0
    check_operands(of, batched, weight, bias, groups, weight.shape[0] if weight.ndim else 0, outputs, dims)
    if any(extra < 0 or extra >= max(s, d) for extra, s, d in zip(output_padding, stride, dilation)):
        raise OperationError(
            f"{of}: output_padding {output_padding} must be at least 0 and smaller than stride {stride} or dilation "
            f"{dilation}"
        )
    kernel = weight.shape[2:]
    size = tuple(
        [
            (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
            for n, s, p, d, k, extra in zip(batched.shape[2:], stride, padding, dilation, kernel, output_padding)
        ]
    )
    if min(size) < 1:
        raise OperationError(
            f"{of}: the result would have size {size}, for an input of size {tuple(batched.shape[2:])} and padding "
            f"{padding}"
        )
    y = conv_transpose(batched, weight, bias, size, stride, tuple([(p, p) for p in padding]), dilation, groups)
    return y if x.ndim == dims + 2 else reshape(y, y.shape[1:])


@composite(method=False)
def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The convolution of input (N, C, L) with weight (O, C / groups, K): (N, O, L'). See conv2d."""
    return convolve(1, input, weight, bias, stride, padding, dilation, groups)


@composite(method=False)
def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The convolution of images (N, C, H, W) with a weight (O, C / groups, K₁, K₂): (N, O, H', W').

        y[n, o, p] = bias[o] + Σ_c,k weight[o, c, k] · input[n, c, stride · p + dilation · k − padding]

    where the input is 0 outside, and H' = ⌊(H + 2 padding − dilation (K₁ − 1) − 1) / stride⌋ + 1. The batch dimension
    may be left out.

    bias      (O,) or None
    stride, dilation  a number, or one for each dimension
    padding   zeros on each side: a number, or one for each dimension; "valid" for none, "same" (for stride 1) for as
              many as keep the size
    groups    into how many groups the channels are divided: those of a group of the result see one group of the input
    """
    return convolve(2, input, weight, bias, stride, padding, dilation, groups)


@composite(method=False)
def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The convolution of input (N, C, D, H, W) with weight (O, C / groups, K₁, K₂, K₃): (N, O, D', H', W'). See
    conv2d."""
    return convolve(3, input, weight, bias, stride, padding, dilation, groups)


@composite(method=False)
def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The transposed convolution of input (N, C, L) with weight (C, O / groups, K): (N, O, L'). See
    conv_transpose2d."""
    return convolve_transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@composite(method=False)
def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The transposed convolution of images (N, C, H, W) with a weight (C, O / groups, K₁, K₂): (N, O, H', W').

    Each element of the input, times the kernel, is added to the result: it is the gradient of conv2d with the same
    weight and settings with respect to its images, and H' = (H − 1) stride − 2 padding + dilation (K₁ − 1) +
    output_padding + 1.

    padding         how much is taken away on each side
    output_padding  what is added to the size at the end, because with a stride several sizes have H places; smaller
                    than stride or dilation
    """
    return convolve_transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@composite(method=False)
def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The transposed convolution of input (N, C, D, H, W) with weight (C, O / groups, K₁, K₂, K₃). See
    conv_transpose2d."""
    return convolve_transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
