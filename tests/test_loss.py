"""Losses and activations against torch, their behaviour at extremes, and their errors. (test_ops checks every
operation's gradients.)
"""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.nn import functional as F

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")
RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-3, 3, (6, 5))
P = RANDOM.uniform(0.05, 0.95, (6, 5))
Y = RANDOM.uniform(0, 1, (6, 5))
CLASSES = np.array([0, 4, 2, 2, 1, 3])
WEIGHT = RANDOM.uniform(0.3, 2.0, 5)
IMAGES, MAPS = RANDOM.uniform(-3, 3, (2, 5, 3, 2)), RANDOM.integers(0, 5, (2, 3, 2))
Q = np.exp(X) / np.exp(X).sum(1, keepdims=True)
LOG_Q = np.log(Q)


def first_and_second_order(library, function, arrays, settings, wanted):
    """(value, gradients, gradients of the sum of the squared gradients) of arrays[i] for i in wanted."""
    leaves = [
        library.tensor(a.copy(), requires_grad=i in wanted) if isinstance(a, np.ndarray) else a
        for i, a in enumerate(arrays)
    ]
    settings = {k: library.tensor(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    value = function(*leaves, **settings)
    inputs = [leaves[i] for i in wanted]
    first = library.autograd.grad((value * value).sum(), inputs, create_graph=True)
    second = library.autograd.grad(sum((g * g).sum() for g in first), inputs, allow_unused=True)
    return value, first, [np.zeros(x.shape) if g is None else g for g, x in zip(second, inputs)]


def assert_as_torch(name, arrays, settings, wanted=(0,)):
    ours = first_and_second_order(tg, getattr(F, name), arrays, settings, wanted)
    theirs = first_and_second_order(torch, getattr(torch.nn.functional, name), arrays, settings, wanted)
    for what, a, b in (
        ("value", ours[:1], theirs[:1]),
        ("gradient", ours[1], theirs[1]),
        ("second order", ours[2], theirs[2]),
    ):
        for x, y in zip(a, b):
            x, y = (np.asarray(z.detach() if hasattr(z, "detach") else z) for z in (x, y))
            assert x.shape == y.shape and x.dtype == y.dtype, what
            np.testing.assert_allclose(x, y, rtol=1e-7, atol=1e-10, err_msg=f"{name}: {what}")


REDUCTIONS = ("mean", "sum", "none")


@needs_torch
@pytest.mark.filterwarnings("ignore:.*batchmean:UserWarning")
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("name", "arrays", "settings", "wanted"),
    [
        ("mse_loss", (X, Y), {}, (0, 1)),
        ("l1_loss", (X, Y), {}, (0, 1)),
        ("huber_loss", (X, Y), {"delta": 0.7}, (0, 1)),
        ("smooth_l1_loss", (X, Y), {"beta": 0.7}, (0, 1)),
        ("smooth_l1_loss", (X, Y), {"beta": 0.0}, (0,)),
        ("binary_cross_entropy", (P, Y), {}, (0, 1)),
        ("binary_cross_entropy", (P, Y), {"weight": WEIGHT}, (0,)),
        ("binary_cross_entropy_with_logits", (X, Y), {}, (0, 1)),
        ("binary_cross_entropy_with_logits", (X, Y), {"weight": WEIGHT, "pos_weight": WEIGHT[::-1].copy()}, (0, 1)),
        ("kl_div", (LOG_Q, P), {}, (0, 1)),
        ("kl_div", (LOG_Q, np.log(P)), {"log_target": True}, (0, 1)),
        ("nll_loss", (LOG_Q, CLASSES), {"weight": WEIGHT, "ignore_index": 2}, (0,)),
        ("nll_loss", (IMAGES, MAPS), {"weight": WEIGHT}, (0,)),
        ("cross_entropy", (X, CLASSES), {}, (0,)),
        ("cross_entropy", (X, CLASSES), {"weight": WEIGHT, "ignore_index": 2}, (0,)),
        ("cross_entropy", (X, np.where(CLASSES == 4, -100, CLASSES)), {}, (0,)),
        ("cross_entropy", (X, CLASSES), {"weight": WEIGHT, "ignore_index": 2, "label_smoothing": 0.2}, (0,)),
        ("cross_entropy", (X, CLASSES), {"label_smoothing": 0.2}, (0,)),
        ("cross_entropy", (IMAGES, MAPS), {"weight": WEIGHT, "ignore_index": 1, "label_smoothing": 0.1}, (0,)),
        ("cross_entropy", (IMAGES, MAPS), {}, (0,)),
        ("cross_entropy", (X[0], np.array(3)), {}, (0,)),
        ("cross_entropy", (X, Q), {"weight": WEIGHT, "label_smoothing": 0.2}, (0, 1)),
        ("cross_entropy", (IMAGES, np.abs(IMAGES)), {"weight": WEIGHT}, (0, 1)),
    ],
)
def test_loss_as_torch(name, arrays, settings, wanted, reduction):
    assert_as_torch(name, arrays, {**settings, "reduction": reduction}, wanted)


@needs_torch
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("leaky_relu", {"negative_slope": 0.3}), ("elu", {"alpha": 0.7}), ("selu", {}), ("celu", {"alpha": 0.7}),
        ("gelu", {}),
        ("gelu", {"approximate": "tanh"}), ("silu", {}), ("mish", {}), ("softplus", {"beta": 2.0, "threshold": 3.0}),
        ("softsign", {}),
        ("hardtanh", {"min_val": -0.5, "max_val": 2.0}), ("relu6", {}), ("hardsigmoid", {}), ("hardswish", {}),
        ("softshrink", {"lambd": 0.7}),
        ("hardshrink", {"lambd": 0.7}), ("tanhshrink", {}), ("threshold", {"threshold": 0.5, "value": -1.0}),
        ("glu", {"dim": 0}),
        ("softmin", {"dim": 1}), ("logsigmoid", {}), ("relu", {}), ("sigmoid", {}), ("log_softmax", {"dim": 0}),
    ],
)  # fmt: skip
def test_activation_as_torch(name, settings):
    if name in ("hardswish", "hardsigmoid"):  # torch has no second derivatives of them
        ours, theirs = (tg.tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True))
        getattr(F, name)(ours).sum().backward(), getattr(torch.nn.functional, name)(theirs).sum().backward()
        np.testing.assert_allclose(ours.grad, theirs.grad)
        return
    assert_as_torch(name, (X * 2,), settings)


