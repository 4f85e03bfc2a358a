"""Invents names of dinosaurs and people, character by character: RNN, GRU and LSTM; and a bidirectional RNN.

A network reads a name and says at each place which character comes next; the newline ends a name. To invent one, a
character is drawn from these probabilities and read in turn. The cost is −log p per character: log 27 = 3.30 if all are
equally likely. A bidirectional RNN reads from both ends, so that it cannot invent; it fills in a letter that is
missing, better than one that knows what is before it only.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import data, nn, plots, train
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "001", 26

KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
END, GAP, NOTHING = "\n", "?", -100  # ends a name; a missing letter; a target that counts nothing
HIDDEN, BATCH, RATE, EPOCHS, MOST = 64, 64, 5e-3, 10, 6000


class Reader(nn.Module):
    """Characters (B, T) -> scores (B, T, K) of the K characters at each place."""

    def __init__(self, kind, characters, bidirectional=False):
        super().__init__()
        self.embedding = nn.Embedding(characters, 24)
        self.recurrent = kind(24, HIDDEN, batch_first=True, bidirectional=bidirectional)
        self.scores = nn.Linear(HIDDEN * (2 if bidirectional else 1), characters)

    def forward(self, x):
        values, _ = self.recurrent(self.embedding(x))  # (B, T, HIDDEN), or twice as many
        return self.scores(values)


def cost(scores, target):
    """Mean −log p of the right characters; places with the target −100 count nothing."""
    return F.cross_entropy(scores.flatten(0, 1), target.flatten(), ignore_index=NOTHING)


def table(rows, fill):
    """Tensor (N, T) of lists of numbers, T being the length of the longest; `fill` is behind the shorter ones."""
    length = max(map(len, rows))
    return tg.tensor([row + [fill] * (length - len(row)) for row in rows])


def next_characters(names, vocabulary):
    """(x, y), each (N, T): names that begin with a newline, and the character that comes next at each place."""
    rows = [vocabulary.encode(END + name + END).tolist() for name in names]
    end = vocabulary.numbers[END]
    return table([row[:-1] for row in rows], end), table([row[1:] for row in rows], NOTHING)


def gaps(names, vocabulary, seed):
    """(x, y), each (N, T): names of which a letter, drawn at random, is missing; and this letter at its place."""
    random = np.random.default_rng(seed)
    x, _ = next_characters(names, vocabulary)
    rows, places = tg.arange(len(names)), tg.tensor([1 + random.integers(len(name)) for name in names])
    y = tg.full_like(x, NOTHING)
    y[rows, places] = x[rows, places]
    x[rows, places] = vocabulary.numbers[GAP]
    return x, y


def fit(model, training, test, epochs, options):
    return train.fit(
        model, training, loss=cost, optimizer=("adam", {"lr": RATE}), epochs=epochs, batch_size=BATCH, validation=test,
        seed=options.seed, progress=not options.no_progress,
    )  # fmt: skip


def probabilities(model, vocabulary, name):
    """Of each character to come next, at each place of a name: an array (len(name) + 1, K)."""
    return train.predict(model, vocabulary.encode(END + name)[None])[0].softmax(1).numpy()


def invent(model, vocabulary, random, longest=20):
    """Draw characters, each with the probabilities that those before it give, until a newline."""
    name = ""
    while len(name) < longest:
        p = probabilities(model, vocabulary, name)[-1].astype(float)
        character = vocabulary.characters[random.choice(len(p), p=p / p.sum())]
        if character == END:
            break
        name += character
    return name


def parted(names, options):
    """(for training, for testing), 9 : 1, of some of the names, with all lengths among them; few if it is quick."""
    names = np.random.default_rng(options.seed).permutation(names)[: 60 if options.quick else MOST].tolist()
    return names[len(names) // 10 :], names[: len(names) // 10]


def learn_to_invent(report, title, names, options):
    """RNN, GRU and LSTM on a list of names: their costs, and what they invent."""
    vocabulary = data.Vocabulary([*names, END])
    parts = parted(names, options)
    training, test = [next_characters(part, vocabulary) for part in parts]
    costs, rows = {}, []
    for kind, layer in KINDS.items():
        tg.manual_seed(options.seed)
        model = Reader(layer, len(vocabulary))
        history = fit(model, training, test, 1 if options.quick else EPOCHS, options)
        if history.interrupted:
            report.stopped(f"{history.epochs} epochs")
            break
        costs[kind] = history["val_loss"]
        random = np.random.default_rng(options.seed)
        invented = [invent(model, vocabulary, random) for _ in range(4 if options.quick else 20)]
        new = sum(name not in names for name in invented) / len(invented)
        last = [f"{history[key][-1]:.3f}" for key in ("loss", "val_loss")]
        rows.append([kind, *last, f"{new:.0%}", ", ".join(invented[:8])])
    print(f"\n{title}: {len(parts[0]):,} to learn from, {len(parts[1]):,} to test with\n")
    report.table(["", "train cost", "test cost", "new", "invented"], rows)
    return model, vocabulary, costs


def learn_to_fill(report, names, options):
    """A missing letter is filled in from what is before it, and by a bidirectional RNN from both sides."""
    vocabulary = data.Vocabulary([*names, END, GAP])
    (x, y), test = [gaps(part, vocabulary, options.seed) for part in parted(names, options)]
    rows = []
    for title, both in (("RNN", False), ("bidirectional RNN", True)):
        tg.manual_seed(options.seed)
        model = Reader(nn.RNN, len(vocabulary), both)
        history = fit(model, (x, y), test, 1 if options.quick else EPOCHS, options)
        if history.interrupted:
            report.stopped(f"{history.epochs} epochs")
            break
        known = test[1] != NOTHING
        right = (train.predict(model, test[0]).argmax(2) == test[1])[known].float().mean().item()
        rows.append([title, f"{history['val_loss'][-1]:.3f}", f"{right:.1%}"])
    print("A letter of a given name is missing:\n")
    report.table(["", "test cost", "filled in rightly"], rows)


def run(options):
    require("matplotlib", "tqdm")
    report, costs = Report(options), {}
    for title, load in (("dinosaurs", data.load_dinosaurs), ("given names", data.load_names)):
        names = load()
        report.data(names)
        model, vocabulary, costs[f"test cost: {title}"] = learn_to_invent(report, title, names.names, options)
        if report.interrupted:
            return report.done()
        shown = parted(names.names, options)[1][0]
        picture = next_drawn(probabilities(model, vocabulary, shown), shown, vocabulary)
        report.picture(picture, f"names_next_{title.replace(' ', '_')}.png")
    learn_to_fill(report, names.names, options)
    report.picture(plots.curves(costs, xlabel="epoch"), "names_costs.png")
    return report.done()


def next_drawn(p, name, vocabulary):
    """What an LSTM expects after each letter of a name; squares mark what came."""
    figure = plots.new_figure(1.5 + 0.35 * len(p), 6)
    axes = figure.subplots()
    drawn = axes.imshow(p.T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    came = vocabulary.encode(name + END).numpy()
    axes.scatter(range(len(p)), came, marker="s", s=90, facecolor="none", edgecolor=plots.COLORS[1])
    axes.set(xticks=range(len(p)), xticklabels=["", *name], xlabel="after", ylabel="comes")
    axes.set_yticks(range(len(vocabulary)), ["end" if c == END else c for c in vocabulary.characters], fontsize=8)
    figure.colorbar(drawn, label="probability")
    return figure
