"""Sequences of different lengths, packed without padding: the rows of all first steps, then those of all second steps,
..."""

import numpy as np

from ..define import case, op


def valid(lengths, steps):
    """Which steps belong to the sequences: booleans (steps, batch)."""
    return np.arange(steps)[:, None] < np.asarray(lengths)


@op(
    lambda g, lengths, x_shape: pad_rows(g, lengths, x_shape[0]),
    linear=(0,), internal=True, samples=[case((3, 2, 2), lengths=(3, 1)), case((3, 2), lengths=(2, 2))],
    oracle=lambda x, lengths: np.concatenate([x[t, : sum(n > t for n in lengths)] for t in range(len(x))]),
)  # fmt: skip
def pack_rows(x, lengths):
    """The rows of x (steps, batch, ...) that belong to sequences of these lengths, which must not grow. Adjoint of
    pad_rows."""
    return x[valid(lengths, len(x))]


@op(
    lambda g, lengths: pack_rows(g, lengths),
    linear=(0,), internal=True, samples=[case((4, 2), lengths=(3, 1), steps=3), case((4,), lengths=(2, 2), steps=3)],
    oracle=lambda x, lengths, steps: _padded_one_by_one(x, lengths, steps),
)  # fmt: skip
def pad_rows(x, lengths, steps):
    """(steps, batch, ...): zeros, and the packed rows x where they belong."""
    result = np.zeros((steps, len(lengths), *x.shape[1:]), x.dtype)
    result[valid(lengths, steps)] = x
    return result


def _padded_one_by_one(x, lengths, steps):
    result, rows = np.zeros((steps, len(lengths), *x.shape[1:])), iter(x)
    for step in range(steps):
        for example, length in enumerate(lengths):
            if step < length:
                result[step, example] = next(rows)
    return result
