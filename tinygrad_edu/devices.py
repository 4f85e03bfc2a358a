"""Where tensors live: in the memory of the CPU, in rows. Other places have names, so that programs can speak of
them."""

from .text import namespace

__all__ = [
    "channels_last", "channels_last_3d", "contiguous_format", "device", "layout", "memory_format", "preserve_format",
    "strided",
]  # fmt: skip


class device:
    """A place for tensors: device("cpu"), device("cuda", 0), device("cuda:0"). Only "cpu" can hold any.

    type   "cpu", "cuda", ...
    index  the number behind the colon, or None
    """

    __slots__ = ("index", "type")

    def __init__(self, type, index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int):
            type, index = "cuda", type
        elif not isinstance(type, str):
            raise TypeError(f"a device is named by a string such as 'cpu', not by {type!r}")
        name, colon, number = type.partition(":")
        if name not in ("cpu", "cuda", "mps", "xpu", "xla", "meta", "hip", "mkldnn", "mtia"):
            raise RuntimeError(f"there is no kind of device called {name!r}; the one that exists here is 'cpu'")
        if colon and (index is not None or not number.isdigit()):
            raise RuntimeError(f"a device is written as 'cpu' or 'cpu:0', not {type!r}")
        self.type, self.index = name, int(number) if colon else index

    def __eq__(self, other):
        if isinstance(other, str):
            return str(self) == other
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self):
        return (
            f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"
        )

    def __reduce__(self):
        return device, (self.type, self.index)

    def __enter__(self):
        check_device(self)
        return self

    def __exit__(self, *error):
        pass


cpu = device("cpu")


def check_device(place):
    """Raise unless `place` means the memory of the CPU."""
    if place is None or place is cpu or place == "cpu":
        return
    if (place if isinstance(place, device) else device(place)).type != "cpu":
        raise RuntimeError(
            f"device {str(place)!r}: tensors live in the memory of the CPU, there is no other device; leave `device` "
            "out or write device='cpu'"
        )


class Constant:
    """A named value that is only compared and passed on."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return namespace["prefix"] + self.name

    def __reduce__(self):
        return self.name


class layout(Constant):
    """How the elements of a tensor are stored: `strided`, as an array."""


class memory_format(Constant):
    """An order of dimensions in memory. It is accepted where PyTorch takes one, and changes nothing."""


strided = layout("strided")
contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last, channels_last_3d = memory_format("channels_last"), memory_format("channels_last_3d")
