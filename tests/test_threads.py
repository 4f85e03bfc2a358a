"""Helpers do tasks at the same time, and nobody waits for one that has not begun; BLAS's threads sleep soon; rules that
are one ufunc are recognised."""

import os
import threading

import numpy as np
import pytest

from tinygrad_edu import blocks, threads
from tinygrad_edu.define import OPS


def names_of_threads(count):
    """`count` works that wait for each other, which takes as many threads, and tell in which they ran."""
    barrier = threading.Barrier(count, timeout=20)

    def work():
        barrier.wait()
        return threading.current_thread()

    return threads.together([work] * count)


def test_works_run_at_the_same_time_the_first_in_the_calling_thread():
    here, *others = names_of_threads(3)
    assert here is threading.current_thread()
    assert len({here, *others}) == 3
    assert names_of_threads(3) == [here, *others]  # helpers are used again


def test_what_a_helper_has_not_begun_the_calling_thread_does():
    begun, over = threading.Event(), threading.Event()

    def occupy():
        begun.set()
        assert over.wait(20)

    (helper,) = threads.helpers(1)
    helper.take(threads.Task(occupy))
    assert begun.wait(20)
    try:
        assert threads.together([threading.current_thread] * 2) == [threading.current_thread()] * 2
    finally:
        over.set()


@pytest.mark.parametrize("where", [0, 1])
def test_an_error_reaches_the_caller_after_the_other_part_has_ended(where):
    ended = []

    def fails():
        raise KeyError("here")

    def works():
        ended.append(1)

    with pytest.raises(KeyError, match="here"):
        threads.together([fails, works] if where == 0 else [works, fails])
    assert ended == [1]
    assert threads.together([lambda: 1, lambda: 2]) == [1, 2]  # and the helper lives


def test_a_helper_is_kept_away_from_the_processor_of_its_caller(monkeypatch):
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not let programs choose processors")
    (helper,) = threads.helpers(1)
    for processor in sorted(os.sched_getaffinity(0)):
        monkeypatch.setattr(threads, "current_processor", lambda processor=processor: processor)
        threads.together([lambda: None] * 2)
        allowed = os.sched_getaffinity(0)
        assert os.sched_getaffinity(helper.id) == (allowed - {processor} or allowed)
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: (_ for _ in ()).throw(PermissionError()))
    monkeypatch.setattr(threads, "current_processor", lambda: -1)
    assert threads.together([lambda: 1, lambda: 2]) == [1, 2]


def test_rules_that_are_one_ufunc():
    found = {}
    for name, entry in OPS.items():
        if entry.elementwise and entry.rules:
            for i, (rule, names) in enumerate(zip(entry.rules, entry.names)):
                if rule is not None:
                    function = blocks.simplified(rule, 1 + len(names))
                    if function is not rule:
                        found[name, i] = function
    for (name, i), function in found.items():
        rule, names = OPS[name].rules[i], OPS[name].names[i]
        operands = np.random.default_rng(0).uniform(0.5, 1, (1 + len(names), 5))
        np.testing.assert_array_equal(function(*operands), rule(*operands))
    assert found["mul", 0] is np.multiply
    assert found["neg", 0] is np.negative
    assert found["add", 1] is blocks.unchanged
    assert ("sqrt", 0) not in found
    assert ("tanh", 0) not in found
