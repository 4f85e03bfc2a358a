"""Optimizers against PyTorch, what they remember, and what they do with mistakes."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.optim import batches
from tinygrad_edu.optim.wolfe import strong_wolfe

SHAPES = (4, 3), (3,), (), (5, 1), (2, 3, 2)

CASES = {
    "SGD": [
        {}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {"momentum": 0.5, "dampening": 0.3},
        {"weight_decay": 0.1, "maximize": True}, {"momentum": 0.9, "maximize": True, "dampening": 0.1},
        {"momentum": 0.9, "weight_decay": 0.1, "dampening": 0.5, "foreach": True}, {"momentum": 0.9, "fused": False},
    ],
    "Adam": [
        {}, {"amsgrad": True}, {"weight_decay": 0.1}, {"betas": (0.5, 0.9), "eps": 1e-3}, {"maximize": True, "weight_decay": 0.1},
        {"decoupled_weight_decay": True, "weight_decay": 0.1}, {"foreach": True, "amsgrad": True}, {"fused": False},
    ],
    "AdamW": [{}, {"weight_decay": 0.3, "amsgrad": True}, {"maximize": True}],
    "Adamax": [{}, {"weight_decay": 0.1, "betas": (0.8, 0.99)}, {"maximize": True, "eps": 1e-2}],
    "NAdam": [
        {}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"momentum_decay": 0.1, "eps": 1e-3},
        {"maximize": True, "betas": (0.5, 0.9)},
    ],
    "RAdam": [
        {}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"betas": (0.8, 0.9), "eps": 1e-3},
        {"maximize": True},
    ],
    "RMSprop": [
        {}, {"momentum": 0.9}, {"centered": True}, {"centered": True, "momentum": 0.5, "weight_decay": 0.1, "alpha": 0.98},
        {"maximize": True, "eps": 1e-3},
    ],
    "Adagrad": [{}, {"lr_decay": 0.1, "weight_decay": 0.1}, {"initial_accumulator_value": 0.5, "maximize": True}],
    "Adadelta": [{}, {"rho": 0.5, "weight_decay": 0.1, "lr": 0.5}, {"maximize": True, "eps": 1e-3}],
    "Rprop": [{}, {"etas": (0.6, 1.1)}, {"step_sizes": (5e-3, 0.02)}, {"maximize": True}],
    "ASGD": [{}, {"t0": 5, "weight_decay": 0.1}, {"lambd": 0.1, "alpha": 0.5, "t0": 10}, {"maximize": True}],
    "Adafactor": [
        {}, {"beta2_decay": -0.3, "weight_decay": 0.1}, {"eps": (1e-2, 0.1), "d": 2.0}, {"maximize": True, "lr": 0.02, "beta2_decay": -2.0, "d": 1.02},
    ],
}  # fmt: skip
ALL = [(name, options) for name, cases in CASES.items() for options in cases]
PARAMETERS = pytest.mark.parametrize("name, options", ALL, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ALL)])

# what `checksum` gives after seven steps, as PyTorch 2.13 computes them in float64
REFERENCE = {
    "SGD": [
        -3.11586605648, -4.13019762706, -4.05066864556, -3.26948164387, -1.75376435943, -0.0199101253818,
        -3.70152290444, -4.13019762706,
    ],
    "Adam": [
        -2.80362908237, -2.80362908237, -2.80193906393, -2.79791294451, -2.29803150116, -2.80724392436,
        -2.80362908237, -2.80362908237,
    ],
    "AdamW": [-2.80399372902, -2.8142541273, -2.29881368491],
    "Adamax": [-2.79372714168, -2.79654265919, -2.30577599826],
    "NAdam": [-2.74727303392, -2.74623791691, -2.75036101075, -2.74670052655, -2.28671585377],
    "RAdam": [-2.99472759116, -2.99531704649, -2.99611231307, -3.0102069076, -2.06086619889],
    "RMSprop": [-3.45289577398, -4.11817673255, -3.45721025209, -3.63309002507, -0.949089897896],
    "Adagrad": [-2.69295303643, -2.66948016616, -2.39742663599],
    "Adadelta": [-2.55259284719, -2.58133661626, -2.52454252606],
    "Rprop": [-3.01278182083, -2.89444437325, -2.90056082243, -2.08766445662],
    "ASGD": [-3.1158634892, -3.11445139879, -3.11367970513, -1.74056138026],
    "Adafactor": [-2.70026122778, -2.70551260711, -2.698647843, -2.13679530131],
}  # fmt: skip


def problem(library, dtype, shapes=SHAPES):
    """Parameters and a function that computes a loss of them, the same in either library."""
    rng = np.random.default_rng(7)
    parameters = [library.tensor(np.array(rng.standard_normal(s)).astype(dtype), requires_grad=True) for s in shapes]
    scales = [library.tensor(np.array(rng.uniform(0.1, 2, s)).astype(dtype)) for s in shapes]

    def loss():
        return sum((scale * p * p + (p * 3).sin()).sum() for scale, p in zip(scales, parameters))

    return parameters, loss


def groups(parameters):
    return [{"params": parameters[:2]}, {"params": parameters[2:], "lr": 0.003}]


def go_on(optimizer, parameters, loss, first, last):
    """Take steps first to last - 1."""
    for t in range(first, last):
        optimizer.zero_grad()
        loss().backward()
        if t % 5 == 0:  # a parameter without a gradient is left alone, also in what is remembered of it
            parameters[1].grad = None
        optimizer.step()


def train(library, name, options, dtype, steps=50):
    parameters, loss = problem(library, dtype)
    optimizer = getattr(library.optim, name)(groups(parameters), **{"lr": 0.01, **options})
    go_on(optimizer, parameters, loss, 0, steps)
    return parameters, optimizer


def checksum(parameters):
    """A number that changes with every element."""
    flat = np.concatenate([p.detach().numpy().reshape(-1) for p in parameters])
    return float(flat @ np.cos(np.arange(flat.size)))


def assert_state(mine, torchs, tolerance):
    """A state of ours and one of PyTorch's have the same keys, dtypes and values."""
    assert mine["state"].keys() == torchs["state"].keys()
    for number, values in torchs["state"].items():
        kept = {key: value for key, value in values.items() if value is not None}
        assert mine["state"][number].keys() == kept.keys()
        for key, value in kept.items():
            ours = mine["state"][number][key]
            assert str(value.dtype) == f"torch.{ours.array.dtype}", key
            np.testing.assert_allclose(ours.array, value.numpy(), rtol=tolerance, atol=tolerance, err_msg=key)
    for group, other in zip(mine["param_groups"], torchs["param_groups"]):
        assert group == other


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-10), ("float32", 1e-5)])
@PARAMETERS
def test_fifty_steps_are_those_of_pytorch(name, options, dtype, tolerance, torch):
    ours, optimizer = train(tg, name, options, dtype)
    theirs, oracle = train(torch, name, options, dtype)
    for p, q in zip(ours, theirs):
        assert p.dtype == np.dtype(dtype)
        np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=tolerance, atol=tolerance)
    assert_state(optimizer.state_dict(), oracle.state_dict(), tolerance)
    assert repr(optimizer) == repr(oracle)


