"""The table of a model's layers."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import OperationError


def mlp():
    hidden = [nn.Linear(784, 128), nn.Linear(128, 128), nn.Linear(128, 128)]
    layers = [layer for linear in hidden for layer in (linear, nn.ReLU(), nn.Dropout(0.5))]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(128, 10))


def test_the_network_of_the_course():
    """Dense 128, three times, with dropout, on 28 × 28 images: 134,794 parameters."""
    table = tg.summary(mlp(), (1, 28, 28))
    assert (table.parameters, table.trainable, table.fixed) == (134_794, 134_794, 0)
    assert [row.parameters for row in table.rows if row.kind == "Linear"] == [100_480, 16_512, 16_512, 1_290]
    assert table.multiply_adds == 784 * 128 + 2 * 128 * 128 + 1280
    assert (table.bytes_of_inputs, table.bytes_of_results) == (4 * 784, 4 * (6 * 128 + 10))
    lines = str(table).splitlines()
    assert lines[0].split() == ["Layer", "(type)", "Output", "shape", "Parameters", "Multiply-adds"]
    assert lines[5].split() == ["1", "(Linear)", "(1,", "128)", "100,480", "100,352"]
    assert "Parameters: 134,794 (526.5 KiB)" in lines and "  not trainable: 0" in lines


def test_nothing_changes():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.Dropout(0.5)).eval())
    before = {name: np.array(value) for name, value in model.state_dict().items()}
    state = tg.get_rng_state().tolist()
    tg.summary(model, (5, 3))
    assert all((np.asarray(value) == before[name]).all() for name, value in model.state_dict().items())
    assert tg.get_rng_state().tolist() == state
    assert [m.training for m in model.modules()] == [True, True, True, False, False]
    assert all(p.grad is None for p in model.parameters()) and not model._calls  # no graph, no call noted for it
    with pytest.raises(OperationError, match="linear"):
        tg.summary(model, (5, 4))
    assert model.training and tg.is_grad_enabled()


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out, self.idle = nn.Embedding(7, 3), nn.Linear(3, 7, bias=False), nn.Linear(2, 2)
        self.out.weight = self.embed.weight
        self.idle.requires_grad_(False)

    def forward(self, x):
        return self.out(self.out(self.embed(x)) @ tg.ones(7, 3))


def test_shared_frozen_unused_and_repeated():
    table = tg.summary(Tied(), tg.tensor([[1, 2]]))
    assert (table.parameters, table.trainable, table.fixed) == (21 + 6, 21, 6)
    rows = {row.name: row for row in table.rows}
    assert rows["out"].shared and rows["out"].parameters == 0 and rows["out"].calls == 2
    assert rows["out"].multiply_adds == 2 * 2 * 21 and rows[""].multiply_adds == 2 * 21
    assert rows["idle"].shape == "" and rows["idle"].calls == rows["idle"].trainable == 0
    text = str(table)
    assert "out (Linear) × 2" in text and " shared " in text


@pytest.mark.parametrize("depth", [0, 1, 2, 3, None])
def test_each_depth_adds_up(depth):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.Sequential(layer, nn.Sequential(layer, nn.Linear(8, 2)))
    table = tg.summary(model, (2, 5, 8), depth=depth)
    assert sum(row.parameters for row in table.rows) == table.parameters == sum(p.numel() for p in model.parameters())
    assert sum(row.multiply_adds for row in table.rows) == table.multiply_adds > 0
    assert max(row.level for row in table.rows) == (3 if depth is None else depth)


def test_inputs_and_results_of_any_kind():
    table = tg.summary(nn.LSTM(3, 4), np.zeros((5, 2, 3), np.float32))
    assert table.rows[0].shape == "(5, 2, 4), (1, 2, 4), (1, 2, 4)"
    without = tg.summary(mlp())
    assert without.multiply_adds is None and "Output" not in str(without) and "134,794" in str(without)
    assert [line for line in str(without).splitlines() if "(ReLU)" in line][0].split() == ["2", "(ReLU)", "–"]


def test_mistakes():
    with pytest.raises(TypeError, match=r"must be an nn.Module, not Tensor.*summary\(model, x\)"):
        tg.summary(tg.ones(3), nn.Linear(3, 2))
    with pytest.raises(ValueError, match="depth must be"):
        tg.summary(mlp(), depth=-1)
