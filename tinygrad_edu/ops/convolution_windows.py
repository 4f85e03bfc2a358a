"""Windows: all parts of a tensor that a kernel of some size sees, and adding them up again.

Adjoint pairs: im2col / col2im and windows / add_windows, each the other's gradient.
"""

import numpy as np

from ..define import case, op
from ..errors import OperationError
from ..tensor import Tensor
from . import convolution_taps as taps
from .joining import pad_zeros, unpad
from .shape import normalized_dim, reshape


def places(sizes, kernel, stride, dilation):
    """How many places a kernel has along each dimension."""
    return tuple([(size - d * (k - 1) - 1) // s + 1 for size, k, s, d in zip(sizes, kernel, stride, dilation)])


def _windows_by_numpy(x, kernel, stride, dilation):
    """im2col, as NumPy's own function does it."""
    axes = tuple(range(2, x.ndim))
    view = np.lib.stride_tricks.sliding_window_view(x, [d * (k - 1) + 1 for k, d in zip(kernel, dilation)], axes)
    view = view[(slice(None), slice(None), *[slice(None, None, step) for step in (*stride, *dilation)])]
    n = len(kernel)
    view = np.moveaxis(view, range(-n, 0), range(2, 2 + n))
    return view.reshape(view.shape[0], x.shape[1] * int(np.prod(kernel)), int(np.prod(view.shape[2 + n :])))


def _add_by_numpy(x, size, kernel, stride, dilation):
    """col2im, element by element: by where im2col puts the numbers of the elements."""
    shape = (x.shape[0], x.shape[1] // int(np.prod(kernel)), *size)
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    result = np.zeros(shape)
    np.add.at(
        result.reshape(-1),
        _windows_by_numpy(numbers, kernel, stride, dilation).reshape(-1),
        np.asarray(x, float).reshape(-1),
    )
    return result


@op(
    lambda g, x_shape, kernel, stride, dilation: col2im(g, tuple(x_shape[2:]), kernel, stride, dilation),
    linear=(0,), internal=True, oracle=_windows_by_numpy,
    samples=[
        case((2, 3, 4, 5), kernel=(2, 3), stride=(1, 1), dilation=(1, 1)),
        case((1, 2, 5, 6), kernel=(3, 2), stride=(2, 1), dilation=(1, 3)),
        case((2, 1, 6), kernel=(2,), stride=(3,), dilation=(2,)),
        case((0, 1, 3), kernel=(2,), stride=(1,), dilation=(1,)),
    ],
)  # fmt: skip
def im2col(x, kernel, stride, dilation):
    """What a kernel sees of images (N, C, *sizes), as columns: (N, C · taps, places)."""
    out = places(x.shape[2:], kernel, stride, dilation)
    columns = taps.windows(x, 0, kernel, stride, dilation, out).copy()
    return columns.reshape(x.shape[0], x.shape[1] * int(np.prod(kernel)), int(np.prod(out)))


@op(
    lambda g, kernel, stride, dilation, x_shape: reshape(im2col(g, kernel, stride, dilation), x_shape),
    linear=(0,), internal=True, oracle=_add_by_numpy,
    samples=[
        case((2, 18, 9), size=(4, 5), kernel=(2, 3), stride=(1, 1), dilation=(1, 1)),
        case((1, 12, 6), size=(5, 6), kernel=(3, 2), stride=(2, 1), dilation=(1, 3)),
        case((2, 2, 2), size=(6,), kernel=(2,), stride=(3,), dilation=(2,)),
    ],
)  # fmt: skip
def col2im(x, size, kernel, stride, dilation):
    """The images (N, C, *size) to which the columns (N, C · taps, places) are added where im2col reads them."""
    out = places(size, kernel, stride, dilation)
    result = np.zeros((x.shape[0], x.shape[1] // int(np.prod(kernel)), *size), x.dtype)
    taps.add_windows(result, 0, kernel, stride, dilation, out, x.reshape(*result.shape[:2], *kernel, *out))
    return result


def numbers(value, count, name, of):
    """`value`, a number for all dimensions or a sequence of one for each, as a tuple."""
    if isinstance(value, (tuple, list)):
        if len(value) not in (1, count):
            raise OperationError(
                f"{of}: {name} must be one number or {count}, one for each dimension, not {tuple(value)}"
            )
        return tuple([int(v) for v in value]) * (count // len(value))
    return (int(value),) * count


def need_positive(of, **settings):
    """Raise unless all numbers of these settings are positive."""
    for name, values in settings.items():
        if min(values) <= 0:
            raise OperationError(f"{of}: {name} must be greater than 0, not {values}")


def need_padding(of, padding):
    """Raise if a padding is negative."""
    if min(padding) < 0:
        raise OperationError(f"{of}: negative padding {padding} is not supported; take the border away by indexing")


def block_settings(of, kernel_size, dilation, padding, stride):
    """The settings of unfold and fold as checked tuples."""
    names = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    kernel, dilation, padding, stride = [numbers(value, 2, name, of) for name, value in names.items()]
    need_positive(of, kernel_size=kernel, dilation=dilation, stride=stride)
    need_padding(of, padding)
    return kernel, dilation, tuple([(p, p) for p in padding]), stride


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """The blocks of images that a kernel sees, as columns: (N, C, H, W) gives (N, C · kernel elements, number of
    blocks).

    Settings are numbers or pairs. Images need no batch dimension. `input.unfold(dimension, size, step)` is another
    function, for one dimension. The adjoint is `fold`.
    """
    kernel, dilation, padding, stride = block_settings("unfold", kernel_size, dilation, padding, stride)
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise (IndexError if input.ndim < 3 else OperationError)(
            f"unfold: expected images (N, C, H, W) or (C, H, W) that are not empty, not shape {tuple(input.shape)}"
        )
    x = input if input.ndim == 4 else reshape(input, (1, *input.shape))
    if padding != ((0, 0), (0, 0)):
        x = pad_zeros(x, ((0, 0), (0, 0), *padding))
    count = places(x.shape[2:], kernel, stride, dilation)
    if min(count) < 1:
        raise OperationError(
            f"unfold: with kernel_size {kernel} and dilation {dilation} there is no block in images of size "
            f"{tuple(input.shape[-2:])} with padding {padding}; use a smaller kernel or more padding"
        )
    columns = im2col(x, kernel, stride, dilation)
    return columns if input.ndim == 4 else reshape(columns, columns.shape[1:])


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The images (N, C, *output_size) to which the columns (N, C · kernel elements, number of blocks) are added where
    `unfold` reads them: its adjoint. Where blocks overlap their values are summed.
    """
    kernel, dilation, padding, stride = block_settings("fold", kernel_size, dilation, padding, stride)
    size = numbers(output_size, 2, "output_size", "fold")
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise OperationError(
            f"fold: expected columns (N, C · kernel elements, blocks), the first dimension optional, not shape "
            f"{tuple(input.shape)}"
        )
    taps_, blocks = input.shape[-2:]
    if taps_ % (kernel[0] * kernel[1]):
        raise OperationError(
            f"fold: the dimension of size {taps_} must hold channels · kernel elements, a multiple of "
            f"{kernel[0] * kernel[1]} for kernel_size {kernel}"
        )
    padded = tuple([n + a + b for n, (a, b) in zip(size, padding)])
    count = places(padded, kernel, stride, dilation)
    if min(count) < 1 or count[0] * count[1] != blocks:
        raise OperationError(
            f"fold: for output_size {size}, kernel_size {kernel}, dilation {dilation}, padding {padding} and stride "
            f"{stride} there are {count[0]} · {count[1]} blocks, but the input has {blocks}"
        )
    x = input if input.ndim == 3 else reshape(input, (1, *input.shape))
    images = col2im(x, padded, kernel, stride, dilation)
    if padding != ((0, 0), (0, 0)):
        images = unpad(images, ((0, 0), (0, 0), *padding))
    return images if input.ndim == 3 else reshape(images, images.shape[1:])


# ---- along one dimension


def _count(size, window, step):
    return (size - window) // step + 1


def _cut_by_numpy(x, dim, size, step):
    view = np.lib.stride_tricks.sliding_window_view(x, size, dim)
    return view[(slice(None),) * dim + (slice(None, None, step),)]


@op(
    lambda g, x_shape, dim, size, step: add_windows(g, tuple(x_shape), dim, step),
    linear=(0,), internal=True, oracle=_cut_by_numpy,
    samples=[
        case((2, 7), dim=1, size=3, step=2),
        case((5, 2), dim=0, size=2, step=1),
        case((2, 7, 2), dim=1, size=2, step=3),
    ],
)  # fmt: skip
def windows(x, dim, size, step):
    """All parts of `size` elements along `dim`, each `step` behind the one before; the elements are a new last
    dimension."""
    view = taps.windows(np.moveaxis(x, dim, -1), 0, (size,), (step,), (1,), (_count(x.shape[dim], size, step),))
    return np.moveaxis(view, -1, dim).copy()


@op(
    lambda g, dim, step, x_shape: windows(g, dim, x_shape[-1], step),
    linear=(0,), internal=True,
    oracle=lambda x, shape, dim, step: _add_windows_by_numpy(x, shape, dim, step),
    samples=[case((2, 3, 3), shape=(2, 7), dim=1, step=2), case((4, 2, 2), shape=(5, 2), dim=0, step=1)],
)  # fmt: skip
def add_windows(x, shape, dim, step):
    """Zeros of `shape` to which the windows x are added where `windows` reads them."""
    result = np.zeros(shape, x.dtype)
    size, count = x.shape[-1], x.shape[dim]
    values = np.moveaxis(x, dim, -1)  # (..., size, count)
    taps.add_windows(np.moveaxis(result, dim, -1), 0, (size,), (step,), (1,), (count,), values)
    return result


def _add_windows_by_numpy(x, shape, dim, step):
    result = np.zeros(shape)
    places = _cut_by_numpy(np.arange(result.size).reshape(shape), dim, x.shape[-1], step)
    np.add.at(result.reshape(-1), places.reshape(-1), x.reshape(-1))
    return result


def unfold_dimension(self, dimension, size, step):
    """All parts of `size` elements along `dimension`, each `step` behind the one before, as a new last dimension: (7,)
    with size 3 and step 2 gives (3, 3). A copy, where PyTorch gives a view."""
    dim = normalized_dim(dimension, self.ndim)
    x = self if self.ndim else reshape(self, (1,))
    if step <= 0:
        raise OperationError(f"unfold: step must be greater than 0, not {step}")
    if not 0 <= size <= x.shape[dim]:
        raise OperationError(
            f"unfold: size must be from 0 to {x.shape[dim]}, the size of dimension {dimension}, not {size}"
        )
    parts = windows(x, dim, size, step)
    return parts if self.ndim else reshape(parts, (size,))


Tensor.unfold = unfold_dimension
