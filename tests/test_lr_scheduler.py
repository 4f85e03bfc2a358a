"""Schedules of learning rates, and averages of models, against PyTorch."""

import math
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.optim import lr_scheduler, swa_utils


class Halving:
    """A function with attributes, which are saved."""

    def __init__(self, start=0):
        self.start = start

    def __call__(self, t):
        return 0.5 ** max(0, t - self.start)


# name: (how to make it from the library's schedules `s` and an optimizer `o` of two groups, sum of all rates of 60
# steps)
SCHEDULES = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda t: 0.95**t),
    "LambdaLR, two": lambda s, o: s.LambdaLR(o, [Halving(7), lambda t: 1 / (1 + t)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, [lambda t: 0.95, lambda t: 1 - 1 / (2 + t)]),
    "StepLR": lambda s, o: s.StepLR(o, 3, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [20, 2, 7, 7], gamma=0.3),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.2, 6),
    "ConstantLR, default": lambda s, o: s.ConstantLR(o),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.9, 16),
    "LinearLR, default": lambda s, o: s.LinearLR(o),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 30, 2.0),
    "PolynomialLR, default": lambda s, o: s.PolynomialLR(o),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 60, eta_min=0.001),
    "CosineAnnealingLR, up again": lambda s, o: s.CosineAnnealingLR(o, 7),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 9, eta_min=0.001),
    "CosineAnnealingWarmRestarts, longer": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, 2),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.3, total_steps=61),
    "OneCycleLR, linear": lambda s, o: s.OneCycleLR(
        o, [0.3, 0.5], epochs=8, steps_per_epoch=8, anneal_strategy="linear", pct_start=0.4, div_factor=5.0,
        final_div_factor=7.0,
        base_momentum=[0.5, 0.6], max_momentum=0.7,
    ),
    "OneCycleLR, three phases": lambda s, o: s.OneCycleLR(o, 0.3, total_steps=70, three_phase=True,
        cycle_momentum=False),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.2, step_size_up=6),
    "CyclicLR, triangular2": lambda s, o: s.CyclicLR(o, [0.01, 0.02], [0.2, 0.3], 5, 9, mode="triangular2",
        base_momentum=[0.3, 0.4]),
    "CyclicLR, exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 6, mode="exp_range", gamma=0.97, cycle_momentum=False),
    "CyclicLR, by cycle": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 6, scale_fn=lambda x: 1 / (5**x)),
    "CyclicLR, by step": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 6, scale_fn=Halving(3), scale_mode="iterations"),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 4), s.CosineAnnealingLR(o, 6), s.ExponentialLR(o, 0.8)], [4, 10]
    ),
    "SequentialLR, others": lambda s, o: s.SequentialLR(
        o,
        [s.StepLR(o, 3), s.PolynomialLR(o, 20), s.ConstantLR(o, 0.5, 3), s.MultiStepLR(o, [2, 5], 0.5),
         s.LambdaLR(o, Halving(4))],
        [5, 20, 30, 45],
    ),
    "SequentialLR, nested": lambda s, o: s.SequentialLR(
        o,
        [s.SequentialLR(o, [s.ConstantLR(o, 0.1, 10), s.ExponentialLR(o, 0.9)], [10]),
         s.CosineAnnealingWarmRestarts(o, 5, 2)], [25]
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 20), s.ExponentialLR(o, 0.95),
        s.StepLR(o, 10, 0.5)]),
    "ChainedScheduler, cosine": lambda s, o: s.ChainedScheduler([s.LinearLR(o), s.CosineAnnealingLR(o, 40)],
        optimizer=o),
    "SWALR": lambda s, o: s.SWALR(o, 0.05, anneal_epochs=20),
    "SWALR, linear": lambda s, o: s.SWALR(o, [0.05, 0.5], anneal_epochs=7, anneal_strategy="linear"),
    "SWALR, at once": lambda s, o: s.SWALR(o, 0.05, anneal_epochs=0),
}  # fmt: skip

