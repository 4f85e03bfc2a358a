"""Looking on while a program runs: what an Observer is told, and how to become one.

    class Count(Observer):
        calls = 0

        def operation(self, entry, call, operands, attributes, result):
            self.calls += 1

    with observing(Count()) as count:
        loss = model(x).sum()

Recordings, searches for NaN and films are observers. Without one, each place that would tell it something costs one
comparison with None.
"""

import contextlib

from .modes import state

__all__ = ["Observer", "observing", "together", "without"]


class Observer:
    """What happens in this thread, told at once; a subclass overrides what it wants to know."""

    def operation(self, entry, call, operands, attributes, result):
        """An operation of the table, or a custom Function, was called (not by a gradient rule on arrays).

        entry       its row of the table;  call  the function that users call
        operands    as given: Tensors, arrays, numbers, None;  attributes  its settings by name
        result      a Tensor, or a tuple of them
        """

    def failed(self, entry, operands, attributes, error):
        """The kernel of an operation has raised `error`, which is about to reach the caller."""

    def written(self, target, result, name):
        """The operation in place called `name` is about to make the Tensor `target` hold the values of the Tensor
        `result`."""

    def left_graph(self, tensor, how, result):
        """Values of a Tensor that is part of a graph have left it by `how` ("detach()", "item()"): what is computed
        from `result`, a Tensor, array or number, is not recorded."""

    def module_starts(self, module, arguments):
        """A module was called, with positional `arguments`."""

    def module_ends(self, module, result):
        """The call that started last has returned `result`; None if it raised."""

    def backward_starts(self, tensor):
        """Gradients of a Tensor are about to be computed; called for each one if there are several."""

    def gradients(self, node, g, parts):
        """The rule of `node` has made of the gradient `g` of its result the gradients of its operands: `parts`, one
        for each of `node.parents`, None where there is none; not yet summed over broadcast axes.

        Arrays, or Tensors where the gradients are recorded themselves; dicts and tuples of these for operations of
        several results.
        """

    def contributed(self, node, number, part, so_far):
        """Of those gradients, the `part` of operand `number`, now of its shape and dtype, was added to what other uses
        of that operand have contributed: `so_far` is the sum; `part` itself if it is the first."""

    def arrived(self, node, g, collected):
        """The gradient `g` of a node from which nothing flows on, usually a leaf, is complete. `collected`: it was
        added to the leaf's own (`.grad`), which it has now."""

    def backward_ends(self):
        """The gradients are computed, or the backward pass has raised."""

    def optimizer_starts(self, optimizer):
        """An optimizer is about to change its parameters."""

    def optimizer_ends(self, optimizer):
        """It has changed them, or raised."""


class _Several(Observer):
    """Passes everything on to several observers."""

    def __init__(self, observers):
        self.observers = observers


def _to_each(name):
    def tell(self, *what):
        for observer in self.observers:
            getattr(observer, name)(*what)

    return tell


for _name in [name for name in vars(Observer) if not name.startswith("_")]:
    setattr(_Several, _name, _to_each(_name))


def together(outer, observer):
    """An observer that passes everything on to `outer`, which may be None, and to `observer`."""
    return observer if outer is None else _Several((*observers_in(outer), observer))


def without(observer, leaving):
    """What remains of an observer if one of those in it, or all of one class, no longer listen: an observer or None."""
    leaves = (lambda each: isinstance(each, leaving)) if isinstance(leaving, type) else (lambda each: each is leaving)
    others = tuple([each for each in observers_in(observer) if not leaves(each)])
    return _Several(others) if len(others) > 1 else others[0] if others else None


def observers_in(observer):
    return () if observer is None else observer.observers if isinstance(observer, _Several) else (observer,)


@contextlib.contextmanager
def observing(observer):
    """Tell `observer` what happens in this thread, until the end of the block; others go on being told."""
    outer = state.mode.observer
    state.mode.observer = together(outer, observer)
    try:
        yield observer
    finally:
        state.mode.observer = outer
