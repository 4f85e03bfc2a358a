"""The DataLoader: batches from a data set, in order or shuffled, read ahead by threads if asked to."""

from collections import deque
from functools import partial
from itertools import count, islice, repeat

from ..grad_mode import is_grad_enabled, set_grad_enabled
from .collate import default_collate, default_convert
from .dataset import IterableDataset, batch_at_once
from .sampler import BatchSampler, RandomSampler, SequentialSampler, random_seed
from .turns import Turns

__all__ = ["DataLoader", "get_worker_info"]


class DataLoader:
    """Batches of samples: `for x, y in DataLoader(dataset, batch_size=32, shuffle=True): ...`

    dataset         an object with `__getitem__(index)` and `__len__()`, or an IterableDataset
    batch_size      samples per batch; None for single samples
    shuffle         whether they come in random order, another one in each epoch
    sampler         an iterable of sample numbers, instead of `shuffle`
    batch_sampler   an iterable of lists of sample numbers, instead of batch_size, shuffle, sampler and drop_last
    drop_last       leave out a last batch that is not full
    collate_fn      makes a batch from a list of samples (default: default_collate; for single samples default_convert)
    generator       what shuffles: the same seed gives the same order
    num_workers     0: batches are made when asked for. n > 0: n threads make them ahead of time
    prefetch_factor  how many batches per thread are made ahead of time (2)
    worker_init_fn  called in each thread as it starts, with the number of the thread

    The same seed gives the same batches for any number of threads: those that PyTorch's DataLoader gives without
    workers. If a data set draws random numbers without a generator of its own, its batches are made one after the other
    for that; others are made side by side. Python's `random` and `numpy.random` are not seeded.

    Threads help where samples are read from files or computed by NumPy, which run outside of the interpreter's lock. An
    exception in a data set is raised where the batch is asked for.

    `pin_memory`, `timeout`, `multiprocessing_context`, `in_order`, `persistent_workers` and `pin_memory_device` are
    accepted, for programs written for PyTorch, and have no effect: there are no other devices and no processes.
    `persistent_workers` lets the threads' generators go on from one pass to the next.
    """

    def __init__(
        self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0, collate_fn=None,
        pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None, multiprocessing_context=None,
        generator=None, *, prefetch_factor=None, persistent_workers=False, pin_memory_device="", in_order=True,
    ):  # fmt: skip
        if not isinstance(num_workers, int) or num_workers < 0:
            raise ValueError(f"DataLoader: num_workers must be an integer and not negative, and is {num_workers!r}")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("DataLoader: a batch_sampler excludes batch_size, shuffle, sampler and drop_last")
        if batch_size is None and drop_last:
            raise ValueError("DataLoader: drop_last has no meaning for single samples (batch_size=None)")
        self.iterable = isinstance(dataset, IterableDataset)
        if self.iterable and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader: an IterableDataset decides on the order itself, without shuffle or samplers")
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: shuffle=True and a sampler exclude each other, both decide on the order")
        if not self.iterable and not hasattr(dataset, "__getitem__"):
            raise TypeError(f"DataLoader: a data set has __getitem__ and __len__; a {type(dataset).__name__} has not")
        if sampler is None and not self.iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is None and batch_size is not None:
            batch_sampler = BatchSampler(() if self.iterable else sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.drop_last, self.generator = dataset, batch_size, drop_last, generator
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.num_workers, self.prefetch_factor, self.worker_init_fn = num_workers, prefetch_factor or 2, worker_init_fn
        self.pin_memory, self.timeout, self.persistent_workers = pin_memory, timeout, persistent_workers
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)

    def __len__(self):
        if self.iterable:
            n = len(self.dataset)
            size = self.batch_size or 1
            return n // size if self.drop_last else -(-n // size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self):
        random_seed(self.generator)  # which nobody uses; PyTorch draws it
        return self._read_ahead(self._tasks(), is_grad_enabled()) if self.num_workers else one_by_one(self._tasks())

    def _tasks(self):
        """For each batch, in their order, a function that makes it. (Of an IterableDataset the last ones return
        END.)"""
        if self.iterable:
            samples = iter(self.dataset)
            yield from repeat(partial(self._next, samples))
        for order in self.sampler if self.batch_sampler is None else self.batch_sampler:
            yield partial(self._make, order)

    def _next(self, samples):
        """The next batch, or sample, of an IterableDataset; END if there is none."""
        if self.batch_size is None:
            sample = next(samples, END)
            return END if sample is END else self.collate_fn(sample)
        batch = list(islice(samples, self.batch_size))
        return END if not batch or self.drop_last and len(batch) < self.batch_size else self.collate_fn(batch)

    def _make(self, order):
        """The batch of the samples with the numbers in `order`, or the one sample with this number."""
        if self.batch_sampler is None:
            return self.collate_fn(self._sample(order))
        if self.collate_fn is default_collate:
            batch = batch_at_once(self.dataset, order)
            if batch is not None:
                return batch
        if hasattr(self.dataset, "__getitems__"):
            return self.collate_fn(self.dataset.__getitems__(list(order)))
        return self.collate_fn([self._sample(index) for index in order])

    def _sample(self, index):
        try:
            return self.dataset[index]
        except Exception as error:
            told = located(error, index)
            if told is error:
                raise
            raise told from error

    def _read_ahead(self, tasks, grad_enabled):
        """The results of the tasks in their order, computed by threads a few tasks ahead."""
        from concurrent.futures import ThreadPoolExecutor

        # the samples of an iterable come one after the other, so that more than one thread would have nothing to do
        threads = 1 if self.iterable else self.num_workers
        ahead = deque(islice(tasks, threads * self.prefetch_factor))  # before the turns begin: shuffling draws, too
        turns = Turns()
        pools = [ThreadPoolExecutor(1, f"tinygrad_edu-data-{number}") for number in range(threads)]
        started = set()

        def run(number, task):
            with set_grad_enabled(grad_enabled):
                worker = number % threads
                if self.worker_init_fn is not None and worker not in started:
                    started.add(worker)
                    self.worker_init_fn(worker)
                return turns.run(number, task)

        numbers = count()

        def submit(task):
            number = next(numbers)
            return pools[number % threads].submit(run, number, task)

        try:
            waiting = deque(map(submit, ahead))
            while waiting:
                batch = waiting.popleft().result()
                if batch is END:
                    return
                waiting.extend(map(submit, islice(tasks, 1)))
                yield batch
        finally:  # also where the loop over the batches ends early, by `break`, an exception or Ctrl-C
            turns.close()
            for pool in pools:
                pool.shutdown(wait=False, cancel_futures=True)


END = object()
"""What comes after the last batch."""


def one_by_one(tasks):
    """The results of the tasks, each computed when it is asked for."""
    for task in tasks:
        batch = task()
        if batch is END:
            return
        yield batch


def located(error, index):
    """The error to raise instead of `error`: of the same type, and it says which sample it came from."""
    where = f"sample {index!r} of the data set"
    if error.args and isinstance(error.args[0], str):
        error.args = (f"{error.args[0]} ({where})", *error.args[1:])
        return error
    return RuntimeError(f"{type(error).__name__}: {error} ({where})")


def get_worker_info():
    """None, which in PyTorch means: this is the main process. Threads share the data set, so that a data set that
    divides its samples among PyTorch's processes has nothing to divide here."""
    return None
