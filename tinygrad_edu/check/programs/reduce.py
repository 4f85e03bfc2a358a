"""Making a failing program small: fewer steps, fewer and smaller inputs, simpler numbers.

A result of a step is a number like any other: the step can be cut off, and its result be a new input with the same
values. That takes any fault of one rule to one step, however long the program was (Zeller & Hildebrandt 2002,
Simplifying and isolating failure-inducing input, cut inputs down in the same way, without knowing what they mean).
"""

import numpy as np

from ...tensor import Tensor
from ..operands import domain_of, suits
from .build import HUGE
from .program import Program, Step, leaf


def reduced(program, fails):
    """The smallest program found for which fails(program) is still True; fails(program) must be True for the first."""
    for step in _single_steps(program):
        if _still(step, fails):
            program = step
            break
    changed = True
    while changed:
        changed = False
        for smaller in (*_with_one_output(program), *_cuts(program)):
            if len(smaller.steps) < len(program.steps) and _still(smaller, fails):
                program, changed = smaller, True
                break
    for make in (_with_one_output, _with_smaller_sizes, _with_simpler_numbers):
        changed = True
        while changed:
            changed = False
            for smaller in make(program):
                if _size(smaller) < _size(program) and _still(smaller, fails):
                    program, changed = smaller, True
                    break
    return program


def _still(program, fails):
    try:
        return is_sound(program) and fails(program)
    except Exception:  # it cannot even run: not a smaller example of the same
        return False


def _size(program):
    digits = sum(len(repr(number)) for x in program.inputs for number in x.ravel().tolist())
    return len(program.steps), len(program.outputs), sum(x.size for x in program.inputs), digits


def states(program):
    """For each step the arrays by name, as they are before it; and the same after the last one."""
    space = program.namespace()
    run = {name: leaf(x) for name, x in zip(program.names, program.inputs)}
    found = []
    for step in (*program.steps, None):
        found.append({name: np.array(x.array) for name, x in run.items() if isinstance(x, Tensor)})
        if step is not None:
            exec(step.line(program.entries), space, run)
    return found


def is_sound(program):
    """Whether every step is smooth and well conditioned at its operands, and nothing is huge."""
    at = states(program)
    for step, before, after in zip(program.steps, at, at[1:]):
        entry = program.entries.get(step.operation)
        if _symmetric(entry, step) and not _made_symmetric(program.steps, step.operands[0]):
            return False
        operands = [before[x] if isinstance(x, str) else x for x in step.operands]
        if entry is not None and not suits(entry, operands, wide=HUGE):
            return False
        if any(x in after and not (np.abs(after[x]) <= HUGE).all() for x in step.results):
            return False
    return True


def _symmetric(entry, step):
    """Whether the operation takes a symmetric matrix, so that its elements cannot be moved one by one."""
    return entry is not None and step.text is None and domain_of(entry, 0) == "positive definite"


def _made_symmetric(steps, name):
    """The two steps t = h.mT, name = h + t that make a matrix symmetric wherever h is; None if there are none."""
    makers = {result: step for step in steps for result in step.results}
    sum_ = makers.get(name)
    if sum_ is None or sum_.operation != "add" or not all(isinstance(x, str) for x in sum_.operands):
        return None
    half, transposed = sum_.operands
    turn = makers.get(transposed)
    return [turn, sum_] if turn is not None and turn.operation == "transpose" and turn.operands[0] == half else None


def _rebuilt(program, inputs, steps, outputs):
    """The program of the steps that these outputs need; None without outputs that a step makes, or if it cannot run."""
    made = {name for step in steps for name in step.results}
    outputs = [name for name in outputs if name in made]
    if not outputs:
        return None
    try:
        return Program(list(inputs.values()), list(inputs), steps, outputs, program.entries).needed()
    except Exception:  # what was written into is a leaf now, or a view of one
        return None


def _single_steps(program):
    """Each step on its own, its operands being inputs; what writes gets a copy to write into."""
    for step, before in zip(program.steps, states(program)):
        entry, steps, reads = program.entries.get(step.operation), [step], step.reads
        if _symmetric(entry, step):
            made = _made_symmetric(program.steps, step.operands[0]) or []
            steps, reads = [*made, step], [*(made[0].reads if made else ()), *step.reads[1:]]
        inputs = {name: before[name] for name in reads if before[name].dtype.kind == "f"}
        if step.in_place:
            target = step.operands[0]
            inputs = {("start" if name == target else name): x for name, x in inputs.items()}
            steps = [Step((target,), "clone", ("start",)), step]
        yield from filter(None, [_rebuilt(program, inputs, steps, step.results)])


def _cuts(program):
    """The program without one of its steps: its results become inputs, copied if they are written into; or vanish."""
    at = states(program)
    written = {step.operands[0] for step in program.steps if step.in_place}
    inputs = dict(zip(program.names, program.inputs))
    for number in reversed(range(len(program.steps))):
        step, after = program.steps[number], at[number + 1]
        before, behind = program.steps[:number], program.steps[number + 1 :]
        if step.in_place:
            cut = _rebuilt(program, inputs, (*before, *behind), program.outputs)
        elif any(name not in after for name in step.results):
            continue
        else:
            copies, new = [], {}
            for name in step.results:
                if name in written:
                    new[f"{name}_start"] = after[name]
                    copies.append(Step((name,), "clone", (f"{name}_start",)))
                else:
                    new[name] = after[name]
            cut = _rebuilt(program, {**inputs, **new}, (*before, *copies, *behind), program.outputs)
        if cut is not None:
            yield cut


def _with_one_output(program):
    if len(program.outputs) > 1:
        for name in program.outputs:
            yield program.needed([name])


def _with_inputs(program, inputs):
    return Program(inputs, program.names, program.steps, program.outputs, program.entries)


def _with_smaller_sizes(program):
    """All dimensions of one size cut to 1 or 2, in one input or in all. What has a fixed shape inside will not run."""
    for size in sorted({n for x in program.inputs for n in x.shape if n > 1}, reverse=True):
        for less in (1, 2):
            if less < size:
                parts = [x[tuple([slice(less if n == size else n) for n in x.shape])] for x in program.inputs]
                yield _with_inputs(program, parts)
                for number, part in enumerate(parts):
                    yield _with_inputs(program, [part if i == number else x for i, x in enumerate(program.inputs)])
    for number, x in enumerate(program.inputs):
        if x.ndim:
            yield _with_inputs(program, [x[0] if i == number else other for i, other in enumerate(program.inputs)])
    if any(x.ndim for x in program.inputs):
        yield _with_inputs(program, [x[0] if x.ndim else x for x in program.inputs])


def _with_simpler_numbers(program):
    """Inputs rounded to fewer digits: all, or one of them."""
    for digits in (0, 1, 2):
        rounded = [np.round(x, digits) + 0.0 for x in program.inputs]
        yield _with_inputs(program, rounded)
        for number, part in enumerate(rounded):
            yield _with_inputs(program, [part if i == number else x for i, x in enumerate(program.inputs)])
