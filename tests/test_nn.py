"""Modules: what they register, find, save, print and call; layers, containers, initialisation and utilities, against
torch.
"""

import copy
import math
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.nn import functional as F

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")


def make(nn, tensor):
    """A model with everything in it: shared modules and parameters, buffers, named and nested containers, an empty
    place.
    """

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 4)
            self.shared = self.first
            self.scale = nn.Parameter(tensor([2.0]))
            self.same_scale = self.scale
            self.register_parameter("nothing", None)
            self.register_buffer("mean", tensor([1.0, 2.0]))
            self.register_buffer("scratch", tensor([0.0]), persistent=False)
            self.buffer = nn.Buffer(tensor([5.0]))
            self.body = nn.Sequential(
                OrderedDict(a=nn.ReLU(), b=nn.Sequential(nn.Linear(4, 4, bias=False), nn.Dropout(0.25)))
            )
            self.listed = nn.ModuleList([nn.Tanh(), nn.Tanh(), nn.Linear(4, 2)])
            self.named = nn.ModuleDict({"x": nn.Identity(), "y": self.first})
            self.rest = nn.ParameterList([tensor([1.0]), tensor([[2.0, 3.0]])])

        def forward(self, x):
            return self.listed[2](self.body(self.first(x)) * self.scale)

    return Model()


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.register_buffer("seen", tg.zeros(2))

    def forward(self, x, factor=1.0):
        return self.layer(x) * factor


# ---- finding


@needs_torch
def test_finds_what_torch_finds():
    """Names and order of parameters, buffers, modules, children and state, shared ones once (in the state: under each
    name).
    """
    ours, theirs = make(nn, tg.tensor), make(torch.nn, torch.tensor)
    for method in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [name for name, _ in getattr(ours, method)()] == [name for name, _ in getattr(theirs, method)()], method
        assert len(list(getattr(ours, method[6:])())) == len(list(getattr(theirs, method[6:])()))
    for method, settings in (
        ("named_parameters", {"recurse": False}),
        ("named_parameters", {"prefix": "m", "remove_duplicate": False}),
    ):
        assert [n for n, _ in getattr(ours, method)(**settings)] == [n for n, _ in getattr(theirs, method)(**settings)]
    assert {n: tuple(v.shape) for n, v in ours.state_dict().items()} == {
        n: tuple(v.shape) for n, v in theirs.state_dict().items()
    }
    assert list(ours.state_dict()) == list(theirs.state_dict())


@needs_torch
def test_same_numbers_as_torch_after_loading_its_state():
    ours, theirs = make(nn, tg.tensor), make(torch.nn, torch.tensor)
    assert repr(ours.load_state_dict(theirs.state_dict())) == "<All keys matched successfully>"
    ours.eval(), theirs.eval()
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    a, b = ours(tg.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-5, atol=1e-6)
    (a * a).sum().backward(), (b * b).sum().backward()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters()):
        assert (p.grad is None) == (q.grad is None), name
        if p.grad is not None:
            np.testing.assert_allclose(p.grad, q.grad, rtol=1e-4, atol=1e-5, err_msg=name)


def test_attributes_change_place():
    """A parameter can be replaced, emptied and deleted; a module can take its place; nothing is left behind."""
    m = Small()
    m.layer.weight = nn.Parameter(tg.ones(3, 2))
    assert [n for n, _ in m.named_parameters()] == ["layer.weight", "layer.bias"] and m.layer.weight.tolist() == [
        [1, 1]
    ] * 3
    m.layer.bias = None
    assert [n for n, _ in m.named_parameters()] == ["layer.weight"] and m(tg.ones(1, 2)).tolist() == [[2, 2, 2]]
    m.layer = nn.Parameter(tg.ones(1))
    assert list(m.modules()) == [m] and [n for n, _ in m.named_parameters()] == ["layer"]
    del m.layer
    assert not list(m.parameters()) and not hasattr(m, "layer")
    m.seen = tg.ones(2)
    assert m.state_dict()["seen"].tolist() == [1, 1]
    with pytest.raises(TypeError, match="parameter `weight` of Linear"):
        Small().layer.weight = tg.ones(3, 2)


