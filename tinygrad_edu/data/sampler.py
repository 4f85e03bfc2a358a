"""Samplers: the order in which a DataLoader asks for samples."""

from ..creation import empty
from ..dtypes import int64
from ..generator import Generator
from ..ops.random import multinomial, randint, randperm
from ..tensor import as_tensor

__all__ = [
    "BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler", "WeightedRandomSampler",
]  # fmt: skip


class Sampler:
    """An iterable of sample numbers: a subclass defines `__iter__()`, and `__len__()` where the number of them is
    known."""

    def __init__(self, data_source=None):
        pass

    def __iter__(self):
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__(), which yields sample numbers")


class SequentialSampler(Sampler):
    """0, 1, 2, ..."""

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


class RandomSampler(Sampler):
    """All samples in random order, another one in each epoch.

    replacement  draw every sample from all of them
    num_samples  how many to draw (default: as many as there are)
    generator    what draws. Without one, each epoch has a generator of its own, seeded by the default generator

    It draws as PyTorch's does, so that the same seed gives the same order.
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                f"RandomSampler: num_samples, by default the number of samples there are, must be a positive integer, "
                f"not {self.num_samples!r}"
            )

    @property
    def num_samples(self):
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        generator = self.generator or Generator().manual_seed(random_seed())
        n, wanted = len(self.data_source), self.num_samples
        if self.replacement:
            for start in range(0, wanted + 1, 32):  # the last of them may have no numbers
                yield from randint(0, n, (min(32, wanted - start),), generator=generator).tolist()
            return
        for _ in range(wanted // n):
            yield from randperm(n, generator=generator).tolist()
        yield from randperm(n, generator=generator).tolist()[: wanted % n]

    def __len__(self):
        return self.num_samples


def random_seed(generator=None):
    """A seed that a generator draws: an integer from 0 to 2⁶³ − 1."""
    return empty((), dtype=int64).random_(generator=generator).item()


class SubsetRandomSampler(Sampler):
    """The given sample numbers in random order, another one in each epoch."""

    def __init__(self, indices, generator=None):
        self.indices, self.generator = indices, generator

    def __iter__(self):
        for position in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[position]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """`num_samples` sample numbers, i drawn with a probability proportional to weights[i], by default more than once
    if so drawn."""

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        if not isinstance(num_samples, int) or num_samples <= 0:
            raise ValueError(f"WeightedRandomSampler: num_samples must be a positive integer, not {num_samples!r}")
        self.weights, self.num_samples = as_tensor(weights, "float64"), num_samples
        if self.weights.ndim != 1:
            raise ValueError(f"WeightedRandomSampler: weights are a vector, not of shape {tuple(self.weights.shape)}")
        self.replacement, self.generator = replacement, generator

    def __iter__(self):
        return iter(multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist())

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` numbers from `sampler`; a last, shorter one is left out with `drop_last`."""

    def __init__(self, sampler, batch_size, drop_last):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self):
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self):
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
