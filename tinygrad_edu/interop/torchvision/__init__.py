"""The part of torchvision that examples use: `datasets`, `transforms`, `utils`, and of `ops` what is for boxes.

Names, arguments, defaults, random draws and texts are those of torchvision 0.28. Images are Pillow's or tensors; Pillow
is needed for the former only: pip install "tinygrad-edu[vision]".

`import torchvision` means this package in programs that `tinygrad_edu.interop.torch` runs.
"""

from . import datasets, models, ops, transforms, utils

__version__ = "0.28.0"

__all__ = ["datasets", "models", "ops", "transforms", "utils"]
