"""python -m tinygrad_edu.interop.torch [-m MODULE | SCRIPT] ARGUMENTS...: run a program written for PyTorch."""

import os
import runpy
import sys
import types

from .facade import install
from .names import VERSION

USAGE = f"""usage: python -m tinygrad_edu.interop.torch SCRIPT.py [ARGUMENTS ...]
       python -m tinygrad_edu.interop.torch -m MODULE [ARGUMENTS ...]

Runs a program written for PyTorch ({VERSION}) with tinygrad_edu: `import torch` and the usual part of `torchvision`
mean tinygrad_edu in it. Arguments, the exit code and everything else are as when Python runs the program itself.
"""


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    install()
    if arguments[0] == "-m":
        if len(arguments) < 2:
            print(USAGE, end="", file=sys.stderr)
            return 2
        sys.argv = arguments[1:]
        sys.path[0] = os.getcwd()
        return guarded(lambda: runpy.run_module(arguments[1], run_name="__main__", alter_sys=True))
    path = arguments[0]
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        print(f"cannot read the script {path}: {error.strerror}", file=sys.stderr)
        return 2
    sys.argv = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    program = types.ModuleType("__main__")
    program.__file__ = os.path.abspath(path)
    program.__builtins__ = __builtins__
    sys.modules["__main__"] = program
    return guarded(lambda: exec(compile(source, program.__file__, "exec"), program.__dict__))


def guarded(run):
    """Run a program; show an error as Python does, from the program's own first line on."""
    try:
        run()
    except SystemExit:
        raise
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
