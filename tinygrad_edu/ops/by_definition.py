"""Gradients of gradients for fused operations: through the definition, a composition of simpler operations.

A fused operation's rule is fast because it works on arrays with few calls, and so nothing of it is recorded. Where
gradients are to be recorded, the same rule asks here: the definition is computed again, as recorded operations, and a
sweep over what it leaves behind gives gradients that are recorded in turn, of any order.
"""

from ..engine import sweep
from ..tensor import of_array
from .shape import reshape


def gradients_by_definition(definition, g, operands, attributes, needs):
    """The gradient of each operand (None where it is not needed), as recorded Tensors.

    g         the gradient of the result, or a tuple of those of several
    operands  Tensors or None
    needs     for each operand whether its gradient is asked for
    """
    # Each operand gets a node of its own: one may be computed from another, and only what reaches it here counts.
    starts = [reshape(x, tuple(x.shape)) if wanted else x for x, wanted in zip(operands, needs)]
    results = definition(*starts, **attributes)
    if not isinstance(results, tuple):
        results, g = (results,), (g,)
    seeds = [(result.node, d) for result, d in zip(results, g) if result.node is not None]
    wanted = [x.node for x, asked in zip(starts, needs) if asked]
    found = iter(sweep(seeds, of_array, wanted=wanted, retain_graph=True, create_graph=True))
    return [next(found) if asked else None for asked in needs]
