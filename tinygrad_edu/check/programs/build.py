"""From choices to a program: operations are put one after another, each on operands that fit it.

A step is taken only if the operation is smooth and well conditioned at its operands (`operands.suits`) and its results
are finite and not huge; otherwise its operands are squashed into the domain, or new inputs take their place. So every
choice gives a program that a gradient check can decide. Choice 0 for an operand is a new input: what hypothesis makes
smaller falls apart into steps that have nothing to do with one another, and those that do no harm can be left out.
"""

import math
from dataclasses import replace

import numpy as np

from ...autograd import grad
from ...define import OPS
from ...errors import OverwrittenError
from ...tensor import Tensor
from ..operands import domain_of, operands_of, suits
from .fitting import MOST
from .program import Program, Step, leaf
from .written import WRITTEN

HUGE = 1e3  # results larger than that are not kept
STEEP = 1e4  # nor are programs with gradients larger than that
FLAT = 2e-3  # nor are elementwise steps with derivatives smaller than that, unless they are 0
PROBE = 1e-6  # how far an operand is moved to see that
WIDE = 4.0  # operands of operations that take any number lie between -WIDE and WIDE
INPUTS = 60  # elements of all inputs together
BYTES = 24  # for each step: more choices than that are 0


class Unfit(Exception):
    """A step that cannot be taken; another one is."""


