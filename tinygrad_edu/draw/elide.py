"""Leaving out the middle of a picture that is too large, and saying so.

Vertices are in a topological order, so that one vertex, the *gap*, may stand for any stretch of it: the result is
acyclic again.
"""

from .naming import counted
from .vertex import Vertex

COUNTED = ("operation", "module", "cut", "failed", "parameter", "input", "leaf")


def elided(vertices, most):
    """The vertices, of which `most` (outputs and constants not counted) remain beside a gap."""
    order = [vertex for vertex in vertices if vertex.kind in COUNTED and (vertex.operands or vertex.traced)]
    counted_ones = set(order)
    if most is None or len(order) <= most:
        return vertices
    first = most // 2
    hidden = dict.fromkeys(order[first : len(order) - (most - first)])
    leaves = sum(vertex.kind in ("parameter", "input", "leaf") for vertex in hidden)
    parts = [(len(hidden) - leaves, "operation"), (leaves, "leaf")]
    gap = Vertex("gap", f"… {' and '.join(counted(count, kind) for count, kind in parts if count)} not shown")
    used = {operand for vertex in vertices if vertex not in hidden for operand in vertex.operands}
    shown, replacement = [], dict.fromkeys(hidden, gap)
    for vertex in vertices:
        if vertex in hidden:
            if vertex is order[first]:
                shown.append(gap)
            for operand in vertex.operands:
                if operand in counted_ones and operand not in hidden and operand not in gap.operands:
                    gap.connect(operand, len(gap.operands))
        elif vertex.operands or vertex in counted_ones or vertex in used:
            vertex.redirect(replacement)
            shown.append(vertex)
    return shown
