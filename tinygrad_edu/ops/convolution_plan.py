"""How a convolution is computed as matrix products: what all ways of doing it share.

A convolution multiplies the weight, a matrix of (outputs) × (taps · channels), with *columns*: for each place of the
result the elements of the image that it looks at (im2col; Chellapilla, Puri & Simard 2006, "High performance
convolutional neural networks for document processing"). The columns hold each element of the image once for each tap,
and to copy them may take longer than the product. There are two ways here:

    rows   only the taps along all dimensions but the first one are copied, into the order (row, tap, channel, ...).
           Then the taps of the first dimension need no copy: the columns of a row of results are the memory from one
           row to another, and the next row's overlap with it. See convolution_rows.py
    taps   all taps are copied, image by image, and the product lies in the order of the result. See convolution_taps.py

The `Plan` says which one, and how images and rows are cut into units that fit the cache. Columns of the whole batch
never exist at once.
"""

import functools
import itertools
import math

import numpy as np

from .. import blas
from ..threads import get_num_threads, together

UNIT = 1 << 19
"""Elements of the columns and results of a unit: 2 MB in float32."""

COLUMNS = 256
"""Columns of a product, about: fewer, and the weight is read too often; more, and OpenBLAS leaves its way for small
ones."""

WORTH_THREADS = 1_000_000
"""Nanoseconds, about, from which on a convolution is shared out to several threads."""


class Plan:
    """Sizes of a convolution of images (N, C, *S) with a weight (O, C / groups, *K), and how to go about it.

    out      sizes of the result, (N, O, *out); at most as many places as fit in
    padding  (before, after) for each dimension of the image

    In the names and shapes of what follows, i counts the taps along the first dimension and j all others (there are I
    and J); g groups, c and o the channels of a group of the image and of the result (there are C/G and O/G), r rows and
    x the places along the other dimensions, n images.
    """

    def __init__(self, images, weight, out, stride, padding, dilation, groups):
        self.N, self.C, *self.S = images
        self.O, self.Cg, *self.K = weight
        self.G, self.Og = groups, self.O // groups
        self.out, self.X = out, out[1:]
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.I, self.J = self.K[0], math.prod(self.K[1:])
        self.padded_sizes = tuple([a + size + b for size, (a, b) in zip(self.S, padding)])
        self.padded = any(a or b for a, b in padding)
        self.inside = tuple([slice(a, a + size) for size, (a, _) in zip(self.S, padding)])
        self.span = dilation[0] * (self.I - 1) + 1  # rows of the image that a row of results looks at
        self.empty = 0 in (self.N, self.C, self.O, self.I * self.J, *out)
        if self.empty:
            return
        width, last = math.prod(self.X), (self.X or (1,))[-1]
        many = max(8, COLUMNS // width // 8 * 8)  # images at a time
        self.batch = -(-self.N // max(1, round(self.N / many)))
        self.batch_last = self.batch >= 8 and last < 48  # in memory the images are the last dimension, not the first
        if not self.batch_last:
            self.batch = min(self.N, -(-COLUMNS // width))
        self.pointwise = self.I * self.J == 1 and not self.padded and set(stride) == {1}
        # ns per place of the result, about: for copies of all taps, and for another order
        copies, order = self.C * self.I * self.J * (12 / last + 0.15), self.O * 0.5
        cheaper = width * out[0] < 32 if self.pointwise else copies > order
        self.by_rows = dilation[0] == 1 and width * self.batch >= 32 and cheaper
        if not self.by_rows:  # several small images at a time, because each call of NumPy's takes its time
            fitting = UNIT // (8 * self.C * self.I * self.J * width * out[0])
            self.batch, self.batch_last = max(1, min(fitting, -(-self.N // 4))), False
        self.columns = width * self.batch
        results = self.N * self.O * math.prod(out)
        self.duration = results * self.Cg * self.I * self.J / 40 + 0.4 * (results + math.prod(images))  # ns, about
        self.rows = self.rows_at_a_time(out[0], stride[0])
        self.image_rows = self.rows_at_a_time(self.S[0], 1)
        # for each of the J taps: where in the padded image it looks, along all dimensions but the first
        self.looks = [
            tuple(
                [
                    slice(k * d, k * d + (size - 1) * s + 1, s)
                    for k, d, size, s in zip(tap, dilation[1:], self.X, stride[1:])
                ]
            )
            for tap in itertools.product(*[range(k) for k in self.K[1:]])
        ]

    def rows_at_a_time(self, count, stride):
        """Rows of a unit: equal shares that fit, of a long convolution at least four, so that threads end together."""
        each = (self.C * self.J * (stride if self.by_rows else self.I) + self.O) * self.columns
        units = -(-count // max(1, UNIT // each))
        if self.duration > WORTH_THREADS:
            units = max(units, min(count, -(-4 * self.batch // self.N)))
        return -(-count // units)

    def units(self, rows, total):
        """(n0, n1, r0, r1): images n0 to n1 and of their `total` rows those from r0 to r1."""
        return [
            (n, min(self.N, n + self.batch), r, min(total, r + rows))
            for n in range(0, self.N, self.batch)
            for r in range(0, total, rows)
        ]

    def new(self, make, lead, sizes, n, dtype):
        """An array of shape (*lead, *sizes, n), made by np.empty or np.zeros: for the columns of n images. It is in
        this order in memory or, unless `batch_last`, in the order (*lead, n, *sizes)."""
        if self.batch_last:
            return make((*lead, *sizes, n), dtype)
        return np.moveaxis(make((*lead, n, *sizes), dtype), len(lead), -1)

    def spread(self, array, n):
        """An array (..., columns) of n images as (..., *X, n)."""
        lead = array.shape[:-1]
        if self.batch_last:
            return array.reshape(*lead, *self.X, n)
        return np.moveaxis(array.reshape(*lead, n, *self.X), len(lead), -1)


plan_of = functools.lru_cache(512)(Plan)


def shared_out(work, units, plan, fixed=False):
    """[work(units for it), ...]: on one thread, or on several if there is much to do.

    fixed  each thread gets units of its own, always the same, for what is added up in their order; else the next ones

    The products are small: BLAS's own threads would wait more than they compute. They are for single large units.
    """
    threads = min(get_num_threads(), len(units)) if plan.duration > WORTH_THREADS else 1
    if blas.one_thread is None or (threads == 1 and plan.duration > WORTH_THREADS):
        return [work(units)]
    shares = [units[k::threads] for k in range(threads)] if fixed else [iter(units)] * threads
    with blas.one_thread:
        return together([functools.partial(work, share) for share in shares])
