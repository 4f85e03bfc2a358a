"""The command line: python -m demos [name of a demo] [its options]."""

import argparse
import importlib
import sys
from difflib import get_close_matches

from . import DEMOS

USAGE = """\
usage: python -m demos [demo] [options]

{demos}
  list       this list of demos

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
    if name not in DEMOS:
        close = get_close_matches(name, DEMOS, 1)
        hint = f"Did you mean {close[0]}?" if close else f"There are {' and '.join(DEMOS)}."
        print(f"There is no demo {name!r}. {hint} See python -m demos list", file=sys.stderr)
        return 2
    demo = importlib.import_module(f"demos.{name}")
    parser = argparse.ArgumentParser(
        prog=f"python -m demos {name}", description=demo.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    demo.add_arguments(parser)
    options = parser.parse_args(rest)
    try:
        return demo.run(options)
    except KeyboardInterrupt:
        print("\nStopped by Ctrl-C.", file=sys.stderr)
        return 130
    except ImportError as error:
        if "pip install" not in str(error):  # a missing package is the user's to mend, anything else a fault of ours
            raise
        print(error, file=sys.stderr)
        return 1


def listing():
    """A line for each demo: its name and the first line of its documentation."""
    docs = {name: importlib.import_module(f"demos.{name}").__doc__ for name in DEMOS}
    return "\n".join(f"  {name:10} {doc.partition(chr(10))[0]}" for name, doc in docs.items())


if __name__ == "__main__":
    sys.exit(main())
