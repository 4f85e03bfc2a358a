"""Shows inception blocks: filters of several sizes side by side, joined by channels, and what bottlenecks save.

Instead of choosing between 1 × 1, 3 × 3 and 5 × 5 filters and pooling, a block computes all and joins their channels.
Large filters over many channels are dear: a 1 × 1 convolution before them, the bottleneck, makes the channels fewer.
The first table is of a block of GoogLeNet, 28 × 28 × 192 → 28 × 28 × 256; the second of networks that learn digits.
"""

import tinygrad_edu as tg
from tinygrad_edu import data, draw, nn, plots

from . import require
from .fingers import fit
from .report import Report

SEED, SECONDS = "001", 12

EPOCHS, BATCH, RATE = 5, 64, 5e-3
GOOGLENET = 192, 64, (96, 128), (16, 32), 32
"""Channels: of the input, 1 × 1, (before, of) 3 × 3, (before, of) 5 × 5, behind pooling; the block "3a"."""


def convolution(inputs, outputs, size):
    """Convolution that keeps height and width, batch normalization, ReLU."""
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class Inception(nn.Module):
    """Images (B, inputs, H, W) -> (B, channels of all four branches, H, W)."""

    def __init__(self, inputs, one, three, five, pooled, bottleneck=True):
        super().__init__()

        def large(channels, size):
            before, outputs = channels
            if not bottleneck:
                return convolution(inputs, outputs, size)
            return nn.Sequential(convolution(inputs, before, 1), convolution(before, outputs, size))

        self.one = convolution(inputs, one, 1)
        self.three, self.five = large(three, 3), large(five, 5)
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), convolution(inputs, pooled, 1))

    def forward(self, x):
        return tg.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


def inception(bottleneck):
    """Two blocks of 40 channels: scores (B, 10) of images (B, 1, 8, 8)."""
    return network(lambda n: Inception(n, 10, (8, 14), (4, 8), 8, bottleneck))


def plain(size):
    """The same with a single convolution of 40 channels instead of each block."""
    return network(lambda n: convolution(n, 40, size))


def network(block):
    """block(inputs) makes a layer with 40 channels of so many that come in."""
    return nn.Sequential(
        convolution(1, 16, 3), block(16), nn.MaxPool2d(2),  # (B, 40, 4, 4)
        block(40), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 10),
    )  # fmt: skip


NETWORKS = {
    "inception": lambda: inception(True), "without bottlenecks": lambda: inception(False),
    "only 1 × 1": lambda: plain(1), "only 3 × 3": lambda: plain(3), "only 5 × 5": lambda: plain(5),
}  # fmt: skip


def costs(model, shape):
    """Parameters of the convolutions and linear layers, and multiply-adds for one input, as text."""
    weights = sum(p.numel() for p in model.parameters() if p.ndim > 1)
    return f"{weights:,}", f"{draw.summary(model, tg.zeros(1, *shape)).multiply_adds:,}"


def googlenet():
    """Rows of the costs of a block of GoogLeNet, whole and its 5 × 5 branch, with bottlenecks and without."""
    rows = []
    for bottleneck in (False, True):
        block = Inception(*GOOGLENET, bottleneck=bottleneck)
        how = f"with{'' if bottleneck else 'out'} bottleneck"
        rows += [[f"5 × 5, {how}", *costs(block.five, (192, 28, 28))], [f"block, {how}", *costs(block, (192, 28, 28))]]
    return sorted(rows)


def run(options):
    require("matplotlib", "pygraphviz", "sklearn", "tqdm")
    report = Report(options)
    report.table(["a block of GoogLeNet", "weights", "multiply-adds"], googlenet())

    digits = data.load_digits().channels_first()
    size = BATCH if options.quick else len(digits.train_x) // BATCH * BATCH  # whole batches, for their statistics
    training = digits.train_x[:size], digits.train_y[:size]
    rows, curves = [], {"test accuracy": {}}
    for name, make in NETWORKS.items():
        tg.manual_seed(options.seed)
        model = make()
        print(f"\n{name}", flush=True)
        history = fit(model, training, digits.test, 1 if options.quick else EPOCHS, options, BATCH, RATE)
        if history.interrupted:
            report.stopped(f"{history.epochs} epochs")
            return report.done()
        curves["test accuracy"][name] = history["val_accuracy"]
        rows.append([name, *costs(model, (1, 8, 8)), f"{100 * history['val_accuracy'][-1]:.1f} %"])
    print()
    report.table(["digits", "weights", "multiply-adds", "test"], rows)
    report.picture(plots.curves(curves, xlabel="epoch"), "inception_accuracy.png")
    block = Inception(*GOOGLENET)
    x = tg.zeros(1, 192, 28, 28, requires_grad=True)  # so that the graph begins with it
    report.picture(draw.graph(block(x), {"x": x, "inception": block}, depth=2), "inception_block.svg")
    return report.done()
