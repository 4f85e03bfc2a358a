"""Every strategy of check.strategies gives only what it promises, and all of that."""

import copy
import re

import numpy as np
import pytest

pytest.importorskip("hypothesis")

import hypothesis.strategies as st  # noqa: E402
from hypothesis import HealthCheck, Phase, find, given, settings  # noqa: E402

import tinygrad_edu as tg  # noqa: E402
from tinygrad_edu import nn  # noqa: E402
from tinygrad_edu.check import strategies  # noqa: E402
from tinygrad_edu.check.choices import INDEX_KINDS  # noqa: E402
from tinygrad_edu.check.operands import APART, LAYOUTS, domain_of, entry_of, suits  # noqa: E402
from tinygrad_edu.check.strategies.arrays import random_numbers, simple_numbers  # noqa: E402
from tinygrad_edu.check.strategies.modules import ACCEPTS, ANYTHING  # noqa: E402
from tinygrad_edu.define import OPS  # noqa: E402

SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)
many = settings(max_examples=60)


# ---- shapes


@given(strategies.shapes(max_dims=2, max_side=3))
def test_shapes(shape):
    assert len(shape) <= 2 and all(0 <= size <= 3 for size in shape)


@many
@given(st.data(), st.integers(1, 4))
def test_broadcastable_shapes(data, number):
    found = data.draw(strategies.broadcastable_shapes(number))
    assert len(found) == number
    np.broadcast_shapes(*found)


@many
@given(st.data(), SHAPES)
def test_axes(data, shape):
    x = np.zeros(shape)
    axis = data.draw(strategies.axis(shape))
    assert -max(len(shape), 1) <= axis < max(len(shape), 1)
    x.sum(axis if shape else None)
    several = data.draw(strategies.several_axes(shape))
    assert isinstance(several, tuple) and bool(several) == bool(shape)
    x.sum(several)  # NumPy refuses axes that do not exist, and the same one twice


def test_axes_of_every_kind():
    kinds = set()

    @settings(max_examples=100, database=None)
    @given(strategies.axes(3))
    def draw(axes):
        kinds.add(type(axes))
        for axis in axes if isinstance(axes, tuple) else (axes,):
            kinds.add("negative" if axis is not None and axis < 0 else "other")

    draw()
    assert kinds == {int, tuple, type(None), "negative", "other"}
    with pytest.raises(ValueError, match="leaves nothing to draw"):
        strategies.axes(3, one=False, several=False, none=False)


# ---- indices


@settings(max_examples=300)
@given(st.data(), SHAPES)
def test_indices_are_valid(data, shape):
    """NumPy and the library take them, with the same result; only empty tensors have empty parts."""
    x = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    index = data.draw(strategies.indices(shape))
    part = x[index]
    assert part.size or not x.size
    np.testing.assert_array_equal(tg.tensor(x)[index].numpy(), integers_first(x, index))


def integers_first(x, index):
    """x[index] as in PyTorch, where integers have been applied before arrays decide where their dimensions go."""
    items = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(item, np.ndarray) for item in items):
        return x[index]
    first = []
    for item in items:
        if item is Ellipsis or isinstance(item, int):
            first.append(item)
        elif item is not None:
            first += [slice(None)] * (item.ndim if isinstance(item, np.ndarray) and item.dtype == bool else 1)
    return x[tuple(first)][tuple([item for item in items if not isinstance(item, int)])]


def kinds_of(index):
    """What an index is made of: names of INDEX_KINDS, and what is particular about it."""
    for item in index if isinstance(index, tuple) else (index,):
        if item is None or item is Ellipsis:
            yield "none" if item is None else "ellipsis"
        elif isinstance(item, slice):
            yield "slice"
            yield f"slice step {'negative' if (item.step or 1) < 0 else 'more' if (item.step or 1) > 1 else 'one'}"
        elif isinstance(item, np.ndarray):
            yield "mask" if item.dtype == bool else "array"
            yield f"{'mask' if item.dtype == bool else 'array'} of {item.ndim} dimensions"
        else:
            yield "int"
            yield "negative" if item < 0 else "int"


