"""Values and calls as Python text that gives the same values again, to the last bit."""

import numpy as np

OPERATORS = {
    "__add__": "{} + {}", "__sub__": "{} - {}", "__mul__": "{} * {}", "__truediv__": "{} / {}", "__pow__": "{} ** {}",
    "__matmul__": "{} @ {}", "__neg__": "-{}",
}  # fmt: skip


class NotWritable(ValueError):
    """A value that has no short text from which Python would make it again."""


def as_text(value):
    """Python text for a value: numbers, arrays, slices, dtypes, and tuples and lists of them.

    Floats are written with the digits that they need (`repr`), so that the text gives the same float. Raises
    NotWritable for anything else.
    """
    if isinstance(value, np.ndarray):
        return _array_as_text(value)
    if isinstance(value, np.generic):
        return as_text(value.item())
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if np.isfinite(value) else f'float("{value!r}")'
    if value is Ellipsis:
        return "..."
    if isinstance(value, slice):
        return f"slice({as_text(value.start)}, {as_text(value.stop)}, {as_text(value.step)})"
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return f"np.{np.dtype(value).name}"
    if type(value) is tuple:
        return f"({', '.join(map(as_text, value))}{',' * (len(value) == 1)})"
    if type(value) is list:
        return f"[{', '.join(map(as_text, value))}]"
    raise NotWritable(f"there is no short text for {value!r}")


def _array_as_text(array):
    plain = {"f": np.float64, "i": np.int64, "b": np.bool_}.get(array.dtype.kind)
    if plain is None:
        raise NotWritable(f"arrays of {array.dtype} are not written as text")
    dtype = "" if array.dtype == plain and array.size else f", dtype=np.{array.dtype.name}"
    if array.size == 0:
        return f"np.zeros({as_text(array.shape)}{dtype})"
    text = repr(array.tolist())
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        text = text.replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array({text}{dtype})"


def index_as_text(index):
    """What stands between the brackets of x[...]: slices as a:b:c, integer arrays as lists."""
    items = index if type(index) is tuple else (index,)
    texts = []
    for item in items:
        if isinstance(item, slice):
            start, stop = ("" if end is None else as_text(end) for end in (item.start, item.stop))
            texts.append(f"{start}:{stop}" + ("" if item.step is None else f":{as_text(item.step)}"))
        elif isinstance(item, np.ndarray) and item.ndim and item.size:
            texts.append(as_text(item.tolist()))
        else:
            texts.append(as_text(item))
    return ", ".join(texts) + ("," if len(texts) == 1 and type(index) is tuple else "") or "()"


def call_text(entry, operands, attributes, function):
    """One operation as an expression: an operator where it has one, otherwise function(operands, attribute=value)."""
    texts = [x if isinstance(x, str) else as_text(x) for x in operands]
    if entry.name == "getitem":
        return f"{texts[0]}[{index_as_text(attributes['index'])}]"
    if not attributes and all(isinstance(x, (str, int, float)) for x in operands):
        for name in entry.operators:
            if name in OPERATORS:
                return OPERATORS[name].format(*texts)
    while operands and operands[-1] is None and entry.defaults.get(entry.operands[len(operands) - 1], 0) is None:
        operands = operands[:-1]
    texts = texts[: len(operands)] + [f"{name}={as_text(value)}" for name, value in attributes.items()]
    return f"{function}({', '.join(texts)})"
