"""The pytest plugin: fixture and marker `gradcheck`, and the option --gradient-report. docs/checking.md has examples.

Only what pytest must know in every run is here; `tinygrad_edu.check.pytest_plugin` does the work, and is imported by
the first test that asks for it.
"""

from types import FunctionType

import pytest

MARKER = (
    "gradcheck(function, *, shapes, dtypes, layouts, broadcast, empty, order, examples, domain, away_from, ties, wrt): "
    "check gradients of a function or module at drawn inputs: test_mine = pytest.mark.gradcheck(mine, shapes=[(3, "
    "4)]), or as a decorator of a test that returns it (tinygrad_edu)"
)


def pytest_addoption(parser):
    group = parser.getgroup("gradient checks (tinygrad_edu)")
    group.addoption(
        "--gradient-report",
        action="append",
        default=[],
        metavar="FILE",
        help="write which gradients were checked in this run, and how that went, as a page (FILE.html) or as data "
        "(FILE.json); may be given twice",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", MARKER)
    if config.getoption("gradient_report", []):
        from tinygrad_edu.check.pytest_plugin import ReportPlugin

        config.pluginmanager.register(ReportPlugin(config), "tinygrad_edu_gradient_report")


@pytest.fixture(scope="session")  # a narrower one could not be used by tests with hypothesis' @given
def gradcheck():
    """Check gradients: gradcheck(fn, *inputs, order=1, wrt=None, seed=0, name=None) is `check.assert_gradients`.

    fn is a function of Tensors, an nn.Module, of_torch(f), of_jax(f), of_numpy(f, df) or a pair (f, df). Returns the
    Report. gradcheck.expect("wrong", fn, *inputs) is for tests of checkers: another verdict fails.
    """
    from tinygrad_edu.check.pytest_plugin import Gradcheck

    return Gradcheck()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector, name, obj):
    """`test_mine = pytest.mark.gradcheck(mine, ...)` is a test; a marked function that is none is an error."""
    if type(obj) is pytest.MarkDecorator:
        if obj.name != "gradcheck" or not collector.funcnamefilter(name):
            return None
        if len(obj.args) != 1:
            raise collector.CollectError(
                f"{name}: pytest.mark.gradcheck gets the function or module to check first, "
                f"`{name} = pytest.mark.gradcheck(function, shapes=[(3, 4)])`; this one got {len(obj.args)} arguments"
            )
        return _item(collector, name, obj.args[0], obj.kwargs)
    if type(obj) is not FunctionType or "pytestmark" not in obj.__dict__:
        return None
    marks = [mark for mark in obj.pytestmark if mark.name == "gradcheck"]
    if not marks:
        return None
    if not collector.funcnamefilter(name):
        tested = any(other is obj for called, other in vars(collector.obj).items() if collector.funcnamefilter(called))
        if obj.__module__ == collector.module.__name__ and not tested:
            raise collector.CollectError(
                f"{name} is marked gradcheck, but pytest would not run it: that is no name of a test. Write "
                f"`test_{name} = pytest.mark.gradcheck({name}, ...)` below it instead of the decorator"
            )
        return None
    if len(marks) > 1:
        raise collector.CollectError(
            f"{name}: {obj.__name__} is marked gradcheck {len(marks)} times. For several checks of one function write "
            f"`test_... = pytest.mark.gradcheck({obj.__name__}, shapes=...)`, which does not mark the function itself"
        )
    return None if obj.__name__ == name else _item(collector, name, obj, marks[0].kwargs)


def _item(collector, name, function, options):
    """A test that returns `function`, with the mark."""

    def checked():
        return function

    checked.pytestmark = [pytest.mark.gradcheck.with_args(**options).mark]
    return Marked.from_parent(collector, name=name, callobj=checked)


class Marked(pytest.Function):
    """A test made of a function to check."""

    def reportinfo(self):
        return self.path, None, self.getmodpath()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A marked test returns what to check."""
    if pyfuncitem.get_closest_marker("gradcheck") is None:
        return None
    from tinygrad_edu.check.pytest_plugin import run_marked

    run_marked(pyfuncitem)
    return True
