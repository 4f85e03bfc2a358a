"""Data sets: what a DataLoader takes samples from."""

from bisect import bisect_right
from itertools import accumulate

import numpy as np

from ..ops.random import randperm
from ..tensor import Tensor, of_array

__all__ = [
    "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset", "Subset", "TensorDataset",
    "random_split",
]  # fmt: skip


class Dataset:
    """Samples by number: a subclass defines `__getitem__(index)` and `__len__()`."""

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__(index), which returns a sample")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset:
    """Samples in the order in which they come: a subclass defines `__iter__()`."""

    def __iter__(self):
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__(), which yields samples")

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Sample i is the tuple of row i of each tensor; the tensors have the same first size."""

    def __init__(self, *tensors):
        if not tensors:
            raise ValueError("TensorDataset: give at least one tensor")
        for index, x in enumerate(tensors):
            if not isinstance(x, Tensor):
                raise TypeError(
                    f"TensorDataset: argument {index} is a {type(x).__name__}; use tinygrad_edu.tensor(...)"
                )
            if x.ndim == 0:
                raise ValueError(f"TensorDataset: tensor {index} is a single number and has no rows")
        if len({len(x) for x in tensors}) > 1:
            shapes = ", ".join(str(tuple(x.shape)) for x in tensors)
            raise ValueError(
                f"TensorDataset: the first sizes, which count the samples, must be equal; the shapes are {shapes}"
            )
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple([x[index] for x in self.tensors])

    def __len__(self):
        return len(self.tensors[0])


class Subset(Dataset):
    """The samples of `dataset` at `indices`, renumbered."""

    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index):
        return self.dataset[self.indices[index]]

    def __len__(self):
        return len(self.indices)


def batch_at_once(dataset, indices):
    """The samples at `indices` as default_collate puts them together, by one indexing per tensor; None where that is
    not possible.

    It is for a TensorDataset, and for subsets of one, if their methods are those defined here.
    """
    if isinstance(dataset, Subset):
        if type(dataset).__getitem__ is not Subset.__getitem__:
            return None
        return batch_at_once(dataset.dataset, [dataset.indices[index] for index in indices])
    if not isinstance(dataset, TensorDataset) or type(dataset).__getitem__ is not TensorDataset.__getitem__:
        return None
    rows = np.array(indices)
    return [of_array(x.array[rows], None) if x.node is None else x[rows] for x in dataset.tensors]


class ConcatDataset(Dataset):
    """The samples of several data sets, one set after the other."""

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: give at least one data set")
        for index, dataset in enumerate(self.datasets):
            if isinstance(dataset, IterableDataset):
                raise TypeError(f"ConcatDataset: data set {index} is an IterableDataset, whose samples have no numbers")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self):
        return self.cumulative_sizes[-1]

    def __getitem__(self, index):
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"sample {index} of a data set of {len(self)}")
        number = bisect_right(self.cumulative_sizes, position)
        return self.datasets[number][position - (self.cumulative_sizes[number - 1] if number else 0)]


class StackDataset(Dataset):
    """Sample i is the tuple of sample i of each data set; or a dict, if the data sets are given by name."""

    def __init__(self, *datasets, **named):
        if bool(datasets) == bool(named):
            raise ValueError("StackDataset: give data sets, either all by name or none; at least one")
        self.datasets = datasets or named
        sizes = [len(dataset) for dataset in datasets or named.values()]
        if len(set(sizes)) > 1:
            raise ValueError(f"StackDataset: the data sets must have equally many samples, and have {sizes}")

    def __getitem__(self, index):
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple([dataset[index] for dataset in self.datasets])

    def __len__(self):
        return len(next(iter(self.datasets.values())) if isinstance(self.datasets, dict) else self.datasets[0])


class ChainDataset(IterableDataset):
    """The samples of several iterable data sets, one set after the other."""

    def __init__(self, datasets):
        self.datasets = datasets

    def __iter__(self):
        for dataset in self._checked():
            yield from dataset

    def __len__(self):
        return sum(len(dataset) for dataset in self._checked())

    def _checked(self):
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                kind = type(dataset).__name__
                raise AssertionError(f"ChainDataset chains IterableDatasets, and a {kind} is none; use ConcatDataset")
            yield dataset


def random_split(dataset, lengths, generator=None):
    """Subsets of random samples of `dataset` that have none in common.

    lengths  their sizes, which add up to that of the data set; or fractions that add up to 1, rounded down, what is
             then left over going to the first, second, ... subset, one sample each

    The same seed gives the samples that PyTorch's random_split gives.
    """
    lengths = list(lengths)
    if (
        lengths
        and abs(sum(lengths) - 1) < 1e-9
        and all(0 <= length <= 1 for length in lengths)
        and sum(lengths) != len(dataset)
    ):
        lengths = [int(len(dataset) * fraction) for fraction in lengths]
        for index in range(len(dataset) - sum(lengths)):
            lengths[index % len(lengths)] += 1
    if sum(lengths) != len(dataset) or min(lengths, default=0) < 0:
        raise ValueError(
            f"random_split: the lengths {lengths} add up to {sum(lengths)}, and the data set has {len(dataset)} "
            "samples; they must agree, or the lengths be fractions that add up to 1"
        )
    order = randperm(len(dataset), generator=generator).tolist()
    ends = list(accumulate(lengths))
    return [Subset(dataset, order[end - length : end]) for length, end in zip(lengths, ends)]
