"""The demos of the course notes 002: each runs, and what it computes is what the course's formulas say."""


import numpy as np
import pytest
from demo_tools import check_pictures

import tinygrad_edu as tg
from demos import averages, decay, ensemble, normalize, quadratic, softmax, splits
from demos.__main__ import main
from tinygrad_edu import optim
from tinygrad_edu.data import Standardize, moons

pytestmark = pytest.mark.usefixtures("stand_ins")

PICTURES = {
    "quadratic": ["quadratic_graph.svg", "quadratic_curves.png"],
    "averages": ["averages_year.png", "averages_bias.png"],
    "decay": ["decay.png"],
    "softmax": ["softmax_digits.png", "softmax_borders.png"],
    "splits": ["splits_regions.png"],
    "early-stopping": ["early_stopping_costs.png", "early_stopping_regions.png"],
    "ensemble": ["ensemble.png"],
    "normalize": ["normalize_bowls.png", "normalize_costs.png"],
}


@pytest.mark.parametrize("name", PICTURES)
def test_quickly(name, capsys, tmp_path):
    assert main([name, "--quick", "--no-progress", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    check_pictures(tmp_path, *PICTURES[name])


# ---- quadratic


def test_quadratic(capsys, tmp_path):
    assert main(["quadratic", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "w with fixed coefficients 5.000000" in text and "w with fed coefficients 5.000000" in text
    formula = 5 * (1 - 0.98 ** np.arange(1002))
    x = tg.tensor(quadratic.COEFFICIENTS, dtype=tg.float64)
    for cost in (quadratic.fixed, lambda w: quadratic.fed(w, x)):
        assert np.allclose(quadratic.descend(cost, quadratic.variable(), 1001), formula, rtol=0, atol=1e-12)
    rows = [line.split() for line in text.splitlines() if line.strip().startswith("1,001")]
    assert rows[0][1:] == ["4.99999999", "4.99999999", "9.99979897", "4.99999999"]


def test_quadratic_says_if_w_is_elsewhere(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(quadratic.descend, "__defaults__", (0.001,))
    assert main(["quadratic", "--out", str(tmp_path)]) == 1
    assert "Not as good" in capsys.readouterr().out


# ---- averages


def test_averages(capsys, tmp_path):
    assert np.allclose(averages.weighted_averages([40, 49, 45], 0.9), [4, 8.5, 12.15], rtol=1e-15)
    assert main(["averages", "--out", str(tmp_path)]) == 0
    assert "equal to the course's 3 (course: 3)" in capsys.readouterr().out
    values = np.random.default_rng(0).standard_normal(50)
    for beta in averages.BETAS:
        weights = [(1 - beta) * beta ** np.arange(t)[::-1] for t in range(1, 51)]  # each V is a sum of all values
        plain = [w @ values[: len(w)] for w in weights]
        assert np.allclose(averages.weighted_averages(values, beta), plain, rtol=1e-12)
        corrected = [w @ values[: len(w)] / w.sum() for w in weights]  # weights whose sum is 1
        assert np.allclose(averages.weighted_averages(values, beta, True), corrected, rtol=1e-10)
    assert np.allclose(averages.weighted_averages([7] * 9, 0.98, True), 7, rtol=1e-14)


# ---- decay


def test_the_rules_of_decay():
    rates = {name: [rule(epoch) / decay.RATE for epoch in range(40)] for name, rule in decay.RULES.items()}
    epochs = np.arange(40)
    assert np.allclose(rates["1 / (1 + decay_rate · epoch)"], 1 / (1 + 0.1 * epochs), rtol=1e-15)
    assert np.allclose(rates["0.95^epoch"], 0.95**epochs, rtol=1e-15)
    assert np.allclose(rates["k / √epoch"], 1 / np.sqrt(epochs + 1), rtol=1e-15)
    assert set(rates["constant"]) == {1} and sorted(set(rates["by hand"])) == [0.1, 0.3, 1]


def test_decay_uses_its_rule():
    x, y = moons(n=40)
    history = decay.learn(decay.RULES["0.95^epoch"], (x, y.float()), 3, seed=0)
    assert np.allclose(history["lr"], [0.5, 0.475, 0.45125])


# ---- softmax


def test_softmax_and_hardmax():
    z = tg.tensor(np.random.default_rng(0).standard_normal((6, 4)), requires_grad=True)
    y = tg.tensor(np.eye(4)[[0, 3, 1, 1, 2, 0]])
    t = np.exp(z.detach().numpy())
    assert np.allclose(softmax.softmax(z).detach(), t / t.sum(1, keepdims=True), rtol=1e-13)
    softmax.cost(z, y).backward()
    assert np.allclose(z.grad, (softmax.softmax(z.detach()) - y) / 6, rtol=1e-10, atol=1e-15)
    assert (softmax.hardmax(tg.tensor([[1.0, 3, 2], [5, 5, 0]])).numpy() == [[0, 1, 0], [1, 0, 0]]).all()
    assert np.isfinite(softmax.softmax(tg.tensor([[1000.0, 0]])).numpy()).all()
    two = softmax.softmax(tg.tensor([[0.7, 0.0]], dtype=tg.float64))[0, 0].item()
    assert np.isclose(two, 1 / (1 + np.exp(-0.7)), rtol=1e-14)  # with two classes it is logistic regression


def test_softmax_reads_digits():
    data = softmax.load_digits()
    model, costs = softmax.learn(data.train_x.flatten(1), data.train_y, 10, 300, 1.0)
    assert np.isclose(costs[0], np.log(10), rtol=1e-6)
    assert softmax.accuracy(model, data.test_x.flatten(1), data.test_y) > 0.96


# ---- splits


def test_diagnosis():
    for training, dev, course in splits.EXAMPLES:
        assert splits.diagnosis(training, dev) == course
    assert splits.diagnosis(15, 16, human_error=14) == "low bias and low variance"
    assert {splits.diagnosis(a, b) for a in (0, 20) for b in (a, a + 20)} == set(splits.ADVICE)


@pytest.mark.timeout(120)
def test_networks_are_judged_as_they_are(capsys, tmp_path):
    assert main(["splits", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out.split("network  ")[1]
    found = [next(kind for kind in sorted(splits.ADVICE, key=len, reverse=True) if kind in line)
             for line in text.splitlines() if "[" in line]  # fmt: skip
    assert found == ["high bias", "high variance", "high bias and high variance", "low bias and low variance"]
    useless = next(line.split("]")[1].split() for line in text.splitlines() if "useless" in line)
    assert float(useless[0]) < 20 and float(useless[2]) > 50  # noise explains the points that it was fitted to


# ---- early stopping, ensemble, normalize


def test_early_stopping(capsys, tmp_path):
    assert main(["early-stopping", "--no-progress", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if line.startswith(("all epochs", "early stopping"))]
    (*_, full_train, full_dev, full_test, _), (*_, train, dev, test, _) = [row[-5:] for row in rows]
    assert float(test) < float(full_test) / 3 and float(dev) < float(full_dev) and float(train) > float(full_train)
    assert f"the best was {dev}" in text  # the weights of that epoch


def test_the_mean_of_networks_is_better():
    data = ensemble.load_digits()
    x, y = data.train_x[:200], data.train_y[:200]
    found = [ensemble.learn((x, y), data.test_x, 10, 10, seed)[0] for seed in range(3)]
    assert all(ensemble.accuracy(p, data.test_y) > 85 for p in found)
    costs = [tg.nn.functional.nll_loss(p.log(), data.test_y).item() for p in (*found, sum(found) / 3)]
    assert costs[3] < np.mean(costs[:3])  # never larger, since −log is convex
    snapshots = ensemble.learn((x, y), data.test_x, 9, 3, 0)
    assert len(snapshots) == 3 and not np.allclose(snapshots[0], snapshots[1])
    assert np.allclose(sum(snapshots).sum(1).numpy() / 3, 1, atol=1e-5)


def test_the_learning_rate_of_snapshots_restarts(monkeypatch):
    rates, step = [], optim.Adam.step
    monkeypatch.setattr(optim.Adam, "step", lambda self: (rates.append(self.param_groups[0]["lr"]), step(self))[1])
    data = ensemble.load_digits()
    ensemble.learn((data.train_x[:32], data.train_y[:32]), data.test_x[:5], 4, 2, 0)
    assert np.allclose(rates, [0.01, 0.005, 0.01, 0.005])


def test_normalized_inputs_are_learnt_faster(capsys):
    x, y = normalize.data(0)
    standardized = Standardize().fit(x)(x)
    steps = []
    for inputs in (x, standardized):
        curvatures, best, lowest = normalize.bowl(inputs, y)
        assert np.isclose(normalize.cost(inputs, y, tg.tensor(best)).item(), lowest, rtol=1e-10)
        hessian = tg.autograd.functional.hessian(lambda w: normalize.cost(inputs, y, w), tg.tensor(best))
        assert np.allclose(np.linalg.eigvalsh(hessian), curvatures, rtol=1e-8)
        path = normalize.descend(inputs, y, 1 / curvatures[-1], lowest, 5000)
        assert normalize.cost(inputs, y, tg.tensor(path[-1])).item() < 1.01 * lowest
        steps.append(len(path) - 1)
    assert steps[1] < 20 < steps[0] / 10
