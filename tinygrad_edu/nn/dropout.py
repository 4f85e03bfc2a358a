"""Dropout: noise in training against overfitting (Srivastava et al. 2014). In evaluation the input itself."""

from . import dropout_functions as functions
from .module import Module


class _Dropout(Module):
    """What all have in common: the probability p with which something is dropped, and `inplace`."""

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: the probability p must be between 0 and 1, not {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, elements set to 0 with probability p and the others divided by 1 − p."""

    def forward(self, input):
        return functions.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """As Dropout, but whole channels are set to 0. Input (N, C, L) or (C, L)."""

    def forward(self, input):
        return functions.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """As Dropout, but whole channels are set to 0: neighbours in an image are so much alike that to drop single ones
    removes little (Tompson et al. 2015). Input (N, C, H, W).
    """

    def forward(self, input):
        return functions.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """As Dropout, but whole channels are set to 0. Input (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, input):
        return functions.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """In training, elements replaced by the limit of selu with probability p, and all scaled and shifted so that mean 0
    and variance 1 stay (Klambauer et al. 2017). It never works in place.
    """

    def forward(self, input):
        return functions.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """As AlphaDropout, but of whole channels. Input (N, C, ...)."""

    def forward(self, input):
        return functions.feature_alpha_dropout(input, self.p, self.training)
