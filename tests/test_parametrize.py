"""Parametrizations of modules: what the tables compared with PyTorch do not reach."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.check import assert_gradients
from tinygrad_edu.nn.utils import parametrizations, parametrize
from tinygrad_edu.nn.utils.parametrizations import norm_except_dim, weight_of

RNG = np.random.default_rng(0)


class Symmetric(nn.Module):
    calls = 0

    def forward(self, x):
        Symmetric.calls += 1
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x):
        return x.triu()


class RankOne(nn.Module):
    def forward(self, x, y):
        return x.unsqueeze(-1) @ y.unsqueeze(-2)

    def right_inverse(self, z):
        u, s, vh = tg.linalg.svd(z, full_matrices=False)
        return u[:, 0] * s[0].sqrt(), vh[0] * s[0].sqrt()


class Double(nn.Module):
    def forward(self, x):
        return 2 * x

    def right_inverse(self, x):
        return x / 2


def test_a_parametrized_weight_is_computed_and_trained():
    layer = nn.Linear(3, 3)
    original = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert layer.parametrizations.weight.original is original and "weight" not in dict(layer.named_parameters())
    assert isinstance(layer, nn.Linear) and type(layer).__name__ == "ParametrizedLinear"
    np.testing.assert_array_equal(layer.weight.detach().numpy(), layer.weight.mT.detach().numpy())
    optimizer = tg.optim.SGD(layer.parameters(), lr=0.1)
    before = layer.weight.detach().clone()
    layer(tg.ones(2, 3)).square().sum().backward()
    optimizer.step()
    assert (before != layer.weight).any() and (layer.weight == layer.weight.mT).all()


def test_several_parametrizations_and_assignment():
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    parametrize.register_parametrization(layer, "weight", Double())
    value = tg.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])
    layer.weight = value
    np.testing.assert_allclose(layer.weight.detach().numpy(), value.numpy())
    assert [type(p) for p in layer.parametrizations.weight] == [Symmetric, Double]
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]


def test_several_originals():
    layer = parametrize.register_parametrization(nn.Linear(3, 4), "weight", RankOne())
    assert set(dict(layer.named_parameters())) == {
        "bias",
        "parametrizations.weight.original0",
        "parametrizations.weight.original1",
    }
    assert tg.linalg.matrix_rank(layer.weight.detach()).item() == 1
    value = tg.outer(tg.arange(4.0), tg.ones(3))
    layer.weight = value
    np.testing.assert_allclose(layer.weight.detach().numpy(), value.numpy(), atol=1e-5)
    layer(tg.ones(1, 3)).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter) and layer.weight.requires_grad


def test_cached():
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    Symmetric.calls = 0
    with parametrize.cached():
        one, other = layer.weight, layer.weight
        with parametrize.cached():
            assert layer.weight is one
    assert one is other and Symmetric.calls == 1
    assert layer.weight is not one and Symmetric.calls == 2


def test_copies_are_independent():
    layer = parametrizations.weight_norm(nn.Linear(3, 4))
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(copied.weight.detach().numpy(), layer.weight.detach().numpy())
        parametrize.remove_parametrizations(copied, "weight")
        assert type(copied) is nn.Linear and parametrize.is_parametrized(layer, "weight")
        assert copied(tg.ones(1, 3)).shape == (1, 4)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert not parametrize.is_parametrized(layer, "bias") and not parametrize.is_parametrized(nn.Linear(1, 1))


def test_with_other_parameters():
    layer = parametrizations.weight_norm(nn.Linear(3, 4))
    given = {name: x.detach() * 2 for name, x in layer.named_parameters()}
    x = tg.tensor(RNG.standard_normal((2, 3)), dtype=tg.float32)
    expected = 2 * layer(x)
    for call in (tg.func.functional_call, nn.utils.stateless.functional_call):
        np.testing.assert_allclose(call(layer, given, (x,)).detach().numpy(), expected.detach().numpy(), rtol=1e-5)


def test_transfer():
    source = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    target = parametrize.transfer_parametrizations_and_params(source, nn.Linear(3, 3))
    np.testing.assert_array_equal(target.weight.detach().numpy(), source.weight.detach().numpy())
    assert target.parametrizations.weight.original is not source.parametrizations.weight.original


def test_unsafe_changes_of_shape():
    layer = nn.Linear(3, 4)
    with pytest.raises(ValueError, match="unsafe=True"):
        parametrize.register_parametrization(layer, "weight", nn.Flatten(0))
    assert type(layer) is nn.Linear and layer.weight.shape == (4, 3)
    parametrize.register_parametrization(layer, "weight", nn.Flatten(0), unsafe=True)
    assert layer.weight.shape == (12,)


@pytest.mark.parametrize("shape, dim", [((4, 3), 0), ((4, 3), 1), ((4, 3), -1), ((2, 3, 2), 1)])
def test_second_derivatives_of_weight_norm(shape, dim):
    v = RNG.standard_normal(shape)
    assert_gradients(lambda g, v: weight_of(g, v, dim), norm_except_dim(tg.tensor(v), dim).numpy() * 1.5, v, order=2)


@pytest.mark.parametrize("map_", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_orthogonal_stays_orthogonal(map_, shape):
    tg.manual_seed(0)
    layer = parametrizations.orthogonal(nn.Linear(shape[1], shape[0]), orthogonal_map=map_)
    value = tg.linalg.qr(tg.randn(max(shape), min(shape)))[0]
    value = value if shape[0] >= shape[1] else value.mT
    layer.weight = value
    np.testing.assert_allclose(layer.weight.detach().numpy(), value.numpy(), atol=1e-5)
    optimizer = tg.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(tg.ones(2, shape[1])).pow(3).sum().backward()
        optimizer.step()
    w = layer.weight.detach()
    w = w if shape[0] >= shape[1] else w.mT
    np.testing.assert_allclose((w.mT @ w).numpy(), np.eye(min(shape)), atol=1e-5)
    assert (layer.weight != value).any()


def test_orthogonal_without_base():
    layer = parametrizations.orthogonal(nn.Linear(4, 4), orthogonal_map="householder", use_trivialization=False)
    value = tg.linalg.qr(tg.randn(4, 4))[0]
    layer.weight = value
    np.testing.assert_allclose(layer.weight.detach().numpy(), value.numpy(), atol=1e-5)
    layer = parametrizations.orthogonal(nn.Linear(4, 4), orthogonal_map="cayley", use_trivialization=False)
    with pytest.raises(NotImplementedError, match="use_trivialization"):
        layer.weight = value


@pytest.mark.parametrize("make", [parametrizations.spectral_norm, nn.utils.spectral_norm])
def test_spectral_norm_is_one(make):
    layer = make(nn.Linear(6, 5))
    for _ in range(100):
        layer(tg.ones(1, 6))
    assert abs(tg.linalg.svdvals(layer.weight.detach())[0].item() - 1) < 1e-4
    before = layer.weight.detach().clone()
    layer.eval()
    layer(tg.ones(1, 6))
    np.testing.assert_allclose(layer.weight.detach().numpy(), before.numpy(), atol=1e-6)


def test_two_passes_before_one_backward():
    """The vectors of the power method are overwritten by the second pass, and the first still has its gradients."""
    layer = parametrizations.spectral_norm(nn.Linear(3, 3))
    (layer(tg.ones(1, 3)) + layer(tg.ones(1, 3))).sum().backward()
    assert np.isfinite(layer.parametrizations.weight.original.grad.numpy()).all()


def test_weight_norm_of_old(torch):
    found = []
    for T in (tg, torch):
        layer = T.nn.Linear(3, 4)
        with T.no_grad():
            layer.weight.copy_(T.tensor(np.arange(12.0).reshape(4, 3)))
            layer.bias.copy_(T.ones(4))
        with pytest.warns(FutureWarning):
            layer = T.nn.utils.weight_norm(layer)
        x = T.ones(2, 3)
        y = layer(x).square().sum()
        y.backward()
        state = {key: tuple(value.shape) for key, value in layer.state_dict().items()}
        found.append((state, y.item(), layer.weight_g.grad.numpy(), layer.weight_v.grad.numpy()))
        if T is tg:
            with pytest.raises(RuntimeError, match="already"), pytest.warns(FutureWarning):
                nn.utils.weight_norm(layer)
        T.nn.utils.remove_weight_norm(layer)
        assert set(layer.state_dict()) == {"weight", "bias"} and abs(layer(x).square().sum().item() - y.item()) < 1e-3
    (ours, y, *gradients), (theirs, other, *expected) = found
    assert ours == theirs and y == pytest.approx(other)
    for one, another in zip(gradients, expected):
        np.testing.assert_allclose(one, another, rtol=1e-5, atol=1e-4)


def test_fused_layers():
    tg.manual_seed(0)
    pairs = [(nn.Linear(3, 4), nn.BatchNorm1d(4), (5, 3), nn.utils.fuse_linear_bn_eval)]
    if hasattr(nn, "Conv2d"):
        pairs.append((nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), (5, 2, 6, 6), nn.utils.fuse_conv_bn_eval))
        pairs.append((nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, affine=False), (5, 2, 6, 6), nn.utils.fuse_conv_bn_eval))
    for layer, bn, shape, fuse in pairs:
        x = tg.randn(*shape)
        bn(layer(x))
        with pytest.raises(AssertionError, match="eval"):
            fuse(layer, bn)
        fused = fuse(layer.eval(), bn.eval())
        np.testing.assert_allclose(fused(x).detach().numpy(), bn(layer(x)).detach().numpy(), atol=1e-5)
        assert fused is not layer and isinstance(fused.bias, nn.Parameter)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_clipping(p, torch):
    shapes = ((3, 2), (4,), (2,) if np.isinf(p) else (0,))  # PyTorch refuses the largest of nothing
    arrays, found = [RNG.standard_normal(shape).astype(np.float32) for shape in shapes], []
    for T in (tg, torch):
        ps = [T.zeros(a.shape).requires_grad_() for a in arrays] + [T.zeros(2).requires_grad_()]
        for parameter, a in zip(ps, arrays):
            parameter.grad = T.tensor(a)
        norm = T.nn.utils.get_total_norm([q.grad for q in ps[:2]], p)
        clipped = T.nn.utils.clip_grad_norm_((q for q in ps), 0.7, p)
        T.nn.utils.clip_grads_with_norm_(ps, 0.5, T.tensor(0.7))
        found.append([norm.numpy(), clipped.numpy(), *[q.grad.numpy() for q in ps[:3]]])
        with pytest.warns(UserWarning):
            T.nn.utils.clip_grad_norm_((q for q in ()), 1.0)
        ps[0].grad = T.full((3, 2), float("nan"))
        with pytest.raises(RuntimeError, match="norm"):
            T.nn.utils.clip_grad_norm_(ps, 1.0, p, error_if_nonfinite=True)
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        assert one.dtype == other.dtype


def test_spectral_norm_of_old_is_removed():
    layer = nn.utils.spectral_norm(nn.Linear(3, 4))
    layer.eval()
    x = tg.ones(2, 3)
    before = layer(x).detach()
    nn.utils.remove_spectral_norm(layer)
    assert set(layer.state_dict()) == {"weight", "bias"}
    np.testing.assert_allclose(layer(x).detach().numpy(), before.numpy(), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="not found"):
        nn.utils.remove_spectral_norm(layer)
