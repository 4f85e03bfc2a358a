"""The demo detect: canvases, what cells and windows say, suppression and average precision against plain loops."""

import signal

import numpy as np
import pytest
from demo_tools import check_pictures

import tinygrad_edu as tg
from demos import detect
from demos.__main__ import main
from demos.detection import cells, windows
from demos.detection.canvases import INK, MARGIN, Canvases, scatter
from demos.detection.found import Found, average_precision, figures, hits
from tinygrad_edu import nn, optim, plots, train
from tinygrad_edu.data import load_mnist

pytestmark = pytest.mark.usefixtures("stand_ins")


@pytest.fixture(scope="module")
def digits():
    with pytest.MonkeyPatch.context() as patch:  # `stand_ins` lasts for one test only
        patch.delenv("TINYGRAD_EDU_DATA", raising=False)
        patch.setenv("XDG_CACHE_HOME", "/no/such/folder")
        return load_mnist()


@pytest.fixture(scope="module")
def canvases(digits):
    return scatter(*digits.train, 40, **detect.SEVERAL)


# ---- canvases


def test_the_same_seed_gives_the_same_canvases(digits):
    a, b, c = [scatter(*digits.test, 5, **detect.SEVERAL, seed=seed) for seed in (3, 3, 4)]
    assert (a.pixels == b.pixels).all() and not (a.pixels == c.pixels).all()
    assert [x.tolist() for x in a.boxes + a.labels] == [x.tolist() for x in b.boxes + b.labels]
    first = a.first(2)
    assert len(a) == 5 and len(first) == len(first.boxes) == len(first.labels) == 2


def test_a_digit_is_drawn_in_its_box(digits):
    images, labels = digits.test
    one = scatter(images[7:8], labels[7:8], 6, 40, digits=(1,), sides=(28, 28))
    ink = np.argwhere(images[7].numpy() > INK)
    (top, left), (bottom, right) = ink.min(0), ink.max(0) + 1
    drawing = images[7, top:bottom, left:right].numpy()
    for pixels, boxes, names in zip(one.pixels.numpy(), one.boxes, one.labels):
        x1, y1, x2, y2 = boxes[0].int().tolist()
        assert (pixels[0, y1:y2, x1:x2] == drawing).all() and pixels.sum() == drawing.sum()
        assert names.tolist() == [labels[7].item()]
    assert len({tuple(boxes[0].tolist()) for boxes in one.boxes}) > 1


def test_digits_hardly_overlap(canvases):
    sizes, counts = set(), set()
    for pixels, boxes, labels in zip(canvases.pixels.numpy(), canvases.boxes, canvases.labels):
        covered = np.zeros((64, 64), int)
        for x1, y1, x2, y2 in boxes.numpy().astype(int):
            assert 0 <= x1 < x2 <= 64 and 0 <= y1 < y2 <= 64
            covered[y1:y2, x1:x2] += 1
            sizes.add(max(x2 - x1, y2 - y1))
        assert (pixels[0][covered == 0] == 0).all() and 0.9 < pixels.max() <= 1 and len(boxes) == len(labels)
        for i, a in enumerate(boxes.numpy()):
            for b in boxes.numpy()[:i]:
                assert (np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).min() <= MARGIN
        counts.add(len(labels))
    assert min(sizes) < 22 and max(sizes) > 30 and counts >= {2, 3, 4, 5}


def test_empty_canvases_and_full_ones(digits):
    empty = scatter(*digits.train, 3, 40, digits=(0,))
    assert not empty.pixels.numpy().any() and [tuple(boxes.shape) for boxes in empty.boxes] == [(0, 4)] * 3
    full = scatter(*digits.train, 1, 40, digits=(50,), sides=(40, 40))
    assert 1 <= len(full.labels[0]) < 10


# ---- cells


