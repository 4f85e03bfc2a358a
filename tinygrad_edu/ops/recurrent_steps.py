"""What all recurrent layers share: how a layer walks along its sequence, by recorded operations and on arrays.

A layer's input has one of two forms. A padded one is (steps, batch, features), every step as large as the others. A packed one
is (rows, features), the rows of the first step, then those of the second, ...; `batch_sizes` says how many each step has. They
never grow, because the examples are sorted by length and the longest come first. The output has the form of the input.

Walking forward, examples end; walking backward in time (`reverse`), they join. One rule covers both: a step takes the first
columns of the state that there are; those that end leave their state in the final one, those that join bring the initial one.

The fused layers compute with one example per *column*: a step's state is (features, examples). The gates then lie one after the
other, each in one piece of memory, which NumPy's functions go through several times faster than through columns of rows.
"""

import numpy as np

from ..errors import OperationError
from .joining import cat, stack


class Blocks(list):
    """A matrix (features, examples) for each step, and where all are of one size, all as `whole`: (steps, features, examples)."""

    def __init__(self, features, sizes, dtype):
        memory = np.empty(features * sum(sizes), dtype)
        self.whole = None
        if sizes[0] == sizes[-1]:
            self.whole = memory.reshape(len(sizes), features, sizes[0])
            super().__init__(self.whole)
        else:
            ends = (np.cumsum(sizes) * features).tolist()
            super().__init__(memory[end - features * n : end].reshape(features, n) for end, n in zip(ends, sizes))


class Steps:
    """The steps of a sequence in the order in which a layer takes them.

    sizes    how many examples each has
    places   its rows, a slice for each
    uniform  whether all have as many examples
    """

    def __init__(self, x_shape, batch_sizes, reverse):
        if batch_sizes is None:
            count, size = x_shape[0], x_shape[1]
            sizes, ends = [size] * count, [size * number for number in range(1, count + 1)]
        else:
            sizes, ends = list(batch_sizes), np.cumsum(batch_sizes).tolist()
        self.uniform, self.total, self.reverse = sizes[0] == sizes[-1], ends[-1], reverse
        places = [slice(end - size, end) for end, size in zip(ends, sizes)]
        self.sizes, self.places = (sizes[::-1], places[::-1]) if reverse else (sizes, places)

    def __len__(self):
        return len(self.sizes)

    def blocks(self, features, dtype, beyond=False):
        """New memory for a matrix (features, examples) at each step; `beyond`: and one more, for after the last step."""
        return Blocks(features, [*self.sizes, self.sizes[-1]] if beyond else self.sizes, dtype)

    def by_step(self, rows):
        """For uniform steps: a matrix (rows, features) seen as (steps, features, examples), in the order of the steps."""
        by_step = rows.reshape(len(self), self.sizes[0], rows.shape[1]).transpose(0, 2, 1)
        return by_step[::-1] if self.reverse else by_step

    def to_columns(self, rows, blocks, part=slice(None)):
        """Write a matrix (rows, features) into `part` of the blocks."""
        if self.uniform:
            blocks.whole[: len(self), part] = self.by_step(rows)
        else:
            for block, place in zip(blocks, self.places):
                block[part] = rows[place].T

    def side_by_side(self, blocks, part):
        """`part` of all blocks side by side: a matrix (features, rows)."""
        result = self.wide(len(range(*part.indices(len(blocks[0])))), blocks[0].dtype)
        for block, place in zip(blocks, self.places):
            result[:, place] = block[part]
        return result

    def wide(self, features, dtype):
        """A new matrix (features, rows). Its rows do not begin a multiple of 4 KiB apart: the cache has few places for such."""
        width = self.total + (16 if self.total % 128 == 0 else 0)
        return np.empty((features, width), dtype)[:, : self.total]


FEW, ENOUGH = 1_000_000, 16
"""OpenBLAS has kernels for products of up to so many multiplications (rows · columns · what is summed over) that save copying
the operands first, a third of the time; and parts of at least so many rows pay."""


