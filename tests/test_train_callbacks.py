"""Callbacks: when they are told what, and what those of the library do."""

import csv
import math
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, train
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.train.callbacks.base import HOOKS


def fit(model=None, epochs=2, **options):
    """10 rows in batches of 4: three per epoch."""
    x = np.random.default_rng(0).standard_normal((10, 2))
    options = {"loss": "mse", "optimizer": "sgd", "batch_size": 4, "progress": False, **options}
    return train.fit(model or nn.Linear(2, 1), (x, x.sum(1)), epochs=epochs, **options)


class Script(train.Callback):
    """Puts given values into the logs, epoch by epoch."""

    def __init__(self, **values):
        self.values = values

    def on_epoch_end(self, run):
        run.logs.update({name: values[run.epoch] for name, values in self.values.items()})


def test_the_order_of_moments():
    told = []

    class Note(train.Callback):
        pass

    for hook in HOOKS:
        setattr(Note, hook, lambda self, run, hook=hook: told.append((hook, run.epoch, run.batch, run.step)))
    fit(callbacks=[Note()], validation=0.2)
    batches = [
        [("on_batch_begin", epoch, batch, 2 * epoch + batch), ("on_backward_end", epoch, batch, 2 * epoch + batch),
         ("on_batch_end", epoch, batch + 1, 2 * epoch + batch + 1)]
        for epoch in range(2) for batch in range(2)
    ]  # fmt: skip
    assert told == [
        ("on_fit_begin", 0, 0, 0),
        ("on_epoch_begin", 0, 0, 0), *batches[0], *batches[1], ("on_epoch_end", 0, 2, 2),
        ("on_epoch_begin", 1, 0, 2), *batches[2], *batches[3], ("on_epoch_end", 1, 2, 4),
        ("on_fit_end", 2, 0, 4),
    ]  # fmt: skip


def test_what_a_callback_sees():
    class Look(train.Callback):
        def on_batch_begin(self, run):
            assert run.output is None and run.inputs[0].shape == (2 if run.batch == 2 else 4, 2)

        def on_backward_end(self, run):
            expected = ((run.output.detach()[:, 0] - run.target) ** 2).mean().item()
            assert run.batch_loss == pytest.approx(expected) and run.model.weight.grad is not None
            self.before = run.model.weight.clone()

        def on_batch_end(self, run):
            assert (run.model.weight != self.before).any()

        def on_epoch_end(self, run):
            assert list(run.logs) == ["loss", "mae"] and run.batches == 3 and run.inputs is None
            run.logs["mine"] = run.epoch

    history = fit(callbacks=Look(), metrics=["mae"])
    assert history["mine"] == [0, 1] and list(history) == ["loss", "mae", "mine"]


def test_a_function_put_into_a_callback():
    callback, seen = train.Callback(), []
    callback.on_epoch_end = lambda run: seen.append(run.epoch)
    fit(callbacks=[callback])
    assert seen == [0, 1]


@pytest.mark.parametrize("hook, steps", [("on_epoch_begin", 0), ("on_batch_begin", 0), ("on_backward_end", 0),
                                         ("on_batch_end", 1), ("on_epoch_end", 3)])  # fmt: skip
def test_stop(hook, steps, capsys):
    class Stop(train.Callback):
        pass

    setattr(Stop, hook, lambda self, run: run.stop("seen enough"))
    ends = []
    Stop.on_fit_end = lambda self, run: ends.append(run.step)
    model = nn.Linear(2, 1)
    before = model.weight.clone()
    history = fit(model, callbacks=[Stop()], progress=True)
    assert history.stopped == "seen enough" and not history.interrupted and ends == [steps]
    assert bool((model.weight == before).all()) == (steps == 0) and history.epochs == (hook == "on_epoch_end")
    assert capsys.readouterr().out.endswith("seen enough\n")


# ---- EarlyStopping


