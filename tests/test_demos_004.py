"""The demos of the course notes 004: the shapes and figures of the course, and steps equal to its formulas."""

import signal

import numpy as np
import pytest
from demo_tools import check_pictures

import tinygrad_edu as tg
from demos import keras_mlp, linear
from demos.__main__ import main

pytestmark = pytest.mark.usefixtures("stand_ins")

# ---- keras-mlp


def test_keras_mlp(capsys, tmp_path):
    assert main(["keras-mlp", "--quick", "--no-progress", "--tips", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "parameters 134,794 (course: 134,794)" in text
    for shape, count in (("(1, 784)", "–"), ("(1, 128)", "100,480"), ("(1, 128)", "16,512"), ("(1, 10)", "1,290")):
        assert any(shape in line and f" {count} " in line for line in text.splitlines()), (shape, count)
    fits = [line.split() for line in text.splitlines() if line.startswith(("first  ", "second  "))]
    assert [row[0] for row in fits] == ["first", "second"] and float(fits[1][1]) < float(fits[0][1])  # it goes on
    table = text.split("tip  ")[1]
    assert all(name in table for name, *_ in keras_mlp.TIPS)
    check_pictures(tmp_path, "keras_mlp_curves.png", "keras_mlp_first_layer.png", "keras_mlp_layers.png")


def test_keras_mlp_learns():
    x, y = keras_mlp.load_mnist().train
    tg.manual_seed(0)
    model = keras_mlp.network()
    history = keras_mlp.learn(model, (x[:1000], y[:1000]), (x[1000:], y[1000:]), epochs=13, progress=False)
    assert history["val_accuracy"][-1] > 0.85
    rates = history["lr"]
    assert max(rates) > 0.9 * keras_mlp.RATE and rates[-1] < 1e-5  # one cycle


def test_stopping_and_perturbing():
    x, y = keras_mlp.load_mnist().train
    seen = []
    model = keras_mlp.network()
    model.register_forward_pre_hook(lambda module, inputs: seen.append((module.training, inputs[0])))
    tg.manual_seed(0)
    data = (x[:128], y[:128])
    keras_mlp.learn(model, data, data, epochs=2, callbacks="perturb", progress=False)
    (_, first), (_, second) = [call for call in seen if call[0]]
    assert first.shape == second.shape == (128, 28, 28) and not np.allclose(first.sum(0), second.sum(0), atol=1e-3)
    assert all(np.allclose(given.sum(0), x[:128].sum(0), atol=1e-3) for training, given in seen if not training)
    history = keras_mlp.learn(model, data, data, 100, ("sgd", {"lr": 0.0}), False, "stop", progress=False)
    assert history.epochs == 11 and "val_accuracy has not improved for 10 epochs" in history.stopped


def test_keras_mlp_after_ctrl_c(monkeypatch, capsys, tmp_path):
    step, calls = tg.optim.Adam.step, []

    def interrupted(optimizer):
        calls.append(None)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return step(optimizer)

    monkeypatch.setattr(tg.optim.Adam, "step", interrupted)
    assert main(["keras-mlp", "--quick", "--no-progress", "--tips", "--out", str(tmp_path)]) == 130
    text = capsys.readouterr().out
    assert "Stopped by Ctrl-C after 0 of 4 epochs" in text and "validation accuracy" in text and "tip " not in text


def test_ctrl_c_in_the_tips(monkeypatch, capsys, tmp_path):
    learn, calls = keras_mlp.learn, []

    def interrupted(*args, **kwargs):
        history = learn(*args, **kwargs)
        calls.append(history)
        history.interrupted = len(calls) == 4
        return history

    monkeypatch.setattr(keras_mlp, "learn", interrupted)
    assert main(["keras-mlp", "--quick", "--no-progress", "--tips", "--out", str(tmp_path)]) == 130
    text = capsys.readouterr().out
    assert "Stopped by Ctrl-C after 1 of 10 tips" in text and "more neurons" in text and "more layers" not in text


# ---- linear


def test_linear(capsys, tmp_path):
    assert main(["linear", "--quick", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "rows of the course's test table 4\n" in text and "-3.3408" in text
    check_pictures(tmp_path, "linear_losses.png", "linear_surfaces.gif")


def test_linear_says_if_its_features_are_wrong(monkeypatch, tmp_path, capsys):
    right = linear.expand
    monkeypatch.setattr(linear, "expand", lambda x: right(x) * tg.tensor([1.0, 1, 1, 1, 2, 1], dtype=x.dtype))
    monkeypatch.setattr(linear, "animation", lambda *args, **kwargs: tg.plots.new_figure(1, 1))
    assert main(["linear", "--out", str(tmp_path)]) == 1
    assert "table 2 (course: 4)" in capsys.readouterr().out


@pytest.mark.parametrize("name", linear.OPTIMIZERS)
def test_the_steps_are_those_of_the_course(name):
    """The course's own lines, in NumPy."""
    x, y = linear.circles(n=100, noise=0.12, factor=0.4, dtype=tg.float64)
    features, y = linear.expand(x), y.double()
    X, Y = features.numpy(), y.numpy()
    batches = np.random.default_rng(1).integers(0, 100, (40, 4))
    losses, weights = linear.train(linear.OPTIMIZERS[name], features, y, batches)

    def probability(rows, w):
        return 1.0 / (1 + np.exp(-np.dot(rows, w)))

    w, nu, G, eta, alpha = np.array([0.0, 0, 0, 0, 0, 1]), np.zeros(6), np.zeros(6), 0.05, 0.9
    for loss, ours, chosen in zip(losses, weights, batches):
        p = probability(X, w)
        assert np.isclose(loss, -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p)), rtol=1e-10)
        assert np.allclose(ours, w, rtol=1e-5, atol=1e-8)
        dw = np.dot(probability(X[chosen], w) - Y[chosen], X[chosen]) / len(chosen)
        if name == "SGD":
            w = w - eta * dw
        elif name == "SGD with momentum":
            nu = alpha * nu + eta * dw
            w = w - nu
        else:
            G = alpha * G + (1 - alpha) * dw**2
            w = w - eta * dw / (np.sqrt(G) + 1e-8)
    assert np.allclose(weights[-1], w, rtol=1e-9, atol=1e-12)
