"""tinygrad_edu: an autograd engine in Python and NumPy that people can read, check, draw and trust."""
from . import define, ops
from .dtypes import *
from .tensor import *
from .grad_mode import *
from .autograd import backward, grad
globals().update({name: entry.call for name, entry in define.OPS.items() if not entry.internal})
globals().update({alias: entry.call for name, entry in define.OPS.items() if not entry.internal for alias in entry.aliases})
globals().update(define.COMPOSITES)
