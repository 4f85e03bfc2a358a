"""Processes for tasks: forked after pytest has collected the tests once, or Python started anew for each."""

import contextlib
import gc
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import warnings

import pytest

from ...define import OPS
from .rewriting import functions_by_line, text_of
from .worker import InsteadOfTests, work

CAN_FORK = hasattr(os, "fork")


class CollectionError(Exception):
    """The tests could not be collected; the text is pytest's."""


class Process:
    """A task that runs. `code` is None until it has ended, `late` says that it was killed for taking too long."""

    def __init__(self, answer, limit):
        self.answer, self.start, self.limit = answer, time.perf_counter(), limit
        self.code, self.late, self.ended = None, False, None

    def ends(self):
        """Whether it has ended; kills it when its time is over."""
        if self.code is None:
            self.code = self.poll()
            if self.code is not None:
                self.ended = time.perf_counter()
            elif self.limit is not None and time.perf_counter() - self.start > self.limit:
                self.late = True
                self.kill()
                self.limit = None
        return self.code is not None

    @property
    def seconds(self):
        return (self.ended or time.perf_counter()) - self.start

    def lines(self):
        """What it has written: (names of the tests that it began, the result or None)."""
        try:
            with open(self.answer, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return [], None
        if lines and lines[-1].startswith("{"):
            with contextlib.suppress(ValueError):
                return lines[:-1], json.loads(lines[-1])
        return lines, None


class Forked(Process):
    """A child of this process, in a group of its own."""

    def __init__(self, answer, limit, run):
        super().__init__(answer, limit)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of threads: none of ours is at work
            self.number = os.fork()
        if self.number == 0:
            code = 1
            try:
                os.setsid()
                silence()
                run()
                code = 0
            except BaseException:
                with open(answer + ".error", "w", encoding="utf-8") as file:
                    file.write(traceback.format_exc())
            finally:
                os._exit(code)

    def poll(self):
        number, status = os.waitpid(self.number, os.WNOHANG)
        return None if number == 0 else os.waitstatus_to_exitcode(status)

    def kill(self):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.number, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.number, signal.SIGKILL)


class Started(Process):
    """Another Python."""

    def __init__(self, answer, limit, order):
        super().__init__(answer, limit)
        with open(answer + ".order", "w", encoding="utf-8") as file:
            json.dump(order, file)
        with open(answer + ".error", "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.worker", answer + ".order"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def poll(self):
        return self.process.poll()

    def kill(self):
        self.process.kill()


def silence():
    """Send what this process prints nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115


class Forker:
    """Makes processes by fork. The parent collects the tests and runs none: each child begins where pytest would."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder, self.count = arguments, folder, 0
        self.failure = None

    def during(self, action):
        """action(), at a time when `begin` works: after the collection."""
        text = io.StringIO()
        streams = sys.stdout, sys.stderr
        conductor = Conductor(self, action, streams)
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            code = pytest.main([*self.arguments, "--capture=no"], plugins=[conductor])
        if conductor.error is not None:
            raise conductor.error
        if not conductor.collected:
            raise CollectionError(text.getvalue().strip() or f"pytest ended with status {code}")
        return conductor.result

    def begin(self, task, limit=None):
        self.count += 1
        answer = os.path.join(self.folder, f"{self.count}.answer")
        return Forked(answer, limit, lambda: work(self.session, task, answer))

    def prepare(self, modules, sources):
        """Import what the tests imported while they ran, and parse the files of rules, once for all children."""
        for path in sources:
            functions_by_line(path)
        for name in sorted(modules):
            with warnings.catch_warnings(), contextlib.suppress(BaseException):
                warnings.simplefilter("ignore")
                importlib.import_module(name)
        gc.collect()
        gc.freeze()


class Conductor(InsteadOfTests):
    """Calls a function, and hides pytest's output from it."""

    def __init__(self, forker, action, streams):
        self.forker, self.action, self.streams = forker, action, streams
        self.collected, self.error, self.result = False, None, None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if session.testsfailed or not session.items:
            return True
        self.collected, self.forker.session = True, session
        folders = getattr(session.config, "_tmp_path_factory", None)
        if folders is not None:
            folders.getbasetemp()  # one folder for the tmp_path of all children
        for entry in OPS.values():
            text_of(entry.kernel.__code__.co_filename)  # the sources may be edited while the tests run
        with contextlib.redirect_stdout(self.streams[0]), contextlib.redirect_stderr(self.streams[1]):
            try:
                self.result = self.action()
            except BaseException as error:  # pytest would report it as its own
                self.error = error
        return True


class Starter:
    """Makes processes by starting Python, which collects the tests each time: where there is no fork."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder, self.count = arguments, folder, 0

    def during(self, action):
        return action()

    def begin(self, task, limit=None):
        self.count += 1
        answer = os.path.join(self.folder, f"{self.count}.answer")
        order = {"task": task, "answer": answer, "arguments": [*self.arguments, "--capture=no"], "path": sys.path}
        return Started(answer, None if limit is None else limit + 30, order)

    def prepare(self, modules, sources):
        """There is nothing that another Python could use."""