@PARAMETERS
def test_seven_steps_are_those_that_pytorch_took_once(name, options):
    number = CASES[name].index(options)
    parameters, _ = train(tg, name, options, "float64", 7)
    assert checksum(parameters) == pytest.approx(REFERENCE[name][number], rel=1e-10)


@PARAMETERS
def test_saved_state_goes_on_as_if_nothing_had_happened(name, options):
    whole, _ = train(tg, name, options, "float64", 20)
    half, first = train(tg, name, options, "float64", 10)
    copies, loss = problem(tg, "float64")
    for p, q in zip(copies, half):
        p.data = q.detach().clone()
    second = getattr(optim, name)(groups(copies), lr=0.7)
    second.load_state_dict(pickle.loads(pickle.dumps(first.state_dict())))
    before = [p.array.copy() for p in half]
    go_on(second, copies, loss, 10, 20)
    for p, q, old, kept in zip(copies, whole, half, before):
        np.testing.assert_array_equal(p.array, q.array)
        np.testing.assert_array_equal(old.array, kept)  # the state was copied: the first optimizer is left alone


def test_loaded_states_are_copies():
    for dtype in ("float64", "float32"):
        parameters, first = train(tg, "Adam", {}, dtype, 3)
        second = optim.Adam([{"params": parameters[:2]}, {"params": parameters[2:]}])
        second.load_state_dict(first.state_dict())
        before = {key: value.array.copy() for key, value in first.state[parameters[0]].items()}
        second.step()
        for key, value in before.items():
            np.testing.assert_array_equal(first.state[parameters[0]][key].array, value)
        assert second.state[parameters[0]]["step"].item() == before["step"] + 1


