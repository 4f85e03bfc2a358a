"""Compares gradients with differences: the check of a well-known course, where it fails, and what to do about it.

A network of 47 parameters is checked as Andrew Ng's "Improving Deep Neural Networks" does it, by central differences
with ε = 1e-7 and ‖a - n‖ / (‖a‖ + ‖n‖), once right and once with the exercise's two mistakes. Then `check.gradients`
looks at the same network and names the line that is wrong, and both judge nine functions at which fixed steps and
tolerances fail. Written to the output folder: the error of a difference against its step, and differences at and beside
kinks.
"""

import linecache
import time

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import check, plots
from tinygrad_edu.check.noise import noise_of
from tinygrad_edu.check.scan import Line, Row, agreed, window

from . import require

SEED, SECONDS = "000", 8

EPSILON = 1e-7
RIGHT, WRONG = 1e-7, 1e-3
"""The course calls a difference below the first right and above the second wrong; between them one has to look."""

SHAPES = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}


# ---- a network with layers whose backward pass is written by hand


class Affine(tg.autograd.Function):
    """W a + b of a (n, examples), W (m, n) and b (m, 1)."""

    @staticmethod
    def forward(ctx, w, a, b):
        ctx.save_for_backward(w, a)
        return w @ a + b

    @staticmethod
    def backward(ctx, g):  # (m, examples)
        w, a = ctx.saved_tensors
        return g @ a.T, w.T @ g, g.sum(1, keepdim=True)


class TwiceTheWeight(Affine):
    """The exercise's first mistake."""

    @staticmethod
    def backward(ctx, g):
        dw, da, db = Affine.backward(ctx, g)
        return 2 * dw, da, db


class FourTimesTheBias(Affine):
    """The exercise's second mistake."""

    @staticmethod
    def backward(ctx, g):
        dw, da, db = Affine.backward(ctx, g)
        return dw, da, 4 * db


def cost(p, x, y, first=Affine, second=Affine):
    """The mean cross-entropy of a 4-5-3-1 network with relu and sigmoid, by the course's formula.

    p  name -> tensor, of SHAPES;  x  (4, examples);  y  (1, examples)
    first, second  the Function that computes the first and the second layer
    """
    a1 = first.apply(p["W1"], x, p["b1"]).relu()
    a2 = second.apply(p["W2"], a1, p["b2"]).relu()
    a3 = Affine.apply(p["W3"], a2, p["b3"]).sigmoid()
    return -(y * a3.log() + (1 - y) * (1 - a3).log()).mean()


def exercise():
    """(parameters, x, y) of the course's exercise."""
    random = np.random.RandomState(1)
    x, y = random.randn(4, 3), np.array([[1.0, 1.0, 0.0]])
    return {name: tg.tensor(random.randn(*shape)) for name, shape in SHAPES.items()}, tg.tensor(x), tg.tensor(y)


# ---- the check of the course


def dictionary_to_vector(parameters):
    return np.concatenate([p.numpy().ravel() for p in parameters.values()])


def vector_to_dictionary(vector):
    parts = np.split(vector, np.cumsum([np.prod(shape) for shape in SHAPES.values()])[:-1])
    return {name: tg.tensor(part.reshape(shape)) for (name, shape), part in zip(SHAPES.items(), parts)}


def relative_difference(a, n):
    """‖a - n‖ / (‖a‖ + ‖n‖): 0 if they are equal, 1 if they have nothing in common."""
    size = np.linalg.norm(a) + np.linalg.norm(n)
    return np.linalg.norm(a - n) / size if size else 0.0


def central_differences(f, vector, epsilon=EPSILON, progress=False):
    """(f(θ + ε eᵢ) - f(θ - ε eᵢ)) / 2ε for each element."""
    from tqdm import tqdm

    found = np.empty(vector.size)
    for i in tqdm(range(vector.size), "differences", unit="parameter", disable=not progress, ncols=88, leave=False):
        ahead, behind = vector.copy(), vector.copy()
        ahead[i] += vector.dtype.type(epsilon)
        behind[i] -= vector.dtype.type(epsilon)
        found[i] = (f(ahead) - f(behind)) / (2 * epsilon)
    return found


def course_check(layers, progress=False):
    """The relative difference for the network with these `first` and `second` layers."""
    parameters, x, y = exercise()
    for p in parameters.values():
        p.requires_grad_()
    cost(parameters, x, y, **layers).backward()
    analytic = np.concatenate([p.grad.numpy().ravel() for p in parameters.values()])

    def f(vector):
        with tg.no_grad():
            return cost(vector_to_dictionary(vector), x, y, **layers).item()

    vector = dictionary_to_vector({name: p.detach() for name, p in parameters.items()})
    return relative_difference(analytic, central_differences(f, vector, progress=progress))


def course_verdict(difference):
    return "right" if difference < RIGHT else "wrong" if not difference < WRONG else "look"


# ---- where fixed steps and tolerances fail

