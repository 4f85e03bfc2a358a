"""What is drawn, independent of how: vertices (operations, leaves, constants, outputs), and the clusters they lie in.

The nodes below the outputs are put in a topological order: operations as they were created, each leaf just before its
first use. If there are too many, those in the middle of this order become one vertex, the *gap*. The result is acyclic
again, since edges lead only forwards in the order.
"""

from ..engine import reachable
from ..operation import Op
from ..tensor import Tensor
from .clusters import clusters_of_calls, common
from .naming import (
    Names, counted, enumeration, label_text, names_of_outputs, operand_value, setting_text, shape_text, value_text,
)  # fmt: skip
from .repeats import with_repeated_leaves
from .vertex import Vertex


class Picture:
    """Everything that is drawn.

    vertices  in topological order
    notes     sentences on what the picture does not show
    counts    how many of each kind the whole graph has, also those that are not shown
    """

    def __init__(self, vertices, notes, counts):
        self.vertices, self.notes, self.counts = vertices, notes, counts

    def contents(self):
        """'5 operations, 2 parameters, 1 output'"""
        return ", ".join(counted(count, kind) for kind, count in self.counts.items() if count)


def picture_of(outputs, params, inputs, max_nodes):
    """The Picture of what `graph` was asked for."""
    outputs = names_of_outputs(outputs)
    for name, tensor in outputs:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"graph: {name} must be a Tensor, not {type(tensor).__name__}")
        if tensor.node is None:
            raise ValueError(
                f"graph: {name}, of shape {tuple(tensor.shape)}, requires no gradient, so nothing was recorded. Give "
                "a tensor that it is computed from requires_grad=True, and compute it outside of no_grad()"
            )
    names = Names(params, inputs)
    order = in_order_of_use(reachable([tensor.node for _, tensor in outputs]))
    hidden = middle_of(order, max_nodes)
    drawing = Drawing(names, clusters_of_calls(names.calls, order), hidden)
    for node in order:
        drawing.add(node)
    for name, tensor in outputs:
        drawing.add_output(name, tensor.node)
    vertices = drawing.vertices = with_repeated_leaves(drawing.vertices)
    drawing.place_leaves()

    counts = {"operation": 0, "parameter": 0, "input": 0, "leaf": 0, "output": len(outputs)}
    for node in order:
        counts[names.kind(node)] += 1
    counts["input"] += sum(v.kind == "input" for v in drawing.of_array.values())
    constants = {vertex.name for vertex in drawing.of_array.values()}
    notes = names.notes(order, None if hidden else constants)
    repeated = list(dict.fromkeys(vertex.label for vertex in vertices if vertex.repeats is not None))
    if repeated:
        notes.append(f"drawn wherever it is used, instead of once: {enumeration(repeated)}")
    return Picture(vertices, notes, counts)


def in_order_of_use(latest_first):
    """The nodes in a topological order, each leaf just before the first operation that uses it."""
    order, placed = [], set()
    for node in reversed(latest_first):
        if node.op is not None:
            for parent in node.parents:
                if parent is not None and parent.op is None and parent not in placed:
                    placed.add(parent)
                    order.append(parent)
            order.append(node)
    order.extend(node for node in latest_first if node.op is None and node not in placed)  # outputs that are leaves
    return order


def middle_of(order, max_nodes):
    """The nodes that are left out so that `max_nodes` remain."""
    if max_nodes is None or len(order) <= max_nodes:
        return set()
    first = max_nodes // 2
    return set(order[first : len(order) - (max_nodes - first)])


class Drawing:
    """A picture in the making."""

    def __init__(self, names, cluster_of, hidden):
        self.names, self.cluster_of, self.hidden = names, cluster_of, hidden
        self.vertices = []
        self.of_node = {}  # node -> vertex; hidden nodes have the gap
        self.of_array = {}  # id of a constant array -> vertex
        self.gap, self.above_gap = None, set()
        if hidden:
            leaves = sum(node.op is None for node in hidden)
            parts = [(len(hidden) - leaves, "operation"), (leaves, "leaf")]
            text = " and ".join(counted(count, kind) for count, kind in parts if count)
            self.gap = Vertex("gap", f"… {text} not shown")

    def add(self, node):
        if node in self.hidden:
            self.add_to_gap(node)
        elif node.op is None:
            names, shape = self.names.of_leaf(node), shape_text(node.shape, node.dtype)
            self.append(node, Vertex(self.names.kind(node), " = ".join(names), name=names[0], shape=shape))
        else:
            self.add_operation(node)

    def append(self, node, vertex):
        self.of_node[node] = vertex
        self.vertices.append(vertex)

    def add_to_gap(self, node):
        gap = self.gap
        if self.vertices[-1] is not gap:
            self.vertices.append(gap)
        self.of_node[node] = gap
        for parent in node.parents:
            if parent is not None:
                operand = self.of_node[parent]
                if operand is not gap and operand not in self.above_gap:
                    self.above_gap.add(operand)
                    gap.operands.append(operand)

    def add_operation(self, node):
        op, cluster = node.op, self.cluster_of.get(node)
        if op.name == "select":
            label, settings = f"result {node.attributes['index']}", ""
        else:
            label, settings = label_text(node), setting_text(node)
        vertex = Vertex(
            "operation", label, name=self.names.of_result(node), operation=op.name, settings=settings,
            shape=None if node.shape is None else shape_text(node.shape, node.dtype),
            doc=(getattr(op, "doc", None) or "").strip().partition("\n")[0], cluster=cluster,
        )  # fmt: skip
        for index, parent in enumerate(node.parents):
            if parent is not None:
                operand = self.of_node[parent]
                if operand is not self.gap or operand not in vertex.operands:
                    vertex.operands.append(operand)
            elif isinstance(op, Op) and (op.variadic or op.operands[index] not in op.defaults):
                self.add_constant(node, index, vertex)
        self.append(node, vertex)

    def add_constant(self, node, index, user):
        """An operand without gradient. (Optional ones are not drawn: nothing tells whether they were given.)"""
        value, shape, dtype = operand_value(node, index)
        name = None if value is None else self.names.of_constant(value)
        key = None if value is None or (value.ndim == 0 and name is None) else id(value)
        constant = self.of_array.get(key)
        if constant is None:
            single = value is not None and value.ndim == 0
            label = name if name is not None else value_text(value) if single else ""
            shape = None if shape is None or (single and name is None) else shape_text(shape, dtype)
            constant = Vertex("input" if name in self.names.inputs else "constant", label, name=name, shape=shape)
            self.vertices.append(constant)
            if key is not None:
                self.of_array[key] = constant
        user.operands.append(constant)

    def add_output(self, name, node):
        vertex = Vertex("output", name, name=name)
        vertex.operands.append(self.of_node[node])
        self.vertices.append(vertex)

    def place_leaves(self):
        """Put parameters into the cluster of the module that owns them, numbers next to the operations with them."""
        calls = {}
        for cluster in dict.fromkeys(self.cluster_of.values()):
            for around in cluster.chain():
                calls.setdefault(around.path, {})[around] = None
        users = {}
        for vertex in self.vertices:
            for operand in vertex.operands:
                users.setdefault(operand, []).append(vertex)
        for vertex in users:
            owned = vertex.kind == "parameter" or vertex.label in self.names.owners
            if not owned and not (vertex.kind == "constant" and vertex.shape is None and vertex.name is None):
                continue
            of_owner = calls.get(self.names.owners.get(vertex.label), ())
            around = list(of_owner) if len(of_owner) == 1 else [user.cluster for user in users[vertex]]
            vertex.cluster = common(around)