def test_assigning_before_init_is_refused():
    class Early(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"module `layer` before.*super\(\).__init__\(\) first"):
        Early()

    class Never(nn.Module):
        def __init__(self):
            self.size = 3  # plain attributes may come first

    with pytest.raises(AttributeError, match=r"Has Never.__init__ called super"):
        Never()(1)


def test_missing_attribute_names_class_and_close_names():
    with pytest.raises(AttributeError, match="'Small' object has no attribute 'laier'. Did you mean 'layer'") as caught:
        Small().laier  # noqa: B018
    assert caught.value.name == "laier"
    with pytest.raises(NotImplementedError, match="Module does not define forward"):
        nn.Module()(1)


@pytest.mark.parametrize(
    ("value", "container"),
    [
        (lambda: [nn.Linear(1, 1)], "ModuleList"), (lambda: (nn.ReLU(),), "ModuleList"),
        (lambda: {"a": nn.ReLU()}, "ModuleDict"), (lambda: [nn.Parameter(tg.ones(1))], "ParameterList"),
    ],
)  # fmt: skip
def test_plain_containers_warn(value, container):
    m = nn.Module()
    with pytest.warns(UserWarning, match=f"`layers` of Module.*nn.{container}") as caught:
        m.layers = value()
    assert caught[0].filename == __file__


@pytest.mark.parametrize(("name", "error"), [("", KeyError), ("a.b", KeyError), ("forward", KeyError), (3, TypeError)])
def test_bad_names(name, error):
    for register, value in (
        ("register_parameter", nn.Parameter(tg.ones(1))),
        ("register_buffer", tg.ones(1)),
        ("add_module", nn.ReLU()),
    ):
        with pytest.raises(error):
            getattr(nn.Module(), register)(name, value)
    with pytest.raises(TypeError, match="Parameter or None, not Tensor"):
        nn.Module().register_parameter("x", tg.ones(1))


# ---- state


def test_state_shares_memory_and_loading_writes_into_it():
    m = Small()
    before, parameter = m.state_dict(), m.layer.weight
    m.load_state_dict({name: np.full(value.shape, 7.0) for name, value in before.items()})  # arrays will do
    assert m.layer.weight is parameter and before["layer.weight"].tolist() == [[7, 7]] * 3
    assert not before["layer.weight"].requires_grad and m.state_dict(keep_vars=True)["layer.weight"] is parameter


def test_loading_lists_all_problems_and_changes_nothing():
    m = Small()
    state, values = m.state_dict(), m.layer.bias.tolist()
    with pytest.raises(RuntimeError) as caught:
        m.load_state_dict({"layer.bias": tg.zeros(3), "layer.weight": tg.ones(4, 2), "other": tg.ones(1)})
    text = str(caught.value)
    assert (
        "for Small:" in text
        and 'Missing key(s) in state_dict: "seen"' in text
        and 'Unexpected key(s) in state_dict: "other"' in text
    )
    assert "size mismatch for layer.weight" in text and "Size([4, 2])" in text and "Size([3, 2])" in text
    assert m.layer.bias.tolist() == values
    answer = m.load_state_dict({"layer.bias": state["layer.bias"] + 1, "other": tg.ones(1)}, strict=False)
    assert answer.missing_keys == ["seen", "layer.weight"] and answer.unexpected_keys == ["other"]
    assert m.layer.bias.tolist() == pytest.approx([v + 1 for v in values])


def test_loading_is_a_write_that_backward_notices():
    m = nn.Linear(2, 2)
    y = m(tg.ones(1, 2, requires_grad=True))
    m.load_state_dict(nn.Linear(2, 2).state_dict())
    with pytest.raises(RuntimeError, match="load_state_dict"):
        y.sum().backward()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent_and_keep_sharing(copied):
    m = make_shared()
    m(tg.ones(1, 2)).sum().backward()
    other = copied(m)
    assert other.a is other.b and other.a is not m.a and type(other.a.weight) is nn.Parameter
    assert (
        "_calls" not in m.__getstate__()
        and len(list(other.parameters())) == 2
        and other.a.weight.requires_grad
        and not other._calls
        and m._calls
    )
    other.a.weight.data.fill_(9.0)
    assert m.a.weight.tolist() != other.a.weight.tolist() == other.state_dict()["b.weight"].tolist()
    other(tg.ones(1, 2))
    assert len(other._calls) == 1


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = self.b = nn.Linear(2, 2)

    def forward(self, x):
        return self.b(self.a(x))


