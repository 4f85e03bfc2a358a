"""Training that is interrupted and resumed: the very numbers of a run without interruption."""

import random
import signal

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, train
from tinygrad_edu.data import DataLoader, Dataset, IterableDataset
from tinygrad_edu.serialization import LoadError

ROWS, BATCH, EPOCHS = 22, 5, 3
BATCHES = -(-ROWS // BATCH)


class Killed(Exception):
    """The process ends here, as far as training can tell."""


class Disturb(train.Callback):
    """Interrupts training: does `what` at `moment` of batch number `batch` of epoch number `epoch`."""

    remembers = ("draws",)

    def __init__(self, moment=None, epoch=0, batch=0, what=lambda: None):
        self.moment, self.at, self.what = moment, (epoch, batch), what

    def on_fit_begin(self, run):
        self.draws = []

    def now(self, moment, run, batch):
        if moment == self.moment and (run.epoch, batch) == self.at:
            self.moment = None
            self.what()

    def on_epoch_begin(self, run):
        self.now("epoch begin", run, 0)

    def on_batch_begin(self, run):
        self.now("batch begin", run, run.batch)

    def on_backward_end(self, run):
        self.now("backward end", run, run.batch)

    def on_batch_end(self, run):
        self.draws.append(tg.rand(()).item())
        self.now("batch end", run, run.batch - 1)

    def on_epoch_end(self, run):
        self.now("epoch end", run, 0)


class Validation(IterableDataset):
    """Two samples; does something before the second one."""

    what = staticmethod(lambda: None)

    def __len__(self):
        return 2

    def __iter__(self):
        for number in range(2):
            tg.rand(())  # validation may draw, too
            yield tg.ones(4) * number, tg.tensor(number)
            if number == 0:
                self.what()


class Augmented(Dataset):
    """Samples with noise from every source of random numbers that a data set may use."""

    def __init__(self, global_draws=True):
        self.x, self.y = tg.randn(ROWS, 4, generator=tg.Generator().manual_seed(1)), np.arange(ROWS) % 3
        self.noise, self.settings = np.random.default_rng(5), {"shift": [random.Random(7)]}
        self.global_draws = global_draws

    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        x = self.x[index] + tg.randn(4)
        if self.global_draws:
            x = x + random.random() + np.random.rand() + self.noise.normal() + self.settings["shift"][0].random()
        return x.float(), int(self.y[index])


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


def kill():
    raise Killed


def run(path, disturb=None, workers=0, validation=None, epochs=EPOCHS):
    """(history, all that training has changed, as plain data) of a run with this checkpoint, as in a new process."""
    tg.manual_seed(3)
    random.seed(1)
    np.random.seed(2)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3))
    optimizer = optim.Adam(model.parameters(), lr=0.01, amsgrad=True)
    data = Augmented(global_draws=workers == 0)
    loader = DataLoader(data, BATCH, shuffle=True, generator=tg.Generator().manual_seed(4), num_workers=workers)
    callbacks = [
        train.EarlyStopping("loss", patience=2, restore_best=False),
        train.LearningRateScheduler(optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 3 * BATCHES), every="batch"),
        train.LearningRateScheduler(optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)),
        disturb or Disturb(),
    ]
    history = train.fit(
        model, loader, loss="cross_entropy", optimizer=optimizer, epochs=epochs, validation=validation or Validation(),
        metrics=["accuracy", "f1", "confusion", lambda output, target: output.abs().mean()], callbacks=callbacks,
        progress=False, checkpoint=path,
    )  # fmt: skip
    saved = tg.load(path)
    end = {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": dict(history),
        "callbacks": [callback.state_dict() for callback in callbacks], "draws": tg.get_rng_state(), "file": saved,
        "python": random.getstate(), "numpy": np.random.get_state(),
    }  # fmt: skip
    return history, plain(end)


