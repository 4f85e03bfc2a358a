"""Faults of the engine, which handles the gradients that rules return: it sums them where operands were broadcast, and
adds up those of an operand that is used several times."""

import ast
import inspect

from ... import engine
from . import rewriting
from .faults import Fault, first_slice

ANY = "any"
"""The "number" of the gradient of an operand of whichever operation."""


class Engine:
    """The engine as something to plant faults into."""

    name, module = "engine", engine.__name__
    numbers = (ANY,)


class EngineFault(Fault):
    """A fault that spoils the gradients of all operations."""

    def __init__(self):
        super().__init__((ANY,), self.kind)

    def replace(self, **names):
        """Put other functions into the engine's module."""
        self.old = {name: getattr(engine, name, None) for name in names}
        vars(engine).update(names)

    def remove(self):
        vars(engine).update(self.old)


class NoUnbroadcast(EngineFault):
    """Where an operand was broadcast, one of the terms is taken instead of their sum."""

    kind = "missing unbroadcast"
    about = __doc__

    def plant(self, subject=None):
        right = engine.fitted

        def fitted(d, node):
            if d.shape != node.shape:
                wrong = first_slice(d, node.shape)
                self.note(lambda: right(d, node), wrong)
                d = wrong
            return right(d, node)

        self.replace(fitted=fitted)


class Accumulation(EngineFault):
    """Of two gradients for the same tensor only one is kept."""

    keep = None

    def plant(self, subject=None):
        changed = {"__one_of__": self.one_of, "__adds__": self.adds}
        self.places = 0
        for function in ast.parse(inspect.getsource(engine)).body:
            if isinstance(function, ast.FunctionDef) and mentions_pending(function):
                one = OneTerm()
                tree = one.visit(function)
                self.places += one.count
                right = getattr(engine, function.name)
                changed[function.name] = rewriting.compiled(ast.fix_missing_locations(tree), right, vars(engine))
        self.replace(**changed)

    def one_of(self, a, b):
        self.reached = self.fired = True
        return (a, b)[self.keep]

    def adds(self, adds, total, g, *values):
        """Instead of adding to `total` in place."""
        self.reached = self.fired = True
        if self.keep:
            total[...] = 0
            adds(total, g, *values)


class FirstStays(Accumulation):
    """The second gradient for a tensor is lost."""

    kind, keep = "the first gradient stays", 0
    about = __doc__


class LastStays(Accumulation):
    """The second gradient for a tensor overwrites the first."""

    kind, keep = "= for +=", 1
    about = __doc__


class Overwritten(EngineFault):
    """A second backward pass overwrites the gradient of a leaf, to which it should add."""

    kind = "second backward overwrites"
    about = __doc__

    def plant(self, subject=None):
        right = engine.visit

        def visit(node, g, box, create_graph, accumulate):
            if accumulate and node.op is None and node.extras.retains and node.extras.grad is not None:
                node.extras.grad = None
                self.reached = self.fired = True
            return right(node, g, box, create_graph, accumulate)

        self.replace(visit=visit)


def mentions_pending(function):
    """Whether a function of the engine collects gradients in `pending`."""
    return any(isinstance(node, ast.Subscript) and ast.unparse(node.value) == "pending" for node in ast.walk(function))


class OneTerm(ast.NodeTransformer):
    """Replaces a + b, total(a, b), and what adds to an array in place, by calls that choose one of the two."""

    def __init__(self):
        self.count = 0

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.Add):
            return node
        return self.chosen(node.left, node.right)

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "adds":
            self.count += 1
            return ast.Call(ast.Name("__adds__", ast.Load()), [node.func, *node.args], [])
        if not (isinstance(node.func, ast.Name) and node.func.id == "total"):
            return node
        return self.chosen(*node.args)

    def chosen(self, first, second):
        self.count += 1
        return ast.Call(ast.Name("__one_of__", ast.Load()), [first, second], [])


ENGINE_FAULTS = (NoUnbroadcast, FirstStays, LastStays, Overwritten)
