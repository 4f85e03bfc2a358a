"""The picture of a recorded program: of everything that it did, also outside of the graph.

The graph of a tensor knows what gradients need. A recording knows all: constants and their values, operations under
`no_grad`, where `detach()` cut the graph, what was written in place, which call of which module an operation belongs
to, and the operation that failed.
"""

import inspect

import numpy as np

from ..recording import Step, Value
from .clusters import Cluster, count_calls
from .naming import Names, enumeration, label_text, names_of_outputs, setting_text, shape_text, value_text
from .picture import first_line, simplified
from .vertex import Vertex


def picture_of_recording(
    recording, params=None, inputs=None, outputs=None, *, steps=None, depth=None, roll=False, max_nodes=None
):
    """The Picture of a Recording.

    params, inputs  as for `graph`. Without `params`, the modules that the program called name its parameters; what it
                    gave them is named as the parameters of their `forward`
    outputs         Tensors as for `graph`: only what leads to them is drawn. Without, everything is, and those whose
                    gradients were asked for and those that nobody used are the outputs
    steps           only these of the recording's Steps: one training step of several, say
    depth, roll, max_nodes  as for `graph`

    A parameter is one vertex, however often it was changed in the meantime; updates, by optimizers or in place, are not
    drawn. Neither are views that nobody read, and numbers that left the graph by `item()` and its like.
    Raises ValueError for an output that the recording never met.
    """
    program = Program(recording, params, inputs)
    wanted = None if outputs is None else values_of_outputs(recording, outputs)
    drawn = program.chosen(recording.steps if steps is None else steps, wanted)
    for step in drawn:
        program.add(step)
    program.add_outputs(drawn, wanted)
    count_calls([vertex.cluster for vertex in program.vertices if vertex.cluster is not None])
    return simplified(program.vertices, program.notes(), program.owners, depth, roll, max_nodes)


def values_of_outputs(recording, outputs):
    """[(name, Value)]"""
    found = []
    for name, tensor in names_of_outputs(outputs):
        value = tensor if isinstance(tensor, Value) else recording.value_of(tensor)
        if value is None:
            raise ValueError(f"graph: {name} is neither used nor made in this recording")
        found.append((name, value))
    return found


