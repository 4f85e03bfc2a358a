"""Faults in the source of a gradient rule: its functions are found in their files, changed as trees, compiled again."""

import ast
import functools
import inspect
import linecache
import types

DEPTH = 3
"""How far from a rule functions of its module are taken for a part of it: a rule that calls f, which calls g, ..."""


@functools.cache
def text_of(path):
    """The source text of a file, as it is when first asked for."""
    return "".join(linecache.getlines(path))


@functools.cache
def tree_of(path):
    """The syntax tree of a file, None if it cannot be read."""
    try:
        return ast.parse(text_of(path))
    except SyntaxError:
        return None


@functools.cache
def functions_by_line(path):
    """{number of the first line: nodes of the functions and lambdas that start there}, of a file."""
    found = {}
    for node in ast.walk(tree_of(path) or ast.Module([], [])):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            first = min([node.lineno, *[d.lineno for d in getattr(node, "decorator_list", ())]])
            found.setdefault(first, []).append(node)
    return found


@functools.cache
def imported_names(path):
    """The names that a file imports. (Python compiles calls of their attributes in a way of its own.)"""
    nodes = [
        node for node in ast.walk(tree_of(path) or ast.Module([], [])) if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    names = {(alias.asname or alias.name).split(".")[0] for node in nodes for alias in node.names}
    return sorted(names - {"*"})


def node_of(function):
    """The syntax tree of a function or lambda; None if it is not found, or not as it was when it was compiled."""
    code = getattr(function, "__code__", None)
    path = code and inspect.getsourcefile(code)
    if not path:
        return None
    for node in functions_by_line(path).get(code.co_firstlineno, ()):
        try:
            if same_code(compiled(node, function, function.__globals__).__code__, code):
                return node
        except (SyntaxError, KeyError, ValueError):
            continue
    return None


def same_code(a, b):
    """Whether two code objects do the same, wherever they stand."""
    names = ("co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars")
    if any(getattr(a, name) != getattr(b, name) for name in names) or len(a.co_consts) != len(b.co_consts):
        return False
    return all(
        same_code(x, y) if isinstance(x, types.CodeType) and isinstance(y, types.CodeType)
        else repr(x) == repr(y) or "<locals>" in str(x) and "<locals>" in str(y)  # an inner function's name
        for x, y in zip(a.co_consts, b.co_consts)
    )  # fmt: skip


def compiled(node, function, namespace):
    """The function that a (changed) syntax tree of `function` describes, with that one's defaults and closure."""
    plain = {**dict(ast.iter_fields(node)), "args": without_defaults(node.args)}
    if isinstance(node, ast.Lambda):
        body = [ast.Return(ast.copy_location(ast.Lambda(**plain), node))]
    else:
        definition = ast.FunctionDef(**{**plain, "decorator_list": [], "returns": None})
        body = [ast.copy_location(definition, node), ast.Return(ast.Name(node.name, ast.Load()))]
    names = [ast.arg(name) for name in function.__code__.co_freevars]
    outer = ast.parse("if 0: import it\ndef outer(): pass")
    outer.body[0].body[0].names = [ast.alias(name) for name in imported_names(function.__code__.co_filename) or ["ast"]]
    outer.body[1].args.args, outer.body[1].body = names, body
    ast.copy_location(outer.body[1], node)
    scope = {}
    exec(compile(ast.fix_missing_locations(outer), function.__code__.co_filename, "exec", dont_inherit=True), scope)
    made = scope["outer"](*[None] * len(names))
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    closure = tuple([cells[name] for name in made.__code__.co_freevars])
    result = types.FunctionType(made.__code__, namespace, function.__name__, function.__defaults__, closure)
    result.__kwdefaults__ = function.__kwdefaults__
    result.__dict__.update(function.__dict__)
    return result


def without_defaults(arguments):
    """The parameters with None for every default and no annotations: neither is evaluated again."""

    def bare(value):
        if isinstance(value, list):
            return [bare(item) for item in value]
        return ast.arg(value.arg) if isinstance(value, ast.arg) else value and ast.Constant(None)

    return ast.arguments(**{name: bare(value) for name, value in ast.iter_fields(arguments)})


def parts_of(rule):
    """{name: function}: the rule, named "", and the functions of its module that it uses, up to DEPTH calls away."""
    found, newest = {"": rule}, [rule]
    for _ in range(DEPTH):
        names = [name for function in newest for code in codes_of(function.__code__) for name in code.co_names]
        newest = []
        for name in dict.fromkeys(names):
            value = rule.__globals__.get(name)
            if (
                isinstance(value, types.FunctionType) and value.__module__ == rule.__module__ and name not in found
                and value is not rule and not hasattr(value, "op") and value.__globals__ is rule.__globals__
                and not hasattr(value, "__wrapped__")
            ):  # fmt: skip
                found[name] = value
                newest.append(value)
    return found


def codes_of(code):
    """A code object and those of the functions inside it."""
    yield code
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            yield from codes_of(value)


class Factors(ast.NodeVisitor):
    """Collects the places where a factor can be dropped: (node, number of what stays, text of what becomes of what)."""

    def __init__(self):
        self.found = []

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, (ast.Mult, ast.Div)) and not is_list(node.left) and not is_list(node.right):
            for stays in (0, 1) if isinstance(node.op, ast.Mult) else (0,):
                kept = (node.left, node.right)[stays]
                if not is_number(kept):
                    self.found.append((node, stays, f"{short(node)} -> {short(kept)}"))

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if isinstance(node.op, (ast.Mult, ast.Div)):
            self.found.append((node, 0, f"no {short(node)}"))

    def visit_Subscript(self, node):
        self.visit(node.value)  # a position is no gradient

    def visit_Raise(self, node):
        pass


