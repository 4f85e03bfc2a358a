"""Derivatives of functions: autograd.functional and func, against PyTorch."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import func
from tinygrad_edu.autograd import functional

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")

RNG = np.random.default_rng(0)
X, Y, V, W = RNG.normal(size=(2, 3)), RNG.normal(size=3), RNG.normal(size=(2, 3)), RNG.normal(size=3)


def number(x, y):
    return ((x * y).sin() * x.exp()).sum()


def two_outputs(x, y):
    return (x @ y) ** 2, x.sum() * y


def curve(y):
    return (y**3).sum()


def assert_same(ours, theirs):
    if isinstance(theirs, (tuple, list, dict)):
        assert isinstance(ours, (tuple, list, dict)) and len(ours) == len(theirs)
        for key in theirs if isinstance(theirs, dict) else range(len(theirs)):
            assert_same(ours[key], theirs[key])
    else:
        ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


CASES = [
    lambda f, t: f.vjp(number, (t(X), t(Y))),
    lambda f, t: f.vjp(two_outputs, (t(X), t(Y)), (t(X[:, 0]), t(W))),
    lambda f, t: f.vjp(curve, t(Y), t(np.array(2.0))),
    lambda f, t: f.jvp(two_outputs, (t(X), t(Y)), (t(V), t(W))),
    lambda f, t: f.jvp(curve, t(Y), t(W)),
    lambda f, t: f.jvp(lambda y: y * 0 + 1, t(Y), t(W)),
    lambda f, t: f.jacobian(two_outputs, (t(X), t(Y))),
    lambda f, t: f.jacobian(lambda x: x @ x.T, t(X)),
    lambda f, t: f.jacobian(lambda x, y: y * 2, (t(X), t(Y))),
    lambda f, t: f.hessian(number, (t(X), t(Y))),
    lambda f, t: f.hessian(curve, t(Y)),
    lambda f, t: f.hvp(number, (t(X), t(Y)), (t(V), t(W))),
    lambda f, t: f.vhp(number, (t(X), t(Y)), (t(V), t(W))),
    lambda f, t: f.hvp(curve, t(Y), t(W)),
]


@pytest.mark.parametrize("case", CASES)
def test_functional_as_torch(case):
    assert_same(case(functional, tg.tensor), case(torch.autograd.functional, torch.tensor))


@pytest.mark.parametrize("name", ["vjp", "jvp", "jacobian", "hvp", "vhp", "hessian"])
def test_create_graph(name):
    def third(T, f):
        y = T.tensor(Y, requires_grad=True)
        v = (
            ()
            if name in ("jacobian", "hessian")
            else (T.tensor(W),)
            if name != "vjp"
            else (T.tensor(2.0, dtype=T.float64),)
        )
        result = getattr(f, name)(curve, y, *v, create_graph=True)
        result = result[1] if v else result
        (result**2).sum().backward()
        return y.grad

    assert_same(third(tg, functional), third(torch, torch.autograd.functional))
    result = getattr(functional, name)(
        curve, tg.tensor(Y, requires_grad=True), *([] if name in ("jacobian", "hessian", "vjp") else [tg.tensor(W)])
    )
    assert all(not x.requires_grad for x in (result if isinstance(result, tuple) else (result,)))


def test_strict_and_errors():
    y = tg.tensor(Y)
    for call in (functional.vjp, functional.jacobian):
        with pytest.raises(RuntimeError, match="input 1.*strict"):
            call(lambda a, b: a.sum(), (y, y), strict=True)
        with pytest.raises(RuntimeError, match="output 0.*strict"):
            call(lambda a: tg.tensor(1.0), y, strict=True)
    with pytest.raises(ValueError, match="shapes of the inputs"):
        functional.jvp(curve, y, tg.tensor(X))
    with pytest.raises(ValueError, match="one element"):
        functional.hessian(lambda a: a, y)
    with pytest.raises(TypeError, match="floating"):
        functional.jacobian(lambda a: a, tg.tensor([1, 2]))


def tree(params, y):
    return (params["w"] * params["b"][0] ** 2 @ y).sum() * params["b"][1].exp()


def params(t):
    return {"w": t(X), "b": [t(W), t(np.array(0.5))]}


FUNC_CASES = [
    lambda f, t: f.grad(number)(t(X), t(Y)),
    lambda f, t: f.grad(number, argnums=(1, 0))(t(X), t(Y)),
    lambda f, t: f.grad(number, argnums=-1)(t(X), t(Y)),
    lambda f, t: f.grad(tree)(params(t), t(Y)),
    lambda f, t: f.grad(lambda x, y: (number(x, y), {"aux": x * 2}), has_aux=True)(t(X), t(Y)),
    lambda f, t: f.grad_and_value(number, (0, 1))(t(X), t(Y)),
    lambda f, t: f.grad_and_value(lambda x, y: (number(x, y), y), has_aux=True)(t(X), y=t(Y)),
    lambda f, t: f.grad(lambda y: f.grad(curve)(y).sum())(t(Y)),
    lambda f, t: f.grad(lambda a: a * f.grad(lambda b: a * b * b)(a))(t(np.array(3.0))),  # levels kept apart
    lambda f, t: f.grad(f.grad(f.grad(lambda a: a**4)))(t(np.array(2.0))),
    lambda f, t: f.jacrev(two_outputs, (0, 1))(t(X), t(Y)),
    lambda f, t: f.jacfwd(two_outputs, (0, 1))(t(X), t(Y)),
    lambda f, t: f.jacrev(lambda x: {"a": x.sum(0), "b": x**2})(t(X)),
    lambda f, t: f.jacfwd(lambda x: (x @ t(Y), x), has_aux=True)(t(X)),
    lambda f, t: f.jacrev(f.jacfwd(curve))(t(Y)),
    lambda f, t: f.jacfwd(f.jacrev(curve))(t(Y)),
    lambda f, t: f.hessian(number, (0, 1))(t(X), t(Y)),
    lambda f, t: f.hessian(number)(t(X), t(Y)),
    lambda f, t: f.jvp(two_outputs, (t(X), t(Y)), (t(V), t(W))),
    lambda f, t: f.jvp(lambda x: (x * 2, x), (t(X),), (t(V),), has_aux=True),
    lambda f, t: (lambda out, pull: (out, pull((t(Y[:2]), t(W))), pull((t(Y[1:]), t(W)))))(
        *f.vjp(two_outputs, t(X), t(Y))
    ),
    lambda f, t: f.jvp(f.grad(curve), (t(Y),), (t(W),)),
    lambda f, t: f.grad(lambda y: f.jvp(curve, (y,), (t(W),))[1])(t(Y)),
    lambda f, t: f.grad(lambda y: f.vjp(lambda z: z**3, y)[1](y)[0].sum())(t(Y)),
]


@pytest.mark.parametrize("case", FUNC_CASES)
def test_func_as_torch(case):
    assert_same(case(func, tg.tensor), case(torch.func, torch.tensor))


def test_func_with_tensors_that_require_gradients():
    def outer(T, f):
        y, w = T.tensor(Y, requires_grad=True), T.tensor(W, requires_grad=True)
        f.grad(lambda a: (a**2 * w).sum() + (a * y).sum())(y).pow(2).sum().backward()
        return y.grad, w.grad

    assert_same(outer(tg, func), outer(torch, torch.func))
    y = tg.tensor(Y)
    assert not func.grad(curve)(y).requires_grad and not y.requires_grad
    with tg.no_grad():
        assert np.allclose(func.grad(curve)(tg.tensor(Y, requires_grad=True)).array, 3 * Y**2)


def test_func_errors():
    with pytest.raises(ValueError, match="0-dimensional"):
        func.grad(lambda y: y)(tg.tensor(Y))
    with pytest.raises(IndexError, match="1 positional"):
        func.grad(curve, argnums=1)(tg.tensor(Y))
    with pytest.raises(TypeError, match="aux"):
        func.grad(curve, has_aux=True)(tg.tensor(Y))


def test_functional_call():
    def run(T, f):
        class Model(T.nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = T.nn.Linear(3, 3).to(T.float64)
                self.tied = T.nn.Linear(3, 3, bias=False).to(T.float64)
                self.tied.weight = self.inner.weight
                self.register_buffer("scale", T.tensor(3.0, dtype=T.float64))

            def forward(self, x, power=1):
                return (self.tied(self.inner(x)) * self.scale).sum() ** power

        model = Model()
        before = {name: x.detach().clone() for name, x in model.named_parameters()}
        given = {"inner.weight": T.tensor(X.T @ X), "scale": T.tensor(2.0, dtype=T.float64)}
        biases = {"inner.bias": T.tensor(W)}
        value = f.functional_call(model, (given, biases), T.tensor(Y), {"power": 2})
        gradient = f.grad(lambda p: f.functional_call(model, {**given, **p}, (T.tensor(Y),)))(biases)
        assert (
            all((before[name] == x).all() and x.requires_grad for name, x in model.named_parameters())
            and model.scale == 3
        )
        for names in ({"wrong": T.tensor(1.0)}, given):
            with pytest.raises((KeyError, RuntimeError), match="wrong|bias"):
                f.functional_call(model, names, T.tensor(Y), strict=True)
        return value, gradient

    assert_same(run(tg, func), run(torch, torch.func))


def test_functional_call_uses_the_given_parameters_of_real_modules():
    from tinygrad_edu import nn

    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    x = tg.tensor([[1.0, 2.0]], dtype=tg.float64)
    given = {name: (p.detach() * 2).requires_grad_() for name, p in net.named_parameters()}
    result = func.functional_call(net, given, (x,))
    expected = tg.tanh(x @ given["0.weight"].T + given["0.bias"]) @ given["2.weight"].T + given["2.bias"]
    np.testing.assert_allclose(result.detach().numpy(), expected.detach().numpy())
    result.sum().backward()
    assert all(g.grad is not None for g in given.values())
    for name, p in net.named_parameters():
        assert p.grad is None and (p == before[name]).all().item()