def test_indices_of_every_kind():
    found = set()

    @settings(max_examples=400, database=None, derandomize=True)
    @given(strategies.indices((2, 3, 2)))
    def draw(index):
        kinds = sorted(kinds_of(index))
        found.update(kinds)
        found.add("mixed" if "array" in kinds and "slice" in kinds else "")

    draw()
    assert set(INDEX_KINDS) | {"negative", "mixed", "array of 2 dimensions", "mask of 2 dimensions"} <= found
    assert {"slice step negative", "slice step more", "slice step one"} <= found


@given(strategies.indices((2, 3), kinds=("int", "slice")))
def test_indices_of_some_kinds(index):
    assert {kind.split()[0] for kind in kinds_of(index)} <= {"int", "slice", "negative"}


def test_unknown_kind_of_index():
    with pytest.raises(ValueError, match="kinds of indices are .* not float"):
        strategies.indices((2,), kinds=("float",))


# ---- arrays and tensors


@many
@given(st.data())
def test_dtypes_and_layouts(data):
    assert data.draw(strategies.dtypes("fib")).kind in "fiub"
    assert data.draw(strategies.layouts()) in LAYOUTS
    assert data.draw(strategies.layouts(repeated=False)) != "repeated"


def distances_hold(values, domain, away_from, ties):
    values = np.sort(np.ravel(values).astype(float))
    assert (values >= domain[0]).all() and (values <= domain[1]).all()
    for point in away_from:
        assert (np.abs(values - point) >= APART - 1e-6).all()
    if not ties and values.size > 1:
        room = 0.5 * (domain[1] - domain[0] - 2 * APART * len(away_from)) / values.size
        assert np.diff(values).min() >= min(APART, 0.5 * room) - 1e-6


@settings(max_examples=200)
@given(
    st.data(), strategies.shapes(max_side=5), strategies.dtypes(), st.none() | strategies.layouts(),
    st.sampled_from([(-3.0, 3.0), (0.1, 3.0), (-0.9, 0.9)]), st.sampled_from([(), (0.0,), (-1.0, 0.5, 1.0)]),
    st.booleans(),
)  # fmt: skip
def test_values_keep_their_distance(data, shape, dtype, layout, domain, away_from, ties):
    x = data.draw(strategies.arrays(shape, dtype, layout, domain, away_from, ties))
    assert x.shape == shape and x.dtype == dtype
    distances_hold(x, domain, away_from, ties)


@given(st.data(), strategies.shapes(), strategies.dtypes("ib"))
def test_integers_and_booleans(data, shape, dtype):
    x = data.draw(strategies.arrays(shape, dtype, domain=(-3, 3)))
    assert x.shape == shape and x.dtype == dtype
    assert dtype.kind == "b" or not x.size or (x.astype(int).min() >= (0 if dtype.kind == "u" else -3) and x.max() <= 3)


@given(st.data())
def test_layouts_of_arrays(data):
    """Every layout is what its name says, but for single elements and where equal rows are not allowed."""
    layout = data.draw(strategies.layouts())
    x = data.draw(strategies.arrays((3, 2), layout=layout, ties=True))
    strides = {
        "contiguous": (16, 8), "transposed": (8, 24), "step 2": (32, 16), "reversed": (-16, -8), "repeated": (0, 8),
    }  # fmt: skip
    assert x.strides == strides[layout]
    assert data.draw(strategies.arrays((3, 2), layout="repeated", ties=False)).strides == (16, 8)


@given(st.data(), st.booleans())
def test_tensors(data, requires_grad):
    x = data.draw(strategies.tensors((2, 2), requires_grad=requires_grad, away_from=(0.0,)))
    assert isinstance(x, tg.Tensor) and x.requires_grad == requires_grad and (x.detach().abs().numpy() >= APART).all()
    indices = data.draw(strategies.tensors(dtype=strategies.dtypes("i"), requires_grad=True))
    assert not indices.requires_grad


def test_no_room():
    with pytest.raises(ValueError, match="has no room"):
        random_numbers(3, (0.0, 0.05), (0.02,), True, np.random.default_rng(0))


