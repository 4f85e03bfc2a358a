"""A picture as DOT text, the language of Graphviz."""

from html import escape

FONT = "Helvetica,Arial,sans-serif"
INK, PALE = "#2b2f36", "#6b7280"

# Calm colours that also differ when printed in grey; the shapes differ as well.
STYLES = {
    "operation": {"fillcolor": "#ffffff", "color": "#8b93a1", "style": "rounded,filled"},
    "parameter": {"fillcolor": "#d9e7f5", "color": "#47719c", "style": "filled"},
    "leaf": {"fillcolor": "#fbefcd", "color": "#b08a1e", "style": "filled"},
    "input": {"fillcolor": "#fbefcd", "color": "#b08a1e", "style": "filled"},
    "output": {"fillcolor": "#f6d8d0", "color": "#b0503a", "style": "rounded,filled", "penwidth": "1.8"},
    "constant": {"shape": "plain", "fontcolor": PALE},
    "gap": {"fillcolor": "#f1f2f4", "color": "#8b93a1", "style": "rounded,dashed,filled"},
}
PAGE = {
    "bgcolor": "#ffffff", "fontname": FONT, "fontsize": "12", "fontcolor": INK, "pad": "0.2",
    "nodesep": "0.28", "ranksep": "0.32", "ordering": "in",  # operands from left to right
}  # fmt: skip
BOXES = {
    "shape": "box", "fontname": FONT, "fontsize": "12", "fontcolor": INK,
    "margin": "0.12,0.04", "height": "0.3", "width": "0.4", "penwidth": "1.1",
}  # fmt: skip
ARROWS = {"color": PALE, "arrowsize": "0.6", "penwidth": "0.9"}
FAINT = {"color": "#a3a9b4", "arrowhead": "none"}  # from a constant
DOT = {"shape": "point", "width": "0.07", "color": "#a3a9b4"}  # a constant of which nothing is known
LEGEND = {"parameter": "parameter", "input": "input or leaf", "operation": "operation", "output": "output"}


def dot_text(picture, direction, shapes, title, legend):
    """DOT text of a Picture."""
    from graphviz import Digraph

    digraph = Digraph("graph", node_attr=BOXES, edge_attr=ARROWS)
    digraph.attr(rankdir=direction, **PAGE)
    if len(picture.vertices) > 150:
        digraph.attr(nslimit="2", nslimit1="2")  # bounds the search for the best layout, which else takes minutes
    caption = caption_html(picture, title, legend)
    if caption:
        digraph.attr(label=caption, labelloc="t")

    ids = {vertex: f"n{number}" for number, vertex in enumerate(picture.vertices)}
    parts = {None: digraph}
    clusters = in_clusters(picture.vertices)
    for number, cluster in enumerate(clusters):
        parts[cluster] = part = Digraph(f"cluster_{number}")
        part.attr(
            label=f"<{text_html(cluster.title)}>", labeljust="l", fontsize="10", fontcolor=PALE, margin="10",
            style="rounded,filled", color="#c3cad5", fillcolor="#e9edf3" if cluster.depth % 2 else "#f4f6f9",
        )  # fmt: skip
    for vertex in picture.vertices:
        add_vertex(parts[vertex.cluster], ids[vertex], vertex, shapes)
    for cluster in reversed(clusters):  # inner ones first
        parts[cluster.around].subgraph(parts[cluster])
    for vertex in picture.vertices:
        for operand in vertex.operands:
            digraph.edge(ids[operand], ids[vertex], **(FAINT if operand.kind == "constant" else {}))
    return digraph.source


def in_clusters(vertices):
    """All clusters in which something lies, outer ones first."""
    found = {}
    for vertex in vertices:
        if vertex.cluster is not None and vertex.cluster not in found:
            for cluster in reversed(list(vertex.cluster.chain())):
                found[cluster] = None
    return list(found)


def add_vertex(part, id, vertex, shapes):
    if vertex.kind == "constant" and not vertex.label and not (shapes and vertex.shape):
        part.node(id, label="", **DOT)
        return
    tooltip = ": ".join(filter(None, (vertex.operation, vertex.doc))) or vertex.label
    style = STYLES[vertex.kind]
    if vertex.repeats is not None and vertex.kind != "constant":
        style = {**style, "style": "filled,dashed"}
    part.node(id, label=label_html(vertex, shapes), tooltip=escaped_string(tooltip), **style)


def label_html(vertex, shapes):
    """The inside of a box: label and settings, and below them the shape."""
    first = text_html(vertex.label)
    if vertex.kind == "operation":
        first = f'<FONT POINT-SIZE="13">{first}</FONT>'
        if vertex.name is not None:
            first = f"<I>{text_html(vertex.name)}</I> = {first}"
    elif vertex.kind in ("parameter", "input", "leaf", "output"):
        first = f"<B>{first}</B>"
    if vertex.settings:
        first += f' <FONT POINT-SIZE="9.5" COLOR="{PALE}">{text_html(vertex.settings)}</FONT>'
    lines = [first] if vertex.label else []
    if shapes and vertex.shape:
        lines.append(f'<FONT POINT-SIZE="9" COLOR="{PALE}">{text_html(vertex.shape)}</FONT>')
    return f"<{lines[0]}>" if len(lines) == 1 else table(lines, spacing=0)


def table(lines, spacing):
    """An HTML-like label of lines one below the other."""
    rows = "".join([f"<TR><TD>{line}</TD></TR>" for line in lines])
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="1" CELLSPACING="{spacing}">{rows}</TABLE>>'


def caption_html(picture, title, legend):
    """Title, legend and notes above the picture."""
    rows = []
    if title:
        rows.append(f'<FONT POINT-SIZE="16"><B>{text_html(title)}</B></FONT>')
    if legend:
        cells = "".join(
            f'<TD BGCOLOR="{STYLES[kind]["fillcolor"]}" COLOR="{STYLES[kind]["color"]}" BORDER="1" STYLE="ROUNDED">'
            f'<FONT POINT-SIZE="9">{text}</FONT></TD>'
            for kind, text in LEGEND.items()
        )
        rows.append(f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="6" CELLPADDING="3"><TR>{cells}</TR></TABLE>')
    rows += [f'<FONT POINT-SIZE="10" COLOR="{PALE}">{text_html(note)}</FONT>' for note in picture.notes]
    return table(rows, spacing=2) if rows else None


def text_html(text):
    """Text as it is, inside an HTML-like label: Graphviz reads markup there, and then \\N as the node's name."""
    return escape(escaped_string(str(text)))


def escaped_string(text):
    """Text as it is, for a quoted attribute: only backslashes mean something there."""
    return visible(text).replace("\\", "\\\\")


def visible(text):
    """Line breaks and other characters that do not print, as Python writes them: \\n."""
    return "".join([c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text])
