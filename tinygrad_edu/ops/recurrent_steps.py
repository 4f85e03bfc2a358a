"""What all recurrent layers share: how a layer walks along its sequence, by recorded operations and on arrays.

A layer's input has one of two forms. A padded one is (steps, batch, features), every step as large as the others. A
packed one is (rows, features), the rows of the first step, then those of the second, ...; `batch_sizes` says how many
each step has. They never grow, because the examples are sorted by length and the longest come first. The output has the
form of the input.

Walking forward, examples end; walking backward in time (`reverse`), they join. One rule covers both: a step takes the
first columns of the state that there are; those that end leave their state in the final one, those that join bring the
initial one.

The fused layers compute with one example per *column*: a step's state is (features, examples). The gates then lie one
after the other, each in one piece of memory, which NumPy's functions go through several times faster than through
columns of rows.
"""

import math

import numpy as np

from ..errors import OperationError
from .joining import cat, stack

CHUNK = 256
"""Rows (steps times examples) that are enough for one product to be fast."""


class Blocks(list):
    """A matrix (features, examples) for each step, and where all are of one size, all as `whole`: (steps, features,
    examples)."""

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
        """New memory for a matrix (features, examples) at each step; `beyond`: and one more, for after the last
        step."""
        return Blocks(features, [*self.sizes, self.sizes[-1]] if beyond else self.sizes, dtype)

    def by_step(self, rows):
        """For uniform steps: a matrix (rows, features) seen as (steps, features, examples), in the order of the
        steps."""
        by_step = rows.reshape(len(self), self.sizes[0], rows.shape[1]).transpose(0, 2, 1)
        return by_step[::-1] if self.reverse else by_step

    def to_columns(self, rows, blocks, part=slice(None)):
        """Write a matrix (rows, features) into `part` of the blocks."""
        if self.uniform:
            blocks.whole[: len(self), part] = self.by_step(rows)
        else:
            for block, place in zip(blocks, self.places):
                block[part] = rows[place].T

    def to_rows(self, blocks, part, chunk):
        """The other way round, for the steps of a chunk: `part` of their blocks as a new matrix (rows, features)."""
        first, stop = chunk
        direction = -1 if self.reverse else 1
        if self.uniform:
            by_step = blocks.whole[first:stop, part][::direction].transpose(0, 2, 1)
            return (
                by_step.reshape(-1, by_step.shape[2])
                if by_step.size
                else np.empty((0, by_step.shape[2]), by_step.dtype)
            )
        return np.concatenate([block[part].T for block in blocks[first:stop][::direction]])

    def chunks(self):
        """Pieces of the way, of some CHUNK rows each: (first step, step after the last)."""
        chunks, first, rows = [], 0, 0
        for number, size in enumerate(self.sizes):
            rows += size
            if rows >= CHUNK or number == len(self) - 1:
                chunks.append((first, number + 1))
                first, rows = number + 1, 0
        return chunks

    def rows_of(self, chunk):
        """The rows of the steps of a chunk, a slice."""
        ends = self.places[chunk[0]], self.places[chunk[1] - 1]
        return slice(min(p.start for p in ends), max(p.stop for p in ends))


def resized(state, size, joining, leaving):
    """A state (features, examples), cut or filled up to `size` examples.

    What is cut off goes to the rows of `leaving`, what is missing comes from those of `joining`, both (examples,
    features).
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
            raise OperationError(
                f"{name}: an initial state must be (batch, features) with a batch of {batch}, not {state.shape}"
            )
    if batch_sizes is not None and (
        sorted(batch_sizes, reverse=True) != list(batch_sizes) or sum(batch_sizes) != len(x) or batch_sizes[-1] < 1
    ):
        raise OperationError(
            f"{name}: batch_sizes must be positive, never grow, and add up to the {len(x)} rows of the input: "
            f"{batch_sizes}"
        )
    for other in (*states, *weights):
        if other.dtype != x.dtype:
            raise OperationError(
                f"{name}: the input is {x.dtype}, but a state or weight is {other.dtype}; convert one with .to(dtype)"
            )


def multiply_adds(x, *weights):
    """Of a layer: each row of x (..., features) goes through all weights once; shapes, None for absent weights."""
    return math.prod(x[:-1]) * sum([math.prod(weight) for weight in weights if weight is not None])


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