def converted(library, state):
    """A state of the one library with the tensors of the other."""
    if isinstance(state, dict):
        return {key: converted(library, value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(converted(library, value) for value in state)
    return library.tensor(state.detach().numpy()) if hasattr(state, "detach") else state


@PARAMETERS
def test_states_move_between_the_libraries(name, options, torch):
    whole, _ = train(torch, name, options, "float64", 17)
    for one, other in ((torch, tg), (tg, torch)):
        half, first = train(one, name, options, "float64", 7)
        parameters, loss = problem(other, "float64")
        for p, q in zip(parameters, half):
            p.data = converted(other, q)
        second = getattr(other.optim, name)(groups(parameters))
        second.load_state_dict(first.state_dict() if other is tg else converted(other, first.state_dict()))
        go_on(second, parameters, loss, 7, 17)
        for p, q in zip(parameters, whole):  # PyTorch itself changes the dtype of NAdam's mu_product when it loads it
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-7 if name == "NAdam" else 1e-11)


@pytest.mark.parametrize("name", [*CASES, "LBFGS", "Muon", "SparseAdam"])
def test_signatures_are_those_of_pytorch(name, torch):
    def parameters(T):
        found = inspect.signature(getattr(T.optim, name).__init__).parameters.values()
        return [(p.name, p.kind, p.default) for p in found]

    assert parameters(tg) == parameters(torch)
    named = [("a", tg.ones(2, 2, requires_grad=True)), ("b", tg.ones(3, 2, requires_grad=True))]
    theirs = [(key, torch.ones(p.shape, requires_grad=True)) for key, p in named]
    assert repr(getattr(optim, name)(named)) == repr(getattr(torch.optim, name)(theirs))


# ---- LBFGS and Muon, which want other problems


LBFGS_CASES = [
    {}, {"line_search_fn": "strong_wolfe"}, {"lr": 0.3, "max_iter": 4}, {"history_size": 2, "line_search_fn": "strong_wolfe"},
    {"max_iter": 7, "max_eval": 9, "line_search_fn": "strong_wolfe", "lr": 5.0}, {"tolerance_grad": 0.5},
    {"tolerance_change": 0.1, "line_search_fn": "strong_wolfe"}, {"max_eval": 3}, {"lr": 40.0, "line_search_fn": "strong_wolfe"},
]  # fmt: skip


def minimise(library, options, dtype, steps, saved=None):
    """Rosenbrock's function of twelve numbers in three parameters, and the losses on the way."""
    start = np.random.default_rng(3).standard_normal(12).astype(dtype)
    parts = [library.tensor(x, requires_grad=True) for x in (start[:6].reshape(2, 3), start[6:11], start[11].reshape(()))]
    if saved is not None:
        for p, x in zip(parts, saved[0]):
            p.data = library.tensor(x)
    optimizer = library.optim.LBFGS(parts, **options)
    if saved is not None:
        optimizer.load_state_dict(saved[1])
    losses = []

    def closure():
        optimizer.zero_grad()
        x = library.cat([p.reshape(-1) for p in parts])
        loss = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
        loss.backward()
        losses.append(loss.item())
        return loss

    returned = [optimizer.step(closure).item() for _ in range(steps)]
    return [p.detach().numpy().copy() for p in parts], losses, returned, optimizer


@pytest.mark.parametrize("options", LBFGS_CASES)
def test_lbfgs_iterates_are_those_of_pytorch(options, torch):
    options = {"lr": 1e-3, "max_iter": 10, **options}
    ours, theirs = (minimise(library, options, "float64", 4) for library in (tg, torch))
    assert len(ours[1]) == len(theirs[1]), "as many evaluations"
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-8)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-8)
    for p, q in zip(ours[0], theirs[0]):
        np.testing.assert_allclose(p, q, rtol=1e-8)
    (mine,), (other,) = ours[3].state_dict()["state"].values(), theirs[3].state_dict()["state"].values()
    assert mine.keys() == other.keys() - {"al"}  # PyTorch keeps what it computes with
    assert (mine["n_iter"], mine["func_evals"], len(mine["ro"])) == (other["n_iter"], other["func_evals"], len(other["ro"]))
    assert repr(ours[3]) == repr(theirs[3])


def test_lbfgs_in_single_precision(torch):
    options = {"line_search_fn": "strong_wolfe", "max_iter": 5}
    ours, theirs = (minimise(library, options, "float32", 1) for library in (tg, torch))
    np.testing.assert_allclose(ours[1], theirs[1], rtol=2e-3)
    assert ours[0][0].dtype == np.float32


