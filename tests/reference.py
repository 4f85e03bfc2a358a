"""Stored results of PyTorch, so that a machine without it checks the essentials: python tests/reference.py writes them.

For the first call of each name and for every module in the `cases_*.py` files, `reference.json` has what PyTorch gives:
of each result, gradient and second gradient its dtype and shape, and two numbers that depend on every element of it.
"""

import functools
import json
import math
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("reference.json")


def digest(found):
    """What is stored of an outcome (see test_as_torch.outcome): [dtype, shape, Σ cos(i) xᵢ, Σ |xᵢ|] for each part."""
    parts = []
    for what, part in found:
        if what == "inputs with gradients":
            continue
        _, dtype, shape, values = part
        if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
            x = np.nan_to_num(values.astype(float).ravel(), nan=0.5, posinf=2.0, neginf=-2.0)
            parts.append([dtype, list(shape), float(np.cos(np.arange(x.size)) @ x), float(np.abs(x).sum())])
        else:
            parts.append([dtype, list(shape), str(values), 0.0])
    return parts


def same(one, other, rtol):
    """Whether two digests agree: numbers up to rtol times the sum of the magnitudes, or 1."""

    def close(a, b):
        if isinstance(b[2], str):
            return a[2] == b[2]
        return all(math.isclose(x, y, rel_tol=rtol, abs_tol=rtol * max(1, b[3])) for x, y in zip(a[2:], b[2:]))

    return len(one) == len(other) and all(a[:2] == b[:2] and close(a, b) for a, b in zip(one, other))


@functools.lru_cache
def load():
    return json.loads(PATH.read_text(encoding="utf-8"))


def write():
    import torch
    from test_as_torch import as_far_as_possible, call_outcome, module_outcome, table

    stored = {}
    for kind, outcome in (("CALLS", call_outcome), ("MODULES", module_outcome)):
        for parameter in table(kind, only_first=True):
            name, case = parameter.values
            found = as_far_as_possible(lambda second: outcome(torch, name, case, second))
            kinds = [what for what, _ in found if what == "second gradient"][:1]
            stored[parameter.id] = {"kinds": kinds, "parts": rounded(digest(found))}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(parts)}" for name, parts in stored.items())
    PATH.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    print(f"wrote {len(stored)} results of torch {torch.__version__} to {PATH}")


def rounded(parts):
    return [
        [dtype, shape, *[x if isinstance(x, str) else float(f"{x:.10g}") for x in rest]]
        for dtype, shape, *rest in parts
    ]


if __name__ == "__main__":
    write()
