"""Optimizers against PyTorch: steps, what they remember, signatures."""

import inspect
import math
import pickle

import numpy as np
import pytest
from optimizers import CASES, PARAMETERS, assert_state, converted, go_on, groups, problem, train

import tinygrad_edu as tg
from tinygrad_edu import optim

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


def checksum(parameters):
    """A number that changes with every element."""
    flat = np.concatenate([p.detach().numpy().reshape(-1) for p in parameters])
    return float(flat @ np.cos(np.arange(flat.size)))


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
