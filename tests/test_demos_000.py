"""The demos of the course notes 000: that they run, and that they compute what the notes' formulas say."""


import numpy as np
import pytest
from demo_tools import check_pictures

import tinygrad_edu as tg
from demos import augment, cat_deep, cat_logistic, fingers, optimizers, planar, regularize
from demos.__main__ import main
from tinygrad_edu import nn

pytestmark = pytest.mark.usefixtures("stand_ins")

PICTURES = {
    "cat-logistic": ["cat_logistic_cost.png", "cat_logistic_mistakes.png", "cat_logistic_weights.png"],
    "cat-deep": ["cat_deep_cost.png", "cat_deep_mistakes.png"],
    "planar": ["planar_boundaries.png", "planar_costs.png"],
    "regularize": ["regularize_costs.png"],
    "fingers": ["fingers_confusion.png", "fingers_curves.png", "fingers_mistakes.png"],
    "augment": ["augment_accuracy.png", "augment_changes.png"],
    "optimizers": ["optimizers_costs.png", "optimizers_ways.gif", "optimizers_ways.png"],
}


@pytest.mark.parametrize("name", PICTURES)
def test_it_runs(name, capsys, tmp_path):
    assert main([name, "--quick", "--no-progress", "--out", str(tmp_path)]) == 0
    check_pictures(tmp_path, *PICTURES[name])
    assert "stand in for" in capsys.readouterr().out or name in ("planar", "optimizers")


def cats_like():
    """30 "images" of 12 numbers as rows, and labels that a line separates almost."""
    random = np.random.default_rng(0)
    x = random.random((30, 12))
    return x, (x[:, :1] + 0.1 * random.standard_normal((30, 1)) > 0.5) * 1.0


def σ(z):
    return 1 / (1 + np.exp(-z))


def test_logistic_regression_is_the_formula():
    x, y = cats_like()
    model = nn.Linear(12, 1, dtype=tg.float64)
    w, b = model.weight.detach().numpy().T.copy(), model.bias.detach().numpy().copy()
    costs = cat_logistic.train(model, tg.tensor(x), tg.tensor(y), 0.5, 20)
    for cost in costs:
        a = σ(x @ w + b)
        assert cost == pytest.approx(-np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)), rel=1e-12)
        w, b = w - 0.5 * x.T @ (a - y) / 30, b - 0.5 * np.mean(a - y)
    assert np.allclose(model.weight.detach().numpy(), w.T, rtol=1e-12)
    right = cat_logistic.judged_rightly(model, tg.tensor(x), tg.tensor(y))
    assert (right == ((σ(x @ w + b) > 0.5) == y)[:, 0]).all() and right.mean() > 0.7


def test_the_deep_network_is_the_formula():
    x, y = cats_like()
    model = cat_deep.network((12, 5, 3, 1), seed=1)
    random = np.random.RandomState(1)  # the course's first weights
    w = [random.randn(b, a) / np.sqrt(a) for a, b in ((12, 5), (5, 3), (3, 1))]
    bias = [np.zeros((n, 1)) for n in (5, 3, 1)]
    costs = cat_logistic.train(model, tg.tensor(x), tg.tensor(y), 0.1, 10)
    for cost in costs:
        a = [x.T]  # columns are images, as in the course
        for i in range(3):
            z = w[i] @ a[-1] + bias[i]
            a.append(np.maximum(z, 0) if i < 2 else σ(z))
        assert cost == pytest.approx(-np.mean(y.T * np.log(a[3]) + (1 - y.T) * np.log(1 - a[3])), rel=1e-12)
        dz = (a[3] - y.T) / 30
        for i in (2, 1, 0):
            before = (w[i].T @ dz) * (a[i] > 0)
            w[i], bias[i] = w[i] - 0.1 * dz @ a[i].T, bias[i] - 0.1 * dz.sum(1, keepdims=True)
            dz = before
    assert np.allclose(model[0].weight.detach().numpy(), w[0], rtol=1e-10)


def test_costs_that_are_not_the_courses_are_counted(capsys):
    class Noted:
        def table(self, header, rows):
            self.rows = rows

        def compare(self, name, ours, course, **kwargs):
            self.compared = ours, course

    noted = Noted()
    costs = [0.5] * 4 + [0.3 + 3e-6] + [0.5] * 3 + [0.2 + 4e-7]
    cat_logistic.compare_costs(noted, costs, (0.5, 0.3, 0.2, 0.1), every=4)
    assert noted.compared == (2, 4) and noted.rows[1] == [4, "0.300003", "0.300000"]


def test_planar_wide_layers_separate_what_narrow_ones_cannot():
    x, y = planar.SETS["circles"]()
    costs = {}
    for width in (1, 4):
        tg.manual_seed(0)
        costs[width] = planar.descend(planar.network(width, 2), x, y, 400)
    assert costs[1][-1] > 0.5 and costs[4][-1] < 0.1


