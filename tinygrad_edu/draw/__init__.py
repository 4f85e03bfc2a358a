"""Drawing the graph of recorded operations: as SVG, PNG, PDF, DOT or plain text.

    graph(loss, model).save("loss.svg")

outputs -> picture.py (what is drawn) -> dot.py (DOT text) -> render.py (Graphviz)
                                      -> listing.py (plain text)
"""

from .graph import Graph, graph
from .summary import Summary, summary

__all__ = ["Graph", "Summary", "graph", "summary"]
