"""Drawing a module as one box: collapsing the clusters below a depth.

The operations of one call are an unbroken stretch of the topological order, so that one vertex in their place leaves
the picture acyclic.
"""

from math import prod

from .clusters import chain
from .naming import counted
from .vertex import LEAVES, Vertex


def folded(vertices, depth):
    """The vertices, where each cluster that lies within `depth` others is one vertex of the kind "module".

    Parameters and constants that only this module uses are not drawn; the box says how many numbers they hold. A module
    in which an operation failed stays open.
    """
    failed = {cluster for vertex in vertices if vertex.kind == "failed" for cluster in chain(vertex.cluster)}
    inside = {}  # cluster -> its vertices
    for vertex in vertices:
        cluster = next((c for c in chain(vertex.cluster)[depth:] if c not in failed), None)
        if cluster is not None and vertex.kind not in LEAVES:
            inside.setdefault(cluster, []).append(vertex)
    boxes, replaced = {}, {}
    for cluster, within in inside.items():
        boxes[cluster] = Vertex("module", cluster.kind, name=cluster.path or None, cluster=cluster.around)
        replaced.update(dict.fromkeys(within, boxes[cluster]))
    users = {}
    for vertex in vertices:
        for operand in vertex.operands:
            users.setdefault(operand, set()).add(replaced.get(vertex, vertex))

    own = {}  # box -> leaves that nobody else uses
    for leaf, using in users.items():
        (*others, box) = using
        if leaf.kind in LEAVES and leaf.kind != "input" and not others and box.kind == "module":
            own.setdefault(box, {})[leaf] = None
    hidden = {leaf for leaves in own.values() for leaf in leaves}
    shown, last = [], {within[-1]: cluster for cluster, within in inside.items()}
    for vertex in vertices:
        if vertex in last:
            box = boxes[last[vertex]]
            fill(box, inside[last[vertex]], own.get(box, {}), users, replaced)
            shown.append(box)
        elif vertex not in replaced and vertex not in hidden:
            vertex.redirect(replaced)
            shown.append(vertex)
    return shown


def fill(box, inside, own, users, replaced):
    """Make a box what stands for the vertices inside it and the leaves of its own."""
    parameters = sum(prod(leaf.numbers) for leaf in own if leaf.kind == "parameter")
    box.settings = counted(parameters, "parameter") if parameters else ""
    results = [vertex for vertex in inside if users.get(vertex, ()) and users[vertex] != {box}]
    results = results or inside[-1:]
    box.shape = ", ".join(dict.fromkeys(vertex.shape for vertex in results if vertex.shape)) or None
    box.traced = any(vertex.traced for vertex in results)
    edges = set()
    for vertex in inside:
        box.members += vertex.members
        for operand, pick in zip(vertex.operands, vertex.picks):
            operand = replaced.get(operand, operand)
            if operand is not box and operand not in own and (operand, pick) not in edges:
                edges.add((operand, pick))
                box.connect(operand, len(box.operands), pick)
