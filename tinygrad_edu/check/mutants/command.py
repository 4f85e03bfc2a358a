"""`python -m tinygrad_edu.check mutants`."""

import argparse
import os
import sys
import tempfile

from ..mutants import KINDS
from .engine_faults import ENGINE_FAULTS
from .explanations import NAME, beside, read
from .processes import CAN_FORK, CollectionError, Forker, Starter
from .report import Progress, print_error, summary, write_html, write_json
from .runner import SURVIVED, BaselineError, Campaign

ABOUT = """\
Does a test suite catch wrong gradients?

Runs the tests at PATH once, to see which gradient rules each of them uses. Then plants one fault after the other into
these rules, each in a process of its own, and runs the tests that use the rule, until one fails. Prints the faults with
which all of them pass.
"""

MORE = f"""\
faults: {", ".join(KINDS)};
of the engine: {", ".join(kind.kind for kind in ENGINE_FAULTS)}

What follows -- goes to pytest:  python -m tinygrad_edu.check mutants tests -- -k "not slow"

exit status: 0 if no fault survived that is not explained, 1 if one did, 2 if the tests do not pass without faults (or
the command line is wrong), 130 if stopped by Ctrl-C
"""


def parser():
    arguments = argparse.ArgumentParser(
        prog="python -m tinygrad_edu.check mutants", description=ABOUT, epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = arguments.add_argument
    add("paths", nargs="*", metavar="PATH", help="tests, as pytest takes them (default: the folder tests)")
    add("--operations", type=names, metavar="NAME,...", help="only these operations, Functions, or `engine`")
    add("--module", metavar="NAME", help="only operations and Functions defined in this module (or package)")
    add("--faults", type=names, metavar="KIND,...", help="only faults of these kinds")
    add("--jobs", type=positive, metavar="N", help="processes at a time (default: one for each processor)")
    add("--limit", type=positive, metavar="N", help="only the first N faults")
    add("--sample", type=positive, metavar="N", help="only N faults, drawn at random")
    add("--seed", type=int, default=0, help="for --sample (default: 0)")
    add("--timeout", type=float, metavar="S", help="seconds for a fault (default: 30 and 10 times what its tests take)")
    add(
        "--equivalent",
        metavar="FILE",
        help=f"explains faults that no test can notice (default: {NAME} beside the tests)",
    )
    add("--json", metavar="FILE", help="write everything that was found")
    add("--html", metavar="FILE", help="write a page with a cell for each fault")
    add("--no-fork", action="store_true", help="start Python for each fault, as on systems without fork: slow")
    return arguments


def names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def main(arguments=None):
    """Run the command and return its exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    place = arguments.index("--") if "--" in arguments else len(arguments)
    arguments, for_pytest = arguments[:place], arguments[place + 1 :]
    try:
        options = parser().parse_args(arguments)
    except SystemExit as end:
        return end.code
    options.paths = options.paths or ["tests" if os.path.isdir("tests") else "."]
    try:
        check(options)
        explained = options.equivalent or beside(options.paths)
        explanations = read(explained) if explained else {}
    except (ValueError, OSError) as error:
        print_error(error)
        return 2
    try:
        import pytest  # noqa: F401
    except ImportError:
        print_error('this needs pytest: pip install "tinygrad-edu[test]"')
        return 2
    options.jobs = options.jobs or processors()
    progress = Progress(sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        maker = (Forker if CAN_FORK and not options.no_fork else Starter)([*options.paths, *for_pytest], folder)
        campaign = Campaign(maker, options, explanations, progress)
        try:
            maker.during(campaign.run)
        except CollectionError as error:
            print_error(f"no tests at {' '.join(options.paths)} that pytest can collect:\n{error}")
            return 2
        except BaselineError as error:
            print_error(error)
            return 2
        except KeyboardInterrupt:
            campaign.interrupted = True
        finally:
            progress.end()
    return finish(campaign, options)


def check(options):
    """ValueError for what cannot be."""
    known = {*KINDS, *(kind.kind for kind in ENGINE_FAULTS)}
    for kind in options.faults or ():
        if kind not in known:
            raise ValueError(f"there are no faults of the kind {kind!r}, only {', '.join(sorted(known))}")
    for path in options.paths:
        if not os.path.exists(path.partition("::")[0]):
            raise ValueError(f"there is no {path.partition('::')[0]}")


def processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def finish(campaign, options):
    """Print and write what was found; the exit status."""
    if not campaign.mutants and not campaign.interrupted:
        print_error(
            "these tests compute no gradient"
            + (f" of {', '.join(options.operations)}" if options.operations else "")
            + (f" of an operation defined in {options.module}" if options.module else "")
            + "; there is nothing to plant a fault into"
        )
        return 2
    print(summary(campaign))
    for path, write in ((options.json, write_json), (options.html, write_html)):
        if path:
            write(campaign, path)
    if campaign.interrupted:
        return 130
    return 1 if campaign.with_status(SURVIVED) else 0
