"""Properties of pooling and resampling that no comparison on small examples shows: any geometry, large arrays, order
in memory."""

import numpy as np
import pytest

pytest.importorskip("hypothesis")

import hypothesis.strategies as st  # noqa: E402
from hypothesis import given  # noqa: E402

import tinygrad_edu as tg  # noqa: E402
from tinygrad_edu import blocks  # noqa: E402
from tinygrad_edu.nn import functional as F  # noqa: E402
from tinygrad_edu.ops import pooling_windows, resampling_maps  # noqa: E402

RNG = np.random.default_rng(0)


@st.composite
def geometries(draw):
    """Windows along one dimension, any that PyTorch allows."""
    kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    reach = (kernel - 1) * dilation + 1
    padding = draw(st.integers(0, reach // 2 if dilation == 1 else 0))
    size = draw(st.integers(max(1, reach - 2 * padding), 12))
    return pooling_windows.geometry(size, kernel, draw(st.integers(1, 5)), padding, dilation, draw(st.booleans()))


def places(w, o):
    """The places at which window number o looks, one by one."""
    first = o * w.stride - w.padding
    return [k for k in range(first, first + w.kernel * w.dilation, w.dilation) if 0 <= k < w.size]


@given(geometries(), geometries(), st.integers(0, 2**31))
def test_windows_one_by_one(rows, columns, seed):
    """Maxima, sums and where gradients go are those of loops over windows; few different values make ties, some are
    NaN."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 4, (2, rows.size, columns.size)).astype(float)
    x[random.random(x.shape) < 0.1] = random.choice([np.nan, -np.inf])
    g = random.standard_normal((2, rows.count, columns.count))
    largest, sums, back, spread = np.zeros_like(g), np.zeros_like(g), np.zeros_like(x), np.zeros_like(x)
    for b, i, j in np.ndindex(g.shape):
        seen = [(b, r, c) for r in places(rows, i) for c in places(columns, j)]
        values = np.array([x[place] for place in seen])
        largest[b, i, j], sums[b, i, j] = values.max(), values.sum()
        nan = np.flatnonzero(np.isnan(values))
        back[seen[nan[-1] if len(nan) else values.argmax()]] += g[b, i, j]
        for place in seen:
            spread[place] += g[b, i, j]
    windows = (rows, columns)
    np.testing.assert_array_equal(pooling_windows.reduced(np.maximum, x, windows), largest)
    np.testing.assert_allclose(pooling_windows.reduced(np.add, x, windows), sums, atol=1e-12)
    np.testing.assert_allclose(pooling_windows.to_largest(g, x, largest, windows), back, atol=1e-12)
    np.testing.assert_allclose(pooling_windows.spread(g, windows), spread, atol=1e-12)


def test_infinite_gradients_stay_where_they_belong():
    x = tg.tensor([[[1.0, 2.0, 3.0, 0.0, 5.0, 5.0]]], requires_grad=True)
    F.max_pool1d(x, 2).backward(tg.tensor([[[float("inf"), float("nan"), 1.0]]]))
    np.testing.assert_array_equal(x.grad.numpy(), [[[0, np.inf, np.nan, 0, 1, 0]]])


LARGE = RNG.integers(0, 50, (13, 16, 54, 53)).astype(np.float32)
CALLS = [
    lambda x: F.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: F.avg_pool2d(x, 2),
    lambda x: F.avg_pool2d(x, 3, 1, 1, True, False),
    lambda x: F.max_pool2d(x, (2, 1), 1), lambda x: F.interpolate(x, scale_factor=2),
    lambda x: F.max_pool2d(x.transpose(2, 3), 2),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("part", [slice(None), slice(0, 1)], ids=["batch", "one image"])
def test_parts_on_threads(call, part, monkeypatch):
    """Large arrays are worked on in parts, by several threads: the result is that of one piece."""
    results = []
    for large in (1 << 12, LARGE.size + 1):
        monkeypatch.setattr(blocks, "LARGE", large)
        monkeypatch.setattr(blocks, "BLOCK", 1 << 12)
        x = tg.tensor(LARGE[part], requires_grad=True)
        y = call(x)
        y.backward(y.detach() / 50)
        results.append((y.numpy(force=True), x.grad.numpy()))
    for one, other in zip(*results):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("call", CALLS[:6])
def test_order_in_memory(call):
    """Images whose channels lie together give the same, and the result's channels lie together as well."""
    x = RNG.standard_normal((2, 5, 12, 14)).astype(np.float32)
    other = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    one, two = call(tg.tensor(x)).numpy(), call(tg.from_numpy(other)).numpy()
    np.testing.assert_allclose(one, two, rtol=1e-6)
    assert two.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64])
