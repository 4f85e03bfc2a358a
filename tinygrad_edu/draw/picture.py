"""What is drawn, independent of how: vertices (operations, leaves, constants, outputs), and the clusters they lie in.

    nodes.py, program.py   a graph, or a recorded program, as vertices in a topological order
    -> this file           large ones made small enough to look at
    -> dot.py, listing.py  pictures and text

What is done to vertices: fold.py draws modules as one box, roll.py what is repeated once; elide.py leaves out the rest.
"""

from .clusters import place_leaves
from .elide import elided
from .fold import folded
from .naming import counted, enumeration
from .repeats import with_repeated_leaves
from .roll import rolled

MANY = 60
"""More operations than this are too many to look at one by one."""


class Picture:
    """Everything that is drawn.

    vertices  in topological order
    notes     sentences on what the picture does not show
    counts    how many of each kind the whole graph has, also those that are not shown
    loops     (vertex, user of its result in the next round) of what is repeated but drawn once
    """

    def __init__(self, vertices, notes, counts, loops=()):
        self.vertices, self.notes, self.counts, self.loops = vertices, notes, counts, list(loops)

    def contents(self):
        """'5 operations, 2 parameters, 1 output'"""
        return ", ".join(counted(count, kind) for kind, count in self.counts.items() if count)


def simplified(vertices, notes, owners, depth, roll, max_nodes):
    """The Picture of these vertices.

    owners  name of a parameter or buffer -> path of its module
    depth   clusters within so many others become one box each; None: all are drawn open
    roll    whether what is repeated is drawn once; None: if there is more than a page of it
    """
    counts = dict.fromkeys(("operation", "parameter", "input", "leaf", "cut", "failed", "output"), 0)
    for vertex in vertices:
        if vertex.kind in counts:
            counts[vertex.kind] += 1
    loops = []
    place_leaves(vertices, owners)
    if depth is not None:
        vertices = folded(vertices, depth)
    if roll or roll is None and sum(bool(vertex.operands) for vertex in vertices) > MANY:
        vertices, loops, saved = rolled(vertices)
        if saved:
            notes.append(f"{saved:,} repeated operations are drawn once, with their count")
    vertices = elided(vertices, max_nodes)
    vertices = with_repeated_leaves(vertices)
    place_leaves(vertices, owners)
    again = list(dict.fromkeys(vertex.label for vertex in vertices if vertex.repeats is not None))
    if again:
        notes.append(f"drawn wherever it is used, instead of once: {enumeration(again)}")
    shown = set(vertices)
    return Picture(vertices, notes, counts, [loop for loop in loops if shown.issuperset(loop)])


def first_line(op):
    """The first line of an operation's documentation."""
    return (getattr(op, "doc", None) or "").strip().partition("\n")[0]
