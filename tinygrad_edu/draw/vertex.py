"""What a picture consists of."""

LEAVES = ("parameter", "input", "leaf", "constant")
"""The kinds of vertices to which no edges lead."""


class Vertex:
    """One thing in the picture.

    kind       "operation", "parameter", "input" (a leaf or constant that was named), "leaf", "constant", "output",
               "cut" (values leave the graph: `detach()`), "failed" (the operation that raised), "module" (a module
               whose inside is not shown), "gradient" (of the backward graph), or "gap" for what is not shown
    name       of a parameter, input, leaf, output or constant, path of a module; that given to an operation's result,
               or None
    operation  name of the operation in the table
    label      what stands in its box
    settings   its attributes, "dim=1"
    shape      "(3, 4)", "float64 (3, 4)"; None where there is none to tell
    doc        the first line of the operation's documentation
    operands   the vertices from which edges lead here, in order
    positions  for each of them which operand of the operation it is
    picks      for each of them which of its results, or None where it has one
    cluster    the call of a module within which it lies, or None
    made       what was recorded of it: the Step of an operation, the Value of a parameter, input or constant; None in
               a picture of a graph alone
    members    all that it stands for, in order: [made], or more where repetitions or a module were rolled up, or where
               an optimizer changed a parameter; in a picture of a graph alone, nodes
    times      how many equal things it stands for
    traced     whether it is part of a graph, so that gradients flow through it
    message    what a failed operation said
    repeats    the vertex of which this one is a copy, or None (see repeats.py)
    of         of a vertex of the backward graph: that of the forward graph
    gradient   d(loss)/d(result) as an array, where gradients were asked for;  magnitude  how large its elements are, of
               the largest one if the vertex stands for several (see gradients.py)
    """

    __slots__ = (
        "cluster", "doc", "gradient", "kind", "label", "made", "magnitude", "members", "message", "name", "of",
        "operands", "operation", "picks", "positions", "repeats", "settings", "shape", "times", "traced",
    )  # fmt: skip

    def __init__(
        self, kind, label, *, name=None, operation=None, settings="", shape=None, doc="", cluster=None, made=None,
        traced=True, node=None,
    ):  # fmt: skip
        self.kind, self.label, self.name, self.operation = kind, label, name, operation
        self.settings, self.shape, self.doc, self.cluster = settings, shape, doc, cluster
        self.made, self.traced = made, traced
        self.members = [each for each in (made, node) if each is not None]
        self.operands, self.positions, self.picks = [], [], []
        self.repeats = self.message = self.of = self.gradient = self.magnitude = None
        self.times = 1

    @property
    def numbers(self):
        """The shape of a leaf as numbers."""
        return self.members[0].shape if self.members else ()

    def connect(self, operand, position, pick=None):
        """Draw an edge from `operand` to this vertex."""
        self.operands.append(operand)
        self.positions.append(position)
        self.picks.append(pick)

    def redirect(self, replacement):
        """Let edges come from replacement[operand] where there is one; those that then were double, or came from the
        vertex itself, are dropped."""
        edges = zip(self.operands, self.positions, self.picks)
        self.operands, self.positions, self.picks, seen = [], [], [], set()
        for operand, position, pick in edges:
            new = replacement.get(operand, operand)
            if new is not operand and (new is self or (new, pick) in seen):
                continue
            seen.add((new, pick))
            self.connect(new, position, pick)

    def repeated(self):
        """A copy of a leaf, for users that are far from it."""
        copy = Vertex(
            self.kind, self.label, name=self.name, shape=self.shape, cluster=self.cluster, made=self.made,
            traced=self.traced,
        )  # fmt: skip
        copy.repeats, copy.members, copy.times = self, self.members, self.times
        return copy

    def __repr__(self):
        return f"<{self.kind} {self.label!r}>"
