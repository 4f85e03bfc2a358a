"""Learns the law behind a spiral from 30 noisy points: a neural ordinary differential equation.

A small network is the right-hand side of dy/dt = f(y) (Chen et al. 2018, "Neural ordinary differential equations"). Its
trajectories are computed with the classical Runge–Kutta method, and L-BFGS makes them pass through the points: from
each point to the next few ones. The gradient comes either from the recorded steps of the solver, or from the adjoint
equation, which is solved backwards in time and keeps none of them: a custom Function. The demo compares the two.
Written to the output folder: the trajectory with the learnt field of arrows, and the learning curve.

Ctrl-C stops the training, not the program: what was learned so far is drawn, and the exit code is 130.
"""

import time

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots
from tinygrad_edu.nn.utils import parameters_to_vector

from . import positive, require

SEED, SECONDS = "", 12

TRUE = np.array([[-0.1, 2.0], [-2.0, -0.1]])  # dy/dt = y³ · TRUE, the spiral of the paper's experiments
PIECE = 6
"""How many points the trajectories to be fitted pass through. One through all points would first have to find them."""


def add_arguments(parser):
    add = parser.add_argument
    add("--steps", type=positive, metavar="N", help="steps of L-BFGS (default: 100)")
    add("--adjoint", action="store_true", help="gradients from the adjoint equation instead of the recorded steps")


class Field(nn.Module):
    """f: points (..., 2) -> velocities (..., 2). It looks at y³, as the true law does, through 24 units."""

    def __init__(self, hidden=24):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))

    def forward(self, y):
        return self.net(y**3)


def runge_kutta(f, y, h):
    """y after a time h: a step of the classical fourth-order method. y may be a tuple of tensors, for f with as many
    results."""
    single = not isinstance(y, tuple)
    y = (y,) if single else y

    def slope(*at):
        k = f(*at)
        return (k,) if single else k

    def moved(k, step):
        return [a + step * b for a, b in zip(y, k)]

    k1 = slope(*y)
    k2 = slope(*moved(k1, h / 2))
    k3 = slope(*moved(k2, h / 2))
    k4 = slope(*moved(k3, h))
    after = tuple(a + h / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in zip(y, k1, k2, k3, k4))
    return after[0] if single else after


def trajectory(f, start, times, substeps=4):
    """The solutions at `times` for one or many starts (..., 2): (len(times), ..., 2), with `substeps` steps between two
    times."""
    points = [start]
    for t0, t1 in zip(times, times[1:]):
        y = points[-1]
        for _ in range(substeps):
            y = runge_kutta(f, y, (t1 - t0) / substeps)
        points.append(y)
    return tg.stack(points)


class Adjoint(tg.autograd.Function):
    """The same trajectory, whose gradient solves the adjoint equation backwards and needs no recorded steps.

    With a(t) = dL/dy(t):  da/dt = −aᵀ ∂f/∂y  and  dL/dθ = −∫ aᵀ ∂f/∂θ dt, from the last time to the first; a jumps by
    dL/dy(tᵢ) at each observed time (Chen et al. 2018, algorithm 1 and appendix B).
    """

    @staticmethod
    def forward(ctx, field, times, start, *parameters):
        with tg.no_grad():
            points = trajectory(field, start, times)
        ctx.field, ctx.times = field, times
        ctx.save_for_backward(points)
        return points

    @staticmethod
    @tg.autograd.function.once_differentiable
    def backward(ctx, gradient):
        (points,) = ctx.saved_tensors
        parameters = list(ctx.field.parameters())

        def backwards(y, a, *_):  # d/dt of (y, a, dL/dθ)
            with tg.enable_grad():
                y = y.detach().requires_grad_()
                velocity = ctx.field(y)
                a_dy, *a_dp = tg.autograd.grad(velocity, [y, *parameters], a)
            return velocity.detach(), -a_dy, *[-d for d in a_dp]

        a, sums = gradient[-1], [tg.zeros_like(p) for p in parameters]
        for i in range(len(ctx.times) - 1, 0, -1):
            state = (points[i], a, *[s.detach() for s in sums])
            for _ in range(4):
                state = runge_kutta(backwards, state, (ctx.times[i - 1] - ctx.times[i]) / 4)
            _, a, *sums = state
            a = a + gradient[i - 1]
        return None, None, a, *sums


def solve(field, start, times, adjoint):
    return Adjoint.apply(field, times, start, *field.parameters()) if adjoint else trajectory(field, start, times)


