"""fit, evaluate, predict: against loops written by hand."""

import io
import re
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, plots, train
from tinygrad_edu.data import DataLoader, IterableDataset, TensorDataset
from tinygrad_edu.nn import functional as F

ROWS = 23


def data(classes=3):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, 4)).astype(np.float32)
    return tg.tensor(x), tg.tensor(x[:, :classes].argmax(1))


def network(dropout=0.25):
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 3))


def fit(model=None, given=None, **options):
    options = {"loss": "cross_entropy", "optimizer": "adam", "epochs": 2, "batch_size": 5, "progress": False, **options}
    return train.fit(network() if model is None else model, data() if given is None else given, **options)


def same_weights(model, other):
    ours, theirs = model.state_dict(), other.state_dict()
    return all((ours[name] == theirs[name]).all() for name in ours)


# ---- the same as by hand


def test_equals_a_loop_written_by_hand():
    """Weights, mean losses and accuracies, bit for bit."""
    x, y = data()
    model = network()
    tg.manual_seed(1)
    history = fit(model, optimizer=optim.SGD(model.parameters(), lr=0.1), metrics=["accuracy"], validation=(x, y))

    other = network()
    tg.manual_seed(1)
    optimizer = optim.SGD(other.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(x, y), batch_size=5, shuffle=True)
    for epoch in range(2):
        total = right = 0
        for a, b in loader:
            output = other(a)
            loss = F.cross_entropy(output, b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(b)
            right += (output.argmax(1) == b).sum().item()
        other.eval()
        with tg.no_grad():
            output = other(x)
        other.train()
        assert history["loss"][epoch] == total / ROWS and history["accuracy"][epoch] == right / ROWS
        assert history["val_loss"][epoch] == F.cross_entropy(output, y).item()
        assert history["val_accuracy"][epoch] == (output.argmax(1) == y).sum().item() / ROWS
    assert same_weights(model, other)


@pytest.mark.parametrize("batch_size", [1, 5, 22, 23, 100])
def test_averages_do_not_depend_on_batches(batch_size):
    """The last batch of 23 is smaller; the mean is that over all samples."""
    model, (x, y) = network(), data()
    values = train.evaluate(model, (x, y), "cross_entropy", ["accuracy", "f1"], batch_size=batch_size)
    model.eval()
    output = model(x)
    assert values["loss"] == pytest.approx(F.cross_entropy(output, y).item(), rel=1e-6)
    assert values["accuracy"] == (output.argmax(1) == y).double().mean().item()
    loader = DataLoader(TensorDataset(x, y), batch_size)
    assert values == train.evaluate(model, loader, "cross_entropy", ["accuracy", "f1"])


@pytest.mark.parametrize("kind", ["arrays", "lists", "data set", "loader", "batches", "iterable data set"])
def test_kinds_of_data(kind):
    x, y = data()
    loader = DataLoader(TensorDataset(x, y), 5)
    given = {
        "arrays": (x.numpy().astype(np.float64), y.numpy().astype(np.int32)), "lists": (x.tolist(), y.tolist()),
        "data set": TensorDataset(x, y), "loader": loader, "batches": Batches(loader),
        "iterable data set": Samples(x, y),
    }[kind]  # fmt: skip
    model, expected = network(0), network(0)
    history = fit(model, given, shuffle=False, validation=given)
    assert history["loss"] == fit(expected, shuffle=False)["loss"] and same_weights(model, expected)
    assert train.evaluate(model, given, "cross_entropy")["loss"] == pytest.approx(history["val_loss"][-1])


class Batches:
    """An iterable of batches without a length."""

    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        return iter(self.loader)


def test_float64_models():
    x, y = data()
    model = network().double()
    fit(model, (x.numpy(), y), validation=0.2)
    assert train.predict(model, x.numpy()).dtype == tg.float64


class Samples(IterableDataset):
    """Samples without a length."""

    def __init__(self, x, y):
        self.samples = list(zip(x, y))

    def __iter__(self):
        return iter(self.samples)


class Two(nn.Module):
    """Two inputs, two outputs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, a, b):
        return self.layer(tg.cat([a, b], 1)), a.sum(1)


def test_several_inputs_and_targets():
    rng = np.random.default_rng(0)
    a, b = rng.random((7, 1)), rng.random((7, 2))

    def loss(output, target):
        return F.mse_loss(output[0], target[0]) + F.mse_loss(output[1], target[1])

    model, given = Two(), ((a, b), (a, a[:, 0]))
    history = fit(model, given, loss=loss, optimizer=("sgd", {"lr": 0.1}), epochs=50, batch_size=3, validation=given)
    assert history["val_loss"][-1] < history["val_loss"][0]
    first, second = train.predict(model, (a, b), batch_size=4)
    assert first.shape == (7, 1) and second.shape == (7,) and not first.requires_grad
    np.testing.assert_array_equal(second.numpy(), a[:, 0].astype(np.float32))


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: (x,), lambda x: (x, None), TensorDataset])
def test_without_targets(wrap):
    """The target of an autoencoder is its input."""
    x, _ = data()
    model, expected = nn.Linear(4, 4), nn.Linear(4, 4)
    expected.load_state_dict(model.state_dict())
    options = {"loss": "mse", "shuffle": False}
    assert fit(model, wrap(x), **options) == fit(expected, (x, x), **options) and same_weights(model, expected)
    assert train.predict(model, x).shape == (ROWS, 4)


@pytest.mark.parametrize(
    "name, function",
    [("mse", F.mse_loss), ("l1", F.l1_loss), ("huber", F.huber_loss), ("smooth_l1", F.smooth_l1_loss),
     ("bce_with_logits", F.binary_cross_entropy_with_logits)],
)  # fmt: skip
def test_named_losses_fit_the_target_to_the_output(name, function):
    x, y = data(2)
    model = nn.Linear(4, 1)
    values = train.evaluate(model, (x, y), name)
    assert values["loss"] == pytest.approx(function(model(x), y.float().reshape(-1, 1)).item(), rel=1e-6)


@pytest.mark.parametrize(
    "loss, head",
    [("bce", nn.Sigmoid()), (nn.BCELoss(), nn.Sigmoid()), ("bce_with_logits", nn.Identity()),
     (nn.BCEWithLogitsLoss(), nn.Identity())],
)  # fmt: skip
def test_accuracy_knows_from_the_loss_what_outputs_are(loss, head):
    x, y = data(2)
    y = y.float().reshape(-1, 1)
    model = nn.Sequential(nn.Linear(4, 1), head)
    values = train.evaluate(model, (x, y), loss, ["accuracy"])
    assert values["accuracy"] == ((model[0](x) > 0) == (y > 0.5)).double().mean().item()


def test_accuracy_of_an_unknown_loss_is_refused():
    x, y = data(2)
    with pytest.raises(ValueError, match="threshold=0 for logits"):
        fit(nn.Linear(4, 1), (x, y), loss="mse", metrics=["accuracy"])
    assert fit(nn.Linear(4, 1), (x, y), loss="mse", metrics=[train.Accuracy(0.5)])["accuracy"]


def test_functions_as_metrics():
    def distance(output, target):
        assert not output.requires_grad
        return (output.argmax(1) - target).abs().double().mean()

    model, (x, y) = network(), data()
    values = train.evaluate(model, (x, y), metrics=distance, batch_size=5)
    assert values == {"distance": pytest.approx(distance(train.predict(model, x), y).item())}
    assert len(fit(model, metrics=distance)["distance"]) == 2


def test_predict_joins_rows_only():
    x = tg.ones(5, 3, 4)
    with pytest.raises(ValueError, match=r"for 5 samples the model returned one of shape \(1, 5, 2\)"):
        train.predict(nn.LSTM(4, 2, batch_first=True), x)
    with pytest.raises(ValueError, match="returned one of shape"):
        train.predict(nn.Flatten(0), x)

    class Nested(nn.Module):
        def forward(self, x):
            return x, (x + 1, x + 2)

    one, (two, three) = train.predict(Nested(), x, batch_size=2)
    assert (one == x).all() and (two == x + 1).all() and (three == x + 2).all()


def test_inside_no_grad():
    with tg.no_grad():
        assert fit().epochs == 2 and not tg.is_grad_enabled()


def test_metrics_that_are_given_stay_as_they_are():
    metric, (x, y) = train.Accuracy(), data(2)
    fit(nn.Linear(4, 1), (x, y), loss="bce_with_logits", metrics=[metric], validation=0.2)
    assert metric.count == 0 and metric.threshold is None


@pytest.mark.parametrize(
    "optimizer",
    ["SGD", ("sgd", {"lr": 1e-3}), optim.SGD, lambda parameters: optim.SGD(parameters, lr=1e-3)],
)  # fmt: skip
def test_ways_to_give_an_optimizer(optimizer):
    model, expected = network(0), network(0)
    fit(model, optimizer=optimizer, shuffle=False)
    fit(expected, optimizer=optim.SGD(expected.parameters(), lr=1e-3), shuffle=False)
    assert same_weights(model, expected)


def test_lbfgs():
    x, y = data()
    model, other = nn.Linear(4, 3), nn.Linear(4, 3)
    other.load_state_dict(model.state_dict())
    history = fit(model, optimizer=("lbfgs", {"max_iter": 5}), batch_size=ROWS, shuffle=False, metrics=["accuracy"])
    optimizer = optim.LBFGS(other.parameters(), max_iter=5)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(other(x), y)
        loss.backward()
        return loss

    assert history["loss"] == [optimizer.step(closure).item() for _ in range(2)] and same_weights(model, other)


# ---- modes, randomness


def test_modes_are_put_back_and_training_is_in_training_mode():
    model = network()
    model[1].eval()
    before = [module.training for module in model.modules()]
    seen = []

    class Look(train.Callback):
        def on_batch_begin(self, run):
            seen.append(all(module.training for module in run.model.modules()) and tg.is_grad_enabled())

    fit(model, callbacks=Look(), validation=0.2)
    assert all(seen) and [module.training for module in model.modules()] == before
    statistics, recorded = model[1].running_mean.clone(), []
    model[2].register_forward_hook(lambda *_: recorded.append(tg.is_grad_enabled()))
    train.evaluate(model, data(), "cross_entropy")
    assert recorded == [False]
    x, _ = data()
    assert (train.predict(model, x) == train.predict(model, x)).all()
    assert [module.training for module in model.modules()] == before and (model[1].running_mean == statistics).all()
    with pytest.raises(ValueError, match="0 rows"):
        train.predict(model, x[:0])
    with pytest.raises(Exception, match="linear"):
        train.predict(model, x[:, :2])
    assert [module.training for module in model.modules()] == before and tg.is_grad_enabled()


def test_a_seed_decides_everything_and_leaves_the_default_generator():
    models = [network(), network(), network()]
    before = tg.get_rng_state()
    for model, seed in zip(models, (5, 5, 6)):
        fit(model, seed=seed)
        assert (tg.get_rng_state() == before).all()
        tg.rand(3)
        before = tg.get_rng_state()
    assert same_weights(models[0], models[1]) and not same_weights(models[0], models[2])


def test_a_fraction_for_validation_holds_rows_out():
    seen = {}

    class Look(train.Callback):
        def on_batch_begin(self, run):
            seen.setdefault(run.epoch, []).extend(run.inputs[0][:, 0].tolist())

    x = np.arange(100.0).reshape(100, 1)
    model = nn.Linear(1, 1)
    fit(model, (x, 0 * x), loss="mse", validation=0.25, callbacks=[Look()], optimizer=("sgd", {"lr": 0.0}))
    rest = sorted(seen[0])
    assert len(rest) == 75 and rest == sorted(seen[1]) and seen[0] != seen[1] and max(rest) > 90 and min(rest) < 10
    held_out = np.setdiff1d(x, rest)
    history = fit(model, (x, 0 * x), loss="mse", validation=0.25, optimizer=("sgd", {"lr": 0.0}))
    loss = F.mse_loss(model(tg.tensor(held_out[:, None]).float()), tg.zeros(25, 1))
    assert history["val_loss"][0] == pytest.approx(loss.item(), rel=1e-6)


def test_validation_leaves_weights_and_gradients():
    model = network(0)
    expected = network(0)
    fit(model, seed=0, validation=data())
    fit(expected, seed=0)
    assert same_weights(model, expected)


# ---- Ctrl-C


@pytest.mark.parametrize("checkpoint", [False, True])
def test_ctrl_c_keeps_what_was_reached(tmp_path, capsys, checkpoint):
    class Interrupt(train.Callback):
        def on_backward_end(self, run):
            if run.step == 6:
                signal.raise_signal(signal.SIGINT)

    steps = []

    class Note(train.Callback):
        def on_batch_end(self, run):
            steps.append(run.step)
            self.weights = {name: value.clone() for name, value in run.model.state_dict().items()}

    note, model, path = Note(), network(), tmp_path / "run.pt"
    callbacks, checkpoint_path = [Interrupt(), note], path if checkpoint else None
    history = fit(model, callbacks=callbacks, epochs=9, progress=True, checkpoint=checkpoint_path)
    assert history.interrupted and history.epochs == 1 and steps[-1] == 7
    assert "Stopped by Ctrl-C after 1 of 9 epochs and 2 batches" in capsys.readouterr().out
    assert all((note.weights[name] == value).all() for name, value in model.state_dict().items())
    assert path.exists() == checkpoint
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler and model.training


def test_a_second_ctrl_c_ends_at_once():
    class Interrupt(train.Callback):
        def on_backward_end(self, run):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(callbacks=[Interrupt()])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_last_batch_of_all_is_no_interruption():
    class Interrupt(train.Callback):
        def on_epoch_end(self, run):
            if run.epoch + 1 == run.epochs:
                signal.raise_signal(signal.SIGINT)

    assert not fit(callbacks=[Interrupt()]).interrupted


def test_in_another_thread_and_with_a_handler_of_the_program():
    results = []
    thread = threading.Thread(target=lambda: results.append(fit()))
    thread.start()
    thread.join()
    assert results[0].epochs == 2
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(True))
    try:

        class Interrupt(train.Callback):
            def on_batch_end(self, run):
                signal.raise_signal(signal.SIGINT)

        assert fit(callbacks=[Interrupt()]).epochs == 2 and len(seen) == 10
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# ---- history, progress


def test_history_table_curves_and_best(tmp_path):
    history = train.History()
    history.append({"loss": 0.5, "val_loss": 12345.0, "confusion": np.eye(2)})
    history.append({"loss": 0.00001, "val_loss": float("nan"), "confusion": np.eye(2), "lr": 1.0})
    assert str(history).splitlines() == [
        "epoch       loss   val_loss      lr",
        "    1     0.5000  1.234e+04       –",
        "    2  1.000e-05        nan  1.0000",
    ]
    assert history.epochs == 2 and list(history) == ["loss", "val_loss", "confusion", "lr"]
    assert history.best("loss") == (2, 0.00001) and history.best() == (1, 12345.0)
    assert history.best("loss", "max") == (1, 0.5)
    with pytest.raises(ValueError, match="no values of 'accuracy'"):
        history.best("accuracy")
    assert str(train.History()) == "History: no epoch yet"
    pytest.importorskip("matplotlib")
    figure = history.plot(["loss"], log=["loss"])
    assert [line.get_label() for line in figure.axes[0].lines] == ["training", "validation"]
    assert [axes.get_ylabel() for axes in history.plot().axes] == ["loss", "lr"]
    plots.save(figure, tmp_path / "history.png")


def test_lines(capsys):
    fit(progress=True, metrics=["accuracy"], epochs=10)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10 and lines[0].startswith("epoch  1/10  loss ") and "accuracy 0." in lines[0]
    fit(progress=4, epochs=10)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["1/10", "4/10", "8/10", "10/10"]
    fit()
    assert capsys.readouterr() == ("", "")
    for wrong in (0, -1, "bar"):
        with pytest.raises(ValueError, match="progress is"):
            fit(progress=wrong)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class StopAfter(train.Callback):
    """Ends training after so many batches."""

    def __init__(self, batches):
        self.batches = batches

    def on_batch_end(self, run):
        if run.step == self.batches:
            run.stop("enough")


def test_bars(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr("tinygrad_edu.train.progress.REDRAWN", 0)
    monkeypatch.setenv("COLUMNS", "140")
    fit(progress=True, metrics=["accuracy"], validation=0.2, epochs=3)
    last = [line.rpartition("\r")[2] for line in sys.stderr.getvalue().strip().split("\n")]
    assert len(last) == 3
    for number, line in enumerate(last, 1):
        assert line.startswith(f"epoch {number}/3  loss ") and "4/4" in line and "val_accuracy" in line, line
    assert any("accuracy" in part and "50%" in part and "2/4" in part for part in sys.stderr.getvalue().split("\r"))
    monkeypatch.setattr("tinygrad_edu.train.progress.REDRAWN", 10)
    fit(callbacks=[StopAfter(3)], progress=True)
    assert "60%" in sys.stderr.getvalue().strip().split("\n")[-2]
    fit(given=Batches(DataLoader(TensorDataset(*data()), 5)), progress=True)
    assert "5 batches [" in sys.stderr.getvalue()


def test_without_tqdm_there_are_lines(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    fit(progress=True)
    assert len(capsys.readouterr().out.splitlines()) == 2


# ---- what cannot work


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"loss": "crossentropy"}, ValueError, "there is no loss 'crossentropy'; there are cross_entropy"),
        ({"loss": nn.MSELoss}, TypeError, r"make one: MSELoss\(\)"),
        ({"loss": 3}, TypeError, "this is a int"),
        ({"optimizer": "adamm"}, ValueError, "there is no optimizer 'adamm'; there are adadelta"),
        ({"optimizer": 0.1}, TypeError, "not a float"),
        ({"optimizer": list}, TypeError, "gave a list"),
        ({"epochs": 1.5}, ValueError, "epochs must be an integer"),
        ({"epochs": -1}, ValueError, "epochs must be an integer"),
        ({"given": (np.zeros((3, 4)), np.zeros(2))}, ValueError, r"equally many rows.*\[3, 2\]"),
        ({"given": (np.zeros(3),) * 3}, ValueError, "several inputs belong into a tuple"),
        ({"given": 3}, TypeError, "data must be arrays"),
        ({"given": {"x": 3}}, TypeError, "not a dict"),
        ({"given": np.array(["a"])}, TypeError, "data must be numbers"),
        ({"given": [(1, 2, 3)].__iter__()}, ValueError, "this one has 3 parts"),
        ({"given": iter([])}, ValueError, "no batches"),
        ({"validation": 1.5}, ValueError, "leaves no samples on one side"),
        ({"validation": 0.001}, ValueError, "leaves no samples on one side"),
        ({"validation": 0.5, "given": TensorDataset(*data())}, TypeError, "random_split"),
        ({"callbacks": [train.TerminateOnNaN]}, TypeError, "make one"),
        ({"callbacks": [print]}, TypeError, "a callback is an object"),
        ({"model": nn.Linear}, TypeError, "the class Linear; make one"),
        ({"model": abs}, TypeError, "must be an nn.Module"),
    ],
)
def test_errors(options, error, message):
    with pytest.raises(error, match=message):
        fit(**options)


def test_evaluate_without_samples():
    with pytest.raises(ValueError, match="no samples"):
        train.evaluate(network(), iter([]), "cross_entropy")
    with pytest.raises(ValueError, match="no samples"):
        train.predict(network(), iter([]))


def test_zero_epochs():
    history = fit(epochs=0)
    assert history.epochs == 0 and not history.interrupted


def test_public_names():
    for name in train.__all__:
        if name not in ("Classifier", "Regressor"):
            assert getattr(train, name) is not None
    assert tg.train is train and set(train.__all__) <= set(dir(train))
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        train.fitt


def test_the_examples_of_the_documentation(tmp_path, monkeypatch, capsys):
    """docs/training.md, from its first block of code to its last."""
    pytest.importorskip("sklearn")
    joblib = pytest.importorskip("joblib")
    pytest.importorskip("matplotlib")
    page = (Path(tg.__file__).parent.parent / "docs" / "training.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) > 8
    names = {}
    try:
        for block in blocks:
            exec(compile(block, "docs/training.md", "exec"), names)
    finally:
        joblib.externals.loky.get_reusable_executor().shutdown(wait=True)  # the processes of the search
    assert names["results"]["accuracy"] > 0.8 and names["history"].epochs == 3
    assert names["best"].score(names["x_test"], names["y_test"]) > 0.8
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "best.pt", "history.png", "in one.pt", "in two parts.pt", "log.csv",
    ]  # fmt: skip
