"""The operations: one block each, grouped by subject. Importing this package fills the table `define.OPS`."""

from . import (
    activation, arithmetic, classification, comparison, conversion, einsum, elementary, factorizations, indexing,
    joining, linalg, linear, loss, neural, norms, products, reduce, shape,
)  # fmt: skip

MODULES = (
    activation, arithmetic, classification, comparison, conversion, einsum, elementary, factorizations, indexing,
    joining, linalg, linear, loss, neural, norms, products, reduce, shape,
)  # fmt: skip
from . import inplace, random  # noqa: E402, last: inplace reads the whole table, random uses it