def train(field, times, points, steps, adjoint, progress=True):
    """L-BFGS with strong Wolfe line search on the mean squared distance. Returns (losses, whether it finished)."""
    pieces = pieces_of(points)
    from tqdm import tqdm

    optimizer = optim.LBFGS(field.parameters(), lr=1.0, max_iter=4, line_search_fn="strong_wolfe")
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = (solve(field, pieces[0], times[:PIECE], adjoint) - pieces).square().mean()
        loss.backward()
        return loss

    try:
        with tqdm(range(steps), "training", unit="step", disable=not progress, ncols=88) as bar:
            for _ in bar:
                losses.append(optimizer.step(closure).item())
                bar.set_postfix(loss=f"{losses[-1]:.2e}", refresh=False)
    except KeyboardInterrupt:
        return losses, False
    return losses, True


def pieces_of(points):
    """(PIECE, number of pieces, 2): from each point to the next ones."""
    return tg.stack([points[i : len(points) - PIECE + 1 + i] for i in range(PIECE)])


def compare(field, times, points):
    """The largest difference between the two gradients, divided by their largest element."""
    pieces, found = pieces_of(points), []
    for adjoint in (False, True):
        field.zero_grad()
        (solve(field, pieces[0], times[:PIECE], adjoint) - pieces).square().mean().backward()
        found.append(parameters_to_vector([p.grad for p in field.parameters()]).numpy())
    field.zero_grad()
    return float(np.abs(found[0] - found[1]).max() / np.abs(found[0]).max())


def run(options):
    require("matplotlib", "tqdm")
    start = time.perf_counter()
    tg.manual_seed(options.seed)
    times = np.linspace(0, 6, 30).tolist()
    law = tg.tensor(TRUE)
    fine = np.linspace(0, times[-1], 10 * (len(times) - 1) + 1).tolist()
    truth_drawn = trajectory(lambda y: y**3 @ law, tg.tensor([1.6, 0.0], dtype=tg.float64), fine)
    truth = truth_drawn[::10]
    points = truth + 0.03 * tg.randn(truth.shape, dtype=tg.float64)
    field = Field().double()
    print(f"{len(points)} points of a spiral, noise of 0.03; {sum(p.numel() for p in field.parameters())} parameters\n")

    difference = compare(field, times, points)
    print(f"The gradients of the recorded steps and of the adjoint equation differ by {difference:.1e}, relatively")
    steps = options.steps or (5 if options.quick else 100)
    losses, finished = train(field, times, points, steps, options.adjoint, not options.no_progress)
    if not finished:
        print(f"\nStopped by Ctrl-C after {len(losses)} of {steps} steps. What was learned so far:")
    with tg.no_grad():
        learnt = trajectory(field, points[0], fine, 1).numpy()
        away = (trajectory(field, truth[0], times) - truth).square().sum(1).sqrt().mean().item()
    if losses:
        print(f"mean squared distance from the next points {losses[-1]:.5f} (noise alone: {0.03**2:.5f})")
    print(f"mean distance from the true spiral         {away:.4f}\n")

    files = [draw_field(f"{options.out}/ode_field.png", field, truth_drawn.numpy(), points.numpy(), learnt)]
    if losses:
        panels = {"mean squared distance": {"training": losses}}
        files.append(plots.save(plots.curves(panels, log=list(panels)), f"{options.out}/ode_curve.png"))
    print("Wrote " + "\n      ".join(files))
    print(f"Time: {time.perf_counter() - start:.1f} s")
    return 0 if finished else 130


def draw_field(path, field, truth, points, learnt):
    """The points, the learnt trajectory and the learnt velocities around it."""
    x, y = np.meshgrid(np.linspace(-2.3, 2.3, 24), np.linspace(-2.3, 2.3, 24))
    with tg.no_grad():
        arrows = field(tg.tensor(np.stack([x, y], -1))).numpy()
    length = np.linalg.norm(arrows, axis=-1, keepdims=True)
    arrows = arrows / np.maximum(length, 1e-9)
    figure = plots.new_figure(6.2, 5.4)
    axes = figure.subplots()
    drawn = axes.quiver(x, y, *arrows.transpose(2, 0, 1), np.log10(length[..., 0] + 1e-3), cmap="GnBu", scale=30)
    axes.plot(*truth.T, color="black", linewidth=1, linestyle=":", label="true spiral")
    axes.plot(*learnt.T, color=plots.COLORS[1], linewidth=1.8, label="learnt")
    axes.scatter(*points.T, color=plots.COLORS[0], s=18, zorder=3, label="points to learn from")
    axes.set(title="The law that was learnt: where each point moves", xlabel="y₁", ylabel="y₂", aspect="equal")
    axes.legend(loc="upper right", framealpha=0.9, fontsize=8)
    figure.colorbar(drawn, label="log₁₀ of the velocity")
    return plots.save(figure, path)
