"""The marker `gradcheck`: a function or module is checked at inputs that hypothesis draws, and shrinks on failure.

test_softplus = pytest.mark.gradcheck(softplus, shapes=[(3, 4)], order=2)

@pytest.mark.gradcheck(shapes=[(5, 3)], dtypes=["float32", "float64"])
def test_layer(layer):          # a fixture, or a parameter
    return layer
"""

import copy
import difflib
import functools
import inspect
import re

import numpy as np
import pytest

from ..tensor import NUMBERS, Tensor
from .foreign import Foreign
from .gradient_report import name_of
from .operands import EVERYWHERE, LAYOUTS, as_function, domain_of, entry_of
from .programs.text import as_text
from .pytest_plugin import Gradcheck

EXAMPLES = 20
DRAWN_LAYOUTS = tuple([layout for layout in LAYOUTS if layout != "repeated"])


class Misuse(Exception):
    """A marker that says something impossible; the text says what to write instead."""


class Options:
    """The arguments of the marker.

    shapes     a shape for each input, [(3, 4), (4,)], or a strategy that draws such lists. Without it they are drawn,
               or, for a module or an operation of the table, are such as it takes (operations that do not work element
               by element get the operands of their samples, whatever `domain`, `away_from` and `ties` are)
    dtypes     of the inputs: one of them is drawn for all. By default that of a module's parameters, or float64
    layouts    how inputs lie in memory: some of "contiguous", "transposed", "step 2", "reversed"; or "any"
    broadcast  also draw inputs whose sizes are 1, or which lack leading dimensions, where the others' are not
    empty      where shapes are drawn, also draw sizes of 0
    order      2 checks gradients of gradients, too
    examples   how many inputs to draw; by default 20, or as many as the profile of hypothesis says
    domain     the interval of the values, or one for each input; by default (-3, 3), or that of the operation of the
               table
    away_from  numbers from which values keep away: kinks and poles
    ties       whether values may be equal
    wrt        the inputs to check, see `check.gradients`
    """

    def __init__(
        self, *, shapes=None, dtypes=None, layouts=("contiguous",), broadcast=False, empty=False, order=1,
        examples=None, domain=None, away_from=(), ties=False, wrt=None,
    ):  # fmt: skip
        self.shapes, self.broadcast, self.empty, self.order, self.examples = shapes, broadcast, empty, order, examples
        self.ties, self.wrt, self.dtypes = ties, wrt, None
        if shapes is not None and not hasattr(shapes, "map"):
            self.shapes = _shapes(shapes)
        if dtypes is not None:
            self.dtypes = [_dtype(item) for item in _several("dtypes", dtypes)]
        self.layouts = DRAWN_LAYOUTS if layouts == "any" else tuple(_several("layouts", layouts))
        for layout in self.layouts:
            if layout not in DRAWN_LAYOUTS:
                why = "in which elements share memory, so that none can be moved alone" if layout == "repeated" else ""
                raise Misuse(
                    f"layouts has {layout!r} {why}; there are {', '.join(map(repr, DRAWN_LAYOUTS))}, and 'any'"
                )
        if order not in (1, 2):
            raise Misuse(f"order is 1 or 2, not {order!r}")
        if examples is not None and (not isinstance(examples, int) or examples < 1):
            raise Misuse(f"examples is how many inputs to draw, at least 1, not {examples!r}")
        self.away_from = (away_from,) if isinstance(away_from, NUMBERS) else tuple(away_from)
        self.own_domain, domain = domain is None, EVERYWHERE if domain is None else domain
        per_input = isinstance(domain, (list, tuple)) and bool(domain) and isinstance(domain[0], (list, tuple))
        self.domains = [tuple(item) for item in domain] if per_input else [domain]
        for item in self.domains:
            if len(item) != 2 or not all(isinstance(end, NUMBERS) for end in item) or not item[0] < item[1]:
                raise Misuse(f"domain is an interval, (-3, 3), or a list with one for each input, not {domain!r}")

    def domain_of(self, number):
        return tuple(self.domains[min(number, len(self.domains) - 1)])


