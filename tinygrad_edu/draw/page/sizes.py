"""How large boxes are, by the texts in them.

The browser draws the texts with the sizes below, in whatever font it has; widths are estimates on the safe side.
"""

import unicodedata

LABEL, SMALL, TITLE = 13, 10, 11  # font sizes: first line of a box; its settings and shape; titles of frames
CELL, ROW = 54, 14  # width and height of one number in a box
STATISTICS = 100  # width of a line such as "0.0213 ± 1.04"
PADDING = 10  # between text and frame, left and right
DOT = 8  # size of a constant of which nothing is known
WIDEST = 190  # no text is given more room

NARROW, WIDE = frozenset(" .,:;'|!()[]{}ijlftr-·"), frozenset("mwMWQO@%ΣΠ…—")


def text_width(text, size):
    """About how wide a text is."""
    width = 0.0
    for c in text:
        if unicodedata.east_asian_width(c) in "WF":
            width += 1.05
        else:
            width += 0.34 if c in NARROW else 0.88 if c in WIDE else 0.7 if c.isupper() else 0.57
    return width * size


def size_of(vertex):
    """(width, height) of a VERTEX: a line of name, label and settings, one of the shape, then the numbers."""
    if vertex["kind"] == "constant" and not (vertex["label"] or vertex["shape"]):
        return DOT, DOT
    first = text_width(first_text(vertex), LABEL)
    small = f"{vertex['settings']} ×{vertex['times']}" if vertex["times"] > 1 else vertex["settings"]
    if small:
        first += 6 + text_width(small, SMALL)
    width, height = min(max(first, text_width(vertex["shown"] or "", SMALL)), WIDEST), 26
    if vertex["shown"]:
        height += 13
    if vertex["cells"] is not None:
        rows, columns = vertex["cells"] or (1, 0)
        width = max(width, CELL * columns or STATISTICS)
        height += 4 + ROW * rows * (2 if vertex["both"] else 1)
    return round(width + 2 * PADDING), height


def first_text(vertex):
    """Name and label in one line."""
    if vertex["name"] is None or vertex["kind"] not in ("operation", "module"):
        return vertex["label"]
    return f"{vertex['name']}{' = ' if vertex['kind'] == 'operation' else ': '}{vertex['label']}"


def title_width(cluster):
    """The least width of a frame: its title has room."""
    return round(min(text_width(cluster["title"], TITLE), WIDEST) + 34)
