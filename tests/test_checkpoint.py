"""utils.checkpoint: the same gradients from less memory."""

import functools
import gc
import tracemalloc

import numpy as np
import pytest
from examples import Cube

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.autograd import grad
from tinygrad_edu.errors import AutogradError, GraphFreedError, OverwrittenError
from tinygrad_edu.utils.checkpoint import checkpoint, checkpoint_sequential


@pytest.fixture
def operands():
    rng = np.random.default_rng(0)
    return [tg.tensor(rng.standard_normal((4, 4)), requires_grad=True) for _ in range(2)]


def smooth(x, w):
    return ((x @ w).tanh() ** 2).exp() * x


def nested(x, w):
    return checkpoint(smooth, smooth(x, w), w) * 2


def several(x, w):
    q, r = tg.linalg.qr(x)
    return {"first": (q * w).sin(), "rest": [Cube.apply(r), x[1:] * w[1:]]}


def in_place(x, w):
    y = x * w
    y.mul_(w)
    y[0] = w[1]
    return y.exp()


def total(output):
    if isinstance(output, tg.Tensor):
        return output.sum()
    return sum(total(item) for item in (output.values() if isinstance(output, dict) else output))


@pytest.mark.parametrize("function", [smooth, nested, several, in_place, lambda x, w: x, lambda x, w: (x.t(), w[0])])
@pytest.mark.parametrize("reentrant", [None, True, False])
def test_gradients_of_both_orders(function, reentrant, operands):
    def derivatives(checkpointed):
        x, w = operands
        output = checkpoint(function, x, w, use_reentrant=reentrant) if checkpointed else function(x, w)
        first = grad(total(output), (x, w), create_graph=True, materialize_grads=True)
        loss = sum((g * g * g).sum() for g in first)
        second = grad(loss, (x, w), materialize_grads=True) if loss.requires_grad else ()
        return [g.detach().numpy() for g in (*first, *second)]

    for with_it, without in zip(derivatives(True), derivatives(False)):
        np.testing.assert_array_equal(with_it, without)


def test_backward_accumulates_into_arguments_and_parameters():
    m = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    x = tg.ones(2, 3, requires_grad=True)
    m(x).sum().backward()
    expected = [p.grad.tolist() for p in (x, *m.parameters())]
    for call in (
        lambda: checkpoint(m, x),
        lambda: checkpoint(m.forward, input=x),
        lambda: checkpoint(functools.partial(m, x)),
    ):
        x.grad = None
        m.zero_grad()
        seen = []
        y = call()
        y.register_hook(lambda g, seen=seen: seen.append(g.tolist()))
        y.sum().backward()
        assert [p.grad.tolist() for p in (x, *m.parameters())] == expected and seen == [[[1.0], [1.0]]]
        with pytest.raises(GraphFreedError):
            y.sum().backward()


def test_retained_graphs_and_parts_of_it(operands):
    x, w = operands
    y = checkpoint(smooth, x, w)
    expected = grad(smooth(x, w).sum(), (x, w))
    first = grad(y.sum(), w, retain_graph=True)
    again = grad(y.sum(), x, retain_graph=True)
    both = grad(y.sum(), (x, w))
    for a, b in [(first[0], expected[1]), (again[0], expected[0]), (both[0], expected[0]), (both[1], expected[1])]:
        assert a.tolist() == b.tolist()


def test_dropout_drops_the_same_again():
    m = nn.Sequential(nn.Linear(20, 20), nn.Dropout(0.5), nn.Tanh(), nn.Linear(20, 20), nn.Dropout(0.5))
    x = tg.randn(8, 20)

    def run(call):
        tg.manual_seed(3)
        m.zero_grad()
        y = call()
        between = tg.rand(1).item()
        y.pow(2).sum().backward()
        return [y.tolist(), between, tg.rand(1).item(), [p.grad.tolist() for p in m.parameters()]]

    expected = run(lambda: m(x))
    assert run(lambda: checkpoint(m, x)) == expected
    assert run(lambda: checkpoint_sequential(m, 2, x)) == expected
    assert run(lambda: checkpoint(m, x, preserve_rng_state=False))[3] != expected[3]


def test_memory():
    tg.manual_seed(0)
    m = nn.Sequential(*[nn.Sequential(nn.Linear(32, 32), nn.Sigmoid(), nn.Tanh()) for _ in range(16)])
    x = tg.randn(1000, 32)

    def peak(segments):
        gc.collect()
        tracemalloc.start()
        checkpoint_sequential(m, segments, x).sum().backward()
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    peak(1)
    assert peak(4) < 0.5 * peak(1)


