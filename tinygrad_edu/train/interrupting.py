"""Ctrl-C as a request: training ends where nothing is lost."""

import signal
import threading

__all__ = ["CtrlC"]


class CtrlC:
    """Within it Ctrl-C sets `asked` instead of raising KeyboardInterrupt; a second one raises, to end at once.

    Python tells the main thread alone of Ctrl-C; and where the program has a handler of its own, that is left in place.
    """

    def __init__(self):
        self.asked = False

    def __enter__(self):
        self.ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self.ours:
            signal.signal(signal.SIGINT, self._ask)
        return self

    def _ask(self, number, frame):
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *error):
        if self.ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
