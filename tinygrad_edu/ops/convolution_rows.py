"""Convolutions by rows: the taps along the first dimension of the image are read from overlapping memory, not copied.

Columns lie in memory in the order (group, row of the image, tap j, channel, place and image). A row of results looks at
I rows of the image one after the other, which is one matrix of (I · J · C/G) × columns; that of the next row of results
begins `stride` rows further on. NumPy's matmul takes all of them as a stack of matrices that share memory.

The gradient of the image is found likewise: each of its rows gets I rows of the gradient of the result, one after the
other, times the weight with its taps in reverse order; only the other taps are then added up. With a stride s > 1, the
rows with the numbers a, a + s, a + 2 s, ... get the taps a, a + s, ..., and each of these s *phases* is a product of
its own.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .convolution_plan import shared_out


def rows_first(x):
    """(n, channel, row, *x) seen as (row, channel, *x, n)."""
    return x.transpose(2, 1, *range(3, x.ndim), 0)


def grouped(part, groups):
    """(row, channel, ...) seen as (g, row, channel of the group, ...)."""
    return part.reshape(part.shape[0], groups, -1, *part.shape[2:]).swapaxes(0, 1)


def copy_rows(target, source, first):
    """target[k] = source[first + k] along the first dimension; zeros where there is no such row."""
    low, high = max(0, -first), min(len(target), len(source) - first)
    if low >= high:
        target[...] = 0
        return
    target[:low] = 0
    target[high:] = 0
    target[low:high] = source[first + low : first + high]


def stacked(array, count, height, step):
    """For an array (g, row, k, columns) without gaps the matrices (g, count, height · k, columns): each `height` rows
    one after the other, each `step` rows behind the one before."""
    groups, rows, k, columns = array.shape
    of_k = columns * array.itemsize
    of_row = k * of_k
    return as_strided(
        array, (groups, count, height * k, columns), (rows * of_row, step * of_row, of_k, array.itemsize)
    )


class Columns:
    """The columns of images for one unit at a time: (g, r, i · j · c, columns)."""

    def __init__(self, plan, x, dtype):
        self.plan, self.x, self.dtype = plan, rows_first(x), dtype
        self.room = None  # for padded images: the border stays zero

    def __call__(self, n0, n1, r0, r1):
        plan, n = self.plan, n1 - n0
        first, count = r0 * plan.stride[0], (r1 - r0 - 1) * plan.stride[0] + plan.span
        image = self.x[..., n0:n1]
        if plan.padded or plan.batch_last:
            if self.room is None or self.room.shape[-1] != n or len(self.room) < count:
                self.room = plan.new(np.zeros, (count, plan.C), plan.padded_sizes[1:], n, self.dtype)
            room = self.room[:count]
            copy_rows(room[(slice(None), slice(None), *plan.inside[1:])], image, first - plan.padding[0][0])
            image = room
        else:
            image = image[first : first + count]
        columns = plan.new(np.empty, (plan.G, count, plan.J, plan.Cg), plan.X, n, self.dtype)
        for j, look in enumerate(plan.looks):
            columns[:, :, j] = grouped(image[(slice(None), slice(None), *look)], plan.G)
        if not plan.batch_last:
            columns = np.moveaxis(columns, -1, 4)
        columns = columns.reshape(plan.G, count, plan.J * plan.Cg, -1)
        return stacked(columns, r1 - r0, plan.I, plan.stride[0])


def gradient_rows(plan, g, first, count, n, dtype):
    """Rows `first` to `first + count` of g (row, channel, *x, n), zeros where there are none: (g, r, o, columns)."""
    rows = plan.new(np.empty, (plan.G, count, plan.Og), plan.X, n, dtype)
    copy_rows(rows.swapaxes(0, 1), g.reshape(len(g), plan.G, plan.Og, *g.shape[2:]), first)
    if not plan.batch_last:
        rows = np.moveaxis(rows, -1, 3)
    return rows.reshape(plan.G, count, plan.Og, -1)


def forward(plan, x, weight, bias, out, dtype):
    """Write the convolution into `out`."""
    matrix = weight.reshape(plan.G, plan.Og, plan.Cg, plan.I, plan.J).transpose(0, 1, 3, 4, 2)
    matrix = matrix.astype(dtype, order="C").reshape(plan.G, 1, plan.Og, -1)
    if bias is not None:
        bias = bias.reshape(plan.G, 1, plan.Og, 1)
    target = rows_first(out)

    def work(units):
        columns_of = Columns(plan, x, dtype)
        for n0, n1, r0, r1 in units:
            y = np.matmul(matrix, columns_of(n0, n1, r0, r1))
            if bias is not None:
                y += bias
            grouped(target[r0:r1, ..., n0:n1], plan.G)[...] = plan.spread(y, n1 - n0)

    shared_out(work, plan.units(plan.rows, plan.out[0]), plan)


def weight_gradient(plan, x, g, dtype):
    """The gradient of the weight, in the order (g, o, c, i, j)."""
    g = rows_first(g)

    def work(units):
        columns_of, total = Columns(plan, x, dtype), 0
        for n0, n1, r0, r1 in units:
            rows = gradient_rows(plan, g[..., n0:n1], r0, r1 - r0, n1 - n0, dtype)
            columns = columns_of(n0, n1, r0, r1)
            if plan.columns < 3 * plan.Og:  # copies cost less than a matrix as large as the weight for each row
                rows, columns = [x.swapaxes(1, 2).reshape(plan.G, x.shape[2], -1) for x in (rows, columns)]
                total += np.matmul(rows, columns.swapaxes(1, 2))
            else:
                total += np.add.reduce(np.matmul(columns, rows.swapaxes(2, 3)), 1).swapaxes(1, 2)
        return total

    total = sum(shared_out(work, plan.units(plan.rows, plan.out[0]), plan, fixed=True))
    return total.reshape(plan.G, plan.Og, plan.I, plan.J, plan.Cg).transpose(0, 1, 4, 2, 3)


def image_gradient(plan, g, weight, out, dtype):
    """Write the gradient of the images into `out`."""
    step, pad = plan.stride[0], plan.padding[0][0]
    weight = weight.reshape(plan.G, plan.Og, plan.Cg, plan.I, plan.J).astype(dtype, copy=False)
    matrices = [  # for each phase (g, 1, j · c, i · o), i in reverse order
        np.ascontiguousarray(weight[:, :, :, phase::step][:, :, :, ::-1].transpose(0, 4, 2, 3, 1)).reshape(
            plan.G, 1, plan.J * plan.Cg, -1
        )
        for phase in range(min(step, plan.I))
    ]
    g, target = rows_first(g), rows_first(out)

    def work(units):
        for n0, n1, h0, h1 in units:
            image = plan.new(np.zeros, (h1 - h0, plan.C), plan.padded_sizes[1:], n1 - n0, dtype)
            for phase, matrix in enumerate(matrices):
                taps = -(-(plan.I - phase) // step)
                start = (phase - h0 - pad) % step  # the first of these rows that belongs to the phase
                rows = image[start::step]
                if len(rows):
                    first = (h0 + start + pad - phase) // step - taps + 1
                    some = gradient_rows(plan, g[..., n0:n1], first, len(rows) + taps - 1, n1 - n0, dtype)
                    y = np.matmul(matrix, stacked(some, len(rows), taps, 1))
                    add_taps(plan, plan.spread(y.reshape(plan.G, len(rows), plan.J, plan.Cg, -1), n1 - n0), rows)
            target[h0:h1, ..., n0:n1] = image[(slice(None), slice(None), *plan.inside[1:])]

    shared_out(work, plan.units(plan.image_rows, plan.S[0]), plan)


def add_taps(plan, y, rows):
    """Add y (g, row, j, c, *x, n), what each tap j contributes, to the rows (row, channel, *padded sizes, n)."""
    for j, look in enumerate(plan.looks):
        part = grouped(rows[(slice(None), slice(None), *look)], plan.G)
        np.add(part, y[:, :, j], out=part)
