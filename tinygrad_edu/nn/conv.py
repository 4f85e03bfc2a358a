"""Convolutional layers: Conv1d, Conv2d, Conv3d, their transposes, Unfold and Fold."""

from ..ops.convolution_functions import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from ..ops.convolution_windows import fold, unfold
from ..ops.padding import pad
from .linear import empty_parameter, reset_weight_and_bias
from .module import Module

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def sized(value, count):
    """A setting as a tuple: as it is, if it is a sequence; else the number for each of `count` dimensions."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * count


class Convolution(Module):
    """The base class of all convolutional layers; `dims` is the number of dimensions of the images."""

    dims = None
    transposed = False

    def __init__(
        self, in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias,
        padding_mode, device, dtype,
    ):  # fmt: skip
        super().__init__()
        kernel_size, stride, output_padding, dilation = [
            sized(value, self.dims) for value in (kernel_size, stride, output_padding, dilation)
        ]
        if groups <= 0:
            raise ValueError(f"groups must be a positive integer, not {groups}")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups != 0:
                raise ValueError(f"{name} must be divisible by groups, and {channels} is no multiple of {groups}")
        if not isinstance(padding, str):
            padding = sized(padding, self.dims)
        elif padding not in ("same", "valid"):
            raise ValueError(f"padding must be numbers, 'same' or 'valid', not {padding!r}")
        elif padding == "same" and any(s != 1 for s in stride):
            raise ValueError(f"padding='same' is defined for stride 1 only, not {stride}; give numbers")
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {PADDING_MODES}, not {padding_mode!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self.weight = empty_parameter(self.weight_shape(), dtype)
        self.register_parameter("bias", empty_parameter((out_channels,), dtype) if bias else None)
        self.reset_parameters()

    def weight_shape(self):
        """(out, in / groups, *kernel); for a transposed convolution (in, out / groups, *kernel)."""
        channels = (self.out_channels, self.in_channels)
        first, second = channels[::-1] if self.transposed else channels
        return (first, second // self.groups, *self.kernel_size)

    def reset_parameters(self):
        """Draw new initial values."""
        reset_weight_and_bias(self.weight, self.bias)

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        padding = self.padding
        if padding != (0,) * len(padding):
            text += f", padding={padding}"
        if self.dilation != ones:
            text += f", dilation={self.dilation}"
        if self.output_padding != zeros:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class PlainConvolution(Convolution):
    """The base class of Conv1d, Conv2d and Conv3d; `function` computes the convolution."""

    function = None

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            0,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = pad(input, self.border(), self.padding_mode), 0
        return type(self).function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def border(self):
        """The padding as nn.functional.pad takes it: (before, after) of the last dimension first."""
        if self.padding == "valid":
            pairs = [(0, 0)] * self.dims
        elif self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            pairs = [(total // 2, total - total // 2) for total in totals]
        else:
            pairs = [(p, p) for p in self.padding]
        return tuple([p for pair in reversed(pairs) for p in pair])


class TransposedConvolution(Convolution):
    """The base class of ConvTranspose1d, ConvTranspose2d and ConvTranspose3d; `function` computes it."""

    transposed = True
    function = None

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True,
        dilation=1, padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        if padding_mode != "zeros":
            raise ValueError(f"{type(self).__name__} knows padding_mode 'zeros' only, not {padding_mode!r}")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input, output_size=None):
        """The result for `input`; its size is `output_size` if that is given, in place of the layer's
        output_padding."""
        extra = self.output_padding if output_size is None else self.extra_for(input, output_size)
        return type(self).function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def extra_for(self, input, output_size):
        """The output_padding with which the result has `output_size`: the last sizes, or all of them."""
        dims = self.dims
        others = 2 if input.ndim == dims + 2 else 1
        sizes = tuple(output_size)
        if len(sizes) == dims + others:
            sizes = sizes[others:]
        if len(sizes) != dims:
            raise ValueError(
                f"{type(self).__name__}: output_size must have {dims} or {dims + others} sizes for an input of "
                f"{input.ndim} dimensions, not {len(sizes)}"
            )
        smallest = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(input.shape[others:], self.stride, self.padding, self.dilation, self.kernel_size)
        ]
        largest = [size + s - 1 for size, s in zip(smallest, self.stride)]
        if any(not low <= size <= high for low, size, high in zip(smallest, sizes, largest)):
            raise ValueError(
                f"{type(self).__name__}: output_size {sizes} is not possible for an input of shape "
                f"{tuple(input.shape)}; sizes go from {smallest} to {largest}"
            )
        return tuple([size - low for size, low in zip(sizes, smallest)])


class Conv1d(PlainConvolution):
    """Convolution of sequences (N, in_channels, L) to (N, out_channels, L'). See Conv2d."""

    dims, function = 1, conv1d


class Conv2d(PlainConvolution):
    """Convolution of images (N, in_channels, H, W) to (N, out_channels, H', W'); the batch dimension may be left out.

    kernel_size, stride, dilation  a number, or one for each dimension
    padding       how many places are added on each side: numbers, "valid" for none, "same" for as many as keep the size
    padding_mode  what they hold: "zeros", or as the tensor's border suggests, "reflect", "replicate", "circular"
    groups        into how many groups the channels are divided, each with weights of its own

    weight  (out_channels, in_channels / groups, *kernel_size)
    bias    (out_channels,), or None with bias=False

    Both start uniform in [−1/√f, 1/√f] with f = in_channels / groups · elements of the kernel. The formula is that of
    `nn.functional.conv2d`.
    """

    dims, function = 2, conv2d


class Conv3d(PlainConvolution):
    """Convolution of volumes (N, in_channels, D, H, W) to (N, out_channels, D', H', W'). See Conv2d."""

    dims, function = 3, conv3d


class ConvTranspose1d(TransposedConvolution):
    """Transposed convolution of sequences (N, in_channels, L) to (N, out_channels, L'). See ConvTranspose2d."""

    dims, function = 1, conv_transpose1d


class ConvTranspose2d(TransposedConvolution):
    """Transposed convolution of images (N, in_channels, H, W) to (N, out_channels, H', W'): the adjoint of Conv2d with
    the same settings, which turns its sizes around, H' = (H − 1) stride − 2 padding + dilation (kernel − 1) +
    output_padding + 1.

    output_padding  what is added to the size at the end: with a stride, Conv2d makes images of several sizes to one
    weight          (in_channels, out_channels / groups, *kernel_size)
    bias            (out_channels,), or None with bias=False

    layer(x, output_size=...) asks for a size instead of output_padding.
    """

    dims, function = 2, conv_transpose2d


class ConvTranspose3d(TransposedConvolution):
    """Transposed convolution of volumes (N, in_channels, D, H, W) to (N, out_channels, D', H', W'). See
    ConvTranspose2d."""

    dims, function = 3, conv_transpose3d


class Unfold(Module):
    """The blocks of images (N, C, H, W) that a kernel sees, as columns (N, C · kernel elements, blocks)."""

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """The images (N, C, *output_size) to which columns (N, C · kernel elements, blocks) are added where Unfold
    reads."""

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
