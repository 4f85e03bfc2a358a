"""LBFGS: steps along an estimate of Newton's direction, for losses that can be computed again and again."""

import numpy as np

from ..define import op
from ..grad_mode import enable_grad
from ..modes import state as thread
from ..tensor import of_array
from .batches import apply
from .optimizer import Optimizer, check_common
from .wolfe import strong_wolfe

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Liu & Nocedal 1989, "On the limited memory BFGS method for large scale optimization". One call of `step(closure)`
    makes up to `max_iter` iterations

        p ← p + t · d,   d = −H g

    where g is the gradient and H an estimate of the inverse of the Hessian from the last `history_size` changes of p
    and g (Nocedal & Wright, "Numerical optimization", Algorithm 7.4). The closure clears the gradients, computes the
    loss and calls backward(). For deterministic losses: with small batches, H is made of noise. All parameters form
    one group.

    lr                the length t of a step (in the first, at most lr / ‖g‖₁), or where the line search begins
    max_eval          end when the closure has been called so often; by default 1.25 · max_iter
    tolerance_grad    end when no element of g is larger
    tolerance_change  end when neither p nor the loss changes by more
    history_size      how many changes are remembered, two arrays of the size of all parameters each
    line_search_fn    "strong_wolfe" finds a t that meets Wolfe's conditions; None takes t as it is
    """

    def __init__(
        self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100,
        line_search_fn=None,
    ):  # fmt: skip
        options = dict(
            lr=lr, max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad, tolerance_change=tolerance_change, history_size=history_size,
            line_search_fn=line_search_fn,
        )  # fmt: skip
        super().__init__(params, options)

    def check(self, group):
        check_common("LBFGS", group)
        if getattr(self, "param_groups", None):
            raise ValueError("LBFGS has one group of parameters, and no options for some of them; give it one list")

    def step(self, closure):
        """Iterate until one of the limits is reached; returns the loss at the beginning.

        closure  a function that clears the gradients, computes the loss, calls backward() and returns the loss
        """
        group = self.param_groups[0]
        search = group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError(f"LBFGS: line_search_fn is 'strong_wolfe' or None, not {search!r}")
        lr, tolerance = float(group["lr"]), group["tolerance_change"]
        state = self.state[group["params"][0]]
        for name in ("func_evals", "n_iter"):
            state.setdefault(name, 0)
        first_loss = evaluate(closure)
        loss, gradient = float(first_loss), self._gradient(group)
        evaluations, iterations = 1, 0
        state["func_evals"] += 1
        if largest(gradient) <= group["tolerance_grad"]:
            return first_loss
        memory = Memory(state, group["history_size"])
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            direction = thread.quiet(memory.direction, gradient, loss)
            memory.t = t = first_length(gradient) * lr if state["n_iter"] == 1 else lr
            slope = dot(gradient, direction)
            if slope > -tolerance:
                break
            before, calls = loss, 0
            if search:
                loss, gradient, memory.t, calls = self._search(
                    group, closure, t, direction, loss, gradient, slope, group["max_eval"] - evaluations
                )
            else:
                move(group, None, direction, t)
                if iterations < group["max_iter"]:  # the last iteration needs neither
                    loss, gradient, calls = float(evaluate(closure)), self._gradient(group), 1
            evaluations += calls
            state["func_evals"] += calls
            if (
                evaluations >= group["max_eval"]
                or largest(gradient) <= group["tolerance_grad"]
                or largest(direction) * abs(memory.t) <= tolerance
                or abs(loss - before) < tolerance
            ):
                break
        memory.save()
        return first_loss

    def _gradient(self, group):
        """The gradients of all parameters as one array; zeros where there is none."""
        return np.concatenate([
            np.zeros(p.array.size, p.array.dtype) if p.grad is None else p.grad.array.reshape(-1)
            for p in group["params"]
        ])  # fmt: skip

    def _search(self, group, closure, t, direction, loss, gradient, slope, most):
        """Go along `direction`; returns loss, gradient and t there, and how often the closure was called."""
        origins = [p.array.copy() for p in group["params"]]

        def loss_and_gradient(t):
            move(group, origins, direction, t)
            return float(evaluate(closure)), self._gradient(group)

        found = strong_wolfe(loss_and_gradient, t, loss, gradient, slope, direction, group["tolerance_change"], most)
        move(group, origins, direction, found[2])
        return found


class Memory:
    """What LBFGS knows of the Hessian: changes of the gradient and of the parameters. Kept in the state of the first
    parameter under PyTorch's names."""

    def __init__(self, state, size):
        self.state, self.size = state, size
        array = lambda name: state[name].array if name in state else None
        self.last_direction, self.last_gradient = array("d"), array("prev_flat_grad")
        self.last_loss = state.get("prev_loss")
        self.t, self.scale = float(state.get("t", 0)), float(state.get("H_diag", 1))
        self.changes, self.moves = ([x.array for x in state.get(name, ())] for name in ("old_dirs", "old_stps"))
        self.inverses = [float(x) for x in state.get("ro", ())]

    def direction(self, gradient, loss):
        """Take in what the last iteration has changed, if there was one; returns −H g."""
        new = -gradient
        if self.last_gradient is not None:
            change, move = gradient - self.last_gradient, self.last_direction * self.t
            product = float(change @ move)
            if product > 1e-10:  # else the estimate would no longer be positive definite
                if len(self.changes) == self.size:
                    del self.changes[0], self.moves[0], self.inverses[0]
                self.changes.append(change)
                self.moves.append(move)
                self.inverses.append(1 / product)
                self.scale = product / float(change @ change)
            two_loops.op.kernel(new, self.changes, self.moves, self.inverses, self.scale)
        self.last_gradient, self.last_loss, self.last_direction = gradient, loss, new
        return new

    def save(self):
        """Write everything into the state."""
        tensor = lambda array: of_array(array, None)
        self.state.update(
            d=tensor(self.last_direction), t=self.t, old_dirs=[*map(tensor, self.changes)],
            old_stps=[*map(tensor, self.moves)], ro=list(self.inverses), H_diag=self.scale,
            prev_flat_grad=tensor(self.last_gradient), prev_loss=self.last_loss,
        )  # fmt: skip


