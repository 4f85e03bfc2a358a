"""`summary`: a model as a table of its layers: shapes of their results, parameters, multiply-adds, memory."""

import math
from collections import Counter

import numpy as np

from ..cost import multiply_adds, nbytes
from ..dtypes import default_float
from ..grad_mode import no_grad
from ..observing import Observer, observing
from ..recording import record
from ..tensor import Tensor, of_array

__all__ = ["Summary", "summary"]


def summary(model, *inputs, depth=None):
    """The table of a model's layers as a `Summary`: `print(summary(model, x))`.

        summary(model, x)              x is a batch: a Tensor or array
        summary(model, (1, 28, 28))    a shape stands for zeros of the default dtype
        summary(model)                 without an input: no shapes, no multiply-adds

    inputs  what the model is called with. It is called once, in evaluation mode and without recording a graph, so that
            neither running averages nor random numbers nor gradients change
    depth   how many levels of modules have a line of their own; those below are counted in the line above them

    The columns:
    Output shape   of what the module returns; of the last call where there are several; – if it is not called
    Parameters     elements of the parameters that the line adds: those of the module itself (or of all within it, where
                   `depth` ends). A parameter that several modules share counts where it occurs first
    Multiply-adds  products of two numbers added up in all calls, by `cost.multiply_adds`, without those in lines below

    Raises what the model raises, and TypeError if `model` is no Module.
    """
    if not hasattr(model, "named_modules"):
        raise TypeError(
            f"summary: the first argument must be an nn.Module, not {type(model).__name__}; then come its inputs: "
            "summary(model, x)"
        )
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise ValueError(f"depth must be an integer of at least 0, or None for all levels; not {depth!r}")
    given = [as_input(x) for x in inputs]
    results, steps, calls = run(model, given) if inputs else ({}, [], Counter())
    return Summary(model, given, results, steps, calls, depth)


def as_input(x):
    """A shape as zeros, an array as a Tensor."""
    if isinstance(x, (tuple, list)) and x and all(isinstance(n, (int, np.integer)) for n in x):
        return of_array(np.zeros(tuple(x), default_float()), None)
    return of_array(x, None) if isinstance(x, np.ndarray) else x


