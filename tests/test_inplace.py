"""In-place operations and views: the same values and gradients as PyTorch's, or an error where PyTorch raises one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.errors import OverwrittenError


def chained(T, x):
    y = x * 2
    part = y[1:]
    part.mul_(3)
    return y, part


def whole_under_view(T, x):
    y = x * 2
    part = y[1:]
    y.mul_(3)
    return y, part


def nested_views(T, x):
    y = x * 1
    row = y.reshape(3, 4).t()[1]
    row.mul_(2.0)
    y[0] = 7.0
    return y, row


def written_into_constant(T, x):
    y = T.zeros(14, dtype=T.float64)
    y[1:13] = x * x
    y[0] = 5
    return (y,)


def written_by_integers(T, x):
    y = T.zeros(3, 4, dtype=T.float64)
    y[:, T.tensor([0, 2])] = x * 3
    return (y,)


def written_by_mask(T, x):
    y = x * 1
    y[x > 0] = 0.5
    return (y,)


def copied(T, x):
    y = T.zeros(2, 12, dtype=T.float64)
    y.copy_(x * x)
    y[1].zero_()
    return (y,)


def filled_and_masked(T, x):
    y = x * 1
    y.masked_fill_(x > 1, 3.0)
    y[2:5].fill_(1.0)
    return (y,)


def scattered(T, x):
    y = x.exp().reshape(3, 4)
    z = T.zeros(3, 4, dtype=T.float64)
    z.scatter_add_(1, T.tensor([[0, 0, 1, 2]] * 3), y)
    return z, y


def several_operators(T, x):
    y = x * 1
    y += 1
    y -= x
    y *= x.detach()
    y /= 2
    return (y,)


def view_of_detached(T, x):
    y = x * 2
    d = y.detach()
    return y, d


PROGRAMS = [
    value
    for value in list(globals().values())
    if getattr(value, "__code__", None) and value.__code__.co_varnames[:2] == ("T", "x")
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_values_and_gradients_are_those_of_pytorch(program, torch):
    numbers = np.random.default_rng(0).standard_normal(12)
    if program is written_by_integers:
        numbers = numbers.reshape(3, 4)[:, :2]
    outcomes = []
    for T in (tg, torch):
        x = T.tensor(numbers, dtype=T.float64, requires_grad=True)
        results = program(T, x)
        loss = sum((r * T.tensor(np.cos(np.arange(r.numel())).reshape(r.shape))).sum() for r in results)
        loss.backward()
        outcomes.append([r.detach().numpy() for r in results] + [x.grad.numpy(), [r.requires_grad for r in results]])
    for ours, theirs in zip(*outcomes):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_second_derivative_through_a_written_view(torch):
    gradients = []
    for T in (tg, torch):
        x = T.tensor([1.0, 2.0, 3.0], dtype=T.float64, requires_grad=True)
        y = x * x
        y[1:].mul_(x[:2])
        loss = (y * y).sum()
        if T is tg:
            (first,) = tg.grad(loss, x, create_graph=True)
            (second,) = tg.grad((first * first).sum(), x)
        else:
            (first,) = torch.autograd.grad(loss, x, create_graph=True)
            (second,) = torch.autograd.grad((first * first).sum(), x)
        gradients.append(second.numpy())
    np.testing.assert_allclose(*gradients)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "mul", "view_mul", "set", "exp", "whole", "transposed_add", "keep"]),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
)


def run(T, steps, numbers):
    """A small program of views and writes; every intermediate adds to the result."""
    x = T.tensor(numbers, dtype=T.float64, requires_grad=True)
    y = x * 1.5
    kept = []
    for kind, i, j in steps:
        if kind == "add":
            y += x[i]
        elif kind == "mul":
            y = y * x
        elif kind == "view_mul":
            y[i].mul_(2.0)
        elif kind == "set":
            y[i, j] = x[j, i] * 2
        elif kind == "exp":
            y = y.tanh()
        elif kind == "whole":
            y.add_(1.0)
        elif kind == "transposed_add":
            y.t()[j].add_(x[i])
        else:
            kept.append(y[:, j])
    loss = y.sum() + sum((k * (1.0 + n)).sum() for n, k in enumerate(kept))
    loss.backward()
    return [loss.detach().numpy(), x.grad.numpy()]


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_random_programs_of_writes_agree_with_pytorch(steps):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    numbers = np.random.default_rng(1).uniform(0.5, 1.5, (4, 4))
    try:
        theirs = run(torch, steps, numbers)
    except (
        RuntimeError
    ):  # PyTorch refuses a little more than it must (a write before a value that it would have copied)
        return
    for mine, other in zip(run(tg, steps, numbers), theirs):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


# ---- what is refused


def test_a_leaf_and_its_views_refuse_to_be_written():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    for change in (lambda: x.add_(1), lambda: x[0].add_(1), lambda: x.zero_()):
        with pytest.raises(RuntimeError, match="leaf that requires gradients cannot be changed in place.*no_grad"):
            change()
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = x[1] * 2
    with tg.no_grad():
        x += 1
        x[0] = 5
    assert x.tolist() == [5.0, 3.0] and x.is_leaf and x.requires_grad


def test_plain_assignment_to_a_leaf_is_refused_too():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = 3.0
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "change", [lambda y: y.add_(1), lambda y: y[0].zero_(), lambda y: y.detach().mul_(2), lambda y: y.data.zero_()]
)
def test_a_write_that_would_falsify_a_gradient_is_named(change):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    change(y)
    with pytest.raises(OverwrittenError, match=r"`exp` needs its result.*at .*test_inplace.py:\d+ has changed it"):
        y.sum().backward()


def test_a_write_into_the_array_of_an_operand_is_found():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    data = tg.tensor([3.0, 4.0])
    loss = (w * data).sum()
    data += 1
    with pytest.raises(OverwrittenError, match=r"`mul` needs its operand `y`.*`\+=` at"):
        loss.backward()


def test_an_optimizer_like_write_between_forward_and_backward_is_found():
    w = tg.tensor([[1.0, 2.0]], requires_grad=True)
    loss = ((w * w).sum(1) ** 2).sum()
    with tg.no_grad():
        w -= 0.1
    with pytest.raises(OverwrittenError):
        loss.backward()


def test_writes_elsewhere_do_no_harm():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    other = tg.zeros(2) if hasattr(tg, "zeros") else tg.tensor([0.0, 0.0])
    y = x.exp()
    other += 1
    z = y + 1  # add keeps nothing, hence y may be ... its own result may not
    z.mul_(2)
    z.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([1, 2]), rtol=1e-6)


def test_expanded_tensors_and_lossy_results_are_refused():
    with pytest.raises(RuntimeError, match="share one place in memory.*clone"):
        tg.tensor([1.0, 2.0]).view(2, 1).expand(2, 3).add_(1)
    whole = tg.tensor([1, 2, 3])
    with pytest.raises(RuntimeError, match="float32 and cannot be written into a tensor of int64"):
        whole /= 2
    with pytest.raises(RuntimeError, match=r"shape \(2, 3\).*shape \(3,\)"):
        whole += tg.tensor([[1, 2, 3], [4, 5, 6]])
    assert whole.tolist() == [1, 2, 3]


def test_views_share_memory_and_copies_do_not():
    x = tg.tensor(np.arange(6.0)).reshape(2, 3)
    for view in (
        x[0],
        x.t(),
        x.view(-1),
        x.unsqueeze(0),
        x[:, 1:],
        x.expand(4, 2, 3),
        x.permute(1, 0),
        x[..., 0],
        x.diagonal(),
        x[0, 1],
    ):
        assert np.shares_memory(view.array, x.array)
    for copy in (x[[0, 1]], x.clone(), x[x > 2], x + 0):
        assert not np.shares_memory(copy.array, x.array)


def test_many_views_of_one_tensor_are_forgotten():
    x = tg.tensor(np.zeros((4, 4)))
    for _ in range(1000):
        x[0]
    assert len(x._views) < 40
