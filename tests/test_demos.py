"""The demos: the figures that they reach, the files that they write, and what they say when something is wrong."""

import os
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import pytest
from demo_tools import check_pictures

import demos
from demos import digits, film, flower, gpt, gradcheck
from demos.__main__ import main
from tinygrad_edu import nn, optim, plots
from tinygrad_edu.data import datasets

ROOT, ENVIRONMENT = Path(__file__).parents[1], {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
pytestmark = pytest.mark.usefixtures("stand_ins")


def accuracy(text):
    """The test accuracy that the demo prints, in percent."""
    return float(text.split("test accuracy")[1].split("%")[0])


DIGITS_FILES = "digits_graph.svg", "digits_curves.png", "digits_weights.png", "digits_mistakes.png"


# ---- flower


def test_flower(capsys, tmp_path):
    assert main(["flower", "--out", str(tmp_path / "new" / "out")]) == 0
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if line.strip()[:1].isdigit() and "e-" in line]
    expected = [0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504]
    assert [int(row[0]) for row in rows] == list(range(0, 8000, 1000))
    assert np.allclose([float(row[1]) for row in rows], expected, rtol=0, atol=2e-6)
    assert "accuracy 90.5%" in text
    table = [line.split() for line in text.split("units")[1].splitlines()[1:9]]
    assert [float(row[-4]) for row in table[:6]] == [47, 67.5, 67.25, 90.75, 90.5, 91.25]  # the course's
    assert [float(row[-2]) for row in table] == [47, 67.5, 67.25, 90.75, 90.5, 91.25, 90, 90.25]
    assert "as good as the course's 8 (course: 8)" in text
    names = "flower_graph.svg", "flower_boundary.png", "flower_cost.png", "flower_widths.png"
    check_pictures(tmp_path / "new" / "out", *names)


def test_flower_fails_if_its_costs_are_others(monkeypatch, capsys, tmp_path):
    costs = [cost + 3e-6 for cost in flower.COSTS for _ in range(1000)]
    monkeypatch.setattr(flower, "train", lambda model, x, y, iterations: costs)
    assert main(["flower", "--quick", "--out", str(tmp_path)]) == 1
    assert "differ from the course's" in capsys.readouterr().out