def test_shrinks_to_simple_values():
    settings_ = settings(max_examples=2000, database=None, phases=(Phase.generate, Phase.shrink), derandomize=True)
    x = find(strategies.arrays(ties=True), lambda x: x.size >= 3 and (x > 0.3).any(), settings=settings_)
    assert sorted(x.ravel()) == [0, 0, 1], x
    x = find(strategies.arrays(away_from=(0.0,)), lambda x: x.size >= 2, settings=settings_)
    assert sorted(x.ravel()) == [-1, 1], x
    assert simple_numbers((-3.0, 3.0))[:5] == [0, 1, -1, 2, -2]
    assert find(strategies.indices((2, 3)), lambda index: True, settings=settings_) == 0


# ---- matrices


@settings(max_examples=150)
@given(
    st.data(), st.sampled_from(["well conditioned", "positive definite", "orthogonal", "distinct singular values"]),
    st.integers(1, 5), st.integers(1, 5), st.sampled_from([(), (2,), (2, 1), (0,)]), st.floats(1.5, 1e4),
)  # fmt: skip
def test_matrices(data, kind, rows, columns, batch, condition):
    if kind == "positive definite":
        columns = rows
    x = data.draw(strategies.matrices(kind, rows, columns, batch, condition))
    assert x.shape == (*batch, rows, columns)
    for matrix in x.reshape(-1, rows, columns):
        values = np.linalg.svd(matrix, compute_uv=False)
        assert values[0] <= condition * values[-1] * (1 + 1e-9)
        if kind == "orthogonal":
            np.testing.assert_allclose(values, 1, rtol=1e-12)
        if kind == "positive definite":
            np.testing.assert_array_equal(matrix, matrix.T)
            assert np.linalg.eigvalsh(matrix)[0] > 0
        if kind in ("positive definite", "distinct singular values"):
            assert (values[:-1] / values[1:] >= condition ** (0.5 / len(values))).all() or len(values) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "round"}, "kinds of matrices"),
        ({"condition": 0.5}, "at least 1"),
        ({"kind": "positive definite", "rows": 2, "columns": 3}, "is square"),
    ],
)
def test_matrices_that_do_not_exist(arguments, message):
    with pytest.raises(ValueError, match=message):
        find(strategies.matrices(**arguments), lambda x: True, settings=settings(database=None))


# ---- operands


@pytest.mark.parametrize("name", [entry.name for entry in OPS.values() if entry.differentiable and not entry.random])
@given(st.data())
def test_operands_suit(name, data):
    """Values are within the domain of the operation, and away from what it avoids."""
    arrays, _ = data.draw(strategies.operands(name, any_layout=True))
    entry = entry_of(name)
    matrices = any(isinstance(domain_of(entry, number), str) for number in range(max(len(entry.operands), 1)))
    given_ones = any(isinstance(x, np.ndarray) for operands, _ in entry.samples for x in operands)
    crowded = sum(x.size for x in arrays if isinstance(x, np.ndarray)) > 60
    assert matrices or given_ones or crowded or suits(entry, arrays)


def test_operands_of_the_unknown():
    entry = copy.copy(OPS["softmax"])
    entry.samples = ()
    with pytest.raises(ValueError, match="nothing says what fits it"):
        find(strategies.operands(entry), lambda x: True, settings=settings(database=None))


# ---- modules

