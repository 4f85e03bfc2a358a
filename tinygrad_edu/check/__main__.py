"""The command line: python -m tinygrad_edu.check mutants [PATH ...]."""

import sys

COMMANDS = {"mutants": "plant faults into gradient rules and see whether tests notice"}

USAGE = """\
usage: python -m tinygrad_edu.check COMMAND [options]

{commands}

What options a command has: python -m tinygrad_edu.check COMMAND --help
"""


def main(arguments=None):
    """Run the command that the arguments name, and return its exit status."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    usage = USAGE.format(commands="\n".join(f"  {name:10} {about}" for name, about in COMMANDS.items()))
    if name in ("-h", "--help"):
        print(usage, end="")
        return 0
    if name not in COMMANDS:
        print(f"There is no command {name!r}.\n{usage}", end="", file=sys.stderr)
        return 2
    from .mutants.command import main as mutants

    return mutants(rest)


if __name__ == "__main__":
    sys.exit(main())
