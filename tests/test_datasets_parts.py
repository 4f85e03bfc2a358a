"""Toy sets, splits, standardization, vocabularies, and the mini-batches of an epoch."""


import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.data import (
    DataLoader, Standardize, TensorDataset, Vocabulary, blobs, circles, flower, moons, spirals, split, suggested_sizes,
)  # fmt: skip

# ---- toy sets


def test_flower_is_that_of_the_course():
    x, y = flower(dtype=np.float64)
    random, points = np.random.RandomState(1), []
    for petal in (0, 1):
        angle = np.linspace(3.12 * petal, 3.12 * (petal + 1), 200) + 0.2 * random.randn(200)
        radius = 4 * np.sin(4 * angle) + 0.2 * random.randn(200)
        points += zip(radius * np.sin(angle), radius * np.cos(angle))
    assert np.allclose(x.numpy(), points, rtol=1e-14) and y.tolist() == [0] * 200 + [1] * 200


TOYS = {
    "flower": (flower, 2), "moons": (moons, 2), "circles": (circles, 2), "spirals": (spirals, 3), "blobs": (blobs, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", TOYS)
def test_toys(name):
    make, classes = TOYS[name]
    x, y = make(101, seed=3)
    assert tuple(x.shape) == (101, 2) and x.dtype == np.float32 and y.dtype == np.int64
    assert np.bincount(y.numpy()).tolist() == [101 // classes + (j < 101 % classes) for j in range(classes)]
    assert y.tolist() == sorted(y.tolist())
    again, other = make(101, seed=3)[0], make(101, seed=4)[0]
    assert np.array_equal(again.numpy(), x.numpy()) and not np.array_equal(other.numpy(), x.numpy())
    assert make(8, dtype=np.float64)[0].dtype == np.float64
    with pytest.raises(ValueError, match=f"1 points cannot be in {classes} classes"):
        make(1)


def test_toys_are_what_their_formulas_say():
    datasets = pytest.importorskip("sklearn.datasets")
    for make, theirs in ((moons, datasets.make_moons), (circles, datasets.make_circles)):
        expected, labels = theirs(100, shuffle=False, **({"factor": 0.5} if make is circles else {}))
        x, y = make(100, noise=0, dtype=np.float64)
        assert np.allclose(x.numpy(), expected, atol=1e-12) and y.tolist() == labels.tolist()
    x, y = spirals(30, noise=0, dtype=np.float64)
    assert np.allclose(x[19].numpy(), [np.sin(2 * np.pi / 3 + 4), np.cos(2 * np.pi / 3 + 4)])
    assert np.allclose(x[::10].numpy(), 0)
    x, y = blobs(3000, centers=[[0, 5], [5, 0], [9, 9]], spread=0.5, dtype=np.float64)
    for j, center in enumerate(((0, 5), (5, 0), (9, 9))):
        cloud = x.numpy()[y.numpy() == j]
        assert np.allclose(cloud.mean(0), center, atol=0.1) and np.allclose(cloud.std(0), 0.5, atol=0.05)
    for make in (moons, circles):
        noise = make(4000, noise=0.3, dtype=np.float64)[0].numpy() - make(4000, noise=0, dtype=np.float64)[0].numpy()
        assert abs(noise.std() - 0.3) < 0.01 and abs(noise.mean()) < 0.01
    for wrong, message in (({"factor": 1}, "factor"),):
        with pytest.raises(ValueError, match=message):
            circles(**wrong)
    with pytest.raises(ValueError, match=r"centers .* not of shape \(3,\)"):
        blobs(centers=[1, 2, 3])


# ---- splits


def test_suggested_sizes():
    assert suggested_sizes(100) == suggested_sizes(999_999) == (0.6, 0.2, 0.2)
    assert suggested_sizes(1_000_000) == suggested_sizes(5_000_000) == (0.98, 0.01, 0.01)
    with pytest.raises(ValueError, match="n is 0"):
        suggested_sizes(0)


@given(st.integers(30, 400), st.sampled_from([None, (0.98, 0.02), (0.5, 0.25, 0.25), (1 / 3, 1 / 3, 1 / 3), "counts"]),
       st.booleans(), st.integers(0, 5))  # fmt: skip
def test_split_is_a_partition(n, sizes, stratify, seed):
    sizes = (n - 7, 4, 3) if sizes == "counts" else sizes
    x, y = tg.arange(n), np.arange(n) ** 2 % 7 % 3
    if sizes is not None and 0.5 > min(sizes) * n:
        with pytest.raises(ValueError, match="has none"):
            split(x, y, sizes)
        return
    parts = split(x, y, sizes, seed, stratify)
    wanted = suggested_sizes(n) if sizes is None else sizes
    if isinstance(wanted[0], int):
        assert [len(part) for part, _ in parts] == list(wanted)
    else:
        assert all(abs(len(part) - size * n) < 1 for (part, _), size in zip(parts, wanted))
    assert sorted(np.concatenate([part.numpy() for part, _ in parts])) == list(range(n))
    for part, labels in parts:
        assert isinstance(part, tg.Tensor) and isinstance(labels, np.ndarray)
        assert np.array_equal(labels, y[part.numpy()])
        if stratify:
            shares = np.bincount(labels, minlength=3) - np.bincount(y, minlength=3) * len(labels) / n
            assert abs(shares).max() < 2
    again = split(x, sizes=sizes, seed=seed)
    if not stratify:
        assert [part.tolist() for part in again] == [part.tolist() for part, _ in parts]


def test_split_is_random():
    first, other = split(np.arange(100))[0], split(np.arange(100), seed=1)[0]
    assert first.tolist() != sorted(first) and set(first) != set(other)
    # a stratified part is not in the order of the classes either
    labels = split(np.arange(100), np.arange(100) // 50, (50, 50), stratify=True)[0][1]
    assert labels.sum() == 25 and set(labels.reshape(25, 2).sum(axis=1)) == {0, 1, 2}
    # and the only example of a class comes into the largest part
    for seed in range(5):
        assert split(np.arange(100), np.arange(100) // 99, (0.8, 0.2), seed, stratify=True)[0][1].sum() == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"sizes": (0.5, 0.4)}, "add up to 0.9, and should to 1"),
        ({"sizes": (5, 4)}, "add up to 9, and there are 10"),
        ({"sizes": (1.5, -0.5)}, "positive"),
        ({"sizes": ()}, "positive"),
        ({"sizes": (True, 9)}, "positive"),
        ({"sizes": (0.99, 0.01)}, "of 10 examples, a part of 0.01 has none"),
        ({"y": np.zeros(9)}, "10 examples and y 9"),
        ({"stratify": True}, "there is no y"),
        ({"stratify": True, "y": np.zeros((10, 2))}, r"not of shape \(10, 2\)"),
    ],
)
def test_splits_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        split(np.zeros((10, 3)), **arguments)


# ---- standardization


@pytest.mark.parametrize("make", [np.asarray, tg.tensor])
@pytest.mark.parametrize("axes, shape", [(0, (1, 4, 3)), ((0, 1), (1, 1, 3)), (None, (1, 1, 1))])
def test_standardize(make, axes, shape):
    values = np.random.default_rng(0).normal(5, 3, (50, 4, 3))
    x = make(values)
    standardize = Standardize(axes).fit(x)
    z = standardize(x)
    assert type(z) is type(x) and z.dtype == x.dtype == np.float64 and standardize.mean.shape == shape
    z = np.asarray(z)
    assert np.allclose(z.mean(axis=axes), 0, atol=1e-12) and np.allclose(z.std(axis=axes), 1)
    assert np.allclose(z, (values - values.mean(axis=axes)) / values.std(axis=axes))
    assert np.allclose(np.asarray(standardize.inverse(make(z))), values, rtol=1e-14, atol=1e-14)
    # another set, with the statistics of the first
    assert np.allclose(np.asarray(standardize(make(values[:2] + 1))), z[:2] + 1 / standardize.std)


def test_standardize_keeps_float32_and_converts_integers():
    x = np.random.default_rng(0).integers(0, 256, (20, 3), dtype=np.uint8)
    standardize = Standardize().fit(x)
    for given_x in (x, tg.tensor(x), x.astype(np.float32)):
        z = standardize(given_x)
        assert z.dtype == np.float32 and np.array_equal(np.rint(np.asarray(standardize.inverse(z))), x)


def test_constant_features_become_zero_and_come_back():
    x = np.tile(np.float32([0.1, 7, 0]), (11, 1))
    x[:, 2] = np.arange(11)
    standardize = Standardize().fit(x)
    z = standardize(x)
    assert np.array_equal(z[:, :2], np.zeros((11, 2))) and np.array_equal(standardize.inverse(z)[:, :2], x[:, :2])
    assert standardize.std[0, :2].tolist() == [1, 1]
    rounded = np.full((12, 1), 0.1)  # whose computed mean is another number
    assert rounded.std() > 0 and Standardize().fit(rounded).std == 1 and not Standardize().fit(rounded)(rounded).any()


def test_gradients_go_through_standardize():
    x = tg.tensor([[1.0, 2], [3, 8]], requires_grad=True)
    Standardize().fit(x)(x).sum().backward()
    assert np.allclose(x.grad.numpy(), [[1, 1 / 3], [1, 1 / 3]])


def test_mistakes_with_standardize():
    with pytest.raises(ValueError, match="fit"):
        Standardize()(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="no mean of no values"):
        Standardize().fit(np.zeros((0, 2)))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="not finite"), np.errstate(invalid="ignore"):
            Standardize().fit(np.array([[1.0], [bad]]))
    fitted = Standardize().fit(np.arange(6.0).reshape(2, 3))
    for shape in ((2, 2), (3,), (2, 1), (1, 2, 3)):
        with pytest.raises(ValueError, match=r"statistics of shape \(1, 3\), and x has shape"):
            fitted(np.zeros(shape))


# ---- vocabularies


@given(st.text(st.characters(max_codepoint=0x2FF), min_size=1, max_size=30))
def test_vocabulary_decodes_what_it_encodes(text):
    vocabulary = Vocabulary(text)
    numbers = vocabulary.encode(text)
    assert numbers.dtype == np.int64 and tuple(numbers.shape) == (len(text),)
    assert vocabulary.decode(numbers) == vocabulary.decode(numbers.tolist()) == text
    assert len(vocabulary) == len(set(text)) and list(vocabulary.characters) == sorted(set(text))
    hot = vocabulary.one_hot(text)
    assert hot.dtype == np.float32 and tuple(hot.shape) == (len(text), len(vocabulary))
    assert np.array_equal(hot.sum(1).numpy(), np.ones(len(text))) and vocabulary.decode(hot.argmax(-1)) == text
    assert text[0] in vocabulary


def test_vocabulary_of_names():
    vocabulary = Vocabulary(["bea", "abe", "\n"])
    assert vocabulary.characters == "\nabe" and repr(vocabulary) == "Vocabulary('\\nabe')"
    assert vocabulary.encode("bea\n").tolist() == [2, 3, 1, 0] and "c" not in vocabulary
    assert vocabulary.decode([]) == "" and len(vocabulary.encode("")) == 0
    assert vocabulary.one_hot("b").tolist() == [[0, 0, 1, 0]]


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda v: v.encode("abcab"), "the character 'c', at place 2 of the text, is none of the 2 in the vocab.*'ab'"),
        (lambda v: v.decode([0, 2]), "no character of number 2; they are 0 to 1"),
        (lambda v: v.decode([0, -1]), "no character of number -1"),
        (lambda v: v.decode([[0, 1]]), "one-hot"),
        (lambda v: v.decode([0.0, 1.0]), "integers of shape"),
        (lambda v: Vocabulary([]), "no characters"),
    ],
)
def test_mistakes_with_vocabularies(use, message):
    with pytest.raises(ValueError, match=message):
        use(Vocabulary("ab"))


# ---- mini-batches


def test_an_epoch_is_a_shuffled_partition_with_a_smaller_last_batch():
    tg.manual_seed(0)
    x = tg.arange(10).float()
    batches = [batch.tolist() for batch, _ in DataLoader(TensorDataset(x, -x), batch_size=4, shuffle=True)]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    together = sum(batches, [])
    assert sorted(together) == list(range(10)) and together != sorted(together)
    assert [len(b) for b, _ in DataLoader(TensorDataset(x, x), batch_size=4, drop_last=True)] == [4, 4]
