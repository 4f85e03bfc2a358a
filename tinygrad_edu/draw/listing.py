"""A picture as plain text: what is given, then one line per operation in the order of computation.

%1 = matmul(x, 0.weight)    (5, 3)
"""

from .clusters import common
from .labels import visible

COMPUTED = ("operation", "module", "cut", "failed")


def listing(picture, look):
    """The text of a Picture; look: a Look (see graph.py)."""
    names, rows, inside = names_in(picture), [], None
    for vertex in picture.vertices:
        if vertex.kind in ("parameter", "input", "leaf") and vertex.repeats is None:
            rows.append((f"{visible(vertex.label)} = {vertex.kind}", facts(vertex, look)))
    for vertex in picture.vertices:
        if vertex.kind in COMPUTED:
            if vertex.cluster is not inside:
                for cluster in entered(vertex, inside):
                    carried = "".join(dict.fromkeys(loops_in(cluster, picture.loops, names)))
                    rows.append(("    " * cluster.depth + visible(cluster.title) + carried, None))
                inside = vertex.cluster
            depth = 0 if inside is None else inside.depth + 1
            rows.append(("    " * depth + line_of(vertex, names), facts(vertex, look)))
        elif vertex.kind == "gradient":
            rows.append((f"{names[vertex]} ← {' + '.join(map(names.get, vertex.operands))}", facts(vertex, look)))
        elif vertex.kind in ("output", "gap"):
            rows.append((line_of(vertex, names), None))
            inside = None
    width = min(max([len(text) for text, more in rows if more], default=0), 72) + 3
    lines = [f"{text.ljust(max(width, len(text) + 3))}{more}" if more else text for text, more in rows]
    notes = [f"({note})" for note in picture.notes]
    return "\n".join(filter(None, (visible(look.title or ""), picture.contents(), *lines, *notes)))


def facts(vertex, look):
    """What stands behind a line: the shape, and the magnitude of the gradient."""
    shape = vertex.shape if look.shapes else None
    size = f"∇ {vertex.magnitude:.1e}" if look.gradients and vertex.magnitude is not None else None
    return "   ".join(filter(None, (shape, size)))


def names_in(picture):
    """What each vertex is called in a text: vertex -> name."""
    names, count = {}, 0
    for vertex in picture.vertices:
        if vertex.kind in COMPUTED:
            count += 1
            text = f"%{count}" if vertex.kind == "module" else vertex.name or f"%{count}"
        elif vertex.kind == "gap":
            text = "…"
        elif vertex.kind == "gradient":
            text = f"∂{names[vertex.of]}"
        else:
            text = vertex.name or vertex.label or (f"constant {vertex.shape}" if vertex.shape else "·")
        names[vertex] = visible(text)
    return names


def entered(vertex, inside):
    """The clusters around the vertex but not around the line above it, outermost first."""
    if vertex.cluster is None:
        return []
    before = set() if inside is None else set(inside.chain())
    return reversed([cluster for cluster in vertex.cluster.chain() if cluster not in before])


def loops_in(cluster, loops, names):
    """What each next round takes from the one before: ": %3 takes %5 of the round before"."""
    if cluster.times > 1:
        for source, user in loops:
            repeated = [around for around in common([source.cluster, user.cluster]).chain() if around.times > 1]
            if repeated[:1] == [cluster] and user.kind != "gradient":
                yield f", {names[user]} takes {names[source]} of the round before"


def line_of(vertex, names):
    each = [operand_text(operand, pick, names) for operand, pick in zip(vertex.operands, vertex.picks)]
    operands = ", ".join(each)
    if vertex.kind == "gap":
        return vertex.label
    if vertex.kind == "output":
        return f"{names[vertex]} = {operands}"
    if vertex.operation == "getitem":
        index = ", ".join(each[1:])
        text = f"{each[0]}{visible(vertex.label)}{index and ' of ' + index}"
    elif vertex.operation == "select":
        text = f"{vertex.label} of {operands}"
    elif vertex.kind == "cut":
        text = f"{operands}.{vertex.label}"
    elif vertex.kind == "module":
        settings = f"  [{vertex.settings}]" if vertex.settings else ""
        text = f"{visible(vertex.name or vertex.label)}({operands}){settings}"
    else:
        text = f"{vertex.operation}({', '.join(filter(None, (operands, visible(vertex.settings))))})"
    times = f"  ×{vertex.times:,}" if vertex.times > 1 else ""
    if vertex.kind == "failed":
        return f"FAILED: {text}: {visible(vertex.message)}"
    return f"{names[vertex]} = {text}{times}"


def operand_text(operand, pick, names):
    """The name of an operand; "%3[1]" for one of its several results."""
    return names[operand] if pick is None or operand.kind != "operation" else f"{names[operand]}[{pick}]"
