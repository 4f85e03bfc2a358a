"""The command line: python -m demos [name of a demo] [its options]."""

import argparse
import importlib
import os
import sys
import time
from difflib import get_close_matches

from . import DEMOS

USAGE = """\
usage: python -m demos [demo] [options]

{demos}
  list            this list of demos
  all             every demo, one after the other; with --quick each in a few seconds

Without a name it is digits. What options a demo has: python -m demos digits --help
They need packages for data and pictures: pip install "tinygrad-edu[demos]"
"""


def main(arguments=None):
    """Run the demo that the arguments name, and return its exit code."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["digits"]
    if name in ("-h", "--help"):
        print(USAGE.format(demos=listing()), end="")
        return 0
    if name == "list":
        print(listing())
        return 0
    if name.startswith("-"):
        name, rest = "digits", [name, *rest]
    if name not in (*DEMOS, "all"):
        close = get_close_matches(name, DEMOS, 1)
        hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(DEMOS)}."
        print(f"There is no demo {name!r}. {hint} See python -m demos list", file=sys.stderr)
        return 2
    try:
        return run_all(rest) if name == "all" else run(name, rest)
    except KeyboardInterrupt:
        print("\nStopped by Ctrl-C.", file=sys.stderr)
        return 130


def run(name, arguments):
    """Run one demo; the exit code."""
    try:
        return module_of(name).run(parser_of(name).parse_args(arguments))
    except ImportError as error:
        if "pip install" not in str(error):  # a missing package is the user's to mend, anything else a fault of ours
            raise
        print(error, file=sys.stderr)
        return 1


def parser_of(name):
    """What reads the command line of a demo."""
    demo = module_of(name)
    parser = argparse.ArgumentParser(
        prog=f"python -m demos {name}", description=demo.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if hasattr(demo, "add_arguments"):  # options of its own
        demo.add_arguments(parser)
    add_common_arguments(parser)
    return parser


def add_common_arguments(parser):
    """The options that every demo has."""
    add = parser.add_argument
    add("--seed", type=int, default=0, metavar="N", help="for all random numbers (default: 0)")
    add("--out", default="out", metavar="FOLDER", help="where pictures go (default: out)")
    add("--quick", action="store_true", help="a few seconds only: fewer steps, and figures that mean nothing")
    add("--no-progress", action="store_true", help="no progress bars")


def run_all(arguments):
    """Run all demos but the benchmark with the options that all have; 0 if all went well."""
    parser = argparse.ArgumentParser(prog="python -m demos all", description="Every demo, one after the other.")
    add_common_arguments(parser)
    parser.parse_args(arguments)  # before the first one starts
    failed = []
    for name in DEMOS:
        if name == "benchmark":
            continue
        print(f"\n──── {name} " + "─" * (90 - len(name)), flush=True)
        start = time.perf_counter()
        code = run(name, arguments)
        if code == 130:
            return code
        if code:
            failed.append(name)
        print(f"──── {name}: {'failed' if code else 'ok'}, {time.perf_counter() - start:.1f} s", flush=True)
    print(f"\n{len(DEMOS) - 1 - len(failed)} demos ok" + (f", failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def module_of(name):
    return importlib.import_module("demos." + name.replace("-", "_"))


def listing():
    """A line for each demo: its name, the course notes that it belongs to, its time on two cores, and the first line of
    its documentation."""
    lines = []
    for name in DEMOS:
        demo = module_of(name)
        lines.append(f"  {name:15} {demo.SEED:4} {demo.SECONDS:4} s  {demo.__doc__.partition(chr(10))[0]}")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads what is printed, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more is tried to be written at exit
        code = 141  # as a shell says of programs that end so: 128 + SIGPIPE
    sys.exit(code)
