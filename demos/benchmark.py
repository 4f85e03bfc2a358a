"""Measures how fast it is: nanoseconds per operation, and training steps beside the same ones by hand in NumPy.

A step written by hand computes exactly what is needed and nothing else; it is the limit that a library on NumPy can
approach. The two take turns, round by round, so that a busy machine slows both alike: look at the ratios, not at the
times.

With --demos it runs whole demos instead, on this library and, the same files, on PyTorch: their times without imports
and pictures, as a table in Markdown. Where they print other numbers, both texts go to the folder --out.
"""

import statistics
import time

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

from . import positive
from .side_by_side.table import comparable, compare

SEED, SECONDS = "", 60

float32 = np.float32


# ---- one operation at a time


def operations():
    """(name, function) of typical operations on 4×4 tensors."""
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.uniform(0.5, 1.5, (4, 4)), dtype=tg.float32, requires_grad=True)
    y = tg.tensor(rng.uniform(0.5, 1.5, (4, 4)), dtype=tg.float32)
    return {
        "x + y": lambda: x + y,
        "x * y": lambda: x * y,
        "x * 2.0": lambda: x * 2.0,
        "x @ y": lambda: x @ y,
        "exp(x)": lambda: x.exp(),
        "relu(x)": lambda: x.relu(),
        "x.sum()": lambda: x.sum(),
        "x.mean(0)": lambda: x.mean(0),
        "x[0]": lambda: x[0],
        "x.reshape(2, 8)": lambda: x.reshape(2, 8),
        "softmax(x)": lambda: x.softmax(1),
    }


def time_per_call(function, seconds=0.02):
    """Seconds per call: the least of five rounds."""
    function()
    calls, best = 1, float("inf")
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            function()
        elapsed = time.perf_counter() - start
        if elapsed > seconds:
            break
        calls *= 2
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        best = min(best, (time.perf_counter() - start) / calls)
    return best


def report_operations():
    print(f"{'operation on 4×4':18s}{'forward':>12s}{'with backward':>16s}")
    for name, function in operations().items():
        g = tg.ones_like(function().detach())
        forward = time_per_call(function)
        both = time_per_call(lambda function=function, g=g: function().backward(g))
        print(f"{name:18s}{forward * 1e9:9.0f} ns{both * 1e9:13.0f} ns")


# ---- whole training steps


def step_of(model, loss_of, optimizer, inputs, labels):
    """A function that takes one training step with this library."""
    inputs, labels = tg.from_numpy(inputs), tg.from_numpy(labels)

    def ours():
        optimizer.zero_grad()
        loss_of(model(inputs), labels).backward()
        optimizer.step()

    return ours


def logistic_regression():
    """209 examples of 12,288 features, as in the courses' cat classifier; gradient descent."""
    rng = np.random.default_rng(0)
    X, y = rng.random((209, 12288), dtype=float32), rng.integers(0, 2, (209, 1)).astype(float32)

    model, loss_of = nn.Linear(12288, 1), nn.BCEWithLogitsLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.005)
    ours = step_of(model, loss_of, optimizer, X, y)

    W, b = np.zeros((12288, 1), float32), np.zeros(1, float32)

    def by_hand():
        nonlocal W, b
        probability = 1 / (1 + np.exp(-(X @ W + b)))
        np.mean(y * np.log(probability + 1e-7) + (1 - y) * np.log(1 - probability + 1e-7))
        d = (probability - y) / float32(209)
        W -= float32(0.005) * (X.T @ d)
        b -= float32(0.005) * d.sum(0)

    return ours, by_hand


