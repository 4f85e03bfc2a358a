"""Sources of random numbers: `Generator`, and the default one that `manual_seed` seeds.

A Generator is the Mersenne Twister (Matsumoto & Nishimura 1998, "Mersenne Twister: a 623-dimensionally equidistributed
uniform pseudo-random number generator") with PyTorch's interface, seeded as PyTorch's CPU generator is: the same seed
gives the same 32-bit words in both libraries, and states can be exchanged. What is made of the words says
`ops/random_kernels.py`. NumPy's implementation is loaded when first used, because importing numpy.random takes longer
than the rest of this package.
"""

import os
import threading
from contextlib import contextmanager
from functools import cache

import numpy as np

from .devices import check_device, cpu
from .tensor import of_array

__all__ = [
    "Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed",
    "set_rng_state",
]  # fmt: skip

WORD = (1 << 64) - 1
WORDS_OF_STATE = 624
FIRST_SEED = 67280421310721
"""The seed of a new Generator, PyTorch's choice."""

LAYOUT = np.dtype([
    ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("words", "<u8", WORDS_OF_STATE),
    ("normal_x", "<f8"), ("normal_y", "<f8"), ("normal_rho", "<f8"), ("normal_is_valid", "<i4"), ("pad", "V4"),
    ("float_normal", "<f4"), ("float_normal_is_valid", "?"), ("end", "V3"),
])  # fmt: skip
"""The bytes of a state, which are those of PyTorch's: `next` words of the block have been used, and with the `left`-th
from now a new block begins; normal_y is the second number of a pair of which only the first has been used."""


class Generator:
    """A source of random numbers. Generators are independent: drawing from one leaves all others as they were.

    A new one has always the same seed, 67280421310721, as in PyTorch; `seed()` chooses one at random, `manual_seed(s)`
    starts from the one you give.
    """

    def __init__(self, device="cpu"):
        check_device(device)
        self.manual_seed(FIRST_SEED)

    @property
    def device(self):
        return cpu

    @property
    def twister(self):
        """NumPy's Mersenne Twister, made and seeded when first needed."""
        if self._twister is None:
            self._twister = np.random.MT19937(0)
            self._twister._legacy_seeding(self._seed & 0xFFFFFFFF)  # init_genrand, from the low 32 bits alone
        return self._twister

    def words(self, n):
        """The next n words of 32 bits, as an array of uint64."""
        self._unused = False
        return self.twister.random_raw(n)

    def double_words(self, n):
        """The next n words of 64 bits, as an array of uint64: two words each, the first of which is the upper half."""
        if n >= 4096 and upper_half_first():  # faster by a third from here on
            self._unused = False
            return np.random.Generator(self.twister).integers(0, WORD, n, np.uint64, endpoint=True)
        words = self.words(2 * n)
        result = words[0::2] << 32
        result |= words[1::2]
        return result

    def manual_seed(self, seed):
        """Start again from `seed`, an integer of at most 64 bits (−s means 2⁶⁴ − s). Returns the generator.

        As in PyTorch the numbers depend on the low 32 bits alone, so that seeds that differ by 2³² give the same ones.
        """
        try:
            seed = seed.__index__()
        except AttributeError:
            raise TypeError(f"a seed is an integer, not {seed!r}") from None
        if not -(1 << 63) <= seed <= WORD:
            raise ValueError(f"a seed has at most 64 bits, from -2**63 to 2**64 - 1; {seed} has more")
        self._seed, self._twister, self._unused = seed & WORD, None, True
        self.spare_normal = None
        return self

    def seed(self):
        """Start again from a random seed of 53 bits, and return it."""
        return self.manual_seed(int.from_bytes(os.urandom(7), "little") >> 3)._seed

    def initial_seed(self):
        """The seed from which the generator started."""
        return self._seed

    def get_state(self):
        """Where the generator stands, as a uint8 tensor of 5056 elements for `set_state`, here or in PyTorch."""
        state = self.twister.state["state"]
        record = np.zeros((), LAYOUT)
        record["seed"], record["seeded"], record["words"] = self._seed, 1, state["key"]
        record["next"] = 0 if self._unused else state["pos"]
        record["left"] = WORDS_OF_STATE + 1 - state["pos"]
        if self.spare_normal is not None:
            record["normal_y"], record["normal_is_valid"] = self.spare_normal, 1
        return of_array(np.frombuffer(record.tobytes(), np.uint8).copy(), None)

    def set_state(self, new_state):
        """Go on from where `get_state` was called, here or in PyTorch. Returns the generator."""
        data = np.asarray(new_state)
        if data.dtype != np.uint8:
            raise TypeError(f"the state of a generator is a uint8 tensor, made by get_state(), not {data.dtype}")
        if data.shape != (LAYOUT.itemsize,):
            raise RuntimeError(
                f"a state, made by get_state(), has {LAYOUT.itemsize} elements, not the shape {data.shape}"
            )
        record = np.frombuffer(data.tobytes(), LAYOUT)[0]
        left, used = int(record["left"]), int(record["next"])
        if record["seeded"] != 1 or not (1 <= left <= WORDS_OF_STATE and used <= WORDS_OF_STATE):
            raise RuntimeError("these bytes are no state of a generator; a state is made by get_state()")
        self.manual_seed(int(record["seed"]))
        key = record["words"].astype(np.uint32)
        position = WORDS_OF_STATE if left == 1 else used
        self.twister.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": position}}
        self._unused = used == 0
        self.spare_normal = float(record["normal_y"]) if record["normal_is_valid"] else None
        return self

    def clone_state(self):
        """Another generator that stands at the same place."""
        return Generator().set_state(self.get_state())

    def __getstate__(self):
        return self.get_state().array

    def __setstate__(self, state):
        self.set_state(state)

    def __repr__(self):
        return f"<Generator, seed {self._seed}>"


@cache
def upper_half_first():
    """Whether NumPy makes a word of 64 bits of two in PyTorch's order. Its source code leaves that to the C
    compiler."""
    one, other = np.random.MT19937(0), np.random.MT19937(0)
    first, second = one.random_raw(2).tolist()
    drawn = np.random.Generator(other).integers(0, WORD, 1, np.uint64, endpoint=True)
    return int(drawn[0]) == first << 32 | second


default_generator = Generator()
"""What draws when no `generator` is given; it starts from a random seed."""
default_generator.seed()


class ThreadDefault(threading.local):
    """What gives the generator that stands in for the default one in this thread, see `as_default`; or None."""

    choose = None


_local = ThreadDefault()


class as_default:
    """Within it, what this thread draws without naming a generator comes from another one.

    choose  a function that gives that generator, called for every draw
    """

    def __init__(self, choose):
        self.choose = choose

    def __enter__(self):
        self.outer, _local.choose = _local.choose, self.choose

    def __exit__(self, *error):
        _local.choose = self.outer


def present_default():
    """What draws in this thread when no generator is named."""
    return default_generator if _local.choose is None else _local.choose()


def manual_seed(seed):
    """Start the default generator again from `seed`: the same program then draws the same numbers, which are those that
    PyTorch draws. Returns the generator."""
    return present_default().manual_seed(int(seed))


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


@contextmanager
def fork_rng(devices=None, enabled=True, device_type=None):
    """`with fork_rng():` what is drawn within leaves the default generator as it was. `devices` and `device_type` have
    no meaning here, where there is one device."""
    if not enabled:
        yield
        return
    generator = present_default()
    state = generator.get_state()
    try:
        yield
    finally:
        generator.set_state(state)
