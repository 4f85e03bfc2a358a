"""Programs that show what tinygrad_edu does: `python -m demos list`."""

import os
import shutil
from importlib.util import find_spec

DEMOS = (
    "cat-logistic", "cat-deep", "planar", "regularize", "optimizers", "fingers", "augment", "mnist-mlp", "mnist-cnn",
    "columns", "digits", "flower", "linear", "keras-mlp", "quadratic", "averages", "decay", "softmax", "init", "conv",
    "names", "tune", "batchnorm", "resnet", "inception", "transfer", "detect", "faces", "style", "attention",
    "clipping", "splits", "early-stopping", "ensemble", "normalize", "gpt", "vae", "ode", "film", "gradcheck",
    "benchmark",
)  # fmt: skip
"""Their names. Each is a module here ("cat-deep" is cat_deep.py), with

SEED, SECONDS          the number of the course notes that it belongs to ("" if none), and its time on two cores
run(options)           returns the exit code
add_arguments(parser)  if it has options besides those that all have (see __main__.py)

The first line of its documentation is what the list shows.
"""


if os.environ.get("TINYGRAD_EDU_DEMOS_ON_TORCH"):  # here, so that processes that a demo starts are on PyTorch, too
    from .side_by_side.on_torch import substitute

    substitute()


def require(*packages):
    """Raise ImportError, which says how to install them, if packages that a demo needs are missing."""
    missing = [package for package in packages if find_spec(package) is None]
    if "pygraphviz" in missing and shutil.which("dot"):  # Graphviz's own program does as well
        missing.remove("pygraphviz")
    if missing:
        raise ImportError(f'this demo needs {" and ".join(missing)}: pip install "tinygrad-edu[demos]"')


def positive(text):
    """An option's value that must be a positive integer."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value
