"""Rows of a table by their numbers, and sums of such rows: embedding and embedding_bag."""

import numpy as np

from ..clock import writes
from ..define import case, composite, op
from ..errors import OperationError
from ..tensor import Tensor
from .comparison import where
from .indexing import gather, getitem, put
from .linalg import values_of
from .shape import reshape, unsqueeze

MODES = ("sum", "mean", "max")


@op(
    lambda g, index, padding_idx, scale_grad_by_freq, x_shape: put(
        _scaled(g, index, padding_idx, scale_grad_by_freq), tuple(x_shape), index),
    internal=True, label="rows", samples=[case((3, 4), index=np.array([2, 0, 2])),
    case((3, 2), index=np.array([[1, 0], [1, 1]]))],
    oracle=lambda x, index: x[index],
)  # fmt: skip
def take_rows(x, index, padding_idx=None, scale_grad_by_freq=False):
    """x[index] for an integer array. Row `padding_idx` gets no gradient; with scale_grad_by_freq a row's gradient is
    divided by how often its number occurs."""
    return x[index]


def _scaled(g, index, padding_idx, scale_grad_by_freq):
    """The gradient of the rows taken, with the factors that these settings ask for."""
    if padding_idx is None and not scale_grad_by_freq:
        return g
    factor = np.ones(index.shape, g.dtype)
    if scale_grad_by_freq:
        factor /= np.bincount(index.reshape(-1))[index]
    if padding_idx is not None:
        factor[index == padding_idx] = 0
    return g * factor[..., None]


def row_numbers(name, index, weight):
    """An index as an array, checked against the table."""
    index = values_of(index)
    if index.dtype.kind not in "iu":
        raise OperationError(f"{name}: the input must hold the numbers of rows, as integers, not {index.dtype}")
    if weight.ndim != 2:
        raise OperationError(f"{name}: weight must have two dimensions, (rows, features), not {tuple(weight.shape)}")
    if index.size:
        low, high, count = np.minimum.reduce(index, None), np.maximum.reduce(index, None), weight.shape[0]
        if low < 0 or high >= count:
            raise IndexError(
                f"{name}: index out of range: the rows of weight have the numbers 0 to {count - 1}, and the input "
                f"holds {int(low if low < 0 else high)}"
            )
    return index


def padding_row(name, padding_idx, count):
    """The number of the row that is padding, counted from the front."""
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise ValueError(f"{name}: padding_idx {padding_idx} is not the number of one of the {count} rows")
    return padding_idx % count


def shorten_rows(name, weight, index, max_norm, norm_type):
    """Scale those of the rows used whose norm is larger than max_norm down to it, in place."""
    array = values_of(weight)
    used = np.unique(index)
    rows = array[used]
    norms = np.linalg.norm(rows, norm_type, 1)
    long = norms > max_norm
    if long.any():
        array[used[long]] = rows[long] * (max_norm / (norms[long] + 1e-7))[:, None].astype(array.dtype)
        if isinstance(weight, Tensor):
            writes.note(array, name)


