"""The gradient checker: right gradients pass where careless checkers object, wrong ones fail where those are blind."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from examples import Cube

import tinygrad_edu as tg
from tinygrad_edu.check import assert_gradients, gradients, of_jax, of_numpy, of_torch
from tinygrad_edu.check.noise import noise_of
from tinygrad_edu.check.scan import Line, Row, agreed, doubted, window
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


@pytest.mark.parametrize("fn", [tg.relu, abs, lambda x: tg.maximum(x, 2 * x), lambda x: tg.clamp(x, min=0.0)])
def test_kinks_are_named(fn):
    report = gradients(fn, np.array([0.0, 1.5]))
    assert report.verdict == "kink" and report
    assert {element.verdict for element in report.elements if element.index == (1,)} == {"ok"}
    assert "two sides" in report.worst.reason


def test_jumps_and_infinite_slopes_are_inconclusive():
    for fn, reason in [
        (tg.floor, "discontinuity"),
        (tg.sqrt, "without bound"),
        (lambda x: abs(x) ** 0.5, "without bound"),
    ]:
        report = gradients(fn, np.array([0.0, 1.5]))
        assert report.verdict == "inconclusive" and not report and reason in report.worst.reason, report


def test_oscillation_that_no_step_resolves_is_inconclusive():
    assert gradients(lambda x: tg.sin(1e8 * x), np.array([1.0]))
    report = gradients(lambda x: tg.sin(1e14 * x).detach() + tg.cos(1e14 * x) * 0, np.array([1.0]))
    assert report.verdict == "inconclusive"


def test_inconclusive_where_differences_cannot_tell():
    """1e-16 in a sum of size 1e16: no difference shows it. A complex step does, and |x| stands in its way."""
    assert gradients(lambda x: (x * x).sum(), np.array([1e-8, 1e8])).verdict == "ok"
    report = gradients(lambda x: (x * abs(x)).sum(), np.array([1e-8, 1e8]))
    assert report.verdict == "inconclusive" and not report and report.worst.index == (0,)


def test_several_outputs_and_inputs_of_any_shape():
    def fn(a, b, c):
        return a @ b, [a * 2, c.sum()][0], c * b.sum()

    rng = np.random.default_rng(0)
    assert_gradients(fn, rng.normal(size=(2, 3)), rng.normal(size=(3, 2)), 1.5, order=2)
    assert_gradients(fn, np.zeros((0, 3)), rng.normal(size=(3, 2)), np.zeros(0))


def test_large_inputs_are_checked_along_directions_and_faults_bisected():
    x = np.random.default_rng(0).normal(size=(60, 50))
    report = assert_gradients(lambda x: (x * x).sum(), x)
    assert [element.index for element in report.elements] == [None] * 3
    factor = np.ones((60, 50))
    factor[17, 23] = 1 + 1e-6  # found by relative errors of 1e-6 and more, where the function allows
    spoiled = operation(lambda x: x * x, lambda g, x: 2 * g * x * factor)
    report = gradients(lambda x: spoiled(x).sum(), x)
    assert report.verdict == "wrong" and report.worst.index == report.culprit.index == (17, 23)


def test_inputs_stay_as_they_are():
    x = np.array([1.0, 2.0])
    t = tg.tensor([3.0, 4.0], requires_grad=True)
    x.flags.writeable = False
    assert_gradients(lambda a, b: a * b, x, t)
    assert x.tolist() == [1.0, 2.0] and t.tolist() == [3.0, 4.0] and t.grad is None and t.dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_low_precision_is_judged_by_what_it_resolves(dtype):
    x = tg.tensor([1.0, 2.0, -0.3]).to(getattr(tg, dtype))
    report = assert_gradients(lambda x: tg.sin(x) * tg.exp(x), x)
    assert f"of {dtype}: input 0; the numerical derivatives are those of float64" in str(report)

    def own(x):  # does not compute in float64, so that differences are taken in its own precision
        return tg.sin(x.to(getattr(tg, dtype))) * 2

    assert gradients(own, x).verdict in (("ok",) if dtype == "float32" else ("ok", "inconclusive"))
    spoiled = operation(
        lambda x: np.sin(x) * 2, lambda g, x: g * np.cos(x) * x.dtype.type(2.01 if dtype == "float32" else 2.6)
    )
    assert gradients(lambda x: spoiled(x.to(getattr(tg, dtype))), x).verdict == "wrong"


def test_a_rule_that_goes_wrong_in_float32_only_is_wrong():
    spoiled = operation(lambda x: x * x, lambda g, x: g * 2 * x * (1 if x.dtype == np.float64 else np.float32(1.01)))
    report = gradients(spoiled, tg.tensor([1.0, 2.0]))
    assert report.verdict == "wrong" and "goes wrong in float32" in str(report)


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


def test_functions_that_cannot_be_checked_say_why():
    random = np.random.default_rng(0)
    report = gradients(lambda x: x * random.normal(), np.ones(3))
    assert report.verdict == "inconclusive" and "not deterministic" in str(report) and "dropout" in str(report)
    report = gradients(tg.log, np.array([-1.0]))
    assert report.verdict == "inconclusive" and "non-finite" in str(report)
    with pytest.raises(AssertionError, match="inconclusive"):
        assert_gradients(tg.log, np.array([-1.0]))
    with pytest.raises(TypeError, match="must return a Tensor.*float"):
        gradients(lambda x: 1.0, np.ones(3))
    with pytest.raises(ValueError, match="order must be"):
        gradients(tg.exp, np.ones(3), order=3)


def test_grad_mode_does_not_matter():
    with tg.no_grad():
        assert_gradients(tg.exp, np.ones(3), order=2)
        assert not tg.is_grad_enabled()


def test_intervals_hold_the_derivative():
    """The stated error is at least the true one, and small."""
    random = np.random.default_rng(0)
    for f, slope, x, precision in [
        (np.exp, np.exp, 1.0, 1e-9),
        (np.sin, np.cos, 30.0, 1e-9),
        (np.log, lambda x: 1 / x, 1e-5, 1e-9),
        (np.cbrt, lambda x: x ** (-2 / 3) / 3, 8e9, 1e-9),
        (lambda x: np.float64(np.float32(x)) ** 2, lambda x: 2 * x, 1.3, 1e-4),
        (lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x), 2.5, 2e-8),
    ]:
        size = 2.0 ** np.floor(np.log2(x))
        noise = noise_of(lambda t: np.array([f(x + t * size)]), 52, random)
        line = Line(lambda t: np.array([f(x + t)]), size * 45 / 64, np.array([f(x)]), x)
        row = Row(line, np.ones(1), noise)
        with np.errstate(invalid="ignore"):  # large steps leave the domain of log
            found = agreed(doubted([window(row, j) for j in range(43, -4, -1)]))
        assert abs(found.value - slope(x)) <= found.error <= precision * abs(slope(x))


def test_noise_is_that_of_the_arithmetic():
    """Rounding to float32 on the way, cancellation, and none at all."""
    random = np.random.default_rng(1)

    def f(t):
        x = 1.37 + t
        return np.array([np.float64(np.float32(x)), (x + 1e8) - 1e8, x])

    single, cancelled, none = noise_of(f, 52, random)
    assert 2**-24 <= single <= 2**-19 and 2**-28 <= cancelled <= 2**-23 and none <= 2**-49


def test_taylor_remainder_and_adjointness_are_second_opinions():
    report = gradients(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
    assert report.taylor_rate == pytest.approx(2, abs=0.2) and report.adjointness < 1e-12
    spoiled = operation(lambda x: x**3, lambda g, x: g * 3.3 * x * x)
    assert gradients(lambda x: spoiled(x).sum(), np.array([1.0, 2.0])).taylor_rate == pytest.approx(1, abs=0.2)


def test_a_backward_pass_that_is_not_linear_is_wrong():
    """It may be right with weights of 1, and is not a backward pass."""
    for rule in (lambda g, x: 2 * x, lambda g, x: 2 * x * g * g, lambda g, x: 2 * x * abs(g)):
        spoiled = operation(lambda x: x * x, rule)
        report = gradients(spoiled, np.array(3.0))
        assert report.verdict == "wrong" and "not linear" in report.worst.reason


def test_culprit():
    bad = operation(lambda x, y: x * y, lambda g, y: g * y, lambda g, x: g * x * 1.001)

    def fn(x):
        return tg.tanh(bad(tg.exp(x), x + 1)).sum()  # culprit's line

    report = gradients(fn, np.linspace(0.1, 1, 5))
    culprit = report.culprit
    assert (culprit.input, culprit.operand, culprit.step) == (1, "operand `y`", 2)
    assert culprit.given / culprit.expected == pytest.approx(1.001)
    path, line = culprit.place.rsplit(":", 1)
    assert "culprit's line" in Path(path).read_text().splitlines()[int(line) - 1]
    assert "step 2 of 5" in str(report) and "should give" in str(report)


def test_culprit_may_be_a_custom_function():
    class TwoThirds(Cube):
        @staticmethod
        def backward(ctx, g):
            return Cube.backward(ctx, g) * 2 / 3

    report = gradients(lambda x: TwoThirds.apply(x * 2).sin(), np.array([0.3, 0.4]))
    culprit = report.culprit
    assert culprit.operation == "TwoThirds" and culprit.given / culprit.expected == pytest.approx(2 / 3)


def test_without_a_culprit_the_cut_is_named():
    report = gradients(lambda x: (tg.tanh(x).detach() * x).sum(), np.array([0.3, 0.4]))
    assert report.culprit is None and "detach() at" in str(report) and "test_check.py" in str(report)


def test_modules_are_checked_with_their_parameters():
    model = tg.nn.Sequential(tg.nn.Linear(3, 4), tg.nn.BatchNorm1d(4), tg.nn.Tanh(), tg.nn.Linear(4, 2))
    before = {name: x.clone() for name, x in model.state_dict().items()}
    report = assert_gradients(model, tg.randn(5, 3))
    assert {element.name for element in report.elements} >= {"input 0", "0.weight", "1.bias", "3.weight"}
    assert all((model.state_dict()[name] == x).all() for name, x in before.items())
    assert_gradients(model, tg.randn(5, 3), wrt="0.weight", order=2)
    assert_gradients(tg.nn.Embedding(5, 3), tg.tensor([1, 2, 1]))


def test_pairs_of_numpy_functions():
    assert gradients((np.sin, np.cos), np.array([0.3, 2.0])).verdict == "ok"
    assert gradients(of_numpy(np.sin, lambda x: np.cos(x) * 1.0001), np.array([0.3, 2.0])).verdict == "wrong"
    norm = of_numpy(lambda x, y: float((x * y).sum()), lambda x, y: (y, x))
    assert gradients(norm, np.ones(3), np.arange(3.0)).verdict == "ok"
    product = of_numpy(np.matmul, vjp=lambda g, a, b: (g @ b.T, a.T @ g))
    assert gradients(product, np.ones((2, 3)), np.ones((3, 2))).verdict == "ok"
    with pytest.raises(ValueError, match="shape"):
        gradients(of_numpy(np.matmul, vjp=lambda g, a, b: (g @ b.T, g.T @ a)), np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(TypeError, match="vjp"):
        gradients((np.matmul, lambda a, b: (b, a)), np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(TypeError, match="gradient="):
        of_numpy(np.sin)


def test_functions_of_torch(torch):
    assert gradients(of_torch(torch.nn.functional.gelu), np.array([0.3, -2.0]), order=2).verdict == "ok"
    assert gradients(of_torch(torch.relu), torch.tensor([0.0, 1.0])).verdict == "kink"
    report = gradients(of_torch(torch.nn.Linear(3, 2)), torch.ones(4, 3))
    assert report.verdict == "ok" and {element.name for element in report.elements} == {"input 0", "weight", "bias"}

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 3 * x

        @staticmethod
        def backward(ctx, g):
            return 3.002 * g

    assert torch.autograd.gradcheck(Wrong.apply, torch.ones(2, dtype=torch.float64, requires_grad=True))
    assert gradients(of_torch(Wrong.apply), np.ones(2)).verdict == "wrong"


JAX = """
import jax, numpy as np
from tinygrad_edu.check import gradients, of_jax

@jax.custom_vjp
def wrong(x):
    return 3 * x

wrong.defvjp(lambda x: (3 * x, None), lambda _, g: (3.002 * g,))
print(gradients(of_jax(jax.nn.gelu), np.array([0.3, -2.0]), order=2).verdict)
print(gradients(of_jax(wrong), np.ones(2)).verdict, gradients(of_jax(wrong), np.ones(2, np.float32)).verdict)
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="checks functions of JAX")
def test_functions_of_jax():
    """In a process of its own: JAX warns of every fork that comes after its import."""
    done = subprocess.run([sys.executable, "-c", JAX], capture_output=True, text=True)
    assert done.stdout.split() == ["ok", "wrong", "wrong"], done.stderr
