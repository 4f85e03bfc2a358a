"""Reads dates as people write them by attention, and draws which letters are looked at for which digit.

"3 may 1979" becomes 1979-05-03. A bidirectional GRU reads the letters; another one writes the digits. Before each digit
it weighs the letters anew: e = v · tanh(W s + U h), s being its own state and h what was read at a letter, and α =
softmax(e). What it goes by is Σ α h. Without attention it has the mean of all h, the same for each digit.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import data, nn, plots, train
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "001", 22

MONTHS = "january february march april may june july august september october november december".split()
FORMATS = "{d} {month} {y}", "{month} {d}, {y}", "{d}.{m}.{y}", "{short} {d} {y}", "{y}/{m}/{d}"
LETTERS = data.Vocabulary(" ./," + "0123456789" + "abcdefghijklmnopqrstuvwxyz")
LONGEST, DIGITS = len("september 30, 1999"), 8  # letters that are read; digits that are written, yyyymmdd
HIDDEN, BATCH, RATE, EPOCHS = 32, 64, 5e-3, 10


def dates(n, seed):
    """n dates: what is read, (n, 18), with spaces behind; what is to be written, (n, 8); and the texts."""
    random = np.random.default_rng(seed)
    texts, digits = [], []
    for _ in range(n):
        y, m, d = random.integers(1900, 2100), random.integers(1, 13), random.integers(1, 29)
        month = MONTHS[m - 1]
        texts.append(random.choice(FORMATS).format(y=y, m=m, d=d, month=month, short=month[:3]))
        digits.append([int(digit) for digit in f"{y}{m:02}{d:02}"])
    return tg.stack([LETTERS.encode(text.ljust(LONGEST)) for text in texts]), tg.tensor(digits), texts


class Translator(nn.Module):
    """Letters (B, T) -> scores (B, 8, 10) of the digits. With attention=False all letters weigh the same."""

    def __init__(self, attention=True):
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS), 16)
        self.reader = nn.GRU(16, HIDDEN, batch_first=True, bidirectional=True)
        self.of_state, self.of_letters = nn.Linear(HIDDEN, HIDDEN), nn.Linear(2 * HIDDEN, HIDDEN)
        self.energy = nn.Linear(HIDDEN, 1, bias=False)
        self.writer = nn.GRUCell(2 * HIDDEN, HIDDEN)
        self.scores = nn.Linear(HIDDEN, 10)
        self.attention, self.weights = attention, []

    def forward(self, x):
        h, _ = self.reader(self.embedding(x))  # (B, T, 2 · HIDDEN)
        known, state = self.of_letters(h), h.new_zeros(len(x), HIDDEN)
        digits, self.weights = [], []
        for _ in range(DIGITS):
            energies = self.energy((self.of_state(state).unsqueeze(1) + known).tanh())  # (B, T, 1)
            weights = energies.softmax(1) if self.attention else tg.full_like(energies, 1 / x.shape[1])
            state = self.writer((weights * h).sum(1), state)  # (B, HIDDEN)
            digits.append(self.scores(state))
            self.weights.append(weights.detach().squeeze(2))
        return tg.stack(digits, 1)


def cost(scores, digits):
    return F.cross_entropy(scores.flatten(0, 1), digits.flatten())


def whole_date(scores, digits):
    """1 for each date all of whose digits are right."""
    return (scores.argmax(2) == digits).all(1).float().mean()


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    *training, _ = dates(64 if options.quick else 4000, options.seed)
    *test, texts = dates(32 if options.quick else 500, options.seed + 1)
    rows, curves = [], {"cost": {}, "dates written rightly": {}}
    for name, attention in (("without attention", False), ("with attention", True)):
        tg.manual_seed(options.seed)
        model = Translator(attention)
        print(f"\n{name}", flush=True)
        history = train.fit(
            model, tuple(training), loss=cost, optimizer=("adam", {"lr": RATE}), epochs=1 if options.quick else EPOCHS,
            batch_size=BATCH, validation=tuple(test), metrics=[whole_date], seed=options.seed,
            progress=not options.no_progress,
        )  # fmt: skip
        if history.interrupted:
            report.stopped(f"{history.epochs} epochs")
            return report.done()
        curves["cost"][name], curves["dates written rightly"][name] = history["val_loss"], history["val_whole_date"]
        rows.append([name, f"{history['val_loss'][-1]:.4f}", f"{history['val_whole_date'][-1]:.1%}"])
    print()
    report.table(["", "test cost", "dates written rightly"], rows)

    by_length = np.argsort([len(text) for text in texts], kind="stable")
    shown = by_length[:: len(texts) // 5 - 1][:6]  # short ones and long ones
    written = train.predict(model, test[0][shown]).argmax(2).numpy()  # of the network with attention
    weights = tg.stack(model.weights, 1).numpy()  # (6, 8, 18)
    for i, digits in zip(shown, written):
        year, rest = "".join(map(str, digits[:4])), "".join(map(str, digits[4:]))
        print(f"  {texts[i]:20} {year}-{rest[:2]}-{rest[2:]}")
    report.picture(drawn(weights, [texts[i] for i in shown], written), "attention_weights.png")
    report.picture(plots.curves(curves, xlabel="epoch"), "attention_curves.png")
    return report.done()


def drawn(weights, texts, written):
    """For each date: a row for each digit that is written, and how much each letter weighs for it."""
    figure = plots.new_figure(14, 6)
    for axes, weight, text, digits in zip(figure.subplots(2, 3).flat, weights, texts, written):
        axes.imshow(weight, cmap="Blues", vmin=0, vmax=1)
        axes.set(xticks=range(LONGEST), xticklabels=text.ljust(LONGEST), yticks=range(DIGITS), yticklabels=digits)
        axes.set(xlabel="letters read", ylabel="digits written")
    return figure