class Product:
    """weights @ columns for the few columns of one step, in parts of the weights that are small enough for BLAS to be quick."""

    def __init__(self, weights):
        self.weights = weights
        self.parts = {}  # by the number of columns

    def __call__(self, columns, out):
        size = columns.shape[1]
        if size not in self.parts:
            self.parts[size] = self._parts(size)
        parts = self.parts[size]
        if parts is None:
            return np.dot(self.weights, columns, out=out)
        np.matmul(parts, columns, out=out.reshape(len(parts), parts.shape[1], size))
        return out

    def _parts(self, size):
        rows, summed = self.weights.shape
        for count in range(1, rows // ENOUGH + 1):
            if rows % count == 0 and rows // count * summed * size <= FEW:
                return self.weights.reshape(count, rows // count, summed) if count > 1 else None
        return None


def resized(state, size, joining, leaving):
    """A state (features, examples), cut or filled up to `size` examples.

    What is cut off goes to the rows of `leaving`, what is missing comes from those of `joining`, both (examples, features).
    """
    have = state.shape[1]
    if have == size:
        return state
    if have > size:
        leaving[size:have] = state[:, size:].T
        return np.ascontiguousarray(state[:, :size])
    return np.concatenate([state, joining[have:size].T], axis=1)


def working(*arrays):
    """The arrays in the dtype that is computed in: single precision for half."""
    return [x.astype(np.float32) if x is not None and x.dtype.itemsize == 2 else x for x in arrays]


def stacked(w_ih, b, w_hh, scale=None):
    """[W_ih, b, W_hh] side by side: the product with a column of input, 1 and state. Rows may be multiplied by `scale`."""
    rows, inputs = w_ih.shape
    result = np.empty((rows, inputs + 1 + w_hh.shape[1]), w_ih.dtype)
    result[:, :inputs] = w_ih
    result[:, inputs] = 0 if b is None else b
    result[:, inputs + 1 :] = w_hh
    if scale is not None:
        result *= scale
    return result


def weight_gradients(needs, columns, x, states):
    """The gradients of w_ih, w_hh, b_ih and b_hh, those that are needed.

    columns  d loss/d(what the weights' products add up to), (gates, rows)
    x        the inputs, (rows, features)
    states   1 and the states before each step, (1 + features, rows)
    """
    w_ih = columns @ x if needs[0] else None
    w_hh = bias = None
    if needs[1]:
        both = columns @ states.T
        bias, w_hh = both[:, 0], np.ascontiguousarray(both[:, 1:])
    elif needs[2] or needs[3]:
        bias = np.add.reduce(columns, 1)
    return w_ih, w_hh, bias.copy() if needs[2] else None, bias.copy() if needs[3] else None


def check_layer(name, x, states, weights, batch_sizes):
    """Raise unless the operands of a layer fit; `weights` are those that are not None, w_ih first."""
    ndim = 3 if batch_sizes is None else 2
    w_ih = weights[0]
    if x.ndim != ndim or not x.shape[0]:
        expected = "(steps, batch, features)" if ndim == 3 else "(rows, features), as packed sequences are"
        raise OperationError(f"{name}: the input must be {expected}, of at least one step, and has the shape {x.shape}")
    if x.shape[-1] != w_ih.shape[1]:
        raise OperationError(
            f"{name}: the input has {x.shape[-1]} features, but its weights of shape {w_ih.shape} take {w_ih.shape[1]}"
        )
    batch = x.shape[1] if batch_sizes is None else batch_sizes[0]
    for state in states:
        if state.ndim != 2 or state.shape[0] != batch:
            raise OperationError(f"{name}: an initial state must be (batch, features) with a batch of {batch}, not {state.shape}")
    if batch_sizes is not None and (
        sorted(batch_sizes, reverse=True) != list(batch_sizes) or sum(batch_sizes) != len(x) or batch_sizes[-1] < 1
    ):
        raise OperationError(
            f"{name}: batch_sizes must be positive, never grow, and add up to the {len(x)} rows of the input: {batch_sizes}"
        )
    for other in (*states, *weights):
        if other.dtype != x.dtype:
            raise OperationError(
                f"{name}: the input is {x.dtype}, but a state or weight is {other.dtype}; convert one with .to(dtype)"
            )


def over_time(step, x, state, batch_sizes=None, reverse=False):
    """A layer by recorded operations: (output, *final state).

    step   (input of one step, *state) -> the new state, a tuple whose first item is the output
    state  the initial state, a tuple of tensors (batch, features)
    """
    steps = Steps(tuple(x.shape), batch_sizes, reverse)
    if batch_sizes is None:
        x = x.reshape((steps.total, x.shape[-1]))
    initial, outputs, ended = state, [], []
    state = tuple(s[: steps.sizes[0]] for s in state)
    for size, place in zip(steps.sizes, steps.places):
        have = state[0].shape[0]
        if have > size:
            ended.append(tuple(s[size:] for s in state))
            state = tuple(s[:size] for s in state)
        elif have < size:
            state = tuple(cat([s, begin[have:size]]) for s, begin in zip(state, initial))
        state = step(x[place], *state)
        outputs.append(state[0])
    if reverse:
        outputs.reverse()
    if ended:
        state = tuple(cat(parts) for parts in zip(state, *ended[::-1]))
    return (stack(outputs) if batch_sizes is None else cat(outputs), *state)
