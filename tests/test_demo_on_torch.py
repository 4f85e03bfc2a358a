"""The demos beside PyTorch: the same files on PyTorch, what they print, the table of their times, and its errors."""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import demo_tools  # noqa: F401 - it skips these tests if a package is missing
import pytest

from demos import DEMOS, conv
from demos.__main__ import main
from demos.side_by_side import on_torch, one_run, table, without_pictures
from demos.side_by_side.one_run import Failed, run_apart, time_here
from demos.side_by_side.table import COMPARED, NOT_COMPARED
from demos.side_by_side.texts import difference
from demos.side_by_side.without_pictures import Nothing

ROOT = Path(__file__).parents[1]


# ---- on PyTorch


PROGRAM = """
import json, sys
from demos.side_by_side.one_run import time_here

texts = {name: time_here(name, "--quick", "--no-progress")["text"] for name in sys.argv[1:]}

import tinygrad_edu as tg
from tinygrad_edu.generator import as_default

tg.manual_seed(1)
generator = tg.Generator().manual_seed(2)
with as_default(lambda: generator):
    drawn = tg.rand(3).tolist()
drawn += tg.rand(3).tolist() + tg.rand(3, generator=generator).tolist()
penalty = tg.l2_penalty([tg.ones(3), tg.full((2,), 2.0)]).item()
library, pictures = tg.tensor.__module__ or "torch", "matplotlib" in sys.modules
print(json.dumps({"texts": texts, "numbers": [*drawn, penalty], "library": library, "pictures": pictures}))
"""


