"""Settings of all tests: hypothesis profiles, and a fixture that catches tests which leave global settings changed."""

import os
import random
import signal

import numpy as np
import pytest

import tinygrad_edu as tg

os.environ["TINYGRAD_EDU_OFFLINE"] = "1"  # no test downloads anything, nor do programs that it starts
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so it is in a shell's background, also for programs started here
    signal.signal(signal.SIGINT, signal.default_int_handler)

try:
    from hypothesis import HealthCheck, Phase, settings
except ImportError:  # the tests that need it skip themselves
    settings = None

if settings is not None:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors]
    # no shrinking: what is drawn is small already, and values come from a seed
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    settings.register_profile("dev", max_examples=8, deadline=None, suppress_health_check=slow, phases=phases)
    # the same examples in every run, so that a failure seen there can be repeated here
    settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
    settings.register_profile("thorough", settings.get_profile("dev"), max_examples=100)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def global_settings():
    """What a test must leave as it found it."""
    python, numpy = random.getstate(), np.random.get_state()
    return {
        "the grad mode": tg.is_grad_enabled(),
        "the default dtype": tg.get_default_dtype(),
        "NumPy's error state": np.geterr(),
        "NumPy's print options": np.get_printoptions(),
        "the seed of Python's random": hash(python),
        "the seed of numpy.random": (numpy[0], numpy[1].tobytes(), *numpy[2:]),
    }


@pytest.fixture(autouse=True)
def unchanged_settings():
    """Fail a test after which grad mode, default dtype, error state or a global seed differ from before."""
    before, states = global_settings(), (random.getstate(), np.random.get_state())
    yield
    after = global_settings()
    changed = [name for name in before if before[name] != after[name]]
    tg.set_grad_enabled(before["the grad mode"])
    tg.set_default_dtype(before["the default dtype"])
    np.seterr(**before["NumPy's error state"])
    np.set_printoptions(**before["NumPy's print options"])
    random.setstate(states[0])
    np.random.set_state(states[1])
    assert not changed, f"the test left {', '.join(changed)} changed"


@pytest.fixture
def torch():
    """PyTorch, the oracle of a test, which is skipped without it."""
    return pytest.importorskip("torch", reason="PyTorch is the oracle of this test")


@pytest.fixture
def stand_ins(monkeypatch):
    """A demo as on a fresh machine, without data but what packages bring along; and on one BLAS thread, since threads
    wait for one another where tests run beside each other."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    monkeypatch.delenv("TINYGRAD_EDU_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/no/such/folder")
    with threadpoolctl.threadpool_limits(1):
        yield
