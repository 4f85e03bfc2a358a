"""The demos of the course notes 003: that they run, and that they compute what the notes' formulas say."""


import numpy as np
import pytest
from demo_tools import check_pictures

import tinygrad_edu as tg
from demos import columns, mnist_cnn, mnist_mlp
from demos.__main__ import main
from tinygrad_edu.nn import functional as F

pytestmark = pytest.mark.usefixtures("stand_ins")

PICTURES = {
    "mnist-mlp": ["mnist_mlp_accuracy.png", "mnist_mlp_weights.png"],
    "mnist-cnn": ["mnist_cnn_confusion.png", "mnist_cnn_distributions.png", "mnist_cnn_mistakes.png"],
    "columns": ["columns_accuracy.png", "columns_images.png"],
}


@pytest.mark.parametrize("name", PICTURES)
def test_it_runs(name, capsys, tmp_path):
    assert main([name, "--quick", "--no-progress", "--out", str(tmp_path)]) == 0
    check_pictures(tmp_path, *PICTURES[name])
    text = capsys.readouterr().out
    assert "stand in for MNIST" in text
    if name == "mnist-cnn":  # the ten probabilities of one image, beside the one-hot label of a nine
        rows = [line.split() for line in text.split("one-hot  network")[1].splitlines()[1:11]]
        assert [row[:2] for row in rows] == [[str(digit), str(int(digit == 9))] for digit in range(10)]
        assert sum(float(row[2]) for row in rows) == pytest.approx(1, abs=1e-3)
    if name == "columns":
        assert "ensemble of the last 4" in text


def test_softmax_regression_is_the_formula():
    tg.manual_seed(0)
    model, x, y = mnist_mlp.softmax_regression(), tg.rand(7, 28, 28), tg.randint(0, 10, (7,))
    w, b = [p.detach().numpy() for p in model.parameters()]
    powers = np.exp(x.numpy().reshape(7, 784) @ w.T + b)
    estimated = powers / powers.sum(1, keepdims=True)
    one_hot = np.eye(10)[y.numpy()]
    expected = -(one_hot * np.log(estimated + 1e-10)).sum() / 7  # the notes' formula, as a mean
    assert F.cross_entropy(model(x), y).item() == pytest.approx(expected, rel=1e-5)


def test_shapes_of_the_networks():
    x = tg.zeros(2, 28, 28)
    assert mnist_mlp.perceptron()(x).shape == columns.perceptron()(x).shape == (2, 10)
    assert mnist_cnn.network()(x.unsqueeze(1)).shape == (2, 10)


def test_distributions_are_drawn_as_they_are():
    probabilities = np.full((2, 10), 0.02)
    probabilities[:, 9] = 0.82
    figure = mnist_cnn.distributions(np.zeros((2, 28, 28)), np.array([9, 4]), probabilities)
    left, right = figure.axes[2:]
    assert left.get_title() == "a 4"
    one_hot, network = [[bar.get_height() for bar in bars] for bars in right.containers]
    assert one_hot == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0] and network == probabilities[1].tolist()


def test_dropconnect_drops_weights():
    tg.manual_seed(0)
    layer = columns.DropConnect(1000, 3, p=0.2)
    x = tg.eye(1000)  # the outputs are the weights
    weight, bias = [p.detach().numpy() for p in layer.parameters()]
    ratios = ((layer(x).detach().numpy() - bias) / weight.T).round(2)
    assert set(ratios.ravel().tolist()) == {0.0, 1.25} and ratios.mean() == pytest.approx(1, abs=0.03)
    assert (ratios[:, 0] != ratios[:, 1]).any()  # not whole inputs, as dropout would
    layer.eval()
    assert np.allclose(layer(x).detach().numpy(), weight.T + bias)


@pytest.mark.parametrize("left, width", [(2, 5), (11, 6), (4, 20)])
def test_digits_are_stretched(left, width):
    x = tg.zeros(1, 28, 28)
    x[:, 4:24, left : left + width] = 1.0
    changed = columns.stretched(x, 10).numpy()[0]
    assert np.allclose(changed[:, 11:17], x.numpy()[0, :, left : left + 1], atol=1e-5)  # rows stay as they are
    assert changed[12, 9:19].min() >= 0.5 >= changed[12, :9].max() and np.allclose(changed, changed[:, ::-1], atol=1e-5)


def test_the_ensemble_is_the_mean_of_the_columns():
    labels = tg.tensor([0, 1])
    first, second = tg.tensor([[0.9, 0.1], [0.6, 0.4]]), tg.tensor([[0.3, 0.7], [0.1, 0.9]])
    assert columns.percent(first, labels) == "50.00 %" and columns.percent(first + second, labels) == "100.00 %"
