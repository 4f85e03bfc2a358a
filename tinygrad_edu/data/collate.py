"""From a list of samples to one batch, and from arrays to tensors."""

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import numpy as np

from ..dtypes import float64
from ..ops.joining import stack
from ..tensor import NUMBERS, Tensor, as_tensor, of_array, tensor

__all__ = ["default_collate", "default_convert"]


def default_collate(batch):
    """The samples of a list put together, with a new first dimension that counts them.

    Tensors and arrays of one shape are stacked; numbers become a vector (Python floats a float64 one, as in PyTorch);
    strings stay a list; tuples, named tuples, lists and dicts of these are put together item by item.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stacked([x.array for x in batch]) if all(x.node is None for x in batch) else stack(batch)
    if isinstance(first, np.ndarray):
        return stacked(batch)
    if isinstance(first, NUMBERS):
        if isinstance(first, np.generic):
            return of_array(np.array(batch), None)
        return tensor(batch, dtype=float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, dict):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(len(sample) != len(first) for sample in batch):
            lengths = sorted({len(sample) for sample in batch})
            raise RuntimeError(
                f"samples of a batch need equal numbers of items; these have {lengths}. Write a collate_fn"
            )
        columns = [default_collate(list(column)) for column in zip(*batch)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError(
        f"default_collate puts tensors, arrays, numbers, strings, dicts, tuples and lists together, not "
        f"{type(first).__name__}; give the DataLoader a collate_fn"
    )


def stacked(arrays):
    """A Tensor of arrays of one shape, one after the other."""
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise RuntimeError(
            f"the samples of a batch must have the same shape to be stacked; these have {sorted(shapes)}. Pad or "
            "crop them in the data set, or give the DataLoader a collate_fn"
        )
    return of_array(np.array(arrays), None)


def default_convert(data):
    """A single sample with its arrays, also those inside containers, as tensors; all else as it is.

    Dicts, lists and named tuples keep their types; as in PyTorch, tuples and other sequences become lists.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Mapping):
        converted = {key: default_convert(value) for key, value in data.items()}
        if isinstance(data, MutableMapping):
            data = copy.copy(data)  # it may be of a type that no dict can be made into
            data.update(converted)
            return data
        return converted
    if not isinstance(data, Sequence) or isinstance(data, (str, bytes)):
        return data
    converted = [default_convert(item) for item in data]
    if hasattr(data, "_fields"):
        return type(data)(*converted)
    if isinstance(data, MutableSequence):
        data = copy.copy(data)
        data[:] = converted
        return data
    return converted
