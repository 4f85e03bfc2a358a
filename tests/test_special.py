"""erf and erfc of arrays against the C library's, number by number."""

import math
import warnings

import numpy as np
import pytest

from tinygrad_edu.inverse_erf import erfinv
from tinygrad_edu.special import erf, erfc

RNG = np.random.default_rng(0)
POINTS = np.concatenate(
    [
        RNG.uniform(-7, 7, 20_000), RNG.uniform(0, 28, 10_000), np.linspace(-1, 1, 2001),
        10 ** RNG.uniform(-300, 1, 2_000),
        [0.0, 0.46875, np.nextafter(0.46875, 1), 4.0, np.nextafter(4.0, 5), -4.0, 26.5, 27.2],
    ]
)  # fmt: skip
SMALLEST_NORMAL = {np.float32: 1.2e-38, np.float64: 2.3e-308}


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def units_in_the_last_place(got, exact, dtype):
    """The largest error, in steps of dtype at the exact value; where that is subnormal, steps of the smallest normal
    number.
    """
    size = np.maximum(np.abs(exact), SMALLEST_NORMAL[dtype]).astype(dtype)
    return float(np.max(np.abs(got.astype(np.float64) - exact) / np.spacing(size).astype(np.float64)))


@pytest.mark.parametrize("function, exact", [(erf, math.erf), (erfc, math.erfc)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_few_units_in_the_last_place(function, exact, dtype):
    x = POINTS.astype(dtype)
    expected = np.array([exact(v) for v in x.astype(float)])
    got = function(x)
    assert got.dtype == dtype and got.shape == x.shape
    bound = {(erf, np.float64): 4, (erf, np.float32): 4, (erfc, np.float64): 8, (erfc, np.float32): 1}[function, dtype]
    assert units_in_the_last_place(got, expected, dtype) <= bound


def test_erfc_is_relatively_accurate_until_it_underflows():
    x = np.linspace(5, 26.5, 2000)
    exact = np.array([math.erfc(v) for v in x])
    np.testing.assert_allclose(erfc(x), exact, rtol=2e-15)
    assert exact[-1] < 1e-300


def test_erf_never_leaves_its_range_and_is_odd():
    for dtype in (np.float16, np.float32, np.float64):
        x = POINTS.astype(dtype)
        assert np.abs(erf(x)).max() == 1 and (erf(-x) == -erf(x)).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_special_values(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 100.0, -100.0], dtype)
    np.testing.assert_array_equal(erf(x), [np.nan, 1, -1, 0, -0.0, 1, -1])
    np.testing.assert_array_equal(erfc(x), [np.nan, 0, 2, 1, 1, 0, 2])
    assert np.signbit(erf(x)[4]) and erf(x).dtype == erfc(x).dtype == dtype


@pytest.mark.parametrize("function", [erf, erfc])
def test_shapes_layouts_and_operand_unchanged(function):
    for dtype in (np.float16, np.float32, np.float64):
        for shape in [(), (0,), (0, 3), (1,), (2, 3, 4)]:
            assert function(np.ones(shape, dtype)).shape == shape
        x = RNG.standard_normal((6, 5)).astype(dtype)
        before = x.copy()
        np.testing.assert_array_equal(function(x.T), function(x).T)
        np.testing.assert_array_equal(function(x[::2, ::-1]), function(x)[::2, ::-1])
        np.testing.assert_array_equal(x, before)
    assert function(np.array([0, 1])).dtype == np.float64


def test_erfinv_is_the_inverse():
    y = np.concatenate([RNG.uniform(-3, 3, 5000), 10.0 ** RNG.uniform(-300, 0, 1000), [0.0]])
    x = np.array([math.erf(v) for v in y])
    condition = np.maximum(1, np.exp(y * y) / np.maximum(np.abs(y), 1e-300) * np.abs(x))  # of y as a function of x
    assert np.max(np.abs(erfinv(x) - y) / np.maximum(np.abs(y), 1e-300) / condition) < 1e-15
    ends = erfinv(np.array([1.0, -1.0, 1.5, np.nan, np.nextafter(1, 0)]))
    assert (
        ends[0] == np.inf
        and ends[1] == -np.inf
        and np.isnan(ends[2:4]).all()
        and abs(ends[4] - 5.8635847487551676) < 1e-14
    )
    assert erfinv(np.array([0.5], np.float32)).dtype == np.float32 and np.signbit(erfinv(np.array([-0.0]))[0])
