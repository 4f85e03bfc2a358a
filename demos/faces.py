"""Verifies and recognizes persons who were never seen in training, by a siamese encoder with triplet loss.

Verification asks whether two photographs show the same person (1:1), recognition who of n persons it is (1:n). An
encoder f(x) of length 1 serves both: the smaller ‖f(x₁) − f(x₂)‖², the more alike. It learns from triples of an anchor,
another photograph of the same person, and one of another person, to make max(‖f(A) − f(P)‖² − ‖f(A) − f(N)‖² + α, 0)
small. The notes leave open whether lengths or their squares are meant; squares are what FaceNet has (Schroff,
Kalenichenko & Philbin 2015, eq. 3). Four ways to choose triples are compared with each other, with the pixels as they
are, and with the layer before the last of a softmax classifier.

No package brings along photographs of faces. Here letters of five scripts stand for persons, and for photographs their
pictures in twelve fonts, slanted, turned and moved. Ten digits would be too few: who has seen six persons does not know
what tells others apart, as the encoders of few persons show.
"""

from functools import partial

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots, train
from tinygrad_edu.data import DataLoader, TensorDataset
from tinygrad_edu.nn import functional as F

from . import require
from .persons.letters import FONTS, letters, photographs
from .persons.verification import Verification, recognized, squared_distance
from .report import Report

SEED, SECONDS = "001", 40

OTHERS = 100  # persons to choose a threshold with, and as many never seen before the test
GALLERY, QUERIES = 5, 4  # photographs of each person that are known by name, and of which the name is asked for
BATCH, PERSONS, EPOCHS, BATCHES, RATE = 80, 20, 5, 85, 5e-3  # a batch has photographs of 20 persons
ALPHA = 0.2  # FaceNet's
WAYS = "random", "nearest", "semi-hard", "hardest"
FEW = (6, 25, 100)  # persons to learn from