@pytest.mark.parametrize(
    "values, options, epochs, best",
    [
        ([3, 2, 1, 1, 1, 0, 0], {"patience": 2}, 5, 3),
        ([3, 2, 1, 1, 1, 0, 0], {"patience": 3}, 7, 6),
        ([3, 2, 1, 1, 1, 0, 0], {"patience": 2, "mode": "max"}, 3, 1),
        ([3, 2.5, 1.9, 1.7, 0.8, 0.5, -1], {"patience": 2, "min_delta": 1}, 7, 7),
        ([3, 2.5, 2.2, 2.1, 1.7, 1, 0], {"patience": 2, "min_delta": 1}, 3, 1),
        ([math.nan] * 7, {"patience": 2}, 2, None),
        ([2, math.nan, 1, math.nan, math.nan, 0, 0], {"patience": 2}, 5, 3),
    ],
)
def test_early_stopping(values, options, epochs, best):
    weights = []

    class Note(train.Callback):
        def on_epoch_end(self, run):
            weights.append(run.model.weight.clone())

    early = train.EarlyStopping("score", **{"mode": "min", **options})
    model = nn.Linear(2, 1)
    history = fit(model, 7, callbacks=[Script(score=values), Note(), early])
    assert history.epochs == epochs and early.best_epoch == best
    assert (model.weight == weights[(best or epochs) - 1]).all()
    if epochs < 7:
        assert history.stopped.startswith("EarlyStopping: score has not improved for 2 epochs")
    else:
        assert history.stopped is None


def test_early_stopping_without_restoring_and_used_twice():
    early = train.EarlyStopping("score", patience=1, mode="min", restore_best=False)
    for _ in range(2):
        weights = []

        class Note(train.Callback):
            def on_epoch_end(self, run):
                weights.append(run.model.weight.clone())

        model = nn.Linear(2, 1)
        assert fit(model, 5, callbacks=[Script(score=[1, 2, 3, 4, 5]), Note(), early]).epochs == 2
        assert (model.weight == weights[-1]).all() and early.best_weights is None


def test_the_metric_says_which_values_are_better():
    with pytest.raises(ValueError, match="are large values of 'val_drift' good or bad"):

        def drift(output, target):
            return 0.0

        fit(metrics=[drift], callbacks=[train.EarlyStopping("val_drift")])
    for metric, sign in (("accuracy", 1), ("mae", -1)):
        early = train.EarlyStopping(metric, patience=9)
        fit(metrics=[metric], callbacks=[early], epochs=0)
        assert early.sign == sign
    with pytest.raises(ValueError, match="the history has no 'val_loss', only loss; give fit validation"):
        fit(callbacks=[train.EarlyStopping()])


# ---- ModelCheckpoint, CSVLogger


def test_model_checkpoint(tmp_path):
    class Note(train.Callback):
        def on_epoch_end(self, run):
            self.weights = {**getattr(self, "weights", {}), run.epoch + 1: run.model.weight.clone()}

    note, path = Note(), tmp_path / "new" / "best.pt"
    names = str(tmp_path / "{epoch:02}_{score:.1f}.pt")
    callbacks = [
        Script(score=[3, 1, 2]), note, train.ModelCheckpoint(path, "score", "min"),
        train.ModelCheckpoint(names, best_only=False),
    ]  # fmt: skip
    fit(epochs=3, callbacks=callbacks)
    assert (tg.load(path)["weight"] == note.weights[2]).all()
    for epoch, name in ((1, "01_3.0.pt"), (2, "02_1.0.pt"), (3, "03_2.0.pt")):
        assert (tg.load(tmp_path / name)["weight"] == note.weights[epoch]).all()
    with pytest.raises(ValueError, match="names 'accuracy', and there are epoch, loss"):
        fit(callbacks=[train.ModelCheckpoint("{accuracy}.pt", "loss")])


