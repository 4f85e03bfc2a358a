"""Dropout: noise in training against overfitting (Srivastava et al. 2014)."""

from . import functional
from .module import Module


class Dropout(Module):
    """In training, elements set to 0 with probability p and the others divided by 1 − p; in evaluation, the input
    itself.
    """

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: the probability p must be between 0 and 1, not {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input):
        return functional.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"