class Builder:
    """A program that grows: its tensors as they are so far, in `run`, and the steps that made them."""

    def __init__(self, most, entries):
        self.most, self.entries = most, {**OPS, **entries}
        self.inputs, self.steps, self.run, self.pool = {}, [], {}, []
        self.count = 0
        self.space = Program([], [], [], []).namespace()

    # ---- names and inputs

    def new_name(self):
        self.count += 1
        return f"v{self.count}"

    def add_input(self, array):
        if array.size + sum(x.size for x in self.inputs.values()) > INPUTS:
            raise Unfit("too many inputs")
        name = self.new_name()
        self.inputs[name] = array
        self.run[name] = leaf(array)
        self.pool.append(name)
        return name

    def array(self, name):
        return self.run[name].array

    # ---- steps

    def take(self, step):
        """Run a step and keep it; Unfit if its results are no good."""
        if len(self.steps) >= self.most:
            raise Unfit("enough steps")
        call = self.entries[step.operation].call
        self.space[call.__name__] = call
        expression = step.line(self.entries).split(" = ", 1)[1]
        value = eval(expression, self.space, self.run)
        values = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(x, Tensor) for x in values) or not any(x.requires_grad for x in values):
            raise Unfit("not differentiable")
        for x in values:
            if x.array.size > 2 * MOST or not (np.abs(x.array) <= HUGE).all():
                raise Unfit("huge or not finite")
        names = tuple([self.new_name() for _ in values])
        self.steps.append(replace(step, results=names))
        for name, x in zip(names, values):
            self.run[name] = x
            if x.requires_grad and x.array.dtype == np.float64:
                self.pool.append(name)
        return names

    def write(self, step):
        """Run a step that writes, unless something needs the old value: then Unfit, and nothing has happened."""
        if len(self.steps) >= self.most:
            raise Unfit("enough steps")
        self.steps.append(step)
        try:
            exec(step.line(self.entries), self.space, self.run)
            legal = all((np.abs(self.array(name)) <= HUGE).all() for name in self.pool)
        except RuntimeError:
            legal = False  # a view of an input, or a write that overlaps itself
        if legal and not self.needs_old_value():
            return
        self.steps.pop()
        self.replay()
        raise Unfit("its old value is needed")

    def needs_old_value(self):
        """Whether the backward pass refuses because of what was overwritten. Other errors are for the check to find."""
        try:
            gradients_of(self.run, self.inputs, self.pool)
        except OverwrittenError:
            return True
        except Exception:
            return False
        return False

    def replay(self):
        """Compute everything again."""
        self.run = {name: leaf(x) for name, x in self.inputs.items()}
        for step in self.steps:
            exec(step.line(self.entries), self.space, self.run)

    def mark(self):
        return len(self.steps), len(self.pool), dict(self.inputs)

    def back_to(self, mark):
        steps, pool, inputs = mark
        changed = any(step.in_place for step in self.steps[steps:])
        del self.steps[steps:], self.pool[pool:]
        self.inputs = inputs
        if changed:
            self.replay()

    # ---- operands

    def pick(self, choices, one_in=8, fits=lambda name: True):
        """The name of a tensor that fits, of recent ones rather than old ones; None for a new input."""
        number = choices.below(one_in)
        fitting = [name for name in reversed(self.pool) if fits(name)] if number else ()
        return fitting[(number - 1) % len(fitting)] if fitting else None

    def pick_of_shape(self, choices, shape):
        """The name of a tensor of that shape, or of one that a reshape gives it; None for a new input."""
        name = self.pick(choices, 4, lambda name: self.array(name).shape == shape)
        if name is None and choices.below(4) == 3:
            name = self.pick(choices, 4, lambda name: self.array(name).size == math.prod(shape))
            if name is not None:
                (name,) = self.take(Step((), "reshape", (name,), {"shape": shape}))
        return name

    def fill(self, entry, operands, choices, attributes):
        """Names for all operands, given names, shapes, constants and None; at which the operation suits.

        Tensors that do not suit are squashed into the domain, or else new inputs take their places.
        """
        seed = choices.below(65536)
        shapes = [self.array(x).shape if isinstance(x, str) else x for x in operands]
        for attempt in range(6):
            mark = self.mark()
            try:
                fresh = operands_of(entry, shapes, np.random.default_rng(seed + attempt))
                names = []
                for number, (operand, x) in enumerate(zip(operands, fresh)):
                    reused = isinstance(operand, str) and attempt < 2
                    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or isinstance(operands[number], np.ndarray):
                        names.append(x)
                    elif reused and attempt == 1:
                        names.append(self.squashed(operand, domain_of(entry, number)))
                    elif reused:
                        names.append(operand)
                    else:
                        names.append(self.new_operand(x, domain_of(entry, number), plainer=attempt == 2))
                values = [self.array(x) if isinstance(x, str) else x for x in names]
                if suits(entry, values, WIDE) and not is_saturated(entry, values, attributes):
                    return tuple(names)
            except Unfit:
                pass
            self.back_to(mark)
        raise Unfit("no operands")

    def new_operand(self, x, domain, plainer):
        """A new input with short numbers; a positive definite matrix as the sum of an input and its transpose."""
        if domain == "positive definite" and x.ndim >= 2:
            half = self.add_input(np.round(away_from_zero(x, domain) / 2, 2))
            (transposed,) = self.take(Step((), "transpose", (half,), {"dim0": -2, "dim1": -1}))
            return self.take(Step((), "add", (half, transposed)))[0]
        return self.add_input(np.round(away_from_zero(x, domain), 1 if plainer else 2))

    def squashed(self, name, domain):
        """The tensor's values moved smoothly into the interval."""
        if domain is None or isinstance(domain, str):
            raise Unfit("no interval")
        if not (np.abs(self.array(name)) <= WIDE).all():
            raise Unfit("tanh would be flat there")
        low, high = domain
        if low < 0 < high and -low == high:
            (name,) = self.take(Step((), "tanh", (name,)))
            return name if high < 1 else self.take(Step((), "mul", (name, 0.9 * high)))[0]
        (name,) = self.take(Step((), "sigmoid", (name,)))
        (name,) = self.take(Step((), "mul", (name, float(np.round(0.9 * (high - low), 3)))))
        return self.take(Step((), "add", (name, float(np.round(low + 0.05 * (high - low), 3)))))[0]


def away_from_zero(x, domain):
    """Matrices without zeros, where LAPACK may flip the signs of singular vectors and eigenvectors."""
    return np.where(np.abs(x) < 0.06, np.where(x < 0, -0.08, 0.08), x) if isinstance(domain, str) and x.ndim >= 2 else x


def is_saturated(entry, operands, attributes):
    """Whether an elementwise operation hardly changes with an operand, so that its derivative drowns in rounding.

    A derivative that is exactly 0 is no trouble.
    """
    if not entry.elementwise or entry.name in WRITTEN:
        return False
    result = entry.call(*operands, **attributes)
    for number, x in enumerate(operands):
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            moved = entry.call(*operands[:number], x + PROBE, *operands[number + 1 :], **attributes)
            slope = np.abs(moved - result) / PROBE
            if ((slope > 0) & (slope < FLAT)).any():
                return True
    return False


def gradients_of(run, inputs, outputs):
    """The gradients of the sum of all outputs: arrays. Raises what the backward pass raises."""
    roots = [run[name] for name in outputs]
    start = [leaf(np.ones(x.shape)).detach() for x in roots]
    found = grad(roots, [run[name] for name in inputs], start, retain_graph=True, materialize_grads=True)
    return [g.array for g in found]
