"""A program as data: inputs, steps, outputs. It can be called, and written as Python that anybody can run."""

import itertools
import linecache
import sys
from dataclasses import dataclass, field, replace

import numpy as np

from ...clock import owner_of
from ...define import OPS
from ...tensor import Tensor, tensor
from .text import as_text, call_text, index_as_text

_NUMBERS = itertools.count(1)

IN_PLACE_SIGNS = {"add": "+=", "sub": "-=", "mul": "*=", "div": "/="}


@dataclass(frozen=True)
class Step:
    """One line of a program.

    results     names of the results; in place, the name of the tensor that is overwritten
    operation   its name in the table; "setitem" and "copy_" for what writes only
    operands    for each a name (str), or a constant: an array, a number or None
    attributes  further arguments, by name
    in_place    whether it writes into its first operand
    text        how it is written, {} standing for the operands, where it is not `operation(operands, attributes)`
    """

    results: tuple
    operation: str
    operands: tuple
    attributes: dict = field(default_factory=dict)
    in_place: bool = False
    text: str = None

    @property
    def reads(self):
        """The names among the operands."""
        return [x for x in self.operands if isinstance(x, str)]

    def line(self, entries=OPS):
        """The step as a line of Python."""
        texts = [x if isinstance(x, str) else as_text(x) for x in self.operands]
        if self.text is not None:
            written = self.text.format(*texts)
        elif self.operation == "setitem":
            return f"{texts[0]}[{index_as_text(self.attributes['index'])}] = {texts[1]}"
        elif self.operation == "copy_":
            return f"{texts[0]}.copy_({texts[1]})"
        elif self.in_place and self.operation in IN_PLACE_SIGNS and len(texts) == 2:
            return f"{texts[0]} {IN_PLACE_SIGNS[self.operation]} {texts[1]}"
        elif self.in_place:
            return f"{texts[0]}.{self.operation}_({', '.join(texts[1:])})"
        else:
            entry = entries[self.operation]
            written = call_text(entry, self.operands, self.attributes, function_of(entry)[0])
        return written if self.in_place else f"{', '.join(self.results)} = {written}"


def function_of(entry):
    """(how to call an operation, the import that this needs or None)."""
    package = _package()
    for short, module in (("tg", package), ("F", package.nn.functional), ("tg.linalg", package.linalg)):
        if getattr(module, entry.name, None) is entry.call:
            return f"{short}.{entry.name}", None
    name = entry.call.__name__
    module = sys.modules.get(entry.call.__module__)
    if module is not None and getattr(module, name, None) is entry.call:
        return name, f"from {module.__name__} import {name}"
    return name, f"# {name}: the operation under test"


def _package():
    """tinygrad_edu itself, which is above this module."""
    return sys.modules[__name__.split(".", 1)[0]]


