"""The layout of one cluster by itself, by Graphviz. The clusters inside it, laid out before, are boxes here."""

import json
from functools import cached_property

from ..render import POSITIONS, render

MARGIN, STRIP = 12, 20  # around what is in a frame; above it, for the title
SPARED = 20  # of the height of a row in which there is nothing but ports
WEIGHTS = {"operation": 4}  # how much Graphviz cares that edges from these are straight; else 1


class Level:
    """What lies in one cluster, or outside of all; for ports and legs see layout.py.

    sizes   {("v", number of a vertex) or ("c", number of a cluster): (width, height)}
    inner   {number of a cluster: its Level}
    legs    pieces of edges
    kinds   of the scene's vertices
    strip   (left, top): room for the title;  least: (width, height) that it has at least

    After `lay_out`, coordinates being those of the upper left corner of its frame:

    width, height
    middles  {key of `sizes`: (x, y)}
    ports    {("in", u) or ("out", u): x} of its own ports, in its upper and lower rim
    curves   {leg: [x, y, ...]}, points of Bézier curves
    """

    def __init__(self, sizes, inner, legs, kinds, strip, least):
        self.sizes, self.inner, self.legs, self.kinds = sizes, inner, list(legs), kinds
        self.least, (left, top) = least, strip
        self.left, self.top, self.bottom = MARGIN + left, MARGIN + top, MARGIN
        self.middles, self.ports, self.curves = {}, {}, {}
        ends = [end for leg in self.legs for end in leg[:2]]
        self.entries = list(dict.fromkeys(end for end in ends if end[0] == "in"))
        self.exits = list(dict.fromkeys(end for end in ends if end[0] == "out"))
        inside = [leg for leg in self.legs if leg[1][0] != "out"]
        last = self.sizes.keys() - {leg[0][:2] for leg in inside}
        leaving = [leg for leg in self.legs if leg[1][0] == "out"]
        # the leg that simply goes down from the last box, if there is one last box and one exit
        self.direct = leaving[0] if len(leaving) == 1 and last == {leaving[0][0][:2]} else None
        if self.exits and not last:
            self.bottom -= SPARED
        if self.entries and self.sizes.keys() <= {leg[1][:2] for leg in inside}:
            self.top -= SPARED

    def lay_out(self, drawn):
        """Ask Graphviz; `drawn` remembers its answers, since the blocks of a network are often equal."""
        source = self.dot()
        if source not in drawn:
            drawn[source] = json.loads(render(source, POSITIONS))
        answer = drawn[source]
        right, bottom = numbers(answer["bb"])[2:]
        self.width = max(round(self.left + right + MARGIN), self.least[0])
        self.height = max(round(self.top + bottom + self.bottom), self.least[1])
        shift = self.left + max(0, (self.width - self.left - MARGIN - right) / 2)

        def moved(points):  # Graphviz counts y upwards
            return [bottom - p + self.top if axis % 2 else p + shift for axis, p in enumerate(points)]

        named = {name: thing for thing, name in self.ids.items()}
        for thing in answer.get("objects", ()):
            if thing["name"] in named:  # the others are the groups of ports
                self.middles[named[thing["name"]]] = moved(numbers(thing["pos"]))
        for port in (*self.entries, *self.exits):
            if port in self.middles:
                self.ports[port] = self.middles.pop(port)[0]
        for edge in answer.get("edges", ()):
            if "pos" in edge:
                leg = self.legs[int(edge["id"])]
                self.curves[leg] = self.with_rims(leg, moved(numbers(edge["pos"].replace(" ", ","))))
        for leg in self.legs:
            if leg not in self.curves:
                self.curves[leg] = self.straight(leg)

    def with_rims(self, leg, curve):
        """A curve from port to port, lengthened to the rims of the frame."""
        if leg[0] in self.ports:
            curve = [*line(curve[0], 0, *curve[:2]), *curve[2:]]
        if leg[1] in self.ports:
            curve = [*curve[:-2], *line(*curve[-2:], curve[-2], self.height)]
        return curve

    def straight(self, leg):
        """A line for what Graphviz has not drawn: the direct leg, and edges on which it has given up."""
        tail, head = leg[:2]
        x, y = self.end_at(tail, "out", +1) if tail[0] != "in" else (self.ports[tail], 0)
        if leg is self.direct:
            self.ports[head] = x
        return line(x, y, *(self.end_at(head, "in", -1) if head[0] != "out" else (self.ports[head], self.height)))

    def end_at(self, end, side, half):
        """Where an edge touches a box: (x, y) at its lower (half = 1) or upper (-1) rim."""
        x, y = self.middles[end[:2]]
        width, height = self.sizes[end[:2]]
        if end[0] == "c":
            x += self.inner[end[1]].ports[side, end[2]] - width / 2
        return x, y + half * height / 2

    # ---- as DOT

    @cached_property
    def ids(self):
        """{box or port: its name in the DOT text}"""
        return {thing: f"n{number}" for number, thing in enumerate((*self.sizes, *self.entries, *self.exits))}

    def dot(self):
        """DOT text, in which boxes have fixed sizes and no texts; that of equal levels is equal."""
        lines = ["digraph {", "nodesep=0.3; ranksep=0.4; ordering=in"]
        lines += ["edge [arrowhead=none]", 'node [shape=box, label="", fixedsize=true]']
        if len(self.ids) > 150:
            lines.append("nslimit=1; nslimit1=1")  # bounds the search for the best layout, which else takes minutes
        lines += [f"{self.ids[thing]} [{self.attributes(thing)}]" for thing in self.sizes]
        for rank, ports in (("min", self.entries), ("max", self.exits)):
            points = [self.ids[port] for port in ports if self.direct is None or port != self.direct[1]]
            lines += [f"{name} [width=0.01, height=0.01]" for name in points]
            if points:
                lines.append(f"{{rank={rank}; {'; '.join(points)}}}")
        for number, leg in enumerate(self.legs):
            if leg is not self.direct:
                tail, head = self.place_of(leg[0], "out", "s"), self.place_of(leg[1], "in", "n")
                weight = WEIGHTS.get(self.kinds[leg[0][-1]], 1)
                lines.append(f'{tail} -> {head} [id="{number}", weight={weight}]')
        return "\n".join([*lines, "}"])

    def attributes(self, thing):
        width, height = self.sizes[thing]
        if thing[0] == "v":
            return f"width={width / 72:.3f}, height={height / 72:.3f}"
        return f"shape=plain, fixedsize=false, label={box_with_ports(width, height, self.inner[thing[1]].ports)}"

    def place_of(self, end, side, compass):
        """The end of an edge in the DOT text: a box, or a port of a box."""
        if end[0] != "c":
            return self.ids[end]
        number = list(self.inner[end[1]].ports).index((side, end[2]))
        return f"{self.ids[end[:2]]}:p{number}:{compass}"