def plain(value):
    """Nested containers of numbers and bytes, which == compares bit by bit."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (tg.Tensor, np.ndarray)):
        array = np.asarray(value)
        return array.dtype.str, array.shape, array.tobytes()
    return repr(value)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """What runs end with that nobody interrupts: number of workers -> plain data."""
    states = random.getstate(), np.random.get_state()
    folder = tmp_path_factory.mktemp("uninterrupted")
    ends = {workers: run(folder / f"{workers}.pt", workers=workers)[1] for workers in (0, 2)}
    random.setstate(states[0])
    np.random.set_state(states[1])
    return ends


@pytest.fixture(autouse=True)
def seeds_put_back(unchanged_settings):
    states = random.getstate(), np.random.get_state(), tg.get_rng_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])
    tg.set_rng_state(states[2])


def assert_same(end, expected):
    assert end.keys() == expected.keys()
    for key in expected:
        assert end[key] == expected[key], f"{key} differs"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("epoch", range(EPOCHS))
@pytest.mark.parametrize("batch", [0, 2, BATCHES - 1])
@pytest.mark.parametrize("moment", ["batch begin", "batch end"])
def test_ctrl_c_after_any_batch(tmp_path, uninterrupted, moment, epoch, batch, workers):
    path = tmp_path / "run.pt"
    history, _ = run(path, Disturb(moment, epoch, batch, ctrl_c), workers)
    assert history.interrupted and history.epochs == epoch
    position = tg.load(path)["position"]
    assert (position["epoch"], position["batch"]) == (epoch, batch + 1)
    history, end = run(path, workers=workers)
    assert not history.interrupted and history.resumed == epoch
    assert_same(end, uninterrupted[workers])


@pytest.mark.parametrize("moment", ["epoch begin", "batch begin", "backward end", "batch end", "epoch end"])
@pytest.mark.parametrize("epoch", [1, 2])
def test_killed_anywhere(tmp_path, uninterrupted, moment, epoch):
    path = tmp_path / "run.pt"
    with pytest.raises(Killed):
        run(path, Disturb(moment, epoch, 0 if "epoch" in moment else 3, kill))
    assert tg.load(path)["position"]["epoch"] == epoch
    assert_same(run(path)[1], uninterrupted[0])


def test_killed_after_ctrl_c(tmp_path, uninterrupted):
    path = tmp_path / "run.pt"
    run(path, Disturb("batch end", 1, 1, ctrl_c))
    with pytest.raises(Killed):
        run(path, Disturb("batch end", 1, 3, kill))
    assert_same(run(path)[1], uninterrupted[0])


def test_interrupted_many_times(tmp_path, uninterrupted):
    path = tmp_path / "run.pt"
    for epoch in range(EPOCHS):
        for batch in range(BATCHES):
            assert run(path, Disturb("batch end", epoch, batch, ctrl_c))[0].epochs == epoch
    assert_same(run(path)[1], uninterrupted[0])


@pytest.mark.parametrize("epoch", range(EPOCHS))
def test_ctrl_c_in_validation(tmp_path, uninterrupted, epoch):
    path, validation, passes = tmp_path / "run.pt", Validation(), []

    def at_its_turn():
        passes.append(None)
        if len(passes) == epoch + 1:
            ctrl_c()

    validation.what = at_its_turn
    history, _ = run(path, validation=validation)
    assert history.interrupted and history.epochs == epoch
    assert_same(run(path)[1], uninterrupted[0])


def test_more_epochs(tmp_path):
    """epochs counts those of all runs: 1 and then 3 is 3."""
    history, _ = run(tmp_path / "run.pt", epochs=1)
    assert history.epochs == 1
    history, end = run(tmp_path / "run.pt")
    _, expected = run(tmp_path / "all.pt")
    assert history.resumed == 1
    assert_same(end, expected)
    history, end = run(tmp_path / "run.pt")  # nothing is left to do
    assert history.resumed == EPOCHS and end["model"] == expected["model"]


def fit(path, model=None, epochs=2, **options):
    """A small run that is as plain as possible."""
    x = np.arange(12.0).reshape(6, 2) / 10
    model = model or nn.Linear(2, 1)
    options = {"optimizer": "sgd", "batch_size": 4, **options}
    return train.fit(model, (x, x.sum(1)), loss="mse", epochs=epochs, checkpoint=path, progress=False, **options)


def test_with_a_seed(tmp_path):
    """The generator of the run goes on, and the default one is not touched."""
    models = []
    for name, epochs in (("whole", [3]), ("parts", [1, 2, 3])):
        for count in epochs:
            tg.manual_seed(0)
            model = nn.Sequential(nn.Linear(2, 5), nn.Dropout(0.5), nn.Linear(5, 1))
            state = tg.get_rng_state()
            fit(tmp_path / name, model, count, seed=7)
            assert (tg.get_rng_state() == state).all()
        models.append(model)
    assert plain(models[0].state_dict()) == plain(models[1].state_dict())


def test_same_validation_rows_after_resuming(tmp_path):
    """Without a seed, too, the rows that are held out are those of the first run."""
    chosen = []

    class Note(train.Callback):
        def on_fit_begin(self, run):
            chosen.append(np.asarray(run.loader.dataset.values[0]).tolist())

    for epochs in (1, 2):
        fit(tmp_path / "run.pt", epochs=epochs, validation=0.5, callbacks=[Note()])
    assert chosen[0] == chosen[1]


def test_stopped_stays_stopped(tmp_path):
    class Stop(train.Callback):
        def on_batch_end(self, run):
            run.stop("enough")

    model = nn.Linear(2, 1)
    history = fit(tmp_path / "run.pt", model, callbacks=[Stop()])
    assert history.stopped == "enough" and not history.interrupted
    other = nn.Linear(2, 1)
    history = fit(tmp_path / "run.pt", other, epochs=9, callbacks=[Stop()])
    assert history.stopped == "enough" and (other.weight == model.weight).all()


def test_says_that_it_resumes(tmp_path, capsys):
    fit(tmp_path / "run.pt", epochs=1)
    capsys.readouterr()
    x = np.arange(12.0).reshape(6, 2) / 10
    train.fit(
        nn.Linear(2, 1), (x, x.sum(1)), loss="mse", optimizer="sgd", batch_size=4, epochs=2,
        checkpoint=tmp_path / "run.pt",
    )  # fmt: skip
    out = capsys.readouterr().out
    assert f"{tmp_path / 'run.pt'}: going on after 1 of 2 epochs" in out and "epoch 2/2" in out


def test_best_weights_survive(tmp_path):
    """What EarlyStopping restores at the end was seen by the first of two runs."""

    class Spoil(train.Callback):
        def on_epoch_begin(self, run):
            if run.epoch:
                with tg.no_grad():
                    run.model.weight.fill_(1000.0)

    def callbacks():
        return [train.EarlyStopping("loss", patience=3), Spoil()]

    models = []
    for epochs in (1, 2):
        models.append(nn.Linear(2, 1))
        fit(tmp_path / "run.pt", models[-1], epochs, callbacks=callbacks())
    assert (models[0].weight == models[1].weight).all()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"optimizer": "adam"}, "optimizer class were SGD, now Adam"),
        ({"callbacks": [train.TerminateOnNaN()]}, r"callback classes were \[\], now \['TerminateOnNaN'\]"),
        ({"metrics": ["mae"]}, "metric names"),
        ({"batch_size": 2}, "2 batches per epoch, and now there are 3"),
    ],
)
def test_other_settings_are_refused(tmp_path, options, message):
    fit(tmp_path / "run.pt", epochs=1)
    before = (tmp_path / "run.pt").read_bytes()
    with pytest.raises(ValueError, match=message):
        fit(tmp_path / "run.pt", **options)
    assert (tmp_path / "run.pt").read_bytes() == before


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "weights.pt"
    tg.save(nn.Linear(2, 1).state_dict(), path)
    with pytest.raises(ValueError, match="is no checkpoint of train.fit"):
        fit(path)
    fit(tmp_path / "run.pt")
    path.write_bytes((tmp_path / "run.pt").read_bytes()[:-100])
    with pytest.raises(LoadError, match="weights.pt cannot be resumed"):
        fit(path)


def test_nothing_is_executed(tmp_path):
    import pickle
    import zipfile

    class Evil:
        def __reduce__(self):
            return print, ("executed",)

    path = tmp_path / "run.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("run/data.pkl", pickle.dumps({"format": Evil()}, 2))
        file.writestr("run/version", "3\n")
    with pytest.raises(LoadError, match="cannot be resumed"):
        fit(path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    fit(tmp_path / "run.pt", epochs=1)
    before = (tmp_path / "run.pt").read_bytes()

    class Unsavable(train.Callback):
        remembers = ("thing",)
        thing = object()

    with pytest.raises(ValueError, match="callback classes"):
        fit(tmp_path / "run.pt", callbacks=[Unsavable()])
    with pytest.raises(TypeError, match=r"callbacks'\]\[0\]\['thing'\]"):
        fit(tmp_path / "new.pt", callbacks=[Unsavable()])
    assert (tmp_path / "run.pt").read_bytes() == before and not (tmp_path / "new.pt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]
