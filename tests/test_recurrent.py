"""Recurrent layers and CTC: what tables of single calls (cases_recurrent.py, cases_ctc.py) cannot say."""

import gc
import itertools
import warnings
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.utils import rnn as packing
from tinygrad_edu.ops import recurrent
from tinygrad_edu.ops.recurrent_products import Product

RNG = np.random.default_rng(0)
KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
LARGE = {"steps": 40, "batch": 24, "inputs": 20, "hidden": 36}


def normal(*shape):
    return tg.tensor(RNG.standard_normal(shape), dtype=tg.float64)


def by_definition(monkeypatch):
    """From here on every layer is computed step by step, by recorded operations."""
    for kind in ("lstm", "gru", "simple"):
        monkeypatch.setattr(recurrent, f"{kind}_layer", getattr(recurrent, f"{kind}_by_steps"))


def results_and_gradients(module, x, *state):
    inputs = [t.clone().requires_grad_() for t in (x, *state)]
    module.zero_grad()
    output, hidden = module(inputs[0], *([tuple(inputs[1:])] if len(state) == 2 else inputs[1:]))
    hidden = hidden if isinstance(hidden, tuple) else (hidden,)
    total = sum((r * tg.tensor(np.cos(np.arange(r.numel())).reshape(r.shape))).sum() for r in (output, *hidden))
    total.backward()
    return [r.detach().numpy() for r in (output, *hidden)] + [p.grad.numpy() for p in (*inputs, *module.parameters())]