def test_flower_fails_if_a_network_is_worse(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(flower, "sweep", lambda x, y, iterations: {2: flower.network(2)})
    monkeypatch.setattr(flower, "train", lambda model, x, y, iterations: list(flower.COSTS[:1]))
    assert main(["flower", "--out", str(tmp_path)]) == 1
    assert "Not as good as the course: networks" in capsys.readouterr().out


# ---- digits


def test_digits(capsys, tmp_path):
    assert main(["digits", "--out", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert accuracy(captured.out) >= 97
    assert "bundled digits (no MNIST in /no/such/folder/tinygrad_edu/mnist" in captured.out
    assert "gradients: ok (18 ok;" in captured.out
    assert "50,826 parameters" in captured.out and all(name in captured.out for name in DIGITS_FILES)
    assert "epoch 30/30" in captured.err
    check_pictures(tmp_path, *DIGITS_FILES)
    words = set(xml.parse(tmp_path / "digits_graph.svg").getroot().itertext())
    assert {"loss", "Σx²", "cross-entropy", "3: Dropout", "labels"} <= words


def test_the_same_seed_gives_the_same_run(capsys, tmp_path):
    def run(seed):
        # digits is what runs without a name
        assert main(["--epochs", "1", "--no-progress", "--seed", seed, "--out", str(tmp_path)]) == 0
        captured = capsys.readouterr()
        assert "epoch" not in captured.err
        return captured.out.rsplit("Time", 1)[0], (tmp_path / "digits_weights.png").read_bytes()

    first = run("5")
    assert run("5") == first and run("6") != first


def test_ctrl_c_loses_nothing(monkeypatch, capsys, tmp_path):
    step, calls = optim.Adam.step, []

    def interrupted(optimizer):
        calls.append(None)
        if len(calls) > 64:  # 43 steps are an epoch
            raise KeyboardInterrupt
        return step(optimizer)

    monkeypatch.setattr(optim.Adam, "step", interrupted)
    assert main(["digits", "--epochs", "3", "--out", str(tmp_path)]) == 130
    text = capsys.readouterr().out
    assert "Stopped by Ctrl-C after 1.5 of 3 epochs" in text
    assert accuracy(text) > 50
    check_pictures(tmp_path, *DIGITS_FILES)


def test_ctrl_c_at_other_times_ends_the_program(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(digits, "run", interrupted)
    assert main([]) == 130
    assert "Stopped by Ctrl-C" in capsys.readouterr().err


class Doubled(nn.Module):
    """x, with a gradient that is twice what it should be."""

    def forward(self, x):
        return x * 2 - x.detach()


def test_wrong_gradients_end_the_demo(monkeypatch, capsys, tmp_path):
    right = digits.network
    monkeypatch.setattr(digits, "network", lambda pixels: nn.Sequential(*right(pixels), Doubled()))
    assert main(["digits", "--out", str(tmp_path)]) == 1
    assert "gradients: wrong" in capsys.readouterr().out and not os.listdir(tmp_path)


@pytest.mark.parametrize("data", ["mnist", "auto"])
def test_mnist_is_used_where_it_is_found(monkeypatch, capsys, tmp_path, data):
    train, test = [(x[:200], y[:200]) for x, y in datasets.digits()]
    monkeypatch.setattr(datasets, "find_mnist", lambda: "/a/folder")
    monkeypatch.setattr(datasets, "mnist", lambda download: (train, test))
    assert main(["digits", "--data", data, "--epochs", "1", "--no-progress", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "Data: MNIST (found in /a/folder)" in text and "1 epochs, batches of 128" in text


def test_damaged_or_missing_mnist_is_an_error(monkeypatch, capsys, tmp_path):
    def damaged(download):
        raise ValueError("its SHA-256 is not right")

    monkeypatch.setattr(datasets, "find_mnist", lambda: "/a/folder")
    monkeypatch.setattr(datasets, "mnist", damaged)
    assert main(["digits", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "its SHA-256 is not right\n"


@pytest.mark.skipif("not os.environ.get('TINYGRAD_EDU_DATA')", reason="TINYGRAD_EDU_DATA does not say where MNIST is")
@pytest.mark.timeout(180)
def test_mnist_reaches_98_percent(tmp_path):
    command = [sys.executable, "-m", "demos", "digits", "--data", "mnist", "--no-progress", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert accuracy(done.stdout) >= 98


# ---- the command line


@pytest.mark.parametrize("name, arguments", [("digits", []), ("digits", ["--seed", "3"]), ("flower", ["flower"])])
def test_what_runs(monkeypatch, name, arguments):
    ran = []
    for demo in (digits, flower):
        monkeypatch.setattr(demo, "run", lambda options, demo=demo: ran.append(demo.__name__) or 0)
    monkeypatch.setattr(sys, "argv", ["demos", *arguments])
    assert main() == 0 and main(arguments) == 0 and ran == [f"demos.{name}"] * 2


def test_list_and_help(capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == list(demos.DEMOS)
    for flag in ("--help", "-h"):
        assert main([flag]) == 0
        assert listed in capsys.readouterr().out
    for name in demos.DEMOS:
        with pytest.raises(SystemExit) as caught:
            main([name, "--help"])
        assert caught.value.code == 0 and f"python -m demos {name}" in capsys.readouterr().out


def test_unknown_demo(capsys):
    assert main(["digit"]) == 2
    assert "no demo 'digit'. Did you mean digits?" in capsys.readouterr().err
    assert main(["xyz"]) == 2
    assert f"There are {demos.DEMOS[0]}, " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", ["--epochs 0", "--epochs x", "--data cifar", "--batch-size -1", "--nonsense"])
def test_bad_arguments(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(["digits", *arguments.split()])
    assert caught.value.code == 2 and arguments.split()[0] in capsys.readouterr().err


@pytest.mark.parametrize("name", ["digits", "flower"])
def test_missing_packages_are_named_at_once(monkeypatch, capsys, tmp_path, name):
    missing = "matplotlib", "pygraphviz"
    monkeypatch.setattr(demos, "find_spec", lambda package: None if package in missing else package)
    monkeypatch.setattr(demos.shutil, "which", lambda program: None)
    assert main([name, "--out", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err == 'this demo needs matplotlib and pygraphviz: pip install "tinygrad-edu[demos]"\n'
    monkeypatch.setattr(demos.shutil, "which", lambda program: "/usr/bin/dot")
    demos.require("pygraphviz")  # the program does as well


def test_other_import_errors_are_not_hidden(monkeypatch):
    def broken(options):
        raise ImportError("cannot import name 'x'")

    monkeypatch.setattr(flower, "run", broken)
    with pytest.raises(ImportError, match="name 'x'"):
        main(["flower"])


def test_it_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "demos", "list"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "flower" in done.stdout
    done = subprocess.run([sys.executable, "-m", "demos", "nothing"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr


# ---- pictures


def test_no_mistakes_can_be_drawn(tmp_path):
    picture = plots.images(np.zeros((0, 8, 8)), [], "0 of 450 test images are read wrongly")
    plots.save(picture, tmp_path / "none.png")
    assert (tmp_path / "none.png").stat().st_size > 1000


# ---- gpt, vae, ode


def number(text, before):
    """The number that stands behind some words in what a demo prints."""
    return float(text.split(before)[1].split()[0].rstrip(",;"))


def test_gpt_learns_a_text(capsys, tmp_path):
    file = tmp_path / "song.txt"
    file.write_text("the rain in spain stays mainly in the plain.\n" * 60)
    out = tmp_path / "out"
    given = ["gpt", "--text", str(file), *"--steps 80 --context 16 --width 16 --write 60 --no-progress".split()]
    assert main([*given, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert str(file) in text and number(text, "held-out loss") < 2.0 < number(text, "guessing costs")
    check_pictures(out, "gpt_attention.png", "gpt_curve.png")
    assert main([*given, "--out", str(out)]) == 0
    assert capsys.readouterr().out.rsplit("Time", 1)[0] == text.rsplit("Time", 1)[0]


def test_gpt_finds_its_texts(capsys, monkeypatch, tmp_path):
    assert gpt.load(None)[0].startswith("Python's reference manual") and len(gpt.load(None)[1]) > 100_000
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "tiny_shakespeare.txt").write_text("To be")
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path))
    assert gpt.load(None)[1] == "To be" and main(["gpt"]) == 1 and "too few" in capsys.readouterr().err
    assert main(["gpt", "--text", "/no/such/file"]) == 1 and "cannot read" in capsys.readouterr().err


def test_gpt_never_looks_ahead():
    model = gpt.GPT(7, 12, 8, 2)
    x = digits.tg.randint(0, 7, (1, 12))
    changed = x.clone()
    changed[0, 8:] = (x[0, 8:] + 1) % 7
    same = (model(x) == model(changed)).all(-1)[0].tolist()
    assert same == [True] * 8 + [False] * 4


def test_vae(capsys, tmp_path):
    assert main(["vae", "--epochs", "8", "--no-progress", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert number(text, "together") < 28
    check_pictures(tmp_path, "vae_map.png", "vae_codes.png", "vae_pairs.png", "vae_curves.png")


@pytest.mark.parametrize("adjoint", [(), ("--adjoint",)])
def test_ode(adjoint, capsys, tmp_path):
    assert main(["ode", "--steps", "15", "--no-progress", "--out", str(tmp_path), *adjoint]) == 0
    text = capsys.readouterr().out
    assert number(text, "differ by") < 1e-4 and number(text, "from the next points") < 0.05
    check_pictures(tmp_path, "ode_field.png", "ode_curve.png")


@pytest.mark.parametrize("name", ["gpt", "vae", "ode"])
def test_ctrl_c_in_the_middle(name, monkeypatch, capsys, tmp_path):
    zero_grad, calls = optim.Optimizer.zero_grad, []

    def interrupted(self, *args):
        calls.append(None)
        if len(calls) > 50:  # more than an epoch of the vae, and than a step of the ode
            raise KeyboardInterrupt
        return zero_grad(self, *args)

    monkeypatch.setattr(optim.Optimizer, "zero_grad", interrupted)
    assert main([name, "--no-progress", "--out", str(tmp_path)]) == 130
    assert "Stopped by Ctrl-C" in capsys.readouterr().out and os.listdir(tmp_path)


# ---- film


def test_film(capsys, tmp_path, monkeypatch):
    assert main(["film", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "w1.grad += … through %1                     -4.723" in text and "losses: 0.693048, " in text
    assert sorted(os.listdir(tmp_path)) == ["film_flower.html", "film_neuron.html"]
    assert "One neuron" in (tmp_path / "film_neuron.html").read_text(encoding="utf-8")
    neuron = film.neuron

    def wrong(steps):
        made, gradients, formulas = neuron(steps)
        return made, {**gradients, "b": 1.0}, formulas

    monkeypatch.setattr(film, "neuron", wrong)
    assert main(["film", "--quick", "--out", str(tmp_path)]) == 1
    assert "not those of the formula" in capsys.readouterr().out


# ---- gradcheck


def test_gradcheck(capsys, tmp_path):
    assert main(["gradcheck", "--no-progress", "--out", str(tmp_path)]) == 0
    text, err = capsys.readouterr()
    assert number(text, "right network") == pytest.approx(1.19e-7, rel=0.1)  # the course prints 1.19e-07, ...
    assert "2.8509e-01  wrong" in text and err == ""  # ... and 0.285093 before its mistakes are mended
    assert "right network: gradients: ok (47 ok" in text and "with two mistakes: gradients: wrong" in text
    assert "culprit: `TwiceTheWeight`" in text and 'that line: a2 = second.apply(p["W2"], a1, p["b2"]).relu()' in text
    rows = {name: text.split(f"   {name} ")[1].splitlines()[0].split() for name, *_ in gradcheck.CASES}
    assert all(gradcheck.good(right, rows[name][-1]) for name, *_, right in gradcheck.CASES)
    marked = [name for name, row in rows.items() if "←" in row]
    assert len(marked) == 7 and "sin(1e4 x) at 1" not in marked and "|x| at 1e-9, wrong side" not in marked
    check_pictures(tmp_path, "gradcheck_steps.png", "gradcheck_kinks.png")


def test_gradcheck_says_if_the_checker_fails(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(gradcheck, "CASES", [(*gradcheck.CASES[0][:-1], False)])
    assert main(["gradcheck", "--out", str(tmp_path)]) == 1
    assert "0/47" in capsys.readouterr().err


def test_the_formula_of_gradcheck():
    a, n = np.array([3.0, 0.0]), np.array([0.0, 4.0])
    assert gradcheck.relative_difference(a, n) == 5 / 7 and gradcheck.relative_difference(0 * a, 0 * n) == 0
    found = gradcheck.central_differences(lambda v: float(v[0] ** 2 + 3 * v[1]), np.array([2.0, 1.0]))
    assert np.allclose(found, [4, 3], rtol=1e-7)
    assert [gradcheck.course_verdict(x) for x in (1e-8, 1e-5, 1e-2, np.nan)] == ["right", "look", "wrong", "wrong"]
    parameters = gradcheck.exercise()[0]
    back = gradcheck.vector_to_dictionary(gradcheck.dictionary_to_vector(parameters))
    assert all((back[name] == p).all() for name, p in parameters.items())