def _several(name, value):
    if isinstance(value, (str, type, np.dtype)) or not hasattr(value, "__iter__"):
        raise Misuse(f"{name} is a list: write {name}=[{value!r}]")
    if not list(value):
        raise Misuse(f"{name} is empty")
    return list(value)


def _shapes(shapes):
    if isinstance(shapes, int) or (isinstance(shapes, (list, tuple)) and shapes and isinstance(shapes[0], int)):
        shape = (shapes,) if isinstance(shapes, int) else tuple(shapes)
        raise Misuse(f"shapes has a shape for each input: for one input of shape {shape} write shapes=[{shape}]")
    try:
        found = [tuple([size.__index__() for size in shape]) for shape in shapes]
    except (TypeError, AttributeError):
        raise Misuse(f"shapes is a list of shapes, [(3, 4), (4,)], not {shapes!r}") from None
    if not found or any(size < 0 for shape in found for size in shape):
        raise Misuse(f"shapes is a list of shapes with sizes of at least 0, [(3, 4), (4,)], not {shapes!r}")
    return found


def _dtype(item):
    try:
        dtype = np.dtype(item)
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind != "f":
        raise Misuse(f"dtypes has {item!r}; only floating numbers have gradients: 'float64', 'float32', 'float16'")
    return dtype


# ---- what to draw


class Case:
    """Drawn inputs.  fn  what is checked;  inputs  its arrays;  layouts  how they lie;  call  how fn is called, as
    text."""

    def __init__(self, fn, inputs, layouts, attributes=""):
        self.fn, self.inputs, self.layouts, self.attributes = fn, inputs, layouts, attributes

    def __repr__(self):  # hypothesis may show it
        return f"({', '.join(map(_input_text, self.inputs, self.layouts))})"


def cases(fn, options):
    """A strategy for Cases of a function, module, operation, or function of another library."""
    import hypothesis.strategies as st

    from . import strategies
    from .operands import laid_out

    module = fn if hasattr(fn, "named_parameters") and not isinstance(fn, Foreign) else None
    own = next((x.dtype for x in module.parameters() if x.dtype.kind == "f"), None) if module is not None else None
    dtypes = st.sampled_from(options.dtypes or [np.dtype(own or np.float64)])
    if isinstance(fn, Foreign) and options.layouts != ("contiguous",):
        raise Misuse(
            "layouts are for functions of Tensors; one of another library gets its own arrays, which are contiguous"
        )

    @functools.cache
    def of_dtype(dtype):
        """The module in a dtype."""
        return fn if module is None or own is None or own == dtype else copy.deepcopy(module).to(dtype)

    @st.composite
    def of_shapes(draw, shapes):
        shapes, dtype = [tuple(shape) for shape in draw(shapes)], draw(dtypes)
        if len(options.domains) == 1:  # all at once, so that values differ from one another in all inputs together
            sizes = [int(np.prod(shape)) for shape in shapes]
            values = draw(
                strategies.arrays(
                    (sum(sizes),), dtype, "contiguous", options.domain_of(0), options.away_from, options.ties
                )
            )
            parts = np.split(values, np.cumsum(sizes)[:-1])
            inputs = [part.reshape(shape) for part, shape in zip(parts, shapes)]
        else:
            inputs = [
                draw(
                    strategies.arrays(
                        shape, dtype, "contiguous", options.domain_of(number), options.away_from, options.ties
                    )
                )
                for number, shape in enumerate(shapes)
            ]
        return finish(draw, of_dtype(dtype), inputs)

    @st.composite
    def of_module(draw):
        dtype = draw(dtypes)
        return finish(draw, of_dtype(dtype), [x.array for x in draw(strategies.module_inputs(module, dtype))])

    @st.composite
    def of_entry(draw, entry):
        arrays, attributes = draw(strategies.operands(entry, draw(dtypes), min_side=0 if options.empty else 1))
        function, inputs = as_function(entry, arrays, attributes)
        function.op, function.__qualname__ = entry, entry.name
        return finish(draw, function, inputs, f" with {attributes}" if attributes else "")

    def finish(draw, function, inputs, attributes=""):
        layouts = [
            draw(st.sampled_from(options.layouts)) if x.dtype.kind == "f" and x.ndim else "contiguous" for x in inputs
        ]
        return Case(function, [laid_out(x, layout) for x, layout in zip(inputs, layouts)], layouts, attributes)

    if options.shapes is not None:
        shapes = options.shapes if hasattr(options.shapes, "map") else _around(options.shapes, options.broadcast, st)
        return of_shapes(shapes)
    if module is not None:
        return of_module()
    entry, least = entry_of(fn) if hasattr(fn, "op") else None, 0 if options.empty else 1
    if entry is not None:
        domains = [domain_of(entry, number) for number in range(len(entry.operands))]
        if entry.samples or not entry.elementwise or any(isinstance(domain, str) for domain in domains):
            return of_entry(entry)
        if options.own_domain:
            options.domains = [domains[0]] if len(set(domains)) == 1 else domains
        if not options.away_from:
            options.away_from = tuple([point for point in entry.avoid if point != "ties"])
    count = _inputs_of(fn) if entry is None else len(entry.operands)
    if options.broadcast or entry is not None:
        return of_shapes(strategies.broadcastable_shapes(count, min_side=least))
    return of_shapes(strategies.shapes(min_side=least).map(lambda shape: (shape,) * count))