class Program:
    """A picture of a recording in the making."""

    def __init__(self, recording, params, inputs):
        self.recording = recording
        self.vertices, self.of_step, self.of_value, self.of_array, self.of_call = [], {}, {}, {}, {}
        self.before = {new.number: old for update in recording.updates for old, new in update.changes}
        called = modules_of(recording)
        given = Names(called if params is None else params, inputs)
        self.owners, self.given, self.pairs = given.owners, given.inputs, given.pairs
        self.names, self.parameters, self.inputs, self.unnamed = {}, set(), set(), 0  # numbers of Values
        for name, tensor in given.pairs:
            value = recording.value_of(tensor)
            if value is not None:
                self.name(name, self.origin(value), self.inputs if name in given.inputs else self.parameters)
        self.name_arguments()
        self.paths = given.paths  # id of a module -> where it is in the model
        for module in called.values():
            for path, part in module.named_modules():
                self.paths.setdefault(id(part), path)

    def origin(self, value):
        """The Value that a parameter had before anything changed it."""
        while value.number in self.before:
            value = self.before[value.number]
        return value

    def name(self, name, value, kind):
        names = self.names.setdefault(value.number, [])
        if name not in names:
            names.append(name)
        if kind is self.inputs or value.leaf:
            kind.add(value.number)

    def name_arguments(self):
        """What the program gave to a module is called as the parameters of its `forward`."""
        for call in self.recording.calls:
            if call.around is None:
                for name, value in zip(parameter_names(call.module), call.arguments):
                    if isinstance(value, Value) and value.source is None and value.number not in self.names:
                        self.name(name, value, self.inputs)

    # ---- which steps

    def chosen(self, steps, wanted):
        """Those of the steps that are drawn, in order."""
        needed = {value.source for _, value in wanted or ()}
        roots = {value.source for value in self.recording.roots}
        written = {update.number - 1 for update in self.recording.updates if update.optimizer is None}
        kept, for_updates = [], set()
        for step in reversed(steps):
            unread = not step.results if step.entry is None else step.entry.view and not step.in_place
            if step in needed or wanted is None and (step in roots or not (unread or step in for_updates)):
                if step not in needed and step.in_place and step.number in written:  # a program's own update
                    for_updates.update(value.source for value in values_in(step))
                    continue
                kept.append(step)
                needed.update(value.source for value in values_in(step))
            elif step in for_updates:
                for_updates.update(value.source for value in values_in(step))
        return kept[::-1]

    # ---- vertices

    def add(self, step):
        """The vertex of a Step, after those of its operands."""
        failed, entry = step.error is not None, step.entry
        plain = {name: value for name, value in step.attributes.items() if name not in step.tensors}
        if entry is None:
            vertex = Vertex("cut", step.left, operation=step.left)
        else:
            vertex = Vertex(
                "failed" if failed else "operation", label_text(entry, step.attributes), operation=entry.name,
                settings=setting_text(entry, plain), doc=first_line(entry),
            )  # fmt: skip
        vertex.made, vertex.members, vertex.traced = step, [step], step.recorded
        vertex.cluster = self.cluster(step.module_call)
        if failed:
            vertex.message = str(step.error)
        vertex.shape = ", ".join([shape_text(value.shape, value.dtype) for value in step.results]) or None
        for value in step.results:
            vertex.name = vertex.name or self.names.get(value.number, (None,))[0]
        if step.in_place:
            vertex.settings = ", ".join(filter(None, (vertex.settings, "in place")))
        for position, operand in enumerate(step.operands):
            for item in operand if isinstance(operand, tuple) else (operand,):
                self.add_operand(vertex, item, position)
        for value in step.tensors.values():
            self.add_operand(vertex, value, len(vertex.operands))
        self.vertices.append(vertex)
        self.of_step[step] = vertex

    def add_operand(self, vertex, operand, position):
        if isinstance(operand, Value):
            source = self.vertex_of(operand)
            several = isinstance(source.made, Step) and len(source.made.results) > 1
            vertex.connect(source, position, operand.index if several else None)
        elif isinstance(operand, np.ndarray) and operand.ndim:
            if id(operand) not in self.of_array:
                shape = shape_text(operand.shape, operand.dtype)
                self.of_array[id(operand)] = Vertex("constant", "", shape=shape, traced=False)
                self.vertices.append(self.of_array[id(operand)])
            vertex.connect(self.of_array[id(operand)], position)
        elif operand is not None:
            number = Vertex("constant", value_text(operand), traced=False)
            self.vertices.append(number)
            vertex.connect(number, position)

    def vertex_of(self, value):
        """Where a Value comes from: a step, or something that was there before."""
        if value.source in self.of_step:
            return self.of_step[value.source]
        number = self.origin(value).number
        if number in self.of_value:
            vertex = self.of_value[number]
            if value is not vertex.members[-1]:  # an optimizer has changed it
                vertex.members.append(value)
            return vertex
        names = self.names.get(number, ())
        label = " = ".join(names)
        if number in self.parameters:
            kind = "parameter"
        elif number in self.inputs or any(name in self.given for name in names):
            kind = "input"
        else:
            kind = "leaf" if value.traced else "constant"
            if value.traced and not label:
                self.unnamed += 1
                label = "leaf" if self.unnamed == 1 else f"leaf {self.unnamed}"
        shape = shape_text(value.shape, value.dtype)
        if not label and not value.shape and value.data is not None and np.ndim(value.data) == 0:
            label, shape = value_text(np.asarray(value.data)), None
        name = names[0] if names else None
        vertex = Vertex(kind, label, name=name, shape=shape, made=value, traced=value.traced)
        self.of_value[number] = vertex
        self.vertices.append(vertex)
        return vertex

    def cluster(self, call):
        """The cluster of a ModuleCall."""
        if call is None or call in self.of_call:
            return self.of_call.get(call)
        for each in reversed(list(call.chain())):
            if each not in self.of_call:
                path, kind = self.paths.get(id(each.module), ""), type(each.module).__name__
                self.of_call[each] = Cluster(path, kind, self.of_call.get(each.around))
        return self.of_call[call]

    def add_outputs(self, drawn, wanted):
        """A vertex for each output."""
        if wanted is None:
            used = {value for step in drawn for value in values_in(step)}
            made = [value for step in drawn for value in step.results]
            known = set(made)
            roots = [value for value in dict.fromkeys(self.recording.roots) if value in known]
            ends = [value for step in drawn if used.isdisjoint(step.results) for value in step.results[:1]]
            ends = [value for value in ends if value not in roots]
            wanted = [*numbered("loss", roots), *numbered("output", ends)]
        for name, value in wanted:
            vertex = Vertex("output", name, name=name, traced=value.traced)
            vertex.members = [value]
            source = self.vertex_of(value)
            several = isinstance(source.made, Step) and len(source.made.results) > 1
            vertex.connect(source, 0, value.index if several else None)
            self.vertices.append(vertex)

    def notes(self):
        """What was named and does not occur."""
        unused = []
        for name, tensor in self.pairs:
            value = self.recording.value_of(tensor)
            asked = name in self.given or (tensor.requires_grad and tensor.is_leaf)
            used = value is not None and (self.origin(value).number in self.of_value or value.source in self.of_step)
            if asked and not used:
                unused.append(name)
        return [f"not used in this program: {enumeration(unused)}"] if unused else []


def modules_of(recording):
    """name -> module, for the modules that the program called itself and that have parameters; "" if there is one."""
    modules = {id(call.module): call.module for call in recording.calls if call.around is None}
    modules = [module for module in modules.values() if any(True for _ in module.parameters())]
    if len(modules) == 1:
        return {"": modules[0]}
    kinds = [type(module).__name__ for module in modules]
    return {
        kind if kinds.count(kind) == 1 else f"{kind} {kinds[:number].count(kind) + 1}": module
        for number, (kind, module) in enumerate(zip(kinds, modules))
    }


def parameter_names(module):
    """The names of the positional parameters of a module's `forward`."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]


def values_in(step):
    """All Values that a Step uses."""
    for operand in (*step.operands, *step.tensors.values()):
        for item in operand if isinstance(operand, tuple) else (operand,):
            if isinstance(item, Value):
                yield item


def numbered(name, values):
    return [(name if len(values) == 1 else f"{name} {i}", value) for i, value in enumerate(values)]
