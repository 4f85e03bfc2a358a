"""Ways of computing that only large or unusual arrays take, and that the generated tests with their small ones do not
reach."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.engine import array_sum_to
from tinygrad_edu.ops.comparison import MANY, chosen
from tinygrad_edu.ops.neural import exponentials, largest_along

RNG = np.random.default_rng(0)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5])


def numbers(*shape, dtype=np.float32):
    """Random numbers, every tenth one special."""
    x = RNG.standard_normal(shape).astype(dtype)
    return np.where(RNG.random(shape) < 0.1, RNG.choice(SPECIAL, shape).astype(dtype), x)


def same_bits(x, y):
    assert x.dtype == y.dtype and x.shape == y.shape
    np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(np.signbit(x), np.signbit(y))


N = MANY // 64 + 3
CHOICES = {
    "arrays": ((N, 64), (N, 64), (N, 64)), "second a number": ((N, 64), (N, 64), ()),
    "first a number": ((N, 64), (), (N, 64)),
    "a small condition": ((64,), (N, 64), (N, 64)), "a condition for rows": ((N, 1), (N, 64), (64,)),
    "a large condition": ((N, 64), (64,), (N, 1)), "all broadcast": ((3, 1, 64), (N, 64), (3, 1, 1)),
    "small": ((4,), (4,), (4,)),
    "numbers and a condition": ((N, 64), (), ()),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("shapes", CHOICES.values(), ids=CHOICES)
def test_choice_without_branches(shapes, dtype):
    condition, x, y = RNG.random(shapes[0]) < 0.5, numbers(*shapes[1], dtype=dtype), numbers(*shapes[2], dtype=dtype)
    same_bits(chosen(condition, x, y), np.where(condition, x, y))
    same_bits(chosen(condition.astype(np.int64), x, y), np.where(condition, x, y))
    if x.ndim > 1:
        same_bits(chosen(condition, x[:, ::-1], y), np.where(condition, x[:, ::-1], y))


def test_choice_with_python_numbers():
    condition, x = RNG.random((N, 64)) < 0.5, numbers(N, 64)
    for number in (0.0, -0.0, 0, 2, math.inf, -math.inf):
        same_bits(chosen(condition, x, number), np.where(condition, x, np.float32(number)))
        same_bits(chosen(condition, number, x), np.where(condition, np.float32(number), x))


def test_gradient_of_relu_is_exact_whatever_comes_back():
    x = tg.tensor(RNG.standard_normal((N, 64)).astype(np.float32)).requires_grad_()
    g = numbers(N, 64)
    tg.relu(x).backward(tg.tensor(g))
    same_bits(x.grad.numpy(), np.where(x.detach().numpy() > 0, g, np.float32(0)))


@pytest.mark.parametrize(
    "offset, scale", [(0, 1), (0, 30), (59, 0.5), (70, 1), (200, 1), (-30, 1), (-200, 1), (0, 300)]
)
def test_softmax_of_numbers_of_any_size(offset, scale):
    x = RNG.standard_normal((40, 50)) * scale + offset
    exact = np.exp(x - x.max(1, keepdims=True))
    exact /= exact.sum(1, keepdims=True)
    np.testing.assert_allclose(tg.softmax(tg.tensor(x), 1).numpy(), exact, rtol=1e-12)
    single = x.astype(np.float32)
    exact = np.exp(single.astype(float) - single.max(1, keepdims=True))
    exact /= exact.sum(1, keepdims=True)
    np.testing.assert_allclose(tg.softmax(tg.tensor(single), 1).numpy(), exact, rtol=3e-5, atol=1e-30)
    if scale < 30:
        losses = nn.functional.cross_entropy(tg.tensor(single), tg.tensor(single.argmin(1)), reduction="none")
        expected = -np.log(exact[np.arange(40), single.argmin(1)])
        np.testing.assert_allclose(losses.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_rows_that_differ_by_more_than_numbers_reach():
    """One row of large numbers, and one whose exponentials vanish."""
    x = np.array([[50.0, 49.0], [-120.0, -121.0]], np.float32)
    np.testing.assert_allclose(tg.softmax(tg.tensor(x), 1).numpy(), [[0.7310586, 0.2689414]] * 2, rtol=1e-5)
    _, sums, shift = exponentials(x, 1)
    np.testing.assert_allclose(np.log(sums) + shift, [[50.313262], [-119.68674]], rtol=1e-6)


def test_softmax_of_special_numbers():
    x = np.array([[np.nan, 1.0], [np.inf, 1.0], [-np.inf, 1.0], [-np.inf, -np.inf], [1.0, 1.0]], np.float32)
    for dim in (0, 1):
        with np.errstate(invalid="ignore"):
            e = np.exp(x - x.max(dim, keepdims=True))
            np.testing.assert_allclose(tg.softmax(tg.tensor(x), dim).numpy(), e / e.sum(dim, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 512), (4, 513), (3, 1), (0, 4), (4, 0), (6,)])
def test_largest_of_rows(shape):
    x = RNG.standard_normal(shape)
    np.testing.assert_array_equal(
        largest_along(x, x.ndim - 1), np.maximum.reduce(x, -1, keepdims=True, initial=-np.inf)
    )
    np.testing.assert_array_equal(largest_along(x.T, 0), np.maximum.reduce(x.T, 0, keepdims=True, initial=-np.inf))


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("size", [1000, 700_000])
def test_gelu_in_single_precision(approximate, size):
    """To two units in the last place of the larger of x and the result; also where it is computed in blocks."""
    x = np.concatenate([np.linspace(-12, 12, size - 6), [0, 1e-30, 1e10, -1e10, 3e38, -3e38]]).astype(np.float32)
    exact = tg.tensor(x.astype(np.float64)).requires_grad_()
    single = tg.tensor(x).requires_grad_()
    results = [nn.functional.gelu(t, approximate) for t in (exact, single)]
    for r in results:
        r.sum().backward()
    ours, true = single.grad.numpy(), exact.grad.numpy()
    near = np.abs(x) < 100
    limit = 2.4e-7 * np.maximum(np.abs(x), 0.2)
    assert (np.abs(results[1].numpy(force=True) - results[0].numpy(force=True)) <= limit)[near].all()
    np.testing.assert_allclose(ours[near], true[near], atol=3e-6)
    far = results[1].numpy(force=True)[~near]
    np.testing.assert_array_equal(far, np.where(x[~near] > 0, x[~near], 0))


@pytest.mark.parametrize(
    "shape, target", [((70, 80), (80,)), ((7, 10, 80), (80,)), ((7, 10, 80), (10, 80)), ((5000, 1), (1,))]
)
def test_sums_of_rows(shape, target):
    x = RNG.standard_normal(shape)
    expected = x.reshape(-1, *target).sum(0)
    for array in (x, np.asfortranarray(x), x.astype(np.float32), (x * 100).astype(np.int64)):
        exact = expected if array.dtype.kind == "f" else array.reshape(-1, *target).sum(0)
        np.testing.assert_allclose(
            array_sum_to(array, target), exact, rtol=1e-3 if array.dtype == np.float32 else 1e-10, atol=1e-4
        )


INDICES = {
    "slices": [slice(0, 3), slice(2, 5), slice(None)], "integers": [0, 1, 0],
    "views": [(slice(None), 0), (Ellipsis, slice(1, 3))],
    "arrays": [np.array([0, 2, 0]), slice(1, 4), np.array([0, 2, 0])],
    "pairs": [(np.array([0, 0]), np.array([1, 1])), 0],
    "booleans": [np.array([True, False, True, False, True]), 1],
    "mixtures": [(0, np.array([1, 1])), (slice(None), np.array([2, 2]))],
}  # fmt: skip


@pytest.mark.parametrize("indices", INDICES.values(), ids=INDICES)
def test_gradients_of_parts_are_added_in_place(indices, torch):
    """Several parts of one tensor: their gradients go into one array of zeros."""

    def run(T):
        x = T.tensor(np.arange(20.0).reshape(5, 4)).requires_grad_()
        kept = x * 2
        total = 0
        for number, index in enumerate(indices):
            index = tuple(
                T.tensor(i) if isinstance(i, np.ndarray) else i
                for i in (index if isinstance(index, tuple) else (index,))
            )
            part = kept[index]
            total = total + (part * part).sum() * (number + 1)
        (total + (kept * 3).sum()).backward()
        return x.grad.numpy()

    np.testing.assert_allclose(run(tg), run(torch))


def test_a_gradient_that_somebody_holds_is_not_added_to():
    x = tg.ones(4, requires_grad=True)
    y = x * 1
    seen = []
    whole = y * 2
    whole.register_hook(lambda g: seen.append(g))
    (whole.sum() + y[:2].sum() + y[1:].sum()).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3, 4, 3, 3])
    np.testing.assert_array_equal(seen[0].numpy(), [1, 1, 1, 1])
    start = np.ones(4)
    z = tg.tensor(np.zeros(4)).requires_grad_()
    w = z * 1
    tg.backward([w, w[:2], w[2:]], [tg.tensor(start), tg.ones(2, dtype=tg.float64), tg.ones(2, dtype=tg.float64)])
    np.testing.assert_array_equal(z.grad.numpy(), [2, 2, 2, 2])
    np.testing.assert_array_equal(start, 1)
