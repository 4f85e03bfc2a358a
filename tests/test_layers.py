"""The architecture, read from the sources: who imports whom, what is imported at all, and how long files are."""

import ast
import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu

ROOT = Path(tinygrad_edu.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LONGEST = 450

LAYERS = (
    (
        "errors",
        "clock",
        "files",
        "lately",
        "dtypes",
        "devices",
        "legacy",
        "modes",
        "engine",
        "grad_mode",
        "text",
        "tensor",
        "blas",
        "threads",
        "blocks",
        "views",
        "special",
        "inverse_erf",
        "generator",
        "random",
    ),  # fmt: skip
    ("observing", "operation", "recording", "calls", "define"),
    ("creation", "ops"),
    ("numpy_functions", "numpy_protocol", "autograd", "linalg", "func", "cost"),
    ("nn", "optim", "draw", "plots", "check", "data", "serialization"),
    ("utils", "compat", "ask", "train"),
    ("", "interop"),
)
"""Packages and modules from low to high. What a module imports when it is imported lies in its own layer or a lower
one.

The last is tinygrad_edu itself. An import inside a function may reach a higher layer.
"""

OPTIONAL = "graphviz pygraphviz matplotlib hypothesis sklearn tqdm pooch h5py scipy torch pytest PIL".split()
"""What `import tinygrad_edu` must not import."""


def module_name(path):
    """The dotted name within tinygrad_edu: "ops.shape"; "" for the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imports_of(name):
    """The modules of tinygrad_edu that a module imports when it is imported itself."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [part for part in package if part]
    found = set()
    for node in statements_run_at_import(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "tinygrad_edu":
                    found.add(existing(alias.name.split(".")[1:]))
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            elif node.module.split(".")[0] == "tinygrad_edu":
                base = node.module.split(".")[1:]
            else:
                continue
            found.update(existing([*base, alias.name]) for alias in node.names)
    return found - {name}


def statements_run_at_import(body):
    """All statements of a module but those inside functions."""
    for node in body:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for field in ("body", "orelse", "finalbody"):
                yield from statements_run_at_import(getattr(node, field, None) or [])
            for handler in getattr(node, "handlers", ()):
                yield from statements_run_at_import(handler.body)


def existing(parts):
    """The module that `parts` names: all of them, or without the last, which is then a name in the module."""
    while ".".join(parts) not in MODULES:
        parts = parts[:-1]
    return ".".join(parts)


def layer_of(name):
    top = name.split(".")[0]
    for number, layer in enumerate(LAYERS):
        if top in layer:
            return number
    raise AssertionError(f"tinygrad_edu/{top} is in no layer; add it to LAYERS and to docs/architecture.md")


@pytest.mark.parametrize("name", MODULES, ids=[name or "tinygrad_edu" for name in MODULES])
def test_low_never_imports_high(name):
    high = [other for other in imports_of(name) if layer_of(other) > layer_of(name)]
    assert not high, f"{name} (layer {layer_of(name)}) imports {high}, which lie above it"


def test_no_import_cycle():
    """Module-level imports form no cycle. (A package's __init__ may import its modules, and these one another.)"""
    state, path = {}, []

    def walk(name):
        state[name] = "open"
        path.append(name)
        for other in sorted(imports_of(name)):
            if state.get(other) == "open":
                raise AssertionError("import cycle: " + " -> ".join([*path[path.index(other) :], other]))
            if other not in state:
                walk(other)
        path.pop()
        state[name] = "done"

    for name in MODULES:
        if name not in state:
            walk(name)


def test_import_is_light():
    """`import tinygrad_edu` needs NumPy only."""
    code = f"import sys, tinygrad_edu; print(*[name for name in {OPTIONAL!r} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_files_are_short(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines < LONGEST, f"{path.name} has {lines} lines; split it by subject"


def test_setup_names_every_package():
    """The packages in setup.cfg are the folders of the library; one is installed under another name (see its
    docstring)."""
    settings = configparser.ConfigParser()
    settings.read(ROOT.parent / "setup.cfg")
    named = set(settings["options"]["packages"].split())
    folders = {".".join(path.parent.relative_to(ROOT.parent).parts) for path in ROOT.rglob("__init__.py")}
    assert named == folders - {"tinygrad_edu.check.plugins"} | {"tinygrad_edu_plugins"}