def test_csv_logger(tmp_path):
    path = tmp_path / "new" / "log.csv"
    history = fit(validation=0.2, metrics=["mae"], callbacks=[train.CSVLogger(path)])
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row.pop("epoch") for row in rows] == ["1", "2"]
    for name, values in history.items():
        assert [float(row[name]) for row in rows] == values
    fit(epochs=1, callbacks=[train.CSVLogger(path)])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_csv_logger_is_resumed(tmp_path):
    """Lines that came after the last checkpoint, as a crash leaves them, are those of epochs that are run again."""
    path, other = tmp_path / "log.csv", tmp_path / "other.csv"
    for epochs in (2, 4):
        tg.manual_seed(0)
        fit(nn.Linear(2, 1), epochs, callbacks=[train.CSVLogger(path)], checkpoint=tmp_path / "run.pt", shuffle=False)
        if epochs == 2:
            with path.open("a", encoding="utf-8") as file:
                file.write("3,0.5\n4,0.2")
    tg.manual_seed(0)
    fit(nn.Linear(2, 1), 4, callbacks=[train.CSVLogger(other)], shuffle=False)
    assert path.read_bytes() == other.read_bytes()


# ---- LearningRateScheduler


def rates(scheduler, epochs=4, validation=None, script=()):
    """(the learning rate in each batch, history) of a run."""
    found = []

    class Note(train.Callback):
        def on_backward_end(self, run):
            found.append(run.optimizer.param_groups[0]["lr"])

    history = fit(epochs=epochs, callbacks=[*script, scheduler, Note()], optimizer=("sgd", {"lr": 0.1}))
    return found, history


