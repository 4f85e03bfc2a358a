"""Callback: the moments of training at which something can be done."""

from ..remembering import Remembering

__all__ = ["HOOKS", "Callback", "Callbacks"]

HOOKS = (
    "on_fit_begin", "on_fit_end", "on_epoch_begin", "on_epoch_end", "on_batch_begin", "on_backward_end", "on_batch_end",
)  # fmt: skip


class Callback(Remembering):
    """The base of callbacks. A subclass overrides the moments that it wants; each is given the Run, which knows the
    model, the optimizer, where training stands, and has `stop(reason)`.

        class Gradients(train.Callback):
            def on_backward_end(self, run):
                print(run.epoch, run.batch, run.model[0].weight.grad.abs().max())

    What changes in the callback during training, and what a resumed run needs, stands in `remembers`.
    """

    def on_fit_begin(self, run):
        """Before anything else; start afresh here. The model is in training mode: a layer that is put into evaluation
        mode here stays in it. Where a checkpoint is resumed, it is loaded after this (its history before)."""

    def on_fit_end(self, run):
        """After the last epoch, also if a callback or Ctrl-C ended training. `run.history` is what `fit` returns."""

    def on_epoch_begin(self, run):
        """Before the first batch of an epoch."""

    def on_epoch_end(self, run):
        """After validation. `run.logs` has the values of the epoch, to which more may be added; then they enter the
        history."""

    def on_batch_begin(self, run):
        """Before the model is called with `run.inputs`."""

    def on_backward_end(self, run):
        """The gradients are there, the optimizer has not used them yet; after `run.stop(...)` it does not."""

    def on_batch_end(self, run):
        """After the step of the optimizer. `run.batch_loss` is the loss before it."""


class Callbacks:
    """Several callbacks, told in their order. For each moment it has a method of its own, as `on_epoch_end(run)`, which
    calls those that do something then."""

    def __init__(self, callbacks):
        self.all = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
        for callback in self.all:
            if not isinstance(callback, Callback):
                what = f"the class {callback.__name__}; make one" if isinstance(callback, type) else repr(callback)
                raise TypeError(f"a callback is an object of a subclass of train.Callback, and this is {what}")
        for hook in HOOKS:
            setattr(self, hook, self._teller(hook))

    def _teller(self, hook):
        methods = [getattr(callback, hook) for callback in self.all if overrides(callback, hook)]
        if not methods:
            return nothing

        def tell(run):
            for method in methods:
                method(run)

        return tell

    def names(self):
        return [type(callback).__name__ for callback in self.all]

    def state_dict(self):
        return [callback.state_dict() for callback in self.all]

    def load_state_dict(self, states):
        for callback, state in zip(self.all, states):
            callback.load_state_dict(state)


def overrides(callback, hook):
    return getattr(type(callback), hook) is not getattr(Callback, hook) or hook in vars(callback)


def nothing(run):
    """What is done where no callback does anything."""
