"""From what is given as data to batches: arrays, data sets, loaders."""

import numpy as np

from ..data import DataLoader, Dataset, IterableDataset
from ..dtypes import default_float
from ..generator import Generator
from ..ops.random import randperm
from ..tensor import Tensor, as_tensor, of_array
from .structure import mapped

__all__ = ["EVALUATION_BATCH", "Arrays", "batches_for_evaluation", "training_and_validation"]

EVALUATION_BATCH = 256
"""Samples per batch where nothing is learnt; it changes the speed only."""


class Arrays(Dataset):
    """Rows of tensors: `Arrays((x, y), dtype)`, where x and y may be tuples of tensors.

    dtype  what floating NumPy arrays and lists of numbers become; Tensors stay what they are
    """

    def __init__(self, values, dtype):
        self.values = tensors_of(values, dtype)
        self.sizes = []
        mapped(lambda value: self.sizes.append(len(value)), self.values)
        if len(set(self.sizes)) > 1:
            raise ValueError(
                f"inputs and targets must have equally many rows, one for each sample; these have {self.sizes}"
            )

    def __len__(self):
        return self.sizes[0]

    def __getitem__(self, index):
        return mapped(lambda value: value[index], self.values)

    def __getitems__(self, indices):
        """The batch of these rows."""
        rows = np.asarray(indices)
        return mapped(lambda x: of_array(x.array[rows], None) if x.node is None else x[rows], self.values)

    def part(self, indices):
        """Some rows, as Arrays."""
        chosen = object.__new__(Arrays)
        chosen.values, chosen.sizes = self.__getitems__(indices), [len(indices)]
        return chosen


def tensors_of(values, dtype):
    """Tensors in tuples and dicts, which stay; lists are arrays."""
    if isinstance(values, tuple):
        return tuple([tensors_of(value, dtype) for value in values])
    if isinstance(values, dict):
        return {key: tensors_of(value, dtype) for key, value in values.items()}
    return rows_of(values, dtype)


def rows_of(value, dtype):
    """A Tensor as it is; an array, or what NumPy makes an array of, with floating numbers of `dtype`; its memory is
    shared where it need not be converted."""
    if not isinstance(value, Tensor):
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"data must be numbers, and this {type(value).__name__} holds {array.dtype}; a data set or a "
                "DataLoader can give batches of any kind"
            )
        value = as_tensor(array.astype(dtype, copy=False) if array.dtype.kind == "f" else array)
    if value.ndim == 0:
        raise ValueError("data must have rows, one for each sample, and this is a single number")
    return value


def dtype_of(model):
    """The dtype of the model's floating parameters; of a model without any, the default one."""
    return next((p.array.dtype for p in model.parameters() if p.array.dtype.kind == "f"), default_float())


def whole(batch):
    """The batch that `Arrays.__getitems__` has made already, in place of a collate_fn."""
    return batch


def source_of(data, model):
    """What `data` is: Arrays, a data set, or an iterable of batches, as it is."""
    if isinstance(data, (Dataset, IterableDataset, DataLoader)):
        return data
    if isinstance(data, (tuple, list)):
        if len(data) == 2 and data[1] is None:
            data = data[:1]
        if len(data) not in (1, 2):
            raise ValueError(
                f"data is (inputs, targets), and this is a {type(data).__name__} of {len(data)} things; several inputs "
                "belong into a tuple of their own: ((a, b), targets)"
            )
        return Arrays(tuple(data), dtype_of(model))
    if isinstance(data, Tensor) or hasattr(data, "__array__"):
        return Arrays((data,), dtype_of(model))
    if not isinstance(data, (dict, str)) and (
        hasattr(data, "__getitem__") and hasattr(data, "__len__") or hasattr(data, "__iter__")
    ):
        return data
    raise TypeError(
        f"data must be arrays, (inputs, targets), a data set, a DataLoader, or an iterable of batches; not a "
        f"{type(data).__name__}"
    )


def loader_of(source, batch_size, shuffle, generator=None):
    """An iterable of batches."""
    if isinstance(source, Arrays):
        return DataLoader(source, batch_size, shuffle, collate_fn=whole, generator=generator)
    if isinstance(source, IterableDataset):
        return DataLoader(source, batch_size, generator=generator)
    if not isinstance(source, DataLoader) and hasattr(source, "__getitem__"):
        return DataLoader(source, batch_size, shuffle, generator=generator)
    return source


def batches_for_evaluation(data, model, batch_size=EVALUATION_BATCH):
    """An iterable of batches in the order of the data. A DataLoader draws a number in each pass; here from a generator
    of its own, so that it changes nothing to look at how good a model is."""
    return loader_of(source_of(data, model), batch_size, False, Generator())


def training_and_validation(model, data, validation, batch_size, shuffle, seed):
    """(batches to train with, batches to validate with or None)."""
    source, held_out = source_of(data, model), None
    if isinstance(validation, float):
        if not isinstance(source, Arrays):
            raise TypeError(
                "a fraction for validation needs data that are arrays; of a data set make two with "
                "data.random_split(dataset, [0.9, 0.1])"
            )
        source, validation = divided(source, validation, seed)
    if validation is not None:
        held_out = batches_for_evaluation(validation, model)
    return loader_of(source, batch_size, shuffle), held_out


def divided(arrays, fraction, seed):
    """(the other rows, a random `fraction` of the rows): for one seed and number of rows always the same, so that a
    run that is resumed never trains with what it validates with."""
    n = len(arrays)
    count = round(n * fraction)
    if not 0 < fraction < 1 or not 0 < count < n:
        raise ValueError(f"validation={fraction} of {n} samples leaves no samples on one side; give more, or less")
    order = randperm(n, generator=Generator().manual_seed(seed or 0)).array
    return arrays.part(np.sort(order[count:])), arrays.part(np.sort(order[:count]))
