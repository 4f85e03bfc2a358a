"""What the pytest plugin does when a test asks for it: the fixture `gradcheck`, and recording for --gradient-report.

(What pytest must know in every run is in the package tinygrad_edu_plugins; the marker's work is in pytest_marker.py.)
"""

import os
from pathlib import Path

import pytest

from . import gradcheck as checker
from .gradcheck import gradients
from .gradient_report import Coverage, facts_of, failure_of, write
from .report import VERDICTS

FORMATS = (".html", ".json")


class Gradcheck:
    """The fixture `gradcheck`."""

    def __call__(self, fn, *inputs, name=None, **options):
        """`check.assert_gradients(fn, *inputs, **options)`; `name` is what the function is called in the report."""
        __tracebackhide__ = True
        report = gradients(fn, *inputs, **options)
        for listen in checker.listeners:
            listen(fn, inputs, options, report, name=name)
        if not report:
            raise AssertionError(str(report))
        return report

    def expect(self, verdict, fn, *inputs, name=None, **options):
        """Fail unless the verdict on fn is `verdict`, one of VERDICTS or several. For tests of checkers, and at
        kinks."""
        __tracebackhide__ = True
        wanted = (verdict,) if isinstance(verdict, str) else tuple(verdict)
        unknown = [item for item in wanted if item not in VERDICTS]
        if unknown or not wanted:
            raise ValueError(f"verdicts are {', '.join(VERDICTS)}, not {verdict!r}")
        report = gradients(fn, *inputs, **options)
        for listen in checker.listeners:
            listen(fn, inputs, options, report, name=name, expected=report.verdict in wanted)
        if report.verdict not in wanted:
            raise AssertionError(f"expected {' or '.join(wanted)}, but the gradients are {report.verdict}\n{report}")
        return report


def run_marked(item):
    """Run a test that is marked gradcheck."""
    from .pytest_marker import run_marked

    run_marked(item)


class ReportPlugin:
    """Collects what is checked, and writes --gradient-report at the end; a worker of pytest-xdist sends it instead."""

    def __init__(self, config):
        self.coverage, self.pending, self.written = Coverage(), [], []
        self.worker = hasattr(config, "workerinput")
        if not self.worker:
            self.paths = [_path(config, text) for text in config.getoption("gradient_report")]
        checker.listeners.append(self.listen)

    def pytest_unconfigure(self):
        if self.listen in checker.listeners:
            checker.listeners.remove(self.listen)

    def listen(self, fn, inputs, options, report, name=None, expected=False):
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
        facts = facts_of(fn, inputs, options, report, test, name)
        self.pending.append((facts, None if report else failure_of(test, facts, report), expected))

    def pytest_runtest_logreport(self, report):
        """A test is over. If it passes although a gradient in it did not, it expected that."""
        if report.when == "call" and self.pending:
            self._count(report.passed)

    def _count(self, passed):
        # of failures with one name the last: hypothesis' search for a simpler example is no further check
        last = {facts["name"]: number for number, (facts, failure, _) in enumerate(self.pending) if failure is not None}
        for number, (facts, failure, expected) in enumerate(self.pending):
            if passed or expected or failure is None or last[facts["name"]] == number:
                self.coverage.add(facts, failure, expected or passed)
        self.pending = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        data = getattr(node, "workeroutput", {}).get("gradient_report")
        if data is None:
            self.coverage.missing += 1
        else:
            self.coverage.merge(data)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session):
        self._count(False)  # what fixtures checked that end with the session
        if self.worker:
            session.config.workeroutput["gradient_report"] = self.coverage.data()
            return
        if session.config.option.collectonly:
            return
        for path in self.paths:
            try:
                write(self.coverage, path)
                self.written.append((str(path), None))
            except OSError as error:
                self.written.append((str(path), error))
                session.exitstatus = session.exitstatus or pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter):
        if self.written:
            terminalreporter.section("gradient report")
            terminalreporter.line(self.coverage.summary())
        for path, error in self.written:
            terminalreporter.line(f"written: {path}" if error is None else f"could not be written: {error}")


def _path(config, text):
    """The file of --gradient-report; it must be possible to write it, which is better known before the tests than
    after."""
    path = Path(config.invocation_params.dir, text)
    if path.suffix.lower() not in FORMATS:
        raise pytest.UsageError(f"--gradient-report={text}: what to write is told by the ending, .html or .json")
    if not path.parent.is_dir():
        raise pytest.UsageError(f"--gradient-report={text}: there is no folder {path.parent}")
    if path.is_dir():
        raise pytest.UsageError(f"--gradient-report={text}: that is a folder")
    return path