def box_with_ports(width, height, ports):
    """An HTML-like label of this size, with places where edges begin and end in its upper and its lower rim."""
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" FIXEDSIZE="TRUE"'

    def cell(width, height, port="", inside=""):
        return f'<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"{port}>{inside}</TD>'

    def rim(side):
        places = [(x, number) for number, (port, x) in enumerate(ports.items()) if port[0] == side]
        cells, position = [], 0
        for x, number in sorted(places):
            start = min(max(round(x) - 1, position), width - 2)
            cells += [cell(start - position, 1)] * (start > position) + [cell(2, 1, f' PORT="p{number}"')]
            position = start + 2
        cells += [cell(width - position, 1)] * (position < width)
        return cell(width, 1, "", f'{table} WIDTH="{width}" HEIGHT="1"><TR>{"".join(cells)}</TR></TABLE>')

    rows = "".join([f"<TR>{row}</TR>" for row in (rim("in"), cell(width, height - 2), rim("out"))])
    return f'<{table} WIDTH="{width}" HEIGHT="{height}">{rows}</TABLE>>'


def line(x0, y0, x1, y1):
    """A straight line as a Bézier curve."""
    return [part for t in (0, 1 / 3, 2 / 3, 1) for part in (x0 + t * (x1 - x0), y0 + t * (y1 - y0))]


def numbers(text):
    """[1.5, 2.0] of '1.5,2'"""
    return [float(part) for part in text.split(",")]