@needs_torch
@pytest.mark.parametrize("shape", [(1,), (5,)])
def test_prelu_as_torch(shape):
    for x in (X, IMAGES):
        assert_as_torch("prelu", (x, np.full(shape, 0.3)), {}, (0, 1))


@needs_torch
def test_kinks_and_limits_as_torch():
    """At the points without derivative the one that torch chooses, in the tails the limits."""
    points = np.array([-np.inf, -1e4, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 1e4, np.inf])
    names = (
        "relu leaky_relu elu selu celu relu6 hardtanh hardsigmoid hardswish softshrink hardshrink sigmoid logsigmoid"
    )
    for name in (*names.split(), "softplus", "tanh", "softsign"):
        ours, theirs = tg.tensor(points, requires_grad=True), torch.tensor(points, requires_grad=True)
        a, b = getattr(F, name)(ours), getattr(torch.nn.functional, name)(theirs)
        finite = np.isfinite(points)
        np.testing.assert_allclose(a.detach(), b.detach(), err_msg=name)
        a[finite].sum().backward(), b[finite].sum().backward()
        np.testing.assert_allclose(ours.grad, theirs.grad, err_msg=name)


def test_sigmoid_keeps_its_relative_accuracy():
    """exp(x) for very negative x: a formula like (1 + tanh(x/2)) / 2 would give 0 below −17 in float32."""
    for dtype, lowest in ((np.float32, -87.0), (np.float64, -700.0)):
        x = np.linspace(lowest, -40.0, 50).astype(dtype)
        np.testing.assert_allclose(
            tg.sigmoid(tg.tensor(x)).numpy(), np.exp(x.astype(np.float64)), rtol=8 * np.finfo(dtype).eps
        )


def test_gradient_of_relu_is_zero_where_it_is_off():
    """Also where the gradient from above is infinite, as that of a square root at 0 is."""
    x = tg.tensor([-1.0, 4.0], requires_grad=True)
    tg.sqrt(tg.relu(x)).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_extreme_logits():
    """±1e4, in float32: losses as large as they are, gradients of the right sign, nothing overflows."""
    x = tg.tensor([[1e4, -1e4]], requires_grad=True)
    for target, loss, gradient in ((0, 0.0, [[0.0, 0.0]]), (1, 2e4, [[1.0, -1.0]])):
        value = F.cross_entropy(x, tg.tensor([target]))
        assert value.item() == loss and tg.grad(value, x)[0].tolist() == gradient
    y = tg.tensor([[0.0, 1.0]])
    value = F.binary_cross_entropy_with_logits(x, y)
    assert value.item() == 1e4 and tg.grad(value, x)[0].tolist() == [[0.5, -0.5]]
    probabilities = tg.tensor([[1.0, 0.0]], requires_grad=True)
    value = F.binary_cross_entropy(probabilities, y)  # log is not taken below −100
    assert value.item() == 100.0 and np.isfinite(tg.grad(value, probabilities)[0].numpy()).all()


def test_ignored_positions_count_nothing():
    x = tg.tensor([[1.0, 2.0], [float("-inf"), 0.0]], requires_grad=True)
    value = F.cross_entropy(x, tg.tensor([0, -100]))
    assert value.item() == pytest.approx(np.log(1 + np.e))
    assert tg.grad(value, x)[0].numpy()[1].tolist() == [0.0, 0.0]
    assert np.isnan(F.cross_entropy(x, tg.tensor([-100, -100])).item())  # the mean of nothing


