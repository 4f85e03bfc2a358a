"""The operations: one block each, grouped by subject. Importing this package fills the table `define.OPS`."""

from . import (  # noqa: F401
    activation, arithmetic, arranging, attention, classification, comparison, conversion, convolution,
    convolution_functions, convolution_windows, ctc, distance, einsum, elementary, embedding, factorizations, indexing,
    joining, linalg, linear, loss, margin, matrix_exp, memory, neural, normalization, normalization_channels, norms,
    padding, pooling, pooling_adaptive, products, recurrent, recurrent_packed, reduce, resampling, resampling_grid,
    scaled, shape, statistics, writing,
)  # fmt: skip
# last: inplace reads the whole table, random uses it
from . import in_place_views, inplace, random, random_inplace  # noqa: F401
