"""The coverage matrix of gradient checks: what was checked, of which dtype, broadcast, layout, size and order, and how
it went.

`Coverage` collects; `as_data` is what JSON holds (`FIELDS` says what each part means), and gradient_page.py makes HTML
of it.

A check of a function that is made of several operations of the table says something of each: if it is ok, so is each
that it recorded; if it is wrong, so is the culprit, and of the others it says nothing.
"""

import contextlib
import functools
import json
from collections import Counter

import numpy as np

from ..define import OPS
from ..files import write_whole
from ..observing import Observer, observing
from ..tensor import NUMBERS, Tensor
from .foreign import Foreign, of_numpy
from .functions import of_tensors
from .report import VERDICTS

FIELDS = {
    "format": "1; another number where the meaning of a field has changed",
    "verdict": "the worst verdict of the run: ok, kink, inconclusive, wrong; null if nothing was checked",
    "checks": "how many checks had each verdict, without those that were expected to fail",
    "expected": "how many checks failed in tests that pass, such as tests of a checker: they are counted here alone",
    "rows": "one for each operation of the table (kind `operation`) and each function or module checked (kind "
    "`function`): name, verdict, and `cells`",
    "cells": "one for each combination of circumstances: dtype of the floating operands; broadcast: none, stretched (a "
    "size of 1), fewer dims; layout in memory: contiguous, transposed, strided, reversed, repeated; empty: a size is 0; "
    "memory: what an operation returned: new, view, in place; order: 1 for gradients, 2 for gradients of gradients; "
    "verdict: the worst; checks: how many had which verdict",
    "failures": "test, name, verdict and text of checks that failed, the last of each test",
    "unchecked": "the differentiable operations of the table that no check reached",
    "missing_workers": "processes of pytest-xdist that ended without sending what they checked",
}
"""What the JSON report holds."""

LAYOUTS = ("contiguous", "transposed", "strided", "reversed", "repeated")
BROADCASTS = ("none", "stretched", "fewer dims")
MEMORY = ("new", "view", "in place")
CELL = ("dtype", "broadcast", "layout", "empty", "memory", "order")
"""What names a cell of a row, in the order of its key."""


class Coverage:
    """What was checked: for each row, (kind, name), and cell (a tuple, see CELL) how often each verdict was found."""

    def __init__(self):
        self.rows, self.failures, self.checks, self.expected, self.missing = {}, {}, Counter(), Counter(), 0

    def add(self, facts, failure=None, expected=False):
        """Count a check; `facts` are what `facts_of` gave. A failure that was expected counts as that alone."""
        if expected and failure is not None:
            self.expected[facts["verdict"]] += 1
            return
        self.checks[facts["verdict"]] += 1
        for kind, name, cell, verdict in facts["cells"]:
            self.rows.setdefault((kind, name), {}).setdefault(cell, Counter())[verdict] += 1
        if failure is not None:
            self.failures[failure["test"], failure["name"]] = failure

    def data(self):
        """All of it as lists and strings, for `merge` in another process."""
        rows = [[*row, [[*cell, dict(count)] for cell, count in cells.items()]] for row, cells in self.rows.items()]
        return json.dumps([rows, list(self.failures.values()), self.checks, self.expected])

    def merge(self, data):
        """Add what `data()` of another Coverage gave."""
        rows, failures, checks, expected = json.loads(data)
        for kind, name, cells in rows:
            mine = self.rows.setdefault((kind, name), {})
            for *cell, count in cells:
                mine.setdefault(tuple(cell), Counter()).update(count)
        self.failures.update({(failure["test"], failure["name"]): failure for failure in failures})
        self.checks.update(checks)
        self.expected.update(expected)

    def names(self, kind):
        return sorted(name for its_kind, name in self.rows if its_kind == kind)

    def summary(self):
        """One line."""
        of_table = set(differentiable()).intersection(self.names("operation"))
        parts = [f"{self.checks[verdict]} {verdict}" for verdict in VERDICTS if self.checks[verdict]]
        parts += [f"{self.expected.total()} more failed as expected"] if self.expected else []
        parts += [f"{self.missing} of pytest-xdist's workers ended without a report"] if self.missing else []
        number, functions = self.checks.total(), len(self.names("function"))
        return (
            f"{number} check{'s' * (number != 1)} of {len(of_table)} of the {len(differentiable())} differentiable "
            f"operations and of {functions} function{'s' * (functions != 1)}: "
            + (", ".join(parts) or "nothing was checked")
        )


