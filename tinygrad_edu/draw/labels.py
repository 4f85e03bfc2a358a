"""What stands inside a box, as HTML-like labels of Graphviz."""

import base64
import textwrap
from html import escape

from ..cost import multiply_adds, nbytes
from ..recording import Step
from .summary import amount
from .theme import between, colour_of_gradient, ink_on
from .values import described, text_of
from .vertex import LEAVES

FULL, COLUMNS, CELLS, SIDE = 36, 8, 12, 6
"""Arrays of so many elements in so many columns are shown in full, larger ones as a heat map of at most so many cells
of this width in each direction."""


def label_html(vertex, look, alone=False):
    """The inside of a box: label and settings, and below them the shape and whatever else was asked for.

    alone  it is the only one in its cluster, for which no frame is drawn
    """
    pale = ink_on(filling(vertex, look)) if coloured(vertex, look) else look.theme.pale
    lines = [first_line(vertex, pale)] if vertex.label else []
    if alone:
        lines.insert(0, small(title_of(vertex.cluster), pale))
    if vertex.kind == "module" and vertex.settings:
        lines.append(small(vertex.settings, pale))
    if look.shapes in (True, "boxes") and vertex.shape:
        lines.append(small(vertex.shape, pale))
    if vertex.message:
        lines += [small(line, look.theme.ink) for line in textwrap.wrap(vertex.message, 44)[:8]]
    if look.values and (array := array_of(vertex)) is not None and (vertex.shape or array.ndim):
        lines += value_html(array, look.theme, pale if coloured(vertex, look) else look.theme.ink)
    if coloured(vertex, look):
        lines.append(small(f"∇ {vertex.magnitude:.1e}", pale))
    if look.costs and (cost := cost_text(vertex)):
        lines.append(small(cost, pale))
    return f"<{lines[0]}>" if len(lines) == 1 else table(lines, spacing=0)


def first_line(vertex, pale):
    label = within(vertex.cluster, vertex.label) if vertex.kind in LEAVES else vertex.label
    if vertex.of is not None and vertex.of.kind in LEAVES:
        label = f"∂ {within(vertex.cluster, vertex.of.label)}"
    first = text_html(label)
    if vertex.kind in ("operation", "cut", "failed", "gradient"):
        first = f'<FONT POINT-SIZE="13">{first}</FONT>'
        if vertex.name is not None and vertex.kind == "operation":
            first = f"<I>{text_html(vertex.name)}</I> = {first}"
    elif vertex.kind == "module":
        name = vertex.name and within(vertex.cluster, vertex.name)
        first = f"<B>{text_html(name)}</B>: {first}" if name else f"<B>{first}</B>"
    elif vertex.kind in ("parameter", "input", "leaf", "output"):
        first = f"<B>{first}</B>"
    if vertex.settings and vertex.kind != "module":
        first += f' <FONT POINT-SIZE="9.5" COLOR="{pale}">{text_html(vertex.settings)}</FONT>'
    return f"{first} <B>×{vertex.times:,}</B>" if vertex.times > 1 else first


def within(cluster, name):
    """What something is called inside a cluster: "weight" for "encoder.0.weight" in "encoder.0"."""
    while cluster is not None and not cluster.path:
        cluster = cluster.around
    inside = cluster is not None and name.startswith(f"{cluster.path}.")
    return name[len(cluster.path) + 1 :] if inside and " = " not in name else name


def title_of(cluster):
    """The title of a cluster in the one around it."""
    title = cluster.title
    return title.replace(cluster.path, within(cluster.around, cluster.path), 1) if cluster.path else title


def small(text, colour):
    return f'<FONT POINT-SIZE="9" COLOR="{colour}">{text_html(text)}</FONT>'


def table(lines, spacing):
    """An HTML-like label of lines one below the other."""
    rows = "".join([f"<TR><TD>{line}</TD></TR>" for line in lines])
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="1" CELLSPACING="{spacing}">{rows}</TABLE>>'


# ---- colours


def coloured(vertex, look):
    """Whether the colour of a box is that of its gradient; with a backward graph only its boxes are coloured."""
    return look.gradients and vertex.magnitude is not None and (vertex.kind == "gradient" or not look.backward)


def filling(vertex, look):
    return colour_of_gradient(look.theme, vertex.magnitude)


# ---- values


def array_of(vertex):
    """The array that a vertex held when it was recorded, or its gradient in a backward graph; None if there is none, or
    several."""
    if vertex.kind == "gradient":
        return vertex.gradient
    made = vertex.made
    if isinstance(made, Step):
        made = made.results[0] if len(made.results) == 1 else None
    return getattr(made, "data", None)


def value_html(array, theme, ink):
    """Lines that show an array: all numbers of a small one, a heat map and statistics of a large one."""
    if array.ndim == 0:
        return [small(short(array[()]), ink)]
    if 0 < array.size <= FULL and array.shape[-1] <= COLUMNS:
        rows = "".join(
            "<TR>" + "".join([f'<TD ALIGN="RIGHT">{small(short(x), ink)}</TD>' for x in row]) + "</TR>"
            for row in array.reshape(-1, array.shape[-1])
        )
        return [f'<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="4">{rows}</TABLE>']
    told = described(array, 0, CELLS)
    lines = [small(text_of(array), ink)]
    return [heat_html(told["heat"], theme), *lines] if array.size and "heat" in told else lines


def short(x):
    return f"{x:.3g}" if isinstance(x.item(), float) else str(x)


def heat_html(heat, theme):
    """A heat map as a table of coloured cells. If it has both signs, zero has the middle colour."""
    low, high, columns = heat["low"], heat["high"], heat["columns"]
    levels = base64.b64decode(heat["data"])
    largest, rows = max(abs(low), abs(high)) or 1.0, []
    for row in range(heat["rows"]):
        cells = []
        for level in levels[row * columns : (row + 1) * columns]:
            value = low + (high - low) * level / 255
            share = (value / largest + 1) / 2 if low < 0 < high else level / 255
            colour = between(theme.heat, share)
            cells.append(f'<TD BGCOLOR="{colour}" FIXEDSIZE="TRUE" WIDTH="{SIDE}" HEIGHT="{SIDE}"></TD>')
        rows.append(f"<TR>{''.join(cells)}</TR>")
    size = f'FIXEDSIZE="TRUE" WIDTH="{SIDE * columns}" HEIGHT="{SIDE * heat["rows"]}"'
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" {size}>{"".join(rows)}</TABLE>'


# ---- costs


def cost_text(vertex):
    """'1.2 M multiply-adds, 48.0 KiB': of all that a vertex stands for."""
    steps = [member for member in vertex.members if isinstance(member, Step)] if vertex.kind != "gradient" else []
    products, memory = sum(map(multiply_adds, steps)), sum(map(nbytes, steps))
    return ", ".join(filter(None, (products and f"{rounded(products)} multiply-adds", memory and amount(memory))))


def rounded(count):
    """'512', '1.2 M'"""
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if count >= limit:
            return f"{count / (limit if unit != 'k' else 1e3):.3g} {unit}"
    return f"{count:,}"


# ---- texts


def text_html(text):
    """Text as it is, inside an HTML-like label: Graphviz reads markup there, and then \\N as the node's name."""
    return escape(escaped_string(str(text)))


def escaped_string(text):
    """Text as it is, for a quoted attribute: only backslashes mean something there."""
    return visible(text).replace("\\", "\\\\")


def visible(text):
    """Line breaks and other characters that do not print, as Python writes them: \\n."""
    return "".join([c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text])
