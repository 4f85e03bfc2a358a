"""What happened lately: the last departures from graphs, backward passes and resets of gradients, with their lines.

`why(parameter)` is asked after the fact, when nobody was recording. So the few events that answer it most often are
noted as they happen, each in a short queue: under a microsecond, at events of which a training step has a handful.
Nothing that was computed is kept alive by it.
"""

import functools
import sys
from collections import deque
from weakref import ref

from .clock import PACKAGE, tick

__all__ = ["Event", "backwards", "departures", "departures_of_leaves", "events", "left", "noted",
           "of_this_package", "resets", "unrecorded"]  # fmt: skip

departures = deque(maxlen=64)
"""Values of a computed tensor left its graph; the subject is its node, `how` is "detach()", "item()", ..."""

departures_of_leaves = deque(maxlen=64)
"""The same for leaves: a queue of their own, because saving or averaging a model makes many of them."""

backwards = deque(maxlen=16)
"""Backward passes; the subject is the node that they started from."""

resets = deque(maxlen=16)
"""Calls of zero_grad(); the subject is the optimizer or module."""

unrecorded = deque(maxlen=16)
"""Entries by the program itself into `no_grad` and its like; without a subject."""


@functools.cache
def of_this_package(file):
    return file.startswith(PACKAGE)


def noted(how, subject=None, number=None):
    """What is to be remembered of an event, gathered as fast as possible: see Event."""
    frame = sys._getframe(2)
    while of_this_package(frame.f_code.co_filename) and frame.f_back is not None:
        frame = frame.f_back
    return tick(), how, None if subject is None else ref(subject), number, frame.f_code, frame.f_lasti


def left(node, how):
    """Note that values of the tensor of `node` have left the graph."""
    (departures_of_leaves if node.op is None else departures).append(noted(how, node, node.number))


class Event:
    """Something that was noted.

    time     when, on the clock that numbers nodes;  how  what was done
    subject  the node, module or optimizer, if it is still alive;  number  that of the node
    place    "file:line" of the program that did it
    """

    def __init__(self, note):
        self.time, self.how, subject, self.number, self.code, self.instruction = note
        self.subject = None if subject is None else subject()

    @property
    def place(self):
        lines = [line for start, stop, line in self.code.co_lines() if start <= self.instruction < stop]
        return f"{self.code.co_filename}:{lines[0] if lines else self.code.co_firstlineno}"


def events(queue):
    """The Events in one of the queues, latest first."""
    return [Event(note) for note in reversed(queue)]
