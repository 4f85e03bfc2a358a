"""Sources of random numbers: `Generator`, and the default one that `manual_seed` seeds.

A Generator is NumPy's PCG64 (O'Neill 2014, "PCG: A family of simple fast space-efficient statistically good
algorithms for random number generation") with PyTorch's interface. It is made when it is first used, because
importing numpy.random takes longer than the rest of this package.
"""

import os
import threading

import numpy as np

from .tensor import of_array

__all__ = ["Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]

WORD = (1 << 64) - 1
LAYOUT = (("seed", 8), ("state", 16), ("inc", 16), ("has_uint32", 1), ("uinteger", 4))
"""What a state consists of, and in how many bytes, least significant first."""


class Generator:
    """A source of random numbers. Generators are independent: drawing from one leaves all others as they were.

    A new one starts from a random seed; `Generator().manual_seed(0)` always gives the same numbers.
    """

    def __init__(self, device="cpu"):
        if str(device) != "cpu":
            raise RuntimeError(f"device {device!r}: random numbers are drawn on the CPU, there is no other device")
        self._seed = None
        self._numpy = None

    @property
    def device(self):
        return "cpu"

    @property
    def numpy(self):
        """The numpy.random.Generator that draws."""
        if self._numpy is None:
            if self._seed is None:
                self._seed = int.from_bytes(os.urandom(8), "little")
            self._numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self._numpy

    def manual_seed(self, seed):
        """Start again from `seed`, an integer of at most 64 bits (−s means 2⁶⁴ − s, as in PyTorch). Returns the
        generator."""
        try:
            seed = seed.__index__()
        except AttributeError:
            raise TypeError(f"a seed is an integer, not {seed!r}") from None
        if not -(1 << 63) <= seed <= WORD:
            raise RuntimeError(f"a seed has at most 64 bits, from -2**63 to 2**64 - 1; {seed} has more")
        self._seed, self._numpy = seed & WORD, None
        return self

    def seed(self):
        """Start again from a random seed, and return it."""
        return self.manual_seed(int.from_bytes(os.urandom(8), "little"))._seed

    def initial_seed(self):
        """The seed from which the generator started."""
        self.numpy  # noqa: B018, chooses the seed if there is none yet
        return self._seed

    def get_state(self):
        """Where the generator stands, as a uint8 tensor for `set_state`."""
        state = self.numpy.bit_generator.state
        values = {"seed": self._seed, **state, **state["state"]}
        data = b"".join(int(values[name]).to_bytes(size, "little") for name, size in LAYOUT)
        return of_array(np.frombuffer(data, np.uint8).copy(), None)

    def set_state(self, new_state):
        """Go on from where `get_state` was called. Returns the generator."""
        data = np.asarray(new_state)
        length = sum(size for _, size in LAYOUT)
        if data.dtype != np.uint8 or data.shape != (length,):
            raise RuntimeError(
                f"the state of a generator is a uint8 tensor of shape ({length},), made by get_state(), not "
                f"{data.dtype} {data.shape}"
            )
        data, values = data.tobytes(), {}
        for name, size in LAYOUT:
            values[name], data = int.from_bytes(data[:size], "little"), data[size:]
        self.manual_seed(values["seed"])
        self.numpy.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": values["state"], "inc": values["inc"]},
            "has_uint32": values["has_uint32"],
            "uinteger": values["uinteger"],
        }
        return self

    def clone_state(self):
        """Another generator that stands at the same place."""
        return Generator().set_state(self.get_state())

    def __getstate__(self):
        return self.get_state().array

    def __setstate__(self, state):
        self.__init__()
        self.set_state(state)

    def __repr__(self):
        return f"<Generator, seed {self._seed}>" if self._seed is not None else "<Generator, not used yet>"


default_generator = Generator()
"""What draws when no `generator` is given."""


class ThreadDefault(threading.local):
    """The generator that stands in for the default one in this thread, see `as_default`."""

    generator = None


_local = ThreadDefault()


class as_default:
    """Within it, what this thread draws without naming a generator comes from `generator`."""

    def __init__(self, generator):
        self.generator = generator

    def __enter__(self):
        self.outer, _local.generator = _local.generator, self.generator

    def __exit__(self, *error):
        _local.generator = self.outer


def present_default():
    """What draws in this thread when no generator is named."""
    return _local.generator or default_generator


def manual_seed(seed):
    """Start the default generator again from `seed`: the same program then draws the same numbers. Returns the
    generator."""
    return present_default().manual_seed(seed)


def seed():
    """Start the default generator again from a random seed, and return it."""
    return present_default().seed()


def initial_seed():
    """The seed from which the default generator started."""
    return present_default().initial_seed()


def get_rng_state():
    """Where the default generator stands, as a uint8 tensor for `set_rng_state`."""
    return present_default().get_state()


def set_rng_state(new_state):
    """Make the default generator go on from where `get_rng_state` was called."""
    present_default().set_state(new_state)
