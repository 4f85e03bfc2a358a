"""Learns to draw digits from two numbers, with a variational autoencoder, and shows all that it can draw.

Kingma & Welling 2014, "Auto-encoding variational Bayes": an encoder gives each image a normal distribution over a
plane, a decoder draws an image for each point of it. The images are MNIST where it is found, else the small set that
comes with scikit-learn. Written to the output folder: the map of the plane, where the test images lie in it,
reconstructions, and the learning curves.

Ctrl-C stops the training, not the program: what was learned so far is drawn, and the exit code is 130.
"""

import sys

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots
from tinygrad_edu.data import DataLoader, TensorDataset
from tinygrad_edu.nn import functional as F

from . import positive, require
from .digits import load
from .report import Report

SEED, SECONDS = "", 25

SETTINGS = {"bundled": {"epochs": 60, "batch_size": 32}, "mnist": {"epochs": 10, "batch_size": 128}}


def add_arguments(parser):
    add = parser.add_argument
    add("--data", choices=("auto", "bundled", "mnist"), default="auto", help="as for the demo digits (default: auto)")
    add("--epochs", type=positive, metavar="N", help="passes over the training data (default: 60, MNIST 10)")


class VAE(nn.Module):
    """Images (B, pixels) with values in [0, 1] -> logits of the reconstruction, mean and log variance of the code."""

    def __init__(self, pixels, hidden=256, code=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(hidden, code), nn.Linear(hidden, code)
        self.decoder = nn.Sequential(
            nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, pixels)
        )

    def forward(self, x):
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        code = mean + tg.exp(0.5 * log_variance) * tg.randn_like(mean)  # the reparameterisation trick (section 2.4)
        return self.decoder(code), mean, log_variance


def negative_elbo(x, logits, mean, log_variance):
    """(reconstruction error, Kullback–Leibler divergence from N(0, 1)), per image, in nats; their sum is to become
    small.

    The divergence in closed form: −½ Σ (1 + log σ² − μ² − σ²) (Kingma & Welling, appendix B).
    """
    error = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    return error / len(x), divergence / len(x)


def train(model, images, epochs, batch_size, progress=True):
    """Adam. Returns ([(epoch, reconstruction error, divergence)], whether all epochs were run)."""
    from tqdm import tqdm

    loader = DataLoader(TensorDataset(images), batch_size=batch_size, shuffle=True)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    history = []
    try:
        with tqdm(range(1, epochs + 1), "training", unit="epoch", disable=not progress, ncols=88) as bar:
            for epoch in bar:
                totals = np.zeros(2)
                for (x,) in loader:
                    error, divergence = negative_elbo(x, *model(x))
                    optimizer.zero_grad()
                    (error + divergence).backward()
                    optimizer.step()
                    totals += error.item() * len(x), divergence.item() * len(x)
                history.append((epoch, *(totals / len(images))))
                bar.set_postfix(nats=f"{totals.sum() / len(images):.2f}", refresh=False)
    except KeyboardInterrupt:
        return history, False
    return history, True


def run(options):
    require("sklearn", "matplotlib", "tqdm")
    report = Report(options)
    try:
        name, why, ((train_x, _), (test_x, test_y)) = load(options.data)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    count, height, width = train_x.shape
    print(f"Data: {'MNIST' if name == 'mnist' else 'bundled digits of scikit-learn'} ({why})")
    print(f"      {count:,} images of {height}×{width} pixels to train with, {len(test_x):,} to test with\n")

    tg.manual_seed(options.seed)
    model = VAE(height * width)
    settings = dict(SETTINGS[name])
    settings["epochs"] = options.epochs or (2 if options.quick else settings["epochs"])
    history, finished = train(model, train_x.flatten(1), **settings, progress=not options.no_progress)
    if not finished:
        report.stopped(f"{len(history)} of {settings['epochs']} epochs")
    with tg.no_grad():
        x = test_x.flatten(1)
        logits, mean, log_variance = model(x)
        error, divergence = [value.item() for value in negative_elbo(x, logits, mean, log_variance)]
        drawn = model.decoder(grid(15)).sigmoid().reshape(-1, height, width)
    print(f"test: {error:.2f} nats to draw an image, {divergence:.2f} nats to say which; ", end="")
    print(f"together {error + divergence:.2f}")

    title = "What each point of the plane is drawn as"
    report.picture(plots.images(drawn.numpy(), columns=15, title=title), "vae_map.png")
    report.picture(draw_codes(mean.numpy(), test_y.numpy()), "vae_codes.png")
    pairs = np.concatenate([test_x[:8].numpy(), logits[:8].sigmoid().reshape(8, height, width).numpy()])
    title = "Test images, and below what is left of them in two numbers"
    report.picture(plots.images(pairs, title=title), "vae_pairs.png")
    if history:
        epochs, errors, divergences = zip(*history)
        panels = {"reconstruction, nats": {"training": errors}, "divergence, nats": {"training": divergences}}
        report.picture(plots.curves(panels, epochs, "epoch"), "vae_curves.png")
    return report.done()


def grid(size):
    """size² points of the plane, which divide the normal distribution into parts of equal probability: (size², 2)."""
    steps = np.sqrt(2) * tg.erfinv(2 * (tg.arange(size) + 0.5) / size - 1).numpy()
    x, y = np.meshgrid(steps, -steps)
    return tg.tensor(np.stack([x.ravel(), y.ravel()], 1), dtype=tg.float32)


def draw_codes(codes, labels):
    """Where the test images lie in the plane, coloured by digit."""
    from matplotlib import colormaps

    figure = plots.new_figure(6.2, 5.2)
    axes = figure.subplots()
    for digit in range(10):
        axes.scatter(*codes[labels == digit].T, s=8, color=colormaps["tab10"](digit), label=str(digit), linewidth=0)
    axes.set(
        title="Where the encoder puts the test images", xlabel="first number", ylabel="second number", aspect="equal"
    )
    axes.legend(frameon=False, markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