def flower():
    """400 points in the plane, 2-4-1, tanh and sigmoid; gradient descent."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((400, 2)).astype(float32), rng.integers(0, 2, (400, 1)).astype(float32)

    model, loss_of = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid()), nn.BCELoss()
    optimizer = optim.SGD(model.parameters(), lr=1.2)
    ours = step_of(model, loss_of, optimizer, X, y)

    W1, b1 = rng.standard_normal((2, 4)).astype(float32), np.zeros(4, float32)
    W2, b2 = rng.standard_normal((4, 1)).astype(float32), np.zeros(1, float32)

    def by_hand():
        nonlocal W1, b1, W2, b2
        hidden = np.tanh(X @ W1 + b1)
        out = 1 / (1 + np.exp(-(hidden @ W2 + b2)))
        np.mean(y * np.log(out) + (1 - y) * np.log(1 - out))
        d2 = (out - y) / float32(400)
        d1 = (d2 @ W2.T) * (1 - hidden * hidden)
        W2 -= float32(1.2) * (hidden.T @ d2)
        b2 -= float32(1.2) * d2.sum(0)
        W1 -= float32(1.2) * (X.T @ d1)
        b1 -= float32(1.2) * d1.sum(0)

    return ours, by_hand


def mlp():
    """784-128-128-128-10 with ReLU and dropout on 32 images; Adam on 134,794 parameters."""
    rng = np.random.default_rng(0)
    X, y = rng.random((32, 784), dtype=float32), rng.integers(0, 10, 32)
    sizes = [784, 128, 128, 128, 10]

    layers = []
    for n, m in zip(sizes, sizes[1:]):
        layers += [nn.Linear(n, m), nn.ReLU(), nn.Dropout(0.5)]
    model, loss_of = nn.Sequential(*layers[:-2]), nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    ours = step_of(model, loss_of, optimizer, X, y)

    P = [(rng.standard_normal(s) / s[0] ** 0.5).astype(float32) for s in zip(sizes, sizes[1:])] + [
        np.zeros(m, float32) for m in sizes[1:]
    ]
    M, V, t, rows = [np.zeros_like(p) for p in P], [np.zeros_like(p) for p in P], 0, np.arange(32)

    def by_hand():
        nonlocal t
        activations, masks, G = [X], [], [None] * 8
        for i in range(3):
            h = np.maximum(activations[-1] @ P[i] + P[4 + i], 0)
            masks.append((rng.random(h.shape, dtype=float32) < 0.5) * float32(2))
            activations.append(h * masks[-1])
        z = activations[-1] @ P[3] + P[7]
        z -= z.max(1, keepdims=True)
        d = np.exp(z)
        d /= d.sum(1, keepdims=True)
        -np.log(d[rows, y]).mean()
        d[rows, y] -= 1
        d /= float32(32)
        for i in range(3, -1, -1):
            G[i], G[4 + i] = activations[i].T @ d, d.sum(0)
            if i:
                d = (d @ P[i].T) * ((activations[i] > 0) * masks[i - 1])
        t += 1
        c1, c2 = float32(1 - 0.9**t), float32(1 - 0.999**t)
        for p, g, m, v in zip(P, G, M, V):
            m *= float32(0.9)
            m += float32(0.1) * g
            v *= float32(0.999)
            v += float32(0.001) * (g * g)
            p -= float32(1e-3) * (m / c1) / (np.sqrt(v / c2) + float32(1e-8))

    return ours, by_hand


def report_steps(rounds):
    print(f"\n{'training step':22s}{'tinygrad_edu':>14s}{'NumPy by hand':>16s}{'ratio':>8s}")
    for build in (flower, logistic_regression, mlp):
        ours, by_hand = build()
        pairs = [(time_per_call(ours), time_per_call(by_hand)) for _ in range(rounds)]
        mine, other = (statistics.median(times) for times in zip(*pairs))
        print(f"{build.__name__.replace('_', ' '):22s}{mine * 1e6:11.1f} µs{other * 1e6:13.1f} µs{mine / other:8.2f}")


def add_arguments(parser):
    parser.add_argument(
        "--rounds",
        type=positive,
        metavar="N",
        help="how often each step, or demo, and its counterpart take turns (default: 5; demos: 1)",
    )
    parser.add_argument(
        "--demos",
        nargs="*",
        type=comparable,
        metavar="NAME",
        help="time these demos with tinygrad_edu and with PyTorch, and compare what they print; without a name all",
    )
    parser.add_argument(
        "--timeout",
        type=positive,
        default=900,
        metavar="SECONDS",
        help="with --demos: how long a run of a demo may take (default: 900)",
    )


def run(options):
    if options.demos is not None:
        return compare(options.demos, options)
    report_operations()
    report_steps(options.rounds or (1 if options.quick else 5))
    return 0
