"""Programs written for PyTorch, run with tinygrad_edu instead.

    python -m tinygrad_edu.interop.torch script.py arguments ...

runs a script in which `import torch` and its submodules, and the part of `torchvision` that examples use, mean
tinygrad_edu. `install()` does the same inside a program, `uninstall()` ends it. PyTorch need not be installed, and is
not touched if it is.
"""

from .facade import install, uninstall

__all__ = ["install", "uninstall"]
