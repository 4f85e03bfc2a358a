"""Does a test suite catch wrong gradients? `python -m tinygrad_edu.check mutants --help`.

A *mutant* is an operation with one fault in its gradient, made from the table of operations: a wrong sign, a factor
that is missing in the rule's source, a kept array that has changed since, ... The tests should fail with it; if they
pass, they would not notice that mistake. The idea is DeMillo, Lipton & Sayward's ("Hints on test data selection:
help for the practicing programmer", Computer 11(4), 1978).

    subjects       operations and custom Functions as something to plant faults into
    faults         the faults of rules, `engine_faults` those of the engine, `rewriting` changes the source of rules
    worker         runs tests in a process of its own: all of them to see what they compute, or some with a fault
    processes      makes such processes: by fork after one collection, or by starting Python where there is no fork
    runner         decides what is run, in which order, and for how long
    explanations   the file that says which mutants no test can notice, and why
    report         what is printed and written
"""

from .engine_faults import ENGINE_FAULTS, Engine
from .faults import KINDS, Fault, faults_of
from .subjects import CustomFunction, TableOperation, same

__all__ = ["ENGINE_FAULTS", "KINDS", "CustomFunction", "Engine", "Fault", "TableOperation", "faults_of", "same"]