def test_line_searches_are_those_of_pytorch(torch):
    theirs = pytest.importorskip("torch.optim.lbfgs")._strong_wolfe
    compared = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        waves, heights, bend = 10 ** rng.uniform(0, 1.5, 4), rng.standard_normal(4), 10 ** rng.uniform(-1, 1)
        first, most = 10 ** rng.uniform(-3, 1), int(rng.integers(1, 25))
        tilt = (heights * waves).sum() + 10 ** rng.uniform(-1, 2)  # so that it goes downhill at first

        def loss_and_slope(t, waves=waves, heights=heights, bend=bend, tilt=tilt):
            height = (heights * np.sin(waves * t)).sum() + bend * t**2 - tilt * t
            slope = (heights * waves * np.cos(waves * t)).sum() + 2 * bend * t - tilt
            return float(height), float(slope)

        seen = [], []

        def ours(t, seen=seen[0], f=loss_and_slope):
            seen.append(t)
            return f(t)[0], np.array([f(t)[1]])

        def other(x, t, d, seen=seen[1], f=loss_and_slope):
            seen.append(float(t))
            return f(float(t))[0], torch.tensor([f(float(t))[1]], dtype=torch.float64)

        start, slope = loss_and_slope(0.0)
        found = strong_wolfe(ours, first, start, np.array([slope]), slope, np.ones(1), 1e-9, most)
        g, one = torch.tensor([slope], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
        f, g, t, count = theirs(other, None, first, one, start, g, g[0], max_ls=most)
        gaps = np.abs(np.diff(seen[1])) / np.abs(seen[1][1:])
        if (gaps < 1e-3).any():  # a cubic through two points that are nearly one: rounding decides where its minimum lies
            until = int(np.argmax(gaps < 1e-3)) + 2
            np.testing.assert_allclose(seen[0][:until], seen[1][:until], rtol=1e-6)
            continue
        compared += 1
        assert len(seen[0]) == len(seen[1]) == found[3] == count
        np.testing.assert_allclose(*seen, rtol=1e-6)
        np.testing.assert_allclose([found[0], found[2]], [f, t], rtol=1e-6)
        np.testing.assert_allclose(found[1], g, atol=1e-6 * (1 + abs(slope)))
    assert compared > 200


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_goes_on_from_a_saved_state(search):
    options = {"line_search_fn": search, "lr": 1e-3 if search is None else 1}
    whole = minimise(tg, options, "float64", 4)
    half = minimise(tg, options, "float64", 2)
    rest = minimise(tg, options, "float64", 2, (half[0], pickle.loads(pickle.dumps(half[3].state_dict()))))
    for p, q in zip(rest[0], whole[0]):
        np.testing.assert_array_equal(p, q)


def test_lbfgs_takes_the_state_of_pytorch(torch):
    options = {"line_search_fn": "strong_wolfe", "max_iter": 4}
    whole = minimise(torch, options, "float64", 4)
    half = minimise(torch, options, "float64", 2)
    rest = minimise(tg, options, "float64", 2, (half[0], half[3].state_dict()))
    for p, q in zip(rest[0], whole[0]):
        np.testing.assert_allclose(p, q, rtol=1e-8)
    half = minimise(tg, options, "float64", 2)
    rest = minimise(torch, options, "float64", 2, (half[0], converted(torch, half[3].state_dict())))
    for p, q in zip(rest[0], whole[0]):
        np.testing.assert_allclose(p, q, rtol=1e-8)


def test_lbfgs_finds_the_minimum():
    _, losses, _, _ = minimise(tg, {"line_search_fn": "strong_wolfe", "max_iter": 200}, "float64", 1)
    assert losses[-1] < 1e-8
    assert losses[-1] == min(losses)


MUON_CASES = [
    {}, {"nesterov": False, "momentum": 0.5, "weight_decay": 0.0}, {"adjust_lr_fn": "match_rms_adamw"},
    {"ns_steps": 3, "ns_coefficients": (2.0, -1.5, 0.5), "adjust_lr_fn": "original"},
]  # fmt: skip


def muon(library, options, dtype, steps):
    parameters, loss = problem(library, dtype, [(4, 7), (9, 3), (5, 5), (1, 6)])
    optimizer = library.optim.Muon(groups(parameters), **{"lr": 0.02, **options})
    go_on(optimizer, parameters, loss, 0, steps)
    return parameters, optimizer


@pytest.mark.parametrize("options", MUON_CASES)
def test_muon_is_that_of_pytorch_but_for_the_precision(options, torch, monkeypatch):
    ours, _ = muon(tg, options, "float64", 5)
    theirs, _ = muon(torch, options, "float64", 5)
    for p, q in zip(ours, theirs):  # PyTorch orthogonalises in bfloat16, which has eight bits
        np.testing.assert_allclose(p.array, q.detach().numpy(), atol=0.02)
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-5)):
        ours, optimizer = muon(tg, options, dtype, 50)
        theirs, oracle = muon(torch, options, dtype, 50)
        for p, q in zip(ours, theirs):
            np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=tolerance, atol=tolerance)
        assert_state(optimizer.state_dict(), oracle.state_dict(), tolerance)


