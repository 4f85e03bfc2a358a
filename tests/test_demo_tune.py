"""The demo `tune`: where its searches draw, that trials depend on their settings alone, and what Ctrl-C leaves."""

import os
import re
import signal
import threading
import time
from argparse import Namespace

import numpy as np
import pytest
from demo_tools import check_pictures

import tinygrad_edu as tg
from demos import tune
from demos.__main__ import main
from demos.report import Report
from demos.tuning import spaces
from demos.tuning.trials import Trial, learn, search
from tinygrad_edu import optim

joblib = pytest.importorskip("joblib")
stats = pytest.importorskip("scipy.stats")
pytestmark = pytest.mark.usefixtures("stand_ins")


@pytest.fixture(scope="module", autouse=True)
def workers_end():
    """joblib keeps its processes for later use; here they end with the tests."""
    yield
    joblib.externals.loky.get_reusable_executor().shutdown(wait=True, kill_workers=True)


@pytest.fixture(scope="module")
def points():
    """Two classes of images, easy to tell apart: (x, y)."""
    y = tg.arange(96) % 2
    x = tg.randn(96, 28, 28, generator=tg.Generator().manual_seed(0))
    x[:, :14] += (2 * y - 1).reshape(96, 1, 1)
    return x, y


SETTINGS = {"rate": 0.01, "β": 0.9, "units": 16.0, "dropout": 0.2}


def searched(candidates, points, jobs, epochs=2, found=None):
    found = [] if found is None else found
    search("test", candidates, found, (points, points, epochs, 0), jobs, progress=False)
    return found


# ---- where to search


@pytest.mark.parametrize("name, low, high", [("rate", 1e-4, 1), ("β", 0.9, 0.999)])
def test_draws_on_both_scales(name, low, high):
    random = np.random.default_rng(0)
    drawn = {}
    for scale in ("SPACE", "LINEAR"):
        space = getattr(tune, scale)
        settings = spaces.settings_at(space, spaces.draw(space, 2000, random))
        drawn[scale] = np.array([one[name] for one in settings])
        assert low <= drawn[scale].min() and drawn[scale].max() <= high
    size = (lambda rate: rate) if name == "rate" else (lambda beta: 1 - beta)
    assert stats.kstest(size(drawn["SPACE"]), stats.loguniform(*sorted((size(low), size(high)))).cdf).pvalue > 0.01
    assert stats.kstest(drawn["LINEAR"], stats.uniform(low, high - low).cdf).pvalue > 0.01


def test_a_grid_has_few_values_of_each():
    points = spaces.grid(spaces.SPACE, tune.GRID)
    assert points.shape == (48, 4) and [len(set(column)) for column in points.T] == list(tune.GRID)
    assert sorted(set(points[:, 0])) == [-3.5, -2.5, -1.5, -0.5]  # the middles of the four decades
    units = {one["units"] for one in spaces.settings_at(spaces.SPACE, points)}
    assert units == {round(2**4.75), round(2**6.25)}


def test_the_fine_search_is_where_the_best_trials_of_the_coarse_one_are():
    trials, best = {}, []

    def look(name, candidates, found):  # the closer to a rate of 0.01 the better
        for number, one in enumerate(candidates):
            found.append(Trial(number, one, [100 - abs(np.log10(one["rate"]) + 2)], failed=one["rate"] > 0.5))
        if name == "random":
            best.extend(sorted(found, key=lambda t: t.accuracy)[-tune.BEST :])

    tune.search_all(trials, tune.GRID, np.random.default_rng(0), look)
    assert {name: len(found) for name, found in trials.items()} == dict.fromkeys(trials, 48) and len(trials) == 4
    assert trials["linear scale"][0].settings["rate"] > 0.1 and any(t.failed for t in trials["linear scale"])
    for key in spaces.SPACE:
        ends = [min(t.settings[key] for t in best), max(t.settings[key] for t in best)]
        fine = [t.settings[key] for t in trials["fine"]]
        assert ends[0] <= min(fine) < max(fine) <= ends[1]
    assert min(t.accuracy for t in trials["fine"]) >= min(t.accuracy for t in best) > 99


# ---- trials


