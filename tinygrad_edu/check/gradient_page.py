"""The coverage matrix as a page of HTML that needs nothing else."""

from collections import Counter
from html import escape

from .gradient_report import CELL
from .report import VERDICTS

SLICES = {
    "all": lambda cell: True,
    "stretched": lambda cell: cell["broadcast"] == "stretched",
    "fewer dims": lambda cell: cell["broadcast"] == "fewer dims",
    "transposed": lambda cell: cell["layout"] == "transposed",
    "strided": lambda cell: cell["layout"] == "strided",
    "reversed": lambda cell: cell["layout"] == "reversed",
    "repeated": lambda cell: cell["layout"] == "repeated",
    "empty": lambda cell: cell["empty"],
    "view": lambda cell: cell["memory"] == "view",
    "in place": lambda cell: cell["memory"] == "in place",
}
"""Columns of each dtype and order: which cells they show. A check counts in each column that it belongs to."""

ABOUT = {
    "all": "all checks",
    "stretched": "an operand with a size of 1 was broadcast",
    "fewer dims": "an operand with fewer dimensions was broadcast",
    "transposed": "an operand whose axes lie in memory in another order",
    "strided": "an operand with gaps in memory",
    "reversed": "an operand with a negative step in memory",
    "repeated": "an operand with a step of 0, as broadcasting gives",
    "empty": "an operand without elements",
    "view": "the operation returned a view",
    "in place": "the operation wrote its result into its operand",
}

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d5dae0; --soft: #f4f6f8; --dim: #667080;
  --ok: #d3edd6; --kink: #d8e5fb; --inconclusive: #fbeab8; --wrong: #f8c4bf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --paper: #15181c; --line: #363c44; --soft: #1e2227;
  --dim: #98a2b0; --ok: #1f4a2b; --kink: #24406e; --inconclusive: #5f4b10; --wrong: #7a2a25; } }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2em auto;
  padding: 0 1.5em; max-width: 110em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
.wide { overflow: auto; max-height: 85vh; border: 1px solid var(--line); }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
th, td { padding: .15em .55em; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { text-align: right; } td.none { color: var(--dim); }
tbody th { text-align: left; font-weight: 500; position: sticky; left: 0; background: var(--paper);
  max-width: 32em; overflow: hidden; text-overflow: ellipsis; }
thead th { background: var(--soft); font-weight: 500; position: sticky; top: 0; z-index: 1; }
thead tr + tr th { top: 1.85em; } thead th:first-child { left: 0; z-index: 2; }
.first { border-left: 2px solid var(--line); }
.ok { background: var(--ok) } .kink { background: var(--kink) } .inconclusive { background: var(--inconclusive) }
.wrong { background: var(--wrong); font-weight: 600 }
b { font-weight: 500; padding: .1em .5em; border-radius: .3em; }
pre { background: var(--soft); padding: .8em; overflow: auto; }
p.dim, details { color: var(--dim); }
"""


def page(data, summary):
    """The page for what `gradient_report.as_data` gave."""
    legend = " ".join(f'<b class="{verdict}">{verdict}</b>' for verdict in VERDICTS)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Gradients checked</title><style>{STYLE}</style></head><body>",
        f"<h1>Gradients checked</h1><p>{escape(summary)}</p>",
        f'<p class="dim">{legend} A number says how many checks there were; its colour is the worst verdict; no '
        "number: not checked. A check counts in each column that it belongs to. Point at a number for the details.</p>",
    ]
    if data["failures"]:
        parts.append(f"<h2>Failures: {len(data['failures'])}</h2>")
        parts += [_failure(failure) for failure in data["failures"]]
    for kind, title in (("operation", "Operations"), ("function", "Functions and modules")):
        rows = [row for row in data["rows"] if row["kind"] == kind]
        if rows:
            parts.append(f"<h2>{title}: {len(rows)}</h2>{_table(rows)}")
    if data["unchecked"]:
        names = ", ".join(map(escape, data["unchecked"]))
        title = f"Differentiable operations that no check reached: {len(data['unchecked'])}"
        parts.append(f"<details><summary>{title}</summary>{names}</details>")
    return "\n".join([*parts, "</body></html>", ""])


def _failure(failure):
    test = failure["test"] or "no test"
    where = "" if failure["name"] == test else f" in {escape(test)}"
    return (
        f'<p><b class="{failure["verdict"]}">{failure["verdict"]}</b> {escape(failure["name"])}{where}</p>'
        f"<pre>{escape(failure['text'])}</pre>"
    )


def _table(rows):
    groups = sorted({(cell["dtype"], cell["order"]) for row in rows for cell in row["cells"]})
    columns = []
    for group in groups:
        cells = [cell for row in rows for cell in row["cells"] if (cell["dtype"], cell["order"]) == group]
        columns.append((group, [name for name, belongs in SLICES.items() if any(map(belongs, cells))]))
    first, second = ["<tr><th></th>"], ["<tr><th></th>"]
    for (dtype, order), names in columns:
        first.append(f'<th class="first" colspan="{len(names)}">{escape(dtype)}, order {order}</th>')
        second += [f'<th{_first(name)} title="{ABOUT[name]}">{name}</th>' for name in names]
    lines = [
        f'<tr><th title="{escape(row["name"])}">{escape(row["name"])}</th>{_cells(row, columns)}</tr>' for row in rows
    ]
    head = f"{''.join(first)}</tr>{''.join(second)}</tr>"
    return f'<div class="wide"><table><thead>{head}</thead><tbody>\n{chr(10).join(lines)}\n</tbody></table></div>'


def _first(name):
    return ' class="first"' if name == "all" else ""


def _cells(row, columns):
    texts = []
    for group, names in columns:
        cells = [cell for cell in row["cells"] if (cell["dtype"], cell["order"]) == group]
        for name in names:
            mine = [cell for cell in cells if SLICES[name](cell)]
            count = sum((Counter(cell["checks"]) for cell in mine), Counter())
            classes = " ".join(
                [*(["first"] if name == "all" else []), max(count, key=VERDICTS.index) if count else "none"]
            )
            title = escape("\n".join(map(_details, mine)))
            texts.append(
                f'<td class="{classes}" title="{title}">{count.total()}</td>'
                if count
                else f'<td class="{classes}"></td>'
            )
    return "".join(texts)


def _details(cell):
    """The circumstances of a cell that are not the ordinary ones, and its numbers."""
    plain = {"broadcast": "none", "layout": "contiguous", "empty": False, "memory": "new"}
    special = [
        name if cell[name] is True else str(cell[name]) for name in CELL if name in plain and cell[name] != plain[name]
    ]
    numbers = ", ".join(f"{number} {verdict}" for verdict, number in cell["checks"].items())
    return f"{', '.join(special) or 'plain'}: {numbers}"