def test_gradient_of_class_weights():
    """torch has none; here it is the derivative of the weighted mean."""
    weight = tg.tensor(WEIGHT, requires_grad=True)
    for settings in ({}, {"reduction": "sum"}, {"ignore_index": 2}, {"label_smoothing": 0.3}):
        tg.check.assert_gradients(
            lambda w: F.cross_entropy(tg.tensor(X), tg.tensor(CLASSES), w, **settings), weight, order=2
        )


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.cross_entropy(tg.tensor(X), tg.tensor(CLASSES + 1)), IndexError, ["holds 5", "5 classes"]),
        (lambda: F.cross_entropy(tg.tensor(X), tg.tensor(CLASSES - 1)), IndexError, ["holds -1", "5 classes"]),
        (lambda: F.nll_loss(tg.tensor(X), tg.tensor(CLASSES + 1)), IndexError, ["holds 5", "5 classes"]),
        (lambda: F.cross_entropy(tg.tensor(X), tg.tensor(CLASSES * 1.0)), ValueError, ["(6, 5)", "(6,)", ".long()"]),
        (lambda: F.nll_loss(tg.tensor(X), tg.tensor(CLASSES * 1.0)), TypeError, ["float64", ".long()"]),
        (lambda: F.cross_entropy(tg.tensor(X), tg.tensor(CLASSES[:, None])), ValueError, ["(6, 1)", "squeeze(1)"]),
        (lambda: F.cross_entropy(tg.tensor(X), tg.tensor(CLASSES), tg.ones(4)), ValueError, ["(5,)", "(4,)"]),
        (lambda: F.cross_entropy(tg.tensor(X), tg.tensor(CLASSES), label_smoothing=2), ValueError,
        ["between 0 and 1", "2"]),
        (lambda: F.binary_cross_entropy(tg.tensor(P), tg.tensor(Y[:, :1])), ValueError, ["(6, 5)", "(6, 1)"]),
        (lambda: F.binary_cross_entropy_with_logits(tg.tensor(P), tg.tensor(Y[0])), ValueError, ["(6, 5)", "(5,)"]),
        (lambda: F.binary_cross_entropy(tg.tensor(X), tg.tensor(Y)), ValueError, ["from 0 to 1", "with_logits"]),
        (lambda: F.mse_loss(tg.tensor(X), tg.tensor(Y), reduction="avg"), ValueError, ["'mean'", "'avg'"]),
        (lambda: F.huber_loss(tg.tensor(X), tg.tensor(Y), delta=0), ValueError, ["delta"]),
        (lambda: F.prelu(tg.tensor(X), tg.ones(3)), ValueError, ["(3,)", "(6, 5)"]),
        (lambda: F.glu(tg.tensor(X)), ValueError, ["even", "(6, 5)"]),
        (lambda: F.gelu(tg.tensor(X), approximate="tan"), ValueError, ["'tanh'", "'tan'"]),
        (lambda: tg.l2_penalty([]), ValueError, ["l2_penalty"]),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, nn.MSELoss()])
def test_warning_of_broadcast_targets(loss):
    """(N, 1) against (N,) silently compares everything with everything; the warning points at the caller's line."""
    with pytest.warns(UserWarning, match=r"\(3,\).*\(3, 1\)") as caught:
        value = loss(tg.zeros(3, 1), tg.ones(3))
    assert caught[0].filename == __file__ and value.ndim == 0


def test_penalties():
    a, b = tg.tensor([1.0, -2.0], requires_grad=True), tg.tensor([[3.0]], requires_grad=True)
    l2, l1 = tg.l2_penalty(p for p in (a, b)), tg.l1_penalty([a, b])
    (l2 + 10 * l1).backward()
    assert (l2.item(), l1.item()) == (14.0, 6.0)
    assert (a.grad.tolist(), b.grad.tolist()) == ([12.0, -14.0], [[16.0]])
    assert len({id(p) for p in l2.node.parents}) == 2  # one node for the whole penalty


@needs_torch
@pytest.mark.parametrize(
    ("make", "arrays"),
    [
        (lambda nn, t: nn.BCELoss(), (P, Y)),
        (lambda nn, t: nn.BCELoss(t(WEIGHT), reduction="sum"), (P, Y)),
        (lambda nn, t: nn.BCEWithLogitsLoss(pos_weight=t(WEIGHT)), (X, Y)),
        (lambda nn, t: nn.MSELoss(reduction="none"), (X, Y)),
        (lambda nn, t: nn.L1Loss(), (X, Y)),
        (lambda nn, t: nn.SmoothL1Loss(beta=0.5), (X, Y)),
        (lambda nn, t: nn.HuberLoss("sum", 0.5), (X, Y)),
        (lambda nn, t: nn.KLDivLoss(reduction="batchmean"), (LOG_Q, P)),
        (lambda nn, t: nn.NLLLoss(t(WEIGHT), ignore_index=1), (LOG_Q, CLASSES)),
        (lambda nn, t: nn.CrossEntropyLoss(t(WEIGHT), label_smoothing=0.1), (X, CLASSES)),
    ],
)
def test_loss_modules_as_torch(make, arrays):
    ours, theirs = make(nn, tg.tensor), make(torch.nn, torch.tensor)
    np.testing.assert_allclose(ours(*map(tg.tensor, arrays)), theirs(*map(torch.tensor, arrays)))
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