def test_trials_depend_on_their_settings_alone(points):
    candidates = [{**SETTINGS, "rate": rate} for rate in (0.001, 0.02, 0.003, 1e-5, 0.01)]
    alone = searched(candidates, points, jobs=1)
    assert searched(candidates, points, jobs=2) == alone
    backwards = [one._replace(number=number) for number, one in enumerate(alone[::-1])]
    assert searched(candidates[::-1], points, jobs=1) == backwards
    assert alone[1].accuracy == alone[1].accuracies[-1] > 95 > alone[3].accuracy and len(alone[1].accuracies) == 2


def test_a_trial_that_fails_is_counted_and_ends_nothing(points):
    before, failed, after = searched([SETTINGS, {**SETTINGS, "rate": 1e30}, SETTINGS], points, jobs=2)
    assert failed.failed and failed.accuracy == 0 and not before.failed
    assert after.accuracies == before.accuracies


def test_only_the_main_process_hears_ctrl_c(points):
    """A terminal sends it to all."""
    assert len(searched([SETTINGS] * 2, points, jobs=2)) == 2
    handlers = joblib.Parallel(2)(joblib.delayed(signal.getsignal)(signal.SIGINT) for _ in range(4))
    assert handlers == [signal.SIG_IGN] * 4 and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_even_the_best_trial_may_have_failed(points, capsys, tmp_path):
    failing = {**SETTINGS, "rate": 1e30}
    learnt = {name: (failing, *learn(failing, points, points, 1, 0)) for name in ("best trial", "usual")}
    tune.show_test(Report(Namespace(out=str(tmp_path), quick=True)), learnt, points)
    assert "nan %" in capsys.readouterr().out


# ---- the program


def test_it_runs(capsys, tmp_path):
    assert main(["tune", "--quick", "--jobs", "2", "--no-progress", "--out", str(tmp_path)]) == 0
    text, err = capsys.readouterr()
    assert err == ""
    check_pictures(tmp_path, "tune_curves.png", "tune_scales.png", "tune_trials.png")
    assert "rate from 0.1 to 1          90." in text and "1000.00 to 2000.00" in text
    assert "Trials with equal results 4" in text
    found = re.findall(r"^(linear scale|grid|random|fine) +4 +0 +[24] +(\S+) %", text, re.M)
    assert len(found) == 4
    (chosen,) = re.findall(r"^best trial.* (\S+) % +\S+ %$", text, re.M)
    assert float(chosen) == max(float(best) for _, best in found)


def test_ctrl_c_keeps_the_trials_that_are_finished(monkeypatch, capsys, tmp_path):
    step, calls = optim.Adam.step, []

    def interrupted(optimizer):
        calls.append(None)
        if len(calls) == 8:  # three steps are a trial
            signal.raise_signal(signal.SIGINT)
        return step(optimizer)

    monkeypatch.setattr(optim.Adam, "step", interrupted)
    assert main(["tune", "--quick", "--jobs", "1", "--no-progress", "--out", str(tmp_path)]) == 130
    text = capsys.readouterr().out
    assert "Stopped by Ctrl-C after 2 trials" in text and re.search(r"^linear scale +2 +0 ", text, re.M)
    assert "grid" not in text and "best trial" in text and "usual" in text
    check_pictures(tmp_path, "tune_scales.png", "tune_trials.png")


def test_ctrl_c_ends_the_processes(points):
    found = []

    def press():
        while not found:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        searched([SETTINGS] * 100, points, jobs=2, epochs=50, found=found)
    assert 1 <= len(found) < 10 and time.perf_counter() - start < 30
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_before_the_first_trial_is_finished(monkeypatch, capsys, tmp_path):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(tune, "show_scales", lambda *arguments: None)
    monkeypatch.setattr(tune, "search_all", interrupted)
    assert main(["tune", "--quick", "--out", str(tmp_path)]) == 130
    assert "Stopped by Ctrl-C.\n" in capsys.readouterr().err and not os.listdir(tmp_path)


@pytest.mark.parametrize("given", ["--jobs 0", "--jobs x", "--trials 5"])
def test_bad_arguments(capsys, given):
    with pytest.raises(SystemExit) as caught:
        main(["tune", *given.split()])
    assert caught.value.code == 2 and given.split()[0] in capsys.readouterr().err
