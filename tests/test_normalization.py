"""Normalisation, embeddings and distances where a comparison with PyTorch in float64 does not look."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.check import assert_gradients
from tinygrad_edu.define import op
from tinygrad_edu.ops import indexing, normalization, normalization_channels

F = nn.functional
RNG = np.random.default_rng(0)
X, W, B = RNG.standard_normal((3, 6, 4)), RNG.standard_normal(6), RNG.standard_normal(6)

NORMS = {
    "layer_norm": lambda x, w, b: F.layer_norm(x.mT, (6,), w, b).mT,
    "rms_norm": lambda x, w, b: F.rms_norm(x.mT, (6,), w).mT + b.sum(),
    "batch_norm": lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    "group_norm": lambda x, w, b: F.group_norm(x, 2, w, b),
    "instance_norm": lambda x, w, b: F.instance_norm(x, None, None, w, b),
}


def tensors(*arrays, dtype=np.float64):
    return [tg.tensor(a.astype(dtype), requires_grad=True) for a in arrays]


def value_and_gradients(norm, *arrays, dtype=np.float64):
    xs = tensors(*arrays, dtype=dtype)
    y = norm(*xs)
    (y * tg.tensor(np.cos(np.arange(y.numel())).reshape(y.shape), dtype=y.dtype)).sum().backward()
    return [y.detach().numpy(), *[x.grad.numpy() for x in xs]]


def assert_all_close(ones, others, rtol, atol):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_allclose(one, other, rtol, atol)


@pytest.mark.parametrize("far", [0.0, np.inf])
@pytest.mark.parametrize("name", NORMS)
def test_centred_or_not(name, far, monkeypatch):
    """Means that are taken out before and means that are not give the same."""
    expected = value_and_gradients(NORMS[name], X, W, B)
    monkeypatch.setattr(normalization, "FAR", far)
    monkeypatch.setattr(normalization_channels, "FAR", far)
    assert_all_close(value_and_gradients(NORMS[name], X, W, B), expected, 1e-10, 1e-12)


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("distance", [0.0, 3.0, 100.0, 1e4])
def test_single_precision_far_from_zero(name, distance):
    """float32 loses no more than the rounding of x itself: it is compared with float64 of the rounded x."""
    x = (X + distance).astype(np.float32).astype(np.float64)
    exact = value_and_gradients(NORMS[name], x, W, B)
    single = value_and_gradients(NORMS[name], x, W, B, dtype=np.float32)
    assert all(a.dtype == np.float32 for a in single)
    assert_all_close(single, exact, 2e-5, 2e-5)


@pytest.mark.parametrize("name", NORMS)
def test_half_precision(name):
    exact = value_and_gradients(NORMS[name], X.astype(np.float16).astype(np.float64), W, B)
    half = value_and_gradients(NORMS[name], X, W, B, dtype=np.float16)
    assert all(a.dtype == np.float16 for a in half)
    assert_all_close(half, exact, 2e-2, 2e-2)


@pytest.mark.parametrize("name", NORMS)
def test_third_derivatives(name):
    norm = NORMS[name]

    def gradient(*xs):
        return tg.grad((norm(*xs) ** 3).sum(), xs, create_graph=True)[0]  # Σ y² hardly depends on x

    assert_gradients(gradient, X[:2] * 2, W, B, order=2)


@pytest.mark.parametrize("name", NORMS)
def test_constant_input(name):
    """Nothing varies, and nothing is divided by 0."""
    y, dx, *_ = value_and_gradients(NORMS[name], np.full((3, 6, 4), 7.0), W, B)
    assert np.isfinite(y).all() and np.isfinite(dx).all()


@pytest.mark.parametrize("name", NORMS)
def test_nan_stays_where_it_is(name):
    x = X.copy()
    x[0, 0, 0] = np.nan
    y = NORMS[name](*[tg.tensor(a) for a in (x, W, B)]).numpy()
    assert np.isnan(y).any() and np.isfinite(y[-1, -1]).all()


def test_bias_without_weight():
    """It is as with a weight of 1; PyTorch has no gradients here."""
    for call in (
        lambda x, b, w: F.layer_norm(x, (6, 4), w and tg.ones_like(b), b),
        lambda x, b, w: F.group_norm(x, 3, w and tg.ones_like(b[:, 0]), b[:, 0]),
        lambda x, b, w: F.batch_norm(x, None, None, w and tg.ones_like(b[:, 0]), b[:, 0], True),
    ):  # fmt: skip
        one, other = (
            value_and_gradients(lambda x, b, w=w, call=call: call(x, b, w) ** 3, X, X[1]) for w in (None, True)
        )
        assert_all_close(one, other, 1e-12, 1e-14)


def test_empty_batches():
    assert F.layer_norm(tg.zeros(0, 4), (4,), tg.ones(4)).shape == (0, 4)
    assert F.layer_norm(tg.zeros(2, 0), (0,)).shape == (2, 0)
    w = tg.ones(4, requires_grad=True)
    F.layer_norm(tg.zeros(0, 4), (4,), w).sum().backward()
    assert w.grad.tolist() == [0.0] * 4
    bn = nn.BatchNorm1d(3)
    y = bn(tg.zeros(0, 3, requires_grad=True))
    y.sum().backward()
    assert y.shape == (0, 3) and bn.running_mean.tolist() == [0.0] * 3 and bn.running_var.tolist() == [1.0] * 3


def test_the_layout_in_memory_is_kept():
    """Channels that are last in memory stay so, in the result and in the gradient."""
    x = tg.tensor(RNG.standard_normal((2, 3, 4, 5))).permute(0, 3, 1, 2).detach().requires_grad_()
    seen = []
    x2 = x * 1
    x2.register_hook(lambda g: seen.append(g))
    y = nn.BatchNorm2d(5).double()(x2)
    (y * y.detach()).sum().backward()
    for a in (y.detach().numpy(), seen[0].numpy()):
        assert a.transpose(0, 2, 3, 1).flags.c_contiguous


def test_running_statistics_are_not_overwritten_unnoticed():
    bn = nn.BatchNorm1d(3)
    x = tg.tensor(RNG.standard_normal((5, 3)), dtype=tg.float32, requires_grad=True)
    y = (x * bn.running_mean).sum()
    bn(x)
    with pytest.raises(RuntimeError, match="batch_norm"):
        y.backward()


def test_evaluation_then_training_step():
    """What evaluation recorded does not depend on the running statistics as they are later."""
    bn = nn.BatchNorm1d(3).eval()
    x = tg.tensor(RNG.standard_normal((5, 3)), dtype=tg.float32, requires_grad=True)
    y = bn(x).sum()
    y.backward(retain_graph=True)
    before = x.grad.clone()
    assert (before != 0).all()


def test_cumulative_average():
    bn = nn.BatchNorm1d(3, momentum=None)
    batches = RNG.standard_normal((4, 5, 3)).astype(np.float32)
    for batch in batches:
        bn(tg.tensor(batch))
    np.testing.assert_allclose(bn.running_mean.numpy(), batches.mean((0, 1)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(bn.running_var.numpy(), batches.var(1, ddof=1).mean(0), rtol=1e-5)
    assert bn.num_batches_tracked.item() == 4 and bn.num_batches_tracked.dtype == tg.int64
    bn.reset_running_stats()
    assert bn.num_batches_tracked.item() == 0 and bn.running_var.tolist() == [1.0] * 3


def test_saved_values_go_with_joint_rules_only():
    with pytest.raises(TypeError, match="joint"):

        @op(lambda g: g, saves=("r",))
        def saves_without_joint(x):
            """x."""
            return x, x


# ---- embeddings


@pytest.mark.parametrize(
    "rows, numbers, width", [(5, 3, 2), (30, 400, 8), (300, 400, 8), (9000, 400, 8), (300, 2000, 1), (30, 2000, None)]
)
def test_rows_are_added_up(rows, numbers, width):
    """However they are added, the result is that of np.add.at, also with negative numbers and in two dimensions."""
    rest = () if width is None else (width,)
    index = RNG.integers(-rows, rows, (2, numbers // 2)) if numbers % 2 == 0 else RNG.integers(-rows, rows, numbers)
    values = RNG.standard_normal((*index.shape, *rest))
    one, other = RNG.standard_normal((2, rows, *rest))
    other[...] = one
    indexing.add_rows(one, index, values)
    np.add.at(other, index, values)
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_an_infinite_row_stays_alone():
    target, index, rows = np.zeros((4, 8)), np.arange(400) % 3, np.ones((400, 8))
    rows[1] = np.inf
    with np.errstate(invalid="ignore"):
        indexing.add_rows(target, index, rows)
    assert np.isinf(target[1]).all() and np.isfinite(target[[0, 2, 3]]).all()


def test_gradient_divided_by_frequency():
    """Each row's gradient divided by how often its number occurs: also where PyTorch confuses the counts of bags."""
    numbers = tg.tensor([2, 0, 2, 6, 5, 5])
    w = tg.ones(7, 3, requires_grad=True)
    F.embedding_bag(numbers, w, tg.tensor([0, 3]), scale_grad_by_freq=True, mode="sum").sum().backward()
    assert w.grad[:, 0].tolist() == [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]


