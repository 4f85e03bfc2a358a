"""Pictures of training: what is drawn, read from the figures themselves, and what is refused."""

import builtins
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, plots

pytest.importorskip("matplotlib")


def lines_of(axes):
    return {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.get_lines()}


def test_curves_are_the_values():
    panels = {"loss": {"training": [4.0, 2.0, 1.0], "test": [5.0, None, 3.0]}, "accuracy": {"test": [0.1, 0.5]}}
    loss, accuracy = plots.curves(panels, [10, 20, 30], "epoch", log=["loss"], title="Two").axes
    lines = lines_of(loss)
    assert lines["training"] == ([10, 20, 30], [4, 2, 1])
    assert np.array_equal(lines["test"][1], [5, np.nan, 3], equal_nan=True)
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    assert lines_of(accuracy)["test"] == ([10, 20], [0.1, 0.5])  # it ends early
    assert lines_of(plots.curves({"y": {"longer": [3, 4, 5]}}, [7, 8]).axes[0])["longer"] == ([1, 2, 3], [3, 4, 5])
    assert loss.get_legend() is not None and accuracy.get_legend() is None
    assert [axes.get_xlabel() for axes in (loss, accuracy)] == ["epoch", "epoch"]
    two = plots.curves({"cost": {"a": [1]}, "gradient": {"a": [1]}}, xlabel=["epoch", "layer"]).axes
    assert [axes.get_xlabel() for axes in two] == ["epoch", "layer"]
    for nothing in ({}, {"loss": {}}):
        with pytest.raises(ValueError, match="no lines"):
            plots.curves(nothing)


@pytest.mark.parametrize("low, high", [(0.2, 0.7), (0.3, 3), (1e-3, 2), (1, 1e5), (1e-12, 1e3)])
def test_logarithmic_axes_have_numbers(low, high, tmp_path):
    figure = plots.curves({"y": {"y": np.geomspace(low, high, 50)}}, log=["y"])
    plots.save(figure, tmp_path / "y.png")
    bottom, top = figure.axes[0].get_ylim()
    texts = [label.get_text().replace("−", "-") for label in figure.axes[0].get_yticklabels()]
    numbers = [float(text) for text in texts if text]
    assert 3 <= sum(bottom <= number <= top for number in numbers) <= 12


def test_surface_and_paths():
    paths = {"SGD": [(2, 1), (1, 0), (0, 0)]}
    figure = plots.surface(lambda x, y: x**2 + 9 * y**2 + 1, (-2, 2), (-1, 1), paths, log=True)
    (axes,) = figure.axes
    assert lines_of(axes)["SGD"] == ([2, 1, 0], [1, 0, 0])
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 2), (-1, 1))
    tensors = plots.surface(lambda x, y: tg.tensor(x) * tg.tensor(y), (-1, 1), (-1, 1))
    assert len(tensors.axes[0].collections) == 2
    with pytest.raises(ValueError, match="must be positive; its least value here is -1"):
        plots.surface(lambda x, y: x, (-1, 1), (0, 1), log=True)
    with pytest.raises(ValueError, match=r"one number for each point, an array of shape \(120, 120\); it gave \(\)"):
        plots.surface(lambda x, y: x.sum(), (-1, 1), (0, 1))


POINTS, CLASSES = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [2.0, 0.0]]), np.array([0, 1, 0, 2])


def test_boundary_of_two_classes():
    figure = plots.boundary(lambda p: 1 / (1 + np.exp(-4 * (p[:, 0] - 0.5))), POINTS, CLASSES > 0, "T", steps=50)
    axes = figure.axes[0]
    shades = axes.get_images()[0].get_array()
    assert shades.shape == (50, 50) and (np.diff(shades, axis=1) > 0).all()  # grows to the right
    assert [path.get_offsets().tolist() for path in axes.collections[-2:]] == [
        [[0, 0], [0, 1]], [[1, 1], [2, 0]],
    ]  # fmt: skip
    assert figure.axes[1].get_ylabel() == "probability of class 1"


def test_boundary_of_more_classes_and_into_given_axes():
    def predict(p):
        scores = np.exp(-np.square(p[:, None] - np.array([[0, 0], [1, 1], [2, 0]])).sum(-1))
        return tg.tensor(scores / scores.sum(1, keepdims=True))

    axes = plots.new_figure(3, 3).subplots()
    assert plots.boundary(predict, tg.tensor(POINTS), tg.tensor(CLASSES), steps=40, axes=axes) is axes.figure
    colors = axes.get_images()[0].get_array()
    assert colors.shape == (40, 40, 3) and 0 <= colors.min() < colors.max() <= 1
    corner = np.array(axes.collections[-3].get_facecolor()[0][:3])  # of class 0, whose region is at the bottom left
    assert np.abs(colors[0, 0] - (0.5 + 0.5 * corner)).max() < 0.15
    for bad in (POINTS[0], POINTS[:, :1], POINTS[:2]):
        with pytest.raises(ValueError, match="points must be"):
            plots.boundary(predict, bad, CLASSES)
    with pytest.raises(ValueError, match="predict must give 1600 probabilities"):
        plots.boundary(lambda p: p.sum(), POINTS, CLASSES, steps=40)


