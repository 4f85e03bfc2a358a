"""The matrix products of recurrent layers, which are where their time goes.

What a step adds to the state must wait for the step before. All else need not: the products of the inputs can be computed
ahead, and on the way back, the gradients of inputs and weights can follow behind. Where there is a second processor, another
thread does both while this one walks along the sequence; BLAS then keeps to one thread per product.
"""

import contextlib

import numpy as np

from .. import blas
from ..blocks import get_num_threads, pool, quietly

FEW, ENOUGH = 1_000_000, 16
"""OpenBLAS has kernels for products of up to so many multiplications (rows · columns · what is summed over) that save copying
the operands first, a third of the time; and parts of at least so many rows pay."""

WORTH_A_THREAD = 1 << 24
"""Multiplications from which on handing over work to another thread pays."""


class Product:
    """weights @ columns for the few columns of one step, in parts of the weights that are small enough for BLAS to be quick."""

    def __init__(self, weights):
        self.weights = weights
        self.parts = {}  # by the number of columns

    def __call__(self, columns, out):
        parts = self.parts_for(columns.shape[1])
        if len(parts) == 1:
            return np.dot(self.weights, columns, out=out)
        np.matmul(parts, columns, out=out.reshape(*parts.shape[:2], columns.shape[1]))
        return out

    def parts_for(self, size):
        """The weights as (parts, rows of each, what is summed over), for columns of this number."""
        if size not in self.parts:
            rows, summed = self.weights.shape
            fitting = (n for n in range(1, rows // ENOUGH + 1) if rows % n == 0 and rows // n * summed * size <= FEW)
            count = next(fitting, 1)
            self.parts[size] = self.weights.reshape(count, rows // count, summed)
        return self.parts[size]

    def of_steps(self, columns, out):
        """The same for (steps, summed over, size) at once."""
        parts = self.parts_for(columns.shape[2])
        np.matmul(parts, columns[:, None], out=out.reshape(len(columns), *parts.shape[:2], columns.shape[2]))


def has_helper(multiplications):
    """Whether another thread is to take over so much work."""
    return multiplications >= WORTH_A_THREAD and get_num_threads() > 1 and blas.one_thread is not None


class Task:
    """A call that another thread makes; or this one, if it comes to need it before the other has begun."""

    def __init__(self, helper, function, *args):
        self.function, self.args = function, args
        self.future = pool().submit(quietly, self.run) if helper else None

    def run(self):
        self.function(*self.args)

    def finish(self):
        if self.future is None or self.future.cancel():
            self.run()
        else:
            self.future.result()


class Background:
    """A context in which another thread helps, if it is worth it."""

    def __init__(self, multiplications):
        self.helper = has_helper(multiplications)
        self.blas = blas.one_thread if self.helper else contextlib.nullcontext()
        self.tasks = []

    def __enter__(self):
        self.blas.__enter__()
        return self

    def __exit__(self, *error):
        self.finish()
        self.blas.__exit__(*error)

    def call(self, function, *args):
        self.tasks.append(Task(self.helper, function, *args))

    def finish(self):
        """Return when all is done, having helped from the end."""
        while self.tasks:
            self.tasks.pop().finish()


def ahead(background, steps, weights, columns, results):
    """Begin to fill `results` with weights @ columns, for all steps: a function to be called with the number of each step before its
    result is read."""
    product = Product(weights)
    rows = slice(0, weights.shape[1])

    def compute(chunk):
        first, stop = chunk
        if steps.uniform:
            product.of_steps(columns.whole[first:stop, rows], results.whole[first:stop])
        else:
            for number in range(first, stop):
                product(columns[number][rows], results[number])

    helper = background.helper
    tasks = {chunk[0]: Task(helper and chunk[0] > 0, compute, chunk) for chunk in steps.chunks()}

    def wait_for(number):
        task = tasks.pop(number, None)
        if task is not None:
            task.finish()

    return wait_for


class Total:
    """A sum of arrays that come one by one, from several threads. They must be new ones."""

    def __init__(self):
        self.parts = []  # taking from a list and appending to it cannot be interrupted

    def add(self, array):
        while self.parts:
            try:
                array += self.parts.pop()
            except IndexError:
                break
        self.parts.append(array)

    def value(self):
        while len(self.parts) > 1:
            self.add(self.parts.pop())
        return self.parts[0]


class Behind:
    """The gradients of inputs, weights and biases, which follow behind those of the sums that the weights' products add up to.

    needs  which are needed of those of x, w_ih, w_hh, b_ih, b_hh
    """

    def __init__(self, background, steps, x, columns, w_ih, needs):
        self.background, self.steps, self.columns, self.w_ih = background, steps, columns, w_ih
        self.x_shape, self.x = x.shape, x.reshape(steps.total, x.shape[-1])
        self.needs = needs
        self.d_x = np.empty(self.x.shape, x.dtype) if needs[0] else None
        self.of_ih, self.of_hh, self.of_b_ih, self.of_b_hh = Total(), Total(), Total(), Total()

    def follow(self, chunk, sums, sums_of_h):
        """Ask for all products of a chunk of steps: `sums` are those of W_ih x + b_ih, (gates, rows), `sums_of_h` those of W_hh h."""
        rows, call = self.steps.rows_of(chunk), self.background.call
        if self.needs[0]:
            call(np.matmul, sums.T, self.w_ih, self.d_x[rows])
        if self.needs[1]:
            call(lambda: self.of_ih.add(sums @ self.x[rows]))
        if self.needs[2]:
            states = slice(self.x.shape[1] + 1, None)
            call(lambda: self.of_hh.add(sums_of_h @ self.steps.to_rows(self.columns, states, chunk)))
        for needed, total, what in ((self.needs[3], self.of_b_ih, sums), (self.needs[4], self.of_b_hh, sums_of_h)):
            if needed:
                call(lambda total=total, what=what: total.add(np.add.reduce(what, 1)))

    def results(self):
        """d x, d w_ih, d w_hh, d b_ih, d b_hh, when all has been computed; None where not needed."""
        self.background.finish()
        totals = (self.of_ih, self.of_hh, self.of_b_ih, self.of_b_hh)
        d_x = self.d_x.reshape(self.x_shape) if self.needs[0] else None
        return d_x, *[total.value() if needed else None for total, needed in zip(totals, self.needs[1:])]
