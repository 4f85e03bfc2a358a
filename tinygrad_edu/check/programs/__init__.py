"""Random differentiable programs, to test gradients with: `random_program`, `find_fault`, `check_program`.

    fault = find_fault(operations=["mul", "exp", my_operation])
    print(fault)            # None, or the smallest program that shows it, as Python to paste

A Program is data: inputs with their values, steps, outputs. It is called like a function of tensors, and written as
Python that gives the same values to the last bit. `check.strategies.programs()` draws them with hypothesis.
"""

from .fault import Fault, assert_program, check_program, directions, find_fault
from .generate import operations_for_programs, program_from, random_program
from .program import Program, Step
from .reduce import reduced

__all__ = [
    "Fault",
    "Program",
    "Step",
    "assert_program",
    "check_program",
    "directions",
    "find_fault",
    "operations_for_programs",
    "program_from",
    "random_program",
    "reduced",
]