def test_muon_makes_singular_values_equal():
    w = tg.tensor(np.zeros((6, 4)), requires_grad=True)
    w.grad = tg.tensor(np.random.default_rng(0).standard_normal((6, 4)) * [1, 2, 3, 4])
    optim.Muon([w], lr=1.0, weight_decay=0).step()
    values = np.linalg.svd(w.array, compute_uv=False) / math.sqrt(6 / 4)
    assert values.min() > 0.5 and values.max() < 1.3


# ---- how the arrays are laid out


SIZES = (3,), (40, 50), (), (2, 2), (300, 200), (70000,), (7,), (0,), (9,)


def layout(name, options, steps=4, change=lambda t, parameters, optimizer: None):
    rng = np.random.default_rng(1)
    parameters = [tg.tensor(np.array(rng.standard_normal(s)), requires_grad=True) for s in SIZES]
    parameters.append(tg.tensor(rng.standard_normal((30, 20))).T.detach().requires_grad_())  # not contiguous
    optimizer = getattr(optim, name)(parameters, **{"lr": 0.01, **options})
    for t in range(steps):
        change(t, parameters, optimizer)
        for p in parameters:
            p.grad = tg.tensor(np.cos(p.array * (t + 2)))
        if t == 2:
            parameters[0].grad = None
        optimizer.step()
    return parameters, optimizer


@PARAMETERS
def test_the_layout_makes_no_difference(name, options, monkeypatch):
    monkeypatch.setattr(batches, "CUT", 1 << 14)
    ours, optimizer = layout(name, options)
    if name == "Adam":
        ((_, _, made),) = optimizer._batches.values()
        batch = made[1][0]  # the first is that of the parameter which had no gradient once
        assert batch.small and batch.large and batch.alone
    monkeypatch.setattr(batches, "JOINED", -1)
    monkeypatch.setattr(batches, "CUT", 1 << 60)
    plain, _ = layout(name, options)
    for p, q in zip(ours, plain):
        np.testing.assert_array_equal(p.array, q.array)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_threads_share_the_work(name, monkeypatch):
    plain, _ = layout(name, {})
    monkeypatch.setattr(batches.blocks, "LARGE", 1000)
    monkeypatch.setattr(batches, "SHARE", 5000)
    monkeypatch.setattr(batches, "CUT", 2000)
    monkeypatch.setattr(batches, "BLOCK", 1000)
    monkeypatch.setattr(batches, "overlaps", lambda arrays: set())
    before = tg.get_num_threads()
    tg.set_num_threads(3)
    try:
        shared, optimizer = layout(name, {})
        ((_, _, made),) = optimizer._batches.values()
        assert made[0][0].ranges is None, "an array that is left alone"
        for p in shared:
            p.data = p.detach().contiguous() if hasattr(p, "contiguous") else tg.tensor(np.ascontiguousarray(p.array))
            p.grad = tg.tensor(np.cos(p.array))
        for p, q in zip(plain, shared):
            p.data, p.grad = tg.tensor(q.array.copy()), q.grad
        again = [getattr(optim, name)(list(x), lr=0.1) for x in (plain, shared)]
        for _ in range(3):
            again[1].step()
        ((_, _, made),) = again[1]._batches.values()
        assert len(made[0][0].ranges) > 5
        tg.set_num_threads(1)
        for _ in range(3):
            again[0].step()
    finally:
        tg.set_num_threads(before)
    for p, q in zip(plain, shared):
        np.testing.assert_array_equal(p.array, q.array)


def test_parameters_that_share_memory_take_one_step_after_the_other():
    memory = np.arange(12.0).reshape(3, 4)
    tied = [tg.from_numpy(x).requires_grad_() for x in (memory, memory.T, memory[0], np.zeros(3), np.zeros(4), np.zeros(2))]
    for p in tied:
        p.grad = tg.tensor(np.ones(p.shape))
    optim.SGD(tied, lr=1.0, momentum=0.9).step()
    np.testing.assert_array_equal(memory, np.arange(12.0).reshape(3, 4) - 2 - np.array([[1], [0], [0]]))
    np.testing.assert_array_equal(tied[-1].array, -1)


def cleared(state, p):
    for value in state.values():
        value.zero_()


def forgotten(state, p):
    state.clear()


def replaced(state, p):
    state["exp_avg"] = tg.tensor(np.ones(p.shape))


def older(state, p):
    state["step"] = 7


def moved(state, p):
    p.data = tg.tensor(np.zeros(p.shape))