def _around(shapes, broadcast, st):
    """The shapes as given; with `broadcast` also such as broadcast to them, of which one at least stays."""
    if not broadcast or len(shapes) < 2:
        return st.just(shapes)

    @st.composite
    def drawn(draw):
        stays = draw(st.integers(0, len(shapes) - 1))
        whole = np.broadcast_shapes(*shapes)
        found = []
        for number, shape in enumerate(shapes):
            if number != stays or shape != whole:
                cut = draw(st.integers(0, len(shape)))
                shape = tuple([1 if draw(st.booleans()) else size for size in shape[cut:]])
            found.append(shape)
        return found

    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise Misuse(f"broadcast=True is for shapes that broadcast, and {shapes} do not") from None
    return drawn()


def _inputs_of(fn):
    """How many inputs a function takes, by its signature."""
    functions = fn.functions if isinstance(fn, Foreign) else fn if isinstance(fn, tuple) else (fn,)
    try:
        parameters = inspect.signature(functions[0]).parameters.values()
    except (TypeError, ValueError):
        parameters = None
    if parameters is None or any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise Misuse("how many inputs the function takes cannot be seen: write shapes=[...], a shape for each")
    count = sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    if not count:
        raise Misuse("the function has no parameter without a default: write shapes=[...], a shape for each input")
    return count


# ---- running


def run_marked(item):
    """Call the test, and check what it returns."""
    __tracebackhide__ = True
    misuse = None
    try:
        given = {}
        for mark in reversed(list(item.iter_markers("gradcheck"))):  # the nearest last
            if mark.args:
                raise Misuse("as a decorator it takes arguments by name only, @pytest.mark.gradcheck(shapes=[(3, 4)])")
            given.update(mark.kwargs)
        known = list(inspect.signature(Options).parameters)
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                raise Misuse(
                    f"there is no `{name}`{f', perhaps `{near[0]}`' if near else ''}; there are {', '.join(known)}"
                )
        options = Options(**given)
        try:
            import hypothesis  # noqa: F401
        except ImportError:
            raise Misuse(
                'it draws inputs with hypothesis, which is not installed: pip install "tinygrad-edu[check]"'
            ) from None
        fn = item.obj(**{name: item.funcargs[name] for name in item._fixtureinfo.argnames})
        _assert_checkable(fn)
        drawn = cases(fn, options)
    except Misuse as error:
        misuse = f"{item.name}, the marker gradcheck: {error}"
    if misuse:  # here, so that pytest shows the text alone
        pytest.fail(misuse, pytrace=False)
    _run(item, fn, options, drawn)


