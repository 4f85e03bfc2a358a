"""A picture as DOT text, the language of Graphviz."""

import textwrap
from collections import Counter

from .labels import coloured, escaped_string, filling, label_html, small, table, text_html, title_of
from .naming import shape_text
from .theme import EXPLODING, VANISHING, colour_of_gradient, ink_on

FONT = "Helvetica,Arial,sans-serif"

PAGE = {
    "fontname": FONT, "fontsize": "12", "pad": "0.2",
    "nodesep": "0.28", "ranksep": "0.32", "ordering": "in",  # operands from left to right
}  # fmt: skip
BOXES = {
    "shape": "box", "fontname": FONT, "fontsize": "12",
    "margin": "0.12,0.04", "height": "0.3", "width": "0.4", "penwidth": "1.1",
}  # fmt: skip
ARROWS = {"arrowsize": "0.6", "penwidth": "0.9", "fontname": FONT, "fontsize": "8.5"}
LEGEND = {
    "parameter": "parameter", "input": "input or leaf", "operation": "operation", "module": "module",
    "cut": "leaves the graph", "failed": "failed", "output": "output", "gradient": "gradient",
}  # fmt: skip


def dot_text(picture, look):
    """DOT text of a Picture; look: a Look (see graph.py)."""
    from graphviz import Digraph

    theme = look.theme
    digraph = Digraph("graph", node_attr={**BOXES, "fontcolor": theme.ink}, edge_attr={**ARROWS, "color": theme.line})
    digraph.attr(rankdir=look.direction, bgcolor=theme.page, fontcolor=theme.ink, **PAGE)
    if len(picture.vertices) > 150:
        digraph.attr(nslimit="1", nslimit1="1")  # bounds the search for the best layout, which else takes minutes
    caption = caption_html(picture, look)
    if caption:
        digraph.attr(label=caption, labelloc="t")

    ids = {vertex: f"n{number}" for number, vertex in enumerate(picture.vertices)}
    parts = {None: digraph}
    clusters = in_clusters(picture.vertices)
    content = Counter([vertex.cluster for vertex in picture.vertices] + [cluster.around for cluster in clusters] * 2)
    lonely = {cluster for cluster in clusters if content[cluster] == 1 and cluster.times == 1}  # need no frame
    for number, cluster in enumerate(clusters):
        parts[cluster] = part = Digraph(f"cluster_{number}")
        title = text_html(title_of(cluster))
        part.attr(
            label=f"<<B>{title}</B>>" if cluster.times > 1 else f"<{title}>", labeljust="l", fontsize="10",
            fontcolor=theme.ink if cluster.times > 1 else theme.pale, margin="10",
            style="rounded,filled", penwidth="2" if cluster.times > 1 else "1", color=theme.frame,
            fillcolor=theme.clusters[cluster.depth % 2],
        )  # fmt: skip
    for vertex in picture.vertices:
        inside = vertex.cluster not in lonely
        part = parts[vertex.cluster if inside else vertex.cluster.around]
        add_vertex(part, ids[vertex], vertex, look, alone=not inside)
    for cluster in reversed(clusters):  # inner ones first
        if cluster not in lonely:
            parts[cluster.around].subgraph(parts[cluster])
    for vertex in picture.vertices:
        for operand, pick in zip(vertex.operands, vertex.picks):
            add_edge(digraph, ids, operand, vertex, pick, look)
    for source, user in picture.loops:
        kind, text = ("gradient", "round before") if user.kind == "gradient" else ("cut", "next round")
        digraph.edge(
            ids[source], ids[user], constraint="false", style="dashed", color=theme.styles[kind]["color"],
            label=f"<{small(text, theme.pale)}>",
        )  # fmt: skip
    return digraph.source


def in_clusters(vertices):
    """All clusters in which something lies, outer ones first."""
    found = {}
    for vertex in vertices:
        if vertex.cluster is not None and vertex.cluster not in found:
            for cluster in reversed(list(vertex.cluster.chain())):
                found[cluster] = None
    return list(found)


