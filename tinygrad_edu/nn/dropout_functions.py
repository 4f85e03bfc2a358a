"""Dropout as functions, with the arguments of torch.nn.functional: `inplace` overwrites the input with the result."""

import warnings

from ..ops import random
from ..ops.inplace import assign

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "feature_dropout",
]


def written(input, result, inplace, name):
    """`result`, or the input overwritten with it."""
    return assign(input, result, name) if inplace and result is not input else result


def dropout(input, p=0.5, training=True, inplace=False):
    """In training: elements set to 0 with probability p, the others divided by 1 − p. Else the input itself.

    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    return written(input, random.dropout(input, p, training), inplace, "dropout")


def feature_dropout(input, p=0.5, training=True, inplace=False):
    """As dropout, but whole channels input[i, j] are kept or set to 0. Input (N, C, ...)."""
    return written(input, random.feature_dropout(input, p, training), inplace, "feature_dropout")


def dropout1d(input, p=0.5, training=True, inplace=False):
    """As dropout, but whole channels are kept or set to 0. Input (N, C, L) or (C, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d takes (N, C, L) or (C, L), not a tensor of shape {tuple(input.shape)}")
    return _by_channel(input, p, training, inplace, "dropout1d", input.ndim == 3)


def dropout2d(input, p=0.5, training=True, inplace=False):
    """As dropout, but whole channels are kept or set to 0. Input (N, C, H, W).

    Three dimensions are taken as (N, C, L), with a warning: they do not mean (C, H, W), as they do in other functions.
    """
    if input.ndim == 3:
        warnings.warn(
            "dropout2d takes three dimensions as (N, C, L); write dropout1d for that, or x.unsqueeze(0) for (C, H, W)",
            UserWarning, stacklevel=2,
        )  # fmt: skip
    elif input.ndim != 4:
        _warn("dropout2d", input, "(N, C, H, W)")
    return _by_channel(input, p, training, inplace, "dropout2d", True)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """As dropout, but whole channels are kept or set to 0. Input (N, C, D, H, W) or (C, D, H, W)."""
    if input.ndim not in (4, 5):
        _warn("dropout3d", input, "(N, C, D, H, W) or (C, D, H, W)")
    return _by_channel(input, p, training, inplace, "dropout3d", input.ndim == 5)


def _warn(name, input, expected):
    warnings.warn(
        f"{name} takes {expected}, and was given {tuple(input.shape)}; of other numbers of dimensions write dropout",
        UserWarning, stacklevel=3,
    )  # fmt: skip


def _by_channel(input, p, training, inplace, name, batched):
    if batched:
        result = random.feature_dropout(input, p, training)
    else:
        result = random.feature_dropout(input.unsqueeze(0), p, training).squeeze(0)
    return written(input, result, inplace, name)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps mean 0 and variance 1 of what selu gives: elements are replaced by its limit −1.758, and all
    are scaled and shifted.

    Klambauer et al. 2017, "Self-normalizing neural networks".
    """
    return written(input, random.alpha_dropout(input, p, training), inplace, "alpha_dropout")


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """As alpha_dropout, but of whole channels input[i, j]. Input (N, C, ...)."""
    return written(input, random.feature_alpha_dropout(input, p, training), inplace, "feature_alpha_dropout")