# the sum of all learning rates and momenta of sixty steps, as PyTorch 2.13 computes them
REFERENCE = {
    "LambdaLR": 63.2949608583, "LambdaLR, two": 61.9939252771, "MultiplicativeLR": 63.0609630974,
    "StepLR": 61.7199994278, "MultiStepLR": 61.501972, "ExponentialLR": 62.1980592289, "ConstantLR": 67.744,
    "ConstantLR, default": 67.92, "LinearLR": 66.874, "LinearLR, default": 68.08, "PolynomialLR": 62.2606666667,
    "PolynomialLR, default": 61.36, "CosineAnnealingLR": 64.721, "CosineAnnealingLR, up again": 64.8114675202,
    "CosineAnnealingWarmRestarts": 65.2346384868, "CosineAnnealingWarmRestarts, longer": 64.96,
    "OneCycleLR": 128.119688297, "OneCycleLR, linear": 103.539287892, "OneCycleLR, three phases": 73.8262436067,
    "CyclicLR": 116.42, "CyclicLR, triangular2": 103.2825, "CyclicLR, exp_range": 67.4398380759,
    "CyclicLR, by cycle": 111.2899136, "CyclicLR, by step": 111.335230769, "SequentialLR": 62.2299931492,
    "SequentialLR, others": 65.0139414062, "SequentialLR, nested": 64.4856375773, "ChainedScheduler": 61.2474166302,
    "ChainedScheduler, cosine": 63.6876767669, "SWALR": 67.31, "SWALR, linear": 92.83, "SWALR, at once": 67.1,
}  # fmt: skip


class Schedules:
    """The schedules of a library, with SWALR, which lives elsewhere."""

    def __init__(self, library):
        self.library = library

    def __getattr__(self, name):
        return getattr(self.library.optim.swa_utils if name == "SWALR" else self.library.optim.lr_scheduler, name)


def start(library, name, kind="SGD", lr=0.1, make=None):
    w, v = (library.tensor([1.0], requires_grad=True) for _ in range(2))
    options = {"momentum": 0.5} if kind == "SGD" else {}
    optimizer = getattr(library.optim, kind)([{"params": [w]}, {"params": [v], "lr": 0.02}], lr=lr, **options)
    with warnings.catch_warnings():
        if library is not tg:  # PyTorch warns of the order of steps where it takes them itself
            warnings.simplefilter("ignore")
        return optimizer, (make or SCHEDULES[name])(Schedules(library), optimizer)


def settings(optimizer):
    """What schedules set: learning rates and momenta."""
    return [
        x
        for group in optimizer.param_groups
        for x in (float(group["lr"]), group["betas"][0] if "betas" in group else group["momentum"])
    ]


def follow(optimizer, scheduler, steps):
    """The settings after each of so many steps."""
    found = []
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        found.append(settings(optimizer))
        assert [float(x) for x in scheduler.get_last_lr()] == [float(group["lr"]) for group in optimizer.param_groups]
    return found


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_sixty_steps_are_those_of_pytorch(name, kind, torch):
    (ours, mine), (theirs, other) = start(tg, name, kind), start(torch, name, kind)
    assert settings(ours) == pytest.approx(settings(theirs), rel=1e-12)
    assert mine.get_last_lr() == pytest.approx(other.get_last_lr(), rel=1e-12)
    np.testing.assert_allclose(follow(ours, mine, 60), follow(theirs, other, 60), rtol=1e-12, atol=1e-12)
    assert_same_state(mine.state_dict(), other.state_dict())
    assert [group.keys() for group in ours.param_groups] == [group.keys() for group in theirs.param_groups]


def assert_same_state(mine, other):
    """Two states have the same keys and values, so that each library can load the other's."""
    if isinstance(other, dict):
        assert mine.keys() == other.keys()
        for key in other:
            assert_same_state(mine[key], other[key])
    elif isinstance(other, (list, tuple)):
        assert len(mine) == len(other)
        for x, y in zip(mine, other):
            assert_same_state(x, y)
    elif isinstance(other, float):
        assert mine == pytest.approx(other, rel=1e-12, abs=1e-12)
    else:
        assert mine == other


