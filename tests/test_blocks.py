"""Large arrays: cut into blocks and shared among threads, they give the same numbers, and no gradient leaks into
another."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import blocks
from tinygrad_edu.define import OPS

N = 3 * blocks.BLOCK + 17


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = tg.get_num_threads()
    tg.set_num_threads(request.param)
    yield request.param
    tg.set_num_threads(before)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks so small that the arrays of these tests have many."""
    for module in ("tinygrad_edu.blocks", "tinygrad_edu.calls", "tinygrad_edu.engine"):
        monkeypatch.setattr(f"{module}.LARGE", 1000)
    monkeypatch.setattr(blocks, "BLOCK", 300)


def test_a_gradient_shared_by_two_operands_is_not_added_to_in_place():
    rng = np.random.default_rng(0)
    w = tg.tensor(rng.standard_normal(5000))
    x, y = (tg.tensor(rng.standard_normal(5000), requires_grad=True) for _ in range(2))
    a, b = x * 1.0, y * 1.0
    t = a.tanh()
    s = a + b  # made after t, hence its gradient is handed to a and to b before that of t is added to a
    ((s * w).sum() + t.sum()).backward()
    np.testing.assert_allclose(y.grad.numpy(), w.numpy(), rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), w.numpy() + 1 - np.tanh(x.detach().numpy()) ** 2, rtol=1e-12)


def test_the_callers_gradient_is_not_added_to_in_place():
    g = tg.tensor(np.ones(5000))
    x = tg.tensor(np.linspace(-1, 1, 5000), requires_grad=True)
    y = x + 0
    (y.exp() * 0).backward(g)
    z = x * 1.0
    t = z.tanh()
    (z + t).backward(g)
    assert (g.numpy() == 1).all()


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, entry in OPS.items()
        if entry.elementwise and len(entry.operands) <= 2 and not entry.attributes and isinstance(entry.domain, tuple)
    ),
)
def test_blocks_give_what_the_whole_gives(name, threads):
    entry = OPS[name]
    rng = np.random.default_rng(1)
    domains = entry.domain if isinstance(entry.domain[0], tuple) else (entry.domain,) * len(entry.operands)
    arrays = [rng.uniform(*domain, (37, 41)) for domain in domains]
    whole = entry.kernel(*arrays)
    tensors = [tg.tensor(a, requires_grad=True) for a in arrays]
    result = entry.call(*tensors)
    np.testing.assert_allclose(result.detach().numpy(), whole, rtol=1e-14)
    if not result.requires_grad:
        return
    g = rng.standard_normal(whole.shape)
    result.backward(tg.tensor(g))
    for i, (x, rule) in enumerate(zip(tensors, entry.rules)):
        if rule is not None:
            values = dict(zip(entry.operands, arrays), out=whole)
            expected = np.broadcast_to(rule(g, *[values[n] for n in entry.names[i]]), whole.shape)
            np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize(
    "make",
    [
        lambda a: (a, a.T.copy().T), lambda a: (a, np.float64(2.0)), lambda a: (a[:, ::2], a[:, ::2]),
        lambda a: (a, a[:1]),
        lambda a: (np.broadcast_to(a[0, 0], a.shape), a),
        lambda a: (np.broadcast_to(a[0, 0], a.shape), np.broadcast_to(a[1, 1], a.shape)),
    ],
)  # fmt: skip
def test_layouts_that_are_not_cut_up_work_as_well(make):
    a = np.random.default_rng(2).standard_normal((60, 80))
    operands = make(a)
    np.testing.assert_array_equal(blocks.in_blocks(np.multiply, operands), operands[0] * operands[1])
    onto = np.ones(np.broadcast_shapes(*(np.shape(x) for x in operands)))
    kept = onto
    blocks.in_blocks(np.multiply, operands, onto=onto)
    np.testing.assert_allclose(kept, 1 + operands[0] * operands[1])


def test_an_error_in_a_thread_reaches_the_caller(threads):
    def fails_late(x):
        if x[0] > 3000:
            raise ValueError("late")
        return x

    with pytest.raises(ValueError, match="late"):
        blocks.in_blocks(fails_late, (np.arange(5000.0),))


def test_the_number_of_threads_is_checked():
    with pytest.raises(ValueError, match="positive integer"):
        tg.set_num_threads(0)
