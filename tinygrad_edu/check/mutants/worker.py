"""What runs in a process of its own: the baseline, which sees what each test computes, or the tests of one mutant.

A task is a dict that JSON can hold. The answer is a file of lines: the name of each test as it starts, and at the end
the result, a JSON object. A process that dies leaves no result, and the last line says in which test it died.
"""

import json
import os
import random
import sys
import sysconfig
import time
import warnings
from collections import defaultdict, deque

import numpy as np
import pytest

from ... import engine
from ...random import manual_seed
from .engine_faults import ENGINE_FAULTS, Engine
from .faults import faults_of
from .subjects import BROADCAST, SQUARE, CustomFunction, Watch, is_square, record_runs

SCOPES = ("class", "module", "package", "session")
"""Of fixtures that several tests share."""


class InsteadOfTests:
    """A pytest plugin that does something else than running the tests; pytest-xdist is off, whatever the settings
    say."""

    @pytest.hookimpl(wrapper=True)
    def pytest_cmdline_main(self, config):
        for name, value in (("numprocesses", None), ("dist", "no"), ("tx", [])):
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        return (yield)


class Worker(InsteadOfTests):
    """Runs one task, in a process made for it."""

    def __init__(self, task, answer):
        self.task, self.answer = task, answer

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if not session.testsfailed:  # of files that cannot be collected pytest reports itself
            work(session, self.task, self.answer)
        return True