@pytest.mark.parametrize("name", SCHEDULES)
def test_sixty_steps_are_those_that_pytorch_took_once(name):
    optimizer, scheduler = start(tg, name)
    total = np.sum([settings(optimizer), *follow(optimizer, scheduler, 60)])
    assert total == pytest.approx(REFERENCE[name], rel=1e-10)


@pytest.mark.parametrize("name", SCHEDULES)
def test_saved_schedules_go_on(name):
    whole = follow(*start(tg, name), 60)
    first, second = start(tg, name), start(tg, name, lr=0.7)
    follow(*first, 23)
    second[0].load_state_dict(first[0].state_dict())
    second[1].load_state_dict(pickle.loads(pickle.dumps(first[1].state_dict())))
    assert follow(*second, 37) == whole[23:]


@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rates_may_be_tensors(name, torch):
    results = []
    for library in (tg, torch):
        optimizer, scheduler = start(library, name, lr=library.tensor(0.1, dtype=library.float64))
        rate = optimizer.param_groups[0]["lr"]
        results.append(follow(optimizer, scheduler, 20))
        assert optimizer.param_groups[0]["lr"] is rate, "the same tensor has got the values"
    np.testing.assert_allclose(*results, rtol=1e-9)


CLOSED = [name for name in SCHEDULES if not name.startswith(("Sequential", "Chained"))]


@pytest.mark.parametrize("name", CLOSED)
def test_going_to_an_epoch_is_that_of_pytorch(name, torch):
    results = []
    for library in (tg, torch):
        optimizer, scheduler = start(library, name)
        rates = []
        for epoch in (1, 2, 3, 9, 4, 30, 31, 0, 5):
            optimizer.step()
            if name.startswith("CosineAnnealingWarmRestarts"):
                scheduler.step(epoch + 0.25)
            else:
                with pytest.warns(UserWarning, match="deprecated"):
                    scheduler.step(epoch)
            rates.append((settings(optimizer), scheduler.last_epoch))
            optimizer.step()
            scheduler.step()
            rates.append((settings(optimizer), scheduler.last_epoch))
        results.append(rates)
    for (ours, t), (theirs, u) in zip(*results):
        assert t == u
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def resumed(make):
    """A schedule that begins at a later epoch, in groups that know where they began."""

    def at_epoch(s, o):
        for i, group in enumerate(o.param_groups):
            group.update(initial_lr=0.1 + i, max_lr=0.5, min_lr=0.001, max_momentum=0.9, base_momentum=0.8)
        return make(s, o)

    return at_epoch


RESUMED = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda t: 0.95**t, last_epoch=5),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.95, last_epoch=5),
    "StepLR": lambda s, o: s.StepLR(o, 3, last_epoch=5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 6, 9], last_epoch=5),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9, last_epoch=5),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.5, 8, last_epoch=5),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.5, 0.9, 8, last_epoch=5),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 12, last_epoch=5),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 12, last_epoch=5),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 12, last_epoch=5),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 6, last_epoch=5),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=40, last_epoch=5),
    "SWALR": lambda s, o: s.SWALR(o, 0.5, last_epoch=5),
}


@pytest.mark.parametrize("name", RESUMED)
def test_beginning_at_a_later_epoch_is_that_of_pytorch(name, torch):
    results = []
    for library in (tg, torch):
        optimizer, scheduler = start(library, None, make=resumed(RESUMED[name]))
        results.append([settings(optimizer), *follow(optimizer, scheduler, 20)])
    np.testing.assert_allclose(*results, rtol=1e-12, atol=1e-12)


def test_initial_rates_are_needed_to_go_on():
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(optim.SGD([tg.tensor([1.0], requires_grad=True)]), 2, last_epoch=3)


