"""LBFGS and its line search against PyTorch."""

import pickle

import numpy as np
import pytest
from optimizers import converted

import tinygrad_edu as tg
from tinygrad_edu.optim.wolfe import strong_wolfe

LBFGS_CASES = [
    {}, {"line_search_fn": "strong_wolfe"}, {"lr": 0.3, "max_iter": 4},
    {"history_size": 2, "line_search_fn": "strong_wolfe"},
    {"max_iter": 7, "max_eval": 9, "line_search_fn": "strong_wolfe", "lr": 5.0}, {"tolerance_grad": 0.5},
    {"tolerance_change": 0.1, "line_search_fn": "strong_wolfe"}, {"max_eval": 3},
    {"lr": 40.0, "line_search_fn": "strong_wolfe"},
]  # fmt: skip


def minimise(library, options, dtype, steps, saved=None):
    """Rosenbrock's function of twelve numbers in three parameters, and the losses on the way."""
    start = np.random.default_rng(3).standard_normal(12).astype(dtype)
    parts = [
        library.tensor(x, requires_grad=True) for x in (start[:6].reshape(2, 3), start[6:11], start[11].reshape(()))
    ]
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
    assert (mine["n_iter"], mine["func_evals"], len(mine["ro"])) == (
        other["n_iter"],
        other["func_evals"],
        len(other["ro"]),
    )
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
        # a cubic through two points that are nearly one: rounding decides where its minimum lies
        if (gaps < 1e-3).any():
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
