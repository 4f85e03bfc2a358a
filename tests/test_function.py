"""Custom Functions: as in PyTorch, and never a silently wrong second derivative."""

import numpy as np
import pytest
from examples import Cube

import tinygrad_edu as tg
from tinygrad_edu.autograd import Function, once_differentiable


def leaf(*values, dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True)


class CubeInTwoParts(Cube):
    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)


@pytest.mark.parametrize("cube", [Cube, CubeInTwoParts])
def test_gradients_of_any_order(cube):
    x = leaf(2.0, -1.0)
    expected = x.array**3
    d = cube.apply(x)
    assert np.array_equal(d.array, expected) and d.grad_fn.name == cube.__name__
    for factor, power in [(3, 2), (6, 1), (6, 0)]:
        (d,) = tg.grad(d.sum(), x, create_graph=True)
        assert np.allclose(d.array, factor * x.array**power)


def test_saved_results_keep_their_history():
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.out = x.exp()  # as an attribute
            return ctx.out

        @staticmethod
        def backward(ctx, g):
            return g * ctx.out

    x = leaf(0.5)
    d = Exp.apply(x)
    for _ in range(3):
        (d,) = tg.grad(d.sum(), x, create_graph=True)
        assert np.allclose(d.array, np.exp(0.5))


class Sort2(Function):
    """(larger, smaller, which) of two tensors; backward notes what it is given."""

    @staticmethod
    def forward(ctx, x, y, label, materialize=True):
        ctx.set_materialize_grads(materialize)
        ctx.label, ctx.first = label, x > y
        seen = ctx.needs_input_grad
        return tg.maximum(x, y), tg.minimum(x, y), ctx.first, seen

    @staticmethod
    def backward(ctx, larger, smaller, which, seen):
        ctx.label.append((larger, smaller, which, seen))
        larger = 0 * smaller if larger is None else larger
        smaller = 0 * larger if smaller is None else smaller
        first = ctx.first
        return tg.where(first, larger, smaller), tg.where(first, smaller, larger), None, None


def test_several_results_and_arguments():
    x, y, label = leaf(1.0, 5.0), leaf(2.0, 3.0), []
    larger, smaller, which, needs = Sort2.apply(x, y, label)
    assert needs == (True, True, False) and which.node is None and which.dtype == bool
    (2 * larger + 3 * smaller).sum().backward()
    assert x.grad.tolist() == [3, 2] and y.grad.tolist() == [2, 3]
    larger, *_ = Sort2.apply(x, y.detach(), label)
    larger.sum().backward()
    assert label[-1][1].tolist() == [0, 0] and x.grad.tolist() == [3, 3]
    _, smaller, *_ = Sort2.apply(x, y, label, False)
    (dx,) = tg.grad((smaller**2).sum(), x, create_graph=True)
    assert label[-1][0] is None and dx.tolist() == [2, 0] and tg.grad(dx.sum(), x)[0].tolist() == [2, 0]


def function(forward, backward, name="Custom"):
    return type(name, (Function,), dict(forward=staticmethod(forward), backward=staticmethod(backward)))


def keep_number(ctx, x):
    ctx.scale = float(x.exp().sum())
    return x * ctx.scale


def keep_tensor(ctx, x):
    ctx.save_for_backward(x.exp())
    return x.exp() * 2


def keep_nested(ctx, x):
    ctx.things = {"a": [x.exp(), 3]}
    return x.exp() * 2


def keep_array(ctx, x):
    ctx.cos = np.cos(np.asarray(x))
    return x.sin()


def keep_closure(ctx, x):
    e = x.exp()
    ctx.rule = lambda g: g * e * 2
    return e * 2


SAVES = {
    "the number": (keep_number, lambda ctx, g: g * ctx.scale),
    "saved tensor 0": (keep_tensor, lambda ctx, g: g * ctx.saved_tensors[0] * 2),
    "ctx.things": (keep_nested, lambda ctx, g: g * ctx.things["a"][0] * 2),
    "ctx.cos": (keep_array, lambda ctx, g: g * tg.tensor(ctx.cos)),
    "ctx.rule": (keep_closure, lambda ctx, g: ctx.rule(g)),
}


@pytest.mark.parametrize("what", SAVES)
def test_a_saved_intermediate_never_gives_a_wrong_second_derivative(what):
    f, x = function(*SAVES[what]), leaf(0.5, 1.0)
    plain = tg.grad(f.apply(x).sum(), x)[0]
    (d,) = tg.grad(f.apply(x).sum(), x, create_graph=True)
    assert np.array_equal(plain.array, d.array)
    for differentiate in (lambda: tg.grad(d.sum(), x), lambda: (d * x).sum().backward()):
        with pytest.raises(RuntimeError, match="Custom.*cannot be differentiated again") as error:
            differentiate()
        assert what in str(error.value)
    # with respect to the incoming gradient it is right, hence allowed
    v = leaf(1.0, 1.0)
    (d,) = tg.grad(f.apply(x), x, v, create_graph=True)
    assert np.allclose(tg.grad(d.sum(), v)[0].array, plain.array)


def test_harmless_values_may_be_saved():
    def forward(ctx, x, slope):
        ctx.mask, ctx.index, ctx.slope, ctx.shape, ctx.np = x > 0, np.array([1, 0]), slope[0], tuple(x.shape), np
        ctx.detached = x.detach()  # an argument by another name
        return tg.where(ctx.mask, x * x, ctx.slope * x)

    def backward(ctx, g):
        return g * tg.where(ctx.mask, 2 * ctx.detached, ctx.slope), None

    x = leaf(3.0, -1.0)
    (d,) = tg.grad(function(forward, backward).apply(x, (0.1, 0.2)).sum(), x, create_graph=True)
    assert d.tolist() == [6, 0.1] and tg.grad(d.sum(), x)[0].tolist() == [2, 0]


