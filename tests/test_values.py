"""draw/values.py: arrays as data and as short texts."""

import base64
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu.draw.values import described, sampled, text_of, text_of_described

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")


def cells_of(heat):
    """The levels of a heat map, as an array of 0 … 255."""
    return np.frombuffer(base64.b64decode(heat["data"]), np.uint8).reshape(heat["rows"], heat["columns"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (0,), (0, 4), (2, 3), (64,), (65,), (40, 50), (3, 1, 70), (2, 3, 4, 5)])
def test_it_is_json_with_the_right_numbers(dtype, shape):
    array = np.random.default_rng(0).normal(0, 40, shape).astype(dtype)
    told = json.loads(json.dumps(described(array), allow_nan=False))
    assert told["shape"] == list(shape) and told["dtype"] == dtype
    if array.size <= 64:
        assert set(told) == {"shape", "dtype", "full"}
        assert np.allclose(told["full"], array.ravel().astype(float), rtol=1e-4, atol=0)
        return
    exact = array.astype(np.float64)
    expected = exact.min(), exact.max(), exact.mean(), exact.std()
    assert np.allclose([told[name] for name in ("min", "max", "mean", "std")], expected, rtol=1e-4, atol=1e-9)
    assert told["zeros"] == (exact == 0).sum() and told["nonfinite"] == 0
    counts, _ = np.histogram(exact, 24)
    assert sum(told["histogram"]) == array.size and np.abs(np.cumsum(told["histogram"] - counts)).max() <= 1
    heat = told["heat"]
    assert heat["rows"] == min(32, (1, *shape)[-2]) and heat["columns"] == min(32, shape[-1]) and "holes" not in heat


def test_numbers_have_five_digits_and_the_rest_is_text():
    told = described(np.array([1 / 3, -12345678, np.nan, np.inf, -np.inf, 1e-300, -0.0]))
    assert told["full"] == [0.33333, -12346000, "nan", "inf", "-inf", 1e-300, 0]
    assert described(np.array([True, False]))["full"] == [1, 0]
    assert described(np.array([2**60 + 1]))["full"] == [2**60 + 1]
    assert described(np.array([1 + 2j]))["full"] == ["(1+2j)"]
    assert described(np.zeros(65, complex)) == {"shape": [65], "dtype": "complex128"}
    assert "full" in described(np.zeros(100), full=100) and "min" in described(np.zeros(4), full=3)
    assert described(2.5) == {"shape": [], "dtype": "float64", "full": [2.5]}


def test_the_heat_map_shows_means_of_blocks():
    array = np.add.outer(np.arange(64) * 100.0, np.arange(128))
    heat = described(array)["heat"]
    blocks = array.reshape(32, 2, 32, 4).mean((1, 3))
    assert (heat["low"], heat["high"]) == (51.5, 6375.5)
    assert (cells_of(heat) == np.rint((blocks - 51.5) / 6324 * 255)).all()
    images = np.stack([array, 3 * array])
    assert (cells_of(described(images)["heat"]) == cells_of(heat)).all()  # the mean of everything before
    assert described(images)["heat"]["high"] == 12751
    few = described(array, cells=5)["heat"]
    edges = [0, 12, 25, 38, 51, 64], [0, 25, 51, 76, 102, 128]
    block = array[edges[0][1] : edges[0][2], edges[1][2] : edges[1][3]].mean()
    level = (block - few["low"]) / (few["high"] - few["low"]) * 255
    assert (few["rows"], few["columns"]) == (5, 5) and abs(cells_of(few)[1, 2] - level) <= 0.51


def test_what_is_not_finite_is_counted_and_shown_as_holes():
    array = np.ones((64, 64), np.float32)
    array[:2, :2], array[10, 20], array[63, 63] = np.nan, np.inf, -5
    told = json.loads(json.dumps(described(array), allow_nan=False))
    assert told["nonfinite"] == 5 and (told["min"], told["max"]) == (-5, 1)
    assert told["heat"]["holes"] == [0, 5 * 32 + 10]
    assert sum(told["histogram"]) == array.size - 5
    assert told["heat"]["low"] == -0.5 and cells_of(told["heat"])[31, 31] == 0 and cells_of(told["heat"])[5, 10] == 255
    told = described(np.full((70, 70), np.nan))
    assert told["min"] is told["max"] is told["mean"] is told["std"] is None and told["nonfinite"] == 4900
    assert len(told["heat"]["holes"]) == 1024 and sum(told["histogram"]) == 0


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1.0, 1e200, 1e308])
def test_numbers_of_any_size(scale):
    array = np.array([-1.0, 0, 1] * 50) * scale
    with np.errstate(all="raise"):
        told = described(array)
    assert math.isclose(told["std"], scale * math.sqrt(2 / 3), rel_tol=1e-4)
    assert told["histogram"][0] == told["histogram"][12] == told["histogram"][-1] == 50
    assert told["min"] == -scale and told["max"] == scale and abs(told["mean"]) < scale / 1e9


def test_a_constant_is_in_the_middle():
    told = described(np.full(100, 7.0))
    assert told["histogram"][12] == 100 and told["min"] == told["max"] == 7 and told["std"] == 0
    assert set(cells_of(told["heat"]).ravel()) == {127}