@pytest.mark.parametrize("number", [0, 2, 4])  # joined, without dimensions, and large
@pytest.mark.parametrize("change", [cleared, forgotten, replaced, older, moved])
def test_states_may_be_changed_between_steps(change, number):
    def at_one(t, parameters, optimizer):
        if t == 1:
            change(optimizer.state[parameters[number]], parameters[number])

    ours, _ = layout("Adam", {}, 2, at_one)
    plain, _ = layout("Adam", {}, 2)
    p = np.array(layout("Adam", {}, 1)[0][number].array)
    g = np.cos(layout("Adam", {}, 0)[0][number].array * 2)
    t, mean, square = 1, 0.1 * g, 0.001 * g * g
    if change in (cleared, forgotten):
        t, mean, square = 0, 0, 0
    elif change is replaced:
        mean = np.ones(p.shape)
    elif change is older:
        t = 7
    else:
        p = np.zeros(p.shape)
    g, t = np.cos(p * 3), t + 1
    mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
    expected = p - 0.01 * mean / (1 - 0.9**t) / (np.sqrt(square / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(ours[number].array, expected, rtol=1e-11)
    for i, (q, other) in enumerate(zip(ours, plain)):
        if i != number:
            np.testing.assert_array_equal(q.array, other.array)


def test_options_may_be_changed_between_steps(torch):
    results = []
    for library in (tg, torch):
        parameters, loss = problem(library, "float64")
        optimizer = library.optim.SGD(groups(parameters), lr=0.01)
        for t in range(6):
            optimizer.param_groups[0]["momentum"] = 0.9 if 1 < t < 5 else 0
            go_on(optimizer, parameters, loss, t + 1, t + 2)
        results.append([p.detach().numpy() for p in parameters])
    for p, q in zip(*results):
        np.testing.assert_allclose(p, q, rtol=1e-12)


# ---- steps


def test_a_step_is_noticed_by_a_graph_that_needs_the_old_value():
    for count in (1, 5):
        ws = [tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(count)]
        loss = sum((w * w).sum() for w in ws)
        for w in ws:
            w.grad = tg.tensor([1.0, 1.0])
        optim.SGD(ws, lr=0.1).step()
        with pytest.raises(tg.OverwrittenError, match=r"SGD\.step.*test_optim\.py"):
            loss.backward()


def test_gradients_are_read_and_never_written():
    for name, options in [*ALL, ("Muon", {})]:
        values = np.array([[1.0, -2.0, 3.0]])
        ws = [tg.tensor(np.ones((1, 3)), requires_grad=True) for _ in range(4)]
        for w in ws:
            w.grad = tg.tensor(values)
        optimizer = getattr(optim, name)(ws, **{"lr": 0.1, **options})
        for _ in range(3):
            optimizer.step()
        assert all(w.grad.tolist() == values.tolist() for w in ws), name


def test_learning_rates_may_be_tensors(torch):
    results = []
    for library in (tg, torch):
        parameters, loss = problem(library, "float64")
        optimizer = library.optim.Adam(parameters, lr=library.tensor(0.25), foreach=False)
        for t in range(4):
            optimizer.param_groups[0]["lr"].fill_(0.25 / (1 + t))
            go_on(optimizer, parameters, loss, t, t + 1)
        results.append((repr(optimizer), [p.detach().numpy() for p in parameters]))
    assert results[0][0] == results[1][0]
    for p, q in zip(results[0][1], results[1][1]):
        np.testing.assert_allclose(p, q, rtol=1e-7)
    with pytest.raises(ValueError, match="one element"):
        optim.SGD([tg.ones(1, requires_grad=True)], lr=tg.tensor([0.1, 0.2]))


def test_closure_zero_grad_and_copies():
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
    w.grad.fill_(3.0)
    kept = w.grad
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is kept and kept.tolist() == [0.0]
    optimizer.zero_grad()
    assert w.grad is None
    for clone in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (p,) = clone.param_groups[0]["params"]
        assert p is not w
        p.grad = tg.tensor([2.0])
        clone.step()
        assert p.item() == -1.0 and w.item() == 0.0


def test_groups_are_the_dicts_that_were_given():
    v, w = tg.ones(1, requires_grad=True), tg.ones(2, requires_grad=True)
    group = {"params": (x for x in [v]), "lr": 0.5}
    optimizer = optim.SGD([group], lr=0.25, momentum=0.5)
    assert optimizer.param_groups[0] is group and group["params"] == [v] and group["momentum"] == 0.5
    optimizer.add_param_group({"params": w})
    assert optimizer.param_groups[1]["lr"] == 0.25
    group["lr"] = 1.0
    v.grad, w.grad = tg.ones(1), tg.ones(2)
    optimizer.step()
    assert v.tolist() == [0.0] and w.tolist() == [0.75, 0.75]


def test_names_of_parameters_are_kept(torch):
    results = []
    for T in (tg, torch):
        model = T.nn.Sequential(T.nn.Linear(2, 3), T.nn.Linear(3, 1))
        optimizer = T.optim.SGD(model.named_parameters(), lr=0.1)
        saved = optimizer.state_dict()
        other = T.optim.SGD([(f"x{i}", p) for i, p in enumerate(model.parameters())], lr=0.2)
        other.load_state_dict(saved)
        plain = T.optim.SGD(model.parameters(), lr=0.2).state_dict()
        optimizer.load_state_dict(plain)
        groups = [saved["param_groups"], other.param_groups[0]["param_names"], optimizer.param_groups[0]["param_names"], plain]
        results.append(groups)
    assert results[0] == results[1]


def test_hooks():
    w = tg.ones(1, requires_grad=True)
    w.grad = tg.ones(1)
    optimizer, seen = optim.SGD([w], lr=1.0), []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", o is optimizer, args[0] is o))),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", w.item()))),
        optim.optimizer.register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append("all before")),
        optim.optimizer.register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append("all after")),
    ]
    optimizer.step()
    assert seen == ["all before", ("before", True, True), ("after", 0.0), "all after"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 5.0), {}))
    assert optimizer.step() == 5.0
    seen.clear()
    optimizer.register_state_dict_pre_hook(lambda o: seen.append(1))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append(0), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, saved: {**saved, "more": 2})
    saved = optimizer.state_dict()
    assert seen == [0, 1] and saved["more"] == 2
    optimizer.register_load_state_dict_pre_hook(lambda o, state: state["inner"])
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    saved["param_groups"][0]["lr"] = 0.125
    optimizer.load_state_dict({"inner": saved})
    assert seen[-1] == 0.125