def is_list(node):
    """Whether a product repeats a list or a text."""
    return isinstance(node, (ast.List, ast.Tuple, ast.JoinedStr)) or isinstance(
        getattr(node, "value", None), (str, bytes)
    )


def is_number(node):
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and is_number(node.operand))


def short(node):
    """The source of a node, its middle left out if it is long."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else f"{text[:36]} ... {text[-19:]}"


def factors_of(rule):
    """[(part, number of the place in it, text)] of all factors that can be dropped from a rule and its parts."""
    places = []
    for name, function in parts_of(rule).items():
        node = node_of(function)
        if node is None:
            continue
        finder = Factors()
        for statement in body_of(node):
            finder.visit(statement)
        for place, (_, _, text) in enumerate(finder.found):
            places.append((name, place, f"{text} in {name}" if name else text))
    return places


def body_of(node):
    return node.body if isinstance(node.body, list) else [node.body]


def without_factor(rule, part, place, drop, ignore):
    """The rule with one factor dropped: the product a * b becomes drop(a, b, number of what stays, whether it is a
    quotient), and `a *= b` becomes `a *= ignore(b)`."""
    parts = parts_of(rule)
    tree = fresh(node_of(parts[part]))
    finder = Factors()
    for statement in body_of(tree):
        finder.visit(statement)
    target, stays, _ = finder.found[place]
    tree = Dropping(target, stays).visit(tree)
    namespace = dict(rule.__globals__, __drop__=drop, __ignore__=ignore)
    for name, function in parts.items():
        if name == part:
            changed = compiled(ast.fix_missing_locations(tree), function, namespace)
        else:
            changed = types.FunctionType(
                function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
            )
            changed.__kwdefaults__ = function.__kwdefaults__
            changed.__dict__.update(function.__dict__)
        if name:
            namespace[name] = changed
        else:
            result = changed
    return result


def fresh(node):
    """A copy of a syntax tree."""
    if isinstance(node, list):
        return [fresh(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    made = type(node)(**{name: fresh(value) for name, value in ast.iter_fields(node)})
    return ast.copy_location(made, node)


class Dropping(ast.NodeTransformer):
    """Replaces one product by a call."""

    def __init__(self, target, stays):
        self.target, self.stays = target, stays

    def visit_BinOp(self, node):
        if node is not self.target:
            return self.generic_visit(node)
        arguments = [node.left, node.right, ast.Constant(self.stays), ast.Constant(isinstance(node.op, ast.Div))]
        return ast.copy_location(ast.Call(ast.Name("__drop__", ast.Load()), arguments, []), node)

    def visit_AugAssign(self, node):
        if node is self.target:
            node.value = ast.Call(ast.Name("__ignore__", ast.Load()), [node.value], [])
            return node
        return self.generic_visit(node)