def test_largest_of_bags_with_nan():
    w = tg.tensor([[np.nan, 1.0], [2.0, 3.0]])
    y = F.embedding_bag(tg.tensor([[0, 1]]), w, mode="max")
    assert y[0, 1].item() == 3.0


def test_embedding_renormalises_in_place():
    w = tg.tensor([[3.0, 4.0], [0.3, 0.4], [30.0, 40.0]], requires_grad=True)
    y = F.embedding(tg.tensor([0, 1]), w, max_norm=1.0)
    np.testing.assert_allclose(y.detach().numpy(), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-5)
    assert w[2].tolist() == [30.0, 40.0]
    y.sum().backward()
    assert w.grad.tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


# ---- distances


@pytest.mark.parametrize("p", [0.0, 1.0, 1.5, 2.0, 3.0, float("inf")])
def test_gradients_of_distances(p, torch):
    """First gradients, and those between equal points, where they are 0."""
    points = np.concatenate([RNG.standard_normal((4, 3)), np.ones((2, 3))])
    found = []
    for T in (tg, torch):
        x = T.tensor(points).requires_grad_()
        d = T.nn.functional.pdist(x, p)
        (d * T.arange(d.numel())).sum().backward()
        found.append(x.grad.numpy())
    np.testing.assert_allclose(*found, rtol=1e-10, atol=1e-12)


def test_zero_vectors(torch):
    zero, other = np.zeros((2, 3)), RNG.standard_normal((2, 3))
    for call in (
        lambda T, x, y: T.nn.functional.cosine_similarity(x, y),
        lambda T, x, y: T.nn.functional.pairwise_distance(x, x, eps=0.0) + y[:, 0],
        lambda T, x, y: T.nn.functional.normalize(x) * y,
    ):  # fmt: skip
        found = []
        for T in (tg, torch):
            x, y = (T.tensor(a).requires_grad_() for a in (zero, other))
            call(T, x, y).sum().backward()
            found.append([x.grad.numpy(), y.grad.numpy()])
        assert_all_close(*found, 1e-10, 1e-12)
        assert all(np.isfinite(g).all() for g in found[0])
