"""Convolutions by taps: all that each place of the result looks at is copied, and multiplied at once.

The columns have the order (image, group, channel, tap, place), which is that of the weight on one side and of the
result on the other: nothing is rearranged. This is the way for few taps and channels, for single images, and for
dilation along the first dimension. For a kernel of size 1 the image itself is its columns.
"""

import itertools

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .convolution_plan import shared_out


def windows(x, first, kernel, stride, dilation, out):
    """What each place of the result looks at, as a view (..., *kernel, *out) of x, whose last len(kernel) dimensions
    are those of the image. The first place looks at row `first`."""
    lead = x.ndim - len(kernel)
    x = x[(slice(None),) * lead + (slice(first, None),)]
    steps = x.strides[lead:]
    strides = (
        *x.strides[:lead],
        *[step * d for step, d in zip(steps, dilation)],
        *[step * s for step, s in zip(steps, stride)],
    )
    return as_strided(x, (*x.shape[:lead], *kernel, *out), strides)


def add_windows(x, first, kernel, stride, dilation, out, values):
    """Add values (..., *kernel, *out) to where `windows` looks: its adjoint. Windows overlap, so it goes tap by tap."""
    lead = (slice(None),) * (x.ndim - len(kernel))
    for tap in itertools.product(*[range(k) for k in kernel]):
        places = [
            slice(k * d + begin, k * d + begin + (size - 1) * s + 1, s)
            for k, d, begin, size, s in zip(tap, dilation, (first, *[0] * len(out)), out, stride)
        ]
        part = x[(*lead, *places)]
        np.add(part, values[(*lead, *tap)], out=part)


class Columns:
    """The columns of images for one unit at a time: (n, g, c · taps, places)."""

    def __init__(self, plan, x, dtype):
        self.plan, self.x, self.dtype = plan, x, dtype
        self.direct = plan.pointwise and x.dtype == dtype
        self.room = self.inside = self.first = (
            None  # padded images, what of them is inside, and the number of the first
        )

    def __call__(self, n0, n1, r0, r1):
        plan, images = self.plan, self.x[n0:n1]
        if self.direct:
            return images[:, :, r0:r1].reshape(n1 - n0, plan.G, plan.Cg, -1)
        if plan.padded:
            if self.room is None or len(self.room) != n1 - n0:
                self.room = np.zeros((n1 - n0, plan.C, *plan.padded_sizes), self.dtype)
                self.inside, self.first = self.room[(slice(None), slice(None), *plan.inside)], None
            if self.first != n0:
                self.first, self.inside[...] = n0, images
            images = self.room
        view = windows(images, r0 * plan.stride[0], plan.K, plan.stride, plan.dilation, (r1 - r0, *plan.X))
        columns = np.empty(view.shape, self.dtype)
        columns[...] = view
        return columns.reshape(n1 - n0, plan.G, plan.Cg * plan.I * plan.J, -1)


def gradient_rows(plan, g, n0, n1, r0, r1, dtype):
    """Rows of the gradient of the result: (n, g, o, places)."""
    return g[n0:n1, :, r0:r1].reshape(n1 - n0, plan.G, plan.Og, -1).astype(dtype, copy=False)


def forward(plan, x, weight, bias, out, dtype):
    """Write the convolution into `out`."""
    matrix = weight.reshape(plan.G, plan.Og, -1).astype(dtype, copy=False)
    bias = None if bias is None else bias.reshape(plan.G, plan.Og, 1)

    def work(units):
        columns_of = Columns(plan, x, dtype)
        for n0, n1, r0, r1 in units:
            target = out[n0:n1, :, r0:r1].reshape(n1 - n0, plan.G, plan.Og, -1)  # a view
            y = np.matmul(matrix, columns_of(n0, n1, r0, r1), out=target if out.dtype == dtype else None)
            if bias is not None:
                y += bias
            if y is not target:
                target[...] = y

    shared_out(work, plan.units(plan.rows, plan.out[0]), plan)


def weight_gradient(plan, x, g, dtype):
    """The gradient of the weight, in the order (g, o, c, i, j)."""

    def work(units):
        columns_of, total = Columns(plan, x, dtype), 0
        for unit in units:
            rows = gradient_rows(plan, g, *unit, dtype)
            total += np.add.reduce(np.matmul(columns_of(*unit), rows.swapaxes(2, 3)), 0)
        return total

    total = sum(shared_out(work, plan.units(plan.rows, plan.out[0]), plan, fixed=True))
    return total.reshape(plan.G, plan.Cg, plan.I, plan.J, plan.Og).transpose(0, 4, 1, 2, 3)


def image_gradient(plan, g, weight, out, dtype):
    """Write the gradient of the images into `out`."""
    matrix = np.ascontiguousarray(weight.reshape(plan.G, plan.Og, -1).swapaxes(1, 2), dtype)
    in_place = not plan.padded and out.dtype == dtype

    def work(units):
        for n0, n1, *_ in units:
            n = n1 - n0
            images = out[n0:n1] if in_place else np.empty((n, plan.C, *plan.padded_sizes), dtype)
            if not plan.pointwise:
                images.fill(0)
            for r0 in range(0, plan.out[0], plan.rows):
                r1 = min(plan.out[0], r0 + plan.rows)
                rows, sizes = gradient_rows(plan, g, n0, n1, r0, r1, dtype), (r1 - r0, *plan.X)
                if plan.pointwise:
                    np.matmul(matrix, rows, out=images[:, :, r0:r1].reshape(n, plan.G, plan.Cg, -1))
                else:
                    values = np.matmul(matrix, rows).reshape(n, plan.C, *plan.K, *sizes)
                    add_windows(images, r0 * plan.stride[0], plan.K, plan.stride, plan.dilation, sizes, values)
            if not in_place:
                out[n0:n1] = images[(slice(None), slice(None), *plan.inside)]

    shared_out(work, plan.units(1, 1), plan)
