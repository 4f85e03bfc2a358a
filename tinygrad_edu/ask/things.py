"""What is there: the modules, optimizers and schedules of the running program, and what tensors are called.

Python's garbage collector knows all objects; asking it takes some milliseconds, which only those pay who ask.
"""

import ast
import gc
import linecache
import sys

from ..clock import PACKAGE
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..tensor import Tensor

REGISTRIES = ("_parameters", "_buffers", "_modules", "_hooks", "_calls", "_unrecorded", "_non_persistent")
"""Attributes of every module, which hold what is registered."""


def living(*classes):
    """All objects that exist of each of these classes and of classes derived from them: a list for each class."""
    things = gc.get_objects()  # some hundred thousand, of some thousand types
    kinds = {id(kind): kind for kind in map(type, things)}
    of = {key: [i for i, cls in enumerate(classes) if issubclass(kind, cls)] for key, kind in kinds.items()}
    wanted, found = {key for key in of if of[key]}, [[] for _ in classes]
    for thing in things:
        key = id(type(thing))
        if key in wanted:
            for i in of[key]:
                found[i].append(thing)
    return found


class Things:
    """The modules and optimizers that exist, and names for tensors."""

    def __init__(self, model=None):
        modules, optimizers, tensors = living(Module, Optimizer, Tensor)  # some may be about to be made
        modules = [module for module in modules if "_modules" in module.__dict__]
        self.optimizers = [optimizer for optimizer in optimizers if "param_groups" in optimizer.__dict__]
        self.tensors = [tensor for tensor in tensors if hasattr(tensor, "node")]
        children = {id(child) for module in modules for child in module._modules.values()}
        self.roots = [module for module in modules if id(module) not in children]
        if model is not None:
            self.roots = [model, *[root for root in self.roots if root is not model]]
        self.modules = modules
        self.names, self.owners = {}, {}
        for root in self.roots:
            for path, module in root.named_modules():
                for name, parameter in module._parameters.items():
                    if parameter is not None:
                        self.names.setdefault(id(parameter), f"{path}.{name}" if path else name)
                        self.owners.setdefault(id(parameter), (root, module))

    def owner(self, tensor):
        """(the outermost module that lists this parameter, the module that has it), or (None, None)."""
        return self.owners.get(id(tensor), (None, None))

    def name(self, tensor, frame=None):
        """What to call a tensor: its name in a module, of a variable of the caller, or its shape."""
        variable = next(iter(variables(tensor, frame)), None)
        if id(tensor) in self.names:
            root, module = self.owner(tensor)
            hidden = self.container_of(root)
            prefix = f"{hidden[1]}." if hidden is not None else ""
            return f"`{prefix}{self.names[id(tensor)]}`"
        for module in self.modules:
            for name, value in vars(module).items():
                if value is tensor:
                    return f"`{type(module).__name__}.{name}`"
        return f"`{variable}`" if variable else f"the tensor of shape {tuple(tensor.shape)}"

    def optimizers_of(self, tensor):
        return [o for o in self.optimizers if any(p is tensor for g in o.param_groups for p in g["params"])]

    def container_of(self, thing):
        """(module, "layers[0]", "list") if a module or parameter lies in a plain container of a module."""
        for module in self.modules:
            for name, value in vars(module).items():
                if name in REGISTRIES:
                    continue
                for key, item in items(value):
                    if item is thing:
                        return module, f"{name}[{key!r}]", type(value).__name__
        return None


def items(value, depth=2):
    """(key, item) of everything in a list, tuple or dict, also nested ones."""
    if depth and isinstance(value, (list, tuple, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield key, item
            yield from items(item, depth - 1)


# ---- the program that asks


def asking_frame():
    """The frame of the program that called into this package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame


def variables(tensor, frame):
    """The names of the caller's variables that hold a tensor."""
    if frame is None:
        return []
    found = [name for name, value in frame.f_locals.items() if value is tensor and not name.startswith("_")]
    return found or [name for name, value in frame.f_globals.items() if value is tensor and not name.startswith("_")]


def assignments(name, frame):
    """[(place, statement)] where the function (or file) of a frame assigns to a variable, in order of the lines."""
    code = frame.f_code
    source = "".join(linecache.getlines(code.co_filename, frame.f_globals))
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    scope = tree
    for node in ast.walk(tree):
        inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name
        if inside and node.lineno <= frame.f_lineno <= node.end_lineno:
            scope = node
    found = []
    for node in ast.walk(scope):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and any(
            isinstance(part, ast.Name) and part.id == name for t in targets for part in ast.walk(t)
        ):
            found.append((f"{code.co_filename}:{node.lineno}", node))
    return sorted(found, key=lambda pair: pair[1].lineno)
