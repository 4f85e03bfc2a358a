"""What a page is made of: the data that the Python side writes and the browser reads, as JSON inside the HTML.

    PAGE = {"title": text, "notes": [text], "values": [DESCRIBED], "scenes": [SCENE, ...], "film": FILM or null}

DESCRIBED is what `draw.values.described` makes of an array. Wherever a value is asked for below, there stands one of:
DESCRIBED itself; a number, its place in PAGE["values"] (equal ones are written once); or null: not known. The page
does without "histogram" and "heat", so a large film may leave them out.

SCENE = {"width", "height", "direction": "TB" or "LR",  in points; y grows downwards; results below, or to the right
         "vertices": [VERTEX], "edges": [EDGE], "clusters": [CLUSTER],
         "operations": {name: {"doc": the first line of its documentation, "rules": its gradient rules, [text]}}}
VERTEX = {
    "kind", "name", "label", "settings", "operation", "shape"     as in draw/vertex.py: texts or null
    "traced"         whether it takes part in backpropagation
    "times"          how many equal things it stands for
    "message"        what a failed operation said, or null
    "dtype"          "float32", or null
    "place", "source"  "file:line" that called it and the text of that line, or null
    "cluster"        number of the cluster that it lies in, or null
    "same"           number of the vertex of which it is a copy, so that both hold the same; else null
    "shown"          its shape as it stands in the box, or null
    "both"           whether there is room for its gradient as well as for its value
    "cells"          [rows, columns]: its numbers stand in its box, as a table of this size;  []: one line of
                     statistics stands there;  null: nothing
    "bytes", "multiply_adds"  numbers or null;  "magnitude": how large the elements of its gradient are;
                     null: not known; "nan": not finite
    "value", "gradient"       what it holds before the first event of the film (parameters, inputs); without a film,
                     what it held when it was recorded
    "x", "y", "width", "height"   of its box; x and y of the middle
}
EDGE = {"from", "to": numbers of vertices, "operand": the how-manieth operand it is; null: of the next repetition,
        "points": [x, y, x, y, ...]}   a start and then three points for each Bézier curve
CLUSTER = {"path", "kind", "call", "calls", "title", "around": number of the cluster around it, or null,
           "x", "y", "width", "height",   of its frame; x and y of the upper left corner; outer clusters first
           "spine"}                       x (or y, from left to right) around which edges enter and leave, or null

FILM = {"notes": [text], "steps": [STEP]}
STEP = {"scene": number, "loss": number or null (also "nan", "inf", "-inf"), "events": [EVENT]}
EVENT = {"phase": "forward", "vertex": v, "value": value}    v has got its value
      | {"phase": "backward", "edge": e, "part": value, "vertex": v, "gradient": value}
            along edge e this contribution arrives at v, the operand; the sum of those so far. With "edge": null the
            gradient has become this for another reason, "why": "start" (backpropagation starts here), "added" (to what
            was there before), "hook" (a hook changed it), "changed" (the program did) or "unseen" (a contribution came
            from where the picture shows nothing)
      | {"phase": "update", "vertex": v, "value": value}     what v holds after the optimizer's step

Texts are shown as they are; line breaks and the like are written as in Python, "\\n". The vertices of a scene have the
numbers of `picture.vertices`; `edges_of(picture)` numbers the edges. Events come in the order in which they happened.
The page shows of each vertex the value of its latest event, its gradient only if that is of the same training step.
Where a step is played in another scene than the step before it, or inputs have other values, forward events at its
beginning say what parameters and inputs hold.

How a film makes this: `scene_of(picture)` for each different picture; then `page.write(path, PAGE)`.
"""

import linecache
import math

import numpy as np

from ...cost import multiply_adds, nbytes
from ...recording import Step
from ..clusters import common
from ..labels import visible
from ..values import described
from . import layout
from .rules import rules_of

FEW = 16  # numbers that stand in a box; of more it shows statistics
COLUMNS = 6


def page_of(graph):
    """The PAGE of a Graph: one scene, with the values and gradients that it knows, and no film."""
    look = graph.look
    numbers = "both" if look.gradients else "values" if look.values else None
    scene = scene_of(graph.picture, look.direction, numbers)
    return {"title": look.title or "", "notes": graph.picture.notes, "values": [], "scenes": [scene], "film": None}


