"""The picture of a graph alone, as operations leave it behind: of the nodes below some outputs.

The nodes are put in a topological order: operations as they were created, each leaf just before its first use.
"""

from ..engine import reachable
from ..operation import Op
from ..tensor import Tensor
from .clusters import clusters_of_calls
from .naming import Names, label_text, names_of_outputs, operand_value, setting_text, shape_text, value_text
from .picture import first_line, simplified
from .vertex import Vertex


def picture_of_graph(outputs, params=None, inputs=None, *, depth=None, roll=False, max_nodes=None):
    """The Picture of the graph from which Tensors were computed; parameters as for `graph`."""
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
    drawing = Drawing(names, clusters_of_calls(names.calls, order))
    for node in order:
        drawing.add(node)
    for name, tensor in outputs:
        drawing.add_output(name, tensor.node)
    notes = names.notes(order, {vertex.name for vertex in drawing.of_array.values()})
    return simplified(drawing.vertices, notes, names.owners, depth, roll, max_nodes)


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


class Drawing:
    """A picture of a graph in the making."""

    def __init__(self, names, cluster_of):
        self.names, self.cluster_of = names, cluster_of
        self.vertices = []
        self.of_node = {}  # node -> vertex
        self.of_array = {}  # id of a constant array -> vertex

    def add(self, node):
        if node.op is None:
            names, shape = self.names.of_leaf(node), shape_text(node.shape, node.dtype)
            vertex = Vertex(self.names.kind(node), " = ".join(names), name=names[0], shape=shape, node=node)
        else:
            vertex = self.operation(node)
        self.of_node[node] = vertex
        self.vertices.append(vertex)

    def operation(self, node):
        op = node.op
        if op.name == "select":
            label, settings = f"result {node.attributes['index']}", ""
        else:
            label, settings = label_text(op, node.attributes), setting_text(op, node.attributes)
        vertex = Vertex(
            "operation", label, name=self.names.of_result(node), operation=op.name, settings=settings,
            shape=None if node.shape is None else shape_text(node.shape, node.dtype),
            doc=first_line(op), cluster=self.cluster_of.get(node), node=node,
        )  # fmt: skip
        for index, parent in enumerate(node.parents):
            if parent is not None:
                vertex.connect(self.of_node[parent], index)
            elif isinstance(op, Op) and (op.variadic or op.operands[index] not in op.defaults):
                vertex.connect(self.constant(node, index), index)
        return vertex

    def constant(self, node, index):
        """An operand without gradient. (Optional ones are not drawn: nothing tells whether they were given.)"""
        value, shape, dtype = operand_value(node, index)
        name = None if value is None else self.names.of_constant(value)
        key = None if value is None or (value.ndim == 0 and name is None) else id(value)
        constant = self.of_array.get(key)
        if constant is None:
            single = value is not None and value.ndim == 0
            label = name if name is not None else value_text(value) if single else ""
            shape = None if shape is None or (single and name is None) else shape_text(shape, dtype)
            kind = "input" if name in self.names.inputs else "constant"
            constant = Vertex(kind, label, name=name, shape=shape, traced=False)
            self.vertices.append(constant)
            if key is not None:
                self.of_array[key] = constant
        return constant

    def add_output(self, name, node):
        vertex = Vertex("output", name, name=name, node=node)
        vertex.connect(self.of_node[node], 0)
        self.vertices.append(vertex)
