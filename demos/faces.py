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
from tinygrad_edu import nn, optim, train
from tinygrad_edu.data import DataLoader, TensorDataset
from tinygrad_edu.nn import functional as F

from . import require
from .persons.letters import FONTS, letters, photographs
from .persons.pictures import draw_distances, draw_pairs, draw_planes, draw_rates, percent, plane
from .persons.triplets import BATCH, SeveralOfEach, TripletLoss
from .persons.verification import Verification, recognized
from .report import Report

SEED, SECONDS = "001", 42

OTHERS = 100  # persons to choose a threshold with, and as many never seen before the test
GALLERY, QUERIES = 5, 4  # photographs of each person that are known by name, and of which the name is asked for
EPOCHS, BATCHES, RATE = 5, 85, 5e-3
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