@composite(method=False)
def embedding(x, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` (V, E) with the numbers in x, an integer tensor of any shape (...): (..., E).

    padding_idx         the number of a row that gets no gradient
    max_norm            rows that are used and whose norm of order norm_type is larger are scaled down to it, in place
    scale_grad_by_freq  divide a row's gradient by how often its number occurs in x
    sparse              accepted; gradients are dense in any case
    """
    index = row_numbers("embedding", x, weight)
    padding_idx = padding_row("embedding", padding_idx, weight.shape[0])
    if max_norm is not None:
        shorten_rows("embedding", weight, index, max_norm, norm_type)
    return take_rows(weight, index, padding_idx, scale_grad_by_freq)


@composite(method=False)
def embedding_bag(
    x, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False,
    per_sample_weights=None, include_last_offset=False, padding_idx=None,
):  # fmt: skip
    """The sum, mean or largest elements of rows of `weight` (V, E), for each of several bags of row numbers: (bags, E).

    x                    the numbers: (bags, n), n for each bag; or (total,), one bag after the other, with
    offsets              (bags,), where each bag begins in x
    max_norm, norm_type, scale_grad_by_freq, sparse  as for `embedding`
    mode                 "sum", "mean" or "max"; of an empty bag 0
    per_sample_weights   of the shape of x: what each row is multiplied with, for mode "sum"
    include_last_offset  the last offset is not the beginning of a bag but the end of the last one
    padding_idx          entries with this number count nothing
    """
    if mode not in MODES:
        raise ValueError(f"embedding_bag: mode must be one of {', '.join(map(repr, MODES))}, not {mode!r}")
    if per_sample_weights is not None:
        if mode != "sum":
            raise NotImplementedError(f"embedding_bag: per_sample_weights go with mode 'sum', not {mode!r}")
        if tuple(per_sample_weights.shape) != tuple(x.shape):
            raise ValueError(
                f"embedding_bag: per_sample_weights must have the shape of the input, {tuple(x.shape)}, not "
                f"{tuple(per_sample_weights.shape)}"
            )
        per_sample_weights = reshape(per_sample_weights, (-1,))
    if mode == "max" and scale_grad_by_freq:
        raise OperationError("embedding_bag: mode 'max' does not go with scale_grad_by_freq")
    index = row_numbers("embedding_bag", x, weight)
    starts, ends = bags_of(index, offsets, include_last_offset)
    index = index.reshape(-1)
    bag = np.repeat(np.arange(len(starts)), ends - starts)
    if len(bag) < len(index):  # something lies behind the last bag
        index = index[: len(bag)]
        per_sample_weights = None if per_sample_weights is None else getitem(per_sample_weights, slice(len(bag)))
    if max_norm is not None:
        shorten_rows("embedding_bag", weight, index, max_norm, norm_type)
    padding_idx = padding_row("embedding_bag", padding_idx, weight.shape[0])
    if padding_idx is not None:
        kept = np.flatnonzero(index != padding_idx)
        index, bag = index[kept], bag[kept]
        per_sample_weights = None if per_sample_weights is None else getitem(per_sample_weights, kept)
    rows = take_rows(weight, index, None, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * unsqueeze(per_sample_weights, 1)
    counts = np.bincount(bag, minlength=len(starts))
    if mode == "max":
        return largest_of_bags(rows, bag, counts)
    total = put(rows, (len(starts), weight.shape[1]), bag)
    return total / np.maximum(counts, 1)[:, None].astype(total.dtype) if mode == "mean" else total


def bags_of(index, offsets, include_last_offset):
    """(where each bag begins, where it ends) in the flattened input."""
    if index.ndim == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: of an input of two dimensions each row is a bag; leave offsets out")
        bags, size = index.shape
        starts = np.arange(bags) * size
        return starts, starts + size
    if index.ndim != 1:
        raise ValueError(f"embedding_bag: the input must have one or two dimensions, not the shape {index.shape}")
    if offsets is None:
        raise ValueError(
            "embedding_bag: an input of one dimension needs offsets, where each bag begins; for a single bag write "
            "input.unsqueeze(0)"
        )
    offsets = values_of(offsets)
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu":
        raise ValueError(f"embedding_bag: offsets must be a vector of integers, not {offsets.dtype} {offsets.shape}")
    if offsets.size and offsets[0] != 0:
        raise OperationError(
            f"embedding_bag: offsets[0] has to be 0, where the first bag begins, not {int(offsets[0])}"
        )
    if offsets.size and (offsets[-1] > index.size or (np.diff(offsets) < 0).any()):
        raise OperationError(
            f"embedding_bag: offsets must ascend and not go beyond the {index.size} elements of the input, not "
            f"{offsets.tolist()}"
        )
    if include_last_offset:
        if not offsets.size:
            raise OperationError("embedding_bag: with include_last_offset there must be at least one offset")
        return offsets[:-1], offsets[1:]
    return offsets, np.append(offsets[1:], index.size)


def largest_of_bags(rows, bag, counts):
    """The largest of each feature in each bag (the first one, at ties), 0 for empty bags. `bag` ascends."""
    values, full = values_of(rows), counts > 0
    if not full.any():
        return put(rows, (len(counts), rows.shape[1]), bag)
    starts = (np.cumsum(counts) - counts)[full]
    numbers = np.cumsum(full) - 1  # of bags, among those that are not empty
    is_largest = values == np.maximum.reduceat(values, starts, 0)[numbers[bag]]
    places = np.where(is_largest, np.arange(len(values))[:, None], len(values))
    first = np.minimum(np.minimum.reduceat(places, starts, 0), len(values) - 1)  # NaN equals nothing
    found = gather(rows, 0, first[np.maximum(numbers, 0)])
    return where(full[:, None], found, 0.0)
