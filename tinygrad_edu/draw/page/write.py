"""From the data of a page to one HTML file that needs nothing else: no network, no other file."""

import base64
import hashlib
import json
import re
from html import escape
from importlib.resources import files

from ..labels import visible

SCRIPTS = (
    "base", "state", "numbers", "pictures", "geometry", "squeeze", "boxes", "drawing", "items", "view", "path", "panel",
    "search", "timeline", "player", "slider", "keyboard", "main",
)  # fmt: skip
"""The files in js/, in the order in which they stand in the page."""

FORBIDDEN = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def html(page):
    """The text of the HTML file for a PAGE (see data.py)."""
    page = {**page, "title": visible(page["title"] or "Graph"), "notes": [visible(note) for note in page["notes"]]}
    style, script = part("page.css"), "".join([part(f"js/{name}.js") for name in SCRIPTS])
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    filled = {
        "title": escape(page["title"], quote=False), "style": style, "script": script, "data": json_text(page),
        "style-hash": digest(style), "script-hash": digest(script),
    }  # fmt: skip
    return re.sub(r"\{\{([a-z-]+)\}\}", lambda found: filled[found[1]], part("page.html"))


def json_text(data):
    """JSON that can stand inside a script element, whatever texts are in it."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: FORBIDDEN[found[0]], text)


def digest(text):
    """What the page's security policy calls this very text, the only one that may run or style it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def part(name):
    return (files(__package__) / name).read_text(encoding="utf-8")
