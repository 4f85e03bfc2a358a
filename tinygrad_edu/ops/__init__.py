"""The operations: one block each, grouped by subject. Importing this package fills the table `define.OPS`."""

from . import (  # noqa: F401
    activation, arithmetic, arranging, classification, comparison, conversion, einsum, elementary, factorizations, indexing,
    joining, linalg, linear, loss, memory, neural, norms, products, reduce, scaled, shape, statistics, writing,
)  # fmt: skip
from . import in_place_views, inplace, random  # noqa: F401, last: inplace reads the whole table, random uses it