def test_an_optimizer_of_ones_own():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @tg.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad.sign()
                    self.state[p]["step"] = self.state[p].get("step", 0) + 1

    class Twice(SignDescent):
        def step(self, closure=None):
            super().step()
            return super().step()

    for kind, expected in ((SignDescent, [0.75, -0.75]), (Twice, [0.5, -0.5])):
        w, calls = tg.tensor([1.0, -1.0], requires_grad=True), []
        (w * w).sum().backward()
        optimizer = kind([w], lr=0.25)
        optimizer.register_step_post_hook(lambda *_, calls=calls: calls.append(1))
        optimizer.step()
        assert w.tolist() == expected and calls == [1]
        other = kind([w], lr=0.5)
        other.load_state_dict(optimizer.state_dict())
        assert other.state[w] == optimizer.state[w] and other.param_groups[0]["lr"] == 0.25


def test_default_dtype_of_steps():
    tg.set_default_dtype(tg.float64)
    w = tg.ones(2, requires_grad=True)
    w.grad = tg.ones(2)
    optimizer = optim.ASGD([w])
    optimizer.step()
    assert {key: value.dtype for key, value in optimizer.state[w].items()} == dict.fromkeys(("step", "eta", "mu", "ax"), tg.float64)
    tg.set_default_dtype(tg.float32)


