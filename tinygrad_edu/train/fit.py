"""`fit`: training in one call."""

import contextlib

from ..generator import Generator, as_default
from ..grad_mode import enable_grad
from .checkpoint import Checkpoint, NoCheckpoint
from .interrupting import CtrlC
from .loop import train
from .losses import loss_of, optimizer_of, threshold_of
from .metrics import metrics_of
from .modes import check_model, mode_kept
from .progress import progress_of
from .run import Run
from .samples import training_and_validation

__all__ = ["fit"]


def fit(
    model, data, *, loss, optimizer, epochs, validation=None, metrics=(), callbacks=(), batch_size=32, shuffle=True,
    seed=None, progress=True, checkpoint=None,
):  # fmt: skip
    """Train a model; returns a History: dict-like, with a list of values per epoch.

        history = fit(model, (x, y), loss="cross_entropy", optimizer="adam", epochs=10, validation=0.1,
                      metrics=["accuracy"])

    model       an nn.Module
    data        (x, y): arrays or Tensors with a row for each sample, or nested tuples of them, ((x1, x2), y), for
                several inputs (the model is called with x1, x2) or targets; x alone if the target is the input itself,
                as for autoencoders. Or a data set, a DataLoader, or an iterable that gives batches (inputs, target)
                anew in each epoch. Floating NumPy arrays are converted to the dtype of the model
    loss        a function (output, target) -> one number, a module, or a name: "cross_entropy", "nll", "bce",
                "bce_with_logits", "mse", "l1", "smooth_l1", "huber". The named ones of single numbers convert targets
                to the dtype of the outputs and (N,) to (N, 1)
    optimizer   an Optimizer, or what makes one of the model's parameters: a name, "adam"; a pair, ("sgd", {"lr": 0.1});
                a class or function of the parameters
    epochs      passes over the data; with a checkpoint those of all runs together
    validation  what the model is evaluated with after each epoch: like data, or a fraction of the arrays: random rows
                that are then not trained with, always the same ones for a seed
    metrics     Metrics, names ("accuracy", "top_5", "precision", "recall", "f1", "confusion", "mae") or functions
                (output, target) -> number. Of training batches they are computed as training goes on
    callbacks   train.Callback objects
    batch_size, shuffle  unless the data come as batches already
    seed        all random numbers of the run (order of samples, dropout) are drawn from a generator that starts from
                it; by default they are drawn from the default generator
    progress    True: a bar per epoch in a terminal, lines elsewhere; False: nothing; n: a line for every n epochs
    checkpoint  the path of a file that is written after each epoch, and when training ends early. If it is there
                already, training goes on from it, with the very numbers of a run without interruption

    Ctrl-C ends training after the present batch: what was reached stays in the model, in the history
    (`history.interrupted`) and in the checkpoint. A second one raises KeyboardInterrupt at once.

    While training the model is in training mode; afterwards each module is in the mode in which it was. Losses are
    averaged over the samples, so that a smaller last batch counts less.
    """
    check_model(model)
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 0:
        raise ValueError(f"epochs must be an integer and not negative, not {epochs!r}")
    loss, optimizer = loss_of(loss), optimizer_of(optimizer, model)
    loader, held_out = training_and_validation(model, data, validation, batch_size, shuffle, seed)
    progress = progress_of(progress)
    run = Run(model, optimizer, loss, metrics_of(metrics, threshold_of(loss)), callbacks, loader, epochs)
    with drawing_from(seed), enable_grad(), mode_kept(model), contextlib.closing(progress), CtrlC() as ctrl_c:
        model.train()
        saved = NoCheckpoint() if checkpoint is None else Checkpoint(checkpoint, run)
        run.callbacks.on_fit_begin(run)
        if saved.state is not None:
            saved.load_rest(run)
            progress.message(f"{saved.path}: going on after {position_text(run)}")
        run.history.interrupted = train(run, held_out, saved, progress, ctrl_c)
        run.history.stopped = run.stopped
        progress.close()
        if run.stopped is not None:
            progress.message(run.stopped)
        if run.history.interrupted:
            progress.message(f"Stopped by Ctrl-C after {position_text(run)}")
        run.callbacks.on_fit_end(run)
    return run.history


def drawing_from(seed):
    """Within it random numbers come from a new generator that starts from `seed`, if there is one."""
    if seed is None:
        return contextlib.nullcontext()
    generator = Generator().manual_seed(seed)
    return as_default(lambda: generator)


def position_text(run):
    """ "3 of 10 epochs and 12 batches"."""
    batches = f" and {run.batch} batches" if run.batch else ""
    return f"{run.epoch} of {run.epochs} epochs{batches}"
