"""The matrix products of recurrent layers, which are where their time goes.

What a step adds to the state must wait for the step before. The products of the inputs need not, and neither do, on the
way back, the gradients of inputs and weights: these are computed for a chunk of steps at a time, of enough rows for
BLAS to be fast and few enough to be still in the cache when the steps come to read them, or have just written them.
"""

import numpy as np

FEW, ENOUGH = 1_000_000, 16
"""OpenBLAS has kernels for products of up to so many multiplications (rows · columns · what is summed over) that save
copying
the operands first, a third of the time; and parts of at least so many rows pay."""


class Product:
    """weights @ columns for the few columns of one step, in parts of the weights that are small enough for BLAS to be
    quick."""

    def __init__(self, weights):
        self.weights = weights
        self.parts = {}  # by the number of columns

    def __call__(self, columns):
        rows, size = self.weights.shape[0], columns.shape[1]
        parts = self.parts_for(size)
        if len(parts) == 1:
            return self.weights.dot(columns)
        return np.matmul(parts, columns).reshape(rows, size)

    def parts_for(self, size):
        """The weights as (parts, rows of each, what is summed over), for columns of this number."""
        if size not in self.parts:
            rows, summed = self.weights.shape
            fitting = (n for n in range(1, rows // ENOUGH + 1) if rows % n == 0 and rows // n * summed * size <= FEW)
            count = next(fitting, 1)
            self.parts[size] = self.weights.reshape(count, rows // count, summed)
        return self.parts[size]

    def of_chunk(self, steps, chunk, columns, results):
        """The same for the first rows of all columns of a chunk of steps, written into `results`."""
        first, stop = chunk
        rows = slice(0, self.weights.shape[1])
        if steps.uniform:
            parts, out = self.parts_for(steps.sizes[0]), results.whole[first:stop]
            np.matmul(
                parts, columns.whole[first:stop, None, rows], out=out.reshape(len(out), *parts.shape[:2], out.shape[2])
            )
        else:
            for number in range(first, stop):
                results[number][...] = self(columns[number][rows])


class Gradients:
    """The gradients of the input, the weights and the biases of a layer, from those of the sums that their products add
    up to.

    needs  which are needed of those of x, w_ih, w_hh, b_ih, b_hh
    """

    def __init__(self, steps, x, columns, w_ih, needs):
        self.steps, self.columns, self.w_ih, self.needs = steps, columns, w_ih, needs
        self.x_shape, self.x = x.shape, x.reshape(steps.total, x.shape[-1])
        self.d_x = np.empty(self.x.shape, x.dtype) if needs[0] else None
        self.totals = [None] * 4

    def add(self, chunk, sums, sums_of_h):
        """Take in a chunk of steps: the gradients of W_ih x + b_ih, (gates, rows), and those of W_hh h + b_hh."""
        rows = self.steps.rows_of(chunk)
        of_x, of_w_ih, of_w_hh, of_b_ih, of_b_hh = self.needs
        if of_x:
            np.matmul(sums.T, self.w_ih, out=self.d_x[rows])
        if of_w_ih:
            self._add(0, sums @ self.x[rows])
        if of_w_hh:
            states = slice(self.x.shape[1] + 1, None)
            self._add(1, sums_of_h @ self.steps.to_rows(self.columns, states, chunk))
        ones = np.ones(sums.shape[1], sums.dtype)
        if of_b_ih:
            self._add(2, sums @ ones)
        if of_b_hh:
            self._add(3, sums_of_h @ ones)

    def _add(self, number, product):
        if self.totals[number] is not None:
            product += self.totals[number]
        self.totals[number] = product

    def results(self):
        """d x, d w_ih, d w_hh, d b_ih, d b_hh; None where not needed."""
        return self.d_x.reshape(self.x_shape) if self.needs[0] else None, *self.totals