MISTAKES = [
    (lambda T, w: T.optim.SGD([]), ValueError, "empty"),
    (lambda T, w: T.optim.SGD(w), TypeError, r"put it into a list: \[x\]"),
    (lambda T, w: T.optim.SGD([w * 2]), ValueError, "computed by `mul`"),
    (lambda T, w: T.optim.SGD([w, 3.0]), TypeError, "parameter 1 is a float"),
    (lambda T, w: T.optim.SGD([w, w]), ValueError, "already"),
    (lambda T, w: T.optim.SGD([{"params": [w]}, {"params": w}]), ValueError, "already"),
    (lambda T, w: T.optim.SGD([{"params": {w}}]), TypeError, "order"),
    (lambda T, w: T.optim.SGD([("a", w), T.ones(1)]), ValueError, "names"),
    (lambda T, w: T.optim.SGD([{"params": [("a", w)]}, {"params": T.ones(1)}]), ValueError, "names"),
    (lambda T, w: T.optim.SGD([w]).add_param_group([w]), TypeError, "a dict with the key 'params'"),
    (lambda T, w: T.optim.SGD([w], lr=-1), ValueError, "lr must be at least 0, and is -1"),
    (lambda T, w: T.optim.SGD([{"params": [w], "lr": 1}], lr=-1), ValueError, "lr must be at least 0, and is -1"),
    (lambda T, w: T.optim.SGD([w], momentum=-1), ValueError, "momentum"),
    (lambda T, w: T.optim.SGD([w], nesterov=True), ValueError, "nesterov needs a momentum"),
    (lambda T, w: T.optim.SGD([w], fused=True, foreach=True), RuntimeError, "cannot both be True"),
    (lambda T, w: T.optim.Adam([w], lr=float("nan")), ValueError, "lr"),
    (lambda T, w: T.optim.Adam([w], betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be at least 0 and less than 1"),
    (lambda T, w: T.optim.AdamW([w], betas=(-0.1, 0.9)), ValueError, r"AdamW: betas\[0\]"),
    (lambda T, w: T.optim.Adam([w]).load_state_dict({"state": {}, "param_groups": []}), ValueError, "another"),
    (lambda T, w: T.optim.Adamax([w], eps=-1), ValueError, "eps"),
    (lambda T, w: T.optim.NAdam([w], momentum_decay=-1), ValueError, "momentum_decay"),
    (lambda T, w: T.optim.RAdam([w], weight_decay=-1), ValueError, "weight_decay"),
    (lambda T, w: T.optim.RMSprop([w], alpha=-1), ValueError, "alpha"),
    (lambda T, w: T.optim.Adagrad([w], initial_accumulator_value=-1), ValueError, "initial_accumulator_value"),
    (lambda T, w: T.optim.Adadelta([w], rho=1.5), ValueError, "rho must be at least 0 and at most 1"),
    (lambda T, w: T.optim.Rprop([w], etas=(0.5, 0.9)), ValueError, "etas"),
    (lambda T, w: T.optim.ASGD([w], weight_decay=-1), ValueError, "weight_decay"),
    (lambda T, w: T.optim.Adafactor([w], beta2_decay=0.5), ValueError, "beta2_decay must be at least -inf and at most 0"),
    (lambda T, w: T.optim.Adafactor([w], d=0.5), ValueError, "d must be"),
    (lambda T, w: T.optim.Adafactor([w], eps=(None, -1)), ValueError, r"eps\[1\]"),
    (lambda T, w: T.optim.Muon([w]), ValueError, "Muon is for matrices"),
    (lambda T, w: T.optim.Muon([T.ones(2, 2, requires_grad=True)], adjust_lr_fn="x"), ValueError, "adjust_lr_fn"),
    (lambda T, w: T.optim.SparseAdam([w], lr=0), ValueError, "lr must be above 0"),
    (lambda T, w: T.optim.SparseAdam([w]).step(), RuntimeError, "use Adam"),
    (lambda T, w: T.optim.LBFGS([{"params": [w]}, {"params": T.ones(1)}]), ValueError, "one group"),
    (lambda T, w: T.optim.LBFGS([w], line_search_fn="x").step(lambda: w.sum()), RuntimeError, "'strong_wolfe' or None"),
    (lambda T, w: T.optim.LBFGS([w]).step(), TypeError, "closure"),
    (lambda T, w: T.optim.Optimizer([w], {}).step(), NotImplementedError, "Optimizer has neither"),
]  # fmt: skip


@pytest.mark.parametrize("mistake, error, message", MISTAKES)
def test_mistakes_are_explained(mistake, error, message):
    w = tg.tensor([1.0], requires_grad=True)
    w.grad = tg.tensor([1.0])
    with pytest.raises(error, match=message):
        mistake(tg, w)


@pytest.mark.parametrize("mistake, error, message", MISTAKES)
def test_mistakes_are_those_of_pytorch(mistake, error, message, torch):
    w = torch.tensor([1.0], requires_grad=True)
    w.grad = torch.tensor([1.0])
    if message == "already":
        pytest.skip("PyTorch warns of a parameter that is twice in one group")
    with pytest.raises(error):
        mistake(torch, w)


@pytest.mark.parametrize("flag", ["capturable", "differentiable"])
def test_what_does_not_exist_is_refused(flag):
    with pytest.raises(ValueError, match=f"{flag}=True"):
        optim.Adam([tg.ones(1, requires_grad=True)], **{flag: True})


def test_wrong_states_are_refused_and_change_nothing():
    parameters, optimizer = train(tg, "Adam", {}, "float64", 2)
    saved = converted(tg, optimizer.state_dict())
    saved["state"][2]["exp_avg"] = tg.zeros(3)
    saved["param_groups"][0]["lr"] = 9.0
    before = {key: value.array.copy() for key, value in optimizer.state[parameters[0]].items()}
    with pytest.raises(ValueError, match=r"exp_avg has shape \(3,\)"):
        optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 0.01
    for key, value in before.items():
        np.testing.assert_array_equal(optimizer.state[parameters[0]][key].array, value)