def test_dtypes(dtype):
    x = tg.rand(2, 3, 7, 6).to(dtype).requires_grad_()
    for call in (
        *CALLS, lambda x: F.interpolate(x, 5, mode="bilinear"), lambda x: F.adaptive_avg_pool2d(x, 4),
        lambda x: F.lp_pool2d(x, 2, 2),
        lambda x: F.interpolate(x, 3, mode="bicubic", antialias=True), lambda x: F.adaptive_max_pool2d(x, 4),
        lambda x: F.pad(x, (1, 1, 2, 0), "reflect"),
    ):  # fmt: skip
        y = call(x)
        (g,) = tg.autograd.grad(y.sum(), [x])
        assert y.dtype == dtype and g.dtype == dtype


def test_plain_arrays():
    """Without Tensors everything computes plain arrays, as everywhere in the library."""
    x = RNG.standard_normal((2, 3, 6, 6))
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    grid = F.affine_grid(np.array([[[1.0, 0, 0], [0, 1, 0]]] * 2), (2, 3, 4, 4), align_corners=False)
    for result in (
        values, indices, F.avg_pool2d(x, 2), F.adaptive_max_pool2d(x, 4, True)[1], F.adaptive_avg_pool2d(x, 4),
        F.lp_pool2d(x, 2, 2), grid,
        F.max_unpool2d(values, indices, 2), F.interpolate(x, 4, mode="bicubic"),
        F.grid_sample(x, grid, align_corners=False), F.pad(x, (1, -1, 0, 2), "circular"),
        F.pixel_shuffle(x.reshape(1, 12, 3, 6), 2), F.channel_shuffle(x, 3),
    ):  # fmt: skip
        assert isinstance(result, np.ndarray)


# ---- resampling


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_values_stay_local(value):
    """A value that is not finite changes only what is computed from it, although products of matrices would spread
    it."""
    x = np.ones((1, 1, 40, 40))
    x[0, 0, 20, 20] = value
    y = F.interpolate(x, scale_factor=1.5, mode="bilinear")
    assert 0 < (~np.isfinite(y)).sum() <= 16
    y[~np.isfinite(y)] = 1
    np.testing.assert_allclose(y, 1)


@given(st.integers(1, 150), st.integers(1, 150), st.sampled_from(["linear", "cubic", "average", "filter", "nearest"]))
def test_maps(size, count, kind):
    """A map, applied in blocks, is its matrix; its adjoint is the transposed matrix; constants stay constant."""
    real = np.float64
    made = {
        "linear": lambda: resampling_maps.linear_map(size, count, False, None, real),
        "cubic": lambda: resampling_maps.cubic_map(size, count, True, None, real),
        "average": lambda: resampling_maps.average_map(size, count),
        "filter": lambda: resampling_maps.filter_map(size, count, "lanczos", False, None, real),
        "nearest": lambda: resampling_maps.nearest_map(size, count, None, True, real),
    }[kind]()  # fmt: skip
    matrix = made.matrix()
    np.testing.assert_allclose(made.T.matrix(), matrix.T, atol=1e-15)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-12)
    x, g = RNG.standard_normal((2, size, 3)), RNG.standard_normal((3, count))
    np.testing.assert_allclose(resampling_maps.apply(made, x, 1), matrix @ x, atol=1e-12)
    np.testing.assert_allclose(resampling_maps.apply(made.T, g, 1), g @ matrix, atol=1e-12)
    np.testing.assert_allclose(resampling_maps.gathered(made.T, g, 1), g @ matrix, atol=1e-12)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_shuffles_are_inverse(channels, height, width, r):
    x = RNG.standard_normal((2, channels * r * r, height, width))
    np.testing.assert_array_equal(F.pixel_unshuffle(F.pixel_shuffle(x, r), r), x)
    np.testing.assert_array_equal(F.channel_shuffle(F.channel_shuffle(x, r), channels * r), x)


def test_identity_grid():
    """The grid of the identity reads every value where it is."""
    x = RNG.standard_normal((2, 3, 4, 5))
    for align_corners in (False, True):
        grid = F.affine_grid(np.array([[[1.0, 0, 0], [0, 1, 0]]] * 2), x.shape, align_corners)
        for mode in ("bilinear", "nearest", "bicubic"):
            np.testing.assert_allclose(F.grid_sample(x, grid, mode, align_corners=align_corners), x, atol=1e-12)


@pytest.mark.parametrize("kind", ["max_pool1d", "avg_pool3d"])
def test_errors_help(kind):
    with pytest.raises(tg.OperationError, match=rf"{kind}: .*unsqueeze"):
        getattr(F, kind)(tg.zeros(2, 2, 2, 2, 2, 2), 2)
    with pytest.raises(tg.OperationError, match="at least 5 values to reflect"):
        F.pad(tg.zeros(1, 4), (4, 0), "reflect")
