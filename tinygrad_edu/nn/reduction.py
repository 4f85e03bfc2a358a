"""What PyTorch had before `reduction`."""

import warnings


def old_reduction(size_average, reduce):
    """The `reduction` that the old settings mean, with PyTorch's warning."""
    reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(f"size_average and reduce are deprecated; write reduction={reduction!r}", UserWarning, stacklevel=4)
    return reduction
