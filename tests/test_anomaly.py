"""detect_anomaly: the first operation whose gradient is NaN or infinite, and a loss that is NaN already."""

import pytest

import tinygrad_edu as tg
from tinygrad_edu.autograd import detect_anomaly, set_detect_anomaly
from tinygrad_edu.errors import AutogradError


def test_a_nan_loss_does_not_pass():
    x = tg.tensor([-1.0, 1.0], requires_grad=True)
    with detect_anomaly():
        with pytest.raises(AutogradError, match=r"not finite.*the result of `sqrt`"):
            (x.sqrt() * 2).sum().backward()
    (x.sqrt() * 2).sum().backward()  # switched off again
    assert tg.isnan(x.grad[0]).item()


def test_the_rule_that_makes_the_first_infinite_gradient_is_named():
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    with detect_anomaly():
        with pytest.raises(AutogradError, match="the gradient of `sqrt` is not finite"):
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