class Program:
    """A differentiable function of a few tensors: `program(*tensors)` computes it step by step.

    inputs   arrays: the values at which it is to be checked
    names    a name for each input
    steps    a list of Steps
    outputs  names of the tensors that it returns, always as a tuple
    entries  operations that are not in the table, by name

    `str(program)` or `program.source()` is Python that gives the same values to the last bit and checks the gradients.
    """

    def __init__(self, inputs, names, steps, outputs, entries=None):
        self.inputs, self.names = [np.array(x) for x in inputs], tuple(names)
        self.steps, self.outputs = tuple(steps), tuple(outputs)
        self.entries = OPS if not entries else {**OPS, **entries}
        self._function = None

    def __call__(self, *tensors):
        if self._function is None:
            self._function = self._compiled()
        return self._function(*tensors)

    def __str__(self):
        return self.source()

    def __repr__(self):
        return f"<program of {len(self.inputs)} inputs, {len(self.steps)} steps: {', '.join(self.operations)}>"

    @property
    def operations(self):
        """The names of the operations, step by step."""
        return [step.operation for step in self.steps]

    def body(self):
        """The definition of the function, as Python."""
        lines = [f"def program({', '.join(self.names)}):"]
        lines += [f"    {step.line(self.entries)}" for step in self.steps]
        return "\n".join([*lines, f"    return {', '.join(self.outputs)}{',' * (len(self.outputs) == 1)}"])

    def imports(self):
        """The lines that import what the body uses."""
        body = self.body()
        lines = ["import numpy as np", "import tinygrad_edu as tg", "from tinygrad_edu import check"]
        if "F." in body:
            lines.append("from tinygrad_edu.nn import functional as F")
        plain = {step.operation for step in self.steps if step.text is None and not step.in_place}
        known = (function_of(self.entries[name])[1] for name in sorted(plain) if name in self.entries)
        return lines + list(dict.fromkeys(line for line in known if line))

    def source(self, order=1):
        """Python that runs on its own: the program, its inputs, and the check of its gradients."""
        inputs = [f"{name} = {as_text(x)}" for name, x in zip(self.names, self.inputs)]
        check = f"check.assert_gradients(program, {', '.join(self.names)}{'' if order == 1 else f', order={order}'})"
        return "\n".join([*self.imports(), "", "", self.body(), "", "", *inputs, check, ""])

    def _compiled(self):
        """The function. Its text is known to tracebacks and to reports that name the line of an operation."""
        body = self.body()
        file = f"<program {next(_NUMBERS)}>"
        linecache.cache[file] = (len(body), None, body.splitlines(keepends=True), file)
        space = self.namespace()
        exec(compile(body, file, "exec"), space)
        return space["program"]

    def namespace(self):
        """The names that its lines use."""
        package = _package()
        space = {"np": np, "tg": package, "F": package.nn.functional}
        for step in self.steps:
            entry = self.entries.get(step.operation)
            if entry is not None:
                space[entry.call.__name__] = entry.call
        return space

    def values(self):
        """The values of all tensors at the end, by name, with gradients recorded; the inputs are leaves."""
        space = self.namespace()
        run = {name: leaf(x) for name, x in zip(self.names, self.inputs)}
        for step in self.steps:
            exec(step.line(self.entries), space, run)
        return run

    def needed(self, outputs=None):
        """The same program with those steps and inputs only that the outputs need, and with short names in order."""
        outputs = tuple(outputs or self.outputs)
        groups = memory_groups(self)
        live, kept = set(outputs), []
        for step in reversed(self.steps):
            if step.in_place:
                wanted = any(groups[name] == groups[step.operands[0]] for name in live)
            else:
                wanted = not live.isdisjoint(step.results)
            if wanted:
                kept.append(step)
                live.update(step.reads)
        kept.reverse()
        used = [number for number, name in enumerate(self.names) if name in live]
        entries = {name: entry for name, entry in self.entries.items() if OPS.get(name) is not entry}
        return renamed([self.inputs[i] for i in used], [self.names[i] for i in used], kept, outputs, entries)


def leaf(array):
    """A tensor with a copy of the array that collects gradients."""
    return tensor(np.array(array), requires_grad=True)


def memory_groups(program):
    """For each name a number that is the same for tensors which may share memory."""
    owners, groups = {}, {}
    for name, value in program.values().items():
        array = value.array if isinstance(value, Tensor) else value
        owner = owner_of(array)
        groups[name] = owners.setdefault(id(owner), (len(owners), owner))[0]
    return groups


def renamed(inputs, names, steps, outputs, entries):
    """A program in which inputs are called a, b, c, ... and results follow in order."""
    alphabet = iter(short_names())
    short = {name: next(alphabet) for name in names}
    for step in steps:
        for name in step.results:
            if name not in short:
                short[name] = next(alphabet)
    steps = [
        replace(
            step,
            results=tuple([short[name] for name in step.results]),
            operands=tuple([short[x] if isinstance(x, str) else x for x in step.operands]),
        )
        for step in steps
    ]
    return Program(inputs, [short[name] for name in names], steps, [short[name] for name in outputs], entries)


def short_names():
    """a, b, c, ..., z, a1, b1, ...; without those that could be mistaken for a module or a number."""
    for round_ in itertools.count():
        for letter in "abcdeghijkmnopqrsuvwxyz":
            yield letter + (str(round_) if round_ else "")