make_shared = Shared


# ---- doing something to all


def test_conversion_keeps_parameters_and_their_gradients():
    m = Small()
    parameter = m.layer.weight
    m(tg.ones(1, 2)).sum().backward()
    assert (
        m.double() is m
        and m.layer.weight is parameter
        and parameter.dtype == parameter.grad.dtype == m.seen.dtype == tg.float64
    )
    m(tg.ones(1, 2, dtype=tg.float64)).sum().backward()
    assert parameter.grad.tolist() == [[2.0, 2.0]] * 3
    assert m.to("cpu").to(tg.float32).layer.bias.dtype == tg.float32 and m.half().seen.dtype == tg.float16
    with pytest.raises(TypeError, match="int64"):
        m.to(tg.int64)
    m.register_buffer("count", tg.tensor(3))
    assert m.float().count.dtype == tg.int64


def test_modes_gradients_and_apply():
    m = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.5)))
    assert not m.eval()[1][0].training and m.train()[1][0].training
    m.requires_grad_(False)
    assert not any(p.requires_grad for p in m.parameters())
    m.requires_grad_()
    m(tg.ones(1, 2)).sum().backward()
    m.zero_grad(set_to_none=False)
    assert m[0].bias.grad.tolist() == [0, 0]
    m.zero_grad()
    assert m[0].bias.grad is None
    order = []
    assert m.apply(lambda part: order.append(type(part).__name__)) is m
    assert order == ["Linear", "Dropout", "Sequential", "Sequential"]


# ---- calls


def test_calls_are_noted_only_while_recording():
    m, x = nn.Sequential(nn.Linear(2, 3), nn.Tanh()), tg.ones(1, 2)
    y = m(x)
    with tg.no_grad():
        m(x)
    (start, stop), (inner,), (tanh,) = m._calls[0], m[0]._calls, m[1]._calls
    assert len(m._calls) == 1 and start < inner[0] < inner[1] < tanh[0] < y.node.number < tanh[1] < stop
    assert inner[0] < y.node.parents[0].number < inner[1]
    for _ in range(100):
        m(x)
    assert len(m._calls) == 64 and "_calls" not in m.state_dict()


def test_forward_hooks():
    m, x, seen = Small(), tg.ones(1, 2), []
    plain = m(x)
    handles = [
        m.register_forward_pre_hook(lambda module, args: seen.append("before") or (args[0] * 2,)),
        m.register_forward_pre_hook(lambda module, args, kwargs: (args, {"factor": 3.0}), with_kwargs=True),
        m.register_forward_hook(lambda module, args, output: seen.append("after") or output + 1),
        m.register_forward_hook(lambda module, args, output: seen.append("first"), prepend=True),
    ]
    expected = 3 * m.layer(2 * x) + 1
    assert m(x).tolist() == expected.tolist() and seen == ["before", "first", "after"]
    for handle in handles:
        handle.remove()
    assert m(x).tolist() == plain.tolist() and len(seen) == 3


def backward_hooked(library, seen, create_graph=False):
    """The gradients of a model with a backward hook on its middle layer that doubles grad_input."""
    library.manual_seed(0)
    m = library.nn.Sequential(library.nn.Linear(2, 3), library.nn.Tanh(), library.nn.Linear(3, 1)).double()
    for i, p in enumerate(m.parameters()):
        p.data.copy_(library.sin(library.arange(p.numel(), dtype=library.float64) + i).reshape(p.shape))

    def hook(module, grad_input, grad_output):
        seen.append([np.asarray(g.detach()).tolist() for g in (*grad_input, *grad_output)])
        return (grad_input[0] * 2,)

    m[1].register_full_backward_hook(hook)
    m[0].register_full_backward_hook(
        lambda module, gi, go: seen.append([g if g is None else tuple(g.shape) for g in (*gi, *go)])
    )
    out = m(library.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=library.float64))
    return library.autograd.grad((out**2).sum(), list(m.parameters()), create_graph=create_graph)


