"""Padding as modules: they hold how many places to add, and `functional.pad` does it.

padding  one number for all sides, or (before, after) of the last dimension, then of the one before it, and so on;
         negative numbers take places away

The input is a batch or a single one, with channels: (N, C, ...) or (C, ...).
"""

from collections.abc import Iterable

from ..ops.padding import pad
from .module import Module


class Padding(Module):
    """The base class: `padding` for `dimensions` dimensions, filled as `mode` says."""

    mode, dimensions = None, None

    def __init__(self, padding):
        super().__init__()
        self.padding = tuple(padding) if isinstance(padding, Iterable) else (padding,) * (2 * self.dimensions)

    def forward(self, input):
        return pad(input, self.padding, self.mode)

    def extra_repr(self):
        return f"{self.padding}"


class ConstantPadding(Padding):
    """The base class of those that fill with a number, `value`."""

    mode = "constant"

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class CircularPadding(Padding):
    """The base class of those that continue at the other end."""

    mode = "circular"

    def forward(self, input):
        n = self.dimensions
        if not n + 1 <= input.ndim <= n + 2:
            raise ValueError(
                f"CircularPad{n}d takes a tensor of {n + 1} or {n + 2} dimensions, channels and perhaps a batch in "
                "front of "
                f"the {n} that are padded, not {input.ndim}"
            )
        return super().forward(input)


# ---- a number


class ConstantPad1d(ConstantPadding):
    """`value` on both sides: (N, C, W) or (C, W)."""

    dimensions = 1


class ConstantPad2d(ConstantPadding):
    """`value` around images: (N, C, H, W) or (C, H, W)."""

    dimensions = 2


class ConstantPad3d(ConstantPadding):
    """`value` around volumes: (N, C, D, H, W) or (C, D, H, W)."""

    dimensions = 3


class Zeros:
    """The number is 0."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    extra_repr = Padding.extra_repr


class ZeroPad1d(Zeros, ConstantPad1d):
    """Zeros on both sides: (N, C, W) or (C, W)."""


class ZeroPad2d(Zeros, ConstantPad2d):
    """Zeros around images: (N, C, H, W) or (C, H, W)."""


class ZeroPad3d(Zeros, ConstantPad3d):
    """Zeros around volumes: (N, C, D, H, W) or (C, D, H, W)."""


# ---- values of the tensor


class ReflectionPad1d(Padding):
    """The border is a mirror: c b | a b c d | c b."""

    mode, dimensions = "reflect", 1


class ReflectionPad2d(Padding):
    """The border is a mirror, in height and width."""

    mode, dimensions = "reflect", 2


class ReflectionPad3d(Padding):
    """The border is a mirror, in depth, height and width."""

    mode, dimensions = "reflect", 3


class ReplicationPad1d(Padding):
    """The border is repeated: a a | a b c d | d d."""

    mode, dimensions = "replicate", 1


class ReplicationPad2d(Padding):
    """The border is repeated, in height and width."""

    mode, dimensions = "replicate", 2


class ReplicationPad3d(Padding):
    """The border is repeated, in depth, height and width."""

    mode, dimensions = "replicate", 3


class CircularPad1d(CircularPadding):
    """The other end continues: c d | a b c d | a b."""

    dimensions = 1


class CircularPad2d(CircularPadding):
    """The other end continues, in height and width."""

    dimensions = 2


class CircularPad3d(CircularPadding):
    """The other end continues, in depth, height and width."""

    dimensions = 3