def work(session, task, answer):
    """Run a task with the collected tests of a session, and write the answer."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        session.config.pluginmanager.unregister(terminal)
    make_repeatable(session.items)
    with open(answer, "w", encoding="utf-8", buffering=1) as file:
        result = (baseline if task["kind"] == "baseline" else mutant)(session, task, file)
        file.write(json.dumps(result) + "\n")


class Outcome:
    """Collects what becomes of the tests."""

    def __init__(self):
        self.passed, self.failures = set(), []

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failures.append(
                (report.nodeid, f"{report.when}: {report.longrepr}" if report.when != "call" else str(report.longrepr))
            )
        elif report.when == "call" and report.passed:
            self.passed.add(report.nodeid)


def run(session, item, following):
    """Run one test, with the same random numbers each time."""
    random.seed(0)
    np.random.seed(0)
    manual_seed(0)
    torch = sys.modules.get("torch")
    if hasattr(torch, "manual_seed"):
        torch.manual_seed(0)
    item.ihook.pytest_runtest_protocol(item=item, nextitem=following)


# ---- the baseline


def baseline(session, task, file):
    """Run all tests; the result says which gradients each of them computes, and which faults these can have."""
    record = Record(task)
    record.start()
    outcome = Outcome()
    session.config.pluginmanager.register(record)
    session.config.pluginmanager.register(outcome)
    loaded = set(sys.modules)
    tests = []
    for item, following in zip(session.items, [*session.items[1:], None]):
        file.write(item.nodeid + "\n")
        runs = record.runs = set()
        start = time.perf_counter()
        run(session, item, following)
        tests.append({"id": item.nodeid, "seconds": time.perf_counter() - start, "runs": runs})
    for test, item in zip(tests, session.items):
        for name in getattr(item, "fixturenames", ()):
            test["runs"] |= record.of_fixtures.get(name, set())
    computed = {pair for test in tests for pair in test["runs"]}
    for test in tests:
        test["runs"] = sorted(test["runs"], key=str)
    library = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return {
        "tests": [test for test in tests if test["id"] in outcome.passed],
        "failures": outcome.failures,
        "mutants": record.mutants(computed),
        "sources": record.sources(),
        "modules": [name for name in set(sys.modules) - loaded if belongs_to(sys.modules[name], library)],
    }


def belongs_to(module, folders):
    """Whether a module lies in one of the folders."""
    path = getattr(module, "__file__", None)
    return path is not None and any(path.startswith(folder + os.sep) for folder in folders)


class Record:
    """Sees which gradients are computed while tests run, and while fixtures are set up that several tests share."""

    def __init__(self, task):
        self.task = task
        self.runs, self.latest = set(), deque(maxlen=16)
        self.of_fixtures = defaultdict(set)
        self.subjects = {}
        self.watch = Watch(self.visit)

    def visit(self, subject):
        self.subjects.setdefault(subject.name, subject)

        def note(number, d):
            self.runs.add((subject.name, number))
            if is_square(d):
                self.runs.add((subject.name, f"{number} {SQUARE}"))
            self.latest.append((d, subject.name, number))

        record_runs(subject, note)

    def start(self):
        """Watch all operations, and which of their gradients the engine has to sum to the shape of a smaller
        operand."""
        self.watch.start()
        right = engine.fitted

        def fitted(d, node):
            if d.shape != node.shape:
                self.runs.update((name, f"{number} {BROADCAST}") for x, name, number in self.latest if x is d)
            return right(d, node)

        engine.fitted = fitted

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        if fixturedef.scope not in SCOPES:
            return (yield)
        outer, self.runs = self.runs, self.of_fixtures[fixturedef.argname]
        try:
            return (yield)
        finally:
            self.runs = outer

    def mutants(self, computed):
        """The faults of all operations that the task names, or else of all gradients that were computed."""
        names, module, kinds = self.task["operations"], self.task["module"], self.task["faults"]
        found = []
        for subject in sorted(self.subjects.values(), key=lambda subject: (subject.module, subject.name)):
            numbers = {number for name, number in computed if name == subject.name}
            if isinstance(subject, CustomFunction):
                subject.numbers = sorted(number for number in numbers if isinstance(number, int))
            named = False
            if names is not None:
                named = subject.name in names or subject.name.rpartition(".")[2] in names
                if not named:
                    continue
            if module is not None:
                if subject.module != module and not subject.module.startswith(module + "."):
                    continue
                named = True
            for fault in faults_of(subject, kinds):
                if numbers.intersection(fault.numbers) or (named and subject.has_gradients_beside(numbers)):
                    found.append(described(subject, fault))
        if module is None and (names is None or Engine.name in names) and computed:
            found += [
                described(Engine, fault)
                for fault in (kind() for kind in ENGINE_FAULTS)
                if not kinds or fault.kind in kinds
            ]
        return found

    def sources(self):
        """The files whose syntax trees were needed."""
        return sorted({code.co_filename for subject in self.subjects.values() for *_, rule in subject.functions
                       if (code := getattr(rule, "__code__", None)) is not None})  # fmt: skip


def described(subject, fault):
    """A mutant as JSON can hold it."""
    return {
        "operation": subject.name, "module": subject.module, "numbers": list(fault.numbers), "keys": fault.keys,
        "fault": fault.name, "kind": fault.kind, "about": fault.about, "all_numbers": list(subject.numbers),
    }  # fmt: skip


# ---- one mutant


def mutant(session, task, file):
    """Run the tests of a mutant until one fails."""
    planted = Planted(task)
    planted.start()
    outcome = Outcome()
    session.config.pluginmanager.register(outcome)
    items = {item.nodeid: item for item in session.items}
    chosen = [items[name] for name in task["tests"]]
    count = 0
    for item, following in zip(chosen, [*chosen[1:], None]):
        file.write(item.nodeid + "\n")
        item.repr_failure = brief  # a traceback takes longer than the test, and nobody will read it
        run(session, item, following)
        count += 1
        if outcome.failures:
            break
    setup = getattr(session, "_setupstate", None)
    try:
        if setup is not None:
            setup.teardown_exact(None)
    except Exception:
        pass  # what a fixture says that was torn down in the middle
    name, message = outcome.failures[0] if outcome.failures else (None, None)
    return {
        "caught_by": name, "message": message, "ran": count, "planted": bool(planted.faults), "fired": planted.fired,
        "reached": planted.reached,
    }  # fmt: skip


def brief(error, style=None):
    """The first line of an exception."""
    return f"{error.type.__name__}: {error.value}".partition("\n")[0][:200]


class Planted:
    """Plants the fault of a task into its operation, and into every one of that name that tests define later."""

    def __init__(self, task):
        self.task, self.faults = task, []

    def start(self):
        if self.task["operation"] == Engine.name:
            fault = next(kind for kind in ENGINE_FAULTS if kind.kind == self.task["kind"])()
            self.faults.append(fault)
            fault.plant()
        else:
            Watch(self.visit).start()

    def visit(self, subject):
        if subject.name != self.task["operation"]:
            return
        if isinstance(subject, CustomFunction):
            subject.numbers = self.task["all_numbers"]
        for fault in faults_of(subject, (self.task["kind"],)):
            if fault.name == self.task["fault"]:
                self.faults.append(fault)
                fault.plant(subject)

    @property
    def fired(self):
        return any(fault.fired for fault in self.faults)

    @property
    def reached(self):
        return any(fault.reached or fault.fired or not fault.counts_unreached for fault in self.faults)


# ---- the same in every run


def make_repeatable(items):
    """Have hypothesis draw the same examples each time, remember none, and not look for simpler ones."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis is None:
        return
    settings = hypothesis.settings
    settings.register_profile("tinygrad_edu mutants", unsearched(settings.default))
    settings.load_profile("tinygrad_edu mutants")
    for item in items:
        function = getattr(item, "obj", None)
        function = getattr(function, "__func__", function)
        own = getattr(function, "_hypothesis_internal_use_settings", None)  # there is no public way to change it
        if own is not None:
            function._hypothesis_internal_use_settings = unsearched(own)


def unsearched(settings):
    """Hypothesis's settings with what makes a run differ from the last one taken out."""
    from hypothesis import Phase

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return type(settings)(
            parent=settings, database=None, derandomize=True, deadline=None,
            phases=[phase for phase in settings.phases if phase in (Phase.explicit, Phase.generate, Phase.target)],
        )  # fmt: skip


def main():
    """The process of a task where there is no fork: its file is the one argument."""
    with open(sys.argv[1], encoding="utf-8") as file:
        order = json.load(file)
    sys.path[:] = order["path"]
    return int(pytest.main(order["arguments"], plugins=[Worker(order["task"], order["answer"])]))


if __name__ == "__main__":
    sys.exit(main())
