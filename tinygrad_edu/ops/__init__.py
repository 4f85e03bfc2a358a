"""The operations: one block each, grouped by subject. Importing this package fills the table `define.OPS`."""

from . import (  # noqa: F401
    activation, arithmetic, classification, comparison, conversion, einsum, elementary, factorizations, indexing,
    joining, linalg, linear, loss, neural, norms, products, reduce, scaled, shape,
)  # fmt: skip
from . import inplace, random  # noqa: F401, last: inplace reads the whole table, random uses it
