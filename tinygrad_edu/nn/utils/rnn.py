"""Batches of sequences of different lengths: padded to one length, or packed without padding.

Three sequences a b c d, e f, g are packed as the rows a e g b f c d with batch_sizes 3, 2, 1, 1: a recurrent layer
takes as many examples at each step as there still are. That needs the longest first; `sorted_indices` remembers how
they were sorted.
"""

from collections import namedtuple
from collections.abc import Iterable

import numpy as np

from ...ops.comparison import where
from ...ops.indexing import index_select
from ...ops.joining import cat, stack
from ...ops.recurrent_packed import pack_rows, pad_rows, valid
from ...ops.shape import transpose
from ...tensor import Tensor, of_array

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class PackedSequence(namedtuple("PackedSequence", "data batch_sizes sorted_indices unsorted_indices")):
    """Packed sequences, as pack_padded_sequence and pack_sequence make them and recurrent layers take and give them.

    data              (rows, ...): all first steps, then all second ones, ...
    batch_sizes       how many rows each step has
    sorted_indices    the numbers that the sequences had before they were sorted by length, or None
    unsorted_indices  the places at which they stand since, or None
    """

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError(
                    "PackedSequence takes data and batch_sizes; write pack_sequence([...]) or "
                    "pack_padded_sequence(...), which make both"
                )
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs):
        """With the data in another dtype (and, were there several, on another device)."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def double(self):
        return self.to("float64")

    def float(self):
        return self.to("float32")

    def half(self):
        return self.to("float16")

    def long(self):
        return self.to("int64")

    def int(self):
        return self.to("int32")

    def short(self):
        return self.to("int16")

    def char(self):
        return self.to("int8")

    def byte(self):
        return self.to("uint8")

    def cpu(self):
        return self

    def pin_memory(self):
        return self

    def is_pinned(self):
        return False

    @property
    def is_cuda(self):
        return False


def invert_permutation(permutation):
    """The permutation that undoes another: result[permutation[i]] = i. None for None."""
    if permutation is None:
        return None
    inverse = np.empty_like(permutation.array)
    inverse[permutation.array] = np.arange(len(inverse))
    return of_array(inverse, None)


def plain_lengths(lengths):
    """Lengths, a tensor or a sequence of numbers, as an array of integers."""
    return np.asarray(lengths.array if isinstance(lengths, Tensor) else lengths).astype(np.int64)


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Pack padded sequences; gradients pass through.

    input           (steps, batch, ...), or (batch, steps, ...) with batch_first
    lengths         the length of each sequence, at least 1: a tensor or a list
    enforce_sorted  raise unless the longest come first; with False they are sorted here
    """
    lengths = plain_lengths(lengths)
    if batch_first:
        input = transpose(input, 0, 1)
    if lengths.shape != tuple(input.shape[1:2]):
        raise RuntimeError(
            f"pack_padded_sequence needs one length for each of the {input.shape[1]} sequences, and `lengths` has "
            f"the shape {lengths.shape}"
        )
    if not lengths.size or lengths.min() <= 0:
        raise RuntimeError(
            f"pack_padded_sequence: every sequence must have a length of at least 1, and they are {lengths.tolist()}"
        )
    if lengths.max() > len(input):
        raise RuntimeError(f"pack_padded_sequence: a sequence of {lengths.max()} steps in an input of {len(input)}")
    order = None
    if enforce_sorted:
        if (np.diff(lengths) > 0).any():
            raise RuntimeError(
                "pack_padded_sequence: the longest sequences must come first, and the lengths are "
                f"{lengths.tolist()}; write enforce_sorted=False to have them sorted"
            )
    else:
        places = np.argsort(-lengths, kind="stable")
        lengths, order = lengths[places], of_array(places, None)
        input = index_select(input, 1, order)
    sizes = np.add.reduce(valid(lengths, lengths[0]), 1)
    data = pack_rows(input[: int(lengths[0])], tuple(lengths.tolist()))
    return PackedSequence(data, of_array(sizes, None), order)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """(padded, lengths): packed sequences padded to one length, in the order that they had before they were packed.

    padded        (steps, batch, ...), or (batch, steps, ...) with batch_first
    total_length  how many steps to pad to, by default those of the longest
    """
    sizes = sequence.batch_sizes.array
    steps = len(sizes) if total_length is None else total_length
    if steps < len(sizes):
        raise ValueError(
            f"total_length must be at least the length of the longest sequence, {len(sizes)}, not {total_length}"
        )
    lengths = np.add.reduce(sizes[:, None] > np.arange(sizes[0]), 0)
    padded = pad_rows(sequence.data, tuple(lengths.tolist()), steps)
    if padding_value:
        inside = valid(lengths, steps)
        padded = where(inside.reshape(*inside.shape, *[1] * (padded.ndim - 2)), padded, padding_value)
    if sequence.unsorted_indices is not None:
        padded = index_select(padded, 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.array]
    return transpose(padded, 0, 1) if batch_first else padded, of_array(lengths, None)


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (length, ...) of different lengths as one tensor (longest, batch, ...), or (batch, longest, ...) with
    batch_first.

    padding_side  "right" or "left": where the padding goes
    """
    if not isinstance(sequences, Iterable):
        raise TypeError(f"pad_sequence takes a list of tensors, not {type(sequences).__name__}")
    sequences = list(sequences)
    if not sequences or padding_side not in ("left", "right"):
        raise RuntimeError(
            f'pad_sequence takes at least one tensor and padding_side="left" or "right", not {len(sequences)} and '
            f"{padding_side!r}"
        )
    if any(tuple(s.shape[1:]) != tuple(sequences[0].shape[1:]) or s.ndim == 0 for s in sequences):
        raise RuntimeError(
            "pad_sequence: the sequences may differ in their first size alone, not "
            f"{[tuple(s.shape) for s in sequences]}"
        )
    longest = max(s.shape[0] for s in sequences)
    rows = []
    for s in sequences:
        padding = of_array(np.full((longest - s.shape[0], *s.shape[1:]), padding_value, s.dtype), None)
        rows.append(s if not len(padding) else cat([s, padding] if padding_side == "right" else [padding, s]))
    return stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """A list of the sequences without their padding, each (length, ...)."""
    if not batch_first:
        padded_sequences = transpose(padded_sequences, 0, 1)
    lengths = plain_lengths(lengths)
    if len(lengths) != len(padded_sequences):
        raise ValueError(
            f"unpad_sequence needs one length for each of the {len(padded_sequences)} sequences, not {len(lengths)}"
        )
    return [sequence[:length] for sequence, length in zip(padded_sequences, lengths.tolist())]


def pack_sequence(sequences, enforce_sorted=True):
    """Pack sequences (length, ...), given as a list of tensors."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """The list of sequences that were packed."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
