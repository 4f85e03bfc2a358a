"""The demo `style`: its losses against plain NumPy, what an image becomes by each of them, and what Ctrl-C leaves."""

import demo_tools  # noqa: F401 - it skips these tests if a package is missing
import numpy as np
import pytest

import tinygrad_edu as tg
from demos import style
from demos.__main__ import main
from demos.painting import network, strokes, transfer

pytestmark = pytest.mark.usefixtures("stand_ins")


def picture(seed, height=32, width=40):
    """A smooth picture (1, 3, height, width) in float64."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 8
    waves = [np.sin(a * x + b * y + c) for a, b, c in random.uniform(-2, 2, (3, 3))]
    return tg.tensor(np.stack(waves)[None] * 0.4 + 0.5)


def features_of(seed=0):
    """A network in float64, ready for use."""
    tg.manual_seed(seed)
    model = network.Network(5).double()
    for _ in range(3):
        model(tg.cat([picture(0), picture(1)]))
    return model.eval().requires_grad_(False)


class Bar:
    count = 0

    def update(self):
        self.count += 1


# ---- losses


def test_gram():
    f = np.random.default_rng(0).standard_normal((1, 4, 3, 5))
    expected = [[np.mean(f[0, i] * f[0, j]) for j in range(4)] for i in range(4)]
    assert np.allclose(transfer.gram(tg.tensor(f)), expected, rtol=1e-12)
    moved = np.random.default_rng(1).permutation(f.reshape(4, 15), axis=1).reshape(f.shape)
    assert np.allclose(transfer.gram(tg.tensor(moved)), expected, rtol=1e-12)  # where things are does not matter


def test_losses_are_their_formulas():
    model, x, content, look = features_of(), picture(2), picture(0), picture(1)
    losses = transfer.Losses(model, content, look)(x)
    found, wanted, styled = [[f.numpy() for f in model.features(image)] for image in (x, content, look)]
    f, p = found[transfer.CONTENT_LAYER], wanted[transfer.CONTENT_LAYER]
    assert losses["content"].item() == pytest.approx(np.sum((f - p) ** 2) / np.sum(p**2))
    terms = []
    for f, a in zip(found, styled):
        g, a = [np.einsum("bihw,bjhw->ij", v, v) / v[0, 0].size for v in (f, a)]
        terms.append(np.sum((g - a) ** 2) / np.sum(a**2))
    assert len(terms) == 5 and losses["style"].item() == pytest.approx(np.mean(terms))
    down, right = [np.diff(x.numpy(), axis=axis) for axis in (2, 3)]
    assert losses["variation"].item() == pytest.approx(np.mean(down**2) + np.mean(right**2))


def test_losses_are_zero_at_their_own_images():
    model, content, look = features_of(), picture(0), picture(1)
    losses = transfer.Losses(model, content, look)
    assert losses(content)["content"].item() == 0 < losses(look)["content"].item()
    assert losses(look)["style"].item() == 0 < losses(content)["style"].item()
    assert losses(tg.full_like(content, 0.3))["variation"].item() == 0


def test_gradients_of_the_pixels():
    losses = transfer.Losses(features_of(), picture(0), picture(1))
    way = tg.tensor(np.random.default_rng(0).standard_normal((1, 3, 32, 40)))
    for name in ("content", "style", "variation"):
        x = picture(2).requires_grad_()
        losses(x)[name].backward()
        with tg.no_grad():
            ahead, behind = [losses(x + step * way)[name].item() for step in (1e-5, -1e-5)]
        assert (x.grad * way).sum().item() == pytest.approx((ahead - behind) / 2e-5, rel=1e-5), name


# ---- painting


def painted(weights, start, evaluations=25, stages=(1, 5, 10)):
    """(a painting of picture 0 in the style of picture 1, its losses)."""
    losses, bar = transfer.Losses(features_of(), picture(0), picture(1)), Bar()
    painting = transfer.paint(losses, weights, start, evaluations, stages, bar)
    assert painting.finished and abs(len(painting.history) - evaluations) <= 2 and bar.count == len(painting.history)
    assert 0 <= painting.image.min() and painting.image.max() <= 1 and not painting.image.requires_grad
    totals = [sum(weights[name] * found[name] for name in weights) for found in painting.history]
    final = losses(painting.image)
    assert sum(weights[name] * final[name].item() for name in weights) == pytest.approx(min(totals))  # the best one
    assert sorted(painting.stages) == list(stages)
    of_stages = [losses(image) for image in painting.stages.values()]
    kept = [sum(weights[name] * found[name].item() for name in weights) for found in of_stages]
    assert kept == pytest.approx([min(totals[:count]) for count in stages])
    return painting, {name: loss.item() for name, loss in final.items()}


NOISE = 0.5 + 0.1 * tg.randn(1, 3, 32, 40, dtype=tg.float64, generator=tg.Generator().manual_seed(0))


def test_content_alone_brings_the_picture_back():
    painting, final = painted({"content": 1}, NOISE)
    assert final["content"] < 0.1 * painting.history[0]["content"]
    before, after = [(image - picture(0)).square().mean().item() for image in (NOISE, painting.image)]
    assert after < 0.2 * before


def test_content_alone_keeps_the_picture():
    painting, final = painted({"content": 1}, picture(0))
    assert final["content"] < 1e-6 and abs(painting.image - picture(0)).max() < 0.02


def test_style_alone_is_no_copy():
    painting, final = painted({"style": 1}, NOISE)
    assert final["style"] < 0.02 * painting.history[0]["style"] and final["content"] > 0.1
    assert (painting.image - picture(1)).square().mean() > 0.02
    means = painting.image.mean((2, 3)), picture(1).mean((2, 3))
    assert abs(means[0] - means[1]).max() < 0.05  # its colours


def test_both_are_between_the_two():
    only_content, only_style = painted({"content": 1}, picture(0))[1], painted({"style": 1}, picture(0))[1]
    both = painted({"content": 0.1, "style": 1}, picture(0))[1]
    assert only_content["content"] < both["content"] < only_style["content"]
    assert only_style["style"] < both["style"] < only_content["style"]
    smooth = painted({"content": 0.1, "style": 1, "variation": 10}, picture(0))[1]
    assert smooth["variation"] < both["variation"]


def test_the_best_image_is_kept():
    calls = []

    def losses(image):  # nothing is as good as the first image
        calls.append(image.detach())
        return {"content": (image - 0.9).square().sum() + (0 if len(calls) == 1 else 1e6)}

    painting = transfer.paint(losses, {"content": 1}, NOISE, 6, (1, 4), Bar())
    assert len(calls) > 3 and (calls[3] != calls[0]).any()
    assert all((image == calls[0]).all() for image in (painting.image, *painting.stages.values()))


# ---- the network


def test_features():
    x = picture(0).requires_grad_()
    features = features_of().features(x)
    assert [tuple(f.shape[1:]) for f in features] == [(3, 32, 40), (16, 32, 40), (32, 16, 20), (64, 8, 10), (64, 4, 5)]
    assert features[0] is x and all((f >= 0).all() for f in features[1:])
    large = picture(0, 96, 96).requires_grad_()
    features_of().features(large)[-1][0, :, 6, 6].sum().backward()
    rows, columns = np.nonzero(large.grad[0].abs().sum(0).numpy())
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == 38  # what the demo says that it sees at once


class Midday:
    """A random generator in whose light nothing changes."""

    def __init__(self):
        self.integers = np.random.default_rng(0).integers

    def uniform(self, low, high, size):
        return np.full(size, (low + high) / 2)


def test_parts_and_their_places():
    y, x = np.mgrid[:128, :256]
    images = np.stack([np.stack([y, x, np.full_like(x, image)]) for image in (10, 11)]).astype(float)
    found, places = network.parts(images, 400, Midday())
    assert found.shape == (400, 3, 32, 32) and set(places.tolist()) == set(range(2 * 3 * 4))
    found = found.numpy()
    top, left = found[:, 0, 0, 0], found[:, 1, 0, 0]
    assert (found[:, 0, 31, 31] - top == 31).all() and (found[:, 1, 31, 31] - left == 31).all()
    expected = (found[:, 2, 0, 0] - 10) * 12 + (top * 3 // 96) * 4 + left * 4 // 224
    assert (places.numpy() == expected).all()
    lit = [network.parts(images, 50, np.random.default_rng(seed))[0] for seed in (1, 1, 2)]
    assert (lit[0] == lit[1]).all() and not (lit[0] == lit[2]).any()


def test_it_learns_places():
    images = np.random.default_rng(0).uniform(size=(2, 3, 3, 4)).repeat(40, 2).repeat(40, 3)  # each place a colour
    tg.manual_seed(0)
    learnt, other = network.Network(24), network.Network(24)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    right = network.learn(learnt, images, range(20), np.random.default_rng(0))
    assert len(right) == 20 and np.mean(right[-5:]) > 0.5 > 3 * np.mean(right[:5])
    network.learn_nothing(other, images, 3, np.random.default_rng(0))
    for name, value in other.state_dict().items():
        assert (value == before[name]).all() != ("running" in name or "tracked" in name), name


# ---- strokes


def test_strokes():
    painted, again, other = [strokes.strokes(80, 120, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert painted.shape == (80, 120, 3) and (painted == again).all() and not (painted == other).all()
    assert painted.min() >= strokes.PALETTE.min() and painted.max() <= strokes.PALETTE.max()
    random = np.random.default_rng(0)
    down, right = strokes.directions(80, 120, random)
    assert np.allclose(down**2 + right**2, 1, atol=1e-6)
    y, x = np.mgrid[10:70, 10:110]
    turning = np.gradient(down, axis=1) - np.gradient(right, axis=0)
    spreading = np.gradient(down, axis=0) + np.gradient(right, axis=1)
    assert abs(turning).mean() > 1.5 * abs(spreading).mean()  # swirls
    d, r = 4 * down[y, x], 4 * right[y, x]
    along, across = [painted[(y + i).round().astype(int), (x + j).round().astype(int)] for i, j in ((d, r), (r, -d))]
    assert 2 * ((along - painted[y, x]) ** 2).mean() < ((across - painted[y, x]) ** 2).mean()


def test_blurred():
    image = np.zeros((9, 9))
    image[0, 4] = 25
    expected = np.zeros((9, 9))
    expected[[7, 8, 0, 1, 2], 2:7] = 1
    assert np.allclose(strokes.blurred(image), expected)


# ---- Ctrl-C


@pytest.mark.parametrize("stops_at, kept", [(1, 0), (3, 1), (8, 2)])
def test_ctrl_c_keeps_the_picture_reached(monkeypatch, capsys, tmp_path, stops_at, kept):
    evaluate, calls, drawn = transfer.paint, [], []

    def paint(losses, *others):
        def counted(image):
            calls.append(None)
            if len(calls) == stops_at:
                raise KeyboardInterrupt
            return losses(image)

        return evaluate(counted, *others)

    monkeypatch.setattr(style, "paint", paint)
    monkeypatch.setattr(style, "load", lambda random: {"temple": PHOTO, "flower": 1 - PHOTO, "strokes": PHOTO**2})
    monkeypatch.setattr(style, "two_networks", lambda *_: [features_of().float(), features_of(1).float()])
    # pictures take long to save
    monkeypatch.setattr(style.Report, "picture", lambda report, figure, name: drawn.append(name))
    assert main(["style", "--quick", "--no-progress", "--out", str(tmp_path)]) == 130
    text = capsys.readouterr().out
    assert f"Stopped by Ctrl-C after {max(kept - 1, 0)} of 8 pictures" in text
    assert text.count("temple as") == kept and len(drawn) == (3 if kept else 0)


PHOTO = picture(3, 48, 72).float()