def test_targets_are_decoded_to_what_is_there(canvases):
    target = cells.targets(canvases, 8)
    assert target.shape == (40, 8, 8, 6) and target[..., 0].sum() == sum(map(len, canvases.labels))
    p, place, size = target[..., :1], target[..., 1:3], target[..., 3:5]
    perfect = [40 * p - 20, -(1 / place.clamp(1e-6, 1 - 1e-6) - 1).log(), size.clamp(min=1e-6).log()]
    told = cells.decoded(tg.cat([*perfect, 40 * tg.eye(10)[target[..., 5].long()]], -1), 8)
    for one, boxes, labels in zip(told, canvases.boxes, canvases.labels):
        one = one.above(0.5)
        order = [abs(boxes - box).sum(1).argmin().item() for box in one.boxes]
        assert sorted(order) == list(range(len(boxes))) and np.allclose(one.boxes, boxes[order], atol=1e-3)
        assert (one.labels == labels[order]).all() and one.scores.min() > 0.999
    mean, precision, recall = figures([one.above() for one in told], canvases, 0.5)
    assert mean == precision == recall == 1


def test_the_loss_is_the_formula(canvases):
    target = cells.targets(canvases.first(2), 8)
    output = tg.randn(2, 8, 8, 15, generator=tg.Generator().manual_seed(0), requires_grad=True)
    total, count = 0.0, 0
    for o, t in zip(output.detach().numpy().reshape(-1, 15), target.numpy().reshape(-1, 6)):
        p = 1 / (1 + np.exp(-o[0]))
        total -= np.log(p if t[0] else 1 - p)
        if t[0]:
            count += 1
            bx, by = 1 / (1 + np.exp(-o[1:3]))
            total += 3 * ((bx - t[1]) ** 2 + (by - t[2]) ** 2 + ((o[3:5] - np.log(t[3:5])) ** 2).sum())
            total -= o[5 + int(t[5])] - np.log(np.exp(o[5:]).sum())
    loss = cells.loss(output, target)
    loss.backward()
    assert np.isclose(loss.item(), total / count, rtol=1e-5)
    empty = target[..., 0] == 0
    assert not output.grad[empty][:, 1:].numpy().any() and output.grad[empty][:, 0].numpy().all()
    nothing = cells.loss(output, tg.zeros_like(target))  # canvases without digits
    assert np.isclose(nothing.item(), np.log1p(np.exp(output[..., 0].detach().numpy())).sum(), rtol=1e-5)


@pytest.mark.parametrize("make, cell, kind", [
    (cells.localizer, 40, detect.ONE), (cells.detector, 8, detect.SEVERAL),
])  # fmt: skip
def test_it_learns_a_few_canvases_by_heart(make, cell, kind, digits):
    tg.manual_seed(0)
    few, model = scatter(*digits.train, 6, **kind, seed=1), make()
    target, optimizer = cells.targets(few, cell), optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        cells.loss(model(few.pixels), target).backward()
        optimizer.step()
    told = [one.suppressed() for one in cells.decoded(train.predict(model, few.pixels), cell)]
    mean, precision, recall = figures(told, few, 0.5)
    assert mean > 0.95 and precision > 0.9 and recall > 0.9


# ---- windows


def test_one_convolution_gives_what_all_windows_give():
    tg.manual_seed(0)
    model, images = windows.network(), tg.rand(2, 1, 36, 44)
    alone, together = windows.one_by_one(model, images), windows.together(model, images)
    assert alone.shape == together.shape == (2, 11, 3, 5) and np.allclose(alone, together, atol=1e-6)
    crop = images[1:, :, 8:36, 12:40]  # row 2, column 3
    assert np.allclose(model(crop).detach().flatten(), together[1, :, 2, 3], atol=1e-6)