@pytest.mark.parametrize("kind", [*KINDS, "relu"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_many_steps_equal_the_definition(kind, bidirectional, monkeypatch):
    """Large enough for several chunks of steps, and for products in parts."""
    sizes = LARGE["inputs"], LARGE["hidden"]
    settings = {"num_layers": 2, "bidirectional": bidirectional}
    module = (
        KINDS[kind](*sizes, **settings) if kind in KINDS else nn.RNN(*sizes, nonlinearity=kind, **settings)
    ).double()
    x = normal(LARGE["steps"], LARGE["batch"], LARGE["inputs"])
    state = [
        normal(4 if bidirectional else 2, LARGE["batch"], LARGE["hidden"]) for _ in range(2 if kind == "LSTM" else 1)
    ]
    fused = results_and_gradients(module, x, *state)
    by_definition(monkeypatch)
    for ours, expected in zip(fused, results_and_gradients(module, x, *state), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_is_each_sequence_alone(kind, bidirectional):
    """A packed batch gives for every sequence what the layer gives for it alone."""
    module = KINDS[kind](3, 4, num_layers=2, bidirectional=bidirectional).double()
    sequences = [normal(length, 3) for length in (2, 130, 7, 1, 130, 64)]
    output, hidden = module(packing.pack_sequence(sequences, enforce_sorted=False))
    hidden = hidden if isinstance(hidden, tuple) else (hidden,)
    for number, (sequence, part) in enumerate(zip(sequences, packing.unpack_sequence(output), strict=True)):
        alone, state = module(sequence)
        np.testing.assert_allclose(part.detach(), alone.detach(), rtol=1e-9, atol=1e-12)
        for all_of_it, one in zip(hidden, state if isinstance(state, tuple) else (state,), strict=True):
            np.testing.assert_allclose(all_of_it[:, number].detach(), one.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "rows, summed, size", [(512, 257, 32), (96, 300, 40), (90, 500, 30), (7, 5, 3), (64, 64, 1), (1024, 2000, 64)]
)
def test_product_in_parts(rows, summed, size):
    weights, columns = RNG.standard_normal((rows, summed)), RNG.standard_normal((summed, size))
    for w in (weights, np.asfortranarray(weights)):
        np.testing.assert_allclose(Product(w)(columns), weights @ columns, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_step_by_step_is_the_whole(kind):
    """Handing the state on from call to call gives the same as one call; so does the cell with the same parameters."""
    module = KINDS[kind](3, 4).double()
    cell = getattr(nn, f"{kind}Cell")(3, 4).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in module.state_dict().items()})
    x = normal(5, 2, 3)
    whole, final = module(x)
    state, hidden, outputs, by_cell = None, None, [], []
    for step in x:
        output, state = module(step.unsqueeze(0), state)
        hidden = cell(step, hidden)
        outputs.append(output[0])
        by_cell.append(hidden[0] if kind == "LSTM" else hidden)
    for one in (outputs, by_cell):
        np.testing.assert_allclose(tg.stack(one).detach(), whole.detach(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.stack(state), np.stack(final), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_twice_from_one_graph(kind):
    """What the first way back used is not written into: the second one gives the same."""
    module = KINDS[kind](3, 4).double()
    x = normal(5, 2, 3).requires_grad_()
    loss = (module(x)[0] ** 2).sum()
    parameters = [x, *module.parameters()]
    first = tg.grad(loss, parameters, retain_graph=True)
    for one, other in zip(first, tg.grad(loss, parameters), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_needed_has_gradients(kind):
    module = KINDS[kind](3, 4)
    for names in itertools.combinations(dict(module.named_parameters()), 2):
        module.zero_grad()
        for name, parameter in module.named_parameters():
            parameter.requires_grad = name in names
        module(tg.ones(2, 2, 3))[0].sum().backward()
        assert [name for name, p in module.named_parameters() if p.grad is not None] == list(names)
    module.requires_grad_(False)
    assert not module(tg.ones(2, 2, 3))[0].requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_empty_batch(kind):
    module = KINDS[kind](3, 4, num_layers=2, bidirectional=True)
    output, hidden = module(tg.zeros(5, 0, 3))
    output.sum().backward()
    assert output.shape == (5, 0, 8) and np.stack(hidden).shape[-3:] == (4, 0, 4)
    assert all((p.grad == 0).all() for p in module.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision(kind):
    """Half precision is computed in single: as close as rounding the operands and results allows."""
    module = KINDS[kind](3, 4)
    x = tg.randn(5, 2, 3)
    expected, _ = module(x)
    module.half()
    output, _ = module(x.half())
    output.sum().backward()
    assert output.dtype == tg.float16 and {p.grad.dtype for p in module.parameters()} == {np.dtype("float16")}
    np.testing.assert_allclose(output.detach().float(), expected.detach(), atol=3e-3)


def test_initial_values():
    module = nn.LSTM(30, 16, num_layers=2, bidirectional=True, proj_size=4)
    for name, parameter in module.named_parameters():
        assert 0.8 * 0.25 < np.abs(parameter.detach().numpy()).max() <= 0.25, name
    assert [len(weights) for weights in module.all_weights] == [5] * 4


def test_dropout_between_layers():
    """In training the output of each layer but the last is dropped out; in evaluation nothing is."""
    module = nn.GRU(3, 5, num_layers=2, dropout=1.0).double()
    x = normal(4, 2, 3)
    with_nothing = nn.GRU(3, 5, num_layers=2).double()
    with_nothing.load_state_dict(module.state_dict())
    second = nn.GRU(5, 5).double()
    second.load_state_dict({k.replace("l1", "l0"): v for k, v in module.state_dict().items() if "l1" in k})
    np.testing.assert_allclose(module(x)[0].detach(), second(tg.zeros(4, 2, 5, dtype=tg.float64))[0].detach())
    np.testing.assert_array_equal(module.eval()(x)[0].detach(), with_nothing(x)[0].detach())


def test_dropout_with_one_layer_warns():
    with pytest.warns(UserWarning, match="between layers"):
        nn.LSTM(2, 3, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.LSTM(2, 3, num_layers=2, dropout=0.5).flatten_parameters()


def test_graph_is_freed():
    """What a layer keeps goes with its results, without the garbage collector."""
    gc.disable()
    try:
        output, _ = nn.LSTM(3, 4)(tg.ones(2, 2, 3))
        node = weakref.ref(output.node)
        del output, _
        assert node() is None
    finally:
        gc.enable()


def test_lengths_that_do_not_fit():
    with pytest.raises(RuntimeError, match="5 steps in an input of 4"):
        packing.pack_padded_sequence(tg.zeros(4, 3, 2), [5, 3, 1])
    with pytest.raises(RuntimeError, match="never grow"):
        tg.gru(
            tg.zeros(4, 2),
            tg.tensor([1, 3]),
            tg.zeros(1, 1, 3),
            [tg.zeros(9, 2), tg.zeros(9, 3)],
            False,
            1,
            0.0,
            False,
            False,
        )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: nn.LSTM(2, 3)(tg.zeros(4, 3, 5)), "input_size, 2, and is 5"),
        (lambda: nn.LSTM(2, 3).double()(tg.zeros(4, 3, 2)), "write input.to"),
        (lambda: nn.LSTM(2, 3)(tg.zeros(4, 3, 2), tg.zeros(1, 3, 3)), r"two tensors, \(h_0, c_0\)"),
        (lambda: nn.GRU(2, 3)(tg.zeros(0, 3, 2)), "at least one step"),
        (lambda: nn.GRU(2, 3, proj_size=1), "only LSTM"),
        (lambda: packing.pack_sequence([tg.zeros(1), tg.zeros(2)]), "enforce_sorted=False"),
        (lambda: F.ctc_loss(tg.zeros(4, 1, 3), tg.tensor([[0.5]]), (4,), (1,)), "convert them with .long"),
        (lambda: F.ctc_loss(tg.zeros(4, 1, 3), tg.tensor([[3]]), (4,), (1,)), "classes from 0 to 2"),
    ],
)  # fmt: skip
def test_errors_help(call, message):
    with pytest.raises((RuntimeError, ValueError, TypeError), match=message):
        call()


# ---- CTC


def probability_of_target(probabilities, target, blank=0):
    """The sum over all paths, one by one."""
    steps, classes = probabilities.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        merged = [label for label, _ in itertools.groupby(path)]
        if [label for label in merged if label != blank] == list(target):
            total += np.prod(probabilities[np.arange(steps), path])
    return total


@pytest.mark.parametrize("target", [(), (1,), (1, 1), (1, 2), (2, 1, 2), (1, 2, 2)])
def test_ctc_is_the_sum_over_all_paths(target):
    log_p = tg.log_softmax(normal(5, 1, 3), 2)
    loss = F.ctc_loss(log_p, tg.tensor([target or (0,)]), (5,), (len(target),), reduction="sum")
    assert loss.item() == pytest.approx(-np.log(probability_of_target(np.exp(log_p.numpy()[:, 0]), target)))


def test_ctc_gradient_is_the_true_one():
    """Also for log-probabilities that do not add up to 1; and the gradient of the gradient exists."""
    from tinygrad_edu.check import assert_gradients

    x = RNG.uniform(-2, 0, (4, 2, 3))
    assert_gradients(lambda p: F.ctc_loss(p, tg.tensor([[1, 2], [1, 1]]), (4, 3), (2, 2)), x, order=2)


def test_ctc_impossible_targets():
    log_p = tg.zeros(2, 2, 3).requires_grad_()
    targets = tg.tensor([[1, 1], [1, 2]])
    losses = F.ctc_loss(log_p, targets, (2, 2), (2, 2), reduction="none")
    assert losses[0].item() == np.inf and np.isfinite(losses[1].item())
    F.ctc_loss(log_p, targets, (2, 2), (2, 2), zero_infinity=True).backward()
    assert (log_p.grad[:, 0] == 0).all() and (log_p.grad[:, 1] != 0).any()


def test_ctc_long_sequences():
    """No underflow: 2,000 steps of probabilities near 0."""
    x = tg.randn(2000, 2, 20).requires_grad_()
    loss = F.ctc_loss(tg.log_softmax(4 * x, 2), tg.randint(1, 20, (2, 300)), (2000, 1500), (300, 250))
    loss.backward()
    assert np.isfinite(loss.item()) and np.isfinite(x.grad.numpy()).all() and (x.grad[1500:, 1] == 0).all()
