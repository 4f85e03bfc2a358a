"""What a picture consists of."""


class Vertex:
    """One thing in the picture.

    kind       "operation", "parameter", "input" (a leaf or constant that was named), "leaf", "constant", "output",
               or "gap" for what is not shown
    name       of a parameter, input, leaf, output or constant; that given to an operation's result, or None
    operation  name of the operation in the table
    label      what stands in its box
    settings   its attributes, "dim=1"
    shape      "(3, 4)", "float64 (3, 4)"; None where there is none to tell
    doc        the first line of the operation's documentation
    operands   the vertices from which edges lead here, in order
    cluster    the call of a module within which it lies, or None
    repeats    the vertex of which this one is a copy, or None (see repeats.py)
    positions  for each of `operands`, the number of the operand of the operation; None: not known
    made       of a recording: the Step of an operation, the Value of anything else; None: drawn from bare graph nodes
    members    the Steps of a vertex that stands for several of them, or None
    """

    __slots__ = (
        "cluster", "doc", "kind", "label", "made", "members", "name", "operands", "operation", "positions", "repeats",
        "settings", "shape",
    )  # fmt: skip

    def __init__(self, kind, label, *, name=None, operation=None, settings="", shape=None, doc="", cluster=None):
        self.kind, self.label, self.name, self.operation = kind, label, name, operation
        self.settings, self.shape, self.doc, self.cluster = settings, shape, doc, cluster
        self.operands, self.repeats = [], None
        self.positions = self.made = self.members = None

    def repeated(self):
        """A copy of a leaf, for users that are far from it."""
        copy = Vertex(self.kind, self.label, name=self.name, shape=self.shape, cluster=self.cluster)
        copy.repeats = self
        return copy

    def __repr__(self):
        return f"<{self.kind} {self.label!r}>"
