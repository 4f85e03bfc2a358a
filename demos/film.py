"""Films training: pages with a slider, on which values flow forwards and gradients backwards, number by number.

First a single neuron, small enough to check every number by hand: its gradients are compared with the formulas. Then
the network that separates the petals of the flower (see that demo). Both films become pages that any browser opens,
also from disk and without a network.
"""

import math
import os
import time

import tinygrad_edu as tg
from tinygrad_edu import draw, nn, optim

from . import flower, require

SEED, SECONDS = "", 1


def neuron(steps):
    """A film of tanh(w₁ x₁ + w₂ x₂ + b), which learns to say 1, and the gradients of its first step by formula."""
    p = {name: tg.tensor(value, requires_grad=True) for name, value in (("w1", -0.5), ("w2", 1.0), ("b", 0.1))}
    x = {"x1": tg.tensor(2.0), "x2": tg.tensor(0.5), "target": tg.tensor(1.0)}

    y = math.tanh(-0.5 * 2 + 1 * 0.5 + 0.1)
    slope = 2 * (y - 1) * (1 - y * y)  # d (y - 1)² / d (w₁ x₁ + w₂ x₂ + b)
    formulas = {"w1": slope * 2, "w2": slope * 0.5, "b": slope}

    with draw.film(p, x, steps=steps, title="One neuron") as film:
        for _ in range(steps):
            y = (p["w1"] * x["x1"] + p["w2"] * x["x2"] + p["b"]).tanh()
            ((y - x["target"]) ** 2).backward()
            if len(film) == 1:
                first = {name: w.grad.item() for name, w in p.items()}
            with tg.no_grad():
                for w in p.values():
                    w -= 0.1 * w.grad
                    w.grad = None
    return film, first, formulas


def flower_film(steps):
    """A film of the first steps of the flower's network."""
    points, classes = flower.points_and_classes()
    model, cost = flower.network(), nn.BCELoss()
    optimizer = optim.SGD(model.parameters(), lr=1.2)
    with draw.film(model, {"points": points, "classes": classes}, steps=steps, title="A flower, learned") as film:
        for _ in range(steps):
            optimizer.zero_grad()
            cost(model(points), classes).backward()
            optimizer.step()
    return film


def run(options):
    require("pygraphviz")
    start, steps = time.perf_counter(), 2 if options.quick else 5
    film, gradients, formulas = neuron(steps)
    told = str(film).splitlines()
    print("\n".join(told[: next(n for n, line in enumerate(told) if line.startswith("step 2"))]))
    print("\nits gradients, and by the formula:")
    for name, expected in formulas.items():
        print(f"    {name:3} {gradients[name]:12.6f} {expected:12.6f}")
    right = all(math.isclose(gradients[name], expected, rel_tol=1e-5) for name, expected in formulas.items())

    large = flower_film(steps)
    print("\nthe flower's losses:", ", ".join([f"{step.loss:.6f}" for step in large]))
    pages = [film.save(f"{options.out}/film_neuron.html"), large.save(f"{options.out}/film_flower.html")]
    print("\nWrote " + "\n      ".join(f"{page} ({os.path.getsize(page) / 1e3:,.0f} kB)" for page in pages))
    print("Open them in a browser: space plays, ] and [ step.")
    print(f"Time: {time.perf_counter() - start:.1f} s")
    if not right:
        print("The gradients are not those of the formula.")
    return 0 if right else 1
