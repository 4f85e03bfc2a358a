"""The training loop: epochs, batches, and where it may be left."""

from .evaluation import measured
from .structure import split

__all__ = ["train"]


def train(run, validation, checkpoint, progress, ctrl_c):
    """Train until the last epoch, a callback's stop, or Ctrl-C. Returns whether it was Ctrl-C."""
    while run.epoch < run.epochs and run.stopped is None and not ctrl_c.asked:
        if not whole_epoch(run, validation, checkpoint, progress, ctrl_c):
            break
    return ctrl_c.asked and run.stopped is None and run.epoch < run.epochs


def whole_epoch(run, validation, checkpoint, progress, ctrl_c):
    """An epoch, or what is left of one that was interrupted; returns whether it was done to its end."""
    if run.batch:
        batches = checkpoint.replay(run)
    else:
        run.meters.reset()
        run.callbacks.on_epoch_begin(run)
        if run.stopped is not None:
            checkpoint.save(run)
            return False
        checkpoint.note_start()
        batches = iter(run.loader)
    progress.epoch_begins(run)
    for batch in batches:
        train_batch(run, batch)
        progress.batch_ends(run)
        if run.stopped is not None or ctrl_c.asked:
            checkpoint.save(run)  # while the loader stands where it stands
            return False
    if not run.batch:
        raise ValueError("there are no batches to train with; an iterator that was used up before has none left")
    checkpoint.note_end()
    logs = run.meters.values()
    if validation is not None:
        values = measured(run.model, validation, run.loss, run.metrics, lambda: ctrl_c.asked)
        if values is None:
            checkpoint.save(run, ended=True)
            return False
        logs |= {f"val_{name}": value for name, value in values.items()}
    run.logs = logs
    run.callbacks.on_epoch_end(run)
    run.history.append(run.logs)
    progress.epoch_ends(run)
    run.epoch, run.batch = run.epoch + 1, 0
    checkpoint.save(run)
    return True


def train_batch(run, batch):
    """One step of the optimizer."""
    run.inputs, run.target = split(batch)
    callbacks = run.callbacks
    callbacks.on_batch_begin(run)
    if run.needs_closure:
        step_with_closure(run)
    else:
        compute_gradients(run)
        callbacks.on_backward_end(run)
        if run.stopped is not None:
            run.forget_batch()
            return
        run.optimizer.step()
    run.meters.update(run.batch_loss, run.inputs, run.output, run.target)
    run.batch += 1
    run.step += 1
    callbacks.on_batch_end(run)
    run.forget_batch()


def compute_gradients(run):
    """Forward and backward."""
    run.output = run.model(*run.inputs)
    loss = run.loss(run.output, run.target)
    run.optimizer.zero_grad()
    loss.backward()
    run.batch_loss = float(loss.array)
    return loss


def step_with_closure(run):
    """A step of an optimizer that computes the loss several times, as LBFGS does. What is counted is the first."""
    first = []

    def closure():
        loss = compute_gradients(run)
        run.callbacks.on_backward_end(run)
        first.append((run.batch_loss, run.output))
        return loss

    run.optimizer.step(closure)
    run.batch_loss, run.output = first[0]
