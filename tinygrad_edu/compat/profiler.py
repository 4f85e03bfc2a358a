"""`torch.profiler`: contexts that measure nothing. Python's own profilers see every operation (python -m cProfile)."""

import contextlib
import enum


class ProfilerActivity(enum.Enum):
    CPU, CUDA, XPU = range(3)


class profile(contextlib.ContextDecorator):
    """A context that measures nothing."""

    def __init__(self, *args, **named):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def step(self):
        """Does nothing."""

    def key_averages(self, *args, **named):
        raise RuntimeError("nothing is profiled here; use python -m cProfile")


class record_function(profile):
    """A context that records nothing."""


def schedule(**settings):
    """A schedule that nothing follows."""
    return lambda step: None
