"""Drawing the graph of recorded operations: as SVG, PNG, PDF, DOT or plain text.

    graph(loss, model).save("loss.svg")

subject.py (Tensors, a Module with an example, a Recording)
-> nodes.py, program.py (as vertices) -> picture.py (what is drawn) -> dot.py (DOT text) -> render.py (Graphviz)
                                                                    -> listing.py (plain text)
                                                                    -> page/ (a page to explore)
film.py (training steps, to step through on a page); summary.py (the table of a model's layers)
"""

from .film import Film, film
from .graph import Graph, graph
from .summary import Summary, summary

__all__ = ["Film", "Graph", "Summary", "film", "graph", "summary"]
