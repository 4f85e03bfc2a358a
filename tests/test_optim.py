"""Optimizers and schedules against PyTorch, and what they do with mistakes."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.optim import lr_scheduler

SHAPES = (4, 3), (3,), (), (5, 1)

CASES = {
    "SGD": [
        {}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {"momentum": 0.5, "dampening": 0.3},
        {"weight_decay": 0.1, "maximize": True}, {"momentum": 0.9, "maximize": True, "dampening": 0.1},
    ],
    "Adam": [
        {}, {"amsgrad": True}, {"weight_decay": 0.1}, {"betas": (0.5, 0.9), "eps": 1e-3}, {"maximize": True, "weight_decay": 0.1},
        {"decoupled_weight_decay": True, "weight_decay": 0.1},
    ],
    "AdamW": [{}, {"weight_decay": 0.3, "amsgrad": True}, {"maximize": True}],
    "RMSprop": [
        {}, {"momentum": 0.9}, {"centered": True}, {"centered": True, "momentum": 0.5, "weight_decay": 0.1, "alpha": 0.98},
        {"maximize": True, "eps": 1e-3},
    ],
    "Adagrad": [{}, {"lr_decay": 0.1, "weight_decay": 0.1}, {"initial_accumulator_value": 0.5, "maximize": True}],
}  # fmt: skip
ALL = [(name, options) for name, cases in CASES.items() for options in cases]


def problem(library, dtype):
    """Parameters and a function that computes a loss of them, the same in either library."""
    rng = np.random.default_rng(7)
    parameters = [library.tensor(np.array(rng.standard_normal(s)).astype(dtype), requires_grad=True) for s in SHAPES]
    scales = [library.tensor(np.array(rng.uniform(0.1, 2, s)).astype(dtype)) for s in SHAPES]

    def loss():
        return sum((scale * p * p + (p * 3).sin()).sum() for scale, p in zip(scales, parameters))

    return parameters, loss


def train(library, name, options, dtype, steps=50, schedule=lambda optimizer: None):
    parameters, loss = problem(library, dtype)
    groups = [{"params": parameters[:2]}, {"params": parameters[2:], "lr": 0.003}]
    optimizer = getattr(library.optim, name)(groups, **{"lr": 0.01, **options})
    scheduler = schedule(optimizer)
    for t in range(steps):
        optimizer.zero_grad()
        loss().backward()
        if t % 5 == 0:  # a parameter without a gradient is left alone, also in what is remembered of it
            parameters[1].grad = None
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return parameters, optimizer


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-10), ("float32", 1e-5)])
@pytest.mark.parametrize("name, options", ALL, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ALL)])
def test_fifty_steps_are_those_of_pytorch(name, options, dtype, tolerance):
    torch = pytest.importorskip("torch")
    ours, optimizer = train(tg, name, options, dtype)
    theirs, oracle = train(torch, name, options, dtype)
    for p, q in zip(ours, theirs):
        assert p.dtype == np.dtype(dtype)
        np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=tolerance, atol=tolerance)
    mine, torchs = optimizer.state_dict(), oracle.state_dict()
    assert mine["state"].keys() == torchs["state"].keys()
    for number, values in torchs["state"].items():
        kept = {key: value for key, value in values.items() if value is not None}
        assert mine["state"][number].keys() == kept.keys()
        for key, value in kept.items():
            np.testing.assert_allclose(mine["state"][number][key].array, value.numpy(), rtol=tolerance, atol=tolerance)
    for group, other in zip(mine["param_groups"], torchs["param_groups"]):
        assert group.items() <= other.items()


@pytest.mark.parametrize("name, options", ALL, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ALL)])
def test_saved_state_goes_on_as_if_nothing_had_happened(name, options):
    whole, _ = train(tg, name, options, "float64", 20)
    half, first = train(tg, name, options, "float64", 10)
    _, loss = problem(tg, "float64")
    copies, loss = problem(tg, "float64")
    for p, q in zip(copies, half):
        p.data = q.detach().clone()
    groups = [{"params": copies[:2]}, {"params": copies[2:], "lr": 0.5}]
    second = getattr(optim, name)(groups, lr=0.7)
    second.load_state_dict(pickle.loads(pickle.dumps(first.state_dict())))
    before = [values.copy() for values in map(lambda p: p.array, half)]
    for t in range(10, 20):
        second.zero_grad()
        loss().backward()
        if t % 5 == 0:
            copies[1].grad = None
        second.step()
    for p, q, old, kept in zip(copies, whole, half, before):
        np.testing.assert_array_equal(p.array, q.array)
        np.testing.assert_array_equal(old.array, kept)  # the state was copied: the first optimizer is left alone


def test_state_of_pytorch_can_be_loaded():
    torch = pytest.importorskip("torch")
    theirs, oracle = train(torch, "Adam", {"amsgrad": True}, "float64", 5)
    parameters, loss = problem(tg, "float64")
    for p, q in zip(parameters, theirs):
        p.data = tg.tensor(q.detach().numpy())
    optimizer = optim.Adam([{"params": parameters[:2]}, {"params": parameters[2:]}])
    optimizer.load_state_dict(oracle.state_dict())
    whole, _ = train(tg, "Adam", {"amsgrad": True}, "float64", 6)
    loss().backward()
    parameters[1].grad = None  # as `train` does in step 5
    optimizer.step()
    for p, q in zip(parameters, whole):
        np.testing.assert_allclose(p.array, q.array, rtol=1e-12)


def test_a_step_is_noticed_by_a_graph_that_needs_the_old_value():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    w.grad = tg.tensor([1.0, 1.0])
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(tg.OverwrittenError, match=r"SGD\.step.*test_optim\.py"):
        loss.backward()


def test_gradients_are_read_and_never_written():
    for name, options in ALL:
        w = tg.tensor(np.ones(3), requires_grad=True)
        w.grad = tg.tensor(np.array([1.0, -2.0, 3.0]))
        optimizer = getattr(optim, name)([w], lr=0.1, **options)
        for _ in range(3):
            optimizer.step()
        assert w.grad.tolist() == [1.0, -2.0, 3.0], name


def test_closure_zero_grad_and_repr():
    w = tg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with tg.no_grad():
        assert optimizer.step(closure).item() == 1.0  # the closure is recorded all the same
    assert w.item() == 0.0
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert w.grad is None
    assert "SGD (\nParameter Group 0\n    dampening: 0.0\n" in repr(optimizer)
    clone = copy.deepcopy(optimizer)
    assert clone.param_groups[0]["params"][0] is not w


def test_an_optimizer_of_ones_own():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @tg.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad.sign()

    w = tg.tensor([1.0, -1.0], requires_grad=True)
    (w * w).sum().backward()
    SignDescent([w], lr=0.25).step()
    assert w.tolist() == [0.75, -0.75]


MISTAKES = [
    (lambda w: optim.SGD([]), ValueError, "empty"),
    (lambda w: optim.SGD(w), TypeError, r"put it into a list: \[x\]"),
    (lambda w: optim.SGD([w * 2]), ValueError, "computed by `mul`"),
    (lambda w: optim.SGD([w, 3.0]), TypeError, "parameter 1 is a float"),
    (lambda w: optim.SGD([w, w]), ValueError, "already"),
    (lambda w: optim.SGD([{"params": [w]}, {"params": w}]), ValueError, "already"),
    (lambda w: optim.SGD([{"params": {w}}]), TypeError, "order"),
    (lambda w: optim.SGD([w], lr=-1), ValueError, "lr must be at least 0, and is -1"),
    (lambda w: optim.Adam([w], lr=float("nan")), ValueError, "lr"),
    (lambda w: optim.Adam([w], betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be at least 0 and less than 1"),
    (lambda w: optim.SGD([w], nesterov=True), ValueError, "nesterov needs a momentum"),
    (lambda w: optim.Adam([w], fused=True), ValueError, "fused=True is not available"),
    (lambda w: optim.Adam([w]).load_state_dict({"state": {}, "param_groups": []}), ValueError, "another"),
    (lambda w: optim.Optimizer([w], {}).step(), NotImplementedError, "Optimizer has neither"),
]


@pytest.mark.parametrize("mistake, error, message", MISTAKES)
def test_mistakes_are_explained(mistake, error, message):
    w = tg.tensor([1.0], requires_grad=True)
    w.grad = tg.tensor([1.0])
    with pytest.raises(error, match=message):
        mistake(w)


SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 3, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 7, 7], gamma=0.3),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda t: 0.5**t, lambda t: 1 / (1 + t)]),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 8, eta_min=0.001),
    "CosineAnnealingLR restarted": lambda s, o: s.CosineAnnealingLR(o, 5),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.9, 6),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.2, 6),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 4), s.CosineAnnealingLR(o, 6), s.ExponentialLR(o, 0.8)], [4, 10]
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    sequences = []
    for library in (tg, torch):
        w, v = (library.tensor([1.0], requires_grad=True) for _ in range(2))
        optimizer = library.optim.SGD([{"params": [w]}, {"params": [v], "lr": 0.02}], lr=0.1)
        scheduler = SCHEDULES[name](library.optim.lr_scheduler, optimizer)
        rates = [scheduler.get_last_lr()]
        for _ in range(16):
            optimizer.step()
            scheduler.step()
            rates.append([group["lr"] for group in optimizer.param_groups])
            assert scheduler.get_last_lr() == rates[-1]
        sequences.append(rates)
    np.testing.assert_allclose(*sequences, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_saved_schedules_go_on(name):
    def start():
        parameters = [tg.tensor([1.0], requires_grad=True) for _ in range(2)]
        optimizer = optim.SGD([{"params": [p]} for p in parameters], lr=0.1)
        return optimizer, SCHEDULES[name](lr_scheduler, optimizer)

    def rates(optimizer, scheduler, count):
        for _ in range(count):
            optimizer.step()
            scheduler.step()
            yield [group["lr"] for group in optimizer.param_groups]

    whole = list(rates(*start(), 14))
    first, second = start(), start()
    list(rates(*first, 7))
    second[0].load_state_dict(first[0].state_dict())
    second[1].load_state_dict(first[1].state_dict())
    assert list(rates(*second, 7)) == whole[7:]


@pytest.mark.parametrize("options", [
    {}, {"mode": "max"}, {"patience": 1, "cooldown": 2}, {"threshold": 0.5, "threshold_mode": "abs", "patience": 0},
    {"mode": "max", "threshold": 0.2, "patience": 1, "min_lr": 0.02}, {"patience": 0, "factor": 0.5, "eps": 0.02},
])  # fmt: skip
def test_plateau_is_that_of_pytorch(options):
    torch = pytest.importorskip("torch")
    losses = np.random.default_rng(3).standard_normal(40).cumsum() * 0.3 + 3
    sequences = []
    for library in (tg, torch):
        optimizer = library.optim.SGD([library.tensor([1.0], requires_grad=True)], lr=0.1)
        scheduler = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **{"patience": 3, **options})
        sequences.append([(scheduler.step(loss), optimizer.param_groups[0]["lr"])[1] for loss in losses])
    np.testing.assert_allclose(*sequences)
    assert len(set(sequences[0])) > 1  # it did something


def test_inverse_time_and_the_order_of_steps():
    optimizer = optim.SGD([tg.tensor([1.0], requires_grad=True)], lr=0.6)
    scheduler = lr_scheduler.InverseTimeLR(optimizer, gamma=0.5)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    np.testing.assert_allclose(rates, [0.6, 0.6 / 1.5, 0.6 / 2, 0.6 / 2.5])
    with pytest.warns(UserWarning, match="before optimizer.step"):
        lr_scheduler.StepLR(optim.SGD([tg.tensor([1.0], requires_grad=True)]), 2).step()
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(optim.SGD([tg.tensor([1.0], requires_grad=True)]), 2, last_epoch=3)
