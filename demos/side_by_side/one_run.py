"""One run of a demo with one library, in a process of its own.

There the demo runs twice: first with --quick, so that all is imported, then to be timed. Pictures, drawn graphs and
gradient checks are left out.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ..__main__ import module_of, parser_of
from . import without_pictures

ROOT = Path(__file__).parents[2]


class Failed(Exception):
    """There is no time of a demo; the text says why, in a few words."""


def run_apart(library, name, options):
    """Run a demo in a new process: {"seconds": its time, "text": what it printed}."""
    given = ["--seed", str(options.seed), "--no-progress", *(["--quick"] if options.quick else [])]
    paths = str(ROOT), os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    environment["TINYGRAD_EDU_DEMOS_ON_TORCH"] = "1" if library == "PyTorch" else ""
    command = [sys.executable, "-m", "demos.side_by_side.one_run", name, *given]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", env=environment,
        start_new_session=True,  # so that Ctrl-C is for the process that prints the table alone
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=options.timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"takes more than {options.timeout} s") from None
    finally:
        if process.poll() is None:
            end(process)
    if process.returncode:
        raise Failed((err.strip() or f"exit code {process.returncode}").splitlines()[-1])
    return json.loads(out.splitlines()[-1])


def end(process):
    """End a process at once, and those that it has started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:  # Windows
        process.kill()
    process.communicate()


def time_here(name, *arguments):
    """Run a demo in this process, without pictures: {"seconds": its time, "text": what it printed}."""
    without_pictures.leave_out_pictures()
    demo, parser, text = module_of(name), parser_of(name), io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()):
        demo.run(parser.parse_args([*arguments, "--quick"]))  # imports what it needs, starts threads
    options = parser.parse_args(arguments)
    with contextlib.redirect_stdout(text):
        start = time.perf_counter()
        code = demo.run(options)
        seconds = time.perf_counter() - start
    if code and not text.getvalue():  # it has said on stderr why it cannot run
        sys.exit(code)
    return {"seconds": seconds, "text": text.getvalue()}


if __name__ == "__main__":
    print(json.dumps(time_here(*sys.argv[1:])))
