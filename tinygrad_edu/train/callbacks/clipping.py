"""Clipping of gradients, against exploding ones."""

from ...nn.utils import clip_grad_norm_, clip_grad_value_
from .base import Callback

__all__ = ["ClipGradients"]


class ClipGradients(Callback):
    """Limits gradients before each step.

    norm   all gradients, seen as one vector, are shrunk by one factor to at most this length (Pascanu, Mikolov & Bengio
           2013, "On the difficulty of training recurrent neural networks")
    value  each element is limited to [−value, value]

    Exactly one of them is given.
    """

    def __init__(self, norm=None, value=None):
        if (norm is None) == (value is None):
            raise ValueError("ClipGradients: give either norm=… or value=…")
        if not (norm if value is None else value) > 0:
            raise ValueError(f"ClipGradients: the limit must be positive, not {norm if value is None else value}")
        self.norm, self.value = norm, value

    def on_backward_end(self, run):
        if self.norm is not None:
            clip_grad_norm_(run.model.parameters(), self.norm)
        else:
            clip_grad_value_(run.model.parameters(), self.value)