F32 = np.float32
LAST = np.arange(300) == 299
CASES = (  # what, f, the gradient to be judged, x, whether that is right
    ("x² at 1e9", lambda x: (x * x).sum(), lambda x: 2 * x, [1e9], True),
    ("log x at 1e-5", lambda x: np.log(x).sum(), lambda x: 1 / x, [1e-5], True),
    ("relu at 0", lambda x: np.maximum(x, 0).sum(), lambda x: (x > 0) * 1.0, [0.0], True),
    ("sin(1e4 x) at 1", lambda x: np.sin(1e4 * x).sum(), lambda x: 1e4 * np.cos(1e4 * x), [1.0], True),
    ("sin x in float32", lambda x: np.sin(x).sum(), np.cos, F32([1.0]), True),
    ("3x, gradient 3.002", lambda x: (3 * x).sum(), lambda x: 3.002 + 0 * x, [1.0], False),
    ("1e-7 x² + 3y, gradient (0, 3)", lambda x: 1e-7 * x[0] ** 2 + 3 * x[1], lambda x: np.array([0.0, 3.0]),
     [1.0, 1.0], False),
    ("|x| at 1e-9, wrong side", lambda x: np.abs(x).sum(), lambda x: -np.sign(x), [1e-9], False),
    ("300 numbers, one off by 1e-6", lambda x: (x**3).sum(), lambda x: 3 * x * x * (1 + 1e-6 * LAST),
     np.linspace(1, 2, 300), False),
)  # fmt: skip


def judge(f, gradient, x):
    """(the course's relative difference, the Report)."""
    x = np.asarray(x)
    difference = relative_difference(gradient(x), central_differences(f, x))
    return difference, check.gradients((f, gradient), x)


def good(right, verdict):
    """Whether a verdict is the one that it should be."""
    return verdict in (("right", "ok", "kink") if right else ("wrong",))


def table():
    """Prints a line for each case; returns whether the checker is right about all of them."""
    print(f"   {'':33}{'gradient':10}{'the formula':>12}  {'':8}{'check.gradients':16}")
    failed = 0
    for what, f, gradient, x, right in CASES:
        difference, report = judge(f, gradient, x)
        verdict = course_verdict(difference)
        mark = "" if good(right, verdict) else "←"
        failed += not good(right, report.verdict)
        print(f"   {what:33}{'right' if right else 'wrong':10}{difference:12.1e}  {verdict:5} {mark:2}{report.verdict}")
    print("   ← is what the formula leaves open or gets wrong")
    return not failed


# ---- pictures

CURVES = (
    ("exp x at 1", np.exp, 1.0, np.exp(1.0)),
    ("sin(10⁴ x) at 1", lambda x: np.sin(1e4 * x), 1.0, 1e4 * np.cos(1e4)),
)
LEVELS = range(-3, 47)


def scan(f, x, seed=0):
    """A Row of differences of f at x, as the checker takes them: steps 0.7 / 2ʲ for all j of LEVELS."""
    random = np.random.default_rng(seed)
    noise = noise_of(lambda t: np.array([f(x + t)]), 52, random)
    line = Line(lambda t: np.array([f(x + t)]), 45 / 64, np.array([f(x)]), abs(x))
    return Row(line, np.ones(1), noise)


def accepted(windows):
    """How many of the intervals, finest first, agree with all finer ones."""
    low, high = -np.inf, np.inf
    for count, interval in enumerate(windows):
        low, high = max(low, interval.low), min(high, interval.high)
        if low > high:
            return count
    return len(windows)


