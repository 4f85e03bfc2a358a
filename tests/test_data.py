"""Data sets, samplers and the DataLoader."""

import threading
import time
from collections import OrderedDict, UserList, defaultdict, namedtuple
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import data
from tinygrad_edu.data import DataLoader, TensorDataset


class Squares(data.Dataset):
    """Some samples take longer than others."""

    def __init__(self, n=23):
        self.n, self.threads = n, set()

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        self.threads.add(threading.get_ident())
        time.sleep(0.0005 * (index % 3))
        return index, {"square": float(index**2), "name": str(index)}


class Noisy(Squares):
    """With random numbers in the samples."""

    def __getitem__(self, index):
        return *super().__getitem__(index), tg.rand(2), tg.randn(1)


class Stream(data.IterableDataset):
    def __iter__(self):
        for i in range(7):
            yield i, i * 2.0


def flat(batches):
    """Nested lists of everything in a sequence of batches."""
    if isinstance(batches, tg.Tensor):
        return batches.tolist()
    if isinstance(batches, dict):
        return {key: flat(value) for key, value in batches.items()}
    return [flat(item) for item in batches] if isinstance(batches, (list, tuple)) else batches


def generator(seed=0):
    return tg.Generator().manual_seed(seed)


@pytest.mark.parametrize("options", [
    {}, {"batch_size": 4}, {"batch_size": 4, "drop_last": True}, {"batch_size": 5, "shuffle": True},
    {"batch_size": None},
    {"sampler": [3, 1, 2], "batch_size": 2}, {"batch_sampler": [[0, 1], [5]]},
    {"batch_size": 3, "collate_fn": lambda batch: batch},
])  # fmt: skip
def test_batches_are_the_same_for_any_number_of_workers(options):
    loaders = [DataLoader(Squares(), num_workers=n, generator=generator(), **options) for n in (0, 1, 3)]
    epochs = [[flat(list(loader)) for _ in range(2)] for loader in loaders]
    assert epochs[0] == epochs[1] == epochs[2]
    assert (epochs[0][0] != epochs[0][1]) == bool(options.get("shuffle"))  # a new order in each epoch
    assert len(epochs[0][0]) == len(loaders[0])
    here = {threading.get_ident()}
    assert loaders[0].dataset.threads == here and not loaders[2].dataset.threads & here


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_random_numbers_in_samples_are_the_same_for_any_number_of_workers(workers, shuffle):
    def run(workers):
        tg.manual_seed(5)
        loader = DataLoader(Noisy(), batch_size=2, shuffle=shuffle, num_workers=workers)
        return [flat(list(loader)) for _ in range(2)], tg.rand(1).item()

    expected = run(0)
    assert expected[0][0] != expected[0][1] and run(workers) == expected


def test_threads_that_draw_leave_a_program_that_draws_alone():
    tg.manual_seed(5)
    drawn = [tg.rand(1).item() for _ in DataLoader(Noisy(), batch_size=2, num_workers=2)]
    tg.manual_seed(5)
    assert drawn == tg.rand(2 + len(drawn)).tolist()[2:]  # the loader draws two words when a pass begins


def test_a_loop_that_ends_early_leaves_no_thread_waiting():
    for _ in range(5):
        for _ in DataLoader(Noisy(), batch_size=1, num_workers=3):
            break
    end = time.time() + 20
    while any(thread.name.startswith("tinygrad_edu-data") for thread in threading.enumerate()):
        assert time.time() < end, "threads of a loader are still there"
        time.sleep(0.01)


