"""From DOT text to SVG, PNG or PDF by Graphviz: the one in the package pygraphviz, or the program `dot`."""

import threading

FORMATS = ("svg", "png", "pdf")
POSITIONS = "json0"  # where everything lies, for pages

one_at_a_time = threading.Lock()  # Graphviz as a library has global state


def render(source, format):
    """The drawing as bytes. Raises ImportError if there is no Graphviz."""
    if format not in (*FORMATS, POSITIONS):
        raise ValueError(f"cannot draw as {format!r}; the formats are {', '.join(FORMATS)}")
    if format == "png":
        source = source.replace("{\n", "{\n\tdpi=144\n", 1)
    try:
        import pygraphviz
    except ImportError:
        return by_program(source, format)
    with one_at_a_time:
        return pygraphviz.AGraph(string=source).draw(format=format, prog="dot")


def by_program(source, format):
    import graphviz

    try:
        return graphviz.Source(source).pipe(format=format)
    except graphviz.ExecutableNotFound as error:
        raise ImportError(
            'drawing needs Graphviz. Install it with\n    pip install "tinygrad-edu[draw]"\n'
            'or as a program from https://graphviz.org/download. Without it: print(graph) and graph.save("x.dot")'
        ) from error