def draw_steps(path):
    """The error of central differences against the step, and the intervals that the checker makes of them."""
    figure = plots.new_figure(11, 4.6)
    for axes, (name, f, x, slope) in zip(figure.subplots(1, 2, sharey=True), CURVES):
        row = scan(f, x)
        h = np.array([row.line.step(j) for j in LEVELS])
        error = np.array([abs(row.central(j) - slope) for j in LEVELS]) / abs(slope)
        windows = [window(row, j) for j in reversed(LEVELS[:-2])]
        steps = np.array([row.line.step(w.j) for w in windows])
        bound = np.array([w.error for w in windows]) / abs(slope)
        true = np.array([abs(w.value - slope) for w in windows]) / abs(slope)
        count, chosen = accepted(windows), agreed(windows)
        at = [w.j for w in windows].index(chosen.j)

        third = (
            abs(row.central(14) - row.central(13)) / (0.75 * h[16] ** 2) / abs(slope)
        )  # |f'''/6f'| by two differences
        flat = float(row.noise) / abs(slope)
        axes.plot(
            h, third * h**2, color="#9ca3af", linewidth=1, linestyle="--", label="h² |f‴| / 6: truncation, slope 2"
        )
        axes.plot(h, flat / h, color="#9ca3af", linewidth=1, linestyle=":", label="ν / h: rounding, slope -1")
        axes.plot(
            h,
            np.maximum(error, 1e-17),
            "o-",
            color=plots.COLORS[0],
            markersize=3.5,
            linewidth=1,
            label="central difference",
        )
        axes.plot(
            steps, np.maximum(true, 1e-17), "s", color=plots.COLORS[2], markersize=3, alpha=0.8, label="extrapolated"
        )
        axes.plot(
            steps[:count], bound[:count], color=plots.COLORS[1], linewidth=1.8, label="half-width of its interval"
        )
        axes.plot(steps[count - 1 :], bound[count - 1 :], color=plots.COLORS[1], linewidth=1, alpha=0.3)
        axes.plot(
            steps[at], bound[at], "*", color=plots.COLORS[1], markersize=15, zorder=4, label="the chosen interval"
        )
        axes.axvline(EPSILON, color="black", linewidth=0.8)
        axes.text(EPSILON * 1.3, 3e-16, "ε = 10⁻⁷", fontsize=8)
        if count < len(windows):
            axes.axvspan(steps[count], h[0] * 1.5, color="#fee2e2", zorder=0)
            axes.text(steps[count] * 1.4, 3e-16, "contradicts\nfiner steps", fontsize=8, color="#991b1b")
        axes.set(
            xscale="log", yscale="log", xlabel="step h", title=name, ylim=(1e-16, 30), xlim=(h[-1] / 1.5, h[0] * 1.5)
        )
        axes.grid(color="#e5e7eb")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("relative error of the derivative")
    figure.axes[0].legend(loc="upper center", fontsize=7.5, framealpha=0.95)
    return plots.save(figure, path)


KINKS = (
    ("|x| at 0: a kink", np.abs, 0.0),
    ("|x| at 10⁻⁴: a kink beside it", np.abs, 1e-4),
    ("x |x| at 0: none", lambda x: x * np.abs(x), 0.0),
)


def draw_kinks(path):
    """One-sided quotients against the step: only at a kink their gap stays."""
    figure = plots.new_figure(11, 3.2)
    for axes, (name, f, x) in zip(figure.subplots(1, 3, sharey=True), KINKS):
        row = scan(f, x)
        levels = LEVELS[3:34]
        h = [row.line.step(j) for j in levels]
        axes.fill_between(h, [row.ahead(j) for j in levels], [row.behind(j) for j in levels], color="#e5e7eb")
        axes.plot(
            h, [row.ahead(j) for j in levels], "o-", color=plots.COLORS[0], markersize=3, label="(f(x+h) - f(x)) / h"
        )
        axes.plot(
            h, [row.behind(j) for j in levels], "o-", color=plots.COLORS[1], markersize=3, label="(f(x) - f(x-h)) / h"
        )
        axes.set(xscale="log", xlabel="step h", title=name, ylim=(-1.15, 1.15))
        axes.title.set_fontsize(10)
        axes.grid(color="#f3f4f6")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(loc="center left", fontsize=8, framealpha=0.9)
    return plots.save(figure, path)


# ---- the demo


def run(options):
    require("matplotlib", "tqdm")
    start = time.perf_counter()
    mistakes = {"first": FourTimesTheBias, "second": TwiceTheWeight}
    count = sum(int(np.prod(shape)) for shape in SHAPES.values())

    print(f"1. The course's check: {count} parameters, central differences with ε = 1e-7, ‖a - n‖ / (‖a‖ + ‖n‖).")
    print("   Below 1e-7 the gradient is right, above 1e-3 it is wrong, between them one has to look.\n")
    for name, layers in (("right network", {}), ("with the exercise's two mistakes", mistakes)):
        difference = course_check(layers, not options.no_progress)
        print(f"   {name:33}{difference:10.4e}  {course_verdict(difference)}")
    print(
        "\n   One number for all parameters. The right network misses 1e-7 because log(1 - a) cancels: rounding, seen"
    )
    print("   through a step of 1e-7. And the number does not say where the mistakes are.\n")

    print("2. check.gradients, with an interval for each element from a scan of steps:\n")
    parameters, x, y = exercise()
    reports = []
    for name, layers in (("right network", {}), ("with two mistakes", mistakes)):

        def loss(*values, layers=layers):
            return cost(dict(zip(SHAPES, values)), x, y, **layers)

        reports.append(check.gradients(loss, *parameters.values()))
        print(f"   {name}: " + str(reports[-1]).replace("\n", "\n   "))
    culprit = reports[1].culprit
    if culprit is not None:
        file, line = culprit.place.rsplit(":", 1)
        print(f"   that line: {linecache.getline(file, int(line)).strip()}")

    print("\n3. Nine gradients, right and wrong ones, and what the two checks say:\n")
    right = table()

    files = [draw_steps(f"{options.out}/gradcheck_steps.png"), draw_kinks(f"{options.out}/gradcheck_kinks.png")]
    print("\nWrote " + "\n      ".join(files))
    print(f"Time: {time.perf_counter() - start:.1f} s")
    return 0 if right and reports[0].verdict == "ok" and reports[1].verdict == "wrong" and culprit is not None else 1
