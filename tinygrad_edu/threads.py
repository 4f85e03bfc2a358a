"""Threads that help: parts of one piece of work, done at the same time.

The helpers sleep between pieces of work. What waking them costs decides from which size on sharing pays; whether they
run at once is up to the operating system, which needs a hint. Linux likes to put a thread on the processor of the
thread that wakes it, where it waits for that one to sleep, or for the system to balance its queues: then both parts
run one after the other. So a helper is kept away from the processor of the thread that it helps. (Ten operations on
arrays of 8 MB, forward and backward, took 18 ms in one run of the program and 28 in another; with the hint they
always take 18.)
"""

import ctypes
import os
import threading
from queue import SimpleQueue

from .modes import state

__all__ = ["get_num_threads", "set_num_threads"]

_threads = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
_helpers = []


def get_num_threads():
    """How many threads share the work on large arrays."""
    return _threads


def set_num_threads(n):
    """Use `n` threads for large arrays (by default as many as there are processors, at most 4). NumPy's BLAS has its
    own setting."""
    global _threads
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"the number of threads must be a positive integer, not {n!r}")
    _threads = n


def together(works):
    """[work() for work in works], at the same time: the first in this thread, the others in helpers.

    What a helper has not begun when this thread is done with its own part, this thread does itself. So nobody waits for
    a helper that is busy elsewhere, or that the system does not let run.
    """
    first, *others = works
    tasks = [Task(work) for work in others]
    for helper, task in zip(helpers(len(tasks)), tasks):
        helper.take(task)
    try:
        results = [first()]
    finally:
        for task in tasks:
            task.finish()
    return [*results, *[task.result() for task in tasks]]


def at_once(work):
    """work() in all threads at the same time; for work that they take from a common iterator."""
    together([work] * _threads)


class Task:
    """Something to do, by whoever begins first: a helper or the thread that wants the result."""

    __slots__ = ("work", "begun", "ended", "answer", "error")

    def __init__(self, work):
        self.work, self.answer, self.error = work, None, None
        self.begun, self.ended = threading.Lock(), threading.Lock()
        self.ended.acquire()

    def run(self):
        """Do it, if nobody has begun."""
        if self.begun.acquire(blocking=False):
            try:
                self.answer = self.work()
            except BaseException as error:
                self.error = error
            self.work = None
            self.ended.release()

    def finish(self):
        """Do it, or wait until it is done."""
        self.run()
        self.ended.acquire()

    def result(self):
        if self.error is not None:
            raise self.error
        return self.answer


class Helper:
    """A thread that does tasks, one after the other, with NumPy's warnings off."""

    def __init__(self):
        self.tasks, self.away_from = SimpleQueue(), None
        thread = threading.Thread(target=self.run, name="tinygrad_edu", daemon=True)
        thread.start()
        self.id = thread.native_id

    def run(self):
        quiet = state.mode.quiet
        while True:
            quiet(self.tasks.get().run)

    def take(self, task):
        """Do the task soon, on another processor than that of the calling thread."""
        processor = current_processor()
        if processor != self.away_from:
            self.away_from = processor
            allowed = os.sched_getaffinity(0)
            try:
                os.sched_setaffinity(self.id, allowed - {processor} or allowed)
            except OSError:  # forbidden: it was only a hint
                pass
        self.tasks.put(task)


def _processor_function():
    """The C library's function that says on which processor the calling thread runs; where there is none, as on macOS
    and Windows, one that always says the same."""
    try:
        return ctypes.PyDLL(None).sched_getcpu
    except (AttributeError, OSError, TypeError):
        return lambda: None


current_processor = _processor_function()


def helpers(n):
    """n helpers, started when first needed."""
    while len(_helpers) < n:
        _helpers.append(Helper())
    return _helpers[:n]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.clear)  # threads do not survive a fork
