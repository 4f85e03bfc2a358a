"""detect_anomaly: the first value, or gradient, that is NaN or infinite: how it arose, from what, and in which line."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.autograd import detect_anomaly, set_detect_anomaly
from tinygrad_edu.errors import AutogradError


def test_a_nan_loss_does_not_pass():
    x = tg.tensor([-1.0, 1.0], requires_grad=True)
    with detect_anomaly():
        with pytest.raises(AutogradError, match=r"not finite.*square root of -1, a negative number at element \(0,\)"):
            (x.sqrt() * 2).sum().backward()
    (x.sqrt() * 2).sum().backward()  # switched off again
    assert tg.isnan(x.grad[0]).item()


def test_the_rule_that_makes_the_first_infinite_gradient_is_named():
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    with detect_anomaly():
        with pytest.raises(AutogradError, match="the gradient of `sqrt` is infinite where its operand is 0"):
            (x.sqrt() * 3).tanh().sum().backward()
        with pytest.raises(AutogradError, match="`sqrt`"):
            tg.grad((x.sqrt() * 3).sum(), x, create_graph=True)


def test_ordinary_gradients_are_the_same_and_nothing_is_raised():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.5]], requires_grad=True)
    loss = tg.linalg.svd(x).S.sum() + (x @ x).logsumexp(1).sum()
    loss.backward(retain_graph=True)
    plain, x.grad = x.grad, None
    with set_detect_anomaly(True):
        loss.backward()
    assert plain.tolist() == x.grad.tolist()


def test_it_can_be_switched_without_a_context():
    x = tg.tensor([0.0], requires_grad=True)
    set_detect_anomaly(True)
    try:
        with pytest.raises(AutogradError):
            x.log().sum().backward()
    finally:
        set_detect_anomaly(False)
    x.log().sum().backward()


def told(compute):
    """The message of the error that backward from `compute()` raises."""
    with detect_anomaly():
        with pytest.raises(AutogradError) as caught:
            compute().backward()
    return str(caught.value)


def leaf(*values, dtype=tg.float32):
    return tg.tensor(values, dtype=dtype, requires_grad=True)


FORWARD = {
    "log of 0 at element (1,)": lambda: leaf(1.0, 0.0).log().sum(),
    "log of -2, a negative number at element (0,)": lambda: leaf(-2.0, 0.0).log().sum(),
    "log1p of -1 at element (0,)": lambda: leaf(-1.0).log1p().sum(),
    "log1p of -3, below -1": lambda: leaf(-3.0).log1p().sum(),
    "overflow: exp of 100 (in float32 it is infinite from 88.72 on)": lambda: leaf(1.0, 100.0).exp().sum(),
    "overflow: exp of 12 (in float16 it is infinite from 11.09 on)": lambda: leaf(12.0, dtype=tg.float16).exp().sum(),
    "0 / 0 at element (0,)": lambda: (leaf(0.0) / leaf(0.0)).sum(),
    "division of 3 by 0 at element (1,)": lambda: (leaf(2.0, 3.0) / leaf(1.0, 0.0)).sum(),
    "division of 1 by 0": lambda: leaf(0.0).reciprocal().sum(),
    "1 / √0": lambda: leaf(0.0).rsqrt().sum(),
    "0 to the power -1": lambda: (leaf(0.0) ** -1.0).sum(),
    "-8, a negative number, to the power 0.5": lambda: (leaf(-8.0) ** 0.5).sum(),
    "acos of 1.5, outside of [−1, 1]": lambda: leaf(1.5).acos().sum(),
    "atanh of 1; it is finite within (−1, 1) only": lambda: leaf(1.0).atanh().sum(),
    "overflow: 60000 × 2 is more than float16 holds": lambda: (leaf(60000.0, dtype=tg.float16) * 2).sum(),
    "overflow: 1e+30² is more than float32 holds": lambda: leaf(1e30).square().sum(),
    "overflow: `sum` of values up to 3e+38": lambda: leaf(3e38, 3e38).sum(),
    "the variance of a single element": lambda: leaf(1.0).var(),
    "`mean` of no elements": lambda: (leaf(1.0)[:0]).mean(),
    "over no targets": lambda: nn.functional.cross_entropy(leaf(1.0, 2.0)[None], tg.tensor([-100])),
    "softmax of a row in which all is −inf": lambda: (leaf(1.0, 2.0) - math.inf).softmax(0).sum(),
}


@pytest.mark.parametrize("text", FORWARD)
def test_a_loss_that_is_not_finite_is_explained(text):
    message = told(FORWARD[text])
    assert text in message
    assert __file__ in message


def test_the_first_value_is_named_and_where_it_became_nan():
    def loss():
        x = leaf(1.0, 0.0)
        return (x.log() * tg.tensor([1.0, 0.0])).sum()

    message = told(loss)
    assert message.index("log of 0 at element (1,)") < message.index("0 × ∞ at element (1,)")
    assert "x = leaf(1.0, 0.0)" not in message and "return (x.log()" in message


def test_nan_that_was_there_before():
    model = nn.Linear(2, 1)
    data = tg.tensor([[1.0, math.nan]])
    assert "data of shape (1, 2) holds NaN when `linear` is given it (1 of its 2 elements is NaN" in told(
        lambda: model(data).sum()
    )
    with tg.no_grad():
        model.bias.fill_(math.nan)
    assert "a leaf that requires gradients of shape (1,) holds NaN" in told(lambda: model(tg.ones(1, 2)).sum())


BACKWARD = {
    "the slope of √x at 0 is infinite": lambda x: x.sqrt().sum(),
    "the slope of a power below 1 at 0 is infinite": lambda x: (x**0.5).sum(),
    "the slope of acos at ±1 is infinite": lambda x: (1 - x).acos().sum(),
    "`where`": lambda x: tg.where(x > 0, x.log(), 0 * x).sum(),
    "f(where(condition, x, 1)) instead of f(x)": lambda x: tg.where(x > 0, x.sqrt(), 0 * x).sum(),
}


@pytest.mark.parametrize("text", BACKWARD)
def test_a_gradient_that_is_not_finite_is_explained(text):
    message = told(lambda: BACKWARD[text](leaf(0.0, 1.0)))
    assert text in message and "at element (0,)" in message and __file__ in message
    assert "The gradient of its result is finite" in message


def test_gradients_that_overflow():
    x = leaf(1.0, dtype=tg.float16)
    with detect_anomaly(), pytest.raises(AutogradError, match="gradients of up to 60000 arrive there"):
        (x * 2).backward(tg.tensor([60000.0], dtype=tg.float16))


def test_masks_are_no_anomaly():
    x = leaf(1.0, 2.0, 3.0)
    with detect_anomaly():
        x.masked_fill(tg.tensor([True, False, False]), -math.inf).softmax(0)[1].backward()
        tg.where(x > 5, x / 0, x).sum().detach()
    assert np.isfinite(x.grad.numpy()).all()


def test_an_update_that_overflows():
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=1e38)
    with detect_anomaly():
        (w * 1e10).sum().backward()
        with pytest.raises(AutogradError, match=r"the step of SGD has made a parameter of shape \(1,\) not finite"):
            optimizer.step()


def test_changes_in_place_are_followed():
    def loss():
        x = leaf(0.0, 1.0)
        y = x * 1
        y.log_()
        return y.sum()

    assert "log of 0 at element (0,)" in told(loss)


def test_a_graph_that_was_made_before():
    loss = (leaf(-1.0).sqrt() * 2).sum()
    assert "the first such is the result of `sqrt`" in told(lambda: loss)


def test_other_observers_go_on_listening():
    from tinygrad_edu.recording import record

    with record() as recording, detect_anomaly():
        leaf(1.0).exp().sum().backward()
    assert [step.name for step in recording.steps] == ["exp", "sum"]