def test_confusion_counts():
    truth, predicted = tg.tensor([0, 0, 1, 2, 2, 2]), tg.tensor([0, 1, 1, 2, 2, 0])
    (axes,) = plots.confusion(truth, predicted, ["cat", "dog", "cow"]).axes
    assert {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in axes.texts} == {
        (0, 0): "1", (0, 1): "1", (1, 1): "1", (2, 2): "2", (2, 0): "1",
    }  # fmt: skip
    assert np.allclose(axes.get_images()[0].get_array()[2], [1 / 3, 0, 2 / 3])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog", "cow"]
    with pytest.raises(ValueError, match="take argmax"):
        plots.confusion(truth, np.zeros((6, 3)))
    with pytest.raises(ValueError, match="3 classes, and names of 2"):
        plots.confusion(truth, predicted, ["cat", "dog"])


def test_images():
    pictures = np.linspace(-1, 1, 5 * 4).reshape(5, 2, 2)
    figure = plots.images(pictures, titles=list("abcde"), title="All", columns=4, signed=True)
    drawn = [axes for axes in figure.axes if axes.get_images()]
    assert [axes.get_title() for axes in drawn[:5]] == list("abcde")
    assert all((axes.get_images()[0].get_array() == picture).all() for axes, picture in zip(drawn, pictures))
    low, high = drawn[0].get_images()[0].get_clim()
    assert low == -high == -np.quantile(np.abs(pictures), 0.995)
    assert plots.images(tg.rand(2, 4, 4, 3)).axes[0].get_images()[0].get_array().shape == (4, 4, 3)
    assert np.allclose(plots.images(np.zeros((3, 8, 8)), columns=8).get_size_inches(), [4, 1.4])  # room for a title
    assert np.allclose(plots.images(np.zeros((1, 8, 8)), width=2).get_size_inches(), [4, 2.4])
    wide = plots.images(np.zeros((3, 4, 8)), titles=list("abc"), columns=2, width=3)
    assert np.allclose(wide.get_size_inches(), [6, 2 * (1.5 + 0.35) + 0.4])
    with pytest.raises(ValueError, match=r"shape \(10, 784\) is neither.*reshape"):
        plots.images(np.zeros((10, 784)))


def test_gradient_norms():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    norms = plots.GradientNorms(model)
    with pytest.raises(ValueError, match="nothing was noted"):
        norms.figure()
    model[1](tg.ones(4, 3)).sum().backward()
    norms.note()
    model(tg.ones(4, 2)).sum().backward()
    norms.note()
    assert norms.names == ["0.weight", "0.bias", "1.weight", "1.bias"]
    first, second = norms.history
    assert np.isnan(first[:2]).all() and first[2:] == [4.0, 4.0]  # of 4 ones each
    assert second[3] == 8.0 and np.isclose(second[0], np.sqrt(np.mean(model[0].weight.grad.numpy() ** 2)))
    axes = norms.figure().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == norms.names
    assert np.allclose(axes.get_images()[0].get_array()[2:, 0], np.log10(4.0))
    assert len(norms.figure(most=3).axes[0].get_yticklabels()) == 2  # the two weights
    with pytest.raises(ValueError, match="ReLU has no parameters"):
        plots.GradientNorms(nn.ReLU())


def test_save_makes_folders_and_formats(tmp_path):
    figure = plots.curves({"loss": {"training": [3, 2, 1]}})
    assert plots.save(figure, tmp_path / "new" / "a.png") == str(tmp_path / "new" / "a.png")
    assert (tmp_path / "new" / "a.png").read_bytes().startswith(b"\x89PNG")
    plots.save(figure, tmp_path / "a.svg")
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()


def test_a_failure_leaves_the_old_file(monkeypatch, tmp_path):
    path = tmp_path / "x.svg"
    path.write_bytes(b"old")

    def full(source, target):
        assert b"</svg>" in Path(source).read_bytes() and path.read_bytes() == b"old"
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space"):
        plots.save(plots.curves({"loss": {"training": [3, 2, 1]}}), path)
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["x.svg"]


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"tinygrad-edu\[plots\]"):
        plots.new_figure(1, 1)


# ---- animations


def shades(count):
    for number in range(count):
        figure = plots.new_figure(2, 1)
        figure.subplots().imshow([[number]], vmin=0, vmax=count, cmap="gray")
        yield figure


def test_an_animation_shows_its_figures_in_order(tmp_path):
    image = pytest.importorskip("PIL.Image")
    path = plots.Animation(shades(3), seconds=0.2, pause=1, dpi=50).save(tmp_path / "new" / "shades.gif")
    with image.open(path) as gif:
        assert gif.n_frames == 3 and gif.size == (100, 50) and gif.info["loop"] == 0
        found = []
        for frame in range(3):
            gif.seek(frame)
            found.append((gif.convert("L").getpixel((50, 20)), gif.info["duration"]))
    assert [time for _, time in found] == [200, 200, 1000]
    assert np.allclose([shade for shade, _ in found], [0, 85, 170], atol=3)


def test_what_an_animation_refuses(tmp_path):
    pytest.importorskip("PIL")
    with pytest.raises(ValueError, match=r"must end in \.gif"):
        plots.Animation(shades(2)).save(tmp_path / "x.mp4")
    with pytest.raises(ValueError, match="no figures"):
        plots.Animation([]).save(tmp_path / "x.gif")
    assert not list(tmp_path.iterdir())