@needs_torch
@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
@pytest.mark.parametrize("create_graph", [False, True])
def test_full_backward_hook_as_torch(create_graph):
    ours, theirs = [], []
    for a, b in zip(backward_hooked(tg, ours, create_graph), backward_hooked(torch, theirs, create_graph)):
        np.testing.assert_allclose(a.detach(), b.detach())
    assert len(ours) == len(theirs) == 2
    np.testing.assert_allclose(np.ravel(ours[0]), np.ravel(theirs[0]))
    assert ours[1] == theirs[1] == [None, (2, 3)]


# ---- text


@needs_torch
@pytest.mark.parametrize(
    "build",
    [
        lambda nn: make(nn, tg.tensor if nn.__name__.startswith("tinygrad") else torch.tensor).body,
        lambda nn: nn.Sequential(), lambda nn: nn.Sequential(nn.Linear(2, 3, bias=False), nn.Sequential(nn.ReLU(True))),
        lambda nn: nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.Sequential(nn.Tanh())]),
        lambda nn: nn.ModuleDict({"a": nn.ReLU()}),
        lambda nn: nn.Bilinear(2, 3, 4), lambda nn: nn.Embedding(10, 3, padding_idx=-1), lambda nn: nn.Identity(3, a=4),
        lambda nn: nn.Flatten(), lambda nn: nn.Unflatten(1, (2, -1)), lambda nn: nn.Dropout(0.3, True),
        lambda nn: nn.PReLU(3),
        lambda nn: nn.LeakyReLU(0.2, inplace=True), lambda nn: nn.ELU(), lambda nn: nn.SELU(), lambda nn: nn.CELU(0.5),
        lambda nn: nn.GELU("tanh"),
        lambda nn: nn.SiLU(), lambda nn: nn.Mish(True), lambda nn: nn.Softplus(2.0), lambda nn: nn.Softsign(),
        lambda nn: nn.Hardtanh(-2.0, 2.0),
        lambda nn: nn.ReLU6(), lambda nn: nn.Hardsigmoid(), lambda nn: nn.Hardswish(), lambda nn: nn.Softshrink(),
        lambda nn: nn.Hardshrink(0.1),
        lambda nn: nn.Tanhshrink(), lambda nn: nn.Threshold(0.1, 20), lambda nn: nn.GLU(), lambda nn: nn.Sigmoid(),
        lambda nn: nn.LogSigmoid(),
        lambda nn: nn.Softmax(1), lambda nn: nn.LogSoftmax(-1), lambda nn: nn.Softmin(0), lambda nn: nn.Softmax2d(),
    ],
)  # fmt: skip
def test_repr_and_value_as_torch(build):
    ours, theirs = build(nn), build(torch.nn)
    assert repr(ours) == repr(theirs)
    assert type(ours).__doc__ and len(list(ours.parameters())) == len(list(theirs.parameters()))
    if isinstance(ours, (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Embedding, nn.Bilinear, nn.Dropout)):
        return
    x = (
        np.random.default_rng(0)
        .uniform(-3, 3, (2, 3, 4, 6)[: 3 if isinstance(ours, nn.PReLU) else 4])
        .astype(np.float32)
    )
    if isinstance(ours, nn.Unflatten):
        x = x.reshape(2, 12, 6)
    a, b = tg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a * 1.0), theirs(b * 1.0)
    np.testing.assert_allclose(y.detach(), z.detach(), rtol=1e-5, atol=1e-6)
    (y * y).sum().backward(), (z * z).sum().backward()
    np.testing.assert_allclose(a.grad, b.grad, rtol=1e-4, atol=1e-5)


