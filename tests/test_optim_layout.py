"""How the arrays of parameters are laid out for a step: joined, cut, shared out; and states that somebody changes."""

import numpy as np
import pytest
from optimizers import PARAMETERS

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.optim import batches

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
    tied = [
        tg.from_numpy(x).requires_grad_() for x in (memory, memory.T, memory[0], np.zeros(3), np.zeros(4), np.zeros(2))
    ]
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
