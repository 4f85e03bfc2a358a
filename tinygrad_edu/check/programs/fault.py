"""Looking for wrong gradients with random programs, and saying what was found as a program to run."""

import numpy as np

from ...tensor import tensor
from ..gradcheck import gradients
from .generate import operations_for_programs, random_program
from .reduce import reduced

STEP = 0.1  # how far s = 1 moves: steps of differences must not leave the domains of the operations


class Fault:
    """A program whose gradients are wrong, or that raises; `str()` of it says so and can be pasted into a file.

    program   the smallest one found;  original  the one that was drawn
    found     what the check said: a Report, or the exception
    order     1, or 2 where only the gradients of the gradients are wrong
    number    how many programs were drawn until then
    """

    def __init__(self, program, original, found, order, number):
        self.program, self.original, self.found, self.order, self.number = program, original, found, order, number

    def __str__(self):
        said = (
            str(self.found) if not isinstance(self.found, Exception) else f"{type(self.found).__name__}: {self.found}"
        )
        said = "\n".join(f"# {line}" for line in said.splitlines())
        return (
            f"# program {self.number}: {', '.join(self.program.operations)}\n{said}\n{self.program.source(self.order)}"
        )

    def __repr__(self):
        return f"<fault in {', '.join(self.program.operations)}>"


def directions(program, order=1, seed=0):
    """(fn, inputs): one number, a random combination of all outputs, as a function of one or two that move all inputs.

    f(s) = Σ w · program(x + s d), and for order 2 f(s, t) = Σ w · program(x + s d + t e). The gradient of f, and for
    order 2 that of its gradient, is wrong wherever the program's is, but for directions and weights of probability 0;
    and one or two numbers are checked many times faster than forty.
    """
    random = np.random.default_rng(seed)
    moves = [[STEP * _either_sign(x.shape, random) for x in program.inputs] for _ in range(order)]
    weights = [_either_sign(x.array.shape, random) for x in program(*map(tensor, program.inputs))]

    def along(*numbers):
        moved = program.inputs
        for number, directions in zip(numbers, moves):
            moved = [number * d + x for d, x in zip(directions, moved)]
        sums = [(x * w).sum() for x, w in zip(program(*moved), weights)]
        return sum(sums[1:], sums[0])

    return along, (np.array(0.0),) * order


def _either_sign(shape, random):
    return np.asarray(random.uniform(0.3, 1.0, shape) * random.choice((-1.0, 1.0), shape))


def check_program(program, order=1, seed=0, every_element=False, **options):
    """The Report of the gradients of a program: `gradients(program, *program.inputs, order=order)`.

    Unless every element of the inputs is asked for, the program is first checked along random `directions`, which
    settles the matter where all is well.
    """
    if not every_element:
        fn, inputs = directions(program, order, seed)
        report = gradients(fn, *inputs, order=order, seed=seed, **options)
        if report.verdict in ("ok", "kink"):
            return report
    return gradients(program, *program.inputs, order=order, seed=seed, **options)


def assert_program(program, order=1, **options):
    """Raise AssertionError if gradients of the program are wrong; its text is the report and the program to run."""
    report = check_program(program, order, **options)
    if report.verdict == "wrong":
        raise AssertionError(f"{report}\n\n{program.source(order)}")
    return report


def find_fault(check=None, programs=500, order=1, seed=0, operations=None, max_operations=8):
    """Check random programs; return the first Fault, its program made as small as can be, or None if there is none.

    check           function(program) -> Report, instead of `check_program(program, order)`
    programs        how many to try
    order           2 checks gradients of gradients, too
    seed            of the first program; the others follow from it
    operations      functions, names or entries of the table that programs are made of; by default all
    max_operations  the most steps of a program
    """
    if check is None:

        def check(program):
            return check_program(program, order)

    random = np.random.default_rng(seed)
    operations_for_programs(operations)  # complain now if there is nothing to draw from
    for number in range(1, programs + 1):
        program = random_program(random, max_operations, operations)
        kind, found = failure(check, program)
        if kind is not None:
            smallest = reduced(program, lambda smaller, kind=kind: failure(check, smaller)[0] == kind)
            return Fault(smallest, program, failure(check, smallest)[1], order, number)
    return None


def failure(check, program):
    """(what kind of failure, the report or exception) of a check; (None, report) if all is well or undecided."""
    try:
        report = check(program)
    except Exception as error:
        return type(error).__name__, error
    return ("wrong" if report.verdict == "wrong" else None), report