def test_repr_of_parameters():
    text = repr(nn.Parameter(tg.tensor([1.0, 2.0])))
    assert text == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    assert (
        repr(nn.ParameterList([tg.ones(2, 3)]))
        == "ParameterList(\n  (0): Parameter containing: [float32 of size 2x3]\n)"
    )


# ---- layers and containers


def test_containers_behave_like_list_and_dict():
    a, b, c = nn.Linear(1, 1), nn.ReLU(), nn.Tanh()
    s = nn.Sequential(a, b).append(c)
    assert s[-1] is c and list(s[1:]) == [b, c] and isinstance(s[:1], nn.Sequential) and len(s) == 3
    s[1] = c
    del s[0]
    s.insert(1, b)
    assert list(s) == [c, b, c] and [n for n, _ in s.named_modules(remove_duplicate=False)] == ["", "0", "1", "2"]
    assert s.pop(1) is b and len(s) == 2 and not hasattr(s, "2")
    with pytest.raises(IndexError, match="5 is out of range"):
        s[5]
    with pytest.raises(TypeError, match=r"write Sequential\(\*layers\)"):
        nn.Sequential([a, b])
    layers = nn.ModuleList([a]) + [b]
    layers += [c]
    assert list(layers) == [a, b, c] and list(layers[:2]) == [a, b] and b in layers
    d = nn.ModuleDict([("x", a)])
    d["y"] = b
    assert list(d) == ["x", "y"] and d.pop("x") is a and "x" not in d and list(d.items()) == [("y", b)]
    p = nn.ParameterList([tg.ones(1)])
    p[0] = tg.zeros(2)
    q = nn.ParameterDict({"w": tg.ones(3)})
    assert (
        len(list(p.parameters())) == 1
        and p[0].tolist() == [0, 0]
        and q["w"].requires_grad
        and list(q.state_dict()) == ["w"]
    )


def test_parameter_is_a_leaf_that_shares_memory():
    x = tg.ones(2)
    p = nn.Parameter(x)
    assert (
        isinstance(p, tg.Tensor) and p.is_leaf and p.requires_grad and p.array is x.array and type(p * 2) is tg.Tensor
    )
    assert not nn.Parameter(tg.tensor([1]), requires_grad=False).requires_grad
    with pytest.raises(RuntimeError, match="int64"):
        nn.Parameter(tg.tensor([1]))


def test_linear_starts_within_its_bounds_and_follows_the_seed():
    tg.manual_seed(3)
    a = nn.Linear(16, 200)
    tg.manual_seed(3)
    b = nn.Linear(16, 200)
    assert (
        a.weight.tolist() == b.weight.tolist()
        and a.weight.dtype == tg.float32
        and nn.Linear(2, 2, dtype=tg.float64).bias.dtype == tg.float64
    )
    for p in a.parameters():
        assert 0.2 < np.abs(p.numpy(force=True)).max() <= 0.25
    with pytest.raises(RuntimeError, match=r"\(5, 3\).*\(200, 16\)"):
        a(tg.ones(5, 3))


@needs_torch
def test_bilinear_and_embedding_as_torch():
    r = np.random.default_rng(0)
    for build, inputs in (
        (lambda nn: nn.Bilinear(2, 3, 4), (r.standard_normal((5, 2)), r.standard_normal((5, 3)))),
        (lambda nn: nn.Embedding(6, 3, padding_idx=2), (np.array([[0, 2], [5, 0]]),)),
        (lambda nn: nn.Embedding(6, 3), (np.array([1, 1, 4]),)),
    ):
        ours, theirs = build(nn).double(), build(torch.nn).double()
        ours.load_state_dict(theirs.state_dict())
        a, b = ours(*map(tg.tensor, inputs)), theirs(*map(torch.tensor, inputs))
        np.testing.assert_allclose(a.detach(), b.detach())
        ((a + 1) ** 2).sum().backward(), ((b + 1) ** 2).sum().backward()
        for p, q in zip(ours.parameters(), theirs.parameters()):
            np.testing.assert_allclose(p.grad, q.grad)
    assert nn.Embedding(4, 2, padding_idx=1).weight[1].tolist() == [0, 0]
    for wrong in (4, -1):
        with pytest.raises(IndexError):
            nn.Embedding(4, 2)(tg.tensor([wrong]))