def test_nothing_is_left_behind(operands):
    x, w = operands
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        for _ in range(20):
            checkpoint(smooth, x, w).sum().backward()
            checkpoint(smooth, x, w)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            checkpoint(smooth, x, w).sum().backward()
            checkpoint(smooth, x, w)
        assert tracemalloc.get_traced_memory()[0] - before < 100_000  # a leak would be a megabyte
    finally:
        tracemalloc.stop()
        gc.enable()


def test_a_long_chain(operands):
    x, w = operands
    y = x
    for _ in range(2000):
        y = checkpoint(smooth, y * 0.1, w)
    y.sum().backward()
    assert x.grad is not None
    del y


def test_how_often_the_function_runs(operands):
    calls = []

    def function(x, w):
        calls.append(1)
        return smooth(x, w)

    y = checkpoint(function, *operands)
    assert len(calls) == 1
    y.sum().backward()
    assert len(calls) == 2
    with tg.no_grad():
        assert not checkpoint(function, *operands).requires_grad
    assert len(calls) == 3
    checkpoint(function, *[x.detach() for x in operands])
    assert len(calls) == 4


MODULE = nn.Linear(4, 4).double()


def with_global(x, w):
    return MODULE(x).tanh()


@pytest.mark.parametrize("function, target", [
    (smooth, lambda x, w, inside: x), (smooth, lambda x, w, inside: w), (None, lambda x, w, inside: inside),
    (MODULE, lambda x, w, inside: MODULE.weight), (MODULE.forward, lambda x, w, inside: MODULE.bias),
    (with_global, lambda x, w, inside: MODULE.weight),
])  # fmt: skip
def test_a_change_in_between_is_an_error(function, target, operands):
    x, w = operands
    inside = tg.ones(4, 4, dtype=tg.float64)
    function = function or (lambda x, w: ((x + inside) * w).tanh())
    arguments = (x,) if isinstance(getattr(function, "__self__", function), nn.Module) else (x, w)
    y = checkpoint(function, *arguments)
    with tg.no_grad():
        target(x, w, inside).add_(1)
    with pytest.raises(OverwrittenError, match="add_"):
        y.sum().backward()


def test_an_overwritten_value_inside_is_an_error(operands):
    def overwrites(x, w):
        y = (x * w).exp()
        z = y.sin()
        y.data.zero_()
        return z + y

    with pytest.raises(OverwrittenError):
        overwrites(*operands).sum().backward()
    with pytest.raises(OverwrittenError):
        checkpoint(overwrites, *operands).sum().backward()


def test_another_function_the_second_time_is_an_error(operands):
    x, w = operands
    calls = []

    def changes(x, w):
        calls.append(1)
        y = (x * w).exp()
        return y.sin() if len(calls) == 1 else y.cos() if len(calls) == 2 else y.sin().exp()

    with pytest.raises(AutogradError, match="operation 2 was `sin`.*now it is `cos`"):
        checkpoint(changes, x, w).sum().backward()
    calls.clear()
    y = checkpoint(changes, x, w)
    calls.append(1)
    with pytest.raises(AutogradError, match="3 recorded operations, and now of 4"):
        y.sum().backward()
    calls.clear()
    checkpoint(changes, x, w, determinism_check="none").sum().backward()
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(smooth, x, w, determinism_check="perhaps")


def test_contexts(operands):
    log = []

    class Log:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            log.append(self.name)

        def __exit__(self, *error):
            pass

    checkpoint(smooth, *operands, context_fn=lambda: (Log("first"), Log("second"))).sum().backward()
    assert log == ["first", "second"]


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequential_is_as_pytorch_divides_it(torch, segments):
    from torch.utils.checkpoint import checkpoint_sequential as theirs

    def runs(T, apply):
        log = []

        def layer(i):
            def run(x):
                log.append(i)
                return (x * (i + 1)).sin()

            return run

        x = T.ones(3, requires_grad=True)
        apply([layer(i) for i in range(5)], segments, x, use_reentrant=False).sum().backward()
        return log, x.grad.tolist()

    ours, expected = runs(tg, checkpoint_sequential), runs(torch, theirs)
    assert ours[0][:5] == expected[0][:5] and sorted(ours[0]) == sorted(expected[0])
    np.testing.assert_allclose(ours[1], expected[1], rtol=1e-5)
    with pytest.raises(ValueError, match="segments"):
        checkpoint_sequential([smooth], 2, tg.ones(1))


def test_drawing(operands):
    from tinygrad_edu import draw

    x, w = operands
    assert draw.graph(checkpoint(smooth, x, w)).source.count("tanh") == draw.graph(smooth(x, w)).source.count("tanh")