def run_program(names, on_torch=""):
    """What comes of PROGRAM with some demos in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "TINYGRAD_EDU_DATA"}
    environment |= {"TINYGRAD_EDU_DEMOS_ON_TORCH": on_torch, "XDG_CACHE_HOME": "/no/such/folder"}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, *names]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is the oracle of this test")
def test_demos_print_on_pytorch_what_they_print_here():
    names = "normalize", "early-stopping"
    ours, theirs = run_program(names), run_program(names, "1")
    assert (ours["library"], theirs["library"]) == ("tinygrad_edu.tensor", "torch") and not ours["pictures"]
    assert ours["numbers"] == theirs["numbers"] and not theirs["pictures"]
    for name in names:
        texts = ours["texts"][name], theirs["texts"][name]
        assert difference(*texts) == "the same" and "Time: " in texts[0] and len(texts[0]) > 200


def test_what_is_not_pytorchs_is_refused():
    guard = on_torch.Guard()
    for name in ("tinygrad_edu.engine", "tinygrad_edu.interop.torch", "tinygrad_edu.database"):
        with pytest.raises(ModuleNotFoundError, match=f"{name} is not there on PyTorch"):
            guard.find_spec(name)
    for name in ("tinygrad_edu.data", "tinygrad_edu.data.splits", "tinygrad_edu.interop.torchvision.ops", "numpy"):
        assert guard.find_spec(name) is None


def test_it_is_too_late_when_the_library_is_imported():
    with pytest.raises(RuntimeError, match="too late"):
        on_torch.substitute()
    assert sys.modules["tinygrad_edu"].__file__


# ---- without pictures


def test_nothing_takes_the_place_of_pictures():
    nothing = Nothing()
    assert nothing.plots.curves({}, log=["x"]).axes[0] is nothing and f"[{nothing}{nothing:,}]" == "[]"
    assert nothing.save(nothing, "a.png") == "a.png" and list(nothing) == []
    assert [nothing.subplots(*sizes).shape for sizes in ((1, 3), (3, 1), (2, 3))] == [(3,), (3,), (2, 3)]
    assert nothing.subplots(1, 3, squeeze=False).shape == (1, 3) and nothing.subplots(2, 2)[1, 1] is nothing
    assert nothing.subplots() is nothing
    with pytest.raises(AttributeError):
        nothing.__spec__


# ---- the texts


@pytest.mark.parametrize("ours, theirs, told", [
    ("cost 0.5\nTime: 1.2 s, 9 ms\n", "cost  0.5\nTime: 10.9 s, 20 ms\n", "the same"),
    ("cost 2.0e-17", "cost 0.0e+00", "the same"),
    ("1,234 points, cost 0.5, −1", "1,234 points, cost 0.4, −1", "1 of 3 numbers differ, by up to 20 %"),
    ("1,234 points", "1,235 points", "1 of 1 numbers differ, by up to 0.081 %"),
    ("1,000,000 points", "2,000,000 points", "1 of 1 numbers differ, by up to 50 %"),
    ("cost 0.5", "cost -0.5", "1 of 1 numbers differ, by up to 200 %"),
    ("a\nb 1\nc", "a\nB 1\nc", "1 of 3 lines differ"),
    ("cost 0.5", "cost nan", "1 of 1 lines differ"),
    ("a\nb", "a", "1 of 2 lines differ"),
])  # fmt: skip
def test_differences_of_texts(ours, theirs, told):
    assert difference(ours, theirs) == told


# ---- the time


def test_the_quick_run_before_is_neither_timed_nor_kept(monkeypatch):
    ran = []

    def run(options):
        ran.append(options.quick)
        print("quick" if options.quick else f"with seed {options.seed}")
        time.sleep(0.2 if options.quick else 0)
        return 1  # as if a figure was missed

    monkeypatch.setattr(without_pictures, "leave_out_pictures", lambda: None)
    monkeypatch.setattr(conv, "run", run)
    result = time_here("conv", "--seed", "3")
    assert ran == [True, False] and result["text"] == "with seed 3\n" and 0 < result["seconds"] < 0.2


def test_a_demo_that_says_nothing_and_fails_has_no_time(monkeypatch):
    monkeypatch.setattr(without_pictures, "leave_out_pictures", lambda: None)
    monkeypatch.setattr(conv, "run", lambda options: 1)
    with pytest.raises(SystemExit) as caught:
        time_here("conv")
    assert caught.value.code == 1


# ---- the table


def faked(monkeypatch, results):
    """run_apart gives these results, one after the other, or raises them; returns the list of (library, demo)."""
    calls, results = [], iter(results)

    def run_apart(library, name, options):
        calls.append((library, name))
        result = next(results)
        if isinstance(result, BaseException):
            raise result
        return {"seconds": result[0], "text": result[1]}

    monkeypatch.setattr(table, "run_apart", run_apart)
    monkeypatch.setattr(table, "find_spec", lambda name: name)  # as if PyTorch were there
    return calls


HEADER = """\
| demo | tinygrad_edu, s | PyTorch, s | ratio to PyTorch | what they print |
| --- | --- | --- | --- | --- |
"""


def test_the_libraries_take_turns_and_medians_are_shown(monkeypatch, capsys, tmp_path):
    calls = faked(monkeypatch, [(1, "x"), (2, "x"), (4, "x"), (9, "x"), (1.5, "x"), (4, "x")])
    assert main(["benchmark", "--demos", "conv", "--rounds", "3", "--no-progress", "--out", str(tmp_path)]) == 0
    assert [library[0] for library, _ in calls] == list("tPPttP") and {name for _, name in calls} == {"conv"}
    assert capsys.readouterr().out == HEADER + "| conv | 1.5 | 4 | 0.38 | the same |\n"
    assert not os.listdir(tmp_path)


def test_texts_that_differ_are_kept(monkeypatch, capsys, tmp_path):
    faked(monkeypatch, [(0.01234, "cost 2"), (123.4, "cost 1")])
    assert main(["benchmark", "--demos", "vae", "--no-progress", "--out", str(tmp_path)]) == 0
    row = "| vae | 0.0123 | 123 | 0.00 | 1 of 1 numbers differ, by up to 50 % |\n"
    assert capsys.readouterr().out == HEADER + row
    assert (tmp_path / "vae_tinygrad_edu.txt").read_text() == "cost 2"
    assert (tmp_path / "vae_PyTorch.txt").read_text() == "cost 1"


def test_without_names_all_are_compared(monkeypatch, capsys):
    calls = faked(monkeypatch, [(1, "x")] * 2 * len(COMPARED))
    assert main(["benchmark", "--demos", "--no-progress"]) == 0
    assert [name for _, name in calls[::2]] == list(COMPARED)
    assert set(COMPARED) | set(NOT_COMPARED) == set(DEMOS)
    assert capsys.readouterr().out.splitlines()[-1].startswith("Not compared: averages, it needs NumPy alone; film, ")


def test_a_demo_that_fails_has_a_row_and_the_others_go_on(monkeypatch, capsys, tmp_path):
    faked(monkeypatch, [(1, "x"), Failed("no such thing"), (1, "x"), (1, "x")])
    assert main(["benchmark", "--demos", "conv", "vae", "--no-progress", "--out", str(tmp_path)]) == 1
    rows = "| conv |  |  |  | PyTorch: no such thing |\n| vae | 1 | 1 | 1.00 | the same |\n"
    assert capsys.readouterr().out == HEADER + rows


def test_ctrl_c_keeps_the_rows(monkeypatch, capsys):
    faked(monkeypatch, [(1, "x"), (1, "x"), (1, "x"), KeyboardInterrupt()])
    assert main(["benchmark", "--demos", "conv", "vae", "--no-progress"]) == 130
    rows = "| conv | 1 | 1 | 1.00 | the same |\n\nStopped by Ctrl-C after 1 of 2 demos.\n"
    assert capsys.readouterr().out == HEADER + rows


# ---- errors


def test_without_pytorch(monkeypatch, capsys):
    monkeypatch.setattr(table, "find_spec", lambda name: None)
    assert main(["benchmark", "--demos", "conv"]) == 1
    assert capsys.readouterr() == ("", "the comparison needs PyTorch: pip install torch\n")


@pytest.mark.parametrize("arguments, told", [
    ("--demos film", "film cannot be compared: it films this library's graphs"),
    ("--demos nmaes", "there is no demo 'nmaes'. Did you mean names?"),
    ("--demos xyz", "there is no demo 'xyz'. There are cat-logistic, "),
    ("--demos conv --timeout 0", "argument --timeout: invalid positive value: '0'"),
    ("--rounds -1", "argument --rounds: invalid positive value: '-1'"),
])  # fmt: skip
def test_wrong_arguments(arguments, told, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["benchmark", *arguments.split()])
    assert caught.value.code == 2 and told in capsys.readouterr().err


def process(monkeypatch, code):
    """Make run_apart start this program instead of a demo."""
    start = subprocess.Popen
    monkeypatch.setattr(
        one_run.subprocess, "Popen", lambda command, **named: start([sys.executable, "-Sc", code], **named)
    )


OPTIONS = SimpleNamespace(timeout=60, seed=3, quick=True)


def test_the_result_of_a_process(monkeypatch):
    process(monkeypatch, """print('of a library'); print('{"seconds": 1.5, "text": "x"}')""")
    assert run_apart("PyTorch", "conv", OPTIONS) == {"seconds": 1.5, "text": "x"}


@pytest.mark.parametrize("code, told", [
    ("import sys; print('no data\\nat all', file=sys.stderr); sys.exit(1)", "at all"),
    ("raise ValueError('that')", "ValueError: that"),
    ("import os; os._exit(3)", "exit code 3"),
])  # fmt: skip
def test_the_last_line_of_a_process_that_fails_is_told(monkeypatch, code, told):
    process(monkeypatch, code)
    with pytest.raises(Failed, match=f"^{told}$"):
        run_apart("PyTorch", "conv", OPTIONS)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no groups of processes")
def test_a_process_that_takes_too_long_is_ended_with_those_that_it_started(monkeypatch, tmp_path):
    inner = f"import time; time.sleep(2); open({str(tmp_path / 'alive')!r}, 'w')"
    process(monkeypatch, f"import subprocess, sys; subprocess.run([sys.executable, '-Sc', {inner!r}])")
    with pytest.raises(Failed, match="takes more than 1 s"):
        run_apart("PyTorch", "conv", SimpleNamespace(timeout=1, seed=0, quick=False))
    time.sleep(1.5)
    assert not os.listdir(tmp_path)