def differentiable():
    """The names of the operations of the table that have gradients."""
    return [
        name
        for name, entry in OPS.items()
        if entry.differentiable and not entry.random and entry.kernel.__module__.startswith("tinygrad_edu.ops")
    ]


# ---- one check


def facts_of(fn, inputs, options, report, test, name=None):
    """What is to be counted of a check: {"name", "verdict", "cells": [(kind, name, cell, verdict)]}."""
    orders = {element.order for element in report.elements} or {1}
    worst = {order: worst_of(e.verdict for e in report.elements if e.order == order) or "ok" for order in orders}
    if report.reason:
        worst[1] = report.verdict
    cells = []
    calls = [] if isinstance(fn, (Foreign, tuple)) else _calls(fn, inputs, options.get("wrt"))
    for order, verdict in worst.items():
        counted = _blamed(calls, verdict, report.culprit)
        cells += [("operation", called, (*cell, order), verdict) for called, cell in counted]
    operation = getattr(fn, "op", None)
    name = name or (operation.name if operation is not None else name_of(fn, test))
    if operation is None or operation.name not in OPS:
        cell = _circumstances(_arrays(fn, inputs, options.get("wrt")), None, "new")
        cells += [("function", name, (*cell, order), verdict) for order, verdict in worst.items()]
    return {"name": name, "verdict": report.verdict, "cells": cells}


def failure_of(test, facts, report):
    return {"test": test, "name": facts["name"], "verdict": report.verdict, "text": str(report)}


def worst_of(verdicts):
    """The worst of some verdicts; None of none."""
    return max(verdicts, key=VERDICTS.index, default=None)


def _blamed(calls, verdict, culprit):
    """The calls [(name, cell)] of which a verdict on their composition says something; each once."""
    names = {name for name, _, _ in calls}
    if verdict == "wrong":
        calls = [call for call in calls if culprit is not None and call[0] == culprit.operation]
    elif verdict == "inconclusive":
        calls = calls if len(names) == 1 else []
    elif verdict == "kink":
        calls = [call for call in calls if call[2] or len(names) == 1]
    return list(dict.fromkeys((name, cell) for name, cell, _ in calls))


def _calls(fn, inputs, wrt):
    """[(name, cell without the order, whether it has kinks)] of the table's operations in the graph of fn(*inputs)."""
    function = of_tensors(fn, inputs, wrt)
    quiet = np.errstate(all="ignore")
    with observing(_Calls()) as seen, quiet, contextlib.suppress(Exception):  # what it called until then still counts
        function.call(function.inputs)
    return [
        (entry.name, _circumstances(arrays, entry, memory), bool(entry.avoid))
        for entry, arrays, memory, _ in seen.calls
    ]


class _Calls(Observer):
    """Notes [entry, arrays of the operands, where the result went, node of the result] of the table's operations."""

    def __init__(self):
        self.calls = []

    def operation(self, entry, call, operands, attributes, result):
        results = result if isinstance(result, (tuple, list)) else [result]
        if OPS.get(getattr(entry, "name", None)) is entry and any(
            x.node is not None for x in results if type(x) is Tensor
        ):
            operands = [y for x in operands for y in (x if isinstance(x, (tuple, list)) else [x])]
            arrays = [x.array for x in operands if isinstance(x, Tensor)]
            self.calls.append([entry, arrays, "view" if entry.view else "new", results[0].node])

    def written(self, target, result, name):
        if self.calls and self.calls[-1][3] is result.node is not None:
            self.calls[-1][2] = "in place"