@pytest.mark.parametrize("options", [
    {}, {"mode": "max"}, {"patience": 1, "cooldown": 2}, {"threshold": 0.5, "threshold_mode": "abs", "patience": 0},
    {"mode": "max", "threshold": 0.2, "patience": 1, "min_lr": [0.02, 0.001]},
    {"patience": 0, "factor": 0.5, "eps": 0.02},
    {"mode": "max", "threshold": 0.1, "threshold_mode": "abs", "patience": 2, "min_lr": 1e-3, "factor": 0.9},
])  # fmt: skip
def test_plateau_is_that_of_pytorch(options, torch):
    losses = np.random.default_rng(3).standard_normal(60).cumsum() * 0.3 + 3
    sequences, states = [], []
    for library in (tg, torch):
        optimizer, scheduler = start(
            library, None, make=lambda s, o: s.ReduceLROnPlateau(o, **{"patience": 3, **options})
        )
        rates = []
        for t, loss in enumerate(losses):
            if t == 30:  # saved and loaded on the way
                state = scheduler.state_dict()
                scheduler = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
                scheduler.load_state_dict(state)
            scheduler.step(library.tensor(loss) if t % 2 else loss)
            rates.append(settings(optimizer))
            assert scheduler.get_last_lr() == rates[-1][::2]
        sequences.append(rates)
        states.append(scheduler.state_dict())
    np.testing.assert_allclose(*sequences, rtol=1e-12)
    assert len({rates[0] for rates in sequences[0]}) > 1  # it did something
    assert_same_state(*states)


def test_plateau_with_a_new_group():
    optimizer, scheduler = start(tg, None, make=lambda s, o: s.ReduceLROnPlateau(o, patience=0))
    optimizer.add_param_group({"params": tg.ones(1, requires_grad=True)})
    for _ in range(2):
        scheduler.step(1.0)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.01, 0.002, 0.01])
    optimizer, scheduler = start(tg, None, make=lambda s, o: s.ReduceLROnPlateau(o, patience=0, min_lr=[0, 0]))
    optimizer.add_param_group({"params": tg.ones(1, requires_grad=True)})
    scheduler.step(1.0)
    with pytest.raises(RuntimeError, match="2 values of min_lr, and the optimizer 3 groups"):
        scheduler.step(1.0)
    with pytest.warns(UserWarning, match="deprecated"):
        lr_scheduler.ReduceLROnPlateau(optimizer).step(1.0, 3)


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


def test_warnings_are_those_of_pytorch(torch):
    for T, text in (
        (tg, ("before optimizer.step", "was replaced", "get_last_lr")),
        (torch, ("before `opt", "overridden", "get_last_lr")),
    ):
        optimizer = T.optim.SGD([T.tensor([1.0], requires_grad=True)])
        optimizer.step()  # before there was a schedule, which does not count
        scheduler = T.optim.lr_scheduler.StepLR(optimizer, 2)
        with pytest.warns(UserWarning, match=text[0]):
            scheduler.step()
        scheduler.step()  # once is enough
        scheduler = T.optim.lr_scheduler.StepLR(optimizer, 2)
        optimizer.step = lambda: None
        with pytest.warns(UserWarning, match=text[1]):
            scheduler.step()
        with pytest.warns(UserWarning, match=text[2]):
            scheduler.get_lr()


def test_a_schedule_of_ones_own():
    class Warmup(lr_scheduler.LRScheduler):
        def __init__(self, optimizer, length):
            self.length = length
            super().__init__(optimizer)

        def get_lr(self):
            return [base * min(1, (self.last_epoch + 1) / self.length) for base in self.base_lrs]

    class Slower(lr_scheduler.ExponentialLR):
        def get_lr(self):
            return [max(rate, 0.05) for rate in super().get_lr()]

    optimizer, scheduler = start(tg, None, make=lambda s, o: Warmup(o, 4))
    assert [settings(optimizer)[0], *(x[0] for x in follow(optimizer, scheduler, 4))] == pytest.approx(
        [0.025, 0.05, 0.075, 0.1, 0.1]
    )
    optimizer, scheduler = start(tg, None, make=lambda s, o: Slower(o, 0.6))
    assert [x[0] for x in follow(optimizer, scheduler, 3)] == pytest.approx([0.06, 0.05, 0.05])
    assert lr_scheduler._LRScheduler is lr_scheduler.LRScheduler