def test_training_crops(canvases, monkeypatch):
    monkeypatch.setattr(windows, "REACHES", (0,))
    x, y = windows.crops(canvases, 0)
    count = sum(map(len, canvases.labels))
    assert x.shape == (2 * count, 1, 28, 28) and y.shape == (2 * count, 1, 1)
    labels, boxes = tg.cat(canvases.labels).numpy(), tg.cat(canvases.boxes).numpy()
    longer = np.maximum(*(boxes[:, 2:] - boxes[:, :2]).T)
    for zoom, named in zip(windows.ZOOMS, np.split(y.numpy().ravel(), 2)):
        fits = (windows.LEAST <= longer * zoom) & (longer * zoom <= windows.MOST)
        assert (named[fits] == labels[fits]).all() and 0.2 < fits.mean() < 0.9
        assert (named[~fits] != labels[~fits]).mean() > 0.95  # another digit is seldom as near
    padded = np.pad(canvases.pixels[0, 0].numpy(), 14)
    x1, y1, x2, y2 = boxes[0]
    left, top = [int(round(float(middle))) for middle in ((x1 + x2) / 2, (y1 + y2) / 2)]  # 14 more, and 14 less
    assert (x[0, 0].numpy() == padded[top : top + 28, left : left + 28]).all()

    monkeypatch.undo()
    named = windows.crops(canvases, 0)[1].numpy()
    assert 0.2 < (named < windows.BACKGROUND).mean() < 0.6


class Blob(nn.Module):
    """Says that a window holds a 3 if its middle is dark."""

    def forward(self, x):
        dark = x[:, :, 12:-12, 12:-12].unfold(2, 4, 4).unfold(3, 4, 4).mean((-1, -2))  # (N, 1, rows, columns)
        scores = [20 * (2 * dark - 1) if k == 3 else tg.zeros_like(dark) for k in range(11)]
        return tg.cat(scores, 1)


def test_windows_say_where_a_digit_is():
    pixels = tg.zeros(2, 1, 64, 64)
    pixels[0, :, 26:34, 42:50] = 1  # its middle is (46, 30)
    pixels[1, :, 0:6, 0:6] = 1
    sides = np.array([[0.5, 1.0]] * 10)
    told = windows.search(Blob(), sides, pixels)
    one, other = [one.above(0.9) for one in told]
    assert len(told[0]) == 17 * 17 + 12 * 12 and set(one.labels.tolist()) == {3}
    for x1, y1, x2, y2 in one.boxes.tolist():
        assert abs((x1 + x2) / 2 - 46) <= 4 and abs((y1 + y2) / 2 - 30) <= 4
        assert np.isclose(2 * (x2 - x1), y2 - y1)
    assert {round(y2 - y1, 1) for _, y1, _, y2 in one.boxes.tolist()} == {19.0, 24.3}  # 24.3 is 19 · 23 / 18
    assert len(other) and (abs(other.boxes.numpy()[:, :2] + other.boxes.numpy()[:, 2:]) / 2 <= 5).all()
    heat = windows.heat(Blob(), pixels)
    assert [tuple(part.shape) for part in heat] == [(2, 17, 17), (2, 12, 12)]
    row, column = divmod(heat[0][0].argmax().item(), 17)
    assert (4 * column, 4 * row) in {(44, 28), (48, 28), (44, 32), (48, 32)}


def test_usual_sides():
    boxes = [tg.tensor([[3.0, 0, 7, 8], [0, 0, 5, 20]]), tg.tensor([[1.0, 1, 21, 11]])]
    boxes += [tg.tensor([[0.0, 0, 6, 9]] * 8)]
    labels = [tg.tensor([0, 1]), tg.tensor([0]), tg.arange(2, 10)]
    sides = windows.usual_sides(Canvases(None, boxes, labels))
    assert np.allclose(sides, [[0.75, 0.75], [0.25, 1]] + [[2 / 3, 1]] * 8)


# ---- what was found


def found(*rows):
    """Found of rows (left, top, right, bottom, score, digit)."""
    boxes, scores, labels = np.split(np.array(rows, np.float32).reshape(-1, 6), [4, 5], 1)
    return Found(tg.tensor(boxes), tg.tensor(scores[:, 0]), tg.tensor(labels[:, 0].astype(np.int64)))


SQUARE, HALF = (0, 0, 10, 10), (0, 0, 10, 5)  # their IoU is 0.5


