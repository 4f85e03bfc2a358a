"""Evaluating a model: its loss and metrics on data, and its outputs."""

import copy

from ..ops.joining import cat
from ..tensor import Tensor
from .losses import loss_of, threshold_of
from .metrics import metrics_of
from .modes import check_model, evaluating
from .samples import EVALUATION_BATCH, Arrays, batches_for_evaluation
from .structure import batch_size_of, detached, split

__all__ = ["Meters", "evaluate", "measured", "predict"]


class Meters:
    """The mean loss and the metrics of the batches so far.

    The mean counts a batch by its samples, so that a smaller last one counts less: it is the loss of all samples at
    once, if the loss of a batch is the mean of its samples' losses.
    """

    def __init__(self, metrics):
        self.metrics = copy.deepcopy(metrics)
        self.reset()

    def reset(self):
        self.total, self.count = 0.0, 0
        for metric in self.metrics:
            metric.reset()

    def update(self, loss, inputs, output, target):
        """Count a batch; `loss` is a Python float, or None where there is no loss."""
        n = batch_size_of(inputs)
        self.count += n
        if loss is not None:
            self.total += n * loss
        if self.metrics:
            output, target = detached(output), detached(target)
            for metric in self.metrics:
                metric.update(output, target)

    def values(self, loss=True):
        """{"loss": the mean, name of a metric: its value}."""
        values = {"loss": self.total / self.count} if loss else {}
        return {**values, **{metric.name: metric.compute() for metric in self.metrics}}

    def state_dict(self):
        return {
            "total": self.total, "count": self.count, "metrics": [metric.state_dict() for metric in self.metrics]
        }  # fmt: skip

    def load_state_dict(self, state):
        self.total, self.count = state["total"], state["count"]
        for metric, saved in zip(self.metrics, state["metrics"]):
            metric.load_state_dict(saved)


def measured(model, batches, loss, metrics, interrupted=lambda: False):
    """{"loss": …, metric: …} of all batches; None if `interrupted()` became true after one of them."""
    meters = Meters(metrics)
    with evaluating(model):
        for batch in batches:
            inputs, target = split(batch)
            output = model(*inputs)
            value = None if loss is None else float(loss(output, target).array)
            meters.update(value, inputs, output, target)
            if interrupted():
                return None
    if not meters.count:
        raise ValueError("there are no samples to evaluate with; an iterator that was used up before has none left")
    return meters.values(loss is not None)


def evaluate(model, data, loss=None, metrics=(), *, batch_size=EVALUATION_BATCH):
    """The loss and the metrics of a model on data, as a dict: `evaluate(model, (x, y), "cross_entropy", ["accuracy"])`.

    model       an nn.Module; it is called in evaluation mode and without recording, and its modes are put back
    data        as for `fit`; a DataLoader is used as it is
    loss        as for `fit`; without one the dict has no "loss"
    metrics     as for `fit`
    batch_size  samples per call of the model, unless data is a DataLoader
    """
    check_model(model)
    loss = None if loss is None else loss_of(loss)
    metrics = metrics_of(metrics, threshold_of(loss))
    return measured(model, batches_for_evaluation(data, model, batch_size), loss, metrics)


def predict(model, x, batch_size=EVALUATION_BATCH):
    """The outputs of a model for all samples, one Tensor without a graph; a tuple of them if the model returns one.

    model       as for `evaluate`
    x           the inputs: an array or a Tensor; a tuple of them for a model with several inputs; or a data set or a
                DataLoader, of whose batches (inputs, target) the inputs are taken
    batch_size  samples per call of the model, unless x is a DataLoader
    """
    check_model(model)
    if isinstance(x, (tuple, list)):
        x = (tuple(x),)
    batches = batches_for_evaluation(x, model, batch_size)
    if isinstance(getattr(batches, "dataset", None), Arrays) and not len(batches.dataset):
        raise ValueError("predict: there are no samples, x has 0 rows")
    outputs = []
    with evaluating(model):
        for batch in batches:
            inputs, _ = split(batch)
            outputs.append(model(*inputs))
            check_rows(outputs[-1], batch_size_of(inputs))
    if not outputs:
        raise ValueError("predict: there are no samples; an iterator that was used up before has none left")
    return detached(joined(outputs))


def joined(outputs):
    """What the model returned for several batches, one below the other."""
    if isinstance(outputs[0], tuple):
        return tuple(joined(parts) for parts in zip(*outputs))
    return cat(outputs)


def check_rows(output, n):
    """Raise unless an output, and each of a tuple of outputs, has a row for each of n samples."""
    if isinstance(output, tuple):
        for part in output:
            check_rows(part, n)
    elif not isinstance(output, Tensor) or output.shape[:1] != (n,):
        what = f"of shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise ValueError(
            f"predict joins the outputs of batches by their first dimension, which counts the samples; for {n} samples "
            f"the model returned one {what}. Call it yourself, or let it return what belongs to each sample"
        )
