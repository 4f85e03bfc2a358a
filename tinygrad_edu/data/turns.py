"""Random numbers for batches that several threads make: the ones that they would be, were they made one after the
other."""

import threading

from ..generator import as_default, present_default


class Turns:
    """One stream of random numbers for many tasks. A task that draws waits, at its first draw, until all tasks before
    it are done; tasks that draw nothing never wait.

    The stream goes on from where the default generator stands. When all is done the default generator goes on from
    where the stream stands, unless the program has drawn from it meanwhile.
    """

    def __init__(self):
        self.default = present_default()
        self.start = self.default.get_state()
        self.stream = self.default.clone_state()
        self.change = threading.Condition()
        self.done, self.finished, self.closed = set(), 0, False  # all tasks before number `finished` are done

    def run(self, number, task):
        """task(), which is the one with this number, counted from 0."""
        try:
            with as_default(lambda: self.wait(number)):
                return task()
        finally:
            with self.change:
                self.done.add(number)
                while self.finished in self.done:
                    self.done.remove(self.finished)
                    self.finished += 1
                self.change.notify_all()

    def wait(self, number):
        """The stream, when it is the turn of the task."""
        with self.change:
            self.change.wait_for(lambda: self.closed or self.finished >= number)
            if self.closed:
                raise RuntimeError("nobody waits for this batch any more")
        return self.stream

    def close(self):
        """No further task is asked for."""
        with self.change:
            self.closed = True
            self.change.notify_all()
        if (self.default.get_state().array == self.start.array).all():
            self.default.set_state(self.stream.get_state())