def add_vertex(part, id, vertex, look, alone):
    theme = look.theme
    if vertex.kind == "constant":
        if not vertex.label and not (look.shapes in (True, "boxes") and vertex.shape):
            part.node(id, label="", shape="point", width="0.07", color=theme.faint)
            return
        style = {"shape": "plain", "fontcolor": theme.pale}
    else:
        style = dict(theme.styles[vertex.kind])
    if vertex.repeats is not None and vertex.kind != "constant":
        style["style"] = "filled,dashed"
    if coloured(vertex, look):
        style["fillcolor"] = filling(vertex, look)
        style["fontcolor"] = ink_on(style["fillcolor"])
    if vertex.times > 1:
        style["peripheries"] = "2"
    tooltip = ": ".join(filter(None, (vertex.operation, vertex.doc))) or vertex.name or vertex.label
    part.node(id, label=label_html(vertex, look, alone), tooltip=escaped_string(tooltip), **style)


def add_edge(digraph, ids, operand, vertex, pick, look):
    theme, style = look.theme, {}
    if look.shapes == "edges" and (text := shape_of_edge(operand, pick)):
        style["label"] = f"<&nbsp;{small(text, theme.pale)}>"
    if vertex.kind == "gradient":  # laid out as the edge of the forward graph, drawn against it
        digraph.edge(ids[vertex], ids[operand], dir="back", color=theme.styles["gradient"]["color"], **style)
        return
    if operand.kind == "constant":
        style.update(color=theme.faint, arrowhead="none")
    elif not (operand.traced and vertex.traced) and vertex.kind != "failed":
        style["color"] = theme.faint
    if operand.operands:
        style["weight"] = "4"  # the way from input to output is straight; parameters stand beside it
    digraph.edge(ids[operand], ids[vertex], **style)


def shape_of_edge(operand, pick):
    """The shape of what an edge carries."""
    if pick is None or operand.kind != "operation":
        return operand.shape
    value = operand.made.results[pick]
    return f"[{pick}] {shape_text(value.shape, value.dtype)}"


# ---- above the picture


def caption_html(picture, look):
    """Title, legend and notes above the picture."""
    rows = []
    if look.title:
        rows.append(f'<FONT POINT-SIZE="16"><B>{text_html(look.title)}</B></FONT>')
    if look.legend:
        kinds = {"input" if vertex.kind == "leaf" else vertex.kind for vertex in picture.vertices}
        styles = {kind: look.theme.styles[kind] for kind in LEGEND if kind in kinds}
        rows.append(cells([(LEGEND[kind], style["fillcolor"], style["color"]) for kind, style in styles.items()]))
    if look.gradients:
        rows.append(scale_html(picture, look.theme))
    for number, note in enumerate(picture.notes):
        colour = look.theme.styles["failed"]["color"] if look.error is not None and not number else look.theme.pale
        lines = textwrap.wrap(note, 90) or [""]
        rows += [f'<FONT POINT-SIZE="10" COLOR="{colour}">{text_html(line)}</FONT>' for line in lines]
    return table(rows, spacing=2) if rows else None


def scale_html(picture, theme):
    """The legend of the colours of gradients."""
    entries = [("∇: root mean square of the gradient", theme.page, theme.page)]
    for decade in range(VANISHING, EXPLODING + 1, 2):
        sign = "≤ " if decade == VANISHING else "≥ " if decade == EXPLODING else ""
        entries.append((f"{sign}1e{decade:+d}", colour_of_gradient(theme, 10.0**decade), theme.frame))
    found = [vertex.magnitude for vertex in picture.vertices if vertex.magnitude is not None]
    if 0 in found:
        entries.append(("0", theme.zero, theme.frame))
    if any(not m < float("inf") for m in found):
        entries.append(("not finite", theme.bad, theme.frame))
    return cells(entries)


def cells(entries):
    """A row of coloured cells: (text, colour, colour of the frame)."""
    inside = "".join(
        f'<TD BGCOLOR="{fill}" COLOR="{outline}" BORDER="1" STYLE="ROUNDED">'
        f'<FONT POINT-SIZE="9" COLOR="{ink_on(fill)}">{text_html(text)}</FONT></TD>'
        for text, fill, outline in entries
    )
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="6" CELLPADDING="3"><TR>{inside}</TR></TABLE>'
