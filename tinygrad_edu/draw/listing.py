"""A picture as plain text: what is given, then one line per operation in the order of computation.

%1 = matmul(x, 0.weight)    (5, 3)
"""

from .dot import visible


def listing(picture, shapes=True, title=None):
    """The text of a Picture."""
    names, rows, count, inside = {}, [], 0, None
    for vertex in picture.vertices:
        if vertex.kind == "operation":
            count += 1
            text = vertex.name or f"%{count}"
        elif vertex.kind == "gap":
            text = "…"
        else:
            text = vertex.name or vertex.label or (f"constant {vertex.shape}" if vertex.shape else "·")
        names[vertex] = visible(text)
    for vertex in picture.vertices:
        if vertex.kind in ("parameter", "input", "leaf") and vertex.repeats is None:
            rows.append((f"{visible(vertex.label)} = {vertex.kind}", vertex.shape))
    for vertex in picture.vertices:
        if vertex.kind == "operation":
            if vertex.cluster is not inside:
                rows += [("    " * cluster.depth + visible(cluster.title), None) for cluster in entered(vertex, inside)]
                inside = vertex.cluster
            depth = 0 if inside is None else inside.depth + 1
            rows.append(("    " * depth + line_of(vertex, names), vertex.shape))
        elif vertex.kind in ("output", "gap"):
            rows.append((line_of(vertex, names), None))
            inside = None
    width = min(max([len(text) for text, shape in rows if shape], default=0), 72) + 3
    lines = [f"{text:<{width}}{shape}" if shapes and shape else text for text, shape in rows]
    notes = [f"({note})" for note in picture.notes]
    return "\n".join(filter(None, (visible(title or ""), picture.contents(), *lines, *notes)))


def entered(vertex, inside):
    """The clusters around the vertex but not around the line above it, outermost first."""
    if vertex.cluster is None:
        return []
    before = set() if inside is None else set(inside.chain())
    return reversed([cluster for cluster in vertex.cluster.chain() if cluster not in before])


def line_of(vertex, names):
    operands = ", ".join([names[operand] for operand in vertex.operands])
    if vertex.kind == "gap":
        return vertex.label
    if vertex.kind == "output":
        return f"{names[vertex]} = {operands}"
    if vertex.operation == "getitem":
        return f"{names[vertex]} = {operands}{visible(vertex.label)}"
    if vertex.operation == "select":
        return f"{names[vertex]} = {vertex.label} of {operands}"
    return f"{names[vertex]} = {vertex.operation}({', '.join(filter(None, (operands, visible(vertex.settings))))})"