def test_the_l2_penalty_adds_its_gradient():
    x, y = [tg.tensor(array) for array in cats_like()]
    gradients = []
    for λ in (0, 0.7):
        model = cat_deep.network((12, 5, 1))
        nn.init.ones_(model[0].bias)
        regularize.cost_of(model, x, y, λ).backward()
        gradients.append([p.grad.numpy() for p in model.parameters()])
    for p, without, penalized in zip(model.parameters(), *gradients):
        added = 0.7 / 30 * p.detach().numpy() if p.ndim == 2 else 0  # λ/m · W, nothing for biases
        assert np.allclose(penalized - without, added, rtol=1e-10, atol=1e-15)


def test_dropout_is_inverted():
    tg.manual_seed(0)
    dropped = nn.Dropout(0.2)(tg.ones(100_000)).numpy()
    assert set(np.round(dropped, 6).tolist()) == {0.0, 1.25} and dropped.mean() == pytest.approx(1, abs=0.01)


def test_mini_batches():
    x = tg.arange(300).reshape(300, 1)
    batches = optimizers.mini_batches(x, x[:, 0] * 2, 64)
    assert [len(part) for part, _ in batches] == [64, 64, 64, 64, 44]
    joined = np.concatenate([part.numpy()[:, 0] for part, _ in batches])
    assert sorted(joined) == list(range(300)) and list(joined) != list(range(300))
    assert all((2 * part[:, 0] == labels).all() for part, labels in batches)


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_optimizers_are_the_formulas(name, monkeypatch):
    x, y = optimizers.moons(60, dtype=tg.float64)
    costs, _, difference = optimizers.learn(name, x, y, 16, 4)
    assert difference < 1e-14 and costs[-1] < costs[0]
    formula = optimizers.FORMULAS[name]
    monkeypatch.setitem(optimizers.FORMULAS, name, lambda w, *rest: formula(w + 1e-9, *rest))
    assert optimizers.learn(name, x, y, 16, 1)[2] > 1e-10  # it would be seen


def test_the_ways_on_the_valley():
    ways = {name: optimizers.way(name, 40) for name in optimizers.OPTIMIZERS}
    crossings = {name: int((np.diff(np.sign(points[:, 1])) != 0).sum()) for name, points in ways.items()}
    assert crossings["gradient descent"] == 40 and max(n for k, n in crossings.items() if k != "gradient descent") < 20
    assert all(optimizers.valley(*points[-1]) < 0.5 for points in ways.values())


def test_the_network_for_fingers():
    model = fingers.network()
    assert model(tg.zeros(2, 3, 64, 64)).shape == (2, 10)
    assert sum(p.numel() for p in model.parameters()) == 33_946


def test_a_few_of_each_class():
    y = tg.tensor([int(digit) for digit in "3012345678999000111222333444555666777888"])
    x = tg.arange(len(y))
    chosen, labels = augment.few(x, y, 3)
    assert labels.tolist() == [digit for digit in range(10) for _ in range(3)]
    assert chosen.tolist()[9:12] == [0, 4, 22] and (y[chosen] == labels).all()


def test_each_change_changes_every_photograph_by_its_own_draw():
    tg.manual_seed(0)
    x = tg.rand(1, 16, 16, 3)
    same = tg.cat([x] * 6)
    for name, change in augment.changes(augment.augment.color_axes(same)).items():
        changed = change(same).numpy()
        different = len({image.tobytes() for image in changed})
        assert changed.shape == same.shape and different == (2 if name == "mirror" else 6)
        assert (change(same).numpy() != changed).any()  # nor are two batches changed alike


@pytest.mark.parametrize("name", ["cat-logistic", "cat-deep"])
def test_ctrl_c_keeps_what_was_learnt(name, monkeypatch, capsys, tmp_path):
    step, calls = tg.optim.SGD.step, []

    def interrupted(optimizer):
        calls.append(None)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return step(optimizer)

    monkeypatch.setattr(tg.optim.SGD, "step", interrupted)
    assert main([name, "--quick", "--no-progress", "--out", str(tmp_path)]) == 130
    assert "Stopped by Ctrl-C after 5 of 101 steps" in capsys.readouterr().out
    check_pictures(tmp_path, *PICTURES[name])


@pytest.mark.parametrize("name, optimizer, steps", [("regularize", tg.optim.SGD, 60), ("augment", tg.optim.Adam, 6)])
def test_ctrl_c_keeps_the_networks_that_are_done(name, optimizer, steps, monkeypatch, capsys, tmp_path):
    step, calls = optimizer.step, []

    def interrupted(self):
        calls.append(None)
        if len(calls) > most:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(optimizer, "step", interrupted)
    most = steps  # more than one network takes
    assert main([name, "--quick", "--no-progress", "--out", str(tmp_path)]) == 130
    assert "Stopped by Ctrl-C after 1 of" in capsys.readouterr().out
    check_pictures(tmp_path, *PICTURES[name])
    calls.clear()
    most = 1  # nothing is done
    assert main([name, "--quick", "--no-progress", "--out", str(tmp_path)]) == 130