def _arrays(fn, inputs, wrt):
    """The inputs of a function as arrays; those of another library's are copies, as the function gets them."""
    if isinstance(fn, (Foreign, tuple)):
        return (of_numpy(*fn) if isinstance(fn, tuple) else fn).at(inputs, wrt).inputs
    numeric = (Tensor, np.ndarray, *NUMBERS)
    return [x.array if isinstance(x, Tensor) else np.asarray(x) for x in inputs if isinstance(x, numeric)]


def _circumstances(arrays, entry, memory):
    """The part of a cell that the operands decide; `entry` is None for a function."""
    floating = [x for x in arrays if x.dtype.kind == "f"]
    shapes = {x.shape for x in (arrays if entry is not None else floating)}
    kinds = {layout_of(x) for x in floating}
    return (
        "+".join(sorted({x.dtype.name for x in floating})) or "none",
        _broadcast(shapes) if entry is None or entry.elementwise else "none",
        max(kinds, key=LAYOUTS.index, default="contiguous"),
        any(0 in shape for shape in shapes),
        memory,
    )


def _broadcast(shapes):
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return "none"
    if len(shapes) < 2:
        return "none"
    return "fewer dims" if len({len(shape) for shape in shapes}) > 1 else "stretched"


def layout_of(x):
    """How an array lies in memory: one of LAYOUTS."""
    steps = [(step, size) for step, size in zip(x.strides, x.shape) if size > 1]
    if x.size < 2 or x.flags.c_contiguous:
        return "contiguous"
    if any(step == 0 for step, _ in steps):
        return "repeated"
    if any(step < 0 for step, _ in steps):
        return "reversed"
    # dense, in another order of the axes?
    expected = x.itemsize
    for step, size in sorted(steps):
        if step != expected:
            return "strided"
        expected *= size
    return "transposed"


def name_of(fn, test=""):
    """What a function is called in the report. One without a name of its own is called after the test."""
    if isinstance(fn, (Foreign, tuple)):
        kind, first = ("numpy", fn[0]) if isinstance(fn, tuple) else (fn.kind.__name__, fn.functions[0])
        name = name_of(first, test)
        library = kind.removesuffix("Function").lower()
        return f"{name if '::' in name else name.rpartition('.')[2]} ({library})"
    while isinstance(fn, functools.partial):
        fn = fn.func
    name = getattr(fn, "__qualname__", None) or getattr(fn, "__name__", None)
    if name is None:
        return type(fn).__name__
    if "<" in name:  # <lambda> and <locals>
        name, place = name.rpartition(".")[2], test.partition("[")[0]
        return place or name if name == "<lambda>" else f"{place} {name}".strip()
    return name if not getattr(fn, "__module__", None) else f"{fn.__module__}.{name}"


# ---- files


def as_data(coverage):
    """The report as JSON can hold it, see FIELDS; the same checks give the same, in whichever order and process they
    ran."""
    rows = []
    for kind in ("operation", "function"):
        for name in coverage.names(kind):
            cells = sorted(coverage.rows[kind, name].items(), key=lambda item: [str(part) for part in item[0]])
            rows.append({
                "kind": kind, "name": name, "verdict": worst_of(v for _, count in cells for v in count),
                "cells": [
                    {**dict(zip(CELL, cell)), "verdict": worst_of(count), "checks": _in_order(count)}
                    for cell, count in cells
                ],
            })  # fmt: skip
    checked = set(coverage.names("operation"))
    return {
        "format": 1,
        "verdict": worst_of(coverage.checks),
        "checks": _in_order(coverage.checks),
        "expected": _in_order(coverage.expected),
        "rows": rows,
        "failures": [coverage.failures[key] for key in sorted(coverage.failures)],
        "unchecked": sorted(set(differentiable()) - checked),
        "missing_workers": coverage.missing,
    }


def _in_order(count):
    return {verdict: count[verdict] for verdict in VERDICTS if count[verdict]}


def write(coverage, path):
    """Write the report, as HTML or JSON by the ending of `path`: the whole file, or (if that fails) nothing."""
    data = as_data(coverage)
    if path.suffix.lower() == ".json":
        text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    else:
        from .gradient_page import page

        text = page(data, coverage.summary())
    write_whole(path, text)