def run(model, inputs):
    """(module -> its last result, the Steps, module -> how often it was called) of one call of the model."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with no_grad(), record(keep=lambda array: None) as recording, observing(Results()) as results:
            model(*inputs)
    finally:
        for module, training in modes:
            module.training = training
    return results.of_module, recording.steps, Counter(call.module for call in recording.calls)


class Results(Observer):
    """Notes the last result of each module."""

    def __init__(self):
        self.of_module = {}

    def module_ends(self, module, result):
        self.of_module[module] = result


class Row:
    """One line of the table.

    name, kind     path of the module in the model, its class;  level  how deep it lies
    shape          of its result, as text
    parameters     how many elements the line adds to the total;  trainable  those of them that require gradients
    multiply_adds  of its own operations, None if nothing was run
    calls          how often it was called
    shared         whether all of its parameters were counted before
    """

    __slots__ = ("calls", "kind", "level", "multiply_adds", "name", "parameters", "shape", "shared", "trainable")


class Summary:
    """What `summary` returns; its text is the table.

    rows                 one Row for each module
    parameters, trainable, fixed    how many elements the parameters have; those that require gradients; the others
    multiply_adds        of one call of the model with these inputs; None without inputs
    bytes_of_parameters, bytes_of_buffers, bytes_of_inputs   memory
    bytes_of_results     of all that the call computed, if nothing of it were freed; None without inputs
    """

    def __init__(self, model, inputs, results, steps, calls, depth):
        self.name, self.inputs = type(model).__name__, [shape_of(x) for x in inputs]
        own = Counter()
        for step in steps:
            own[None if step.module_call is None else step.module_call.module] += multiply_adds(step)
        counted, parts_counted = set(), set()
        self.rows = []
        for path, module in model.named_modules():
            level = path.count(".") + 1 if path else 0
            if depth is not None and level > depth:
                continue
            parts = [part for part in (module.modules() if level == depth else [module]) if part not in parts_counted]
            parts_counted.update(parts)
            parameters = [p for part in parts for p in part.parameters(recurse=False)]
            fresh = [p for p in dict.fromkeys(parameters) if p not in counted]
            counted.update(fresh)
            row = Row()
            row.name, row.kind, row.level, row.calls = path, type(module).__name__, level, calls[module]
            row.shape = shape_of(results[module]) if module in results else ""
            row.parameters = elements(fresh)
            row.trainable = elements([p for p in fresh if p.requires_grad])
            row.shared = bool(parameters) and not fresh
            row.multiply_adds = sum(own[part] for part in parts) if inputs else None
            self.rows.append(row)
        self.parameters, self.trainable = elements(counted), elements([p for p in counted if p.requires_grad])
        self.fixed = self.parameters - self.trainable
        self.bytes_of_parameters = sum(p.array.nbytes for p in counted)
        self.bytes_of_buffers = sum(b.array.nbytes for b in model.buffers())
        self.bytes_of_inputs = sum(x.array.nbytes for x in tensors_in(inputs))
        self.multiply_adds = sum(map(multiply_adds, steps)) if inputs else None
        self.bytes_of_results = sum(map(nbytes, steps)) if inputs else None

    def __str__(self):
        lines = [["Layer (type)", "Output shape", "Parameters", "Multiply-adds"]]
        lines += [["input" if i == 0 else "", shape, "", ""] for i, shape in enumerate(self.inputs)]
        for row in self.rows:
            last = row.name.rpartition(".")[2]
            name = "  " * row.level + (f"{last} ({row.kind})" if last else row.kind)
            name += f" × {row.calls}" if row.calls > 1 else ""
            parameters = "shared" if row.shared else f"{row.parameters:,}" if row.parameters else "–"
            adds = "" if row.multiply_adds is None else f"{row.multiply_adds:,}" if row.multiply_adds else "–"
            lines.append([name, row.shape or ("–" if self.inputs else ""), parameters, adds])
        if self.multiply_adds is None:
            lines = [[name, parameters] for name, _, parameters, _ in lines]
        widths = [max(map(len, column)) for column in zip(*lines)]
        texts = 2 if self.multiply_adds is not None else 1  # the columns of numbers are aligned to the right
        table = [
            "  ".join(
                [cell.ljust(w) if i < texts else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths))]
            ).rstrip()
            for line in lines
        ]
        rule = "─" * (sum(widths) + 2 * len(widths) - 2)
        return "\n".join([table[0], rule, *table[1:], rule, *self.totals()])

    def totals(self):
        yield f"Parameters: {self.parameters:,} ({amount(self.bytes_of_parameters)})"
        yield f"  trainable: {self.trainable:,}"
        yield f"  not trainable: {self.fixed:,}"
        if self.bytes_of_buffers:
            yield f"Buffers: {amount(self.bytes_of_buffers)}"
        if self.multiply_adds is not None:
            yield f"Multiply-adds: {self.multiply_adds:,}"
            inputs, results = amount(self.bytes_of_inputs), amount(self.bytes_of_results)
            yield f"Memory of a forward pass: {inputs} inputs, {results} results"

    __repr__ = __str__


def elements(tensors):
    return sum(math.prod(tensor.shape) for tensor in tensors)


def tensors_in(value):
    """The Tensors in nested lists, tuples and dicts."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [tensor for part in parts for tensor in tensors_in(part)]


def shape_of(value):
    """'(2, 3)'; of several Tensors '(2, 3), (3,)'."""
    shapes = [str(tuple(tensor.shape)) for tensor in tensors_in(value)]
    return ", ".join([*shapes[:3], *(["…"] if len(shapes) > 3 else [])])


def amount(count):
    """Bytes as people say them: '526.5 KiB'."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:,} bytes" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1024