def encoder():
    """Photographs (B, 1, 28, 28) -> (B, 32), of any length."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(),  # (B, 8, 14, 14)
        nn.Conv2d(8, 32, 3, stride=2, padding=1), nn.ReLU(),  # (B, 32, 7, 7)
        nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(),
        nn.Linear(128, 32),
    )  # fmt: skip


# ---- training


def triples(distances, persons, way, random):
    """For each two photographs of one person one of another: index vectors (anchor, positive, negative).

    distances  squared, between all encodings of a batch: (B, B)
    persons    whom they show, (B,)
    way        random     any
               nearest    d(a, n) as near to d(a, p) as possible: the rule of the notes
               semi-hard  the smallest d(a, n) that is larger than d(a, p), FaceNet's rule; the largest if none is
               hardest    the smallest d(a, n)
    """
    same = persons[:, None] == persons
    anchor, positive = np.nonzero(same & ~np.eye(len(persons), dtype=bool))
    to_positive, to_others = distances[anchor, positive][:, None], distances[anchor]  # (T, 1), (T, B)
    cost = {  # (T, B): the negative is where it is least
        "random": random.random(to_others.shape),
        "nearest": abs(to_others - to_positive),
        "semi-hard": np.where(to_others > to_positive, to_others - 8, -to_others),  # distances are at most 4
        "hardest": to_others,
    }[way]
    return anchor, positive, np.where(same[anchor], np.inf, cost).argmin(1)


class TripletLoss:
    """The mean of max(‖f(a) − f(p)‖² − ‖f(a) − f(n)‖² + α, 0) over the triples of a batch.

    shares  for each batch, of how many triples it was more than 0: they are the ones that teach
    """

    def __init__(self, way, random):
        self.way, self.random, self.shares = way, random, []
        self.loss = nn.TripletMarginWithDistanceLoss(
            distance_function=squared_distance, margin=ALPHA, reduction="none"
        )

    def __call__(self, output, persons):
        f = F.normalize(output)  # (B, 32)
        found = f.detach()
        distances = squared_distance(found[:, None], found).numpy()  # (B, B)
        anchor, positive, negative = triples(distances, persons.numpy(), self.way, self.random)
        losses = self.loss(f[anchor], f[positive], f[negative])
        self.shares.append((losses > 0).float().mean().item())
        return losses.mean()


class SeveralOfEach:
    """Batches for a DataLoader: lists of indices, of several photographs of each of some persons.

    n, k  persons, and photographs of each; the photographs of a person follow each other
    """

    def __init__(self, n, k, batches, random):
        self.n, self.k, self.batches, self.random = n, k, batches, random

    def __len__(self):
        return self.batches

    def __iter__(self):
        count = min(PERSONS, self.n)
        for _ in range(self.batches):
            persons = self.random.permutation(self.n)[:count]
            yield [p * self.k + i for p in persons for i in self.random.permutation(self.k)[: BATCH // count]]


def fit(name, model, loader, loss, options):
    """Train with Adam and one cycle of the learning rate; returns the history."""
    print(name, flush=True)
    epochs = 1 if options.quick else EPOCHS
    optimizer = optim.Adam(model.parameters())
    cycle = optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * len(loader))
    return train.fit(
        model, loader, loss=loss, optimizer=optimizer, epochs=epochs, seed=options.seed,
        callbacks=[train.LearningRateScheduler(cycle, every="batch")],
        progress=False if options.no_progress else epochs,
    )  # fmt: skip


def labelled(x):
    """Photographs (n, k, 1, 28, 28) -> (n · k, 1, 28, 28), and whom they show, 0 to n − 1."""
    return x.flatten(0, 1), tg.arange(len(x)).repeat_interleave(x.shape[1])


def learn_triples(way, x, options):
    """An encoder of photographs x (n, k, 1, 28, 28), the share of triples that taught at last, and the history."""
    tg.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    model, loss = encoder(), TripletLoss(way, random)
    batches = SeveralOfEach(*x.shape[:2], 4 if options.quick else BATCHES, random)
    loader = DataLoader(TensorDataset(*labelled(x)), batch_sampler=batches)
    history = fit(f"{way} triples of {len(x)} persons", model, loader, loss, options)
    return model, np.mean(loss.shares[-len(batches) :]), history


def learn_names(x, y, options):
    """An encoder with a softmax classifier of the persons upon it; and the history."""
    tg.manual_seed(options.seed)
    model = nn.Sequential(encoder(), nn.Linear(32, y.max().item() + 1))
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    return model, fit(f"softmax classifier of {model[1].out_features} persons", model, loader, "cross_entropy", options)


# ---- measures


def encodings(model, x):
    """Photographs (n, k, 1, 28, 28) -> f(x), (n, k, 32), of length 1."""
    return F.normalize(train.predict(model, x.flatten(0, 1))).unflatten(0, x.shape[:2])


def pixels(x):
    """The photographs as they are, as encodings (n, k, 784) of length 1."""
    return F.normalize(x.flatten(2), dim=2)


def percent(rights):
    return f"{100 * np.mean(np.asarray(rights)):.1f} %"


# ---- the program


def run(options):
    require("matplotlib", "PIL", "tqdm")
    report, random = Report(options), np.random.default_rng(options.seed)
    names, drawn = letters(tried=60 if options.quick else None)
    order, others = random.permutation(len(names)), 20 if options.quick else OTHERS
    x = photographs(drawn[order], 1 if options.quick else 2, random)  # (539, 24, 1, 28, 28)
    known, dev, new = x.split([len(x) - 2 * others, others, others])
    print(f"{len(known)} persons to learn from, {others} to choose a threshold with, {others} never seen; of each")
    print(f"{x.shape[1]} photographs. For persons stand letters, for photographs pictures in {len(FONTS)} fonts.\n")

    training = known[:, :-QUERIES]
    classifier, history = learn_names(*labelled(training), options)
    functions = {"pixels": pixels, "softmax": partial(encodings, classifier[0])}  # {name: f}
    teach = dict.fromkeys(functions, "–")
    ways = [*[(way, len(known)) for way in WAYS], *[("semi-hard", count) for count in FEW if count < len(known)]]
    for way, count in ways:
        if history.interrupted:
            break
        model, share, history = learn_triples(way, training[:count], options)
        name = way if count == len(known) else f"{way}, {count} persons"
        functions[name], teach[name] = partial(encodings, model), percent(share)
    if history.interrupted:
        report.stopped(f"{len(functions) - 1} of {len(ways) + 1} networks")

    found = {name: Verification(f(dev), f(new), options.seed) for name, f in functions.items()}
    print(f"\n{others} persons never seen: is it the same one, and who of them is it, by the nearest of 1 or {GALLERY}")
    print("photographs of each? The threshold is the one that is best on other persons.\n")
    rows = [[name, teach[name], *row(v, functions[name](new))] for name, v in found.items()]
    report.table(["encoding", "triples that teach", "threshold", "same?", "area", "who? by 1", f"by {GALLERY}"], rows)

    best = max(found, key=lambda name: found[name].dev_accuracy)
    verification = found[best]
    if not report.interrupted:
        who_is_it(report, classifier, functions[best], known, new, options)
    report.picture(draw_pairs(new, verification), "faces_pairs.png")
    report.picture(draw_distances({name: found[name] for name in ("pixels", best)}), "faces_distances.png")
    report.picture(draw_rates(found), "faces_roc.png")
    planes = {name: plane(functions[name](new[-8:])) for name in ("pixels", best)}
    report.picture(draw_planes(planes, [names[i] for i in order[-8:]]), "faces_encodings.png")
    return report.done()


def row(verification, new):
    """What encodings of persons never seen (n, k, d) are good for, as text."""
    queries, persons = labelled(new[:, GALLERY:])
    named = [percent(recognized(*labelled(new[:, :k]), queries) == persons) for k in (1, GALLERY)]
    return [f"{verification.threshold:.2f}", percent(verification.right), f"{verification.area:.4f}", *named]


def who_is_it(report, classifier, f, known, new, options):
    """Known and new persons named by the classifier, by one that is trained again, and by the nearest encoding."""
    count, everybody = len(known), tg.cat([known, new])  # (439, 24, 1, 28, 28)

    def given(x):  # all but the queries of known persons, a few of new ones; with whom they show
        (old, persons), (few, others) = labelled(x[:count, :-QUERIES]), labelled(x[count:, :GALLERY])
        return tg.cat([old, few]), tg.cat([persons, count + others])

    again, history = learn_names(*given(everybody), options)
    if history.interrupted:
        report.stopped("the first table")
        return
    queries, persons = labelled(everybody[:, -QUERIES:])
    encoded = f(everybody)
    named = {
        "softmax classifier": train.predict(classifier, queries).argmax(1),
        "the same, trained again": train.predict(again, queries).argmax(1),
        "nearest encoding": recognized(*given(encoded), encoded[:, -QUERIES:].flatten(0, 1)),
    }
    print(f"\nWho of {len(everybody)} is it, {GALLERY} photographs of each new person being known?\n")
    rights = {name: who == persons for name, who in named.items()}
    rows = [[name, percent(right[persons < count]), percent(right[persons >= count])] for name, right in rights.items()]
    report.table(["", "persons known in training", "persons never seen"], rows)


def plane(f):
    """Encodings (n, k, d) in the plane in which they differ most (principal components): (n, k, 2)."""
    rows = f.numpy().reshape(-1, f.shape[2])
    centred = rows - rows.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)  # its rows, the direction of the largest variance first
    return (centred @ axes[:2].T).reshape(*f.shape[:2], 2)


def draw_pairs(x, verification, columns=8):
    """Pairs of one person and of two, from the nearest to the farthest."""
    (first, second), distances = verification.pairs, verification.distances
    shown = []
    for kind in (verification.same, ~verification.same):
        order = np.flatnonzero(kind)[distances[kind].argsort()]
        shown.extend(order[np.linspace(0, len(order) - 1, 2 * columns).astype(int)])
    images = np.concatenate([x[first][shown, 0], np.full((len(shown), 28, 2), 0.5), x[second][shown, 0]], 2)
    titles = [f"{distances[i]:.2f}{'' if verification.right[i] else ', wrong'}" for i in shown]
    title = f"Pairs of one person (above) and of two, with d; accepted up to {verification.threshold:.2f}"
    return plots.images(images, titles, title, columns, width=1.5)


def draw_distances(found):
    """Histograms of the distances of pairs, and the thresholds."""
    figure = plots.new_figure(11, 3.6)
    for axes, (name, v) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items()):
        for kind, label, color in zip((v.same, ~v.same), ("same person", "two persons"), plots.COLORS):
            axes.hist(v.distances[kind], 60, range=(0, v.distances.max()), color=color, alpha=0.6, label=label)
        axes.axvline(v.threshold, color="black", label=f"threshold {v.threshold:.2f}")
        axes.set(title=f"{name}: {percent(v.right)} judged rightly", xlabel="‖f(x₁) − f(x₂)‖²", ylabel="pairs")
        axes.legend(frameon=False)
    return figure


def draw_rates(found):
    """How often pairs of one person are accepted, against how often those of two, for all thresholds."""
    x = np.linspace(0, 100, 201)
    lines = {name: 100 * np.interp(x / 100, *v.rates) for name, v in found.items()}
    few = {name: line for name, line in lines.items() if name.startswith("semi-hard")}
    lines = {name: line for name, line in lines.items() if "persons" not in name}
    label = "accepted of pairs of one person, %"
    panels = {label: lines, "accepted, by persons known, %": few} if few else {label: lines}
    return plots.curves(panels, x, "accepted of pairs of two persons, %")


def draw_planes(planes, names):
    """Photographs of some persons as points of a plane, each drawn as the letter that it shows."""
    figure = plots.new_figure(11, 5.4)
    for axes, (title, points) in zip(figure.subplots(1, len(planes), squeeze=False)[0], planes.items()):
        for number, (name, own) in enumerate(zip(names, points)):
            for place in own:
                style = {"color": plots.COLORS[number], "family": "DejaVu Sans", "in_layout": False}
                axes.text(*place, name, ha="center", va="center", **style)
        limit = 1.1 * abs(points).max()
        axes.set(title=title, xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    return figure
