"""The table of times: a row for each demo, measured in turns with tinygrad_edu and with PyTorch."""

import argparse
import difflib
import os
import statistics
import sys
from importlib.util import find_spec

from .. import DEMOS, require
from .one_run import Failed, run_apart
from .texts import SAME, difference

LIBRARIES = "tinygrad_edu", "PyTorch"

NOT_COMPARED = {
    "averages": "it needs NumPy alone",
    "film": "it films this library's graphs",
    "gradcheck": "it tests this library's gradients",
    "benchmark": "it is what compares",
}

COMPARED = tuple(name for name in DEMOS if name not in NOT_COMPARED)

COLUMNS = "demo", "tinygrad_edu, s", "PyTorch, s", "ratio to PyTorch", "what they print"


def comparable(name):
    """An argument of the command line: the name of a demo that runs on PyTorch."""
    if name in NOT_COMPARED:
        raise argparse.ArgumentTypeError(f"{name} cannot be compared: {NOT_COMPARED[name]}")
    if name not in COMPARED:
        close = difflib.get_close_matches(name, COMPARED, 1)
        hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(COMPARED)}."
        raise argparse.ArgumentTypeError(f"there is no demo {name!r}. {hint}")
    return name


def compare(names, options):
    """Print the table, each row as soon as it is measured; returns the exit code.

    names    of demos; none for all that can be compared
    options  of the command line: `rounds`, `timeout`, `seed`, `quick`, `no_progress`, `out` (for texts that differ)
    """
    if find_spec("torch") is None:
        raise ImportError("the comparison needs PyTorch: pip install torch")
    require("tqdm")
    from tqdm import tqdm

    names, rows = names or COMPARED, []
    print_row(COLUMNS)
    print_row(["---"] * len(COLUMNS))
    hidden = options.no_progress or not sys.stderr.isatty()
    try:
        with tqdm(names, unit="demo", disable=hidden, ncols=88, leave=False) as bar:
            for name in bar:
                bar.set_description(name)
                rows.append(row_of(name, options))
                with tqdm.external_write_mode():
                    print_row(rows[-1])
    except KeyboardInterrupt:
        print(f"\nStopped by Ctrl-C after {len(rows)} of {len(names)} demos.")
        return 130
    if len(names) == len(COMPARED):
        left_out = "; ".join(f"{name}, {why}" for name, why in NOT_COMPARED.items())
        print(f"\nNot compared: {left_out}.")
    return 0 if all(row[3] for row in rows) else 1


def print_row(cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def row_of(name, options):
    """The cells of a demo's row: the medians of its times, and what became of its text."""
    times, texts = {library: [] for library in LIBRARIES}, {}
    try:
        for turn in range(options.rounds or 1):
            for library in LIBRARIES[:: -1 if turn % 2 else 1]:
                result = run_apart(library, name, options)
                times[library].append(result["seconds"])
                texts[library] = result["text"]
    except Failed as failure:
        return [name, "", "", "", f"{library}: {failure}"]
    ours, theirs = [statistics.median(times[library]) for library in LIBRARIES]
    told = difference(*[texts[library] for library in LIBRARIES])
    if told != SAME:
        keep(name, texts, options.out)
    return [name, f"{ours:.3g}", f"{theirs:.3g}", f"{ours / theirs:.2f}", told]


def keep(name, texts, folder):
    """Write what a demo printed to files, for those who want to see where it differs."""
    from tinygrad_edu.files import write_whole

    for library, text in texts.items():
        write_whole(os.path.join(folder, f"{name}_{library}.txt"), text)
