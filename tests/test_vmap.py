"""vmap: the same as a loop over the examples, and as PyTorch's."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import func, nn

RNG = np.random.default_rng(0)
A, B, M = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 4)), RNG.standard_normal((4, 2))

CALLS = [
    lambda T, x, y, m: T.func.vmap(T.dot)(x, y),
    lambda T, x, y, m: T.func.vmap(T.dot, in_dims=(1, 1))(x, y),
    lambda T, x, y, m: T.func.vmap(lambda a, w: a @ w, in_dims=(0, None))(x, m),
    lambda T, x, y, m: T.func.vmap(lambda a, b: (a * b, a.sum()), out_dims=(1, 0))(x, y),
    lambda T, x, y, m: T.func.vmap(lambda d: d["a"] * 2 + d["b"][0], in_dims=({"a": 0, "b": None},))(
        {"a": x, "b": [y[0]]}
    ),
    lambda T, x, y, m: T.func.vmap(T.func.vmap(lambda a, b: a * b.sin()))(x, y),
    lambda T, x, y, m: T.func.vmap(T.func.grad(lambda a, w: (a @ w).sin().sum()), in_dims=(0, None))(x, m),
    lambda T, x, y, m: T.func.vmap(T.func.grad(lambda a, w: (a @ w).sin().sum(), argnums=1), in_dims=(0, None))(x, m),
    lambda T, x, y, m: T.func.vmap(T.func.jacrev(lambda a: a.sin() * a.sum()))(x),
    lambda T, x, y, m: T.func.grad(lambda w: T.func.vmap(lambda a: (a @ w).square().sum())(x).sum())(m),
    lambda T, x, y, m: T.func.vmap(lambda a, scale: a * scale, in_dims=(0, None))(x, 2.0),
    lambda T, x, y, m: T.func.vmap(lambda a, factor=1: a * factor)(x, factor=y),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_as_torch(number, torch):
    ours, theirs = [CALLS[number](T, *[T.tensor(v) for v in (A, B, M)]) for T in (tg, torch)]
    for one, other in zip(*[x if isinstance(x, tuple) else (x,) for x in (ours, theirs)], strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-12)
        assert one.shape == other.shape


def test_an_ensemble_of_modules():
    models = [nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1)) for _ in range(3)]
    parameters, buffers = func.stack_module_state(models)
    x = tg.tensor(A).float()
    outputs = func.vmap(lambda p, b: func.functional_call(models[0], (p, b), (x,)))(parameters, buffers)
    np.testing.assert_allclose(outputs.detach().numpy(), np.stack([m(x).detach().numpy() for m in models]), rtol=1e-6)
    outputs.sum().backward()
    models[1](x).sum().backward()
    np.testing.assert_allclose(parameters["0.weight"].grad[1].numpy(), models[1][0].weight.grad.numpy(), rtol=1e-5)


def test_randomness():
    x = tg.ones(4, 50)

    def noisy(row):
        return row * tg.rand(50)

    with pytest.raises(RuntimeError, match="randomness='different'"):
        func.vmap(noisy)(x)
    same, different = [func.vmap(noisy, randomness=how)(x).numpy() for how in ("same", "different")]
    assert (same[0] == same[3]).all() and not (different[0] == different[3]).any()


@pytest.mark.parametrize("call, error", [
    (lambda x: func.vmap(lambda a, b: a + b)(x, x[:2]), "one common size, and have sizes"),
    (lambda x: func.vmap(lambda a: a, in_dims=None)(x), "none is mapped"),
    (lambda x: func.vmap(lambda a: a, in_dims=2)(x), "no dimension 2"),
    (lambda x: func.vmap(lambda a: a, in_dims=(0, 0))(x), "2 entries for 1"),
    (lambda x: func.vmap(lambda a: 3)(x), "must return Tensors, not int"),
    (lambda x: func.vmap(lambda a: a, out_dims=(0, 1))(x), "out_dims has 2"),
    (lambda x: func.vmap(lambda a: a)(x[:0]), "no examples"),
    (lambda x: func.vmap(lambda a: a, randomness="some")(x), "'some'"),
])  # fmt: skip
def test_errors(call, error):
    with pytest.raises((ValueError, RuntimeError), match=error):
        call(tg.tensor(A))
