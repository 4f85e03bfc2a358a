"""Compares deep convolutional networks with and without shortcuts: identity and convolutional blocks of a ResNet.

A block computes ReLU(F(x) + x) instead of ReLU(F(x)), F being convolution, batch normalization, ReLU, convolution,
batch normalization. The sum hands gradients on as they are, and a block has to learn only what it adds. Without it they
change by a factor at each layer: with batch normalization, which keeps them from vanishing, they grow, and 42 layers
learn worse than 6. In a convolutional block, which halves the image, a 1 × 1 convolution brings x to the shape of F(x).
"""

import tinygrad_edu as tg
from tinygrad_edu import draw, nn, plots
from tinygrad_edu.data import load_digits
from tinygrad_edu.nn import functional as F

from . import require
from .fingers import fit
from .report import Report

SEED, SECONDS = "001", 21

BLOCKS, CHANNELS = (1, 4, 10), (8, 16)  # blocks of each of two stages, and their channels
EPOCHS, BATCH, RATE = 4, 64, 4e-3


class Block(nn.Module):
    """Images (B, inputs, H, W) -> (B, outputs, H / stride, W / stride).

    An identity block if the shape stays, otherwise a convolutional block; without `shortcut` a plain one.
    """

    def __init__(self, inputs, outputs, stride=1, shortcut=True):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.shortcut = None
        if shortcut and stride == 1 and inputs == outputs:
            self.shortcut = nn.Identity()
        elif shortcut:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.path(x)
        return F.relu(y if self.shortcut is None else y + self.shortcut(x))


def network(blocks, shortcut):
    """Images (B, 1, 8, 8) -> scores (B, 10), by 2 + 4 · blocks layers with weights (1 × 1 convolutions not counted)."""
    narrow, wide = CHANNELS
    layers = [nn.Conv2d(1, narrow, 3, padding=1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU()]
    layers += [Block(narrow, narrow, shortcut=shortcut) for _ in range(blocks)]  # (B, 8, 8, 8)
    layers += [Block(narrow, wide, 2, shortcut)]  # (B, 16, 4, 4)
    layers += [Block(wide, wide, shortcut=shortcut) for _ in range(blocks - 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, 10))


def gradients_by_layer(model, x, y):
    """The root mean square of the cost's gradient of each 3 × 3 filter, from the first layer to the last."""
    norms = plots.GradientNorms(model)
    F.cross_entropy(model(x), y).backward()
    norms.note()
    model.zero_grad()
    return [norm for norm, p in zip(norms.history[0], model.parameters()) if p.ndim == 4 and p.shape[-1] == 3]


def run(options):
    require("matplotlib", "pygraphviz", "sklearn", "tqdm")
    report = Report(options)
    digits = load_digits().channels_first()
    size = BATCH if options.quick else len(digits.train_x) // BATCH * BATCH  # whole batches, for their statistics
    training, test = (digits.train_x[:size], digits.train_y[:size]), digits.test
    rows, costs, gradients = [], {}, {}
    for blocks in BLOCKS:
        for shortcut in (False, True):
            tg.manual_seed(options.seed)
            model = network(blocks, shortcut)
            name = f"{2 + 4 * blocks} layers, {'with' if shortcut else 'without'}"
            gradients[name] = gradients_by_layer(model, training[0][:BATCH], training[1][:BATCH])
            print(f"\n{name} shortcuts", flush=True)
            history = fit(model, training, test, 1 if options.quick else EPOCHS, options, BATCH, RATE)
            if history.interrupted:
                report.stopped(f"{history.epochs} epochs")
                return report.done()
            costs[name] = history["loss"]
            accuracies = [f"{100 * history[key][-1]:.1f} %" for key in ("accuracy", "val_accuracy")]
            parameters = f"{sum(p.numel() for p in model.parameters()):,}"
            rows.append([name, parameters, f"{costs[name][-1]:.4f}", *accuracies])
    print()
    report.table(["shortcuts", "parameters", "cost", "train", "test"], rows)
    panels = {"cost": costs, "gradient of the filters at first": gradients}
    report.picture(plots.curves(panels, xlabel=["epoch", "layer"], log=list(panels)), "resnet_curves.png")
    x = tg.zeros(2, 8, 8, 8, requires_grad=True)  # so that the graphs begin with it
    for name, block in {"identity": Block(8, 8), "convolutional": Block(8, 16, 2)}.items():
        report.picture(draw.graph(block(x), {"x": x, name: block}, depth=2), f"resnet_{name}.svg")
    return report.done()