MISTAKES = {
    "no optimizer": (lambda s, o: s.StepLR(3, 2), TypeError, "needs an Optimizer, not a int"),
    "no optimizer for CyclicLR": (lambda s, o: s.CyclicLR(3, 1, 2), TypeError, "needs an Optimizer"),
    "no optimizer for OneCycleLR": (lambda s, o: s.OneCycleLR(3, 1, 2), TypeError, "needs an Optimizer"),
    "no optimizer for the plateau": (lambda s, o: s.ReduceLROnPlateau(3), TypeError, "needs an Optimizer"),
    "functions": (lambda s, o: s.LambdaLR(o, [abs]), ValueError, "1 values for 2 parameter groups"),
    "no function": (lambda s, o: s.MultiplicativeLR(o, 0.5), TypeError, "must be a function"),
    "constant": (lambda s, o: s.ConstantLR(o, 1.5), ValueError, "between 0 and 1"),
    "linear start": (lambda s, o: s.LinearLR(o, 0), ValueError, "start_factor"),
    "linear end": (lambda s, o: s.LinearLR(o, 0.5, 2), ValueError, "end_factor"),
    "T_0": (lambda s, o: s.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 must be a positive integer"),
    "T_mult": (lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, 1.5), ValueError, "T_mult"),
    "eta_min": (lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, eta_min="0"), ValueError, "eta_min"),
    "negative epoch": (lambda s, o: s.CosineAnnealingWarmRestarts(o, 1).step(-1), ValueError, "negative"),
    "mode": (lambda s, o: s.CyclicLR(o, 1, 2, mode="x"), ValueError, "mode is 'triangular'"),
    "max_lr": (lambda s, o: s.CyclicLR(o, 1, [2]), ValueError, "max_lr: 1 values"),
    "momentum": (lambda s, o: s.CyclicLR(type(o).__mro__[1]([o.param_groups[0]["params"][0]], {"lr": 1}), 1, 2),
                 ValueError, "neither"),
    "no length": (lambda s, o: s.OneCycleLR(o, 1, epochs=3), ValueError, "give total_steps, or"),
    "length": (lambda s, o: s.OneCycleLR(o, 1, total_steps=0), ValueError, "positive integer"),
    "epochs": (lambda s, o: s.OneCycleLR(o, 1, epochs=3, steps_per_epoch=-1), ValueError, "steps_per_epoch"),
    "pct_start": (lambda s, o: s.OneCycleLR(o, 1, 5, pct_start=1.5), ValueError, "pct_start"),
    "anneal": (lambda s, o: s.OneCycleLR(o, 1, 5, anneal_strategy="x"), ValueError, "'cos' or 'linear'"),
    "too many steps": (lambda s, o: [step() for step in [s.OneCycleLR(o, 1, 2).step] * 4 if o.step() is None],
                       ValueError, "step 3"),
    "plateau factor": (lambda s, o: s.ReduceLROnPlateau(o, factor=1), ValueError, "less than 1"),
    "plateau mode": (lambda s, o: s.ReduceLROnPlateau(o, "x"), ValueError, "'min' or 'max'"),
    "plateau min_lr": (lambda s, o: s.ReduceLROnPlateau(o, min_lr=[1]), ValueError, "1 values for 2"),
    "milestones": (lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)] * 2, []), ValueError,
                   "2 schedulers need 1 milestones"),
    "sequence of nothing": (lambda s, o: s.SequentialLR(o, [], []), ValueError, "at least one"),
    "sequence of numbers": (lambda s, o: s.SequentialLR(o, [1], []), TypeError, "no schedule"),
    "sequence with a plateau": (lambda s, o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []), ValueError,
                                "ReduceLROnPlateau"),
    "sequence of another": (lambda s, o: s.SequentialLR(None, [s.StepLR(o, 1)], []), ValueError, "another optimizer"),
    "chain of nothing": (lambda s, o: s.ChainedScheduler([]), ValueError, "at least one"),
    "chain with a plateau": (lambda s, o: s.ChainedScheduler([s.ReduceLROnPlateau(o)]), ValueError,
                             "ReduceLROnPlateau"),
    "SWALR strategy": (lambda s, o: s.SWALR(o, 1, anneal_strategy="x"), ValueError, "'cos' or 'linear'"),
    "SWALR epochs": (lambda s, o: s.SWALR(o, 1, anneal_epochs=-1), ValueError, "at least 0"),
    "SWALR rates": (lambda s, o: s.SWALR(o, [1]), ValueError, "1 values"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("library", ["tinygrad_edu", "torch"])
def test_mistakes_are_explained(library, name):
    mistake, error, message = MISTAKES[name]
    with pytest.raises(error, match=message if library == "tinygrad_edu" else None):
        start(pytest.importorskip(library), None, make=mistake)


# ---- averages of models


AVERAGES = {
    "mean": {},
    "mean, by a function": {"avg_fn": lambda u: u.get_swa_avg_fn()},
    "mean, by a function for lists": {"multi_avg_fn": lambda u: u.get_swa_multi_avg_fn()},
    "moving": {"avg_fn": lambda u: u.get_ema_avg_fn(0.75)},
    "moving, for lists": {"multi_avg_fn": lambda u: u.get_ema_multi_avg_fn(0.75)},
    "buffers": {"multi_avg_fn": lambda u: u.get_ema_multi_avg_fn(0.3), "use_buffers": True},
    "ones own": {"avg_fn": lambda u: lambda average, parameter, number: average + parameter * (number + 1)},
}


def network(T):
    """A small network with the same weights in either library, and data."""
    rng = np.random.default_rng(5)
    model = T.nn.Sequential(T.nn.Linear(3, 4), T.nn.BatchNorm1d(4), T.nn.Tanh(), T.nn.Linear(4, 2)).double()
    for p in model.parameters():
        p.data = T.tensor(rng.standard_normal(tuple(p.shape)))
    return model, [T.tensor(rng.standard_normal((8, 3))) for _ in range(5)]


@pytest.mark.parametrize("name", AVERAGES)
def test_averaged_models_are_those_of_pytorch(name, torch):
    results = []
    for T in (tg, torch):
        model, data = network(T)
        options = {key: value(T.optim.swa_utils) if callable(value) else value for key, value in AVERAGES[name].items()}
        averaged = T.optim.swa_utils.AveragedModel(model, **options)
        optimizer = T.optim.SGD(model.parameters(), lr=0.1)
        states = []
        for x in data:
            optimizer.zero_grad()
            (model(x) ** 2).sum().backward()
            optimizer.step()
            averaged.update_parameters(model)
            states.append({key: value.detach().numpy().copy() for key, value in averaged.state_dict().items()})
        T.optim.swa_utils.update_bn([(x, None) for x in data], averaged)
        states.append({key: value.detach().numpy() for key, value in averaged.state_dict().items()})
        averaged.eval()
        results.append((states, averaged(data[0]).detach().numpy(), averaged.module[1].momentum, repr(averaged)))
    # there PyTorch computes 1 / (n + 1) in float32
    tolerance = 1e-6 if name == "mean, by a function for lists" else 1e-9
    for ours, theirs in zip(results[0][0], results[1][0]):
        assert list(ours) == list(theirs)
        for key in ours:
            np.testing.assert_allclose(ours[key], theirs[key], rtol=tolerance, atol=tolerance, err_msg=key)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=tolerance)
    assert results[0][2:] == results[1][2:]


def test_averages_leave_the_model_alone():
    model = nn.Linear(2, 2)
    before = [p.array.copy() for p in model.parameters()]
    averaged = swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    averaged.module.weight.data.zero_()
    averaged.update_parameters(model)
    for p, q, old in zip(model.parameters(), averaged.module.parameters(), before):
        np.testing.assert_array_equal(p.array, old)
        assert q.requires_grad and not np.shares_memory(p.array, q.array)
    np.testing.assert_allclose(averaged.module.weight.array, before[0] / 2)
    assert averaged.n_averaged.item() == 2 and next(iter(averaged.state_dict())) == "n_averaged"
    with pytest.raises(AssertionError, match="not both"):
        swa_utils.AveragedModel(model, avg_fn=abs, multi_avg_fn=abs)
    for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match="between 0 and 1"):
            make(1.5)
    training = model.training
    swa_utils.update_bn([tg.ones(3, 2)], model)  # nothing to do
    assert model.training == training and math.isclose(averaged.n_averaged.item(), 2)