def test_dropout():
    tg.manual_seed(0)
    x = tg.ones(10_000, requires_grad=True)
    layer = nn.Dropout(0.25)
    y = layer(x)
    (g,) = tg.grad(y.sum(), x)
    values = y.detach().numpy()
    assert set(np.unique(values)) == {0.0, np.float32(1 / 0.75)} and 0.73 < np.mean(values > 0) < 0.77
    assert g.tolist() == y.tolist() and layer.eval()(x) is x
    assert F.dropout(x, 1.0).tolist() == [0.0] * 10_000 and F.dropout(x, 0.5, False) is x
    z = x * 1
    assert nn.Dropout(0.5, inplace=True)(z) is z and (z == 0).any()
    for p in (-0.1, 1.5):
        with pytest.raises(ValueError, match=str(p)):
            nn.Dropout(p)


def test_inplace_activations_overwrite_and_differentiate():
    for name in "relu leaky_relu elu selu celu silu mish relu6 hardtanh hardsigmoid hardswish".split():
        x = tg.tensor([-2.0, 0.3, 1.7], requires_grad=True)
        a, y = getattr(F, name)(x), x * 1
        assert getattr(F, name)(y, inplace=True) is y and y.tolist() == a.tolist(), name
        assert tg.grad(y.sum(), x)[0].tolist() == tg.grad(a.sum(), x)[0].tolist(), name
    y = tg.tensor([-1.0, 1.0])
    assert F.relu(y, True) is y and F.leaky_relu(y, 0.1, True) is y and y.tolist() == [0, 1]


def test_softmax_guesses_dim_with_a_warning():
    with pytest.warns(UserWarning, match="dim=1"):
        assert F.softmax(tg.zeros(2, 4)).tolist() == [[0.25] * 4] * 2
    assert F.softmax(tg.zeros(2), 0, dtype=tg.float64).dtype == tg.float64


# ---- initialisation and utilities


@pytest.mark.parametrize(
    ("fill", "std", "bound"),
    [
        (lambda x: nn.init.uniform_(x, -2, 2), 4 / math.sqrt(12), 2), (lambda x: nn.init.normal_(x, 0, 3), 3, None),
        (lambda x: nn.init.xavier_uniform_(x, 2), 2 * math.sqrt(2 / 500), 2 * math.sqrt(6 / 500)),
        (nn.init.xavier_normal_, math.sqrt(2 / 500), None),
        (nn.init.kaiming_uniform_, math.sqrt(2 / 200), math.sqrt(6 / 200)),
        (lambda x: nn.init.kaiming_normal_(x, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / 300), None),
        (nn.init.orthogonal_, 1 / math.sqrt(300), None),
        (lambda x: nn.init.sparse_(x, 0.5, 2.0), 2 / math.sqrt(2), None),
        (nn.init.trunc_normal_, 0.8796, 2),
        (lambda x: nn.init.trunc_normal_(x, 0, 1, -0.1, 0.1), 0.2 / math.sqrt(12), 0.1),
        (nn.init.ones_, 0, 1), (nn.init.zeros_, 0, 0),
    ],
)  # fmt: skip
def test_initial_values(fill, std, bound):
    """Standard deviation and bound as the formulas say (300 outputs, 200 inputs); the tensor itself, unrecorded, is
    returned.
    """
    tg.manual_seed(0)
    x = nn.Parameter(tg.empty(300, 200))
    assert fill(x) is x and x.is_leaf and x.requires_grad
    values = x.numpy(force=True)
    assert values.std() == pytest.approx(std, rel=0.02) and (bound is None or np.abs(values).max() <= bound)
    if std and bound is not None:
        assert np.abs(values).max() > 0.99 * bound
    y = tg.empty(300, 200)
    tg.manual_seed(0)
    assert fill(y).tolist() == x.tolist()


