"""The demo `faces`: the triplet loss and its triples, verification and recognition, against loops in plain NumPy."""

import signal

import demo_tools  # noqa: F401 - it skips these tests if a package is missing
import numpy as np
import pytest

import tinygrad_edu as tg
from demos import faces
from demos.__main__ import main
from demos.persons import letters, pictures, triplets, verification
from tinygrad_edu.data import DataLoader, TensorDataset

pytestmark = pytest.mark.usefixtures("stand_ins")


def loss_by_loops(f, persons, negative_of):
    """The mean of max(‖f(a) − f(p)‖² − ‖f(a) − f(n)‖² + α, 0) over all a and p, and the share of those that are > 0."""
    f = f / np.linalg.norm(f, axis=1, keepdims=True)
    d = np.array([[np.sum((x - y) ** 2) for y in f] for x in f])
    losses = []
    for a in range(len(f)):
        others = [n for n in range(len(f)) if persons[n] != persons[a]]
        for p in range(len(f)):
            if p != a and persons[p] == persons[a]:
                n = negative_of(d[a], d[a, p], others)
                losses.append(max(d[a, p] - d[a, n] + triplets.ALPHA, 0))
    return np.mean(losses), np.mean(np.array(losses) > 0)


def semi_hard(d, to_positive, others):
    farther = [n for n in others if d[n] > to_positive]
    return min(farther, key=lambda n: d[n]) if farther else max(others, key=lambda n: d[n])


CHOICES = {
    "nearest": lambda d, to_positive, others: min(others, key=lambda n: abs(d[n] - to_positive)),
    "semi-hard": semi_hard,
    "hardest": lambda d, to_positive, others: min(others, key=lambda n: d[n]),
}


@pytest.mark.parametrize("way", CHOICES)
def test_triplet_loss_is_the_formula(way):
    random = np.random.default_rng(0)
    persons = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3])  # of the last there is one photograph: only a negative
    output = random.standard_normal((9, 3)) * random.uniform(0.1, 9, (9, 1))
    output[1] = -output[0]  # farther apart than any others can be: no negative is beyond
    loss = triplets.TripletLoss(way, random)
    value = loss(tg.tensor(output), tg.tensor(persons)).item()
    expected, share = loss_by_loops(output, persons, CHOICES[way])
    assert value == pytest.approx(expected, rel=1e-9) and loss.shares == [pytest.approx(share, rel=1e-6)]


def test_random_triples():
    persons = np.repeat([3, 5, 9], [2, 3, 4])
    counts = np.zeros((9, 9))
    for seed in range(400):
        anchor, positive, negative = triplets.triples(np.zeros((9, 9)), persons, "random", np.random.default_rng(seed))
        assert sorted(zip(anchor, positive)) == [
            (a, p) for a in range(9) for p in range(9) if a != p and persons[a] == persons[p]
        ]  # fmt: skip
        np.add.at(counts, (anchor, negative), 1)
    other = persons[:, None] != persons
    assert (counts[~other] == 0).all()
    shares = counts / counts.sum(1, keepdims=True) * other.sum(1, keepdims=True)
    assert (abs(shares[other] - 1) < 0.25).all()  # each as often


def test_gradient_pulls_and_pushes():
    output = tg.tensor([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6], [-1.0, 0.0]], requires_grad=True)
    persons = tg.tensor([0, 0, 1, 2])
    triplets.TripletLoss("hardest", np.random.default_rng(0))(output, persons).backward()
    moved = output.detach() - 0.1 * output.grad
    before, after = [faces.F.normalize(f) for f in (output.detach(), moved)]
    d = [verification.squared_distance(f[0], f[1:]).numpy() for f in (before, after)]
    assert d[1][0] < d[0][0] and d[1][0] - d[1][1] < d[0][0] - d[0][1]
    assert (output.grad[3] == 0).all()  # nobody's hardest negative
    easy = tg.tensor([[1.0, 0.0], [1.0, 0.01], [-1.0, 0.0]], requires_grad=True)
    loss = triplets.TripletLoss("hardest", np.random.default_rng(0))(easy, tg.tensor([0, 0, 1]))
    loss.backward()
    assert loss.item() == 0 and (easy.grad == 0).all()