def test_a_function_of_the_epoch_or_batch():
    found, history = rates(train.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1)))
    assert found == [0.5 / (i // 3 + 1) for i in range(12)] and history["lr"] == found[::3]
    found, _ = rates(train.LearningRateScheduler(lambda step: 0.5 / (step + 1), every="batch"))
    assert found == [0.5 / (i + 1) for i in range(12)]
    with pytest.raises(ValueError, match="learning rate -1.0 for epoch 0"):
        rates(train.LearningRateScheduler(lambda epoch: -1))


@pytest.mark.parametrize("every", ["epoch", "batch"])
@pytest.mark.parametrize(
    "kind, options",
    [
        (lr_scheduler.StepLR, {"step_size": 2}), (lr_scheduler.CosineAnnealingLR, {"T_max": 12}),
        (lr_scheduler.LinearLR, {}), (lr_scheduler.OneCycleLR, {"max_lr": 1.0, "total_steps": 12}),
        (lr_scheduler.LambdaLR, {"lr_lambda": lambda t: 1 / (1 + t)}),
    ],
)  # fmt: skip
def test_schedules(kind, options, every):
    """The rates of a loop by hand, which calls step() after each epoch or batch."""
    found, _ = rates(train.LearningRateScheduler(kind, every, **options))
    optimizer = optim.SGD([tg.zeros(1, requires_grad=True)], lr=0.1)
    schedule = kind(optimizer, **options)
    expected = []
    for batch in range(12):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if every == "batch" or batch % 3 == 2:
            schedule.step()
    assert found == expected


def test_plateau():
    script = [Script(score=[1, 1, 1, 0])]
    plateau = train.LearningRateScheduler(lr_scheduler.ReduceLROnPlateau, monitor="score", patience=1)
    found, history = rates(plateau, script=script)
    assert found == pytest.approx([0.1] * 9 + [0.01] * 3) and history["lr"] == pytest.approx([0.1, 0.1, 0.1, 0.01])
    with pytest.raises(ValueError, match="no 'val_loss' for ReduceLROnPlateau"):
        rates(train.LearningRateScheduler(lr_scheduler.ReduceLROnPlateau))
    with pytest.raises(ValueError, match="once per epoch"):
        train.LearningRateScheduler(lr_scheduler.ReduceLROnPlateau, every="batch")


def test_schedules_that_do_not_fit():
    optimizer = optim.SGD([tg.zeros(1, requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError, match="made for another optimizer"):
        fit(callbacks=[train.LearningRateScheduler(lr_scheduler.StepLR(optimizer, 2))])
    with pytest.raises(TypeError, match="need the class of a schedule"):
        train.LearningRateScheduler(lambda epoch: 0.1, gamma=0.5)
    with pytest.raises(TypeError, match="neither a function"):
        train.LearningRateScheduler(0.1)
    with pytest.raises(ValueError, match="'epoch' or 'batch'"):
        train.LearningRateScheduler(lambda epoch: 0.1, every="step")


# ---- ClipGradients, TerminateOnNaN


@pytest.mark.parametrize("limit", ["norm", "value"])
def test_clip_gradients(limit):
    seen = []

    class Note(train.Callback):
        def on_backward_end(self, run):
            seen.append(np.concatenate([p.grad.numpy().reshape(-1) for p in run.model.parameters()]))

    before, after = Note(), Note()
    fit(callbacks=[before, train.ClipGradients(**{limit: 0.01}), after])
    for raw, clipped in zip(seen[::2], seen[1::2]):
        if limit == "norm":
            np.testing.assert_allclose(clipped, raw * 0.01 / np.linalg.norm(raw), rtol=1e-3)
        else:
            np.testing.assert_array_equal(clipped, raw.clip(-0.01, 0.01).astype(np.float32))
    for options in ({}, {"norm": 1, "value": 1}, {"norm": 0}, {"value": -1}):
        with pytest.raises(ValueError, match="ClipGradients"):
            train.ClipGradients(**options)


class Poison(train.Callback):
    """Spoils something in batch 2 of epoch 2."""

    def __init__(self, what):
        self.what = what

    def on_batch_begin(self, run):
        if run.step == 4:
            tensors = {"input": run.inputs[0], "target": run.target, "parameter": run.model.weight.detach()}
            if self.what in tensors:
                tensors[self.what].array.reshape(-1)[0] = np.inf if self.what == "target" else np.nan

    def on_backward_end(self, run):
        if run.step == 4 and self.what == "gradient":
            run.model.bias.grad.array[0] = np.inf


@pytest.mark.parametrize(
    "what, text",
    [
        ("input", r"the loss is nan. Not finite: the input \(1 NaN of 8 numbers\); the output \("),
        ("target", r"the loss is inf. Not finite: the target \(1 infinite of 4 numbers\); the gradient of weight"),
        ("parameter", r"the loss is nan. Not finite: the parameter weight \(1 NaN of 2 numbers\); the output \("),
        ("gradient", r"the loss is [0-9.]+. Not finite: the gradient of bias \(1 infinite of 1 numbers\)$"),
    ],
)
def test_terminate_on_nan(what, text):
    class Note(train.Callback):
        def on_batch_begin(self, run):
            self.weight = run.model.weight.clone()

    note, model = Note(), nn.Linear(2, 1)
    history = fit(model, 5, callbacks=[note, Poison(what), train.TerminateOnNaN()])
    assert history.epochs == 1
    assert re.match(r"TerminateOnNaN: epoch 2, batch 2: " + text, history.stopped), history.stopped
    if what != "parameter":
        assert (model.weight == note.weight).all()  # the step was not taken
    assert fit(callbacks=[train.TerminateOnNaN()]).stopped is None


def test_a_loss_alone_is_not_finite():
    history = fit(loss=lambda output, target: output.sum() + float("inf"), callbacks=[train.TerminateOnNaN()])
    assert history.stopped.endswith("the loss is inf. Not finite: nothing but the loss, not even a gradient")


def test_large_gradients_are_finite():
    """Squares that overflow are no reason to end."""

    class Large(train.Callback):
        def on_backward_end(self, run):
            run.model.weight.grad.array[:] = 1e30

    assert fit(callbacks=[Large(), train.TerminateOnNaN()], optimizer=("sgd", {"lr": 0.0})).stopped is None


def test_another_callback_is_refused():
    callback = train.EarlyStopping()
    with pytest.raises(ValueError, match="EarlyStopping remembers"):
        callback.load_state_dict({"best": 1})
    for options in ({"patience": 0}, {"mode": "least"}, {"min_delta": -1}):
        with pytest.raises(ValueError, match="EarlyStopping: "):
            train.EarlyStopping(**options)
