"""The gradient rules of an operation as they are written in its source: what a page shows under "gradient rules"."""

import ast
import functools
import inspect
import textwrap

LONGEST = 40  # lines of one rule that are shown


def rules_of(entry):
    """[text]: one rule per operand, "dx = g * y", or one that gives the gradients of all of them.

    entry  an entry of the table, or what stands for a custom Function; None gives no rules
    """
    if hasattr(entry, "function"):
        return [source_of(entry.function.backward)]
    if getattr(entry, "joint", None) is not None:
        return [text_of_rule(entry.joint, ", ".join([f"d{name}" for name in entry.operands]) or "gradients")]
    rules = zip(getattr(entry, "operands", ()), getattr(entry, "rules", None) or ())
    return [text_of_rule(rule, f"d{operand}") for operand, rule in rules if rule is not None]


def text_of_rule(rule, name):
    """'dx = formula' of a lambda, and the function in its file to which it leaves the work; of a function its
    source."""
    formula = formula_of(rule)
    if formula is None:
        return source_of(rule)
    calls = [node.func.id for node in ast.walk(formula) if isinstance(node, ast.Call) and hasattr(node.func, "id")]
    helpers = [rule.__globals__[called] for called in dict.fromkeys(calls) if called.startswith("_")]
    return "\n\n".join([f"{name} = {ast.unparse(formula)}", *[source_of(h) for h in helpers if inspect.isfunction(h)]])


def formula_of(rule):
    """What a lambda returns, as a syntax tree; None for other functions, and where there is no source."""
    if rule.__name__ != "<lambda>":
        return None
    code = rule.__code__
    for node in lambdas_in(code.co_filename).get(code.co_firstlineno, ()):
        (own,) = [c for c in compile(ast.Expression(node), "", "eval").co_consts if inspect.iscode(c)]
        if (own.co_code, own.co_varnames, own.co_names) == (code.co_code, code.co_varnames, code.co_names):
            return node.body
    return None


@functools.cache
def lambdas_in(filename):
    """{line: the lambdas that begin there} of a source file; {} if it cannot be read."""
    try:
        with open(filename, encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return {}
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, []).append(node)
    return found


def source_of(function):
    """The source text of a function; a sentence where there is none, and for a long one its beginning."""
    try:
        lines = textwrap.dedent(inspect.getsource(function)).rstrip().split("\n")
    except (OSError, TypeError):
        return f"the source of {getattr(function, '__qualname__', function)} is not at hand"
    return "\n".join(lines[:LONGEST] + ["…"] * (len(lines) > LONGEST))
