"""The gradient checker: right gradients pass where careless checkers object, wrong ones fail where those are blind."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.check import assert_gradients, gradients
from tinygrad_edu.check.differences import derivative, one_sided
from tinygrad_edu.define import Op, make_general


def operation(kernel, *rules):
    """An operation outside the table, with rules that may be wrong."""
    facts = dict.fromkeys(("label", "ufunc", "oracle", "definition", "spread"))
    facts.update(
        elementwise=True, floating=False, promotes=True, view=False, random=False, numpy=(), linear=(), avoid=()
    )
    return make_general(Op(kernel, rules, None, None, **facts))


def scaled_square(x):
    return 1e-6 * x * x


RIGHT = {
    "x² at 1e9": (lambda x: x * x, [1e9, -3e8]),
    "x² near 0": (lambda x: x * x, [1e-9, 0.0]),
    "log at 1e-5": (tg.log, [1e-5, 1e-300, 1e300]),
    "exp": (tg.exp, [0.0, 1e-12, -700.0, 300.0]),
    "sin far out": (tg.sin, [1e9, 1e5, 1e-12]),
    "relu beside its kink": (tg.relu, [1e-9, -1e-9, 1.0]),
    "1/x": (lambda x: 1 / x, [1e-8, 1e8]),
    "sqrt": (tg.sqrt, [1e-12, 1e12]),
    "ill-conditioned": (lambda x: (x + 1e6) * (x + 1e6) - x * x, [1.0, 2.0]),
    "cancelling": (lambda x: x - x, [1.0, 1e9]),
    "constant": (lambda x: x * 0 + 5.0, [1.0]),
    "of all sizes": (lambda x: (x * x).sum(), [1e-3, 1.0, 1e3]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass(name):
    fn, values = RIGHT[name]
    report = gradients(fn, np.array(values))
    assert report.verdict == "ok", str(report)


WRONG = {
    "0 for 2e-6 x": (operation(scaled_square, lambda g, x: 0 * g), [1.0, 3.0]),
    "3 for 3.002": (operation(lambda x: 3.002 * x, lambda g, x: 3 * g), [1.0]),
    "off by 1e-5": (operation(lambda x: x * x * x, lambda g, x: g * 3.00003 * x * x), [2.0]),
    "0 for 1e-12 x": (operation(lambda x: 1e-12 * x, lambda g, x: 0 * g), [1.0, 1e5]),
    "negative": (operation(lambda x: np.exp(x), lambda g, x: -g), [0.0]),
    "NaN": (operation(lambda x: x * 1.0, lambda g, x: g * float("nan")), [1.0]),
    "infinite": (operation(lambda x: x * 1.0, lambda g, x: g * float("inf")), [1.0]),
    "one of many": (
        operation(lambda x: 2 * x, lambda g, x: g * np.where(np.arange(500) == 77, 2.001, 2.0)),
        [*range(1, 501)],
    ),
    "transposed": (
        operation(lambda x: x * [[1.0, 2.0], [3.0, 4.0]], lambda g, x: g * [[1.0, 3.0], [2.0, 4.0]]),
        np.ones((2, 2)),
    ),
    "a softmax without gradient": (lambda x: x.detach().exp() / x.detach().exp().sum() + 0 * x, [1.0, 2.0, 3.0]),
    "outside the kink's fan": (operation(lambda x: np.abs(x), lambda g, x: 1.5 * g), [0.0]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_gradients_fail(name):
    fn, values = WRONG[name]
    report = gradients(fn, np.array(values, float))
    assert report.verdict == "wrong" and not report, report
    with pytest.raises(AssertionError, match="gradients: wrong"):
        assert_gradients(fn, np.array(values, float))


def test_wrong_second_order_fails():
    """A rule that computes with a constant where it should compute with x: right once, wrong twice."""
    cube = operation(lambda x: x**3, lambda g, x: g * 3 * (x.detach() if isinstance(x, tg.Tensor) else x) ** 2)
    x = np.array([1.0, 2.0])
    assert gradients(cube, x)
    report = gradients(cube, x, order=2)
    assert report.verdict == "wrong" and report.worst.order == 2


def test_report_names_the_worst_element():
    spoiled = operation(lambda x: x * 2, lambda g, x: g * np.array([[2.0, 2.0, 2.0], [2.0, 2.1, 2.0]]))
    report = gradients(lambda a, b: a.sum() + spoiled(b), np.ones(4), np.ones((2, 3)))
    worst = report.worst
    assert (worst.input, worst.index, worst.verdict) == (1, (1, 1), "wrong")
    assert abs(worst.analytic / worst.numerical) == pytest.approx(2.1 / 2)
    assert "input 1 [1, 1]" in str(report) and "1 wrong" in str(report)
    assert len(report.elements) == 10


def test_hints():
    assert "1.01 times" in str(gradients(operation(lambda x: x * 1.0, lambda g: 1.01 * g), np.array([1.0, 2.0])))
    assert "detach" in str(gradients(lambda x: x.detach() + 0 * x, np.array([1.0, 2.0])))
    assert "NaN" in str(gradients(WRONG["NaN"][0], np.array([1.0])))


@pytest.mark.parametrize("fn", [tg.relu, abs, lambda x: tg.maximum(x, 2 * x), lambda x: tg.clamp(x, min=0.0), tg.floor])
def test_kinks_and_jumps_are_named(fn):
    report = gradients(fn, np.array([0.0, 1.5]))
    assert report.verdict in ("not differentiable", "ok") and report
    assert {element.verdict for element in report.elements if element.index == (1,)} == {"ok"}


def test_undecided_where_differences_cannot_tell():
    """1e-16 in a sum of size 1e16: no float64 shows how the sum depends on it."""
    report = gradients(lambda x: (x * x).sum(), np.array([1e-8, 1e8]))
    assert report.verdict == "undecided" and not report and report.worst.index == (0,)


def test_several_outputs_and_inputs_of_any_shape():
    def fn(a, b, c):
        return a @ b, [a * 2, c.sum()][0], c * b.sum()

    rng = np.random.default_rng(0)
    assert_gradients(fn, rng.normal(size=(2, 3)), rng.normal(size=(3, 2)), 1.5, order=2)
    assert_gradients(fn, np.zeros((0, 3)), rng.normal(size=(3, 2)), np.zeros(0))


def test_large_inputs_are_sampled():
    report = assert_gradients(lambda x: (x * x).sum(), np.random.default_rng(0).normal(size=(40, 40)))
    assert 100 < len(report.elements) < 1000
    assert sum(element.index is None for element in report.elements) == 3


def test_inputs_stay_as_they_are():
    x = np.array([1.0, 2.0])
    t = tg.tensor([3.0, 4.0], requires_grad=True)
    x.flags.writeable = False
    assert_gradients(lambda a, b: a * b, x, t)
    assert x.tolist() == [1.0, 2.0] and t.tolist() == [3.0, 4.0] and t.grad is None and t.dtype == np.float32


def test_float32_is_checked_as_float64_and_said_so():
    report = assert_gradients(tg.exp, tg.tensor([1.0, 2.0]))
    assert "input 0 is float32" in str(report)


def test_only_chosen_inputs_are_checked():
    index = np.array([0, 2])
    report = assert_gradients(lambda x, i: x[i], np.ones(3), index, wrt=0)
    assert {element.input for element in report.elements} == {0}
    with pytest.raises(ValueError, match="input 2, but there are 2"):
        gradients(lambda x, i: x[i], np.ones(3), index, wrt=(2,))


def test_integer_inputs_are_refused():
    with pytest.raises(TypeError, match="input 1 is of dtype int64.*wrt"):
        gradients(lambda x, i: x[i], np.ones(3), np.array([0, 2]))
    with pytest.raises(TypeError, match="returns int64"):
        gradients(lambda x: tg.argmax(x), np.ones(3))


def test_functions_that_cannot_be_checked_are_refused():
    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match="different results.*dropout"):
        gradients(lambda x: x * random.normal(), np.ones(3))
    with pytest.raises(ValueError, match="infinite or NaN"):
        gradients(tg.log, np.array([-1.0]))
    with pytest.raises(TypeError, match="float32 for float64"):
        gradients(lambda x: x.float(), np.ones(3))
    with pytest.raises(TypeError, match="must return a Tensor.*float"):
        gradients(lambda x: 1.0, np.ones(3))
    with pytest.raises(ValueError, match="order must be"):
        gradients(tg.exp, np.ones(3), order=3)


def test_grad_mode_does_not_matter():
    with tg.no_grad():
        assert_gradients(tg.exp, np.ones(3), order=2)
        assert not tg.is_grad_enabled()


def test_numerical_derivative_states_its_error():
    """The error that is stated is at least the true one (but for a factor of 2), and small."""
    for f, slope, x in [
        (np.exp, np.exp, 1.0),
        (np.sin, np.cos, 30.0),
        (np.log, lambda x: 1 / x, 1e-5),
        (np.cbrt, lambda x: x ** (-2 / 3) / 3, 8e9),
    ]:
        value, error, _, _ = derivative(lambda t: np.array([f(x + t)]), abs(x))
        assert abs(value[0] - slope(x)) <= 2 * error[0]
        assert error[0] <= 1e-8 * abs(slope(x))


def test_one_sided_derivatives_tell_kinks_from_curves():
    left, right, differ = one_sided(lambda t: np.array([abs(t), t * t, np.exp(t), max(t, 3 * t)]), 1.0)
    assert differ.tolist() == [True, False, False, True]
    np.testing.assert_allclose([left[3], right[3]], [1, 3])