def _assert_checkable(fn):
    if fn is None:
        raise Misuse("the test returns None; it has to return what to check: `return function`, or a module")
    if isinstance(fn, (Tensor, np.ndarray)):
        raise Misuse("the test returns a result; it has to return what to check: `return function`, without calling it")
    if inspect.isclass(fn):
        raise Misuse(
            f"the test returns the class {fn.__name__}; it has to return a module: `return {fn.__name__}(...)`"
        )
    pair = isinstance(fn, tuple) and len(fn) == 2 and all(map(callable, fn))
    if not (callable(fn) or isinstance(fn, Foreign) or pair):
        raise Misuse(f"the test returns {fn!r:.80}; it has to return what to check: a function or a module")


def _run(item, fn, options, drawn):
    __tracebackhide__ = True
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import HypothesisException

    gradcheck, failed = Gradcheck(), []
    default = settings.get_profile("default").max_examples
    examples = options.examples or (
        EXAMPLES if settings.default.max_examples == default else settings.default.max_examples
    )

    @settings(
        max_examples=examples,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        phases=[
            phase for phase in settings.default.phases if phase is not Phase.explain
        ],  # as costly, and says little of numbers
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors],
    )
    @given(drawn)
    def check(case):
        try:
            # numbers as they are drawn, in memory that nobody else has
            gradcheck(case.fn, *case.inputs, order=options.order, wrt=options.wrt, name=name)
        except Exception as error:
            failed[:] = [(case, error)]
            raise

    name = entry_of(fn).name if hasattr(fn, "op") else name_of(fn, item.nodeid)
    # what hypothesis remembers failures by
    check.hypothesis.inner_test._hypothesis_internal_add_digest = item.nodeid.encode("utf-8", "replace")
    text = None
    try:
        check()
    except HypothesisException as error:
        text = f"{item.name}, the marker gradcheck: {type(error).__name__}: {error}"
    except Exception as error:
        if not failed:
            raise
        case, cause = failed[0]
        text = f"as simple as they could be made:\n\n{snippet(fn, case, options, name)}"
        if type(cause) is not AssertionError or not str(cause).startswith("gradients: "):
            _add_note(error, f"raised for these inputs, {text}")
            raise
        # an operation that is called by nobody but the checker
        found = re.sub(r"called at \S*\bhypothesis\b\S*:\d+", f"called by {item.name}", str(cause))
        text = f"{found}\nThe inputs, {text}"
    if text:
        pytest.fail(text, pytrace=False)


def _add_note(error, text):
    notes = [
        note for note in getattr(error, "__notes__", []) if not note.startswith(("Falsifying", "Failing"))
    ]  # hypothesis'; the text has it
    error.__notes__ = [*notes, text]


def snippet(fn, case, options, name):
    """The failing check as Python."""
    function = name.rpartition(".")[2]
    about = f"{name}{case.attributes}"
    if hasattr(fn, "named_parameters"):
        function, about = "module", repr(fn)
    elif not function.isidentifier() or "::" in name:
        function, about = "function", f"what is checked by {name}"
    lines = [f"# {function}: {about}".replace("\n", "\n# ")]
    lines += [
        f"x{number} = {_input_text(x, layout)}" for number, (x, layout) in enumerate(zip(case.inputs, case.layouts))
    ]
    names = [f"x{number}" for number in range(len(case.inputs))]
    settings = [f"order={options.order}"] * (options.order != 1) + [f"wrt={options.wrt!r}"] * (options.wrt is not None)
    lines.append(f"check.assert_gradients({', '.join([function, *names, *settings])})")
    return "\n".join(f"    {line}" for text in lines for line in text.split("\n"))


def _input_text(x, layout):
    if layout == "transposed" and x.ndim > 1:
        return f"{as_text(np.ascontiguousarray(x.T))}.T"
    if layout == "step 2":
        return f"np.repeat({as_text(np.ascontiguousarray(x))}, 2, axis=-1)[..., ::2]"
    if layout == "reversed":
        return f"{as_text(np.ascontiguousarray(np.flip(x)))}[{', '.join(['::-1'] * x.ndim)}]"
    return as_text(np.ascontiguousarray(x).reshape(x.shape))
