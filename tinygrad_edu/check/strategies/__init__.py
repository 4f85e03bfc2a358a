"""Hypothesis strategies for testing what computes with tensors: your operations, your modules, or a library.

    from tinygrad_edu.check.strategies import operands, programs, tensors

    @given(tensors(shape=shapes(), away_from=(0.0,), requires_grad=True))
    def test_my_function(x): ...

    @given(operands("softmax"))
    def test_softmax(drawn):
        arrays, attributes = drawn

    @given(programs())
    def test_programs(program):
        check.programs.assert_program(program)

What decides which code runs (shapes, dtypes, memory layouts, indices, the operations of a program) is drawn by
hypothesis, and so are the values of small arrays; those of large ones come from a seed that hypothesis draws.
"""

try:
    import hypothesis  # noqa: F401
except ImportError as error:
    raise ImportError('tinygrad_edu.check.strategies needs hypothesis: pip install "tinygrad-edu[check]"') from error

from .arrays import arrays, dtypes, layouts, matrices, seeds, tensors
from .modules import module_inputs
from .shapes import axes, axis, broadcastable_shapes, indices, several_axes, shapes
from .table import operands, programs, tensors_or_arrays

__all__ = [
    "arrays",
    "axes",
    "axis",
    "broadcastable_shapes",
    "dtypes",
    "indices",
    "layouts",
    "matrices",
    "module_inputs",
    "operands",
    "programs",
    "seeds",
    "several_axes",
    "shapes",
    "tensors",
    "tensors_or_arrays",
]
