"""Running a function of the user under a recording, and leaving everything as it was."""

import warnings

from .. import lately
from ..clock import tick
from ..observing import observing
from ..recording import Recorder, Recording
from ..tensor import Tensor
from .snapshot import Snapshot


class Trial:
    """What a function did.

    recording  the Recording;  result  what the function returned;  error  what it raised, or None
    root       the Value of the loss, or None;  loss  the loss itself, if it is known
    ran_backward  whether the function called backward() itself
    resets     the Events of zero_grad();  gradient  that of `tensor` at the end of the function
    """

    def __init__(self, function, tensor):
        self.recording = Recording()
        recorder = self.recording._recorder = Recorder(self.recording, lambda array: array.copy())
        self.result = self.error = None
        self.tensor = tensor
        snapshot = Snapshot()
        try:
            with warnings.catch_warnings(), observing(recorder):
                warnings.simplefilter("ignore")
                self.run(function)
        finally:
            snapshot.restore()

    def run(self, function):
        began = tick()
        try:
            self.result = function()
        except Exception as error:
            self.error = error
        self.resets = [event for event in lately.events(lately.resets) if event.time > began]
        self.gradient = self.tensor.grad
        self.ran_backward = bool(self.recording.roots)
        self.loss = loss_among(self.result)
        if not self.ran_backward and self.error is None and self.loss is not None:
            if self.loss.node is not None and self.loss.numel() == 1:
                try:
                    self.loss.backward()
                except Exception as error:
                    self.error = error
        roots = self.recording.roots
        self.root = roots[-1] if roots else None
        if self.root is None and self.loss is not None:
            self.root = self.recording.value_of(self.loss)


def loss_among(result):
    """The loss in what a function returned: the Tensor, or the first one of a tuple, list or dict."""
    if isinstance(result, Tensor):
        return result
    parts = result.values() if isinstance(result, dict) else result if isinstance(result, (tuple, list)) else ()
    return next((part for part in parts if isinstance(part, Tensor) and part.numel() == 1), None)