def test_narrow_floats_do_not_overflow():
    told = described(np.full(1000, 60000, np.float16))
    assert told["mean"] == described(np.float16(60000))["full"][0] and told["std"] == 0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(width=64) | st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf]), min_size=1, max_size=40)
)
def test_any_numbers_can_be_described(numbers):
    array = np.array(numbers)
    told = json.loads(json.dumps(described(array, full=0), allow_nan=False))
    finite = array[np.isfinite(array)]
    assert told["nonfinite"] + sum(told["histogram"]) == array.size and told["nonfinite"] == array.size - finite.size
    if finite.size:
        assert math.isclose(told["min"], finite.min(), rel_tol=1e-4) and told["min"] <= told["max"]
        assert told["histogram"][0] and told["histogram"][-1] or told["min"] == told["max"]
    assert isinstance(text_of(array, full=0), str)


def test_views_and_orders_of_memory():
    array = np.random.default_rng(1).normal(size=(90, 40))
    assert described(array.T) == described(np.ascontiguousarray(array.T))
    assert described(array[::-2, 1:]) == described(array[::-2, 1:].copy())
    assert described(np.broadcast_to(np.float32(2), (50, 50)))["mean"] == 2
    before = array.copy()
    described(array)
    assert (before == array).all()


def test_texts():
    assert text_of(np.float32(0.1)) == "0.1" and text_of(np.array(7)) == "7"
    assert text_of(np.array([[1, -0.25], [math.nan, 1e-7]])) == "[[1, -0.25], [nan, 1e-07]]"
    assert text_of(np.array([True, False])) == "[True, False]" and text_of(np.zeros((0, 3))) == "[]"
    assert text_of(np.arange(10.0)) == "0 … 9, mean 4.5, std 2.8723, 1 of 10 zero"
    assert text_of(np.arange(10.0), full=10) == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    assert text_of(np.full(100, 3)) == "all 3" and text_of(np.zeros(100)) == "all 0"
    assert text_of(np.full(100, math.nan)) == "no finite number, 100 of 100 not finite"
    assert text_of(np.array([3.0, math.inf] * 50)) == "3 where finite, 50 of 100 not finite"
    assert text_of(np.zeros(10, complex)) == "10 elements"


@pytest.mark.parametrize("array", [np.arange(3.0), np.array(5), np.array([[True]]), np.arange(100.0), np.zeros((0, 2))])
def test_a_description_has_the_same_text_as_its_array(array):
    assert text_of_described(described(array, full=8)) == text_of(array)


# ---- samples


@pytest.mark.parametrize(
    "shape", [(), (7,), (5000,), (784, 128), (3, 1, 70, 90), (64, 16, 12, 12), (1, 2000), (2000, 1)]
)
def test_samples(shape):
    array = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    array[array > 1] = 0
    sample = sampled(array, 1000)
    told, exact = described(sample), described(array)
    assert (
        told["shape"] == exact["shape"] and sample.dtype == array.dtype and not np.shares_memory(sample.elements, array)
    )
    if array.size <= 1000:
        assert told == exact and text_of(sample) == text_of(array)
        return
    assert 200 <= sample.elements.size <= 1000 and told["sampled"] == sample.elements.size == sum(told["histogram"])
    assert (told["min"], told["max"], told["nonfinite"]) == (exact["min"], exact["max"], 0)
    assert abs(told["mean"] - exact["mean"]) < 0.15 and abs(told["std"] - exact["std"]) < 0.1
    assert abs(told["zeros"] / exact["zeros"] - 1) < 0.25
    assert "mean about " in text_of(sample) and "about" not in text_of(array)


def test_a_sample_knows_of_every_element_that_is_not_finite():
    array = np.zeros((300, 300))
    array[1, 1], array[299, 298], array[7, 7] = np.nan, np.inf, 5
    told = json.loads(json.dumps(described(sampled(array, 50)), allow_nan=False))
    assert told["nonfinite"] == 2 and (told["min"], told["max"]) == (0, 5)
    assert json.dumps(described(sampled(np.full(999, np.nan), 50)), allow_nan=False)
    assert described(sampled(np.full(999, np.nan), 50))["min"] is None
    assert described(sampled(np.zeros(999, complex), 50)) == {"shape": [999], "dtype": "complex128"}


def test_samples_are_compared():
    array = np.random.default_rng(3).normal(size=(200, 90))
    other = array.copy()
    assert sampled(array, 100).same(sampled(other, 100))
    other[1, 1] = 1e9  # an extreme, though not among the elements
    assert not sampled(array, 100).same(sampled(other, 100))
    assert not sampled(array[:3, :3], 100).same(sampled(other[:3, :3], 100))
    assert sampled(np.array(math.nan), 9).same(sampled(np.array(math.nan), 9))
    assert not sampled(np.zeros(2), 9).same(sampled(np.zeros((1, 2)), 9))


def test_a_sample_without_finite_elements():
    array = np.full((90, 90), np.nan)
    array[1, 1] = 3.5
    sample = sampled(array, 100)
    assert not np.isfinite(sample.elements).any()
    assert described(sample)["min"] == 3.5 and described(sample)["mean"] is None
    assert text_of(sample) == "3.5 where finite, 8,099 of 8,100 not finite"