def test_suppression_digit_by_digit():
    one = found((*SQUARE, 0.5, 3), (*HALF, 0.9, 3), (*SQUARE, 0.3, 4), (20, 0, 30, 9, 0.2, 3), (*SQUARE, 0.01, 5))
    kept = one.above().suppressed()
    assert kept.scores.tolist() == tg.tensor([0.9, 0.3, 0.2]).tolist() and kept.labels.tolist() == [3, 4, 3]
    assert kept.boxes[0].tolist() == list(HALF) and len(one.above(0.95).suppressed()) == 0


def test_hits():
    boxes, labels = tg.tensor([SQUARE, (20, 20, 30, 30)]).float(), tg.tensor([3, 3])
    rows = [
        ((*HALF, 0.5, 3), True),  # IoU 0.5 is enough
        ((*SQUARE, 0.4, 3), False),  # it is found already
        ((0, 0, 10, 4.9, 0.9, 3), False),
        ((20, 20, 30, 30, 0.9, 8), False),  # another digit
        ((21, 20, 30, 30, 0.1, 3), True),
    ]
    assert hits(found(*[row for row, _ in rows]), boxes, labels).tolist() == [right for _, right in rows]
    assert not hits(found(*[row for row, _ in rows]), boxes[:0], labels[:0]).any()
    assert hits(found(), boxes, labels).tolist() == []


def test_average_precision():
    scores, right = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, False, True, True, False])
    # precision 1 up to recall 1/5, then 3/4 up to 3/5, then none
    assert np.isclose(average_precision(scores, right, 5), (1 + 0.75 + 0.75) / 5)
    assert np.isclose(average_precision(scores[::-1], right[::-1], 5), (1 + 0.75 + 0.75) / 5)
    assert average_precision(scores, np.ones(5, bool), 5) == 1
    assert average_precision(scores, ~np.ones(5, bool), 5) == average_precision(scores[:0], right[:0], 5) == 0
    random = np.random.default_rng(0)
    scores, right = random.random(40), random.random(40) < 0.6
    points = [(right[scores >= t].sum() / 30, right[scores >= t].mean()) for t in scores]  # recall, precision
    grid = np.arange(100_000) / 100_000  # the area by many narrow rectangles
    recalls, precisions = np.array(sorted(points)).T
    best = [precisions[i:].max() for i in range(40)] + [0]
    area = np.array(best)[np.searchsorted(recalls, grid, "right")].mean()
    assert abs(average_precision(scores, right, 30) - area) < 1e-3


def test_figures():
    pixels = tg.zeros(2, 1, 40, 40)
    there = Canvases(pixels, [tg.tensor([SQUARE]).float()] * 2, [tg.tensor([1]), tg.tensor([2])])
    told = [found((*SQUARE, 0.9, 1), (*SQUARE, 0.8, 2)), found((*SQUARE, 0.4, 2))]
    mean, precision, recall = figures(told, there, 0.5)
    assert (mean, precision, recall) == ((1 + 0.5) / 2, 0.5, 0.5)  # the 2 on the first canvas is surer, and wrong
    assert figures([found(), found()], there, 0.5) == (0, 0, 0)


# ---- Ctrl-C


@pytest.mark.parametrize("steps, told, names", [
    (1, "Stopped by Ctrl-C after 0 epochs of localization", ["detect_localization.png"]),
    (6, "Stopped by Ctrl-C after 0 epochs of windows",
     ["detect_heat.png", "detect_localization.png", "detect_windows.png"]),
])  # fmt: skip
def test_ctrl_c_keeps_what_was_reached(steps, told, names, monkeypatch, capsys, tmp_path):
    step, calls = optim.Adam.step, []

    def interrupted(optimizer):
        calls.append(None)
        if len(calls) == steps:
            signal.raise_signal(signal.SIGINT)
        return step(optimizer)

    monkeypatch.setattr(optim.Adam, "step", interrupted)
    monkeypatch.setattr(detect.pictures, "found_on", lambda *args: plots.images(np.eye(9)[None]))  # which is quick
    assert main(["detect", "--quick", "--no-progress", "--out", str(tmp_path)]) == 130
    assert told in capsys.readouterr().out
    check_pictures(tmp_path, *names)
