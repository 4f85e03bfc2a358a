"""Trains a small GPT to write, character by character, and shows what it attends to.

A decoder-only transformer (Vaswani et al. 2017; Radford et al. 2019) reads Shakespeare, where
`text/tiny_shakespeare.txt` is found in the folder that TINYGRAD_EDU_DATA names, or any text given by --text; else the
reference manual that comes with Python. Written to the output folder: the learning curve, the attention of every head,
and a sample of its writing.

Ctrl-C stops the training, not the program: what was learned so far writes its sample, and the exit code is 130.
"""

import math
import os
import sys

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots
from tinygrad_edu.data import Vocabulary
from tinygrad_edu.nn import functional as F

from . import require
from .report import Report

SEED, SECONDS = "", 40


def add_arguments(parser):
    add = parser.add_argument
    add("--text", metavar="FILE", help="a text to learn from (default: see above)")
    add("--steps", type=int, metavar="N", help="training steps (default: 1000)")
    add("--context", type=int, default=64, metavar="N", help="characters that it sees at a time (default: 64)")
    add("--width", type=int, default=64, metavar="N", help="numbers for each character, a multiple of 4 (default: 64)")
    add("--layers", type=int, default=2, metavar="N", help="transformer blocks (default: 2)")
    add("--write", type=int, default=400, metavar="N", help="characters to write at the end (default: 400)")


class Attention(nn.Module):
    """Every character asks all earlier ones: softmax(QKᵀ/√d) V, in several heads side by side."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.questions_keys_values = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.weights = None  # of the last call, (B, heads, T, T), to look at

    def forward(self, x):  # (B, T, width)
        B, T, width = x.shape
        q, k, v = [  # (B, heads, T, width / heads) each
            part.reshape(B, T, self.heads, -1).transpose(1, 2)
            for part in self.questions_keys_values(x).chunk(3, dim=-1)
        ]
        scores = (q @ k.mT) / math.sqrt(width // self.heads)
        future = tg.ones(T, T, dtype=tg.bool).triu(1)
        self.weights = F.softmax(scores.masked_fill(future, -math.inf), dim=-1)
        return self.out((self.weights @ v).transpose(1, 2).reshape(B, T, width))


class Block(nn.Module):
    """Attention, then a multilayer perceptron; each reads a normalised copy and adds its answer."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """Numbers of characters (B, T) -> logits for the character after each of them, (B, T, characters)."""

    def __init__(self, characters, context, width, layers, heads=4):
        super().__init__()
        self.characters, self.positions = nn.Embedding(characters, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, characters)

    def forward(self, index):
        x = self.characters(index) + self.positions(tg.arange(index.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def load(path):
    """(where it comes from, the text)"""
    if path is None and os.environ.get("TINYGRAD_EDU_DATA"):
        found = os.path.join(os.path.expanduser(os.environ["TINYGRAD_EDU_DATA"]), "text", "tiny_shakespeare.txt")
        path = found if os.path.isfile(found) else None
    if path is not None:
        with open(path, encoding="utf-8") as file:
            return path, file.read()
    from pydoc_data.topics import topics

    why = "no text/tiny_shakespeare.txt in the folder that TINYGRAD_EDU_DATA names; --text takes any file"
    return f"Python's reference manual ({why})", "\n\n".join(topics[name] for name in sorted(topics))


def batch(text, context, size):
    """`size` random pieces of the text and, for each character in them, the one that follows: two of (size,
    context)."""
    starts = tg.randint(len(text) - context, (size, 1))
    index = starts + tg.arange(context)
    return text[index], text[index + 1]


def loss_of(model, x, y):
    """The mean cross-entropy of the next character, in nats."""
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def write(model, start, count, context, temperature=0.8):
    """`count` further characters, each drawn with the probability that the model gives it."""
    index = start
    with tg.no_grad():
        for _ in range(count):
            logits = model(index[:, -context:])[:, -1] / temperature
            index = tg.cat([index, tg.multinomial(F.softmax(logits, dim=-1), 1)], dim=1)
    return index[0]


def train(model, training, held_out, context, steps, progress=True, size=16):
    """AdamW with a learning rate that falls along a cosine. Returns ([(step, loss, held-out loss)], whether it
    finished)."""
    from tqdm import tqdm

    optimizer = optim.AdamW(model.parameters(), lr=2e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    history, recent = [], []
    try:
        with tqdm(range(1, steps + 1), "training", unit="step", disable=not progress, ncols=88) as bar:
            for step in bar:
                loss = loss_of(model, *batch(training, context, size))
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                recent.append(loss.item())
                if step % max(1, steps // 20) == 0:
                    with tg.no_grad():
                        unseen = np.mean([loss_of(model, *batch(held_out, context, size)).item() for _ in range(8)])
                    history.append((step, float(np.mean(recent)), float(unseen)))
                    recent.clear()
                    bar.set_postfix(loss=f"{unseen:.3f}", refresh=False)
    except KeyboardInterrupt:
        return history, False
    return history, True


def run(options):
    require("matplotlib", "tqdm")
    report = Report(options)
    try:
        where, text = load(options.text)
    except (OSError, UnicodeDecodeError) as error:
        print(f"cannot read {options.text}: {error}", file=sys.stderr)
        return 1
    if len(text) < 20 * options.context:
        print(f"{where} has {len(text)} characters, too few for a context of {options.context}", file=sys.stderr)
        return 1
    vocabulary = Vocabulary(text)
    numbers, cut = vocabulary.encode(text), int(0.9 * len(text))
    print(f"Text: {where}\n      {len(text):,} characters, {len(vocabulary)} different ones, the last tenth held out\n")

    tg.manual_seed(options.seed)
    model = GPT(len(vocabulary), options.context, options.width, options.layers)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters:,} parameters; guessing costs {math.log(len(vocabulary)):.3f} nats\n")
    steps = (30 if options.quick else 1000) if options.steps is None else options.steps
    progress = not options.no_progress
    history, finished = train(model, numbers[:cut], numbers[cut:], options.context, steps, progress)
    if not finished:
        report.stopped(f"a part of the {steps} steps")
    if history:
        print(f"training loss {history[-1][1]:.3f}\nheld-out loss {history[-1][2]:.3f} nats per character\n")

    print(vocabulary.decode(write(model, numbers[None, cut : cut + 1], options.write, options.context)))
    piece = numbers[cut : cut + min(24, options.context)]
    model(piece[None])
    maps = [np.asarray(head) for block in model.blocks for head in block.attention.weights.detach().numpy()[0]]
    letters = vocabulary.decode(piece).replace("\n", "↵").replace(" ", "·")
    if history:
        steps, training, held_out = zip(*history)
        panels = {"nats per character": {"training": training, "held out": held_out}}
        report.picture(plots.curves(panels, steps, "step"), "gpt_curve.png")
    report.picture(draw_attention(maps, letters), "gpt_attention.png")
    return report.done()


def draw_attention(maps, letters):
    """How much each character (row) attends to each earlier one (column), head by head."""
    columns = 4
    rows = -(-len(maps) // columns)
    figure = plots.new_figure(3.1 * columns, 3.3 * rows)
    for number, (axes, values) in enumerate(zip(figure.subplots(rows, columns, squeeze=False).ravel(), maps)):
        axes.imshow(values, cmap="Blues", vmin=0, vmax=1)
        axes.set_title(f"layer {number // columns + 1}, head {number % columns + 1}", fontsize=10)
        axes.set_xticks(range(len(letters)), letters, fontsize=6)
        axes.set_yticks(range(len(letters)), letters, fontsize=6)
    figure.suptitle("What each character (row) attends to", fontsize=11)
    return figure
