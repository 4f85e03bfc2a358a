"""A small network that learns without labels: where in which picture was a part cut out? Its features are of use."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.nn import functional as F

CHANNELS = (16, 32, 64, 64)
PART, CELLS = 32, (3, 4)  # height and width of a part, in pixels; a place is one of 3 × 4 cells of a picture
BATCH, RATE = 32, 4e-3


class Network(nn.Module):
    """Images (B, 3, H, W) -> scores of the places that they may show, (B, places)."""

    def __init__(self, places):
        super().__init__()
        self.blocks = nn.ModuleList([block(*sizes) for sizes in zip((3, *CHANNELS), CHANNELS)])
        self.last = nn.Linear(CHANNELS[-1], places)

    def features(self, x):
        """The pixels and what each block gives: (B, 3, H, W), (B, 16, H, W), (B, 32, H/2, W/2), (B, 64, H/4, W/4), …"""
        features = [x, self.blocks[0](x)]
        for layer in self.blocks[1:]:
            features.append(layer(F.avg_pool2d(features[-1], 2)))
        return features

    def forward(self, x):
        return self.last(self.features(x)[-1].mean((2, 3)))


def block(inputs, outputs):
    """Normalization makes all channels count alike; without zeros around an image there is no edge where it ends."""
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect", bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def parts(images, count, random):
    """(x, y): parts of images (n, 3, H, W), in changing light, (count, 3, 32, 32), and the numbers of their places."""
    n, _, height, width = images.shape
    rows, columns = CELLS
    image = random.integers(n, size=count)
    top, left = random.integers(height - PART, size=count), random.integers(width - PART, size=count)
    x = np.stack([images[i, :, y : y + PART, x : x + PART] for i, y, x in zip(image, top, left)])
    x = x * random.uniform(0.8, 1.2, (count, 1, 1, 1)) + random.uniform(-0.05, 0.05, (count, 3, 1, 1))
    cell = top * rows // (height - PART) * columns + left * columns // (width - PART)
    return tg.tensor(x).float(), tg.tensor(image * rows * columns + cell)


def learn(network, images, steps, random):
    """Train with Adam and one cycle of the learning rate to tell the places of parts; returns for each step of how many
    of its parts that was told rightly.

    images  an array (n, 3, H, W)
    steps   their numbers, with a length
    """
    optimizer = optim.Adam(network.parameters())
    cycle = optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=len(steps))
    right = []
    for _ in steps:
        x, y = parts(images, BATCH, random)
        scores = network(x)
        loss = F.cross_entropy(scores, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        cycle.step()
        right.append((scores.argmax(1) == y).float().mean().item())
    return right


def learn_nothing(network, images, steps, random):
    """Leave the filters as they are; only the means and variances of the normalization are found."""
    with tg.no_grad():
        for _ in range(steps):
            network(parts(images, BATCH, random)[0])
