"""A graph, or the film of a training, as one HTML file in which it can be explored.

picture -> data.py (what the page shows) + layout.py (where, by Graphviz) -> write.py (HTML with js/*.js, page.css)
"""

from ...files import write_whole
from .data import edges_of, page_of, scene_of
from .write import html

__all__ = ["edges_of", "html", "page_of", "scene_of", "write"]


def write(path, page):
    """Write the HTML file of a PAGE (see data.py); what was there before is replaced when the new one is complete."""
    return write_whole(path, html(page))
