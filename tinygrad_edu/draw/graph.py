"""`graph`, and the `Graph` that it returns: one picture in all its forms."""

import os
from functools import cached_property
from threading import get_ident

from .dot import dot_text
from .listing import listing
from .picture import picture_of
from .render import FORMATS, render


def graph(outputs, params=None, inputs=None, direction="TB", shapes=True, title=None, legend=False, max_nodes=400):
    """The graph of operations from which `outputs` were computed, as a `Graph` that can be saved, shown and printed.

        loss = cross_entropy(model(x), y)
        graph(loss, model, {"x": x}).save("loss.svg")

    outputs    a Tensor, a sequence of Tensors, or a dict name -> Tensor
    params     what gives leaves their names, and the operations of each call of a module a frame: a Module (anything
               with `named_parameters()`, and `named_modules()` for the frames), or a dict of Tensors and Modules
    inputs     likewise for inputs: a Tensor, a sequence of Tensors or a dict name -> Tensor. A dict here or in `params`
               may also name intermediate results
    direction  "TB": results below their operands; "LR": to the right of them
    shapes     show the shape of every tensor, and its dtype where that is not float32
    title, legend  a heading; an explanation of the colours
    max_nodes  at most so many operations and leaves are drawn, because laying out thousands takes minutes. Of a larger
               graph the picture shows the first and the last ones in order of creation, and between them a box
               "… 18,400 operations not shown". None: no limit

    A leaf whose edges would be very long (the weights of a recurrent network of 100 steps) is drawn in several
    places; a note above the picture says so.

    Operands that need no gradient are not part of a graph. They are shown, small and grey, by their name, value or
    shape as far as the graph still holds them: backward() releases them, after which they are dots. An operation of
    several results is followed by one box for each of them that is used. Parameters that do not occur in the graph are
    named above the picture.

    The graph is read when this function is called; later changes do not show.
    Raises ValueError if an output requires no gradient, since then nothing was recorded.
    """
    if direction not in ("TB", "LR"):
        raise ValueError(f'direction must be "TB" (top to bottom) or "LR" (left to right), not {direction!r}')
    if max_nodes is not None and (not isinstance(max_nodes, int) or max_nodes < 2):
        raise ValueError(f"max_nodes must be an integer of at least 2, or None for no limit; not {max_nodes!r}")
    picture = picture_of(outputs, params, inputs, max_nodes)
    return Graph(picture, direction, shapes, title, legend)


class Graph:
    """A drawing of a graph of operations; made by `graph`. Notebooks show it as SVG, `print` as text.

    picture  what is drawn, independent of any format: vertices, edges, clusters (see picture.py)
    source   the drawing as DOT text, the language of Graphviz
    """

    def __init__(self, picture, direction="TB", shapes=True, title=None, legend=False):
        self.picture = picture
        self.direction, self.shapes, self.title, self.legend = direction, shapes, title, legend

    @cached_property
    def source(self):
        return dot_text(self.picture, self.direction, self.shapes, self.title, self.legend)

    def render(self, format="svg"):
        """The drawing as bytes of the format "svg", "png" or "pdf". Needs `pip install "tinygrad-edu[draw]"`."""
        return render(self.source, format)

    def save(self, path):
        """Write the drawing to a file, whose suffix says the format: .svg, .png, .pdf, or .dot and .gv for DOT text.

        Missing folders are created. The file appears when it is complete: a failure leaves what was there before.
        Returns the path.
        """
        path = os.fspath(path)
        suffix = os.path.splitext(path)[1].lower()
        if suffix in (".dot", ".gv"):
            content = self.source.encode()
        elif suffix[1:] in FORMATS:
            content = self.render(suffix[1:])
        else:
            known = ", ".join(f".{format}" for format in (*FORMATS, "dot", "gv"))
            raise ValueError(f"the name of the file must end in one of {known}; {path!r} ends in {suffix!r}")
        write_whole(path, content)
        return path

    def _repr_svg_(self):
        return self.render("svg").decode()

    def __str__(self):
        return listing(self.picture, self.shapes, self.title)

    def __repr__(self):
        return f"<Graph of {self.picture.contents()}; print() lists it, .save(path) draws it>"


def write_whole(path, content):
    """Write a file by renaming a complete one, so that nobody ever sees a part of it."""
    folder, name = os.path.split(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    part = os.path.join(folder, f".{name}.{os.getpid()}.{get_ident()}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise
