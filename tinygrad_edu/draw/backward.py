"""The backward graph beside the forward graph: for each operation one vertex that stands for its gradient rule.

It gets the gradient of the result from the rules of those that used the result, and hands on the gradients of its
operands; where several arrive at one vertex, they are added up. `tanh′` is the rule of tanh; a leaf has, instead of a
rule, its gradient.
"""

from .vertex import LEAVES, Vertex


def with_backward(picture):
    """Add the backward graph to a Picture, from the outputs to the leaves."""
    start = {operand: vertex for vertex in picture.vertices if vertex.kind == "output" for operand in vertex.operands}
    needed = {vertex for vertex in start if vertex.traced}
    users = {}
    for vertex in reversed(picture.vertices):
        if vertex in needed:
            for operand, position in zip(vertex.operands, vertex.positions):
                if operand.traced:
                    needed.add(operand)
                    users.setdefault(operand, []).append((vertex, position))
    mirrored = {}
    for vertex in reversed(picture.vertices):
        if vertex in needed:
            mirror = mirrored[vertex] = mirror_of(vertex)
            if vertex in start:
                mirror.connect(start[vertex], 0)
            for user, position in reversed(users.get(vertex, ())):
                mirror.connect(mirrored[user], position)
    picture.vertices += mirrored.values()
    both = [(source, user) for source, user in picture.loops if source in mirrored and user in mirrored]
    picture.loops += [(mirrored[user], mirrored[source]) for source, user in both]


def mirror_of(vertex):
    if vertex.kind in LEAVES:
        label = f"∂ {vertex.label}"
    else:
        label = vertex.label if vertex.kind == "gap" else f"{vertex.kind == 'module' and vertex.name or vertex.label}′"
    mirror = Vertex("gradient", label, name=vertex.name, shape=vertex.shape, cluster=vertex.cluster)
    mirror.of, mirror.times = vertex, vertex.times
    mirror.gradient, mirror.magnitude = vertex.gradient, vertex.magnitude
    return mirror