@pytest.mark.parametrize("options", [{"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}])
def test_iterable_data_sets(options):
    epochs = [flat(list(DataLoader(Stream(), num_workers=n, generator=generator(), **options))) for n in (0, 2)]
    assert epochs[0] == epochs[1]
    numbers = [batch[0] for batch in epochs[0]]
    assert numbers == (
        [0, 1, 2, 3, 4, 5, 6]
        if options["batch_size"] is None
        else [[0, 1, 2], [3, 4, 5], [6]][: 3 - ("drop_last" in options)]
    )


def test_shuffling():
    x = tg.arange(50)
    loader = DataLoader(TensorDataset(x), batch_size=8, shuffle=True, generator=generator(3))
    first, second = ([i for (batch,) in loader for i in batch.tolist()] for _ in range(2))
    assert sorted(first) == sorted(second) == x.tolist() and first != second and first != x.tolist()
    again = DataLoader(TensorDataset(x), batch_size=8, shuffle=True, generator=generator(3))
    assert [i for (batch,) in again for i in batch.tolist()] == first
    orders = []
    for _ in range(2):
        tg.manual_seed(11)
        orders.append(flat(list(DataLoader(TensorDataset(x), shuffle=True))))
    assert orders[0] == orders[1]


def test_tensor_data_sets_are_indexed_once_per_batch(monkeypatch):
    x, y = tg.rand(20, 3), tg.arange(20)
    plain = DataLoader(
        TensorDataset(x, y),
        batch_size=6,
        shuffle=True,
        generator=generator(),
        collate_fn=lambda b: data.default_collate(b),
    )
    slow = flat(list(plain))
    train, rest = data.random_split(TensorDataset(x, y), [0.75, 0.25], generator())
    parts = flat(list(DataLoader(train, batch_size=4)))
    assert parts == flat(list(DataLoader(train, batch_size=4, collate_fn=plain.collate_fn)))
    calls = []
    monkeypatch.setattr(tg.Tensor, "__getitem__", lambda self, index: calls.append(index))
    assert flat(list(DataLoader(TensorDataset(x, y), batch_size=6, shuffle=True, generator=generator()))) == slow
    assert not calls and len(rest) == 5

    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return (index * 2,)

    assert flat(list(DataLoader(Doubled(x), batch_size=3)))[0] == [[0, 2, 4]]


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_say_which_sample(workers):
    class Broken(data.Dataset):
        def __len__(self):
            return 9

        def __getitem__(self, index):
            if index == 5:
                raise ValueError("cannot read the file")
            return index

    batches = iter(DataLoader(Broken(), batch_size=2, num_workers=workers))
    assert next(batches).tolist() == [0, 1] and next(batches).tolist() == [2, 3]
    with pytest.raises(ValueError, match=r"cannot read the file \(sample 5 of the data set\)") as caught:
        next(batches)
    assert any(entry.name == "__getitem__" for entry in caught.traceback)  # where it happened


def test_threads_end_with_the_loop_and_start_with_the_init_function():
    started = []
    loader = DataLoader(Squares(100), batch_size=2, num_workers=2, worker_init_fn=started.append)
    for _ in loader:
        break
    assert started and set(started) <= {0, 1}
    deadline = time.time() + 5
    while any(thread.name.startswith("tinygrad_edu-data") for thread in threading.enumerate()):
        assert time.time() < deadline, "the threads go on after the loop was left"
        time.sleep(0.01)

    def fail(number):
        raise RuntimeError("no such disk")

    with pytest.raises(RuntimeError, match="no such disk"):
        list(DataLoader(Squares(), num_workers=1, worker_init_fn=fail))


def test_collate_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    from torch.utils.data import default_collate

    Pair = namedtuple("Pair", ["a", "b"])
    for make in (
        lambda T: [1, 2], lambda T: [1.5, 2.0], lambda T: [True, False], lambda T: [T.tensor([1.0]), T.tensor([2.0])],
        lambda T: [np.zeros(2, np.float32), np.ones(2, np.float32)], lambda T: [np.float32(1), np.float32(2)],
        lambda T: [(1, "a", [2.0, {"k": 3}]), (4, "b", [5.0, {"k": 6}])], lambda T: [Pair(1, 2.0), Pair(3, 4.0)],
    ):  # fmt: skip
        ours, theirs = data.default_collate(make(tg)), default_collate(make(torch))
        assert type(ours) is type(theirs) or isinstance(ours, tg.Tensor)
        if isinstance(ours, tg.Tensor):
            assert ours.dtype == theirs.numpy().dtype
        assert flat(ours) == torch_flat(theirs, torch)
    with pytest.raises(RuntimeError, match=r"\(2,\), \(3,\)"):
        data.default_collate([tg.zeros(2), tg.zeros(3)])
    with pytest.raises(TypeError, match="object"):
        data.default_collate([object()])


def torch_flat(value, torch):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: torch_flat(item, torch) for key, item in value.items()}
    return [torch_flat(item, torch) for item in value] if isinstance(value, (list, tuple)) else value


def test_stacked_and_chained_data_sets_are_those_of_pytorch(torch):
    import torch.utils.data

    def outcome(T):
        rows, numbers = T.utils.data.TensorDataset(T.arange(6).reshape(3, 2)), [0.5, 1.5, 2.5]

        class Count(T.utils.data.IterableDataset):
            def __iter__(self):
                return iter([3, 4, 5])

            def __len__(self):
                return 3

        pairs, named = T.utils.data.StackDataset(rows, numbers), T.utils.data.StackDataset(x=rows, y=numbers)
        chain = T.utils.data.ChainDataset([Count(), Count()])
        together = Count() + chain
        loaders = [T.utils.data.DataLoader(d, batch_size=2) for d in (pairs, named, chain, together)]
        return len(pairs), len(named), len(chain), flat([list(loader) for loader in loaders]), type(together).__name__

    def flat(x):
        if isinstance(x, dict):
            return {key: flat(value) for key, value in x.items()}
        return [flat(item) for item in x] if isinstance(x, (list, tuple)) else x.tolist()

    assert outcome(tg) == outcome(torch)
    for T in (tg, torch):
        for mistake in (lambda D: D(), lambda D: D([1], a=[1]), lambda D: D([1], [1, 2]), lambda D: D(a=[1], b=[])):
            with pytest.raises(ValueError):
                mistake(T.utils.data.StackDataset)
        with pytest.raises(AssertionError):
            list(T.utils.data.ChainDataset([[1, 2]]))
        with pytest.raises(AssertionError):
            len(T.utils.data.ChainDataset([[1, 2]]))


def test_single_samples_are_converted_as_in_pytorch(torch):
    import torch.utils.data

    Point = namedtuple("Point", "x y")
    array = np.array([1.5, 2])
    samples = [
        array, np.float32(3), np.int64(4), np.array(["a"]), np.array([None]), 5, "text", b"bytes", None, [array, 1],
        (array, "a"),
        Point(array, 1), {"a": array, 1: (array,)}, OrderedDict(a=array), defaultdict(list, a=[array]), range(3),
        UserList([array, 2]), MappingProxyType({"a": array}), {1, 2},
    ]  # fmt: skip

    def described(T, x):
        if isinstance(x, T.Tensor):
            return str(x.dtype).removeprefix("torch."), x.tolist()
        if isinstance(x, Mapping):
            return type(x), [(key, described(T, value)) for key, value in x.items()]
        if isinstance(x, (list, tuple, UserList)):
            return type(x), [described(T, item) for item in x]
        return type(x), str(x)

    for sample in samples:
        ours, theirs = (described(T, T.utils.data.default_convert(sample)) for T in (tg, torch))
        assert str(ours).replace("mappingproxy", "dict") == str(theirs).replace("mappingproxy", "dict"), sample
    assert all(x is array for x in (samples[9][0], samples[12]["a"], samples[14]["a"][0])), "samples stay as they are"


def test_data_sets_and_samplers():
    a, b = TensorDataset(tg.arange(3)), TensorDataset(tg.arange(10, 14))
    both = a + b
    assert [both[i][0].item() for i in (0, 2, 3, 6, -1, -7)] == [0, 2, 10, 13, 13, 0] and len(both) == 7
    with pytest.raises(IndexError, match="sample 7"):
        both[7]
    parts = data.random_split(range(10), [0.35, 0.35, 0.3], generator=generator())
    assert [len(part) for part in parts] == [4, 3, 3] and sorted(i for part in parts for i in part) == list(range(10))
    assert [len(part) for part in data.random_split(range(1), [1])] == [1]
    with pytest.raises(ValueError, match="add up to 9"):
        data.random_split(range(10), [4, 5])
    assert list(data.BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    drawn = list(data.RandomSampler(range(4), num_samples=10, generator=generator()))
    assert len(drawn) == 10 and sorted(drawn[:4]) == sorted(drawn[4:8]) == [0, 1, 2, 3]
    drawn = list(data.RandomSampler(range(4), replacement=True, num_samples=200, generator=generator()))
    assert len(drawn) == 200 and set(drawn) == {0, 1, 2, 3}
    assert set(data.WeightedRandomSampler([0, 1.0, 0, 2], 50, generator=generator())) == {1, 3}
    assert sorted(data.SubsetRandomSampler([5, 7, 9], generator())) == [5, 7, 9]
    from tinygrad_edu.utils.data import DataLoader as same

    assert same is DataLoader


@pytest.mark.parametrize("mistake, error, message", [
    (lambda: DataLoader([1], batch_size=0), ValueError, "batch_size"),
    (lambda: DataLoader([1], num_workers=-1), ValueError, "num_workers"),
    (lambda: DataLoader([1], shuffle=True, sampler=[0]), ValueError, "exclude"),
    (lambda: DataLoader([1], batch_sampler=[[0]], batch_size=2), ValueError, "batch_sampler"),
    (lambda: DataLoader(Stream(), shuffle=True), ValueError, "IterableDataset"),
    (lambda: DataLoader(3), TypeError, "__getitem__"),
    (lambda: DataLoader([], shuffle=True), ValueError, "positive"),
    (lambda: TensorDataset(tg.zeros(2), tg.zeros(3)), ValueError, r"\(2,\), \(3,\)"),
    (lambda: TensorDataset(np.zeros(2)), TypeError, "ndarray"),
    (lambda: data.ConcatDataset([Stream()]), TypeError, "IterableDataset"),
])  # fmt: skip
def test_mistakes_are_explained(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()