@pytest.mark.parametrize("n, k", [(50, 20), (6, 20)])
def test_batches(n, k):
    x = tg.arange(n * k).reshape(n, k)
    batches = triplets.SeveralOfEach(n, k, 3, np.random.default_rng(0))
    loader = DataLoader(TensorDataset(*faces.labelled(x)), batch_sampler=batches)
    count = min(n, triplets.PERSONS)
    assert len(loader) == 3
    seen = []
    for images, persons in loader:
        assert (images // k == persons).all()
        images, persons = images.numpy(), persons.numpy()
        assert len(set(images)) == len(images) == count * (triplets.BATCH // count)
        assert (np.unique(persons, return_counts=True)[1] == triplets.BATCH // count).all()
        seen.append(tuple(images))
    assert len(set(seen)) == 3


# ---- verification and recognition


def test_pairs():
    x = np.arange(5 * 4).reshape(5, 4)
    (first, second), same = verification.pairs(5, 4, 900, np.random.default_rng(0))
    a, b = x[first], x[second]
    assert same.tolist() == [True] * 900 + [False] * 900
    assert ((a // 4 == b // 4) == same).all() and (a != b).all()
    assert len(set(zip(a[same], b[same]))) == 5 * 4 * 3  # all that there are


def test_area_is_the_probability():
    random = np.random.default_rng(0)
    same = random.random(200) < 0.4
    distances = np.round(random.random(200) + 0.3 * ~same, 1)  # many are equal
    thresholds, false, right, area = verification.roc(distances, same)
    ones, twos = distances[same][:, None], distances[~same]
    assert area == pytest.approx(np.mean((ones < twos) + 0.5 * (ones == twos)), rel=1e-12)
    metrics = pytest.importorskip("sklearn.metrics")
    assert area == pytest.approx(metrics.roc_auc_score(same, -distances), rel=1e-12)
    for threshold, f, r in zip(thresholds, false, right):
        assert (f, r) == (np.mean(distances[~same] <= threshold), np.mean(distances[same] <= threshold))
    assert (false[0], right[0], false[-1], right[-1]) == (0, 0, 1, 1)
    assert verification.roc(np.zeros(4), np.array([True, True, False, False]))[3] == 0.5
    assert verification.roc(np.arange(4), np.array([True, True, False, False]))[3] == 1


def test_the_threshold_comes_from_other_persons():
    def persons(spread, seed):  # six persons, at the corners of a simplex
        noise = tg.randn(6, 4, 6, generator=tg.Generator().manual_seed(seed))
        return 2 * tg.eye(6).unsqueeze(1) + spread * noise

    near, wide = persons(0.1, 0), persons(1.5, 1)
    found = verification.Verification(near, persons(0.05, 1), 0)
    assert found.dev_accuracy == found.right.mean() == found.area == 1
    largest = verification.squared_distance(near.unsqueeze(1), near.unsqueeze(2)).max().item()
    assert found.threshold == pytest.approx(largest, rel=1e-5)  # of pairs of one person
    found = verification.Verification(near, wide, 0)  # a threshold that is too small for the others
    assert found.threshold == pytest.approx(largest, rel=1e-5) and found.dev_accuracy == 1
    assert found.right[~found.same].all() and not found.right[found.same].any() and 0.5 < found.area < 0.9


def test_recognized():
    random = np.random.default_rng(0)
    gallery, queries, persons = random.standard_normal((7, 3)), random.standard_normal((20, 3)), np.arange(7) // 2 + 10
    expected = [persons[min(range(7), key=lambda i: np.sum((query - gallery[i]) ** 2))] for query in queries]
    assert verification.recognized(*map(tg.tensor, (gallery, persons, queries))).tolist() == expected


def test_plane():
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * [0.1, 9, 3]
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
    points = pictures.plane(tg.tensor(corners @ turn + 5).reshape(2, 4, 3))
    assert points.shape == (2, 4, 2) and np.allclose(abs(points), [9, 3])
    signs = np.sign(points.reshape(8, 2) * corners[:, 1:])
    assert (signs == signs[0]).all()  # but for the signs of the two axes the longest edges of the box


# ---- letters


def test_letters():
    names, pictures = letters.letters(tried=80)
    assert names.startswith("ABC") and len(set(names)) == len(names) == len(pictures) <= 80
    assert pictures.shape[1:] == (12, 28, 28) and pictures.dtype == np.float32
    assert pictures.min() == 0 and 0.99 < pictures.max() <= 1
    flat = pictures.reshape(len(names), -1)
    for index in range(1, len(names)):
        assert np.sqrt(((flat[:index] - flat[index]) ** 2).mean(1)).min() >= letters.ALIKE
    rows, columns = np.nonzero(pictures.max((0, 1)))
    assert rows.min() >= 1 and columns.max() <= 26  # nothing is cut off
    assert not letters.is_plain_letter("é") and not letters.is_plain_letter("7") and letters.is_plain_letter("ж")


def test_photographs():
    drawn = np.zeros((3, 2, 28, 28), np.float32)
    drawn[:, 0, 8:20, 12:16], drawn[:, 1, 8:20, 10:18] = 1, 1  # twice as much ink in the second font
    x, again, other = [letters.photographs(drawn, 3, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert x.shape == (3, 6, 1, 28, 28) and (x == again).all() and not (x == other).all()
    ink = x.sum((2, 3, 4)).numpy()
    assert (abs(np.sort(ink[0]) / [48, 48, 48, 96, 96, 96] - 1) < 0.1).all()
    tops = [np.flatnonzero(row.max(1) > 0.5)[0] for row in x.numpy().reshape(18, 28, 28)]
    assert np.ptp(tops) >= 3  # moved up and down
    assert len({row.tobytes() for row in x.numpy().reshape(18, -1)}) == 18
    assert (np.argsort(ink.round(-1), 1) == np.argsort(ink[0].round(-1))).all()  # for all in the same order


# ---- the program


def test_nobody_new_is_named_by_a_classifier(monkeypatch, capsys, tmp_path):
    class Options:
        seed, quick, no_progress, out = 0, True, True, tmp_path

    names, drawn = letters.letters(tried=8)
    x = letters.photographs(drawn, 1, np.random.default_rng(0))
    known, new = x[:5], x[5:]
    classifier, _ = faces.learn_names(*faces.labelled(known), Options)
    assert classifier(new[:, 0]).shape == (3, 5)
    searched = []
    recognize = lambda *given: searched.append(given) or verification.recognized(*given)  # noqa: E731
    monkeypatch.setattr(faces, "recognized", recognize)
    faces.who_is_it(faces.Report(Options), classifier, faces.pixels, known, new, Options)
    ((gallery, persons, queries),) = searched
    assert np.bincount(persons).tolist() == [12 - faces.QUERIES] * 5 + [faces.GALLERY] * 3
    assert tg.cdist(queries, gallery).min() > 0.01 and len(queries) == 8 * faces.QUERIES  # none is in the gallery
    everybody = faces.pixels(x).numpy()
    assert all((everybody[person] == image).all(1).any() for person, image in zip(persons.tolist(), gallery.numpy()))
    lines = {line[:24].strip(): line[24:].split() for line in capsys.readouterr().out.splitlines()}
    assert lines["softmax classifier"][2:] == ["0.0", "%"] and float(lines["nearest encoding"][2]) > 50


def test_ctrl_c_keeps_what_was_learnt(monkeypatch, capsys, tmp_path):
    step, calls, drawn = faces.optim.Adam.step, [], []

    def interrupted(optimizer):
        calls.append(None)
        if len(calls) == 6:  # softmax has taken 2 or 3 steps, then come 4 of each encoder
            signal.raise_signal(signal.SIGINT)
        return step(optimizer)

    monkeypatch.setattr(faces.optim.Adam, "step", interrupted)
    # pictures take long to save
    monkeypatch.setattr(faces.Report, "picture", lambda report, figure, name: drawn.append(name))
    assert main(["faces", "--quick", "--no-progress", "--out", str(tmp_path)]) == 130
    text = capsys.readouterr().out
    assert "Stopped by Ctrl-C after 2 of 6 networks" in text and "trained again" not in text and len(calls) == 6
    assert [line.split()[0] for line in text.splitlines() if "  0." in line] == ["pixels", "softmax", "random"]
    assert len(drawn) == 4
