"""What all demos share: options, the list, running all of them, tables, figures beside the course's, exit codes."""

import argparse
import importlib
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

for package in ("matplotlib", "tqdm"):
    pytest.importorskip(package)

import demos
from demos.__main__ import main, module_of
from demos.report import Report
from tinygrad_edu import plots


def report(folder="out", quick=False):
    return Report(argparse.Namespace(out=str(folder), quick=quick))


def test_tables_are_aligned(capsys):
    report().table(["name", "width", "accuracy"], [["a", 5, 0.123456], ["long name", 1234567, 90.0]])
    assert capsys.readouterr().out.splitlines() == [
        "name           width  accuracy",
        "a                  5    0.1235",
        "long name  1,234,567        90",
        "",
    ]


def test_a_figure_that_is_missed_fails_the_demo(capsys):
    good, bad, quick = report(), report(), report(quick=True)
    for r, ours in ((good, 76.0), (bad, 75.9), (quick, 10.0)):
        r.compare("test accuracy", ours, 76.0, "%")
        r.compare("cost", 0.2, 0.25, digits=2, less=True)
    assert (good.done(), bad.done(), quick.done()) == (0, 1, 0)
    text = capsys.readouterr().out
    assert "test accuracy 75.9 % (course: 76.0 %)\ncost 0.20 (course: 0.25)" in text
    assert text.count("Not as good as the course: test accuracy.") == 1
    assert text.count("test accuracy 10.0 %\ncost 0.20\n") == 1  # the quick one is not held against the course's
    slow = report()
    slow.compare("cost", 0.3, 0.25, less=True)
    assert slow.done() == 1


def test_figures_of_a_stand_in_are_not_held_against_the_course(capsys):
    r = report()
    r.data(SimpleNamespace(source="scikit-learn's digits stand in for the cats", real=False))
    r.data(SimpleNamespace(source="others", real=True))
    r.compare("test accuracy", 10.0, 76.0)
    text = capsys.readouterr().out
    assert r.done() == 0 and "Data: scikit-learn's digits stand in" in text and text.endswith("test accuracy 10.0\n")


def test_ctrl_c_shows_in_the_exit_code(capsys):
    r = report()
    r.stopped("3 of 5 epochs")
    assert r.done() == 130 and "Stopped by Ctrl-C after 3 of 5 epochs" in capsys.readouterr().out


def test_a_reader_that_stops_is_no_fault():
    command = f"{sys.executable} -m demos list | head -n 1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=Path(demos.__file__).parents[1])
    assert ended.stdout.count("\n") == 1 and (ended.returncode, ended.stderr) in ((0, ""), (141, ""))


def test_pictures_are_named(tmp_path, capsys):
    r = report(tmp_path / "new")
    r.picture(plots.curves({"loss": {"training": [2, 1]}}), "loss.png")
    r.picture(SimpleNamespace(save=lambda path: Path(path).write_text("graph")), "graph.svg")
    assert r.done() == 0 and sorted(p.name for p in (tmp_path / "new").iterdir()) == ["graph.svg", "loss.png"]
    assert f"Wrote {tmp_path}/new/loss.png\n      {tmp_path}/new/graph.svg\nTime:" in capsys.readouterr().out


@pytest.fixture
def three(monkeypatch):
    """Three demos that note what they are called with: the second fails."""
    calls, codes = [], {"digits": 0, "flower": 1, "gpt": 0}
    monkeypatch.setattr("demos.__main__.DEMOS", (*codes, "benchmark"))

    def run(name, options):
        calls.append((name, options.quick, options.seed))
        return codes[name]

    for name in codes:
        monkeypatch.setattr(module_of(name), "run", partial(run, name))
    return calls, codes


def test_all(three, capsys):
    calls, codes = three
    assert main(["all", "--quick", "--seed", "3"]) == 1
    assert calls == [("digits", True, 3), ("flower", True, 3), ("gpt", True, 3)]  # the benchmark is left out
    assert "2 demos ok, failed: flower" in capsys.readouterr().out
    codes["flower"] = 0
    assert main(["all"]) == 0 and "3 demos ok\n" in capsys.readouterr().out
    codes["flower"] = 130
    calls.clear()
    assert main(["all"]) == 130 and [name for name, *_ in calls] == ["digits", "flower"]  # Ctrl-C ends them all
    with pytest.raises(SystemExit):
        main(["all", "--epochs", "3"])


@pytest.mark.parametrize("name", demos.DEMOS)
def test_every_demo_says_what_it_is(name):
    demo = module_of(name)
    first, blank, *_ = demo.__doc__.splitlines() + ["", ""]
    assert first.strip() and not blank, "the first line is what the list shows"
    assert demo.SEED in ("", "000", "001", "002", "003", "004") and 0 < demo.SECONDS <= 300
    assert importlib.import_module("demos." + name.replace("-", "_")) is demo


def test_every_module_is_listed():
    names = {path.stem for path in Path(demos.__file__).parent.glob("*.py")} - {"__init__", "__main__", "report"}
    assert names == {name.replace("-", "_") for name in demos.DEMOS}