MODULES = [
    "nn.Linear(3, 2)", "nn.Bilinear(2, 3, 2)", "nn.Conv1d(2, 4, 3)",
    "nn.Conv2d(2, 4, (2, 3), stride=2, padding=1, groups=2)",
    "nn.Conv2d(1, 2, 3, padding='same')", "nn.Conv1d(1, 2, 3, padding=2, padding_mode='reflect')",
    "nn.Conv3d(1, 2, 2, dilation=2)",
    "nn.ConvTranspose1d(2, 3, 2, stride=2)", "nn.ConvTranspose2d(2, 3, 3, padding=1)", "nn.RNN(3, 2)",
    "nn.LSTM(3, 2, num_layers=2, bidirectional=True)",
    "nn.GRU(3, 2, batch_first=True)", "nn.LSTMCell(3, 2)", "nn.GRUCell(3, 2)", "nn.RNNCell(3, 2)", "nn.BatchNorm1d(3)",
    "nn.BatchNorm2d(3)",
    "nn.BatchNorm3d(2)", "nn.InstanceNorm1d(2)", "nn.InstanceNorm2d(2)", "nn.LayerNorm((2, 3))", "nn.RMSNorm(3)",
    "nn.GroupNorm(2, 4)",
    "nn.LocalResponseNorm(2)", "nn.Embedding(5, 3)", "nn.Embedding(5, 3, padding_idx=0)", "nn.EmbeddingBag(5, 3)",
    "nn.MultiheadAttention(4, 2)",
    "nn.MultiheadAttention(4, 2, kdim=3, vdim=5, batch_first=True)", "nn.TransformerEncoderLayer(4, 2, 8)",
    "nn.TransformerDecoderLayer(4, 2, 8, batch_first=True)", "nn.Transformer(4, 2, 1, 1, 8)", "nn.MaxPool2d(2)",
    "nn.AvgPool1d(3, padding=1)",
    "nn.AdaptiveAvgPool2d(2)", "nn.ReflectionPad1d(2)", "nn.ZeroPad2d((1, 0, 2, 1))", "nn.Softmax(dim=1)", "nn.ReLU()",
    "nn.Flatten()",
    "nn.Sequential()", "nn.Sequential(nn.ReLU(), nn.Tanh())",
    "nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))",
    "nn.Sequential(nn.Flatten(), nn.Linear(6, 2))",
    "nn.Sequential(nn.ReLU(), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2))",
    "nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3))",
    "nn.Sequential(nn.Embedding(4, 3), nn.Linear(3, 2))", "nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))",
    "nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.Softmax(dim=-1))",
]  # fmt: skip


@pytest.mark.parametrize("text", MODULES)
@given(st.data())
def test_modules_accept_their_inputs(text, data):
    """In training, where normalisation needs several values, and the state of the module is not touched."""
    module = eval(text, {"nn": nn}).double()
    before = {name: np.array(x.numpy()) for name, x in module.state_dict().items()}
    inputs = data.draw(strategies.module_inputs(module, requires_grad=True))
    for name, x in module.state_dict().items():
        np.testing.assert_array_equal(x.numpy(), before[name])
    module(*inputs)
    assert all(x.requires_grad == (x.dtype.kind == "f") for x in inputs)


def test_every_known_module_is_tried():
    """One of each family at least; of activations, pooling and padding, which all are the same here, a few."""
    tried = {family(type(eval(text, {"nn": nn}))) for text in MODULES}
    alike = {kind.__name__ for kind in ANYTHING} | {"LogSoftmax", "Softmin", "TransformerEncoder", "TransformerDecoder"}
    known = {family(kind) for kind in ACCEPTS if kind.__name__ not in alike}
    assert not {name for name in known - tried if not name.endswith(("Pool", "Pad"))}


def family(kind):
    """The name without 1d, 2d or 3d."""
    return re.sub("[123]d$", "", kind.__name__)


class Own(nn.Module):
    def forward(self, x):
        return x


@pytest.mark.parametrize("module", [Own(), nn.Sequential(Own())])
def test_unknown_module(module):
    with pytest.raises(TypeError, match="nothing says what Own accepts"):
        find(strategies.module_inputs(module), lambda x: True, settings=settings(database=None))


def test_module_that_nothing_fits():
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 5))
    with pytest.raises(TypeError, match="found no input that this Sequential accepts"):
        find(strategies.module_inputs(module), lambda x: True, settings=settings(database=None))


def test_own_module_is_taught(monkeypatch):
    monkeypatch.setitem(ACCEPTS, Own, lambda draw, module: ((2, 3),))
    (x,) = find(strategies.module_inputs(Own()), lambda x: True, settings=settings(database=None))
    assert x.shape == (2, 3)


# ---- needs hypothesis, and nothing else


def test_flags():
    suppress = settings(database=None, suppress_health_check=list(HealthCheck))
    assert any(find(strategies.tensors_or_arrays(2), lambda flags: True, settings=suppress))
