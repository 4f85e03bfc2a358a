"""Convolutions: every way of computing them against a loop, adjoints, memory, threads, dtypes; and lazy layers.

Comparisons with PyTorch are in cases_convolution.py, those with the definitions in test_ops.py.
"""

import itertools
import math
import tracemalloc

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import blas, nn
from tinygrad_edu.nn import functional as F
from tinygrad_edu.ops import convolution, convolution_plan, convolution_rows, convolution_taps
from tinygrad_edu.ops.convolution_plan import Plan

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies


def by_loop(x, w, bias, stride, padding, dilation, groups):
    """The formula of conv2d, read aloud: one sum for each element of the result, in float64."""
    x = np.pad(np.asarray(x, np.float64), ((0, 0), (0, 0), *padding))
    span = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:])]
    out = [(n - size) // s + 1 for n, size, s in zip(x.shape[2:], span, stride)]
    y = np.empty((len(x), len(w), *out))
    inputs, outputs = x.shape[1] // groups, len(w) // groups
    for n, o, *place in itertools.product(*map(range, y.shape)):
        first = o // outputs * inputs
        look = [slice(p * s, p * s + size, d) for p, s, size, d in zip(place, stride, span, dilation)]
        y[(n, o, *place)] = (x[(n, slice(first, first + inputs), *look)] * w[o]).sum()
    return y if bias is None else y + np.reshape(bias, (-1, *[1] * len(out)))


@st.composite
def problems(draw, dims=None):
    """Operands and settings of a small convolution."""
    dims = dims or draw(st.integers(1, 3))

    def several(low, high):
        return tuple([draw(st.integers(low, high)) for _ in range(dims)])

    groups = draw(st.sampled_from([1, 1, 2, 3]))
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel, stride, dilation = several(1, 3), several(1, 3), several(1, 2)
    padding = tuple([draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in range(dims)])
    sizes = tuple(
        [max(1, d * (k - 1) + 1 - a - b) + draw(st.integers(0, 3)) for d, k, (a, b) in zip(dilation, kernel, padding)]
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = random.standard_normal((draw(st.integers(1, 5)), inputs, *sizes))
    w = random.standard_normal((outputs, inputs // groups, *kernel))
    return x, w, random.standard_normal(outputs), (stride, padding, dilation, groups)


@st.composite
def ways(draw, plan):
    """A module that computes the convolution of a plan, which is changed to an arbitrary cut of the work."""
    plan.by_rows = plan.dilation[0] == 1 and draw(st.booleans())
    plan.batch, plan.batch_last = draw(st.integers(1, plan.N)), plan.by_rows and draw(st.booleans())
    plan.columns = math.prod(plan.X) * plan.batch
    plan.rows, plan.image_rows = draw(st.integers(1, plan.out[0])), draw(st.integers(1, plan.S[0]))
    return convolution_rows if plan.by_rows else convolution_taps


@hypothesis.given(st.data(), problems())
@hypothesis.settings(max_examples=60)
def test_every_way_computes_the_formula(data, problem):
    """By rows or by taps, in whatever units: the result is that of the loop, and the gradients are its adjoints."""
    x, w, bias, settings = problem
    expected = by_loop(x, w, bias, *settings)
    plan = Plan(x.shape, w.shape, expected.shape[2:], *settings)
    way = data.draw(ways(plan))
    y = np.full(expected.shape, np.nan)
    way.forward(plan, x, w, bias, y, np.dtype(float))
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    g = np.cos(np.arange(y.size)).reshape(y.shape)
    image = np.full(x.shape, np.nan)
    way.image_gradient(plan, g, w, image, np.dtype(float))
    weight = way.weight_gradient(plan, x, g, np.dtype(float)).reshape(w.shape)
    product = np.sum((y - bias.reshape(-1, *[1] * len(plan.out))) * g)
    np.testing.assert_allclose([np.sum(image * x), np.sum(weight * w)], product, rtol=1e-9, atol=1e-9)
    # ⟨·, x⟩ and ⟨·, w⟩ say little about places where x and w are small: other x and w
    np.testing.assert_allclose(
        np.sum(image * x[::-1]), np.sum(by_loop(x[::-1], w, None, *settings) * g), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(
        np.sum(weight * w[::-1]), np.sum(by_loop(x, w[::-1], None, *settings) * g), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("way", [convolution_rows, convolution_taps])
def test_units_in_any_order(way):
    """Threads take units as they come: what one left behind, a smaller or larger unit after it does not see."""
    x = np.random.default_rng(0).standard_normal((5, 2, 7, 6))
    plan = Plan(x.shape, (3, 2, 3, 3), (7, 6), (1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    units = [(0, 2, 5, 7), (0, 2, 0, 5), (2, 5, 1, 3), (0, 1, 6, 7), (0, 2, 0, 7), (2, 4, 0, 7)]
    for plan.batch_last in (False, True) if way is convolution_rows else (False,):
        columns = way.Columns(plan, x, x.dtype)
        for unit in units:
            alone = way.Columns(plan, x, x.dtype)(*unit)
            np.testing.assert_array_equal(columns(*unit), alone)


@hypothesis.given(problems(dims=2))
def test_adjoint_of_layers(problem):
    """⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩ with the same weight and settings."""
    x, w, _, (stride, padding, dilation, groups) = problem
    padding = tuple([a for a, _ in padding])
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if any(n + 2 * p < d * (k - 1) + 1 for n, p, d, k in zip(x.shape[2:], padding, dilation, w.shape[2:])):
        return
    y = F.conv2d(tg.tensor(x), tg.tensor(w), **settings)
    g = np.sin(np.arange(y.numel())).reshape(y.shape)
    lost = [
        (n + 2 * p - d * (k - 1) - 1) % s for n, p, d, k, s in zip(x.shape[2:], padding, dilation, w.shape[2:], stride)
    ]
    back = F.conv_transpose2d(tg.tensor(g), tg.tensor(w), output_padding=tuple(lost), **settings)
    assert back.shape == x.shape
    np.testing.assert_allclose((y.numpy() * g).sum(), (back.numpy() * x).sum(), rtol=1e-9, atol=1e-9)


LARGE = [  # x, weight, settings: what the tests above are too small for
    ((33, 3, 9, 10), (4, 3, 3, 3), {"padding": 1}), ((33, 3, 9, 10), (4, 3, 2, 3), {"stride": 2}),
    ((20, 4, 60), (6, 4, 5), {}),
    ((2, 3, 40, 70), (40, 3, 3, 3), {"padding": 1}), ((17, 8, 4, 4), (8, 8, 3, 3), {"padding": 1}),
    ((3, 4, 30, 50), (8, 2, 3, 3), {"dilation": 2, "groups": 2}),
    ((18, 4, 5, 6, 7), (6, 4, 3, 3, 3), {"padding": 1}), ((5, 16, 20, 20), (8, 16, 1, 1), {}),
    ((40, 6, 12, 12), (6, 1, 3, 3), {"groups": 6}),
]  # fmt: skip


def results(shape, kernel, settings, dtype=np.float64, rounded=np.float64):
    """The result of a convolution and its gradients, computed in `dtype`; the operands are rounded to another one
    first."""
    random = np.random.default_rng(0)
    x, w, b = [
        tg.tensor(random.standard_normal(size).astype(rounded).astype(dtype), requires_grad=True)
        for size in (shape, kernel, kernel[:1])
    ]
    y = getattr(F, f"conv{len(shape) - 2}d")(x, w, b, **settings)
    y.backward(tg.tensor(np.cos(np.arange(y.numel())).reshape(y.shape).astype(rounded).astype(dtype)))
    return [y.detach().numpy(), x.grad.numpy(), w.grad.numpy(), b.grad.numpy()]


@pytest.fixture
def plans(monkeypatch):
    """A function that sets constants of convolution_plan; plans made with other constants are forgotten."""

    def change(**constants):
        for name, value in constants.items():
            monkeypatch.setattr(convolution_plan, name, value)
        convolution_plan.plan_of.cache_clear()

    yield change
    convolution_plan.plan_of.cache_clear()


@pytest.mark.parametrize("shape, kernel, settings", LARGE)
def test_units_and_threads_change_nothing_but_rounding(shape, kernel, settings, plans):
    plans(UNIT=1 << 30)
    expected = results(shape, kernel, settings)
    np.testing.assert_allclose(expected[0], definition(shape, kernel, settings), rtol=1e-11, atol=1e-11)
    for unit in (1, 1000, 1 << 14):
        for worth in (0, 1 << 60):
            plans(UNIT=unit, WORTH_THREADS=worth)
            first, again = results(shape, kernel, settings), results(shape, kernel, settings)
            for a, b, c in zip(first, again, expected):
                np.testing.assert_array_equal(a, b, "the same call gives the same numbers, to the last bit")
                np.testing.assert_allclose(a, c, rtol=1e-11, atol=1e-11)


def definition(shape, kernel, settings):
    random = np.random.default_rng(0)
    x, w, b = [random.standard_normal(size) for size in (shape, kernel, kernel[:1])]
    dims = len(shape) - 2
    settings = {
        name: settings.get(name, default) for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    } | {"groups": settings.get("groups", 1)}
    stride, padding, dilation = [(settings[name],) * dims for name in ("stride", "padding", "dilation")]
    return convolution.conv.op.definition(
        x, w, b, stride, tuple([(p, p) for p in padding]), dilation, settings["groups"]
    )


@pytest.mark.parametrize("shape, kernel, settings", LARGE)
def test_float32_and_float16(shape, kernel, settings):
    """float32 is as accurate as a product of matrices in float32; float16 is computed in float32 and rounded."""
    for dtype, rtol in ((np.float32, 1e-5), (np.float16, 1e-3)):
        exact = results(shape, kernel, settings, rounded=dtype)
        for value, expected in zip(results(shape, kernel, settings, dtype, dtype)[:3], exact):
            assert value.dtype == dtype
            np.testing.assert_allclose(value, expected, rtol=rtol, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_integers_are_exact(dtype):
    x, w = np.arange(300).reshape(2, 3, 5, 10) % 7, np.arange(54).reshape(2, 3, 3, 3) % 5
    y = F.conv2d(tg.tensor(x.astype(dtype)), tg.tensor(w.astype(dtype)), padding=1)
    expected = by_loop(x, w, None, (1, 1), ((1, 1), (1, 1)), (1, 1), 1).astype(np.int64).astype(dtype)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("shape, kernel, settings", LARGE)
def test_a_nan_stays_where_it_is_seen(shape, kernel, settings):
    """Only places whose window holds the NaN are NaN: no way reads, and multiplies by 0, what is beside the window."""
    random = np.random.default_rng(0)
    x, w = random.standard_normal(shape), np.ones(kernel)
    x[(1, 1, *[n - 1 for n in shape[2:]])] = np.nan
    function = getattr(F, f"conv{len(shape) - 2}d")
    y = function(tg.tensor(x), tg.tensor(w), **settings).numpy()
    seen = function(tg.tensor(np.isnan(x).astype(float)), tg.tensor(w), **settings).numpy() > 0
    np.testing.assert_array_equal(np.isnan(y), seen)


@pytest.mark.parametrize(
    "shape, kernel, settings",
    [
        ((64, 32, 40, 40), (32, 32, 3, 3), {"padding": 1}), ((2, 16, 300, 300), (16, 16, 3, 3), {"padding": 1}),
        ((2, 16, 300, 300), (16, 16, 3, 3), {"dilation": 2}), ((16, 4, 20000), (8, 4, 9), {}),
        ((64, 256, 4, 4), (256, 256, 3, 3), {"padding": 1}),
    ],
)  # fmt: skip
def test_memory(shape, kernel, settings):
    """Beside operands, results and a copy of each, a few MB: the columns of the batch would be 9 times the images."""
    random = np.random.default_rng(0)
    x, w = [tg.tensor(random.standard_normal(size).astype("f"), requires_grad=True) for size in (shape, kernel)]
    tracemalloc.start()
    y = getattr(F, f"conv{len(shape) - 2}d")(x, w, **settings)
    forward = tracemalloc.get_traced_memory()[1] - y.array.nbytes
    tracemalloc.stop()
    g = tg.tensor(np.ones(y.shape, "f"))
    tracemalloc.start()
    gradients = tg.grad(y, [x, w], g)
    backward = tracemalloc.get_traced_memory()[1] - sum(x.array.nbytes for x in gradients)
    tracemalloc.stop()
    allowed = 32 << 20
    assert forward < allowed and backward < allowed + 2 * w.array.nbytes, (forward >> 20, backward >> 20)


def test_unneeded_gradients_are_not_computed(monkeypatch):
    """The images of the first layer need no gradient, and frozen weights none either."""
    called = []
    for name in ("image_gradient", "weight_gradient"):
        for way in (convolution_rows, convolution_taps):
            right = getattr(way, name)
            monkeypatch.setattr(way, name, lambda *args, name=name, right=right: called.append(name) or right(*args))
    x, w = tg.ones(2, 3, 5, 5), tg.ones(4, 3, 3, 3, requires_grad=True)
    F.conv2d(x, w).sum().backward()
    assert called == ["weight_gradient"]
    called.clear()
    F.conv2d(x.requires_grad_(), w.detach()).sum().backward()
    assert called == ["image_gradient"]


@pytest.mark.skipif(blas.one_thread is None, reason="NumPy's BLAS is no OpenBLAS whose threads can be set")
def test_blas_gets_its_threads_back():
    before = blas.one_thread.get()
    with pytest.raises(KeyError), blas.one_thread, blas.one_thread:
        assert blas.one_thread.get() == 1
        raise KeyError
    assert blas.one_thread.get() == before


def test_without_blas_threads(monkeypatch, plans):
    """Where the number of threads of BLAS cannot be set, everything runs on one thread, and gives the same."""
    plans(WORTH_THREADS=0)
    expected = results(*LARGE[0])
    monkeypatch.setattr(blas, "one_thread", None)
    for a, b in zip(results(*LARGE[0]), expected):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


def test_an_error_in_a_thread_is_raised(plans):
    """Not swallowed, and the threads of BLAS are as before."""
    plans(WORTH_THREADS=0)

    def work(units):
        for unit in units:
            raise KeyError(unit)

    plan = convolution_plan.plan_of((4, 1, 3, 3), (1, 1, 1, 1), (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1)
    with pytest.raises(KeyError):
        convolution_plan.shared_out(work, [1, 2, 3, 4], plan)
    assert blas.one_thread is None or blas.one_thread.inside == 0


# ---- layers


@pytest.mark.parametrize(
    "name, shape",
    [
        ("Conv1d", (2, 4, 5)), ("Conv2d", (2, 4, 5, 5)), ("Conv3d", (2, 4, 5, 5, 5)), ("ConvTranspose1d", (4, 5)),
        ("ConvTranspose2d", (2, 4, 5, 5)), ("ConvTranspose3d", (2, 4, 5, 5, 5)),
    ],
)  # fmt: skip
def test_lazy_convolutions(name, shape):
    """After the first call a lazy layer is an ordinary one, with the very values that an ordinary one starts with."""
    lazy = getattr(nn, "Lazy" + name)(6, 3, groups=2, stride=2)
    settings = "kernel_size=(3" + ", 3" * (len(name) and int(name[-2]) - 1) + ("," if name[-2] == "1" else "") + ")"
    assert repr(lazy).startswith(f"Lazy{name}(0, 6, {settings}") and repr(lazy.weight) == "<UninitializedParameter>"
    x = tg.ones(*shape)
    tg.manual_seed(0)
    y = lazy(x)
    tg.manual_seed(0)
    plain = getattr(nn, name)(4, 6, 3, groups=2, stride=2)
    assert type(lazy) is type(plain) and repr(lazy) == repr(plain) and type(lazy.weight) is nn.Parameter
    np.testing.assert_array_equal(y.numpy(force=True), plain(x).numpy(force=True))
    y.sum().backward()
    assert lazy.weight.grad is not None


def test_lazy_linear():
    lazy = nn.Sequential(nn.LazyLinear(5, bias=False), nn.ReLU(), nn.LazyLinear(2)).double()
    assert repr(lazy[0]) == "LazyLinear(in_features=0, out_features=5, bias=False)"
    assert lazy(tg.ones(3, 4, dtype=tg.float64)).shape == (3, 2)
    assert repr(lazy[2]) == "Linear(in_features=5, out_features=2, bias=True)" and lazy[2].weight.dtype == tg.float64


def test_lazy_layer_takes_a_state():
    """load_state_dict gives the parameters their shapes."""
    plain, lazy = nn.Conv2d(3, 4, 3), nn.LazyConv2d(4, 3)
    lazy.load_state_dict(plain.state_dict())
    x = tg.randn(2, 3, 5, 5)
    np.testing.assert_array_equal(lazy(x).numpy(force=True), plain(x).numpy(force=True))
    assert type(lazy) is nn.Conv2d and lazy.in_channels == 3


def test_a_lazy_layer_belongs_to_the_optimizer_it_was_given_to():
    lazy = nn.LazyLinear(2)
    optimizer = tg.optim.SGD(lazy.parameters(), lr=0.1)
    lazy(tg.ones(1, 3)).sum().backward()
    before = lazy.weight.numpy(force=True).copy()
    optimizer.step()
    np.testing.assert_allclose(lazy.weight.numpy(force=True), before - 0.1, rtol=1e-6)


def test_channels_of_lazy_groups():
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.LazyConv2d(4, 3, groups=2)(tg.ones(1, 3, 8, 8))
