"""Where everything of a scene lies.

Every cluster is laid out by itself (level.py), inner ones first, and is a box in the cluster around it. So equal
modules look equal, and what follows one another stands one below the other.

An edge from vertex u to vertex v goes, *leg* by leg, from u through the frames around it to those around v and to v.
Where it crosses a frame there is a *port*: ("in", u) in the upper rim of a frame, one for every outer vertex from which
edges come; ("out", u) in the lower rim, one for every inner vertex from which edges lead out. A leg belongs to the
cluster that it runs in; it is (tail, head, count). Tail and head are ("v", vertex), ports of that cluster, or
("c", cluster, u) for ports of a cluster inside; count tells apart several edges between two vertices.

Edges to the next repetition (with the operand None), which lead back, are arcs at the side. For drawings from left to
right x and y are exchanged before and after.
"""

from collections import Counter

from .level import STRIP, Level, line
from .sizes import size_of, title_width


def place(scene, direction):
    """Give the vertices, edges and clusters of a SCENE their positions."""
    turned = (lambda x, y: (y, x)) if direction == "LR" else (lambda x, y: (x, y))
    for vertex in scene["vertices"]:
        vertex["width"], vertex["height"] = size_of(vertex)
    routes, legs = routes_of(scene)
    kinds = [vertex["kind"] for vertex in scene["vertices"]]
    inside = {}  # number of a cluster -> what lies in it
    for number, vertex in enumerate(scene["vertices"]):
        inside.setdefault(vertex["cluster"], {})["v", number] = turned(vertex["width"], vertex["height"])
    levels, drawn = {}, {}
    for number, cluster in reversed([(None, None), *enumerate(scene["clusters"])]):
        least = (0, 0) if cluster is None else turned(title_width(cluster), 0)
        level = Level(inside.get(number, {}), levels, legs.get(number, ()), kinds, turned(0, STRIP), least)
        level.lay_out(drawn)
        levels[number] = level
        if cluster is not None:
            inside.setdefault(cluster["around"], {})["c", number] = level.width, level.height
    scene["width"], scene["height"] = turned(levels[None].width, levels[None].height)
    corners = put_boxes(scene, levels, turned)
    put_edges(scene, levels, corners, routes, turned)


def routes_of(scene):
    """(routes, legs): for each edge its legs [(cluster, leg)], None for one that leads back; {cluster: {leg: None}}."""
    around = [cluster["around"] for cluster in scene["clusters"]]
    chains = [chain(around, vertex["cluster"]) for vertex in scene["vertices"]]
    routes, legs, seen = [], {}, Counter()
    for edge in scene["edges"]:
        u, v = edge["from"], edge["to"]
        if edge["operand"] is None:
            routes.append(None)
            continue
        up = [cluster for cluster in chains[u] if cluster not in chains[v]]
        down = [cluster for cluster in chains[v] if cluster not in chains[u]]
        route, tail = [], ("v", u)
        for cluster in up:
            route.append((cluster, (tail, ("out", u), 0)))
            tail = ("c", cluster, u)
        inside = next((cluster for cluster in chains[u] if cluster in chains[v]), None)
        for cluster in reversed(down):
            route.append((inside, (tail, ("c", cluster, u), 0)))
            inside, tail = cluster, ("in", u)
        route.append((inside, (tail, ("v", v), seen[u, v])))
        seen[u, v] += 1
        routes.append(route)
        for cluster, leg in route:
            legs.setdefault(cluster, {})[leg] = None
    return routes, legs


def chain(around, cluster):
    """This cluster and those around it, innermost first."""
    found = []
    while cluster is not None:
        found.append(cluster)
        cluster = around[cluster]
    return found


def put_boxes(scene, levels, turned):
    """Write the places of vertices and clusters; returns {cluster: upper left corner} as it was laid out."""
    corners = {None: (0, 0)}
    for cluster in (None, *range(len(scene["clusters"]))):
        level, (left, top) = levels[cluster], corners[cluster]
        for (kind, number), (x, y) in level.middles.items():
            if kind == "v":
                x, y = turned(left + x, top + y)
                scene["vertices"][number].update(x=round(x, 1), y=round(y, 1))
                continue
            width, height = level.sizes[kind, number]
            corners[number] = corner = left + x - width / 2, top + y - height / 2
            (x, y), (wide, high), ports = turned(*corner), turned(width, height), levels[number].ports.values()
            scene["clusters"][number].update(x=round(x, 1), y=round(y, 1), width=wide, height=high)
            scene["clusters"][number]["spine"] = round(corner[0] + sum(ports) / len(ports), 1) if ports else None
    return corners


def put_edges(scene, levels, corners, routes, turned):
    """Write the courses of edges: the curves of their legs, joined."""
    for edge, route in zip(scene["edges"], routes):
        points = arc(*[scene["vertices"][edge[end]] for end in ("from", "to")], turned) if route is None else []
        for cluster, leg in route or ():
            left, top = corners[cluster]
            curve = levels[cluster].curves[leg]
            curve = [(left + x, top + y) for x, y in zip(curve[::2], curve[1::2])]
            points += bridge(points[-1], curve[0]) + curve[1:] if points else curve
        edge["points"] = [round(p, 1) for x, y in points for p in turned(x, y)]


def bridge(end, start):
    """The points that join two curves, of which one begins (almost) where the other ends."""
    if abs(end[0] - start[0]) + abs(end[1] - start[1]) < 0.5:
        return []
    points = line(*end, *start)
    return list(zip(points[2::2], points[3::2]))


def arc(start, end, turned):
    """From the right side of one vertex to that of another above it."""
    middles = [turned(vertex["x"], vertex["y"]) for vertex in (start, end)]
    widths = [turned(vertex["width"], vertex["height"])[0] / 2 for vertex in (start, end)]
    (x0, y0), (x1, y1) = [(x + width, y) for (x, y), width in zip(middles, widths)]
    reach = max(x0, x1) + 24 + abs(y1 - y0) / 8
    return [(x0, y0), (reach, y0), (reach, y1), (x1, y1)]
