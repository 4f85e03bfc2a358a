"""The operations: one block each, grouped by subject. Importing this package fills the table `define.OPS`."""
from . import arithmetic, comparison, conversion, elementary, indexing, joining, linear, neural, reduce, shape

MODULES = (arithmetic, comparison, conversion, elementary, indexing, joining, linear, neural, reduce, shape)
from . import inplace  # noqa: E402, last: it reads the whole table
