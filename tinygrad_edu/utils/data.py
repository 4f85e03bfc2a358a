"""The same as `tinygrad_edu.data`, where PyTorch has it."""

from ..data import *
from ..data import __all__
