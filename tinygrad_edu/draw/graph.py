"""`graph`, and the `Graph` that it returns: one picture in all its forms."""

import os
from functools import cached_property

import numpy as np

from ..engine import Node
from ..files import write_whole
from .backward import with_backward
from .dot import dot_text
from .listing import listing
from .render import FORMATS, render
from .subject import picture_of
from .theme import theme_called


def graph(
    subject, params=None, inputs=None, direction="TB", shapes=True, title=None, legend=False, max_nodes=400, *,
    outputs=None, depth=None, roll=None, backward=False, values=False, gradients=False, costs=False, theme="light",
):  # fmt: skip
    """The graph of the operations of a computation, as a `Graph` that can be saved, shown and printed.

        graph(model, x)                      a Module, called here with an example
        graph(loss, model, {"x": x})         what a Tensor was computed from
        graph(program)                       a recorded program: with record() as program: ...

    subject    a Tensor, a sequence of Tensors, or a dict name -> Tensor; a Recording; or a Module. A Module is called
               once as it is (in training mode, say), and its buffers and the random numbers are restored afterwards.
               If it raises, the picture shows the way to the operation that failed, in red, and `.error` has the error
    params     what gives leaves their names, and the operations of each call of a module a frame: a Module (anything
               with `named_parameters()`, and `named_modules()` for the frames), or a dict of Tensors and Modules.
               A recording knows the modules that it called; for a Module, this is the example: a Tensor, a tuple of
               arguments, or a dict of named ones
    inputs     likewise for inputs: a Tensor, a sequence of Tensors or a dict name -> Tensor. A dict here or in `params`
               may also name intermediate results
    outputs    of a Recording: Tensors; only what leads to them is drawn
    depth      how many levels of modules are drawn open; those below are one box each. None: all
    roll       draw what is repeated (equal blocks, the steps of an unrolled RNN) once, with its count; None: only if
               there are more than 60 operations
    backward   draw the backward graph as well, beside the forward graph: for each operation its gradient rule
    values     show what arrays hold: small ones in full, large ones as a heat map and statistics. Needs a Recording or
               a Module, because graphs do not keep all values
    gradients  colour everything by the magnitude of its gradient, on a logarithmic scale that is the same in all
               pictures: vanishing and exploding gradients are seen at once. Of Tensors and Modules the gradients of the
               (sum of the) outputs are computed here; nobody's `.grad` changes. Of a Recording its own are shown
    costs      show multiply-adds and memory of operations; needs a Recording or a Module
    direction  "TB": results below their operands; "LR": to the right of them
    shapes     show the shape of every tensor, and its dtype where that is not float32: True in the boxes, "edges" along
               the edges, False nowhere
    theme      "light", "dark", or "print" without colours
    title, legend  a heading; an explanation of the colours
    max_nodes  at most so many operations and leaves are drawn, because laying out thousands takes minutes. Of a larger
               graph the picture shows the first and the last ones in order of creation, and between them a box
               "… 18,400 operations not shown". None: no limit

    A leaf whose edges would be very long (the weights of a recurrent network of 100 steps) is drawn in several
    places; a note above the picture says so.

    In the graph of a Tensor, operands that need no gradient are no part. They are shown, small and grey, by their name,
    value or shape as far as the graph still holds them: backward() releases them, after which they are dots. An
    operation of several results is followed by one box for each of them that is used. Parameters that do not occur in
    the graph are named above the picture. A recording knows all operands, also those of operations outside of a graph;
    edges along which no gradient flows are pale.

    The graph is read when this function is called; later changes do not show.
    Raises ValueError if an output requires no gradient, since then nothing was recorded in a graph.
    """
    if direction not in ("TB", "LR"):
        raise ValueError(f'direction must be "TB" (top to bottom) or "LR" (left to right), not {direction!r}')
    if max_nodes is not None and (not isinstance(max_nodes, int) or max_nodes < 2):
        raise ValueError(f"max_nodes must be an integer of at least 2, or None for no limit; not {max_nodes!r}")
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise ValueError(f"depth must be an integer of at least 0, or None for all levels; not {depth!r}")
    if shapes not in (True, False, "boxes", "edges"):
        raise ValueError(f'shapes must be True, False, "boxes" or "edges", not {shapes!r}')
    look = Look(direction, shapes, title, legend, theme_called(theme), backward, values, gradients, costs)
    keep = np.array if values or gradients else single
    picture, look.error = picture_of(
        subject, params, inputs, outputs, gradients, keep, depth=depth, roll=roll, max_nodes=max_nodes
    )
    for asked, what in ((values, "values"), (costs, "costs")):
        if asked and any(isinstance(member, Node) for vertex in picture.vertices for member in vertex.members):
            picture.notes.append(f"{what} are known of recordings and models only")
    if backward:
        with_backward(picture)
    return Graph(picture, look)


def single(array):
    """Single numbers are kept for the labels of constants, whatever is to be shown."""
    return array.copy() if array.ndim == 0 else None


class Look:
    """How a picture is drawn; the fields are parameters of `graph`. `error`: what a model raised, or None."""

    def __init__(self, direction, shapes, title, legend, theme, backward, values, gradients, costs):
        self.direction, self.shapes, self.title, self.legend, self.theme = direction, shapes, title, legend, theme
        self.backward, self.values, self.gradients, self.costs, self.error = backward, values, gradients, costs, None


class Graph:
    """A drawing of a graph of operations; made by `graph`. Notebooks show it as SVG, `print` as text.

    picture  what is drawn, independent of any format: vertices, edges, clusters (see picture.py)
    source   the drawing as DOT text, the language of Graphviz
    error    what the model raised that is drawn up to there, or None
    """

    def __init__(self, picture, look):
        self.picture, self.look = picture, look
        self.direction, self.title, self.error = look.direction, look.title, look.error

    @cached_property
    def source(self):
        return dot_text(self.picture, self.look)

    def render(self, format="svg"):
        """The drawing as bytes of the format "svg", "png" or "pdf". Needs `pip install "tinygrad-edu[draw]"`."""
        return render(self.source, format)

    def save(self, path):
        """Write the drawing to a file, whose suffix says the format: .svg, .png, .pdf, .html for a page to
        explore (see docs/pages.md), or .dot and .gv for DOT text.

        Missing folders are created. The file appears when it is complete: a failure leaves what was there before.
        Returns the path.
        """
        path = os.fspath(path)
        suffix = os.path.splitext(path)[1].lower()
        if suffix in (".dot", ".gv"):
            content = self.source.encode()
        elif suffix == ".html":
            from . import page

            content = page.html(page.page_of(self)).encode()
        elif suffix[1:] in FORMATS:
            content = self.render(suffix[1:])
        else:
            known = ", ".join(f".{format}" for format in (*FORMATS, "html", "dot", "gv"))
            raise ValueError(f"the name of the file must end in one of {known}; {path!r} ends in {suffix!r}")
        return write_whole(path, content)

    def _repr_svg_(self):
        return self.render("svg").decode()

    def __str__(self):
        return listing(self.picture, self.look)

    def __repr__(self):
        failed = "" if self.error is None else f"; {type(self.error).__name__}: {self.error}"
        return f"<Graph of {self.picture.contents()}{failed}; print() lists it, .save(path) draws it>"