def scene_of(picture, direction="TB", numbers="both"):
    """The SCENE of a Picture.

    numbers  for what there is room in the boxes: "values", "both" values and gradients, or None
    """
    within = clusters_of(picture.vertices)
    clusters = {}  # outer ones first
    for cluster in within:
        clusters.update(dict.fromkeys(reversed(() if cluster is None else list(cluster.chain()))))
    number_of = {cluster: number for number, cluster in enumerate(clusters)}
    vertices = [data_of_vertex(vertex, numbers) for vertex in picture.vertices]
    places = {vertex: number for number, vertex in enumerate(picture.vertices)}
    for data, vertex, cluster in zip(vertices, picture.vertices, within):
        data["cluster"], data["same"] = number_of.get(cluster), places.get(vertex.repeats)
    scene = {
        "direction": direction,
        "operations": operations_in(picture),
        "vertices": vertices,
        "edges": [{"from": start, "to": end, "operand": operand} for start, end, operand in edges_of(picture)],
        "clusters": [
            {
                "path": visible(cluster.path), "kind": visible(cluster.kind), "title": visible(cluster.title),
                "call": cluster.call, "calls": cluster.calls, "around": number_of.get(cluster.around),
            }
            for cluster in clusters
        ],
    }  # fmt: skip
    layout.place(scene, direction)
    return scene


def clusters_of(vertices):
    """For each vertex the cluster in which a page draws it: constants stand beside what uses them, and the backward
    graph outside of all clusters, where it cannot be taken for a part of the computation of a module."""
    users = {}
    for vertex in vertices:
        for operand in vertex.operands:
            users.setdefault(operand, []).append(vertex.cluster)
    return [
        None if vertex.kind == "gradient"
        else common(users[vertex]) if vertex.kind == "constant" and not vertex.name and vertex in users
        else vertex.cluster
        for vertex in vertices
    ]  # fmt: skip


def edges_of(picture):
    """[(number of the vertex from which it leads, of that to which it leads, number of the operand)]; at the end, with
    the operand None, those by which what is repeated but drawn once leads to its next repetition."""
    number_of = {vertex: number for number, vertex in enumerate(picture.vertices)}
    edges = [
        (number_of[operand], number, position)
        for number, vertex in enumerate(picture.vertices)
        for operand, position in zip(vertex.operands, vertex.positions)
    ]
    return edges + [(number_of[vertex], number_of[user], None) for vertex, user in picture.loops]


def operations_in(picture):
    """{name: what a page says about the operation}"""
    found = {}
    for vertex in picture.vertices:
        if vertex.operation is not None and visible(vertex.operation) not in found:
            entry = getattr(vertex.made or vertex.members[0], "op" if vertex.made is None else "entry", None)
            found[visible(vertex.operation)] = {"doc": visible(vertex.doc), "rules": rules_of(entry)}
    return found


def data_of_vertex(vertex, numbers):
    """The VERTEX of a vertex, without its place in the drawing."""
    result, place = result_of(vertex), getattr(vertex.made, "place", None)
    array = getattr(result, "data", None)
    steps = [member for member in vertex.members if isinstance(member, Step)] if vertex.kind != "gradient" else []
    memory = sum(map(nbytes, steps)) if steps else 0 if result is None else size_in_bytes(result)
    cells = cells_of(result) if numbers and (vertex.shape or vertex.kind != "constant") else None
    return {
        "kind": vertex.kind, "name": text(vertex.name), "label": visible(vertex.label),
        "settings": visible(vertex.settings), "operation": text(vertex.operation),
        "shape": vertex.shape, "dtype": None if result is None else str(result.dtype),
        "shown": None if cells is not None and result.shape == () else vertex.shape,
        "times": vertex.times, "traced": vertex.traced, "message": text(vertex.message),
        "place": place and text("/".join(place.replace("\\", "/").split("/")[-2:])),
        "source": place and text(line_at(place)),
        "cells": cells, "both": vertex.traced and numbers == "both",
        "bytes": memory or None, "multiply_adds": sum(map(multiply_adds, steps)) or None,
        "magnitude": vertex.magnitude if vertex.magnitude is None or math.isfinite(vertex.magnitude) else "nan",
        "value": None if array is None else described(array),
        "gradient": None if vertex.gradient is None else described(vertex.gradient),
    }  # fmt: skip


def text(given):
    """As it is shown in one line; None stays None."""
    return None if given is None else visible(given)


def result_of(vertex):
    """The recorded Value, or the node of a graph, that a vertex shows; None if it shows none, or several."""
    if isinstance(vertex.made, Step):
        return vertex.made.results[0] if len(vertex.made.results) == 1 else None
    shown = vertex.made or (vertex.members[0] if len(vertex.members) == 1 else None)
    return None if shown is None or shown.shape is None else shown


def size_in_bytes(value):
    return math.prod(value.shape) * np.dtype(value.dtype).itemsize


def cells_of(value):
    """How its numbers stand in the box: see VERTEX."""
    if value is None:
        return None
    shape = value.shape
    columns = shape[-1] if shape else 1
    if math.prod(shape) > FEW or columns > COLUMNS or not columns:
        return []
    return [math.prod(shape) // columns, columns]


def line_at(place):
    """The text of the line 'file:number'; None where it cannot be read."""
    file, _, number = place.rpartition(":")
    return linecache.getline(file, int(number)).strip() or None if number.isdigit() else None