def through_numpy(ctx, g):
    (x,) = ctx.saved_tensors
    return tg.tensor(np.asarray(g) * 3 * np.asarray(x) ** 2)


def through_detach(ctx, g):
    return g * 3 * ctx.saved_tensors[0].detach() ** 2


@pytest.mark.parametrize(
    "backward", [through_numpy, through_detach, once_differentiable(lambda ctx, g: Cube.backward(ctx, g))]
)
def test_a_backward_that_is_not_recorded_cannot_be_differentiated(backward):
    f, x = function(Cube.forward, backward), leaf(2.0)
    f.apply(x).backward()
    assert x.grad.tolist() == [12]
    (d,) = tg.grad(f.apply(x), x, create_graph=True)
    assert d.tolist() == [12]
    with pytest.raises(RuntimeError, match="differentiated again"):
        d.sum().backward()


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda g: (g,), "returned 1 gradients, but forward has 2 arguments"),
        (lambda g: (g, None, g), "returned 3 gradients"),
        (
            lambda g: (tg.tensor([1.0, 1.0, 1.0]), None),
            r"Custom.backward .* shape \(3,\) for argument `x`, whose shape is \(2,\)",
        ),
        (lambda g: (g, g), "argument `factor`, which is no tensor"),
        (lambda g: (1.0, None), "float for argument `x`"),
        (lambda g: (g.mul_(2), None), "changed the gradient that it was given in place"),
    ],
)
def test_wrong_gradients_are_errors(answer, message):
    f = function(lambda ctx, x, factor: x * factor, lambda ctx, g: answer(g))
    with pytest.raises((RuntimeError, TypeError), match=message):
        (f.apply(leaf(1.0, 2.0), 3.0) * 5).sum().backward()


def test_gradients_broadcast_missing_and_surplus():
    f = function(lambda ctx, x, y: x + y, lambda ctx, g: (g, None, None))
    x, y = leaf(1.0), leaf(2.0, 3.0)
    f.apply(x, y).sum().backward()
    assert x.grad.tolist() == [2] and y.grad is None


def test_saved_tensors_changed_in_place():
    x = leaf(2.0)
    y = x * 1
    z = Cube.apply(y)
    y.zero_()
    with pytest.raises(RuntimeError, match="Cube.*saved tensor 0.*zero_"):
        z.backward()


def test_mark_dirty():
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(3)
        ctx.save_for_backward(x)
        return x

    triple = function(forward, lambda ctx, g: g * 3 + 0 * ctx.saved_tensors[0])
    a = leaf(1.0, 2.0)
    x = a * 1
    part = x[1:]
    out = triple.apply(x)
    assert out is x and x.tolist() == [3, 6]
    (x.sum() + 10 * part.sum()).backward()
    assert a.grad.tolist() == [3, 33]
    with pytest.raises(RuntimeError, match="leaf"):
        triple.apply(a)
    with pytest.raises(RuntimeError, match="must be among the results"):
        function(lambda ctx, x: ctx.mark_dirty(x) or x.clone(), None).apply(a * 1)
    with pytest.raises(RuntimeError, match=r"changed argument `x` in place.*mul_.*test_function"):
        function(lambda ctx, x: x.mul_(2).sum(), None).apply(a * 1)


def test_mark_non_differentiable_and_results_that_are_arguments():
    def forward(ctx, x):
        y = x * 2
        ctx.mark_non_differentiable(y)
        return x, y

    a = leaf(1.0)
    x, y = function(forward, lambda ctx, g, _: 5 * g).apply(a)
    assert y.node is None and x is not a and not np.shares_memory(x.array, a.array)
    x.backward()
    assert a.grad.tolist() == [5]


def test_unrecorded():
    x = leaf(1.0)
    with tg.no_grad():
        assert Cube.apply(x).node is None
    assert Cube.apply(tg.tensor([2.0])).tolist() == [8] and Cube.apply(x.detach()).node is None


def test_errors_say_what_to_do():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match=r"argument `xs` is a list.*apply\(\*tensors\)"):
        function(lambda ctx, xs, y: y * 2, None).apply([x], x)
    with pytest.raises(TypeError, match="save_for_backward.*number 1.*int"):
        function(lambda ctx, x: ctx.save_for_backward(x, 3), None).apply(x)
    with pytest.raises(TypeError, match="as_tensor"):
        function(lambda ctx, x: np.ones(3), None).apply(x)
    y = Cube.apply(x)
    y.backward()
    with pytest.raises(RuntimeError, match="Cube.*retain_graph"):
        y.backward()


def test_recomputing_in_backward():
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        with tg.enable_grad():
            x = x.detach().requires_grad_()
            tg.backward(x.exp(), g)
        return x.grad

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    x = leaf(1.0, 2.0)
    (function(forward, backward).apply(x * x) * 3).sum().backward()
    assert np.allclose(x.grad.array, 3 * np.exp(x.array**2) * 2 * x.array)


def test_saved_results_among_several_have_the_nodes_that_users_have():
    class PowerAndRoot(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, root := x.sqrt())
            return x**2, root

        @staticmethod
        def backward(ctx, g_square, g_root):
            x, root = ctx.saved_tensors
            return 2 * x * g_square + g_root / (2 * root)

    x = leaf(4.0)
    _, root = PowerAndRoot.apply(x)
    (d,) = tg.grad(root, x, create_graph=True)
    assert tg.grad(d, root, retain_graph=True)[0].item() == -1 / 8 and tg.grad(d, x)[0].item() == -1 / 32
