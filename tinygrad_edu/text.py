"""How a tensor's values are written: in PyTorch's format, four digits, all numbers of one width."""

import numpy as np

DIGITS, THRESHOLD, EDGE = 4, 1000, 3


def values_text(array, indent):
    """The values in nested brackets; long tensors are shortened to their first and last few elements."""
    options = {"separator": ", ", "prefix": " " * indent, "threshold": THRESHOLD, "edgeitems": EDGE}
    if array.dtype.kind == "f" and array.size:
        options["formatter"] = {"float_kind": number_format(shown(array))}
    return np.array2string(array, **options)


def shown(array):
    """The elements of `array` that array2string shows."""
    if array.size <= THRESHOLD:
        return array
    for axis, size in enumerate(array.shape):
        if size > 2 * EDGE:
            array = np.take(array, [*range(EDGE), *range(size - EDGE, size)], axis)
    return array


def number_format(values):
    """A function that writes one number: as integers with a point where all are whole, else with four decimals; in
    scientific notation where that would lose digits."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)]).astype(float)
    whole = bool((sizes == np.ceil(sizes)).all())
    wide = sizes.size > 0 and (
        sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8 or (not whole and sizes.min() < 1e-4)
    )

    def write(x):
        if not np.isfinite(x):
            return str(float(x))
        if wide:
            return f"{x:.{DIGITS}e}"
        return f"{x:.0f}." if whole else f"{x:.{DIGITS}f}"

    width = max(len(write(x)) for x in values.ravel()) if values.size else 0
    return lambda x: write(x).rjust(width)
