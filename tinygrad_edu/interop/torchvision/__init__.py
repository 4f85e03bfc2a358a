"""The part of torchvision that examples use: `datasets`, `transforms` and `utils`.

Names, arguments, defaults, random draws and texts are those of torchvision 0.28. Images are Pillow's or tensors; Pillow
is needed for the former only: pip install "tinygrad-edu[vision]".

`import torchvision` means this package in programs that `tinygrad_edu.interop.torch` runs.
"""

from . import datasets, models, transforms, utils

__version__ = "0.28.0"

__all__ = ["datasets", "models", "transforms", "utils"]
