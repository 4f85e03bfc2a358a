"""Samplers: the order in which a DataLoader asks for samples."""

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
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        if num_samples is not None and (not isinstance(num_samples, int) or num_samples <= 0):
            raise ValueError(f"RandomSampler: num_samples must be a positive integer, not {num_samples!r}")
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples

    @property
    def num_samples(self):
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        generator = self.generator or seeded_by_default()
        n, wanted = len(self.data_source), self.num_samples
        if self.replacement:
            yield from randint(0, n, (wanted,), generator=generator).tolist() if wanted else []
            return
        while wanted > 0 and n > 0:
            yield from randperm(n, generator=generator).tolist()[:wanted]
            wanted -= n

    def __len__(self):
        return self.num_samples


def seeded_by_default():
    """A new generator whose seed the default generator draws."""
    return Generator().manual_seed(randint(0, 2**63 - 1, ()).item())


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