def test_initial_values_of_structure():
    tg.manual_seed(0)
    for shape in ((4, 6), (6, 4), (5, 5)):
        q = nn.init.orthogonal_(tg.empty(shape, dtype=tg.float64), gain=2).numpy()
        small = q @ q.T if shape[0] <= shape[1] else q.T @ q
        np.testing.assert_allclose(small, 4 * np.eye(min(shape)), atol=1e-12)
    corners = {np.sign(nn.init.orthogonal_(tg.empty(2, 2))[0, 0].item()) for _ in range(30)}
    assert corners == {-1.0, 1.0}  # Householder's Q alone would always have the same sign there
    assert nn.init.eye_(tg.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert (nn.init.sparse_(tg.empty(10, 4), 0.3).numpy() == 0).sum(0).tolist() == [3] * 4
    with pytest.warns(UserWarning, match="more than two standard deviations"):
        # the mean by Mills' ratio
        far = nn.init.trunc_normal_(tg.empty(20_000, dtype=tg.float64), a=6.0, b=9.0).numpy()
    assert 6 <= far.min() and far.max() <= 9 and far.mean() == pytest.approx(6.1584, abs=0.005)
    with pytest.raises(ValueError, match="at least two dimensions"):
        nn.init.kaiming_uniform_(tg.empty(3))
    with pytest.raises(ValueError, match="'wave'"):
        nn.init.calculate_gain("wave")


@needs_torch
@pytest.mark.parametrize("kind", ["tanh", "relu", "selu", "linear", "sigmoid", "conv2d", ("leaky_relu", 0.2)])
def test_gain_as_torch(kind):
    kind = kind if isinstance(kind, tuple) else (kind,)
    assert nn.init.calculate_gain(*kind) == pytest.approx(torch.nn.init.calculate_gain(*kind))


@needs_torch
def test_clipping_of_exploded_gradients_warns_of_nothing():
    w = tg.ones(3, requires_grad=True)
    w.grad = tg.tensor([3e30, 4e30, 0.0])  # their squares overflow
    assert nn.utils.clip_grad_norm_([w], 1.0).item() == float("inf") and w.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("max_norm", "norm_type"), [(1.0, 2.0), (0.5, 1.0), (0.7, float("inf")), (1e6, 2.0)])
def test_clipping_as_torch(max_norm, norm_type):
    values = [np.array([3.0, -4.0]), np.array([[1.0], [-2.0]])]
    ours, theirs = [nn.Parameter(tg.tensor(v)) for v in values], [torch.nn.Parameter(torch.tensor(v)) for v in values]
    for p, q, v in zip(ours, theirs, values):
        p.grad, q.grad = tg.tensor(v), torch.tensor(v)
    a, b = (library.nn.utils.clip_grad_norm_(ps, max_norm, norm_type) for library, ps in ((tg, ours), (torch, theirs)))
    assert a.item() == pytest.approx(b.item())
    for p, q in zip(ours, theirs):
        np.testing.assert_allclose(p.grad, q.grad)
    nn.utils.clip_grad_value_(ours, 0.3)
    assert max(np.abs(p.grad.numpy()).max() for p in ours) <= 0.3


def test_parameters_as_vector_and_back():
    m = nn.Linear(2, 3)
    v = nn.utils.parameters_to_vector(m.parameters())
    assert v.shape == (9,) and v.requires_grad
    nn.utils.vector_to_parameters(tg.arange(9.0), m.parameters())
    assert m.weight.tolist() == [[0, 1], [2, 3], [4, 5]] and m.bias.tolist() == [6, 7, 8]
    with pytest.raises(ValueError, match="9 elements.*8"):
        nn.utils.vector_to_parameters(tg.arange(8.0), m.parameters())


def test_training_learns_xor():
    tg.manual_seed(0)
    x, y = tg.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), tg.tensor([0, 1, 1, 0])
    model, loss = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)), nn.CrossEntropyLoss()
    for _ in range(300):
        model.zero_grad()
        loss(model(x), y).backward()
        with tg.no_grad():
            for p in model.parameters():
                p -= 0.5 * p.grad
    assert loss(model(x), y).item() < 0.05