@op(None, None, None, internal=True, method=False, promotes=False)
def two_loops(direction, changes, moves, inverses, scale):
    """The estimate of the inverse Hessian times `direction`, which is overwritten."""
    weights = []
    for change, move, inverse in zip(reversed(changes), reversed(moves), reversed(inverses)):
        weights.append(float(move @ direction) * inverse)
        direction -= change * weights[-1]
    direction *= scale
    for change, move, inverse, weight in zip(changes, moves, inverses, reversed(weights)):
        direction += move * (weight - float(change @ direction) * inverse)
    return direction


def dot(a, b):
    """The sum of a · b, as a Python number."""
    return float(thread.quiet(np.dot, a, b))


def largest(array):
    """The largest absolute value."""
    return float(np.abs(array).max(initial=0))


def first_length(gradient):
    """How far to go along −g when nothing is known yet: the parameters change by at most 1 in all."""
    return min(1.0, 1 / float(thread.quiet(np.sum, np.abs(gradient))))


def evaluate(closure):
    """The loss, computed with gradients."""
    with enable_grad():
        return closure()


def move(group, origins, direction, t):
    """Put all parameters at their origins + t · direction; from where they are, if `origins` is None."""
    arrays = [p.array for p in group["params"]]
    apply(lbfgs_move, "LBFGS.step", arrays, arrays if origins is None else origins, direction, t)


@op(None, None, None, internal=True, method=False, promotes=False)
def lbfgs_move(params, origins, direction, t):
    """params ← origins + t · direction, where `direction` is one array for all of them."""
    start = 0
    for param, origin in zip(params, origins):
        part = direction[start : start + param.size].reshape(param.shape)
        np.add(origin, part * t, out=param)
        start += param.size
