"""In words: how an operation, or its gradient rule, made NaN or infinity of numbers that were neither.

`of_result` and `of_gradient` look for the first element that is not finite and say what was computed there, with the
operands' values: "log of 0 at element (3, 1)".
"""

import numpy as np

from ..tensor import Tensor

__all__ = ["bad", "first_bad", "of_gradient", "of_result", "statement_about"]


def array_of(value):
    return value.array if isinstance(value, Tensor) else value


def bad(value):
    """Whether a floating array, Tensor or number, or one of several in a tuple or dict, holds NaN or infinity."""
    if isinstance(value, dict):
        return any(bad(part) for part in value.values())
    if isinstance(value, (tuple, list)):
        return any(bad(part) for part in value)
    value = array_of(value)
    if isinstance(value, float):
        return value != value or value in (np.inf, -np.inf)
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind not in "fc":
        return False
    return not np.isfinite(value).all()


def first_bad(value):
    """(array, index) of the first element that is not finite; None if all are."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else (value,)
    for part in parts:
        if bad(part):
            array = np.asarray(array_of(part))
            return array, tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    return None


def statement_about(array):
    """'3 of 12 elements are NaN, 1 is infinite; the first at (0, 2)'"""
    array = np.asarray(array_of(array))
    nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    if array.ndim == 0:
        return "it is NaN" if nan else "it is infinite"
    counts = [
        f"{count} of its {array.size} elements {'are' if count > 1 else 'is'} {kind}"
        for count, kind in ((nan, "NaN"), (infinite, "infinite"))
        if count
    ]
    return " and ".join(counts) + f", the first {at(first_bad(array)[1])}"


def at(index):
    return f"at element ({', '.join(map(str, index))}{',' if len(index) == 1 else ''})" if index else ""


def number(value):
    """A value in few characters."""
    return f"{float(value):.6g}"


def largest(dtype):
    return f"{np.finfo(dtype).max:.3g}"


# ---- forward


def of_result(name, operands, attributes, result):
    """(keyword, text) for the result of an operation called `name`; the operands are finite, or were given so."""
    array, index = first_bad(result)
    values = elements(operands, array.shape, index)
    there = at(index)
    kind = "NaN" if np.isnan(array[index]) else "infinity"
    if any(np.size(array_of(x)) == 0 for x in operands if x is not None):
        return "nothing to reduce", f"`{name}` of no elements: 0 / 0"
    if name in ("sparse_cross_entropy", "nll_loss") and not any(bad(x) for x in operands):
        return "nothing to reduce", f"`{name}` over no targets: all are ignore_index, or have the weight 0"
    told = SPECIAL[name](values, array.dtype, attributes or {}) if name in SPECIAL else None
    if told is not None:
        keyword, text = told
        return keyword, f"{text} {there}".rstrip()
    over = overflow(name, operands, values, array)
    if over is not None:
        return "overflow", f"{over} {there}".rstrip()
    given = ", ".join(number(v) for v in values if v is not None)
    given = f" of {given}" if given and len(values) < 4 else ""
    return "not finite", f"`{name}`{given} is {kind} {there}".rstrip()


def elements(operands, shape, index):
    """The element of each operand that belongs to `index` of the result, where it broadcasts to that; else None."""
    found = []
    for operand in operands:
        array = array_of(operand)
        try:
            found.append(np.broadcast_to(np.asarray(array), shape)[index])
        except (ValueError, TypeError):
            found.append(None)
    return [value if value is None or np.asarray(value).dtype.kind in "biuf" else None for value in found]


def overflow(name, operands, values, array):
    """What became too large for its dtype, or None."""
    numeric = [np.asarray(array_of(x)) for x in operands if isinstance(x, (Tensor, np.ndarray, np.generic))]
    if any(bad(x) for x in numeric if x.dtype.kind == "f") or not numeric:
        return None
    top = max((float(np.abs(x).max(initial=0.0)) for x in numeric if x.size and x.dtype.kind in "fiub"), default=0.0)
    limit = float(np.finfo(array.dtype).max)
    if top <= limit**0.25 and name not in ("sum", "mean", "matmul", "linear", "cumsum", "cast") or top < 100:
        return None
    sign = {"mul": " × ", "add": " + ", "sub": " − ", "pow": " ** ", "div": " / "}.get(name)
    known = [value for value in values if value is not None]
    if sign and len(known) == 2:
        what = sign.join(map(number, known))
    elif name in ("cast", "square") and known:
        what = number(known[0]) + ("²" if name == "square" else "")
    else:
        what = f"`{name}` of values up to {number(top)}"
    return f"overflow: {what} is more than {array.dtype} holds (up to {largest(array.dtype)})"


def _log(values, dtype, attributes, low=0.0, name="log"):
    x = values[0]
    if x is None or x != x or x > low:
        return None
    if x == low:
        return "log of 0", f"{name} of {number(x)}"
    return (
        "log of a negative number",
        f"{name} of {number(x)}, {f'below {number(low)}' if low else 'a negative number'}",
    )


def _div(values, dtype, attributes):
    x, y = (*values, None, None)[:2]
    if y is None or y != 0 or x is None or x != x:
        return None
    return ("0/0", "0 / 0") if x == 0 else ("division by zero", f"division of {number(x)} by 0")


def _sqrt(values, dtype, attributes):
    x = values[0]
    if x is None or not x < 0:
        return None
    return "root of a negative number", f"square root of {number(x)}, a negative number"


def _rsqrt(values, dtype, attributes):
    return ("division by zero", "1 / √0") if values[0] == 0 else _sqrt(values, dtype, attributes)


def _reciprocal(values, dtype, attributes):
    return ("division by zero", "division of 1 by 0") if values[0] == 0 else None


def _exp(values, dtype, attributes, function=np.log, name="exp"):
    x = values[0]
    if x is None:
        return "overflow", f"overflow: {name} of numbers that are too large for {dtype}"
    if not np.isfinite(x) or x < 1:
        return None
    limit = float(function(np.finfo(dtype).max))
    return "overflow", f"overflow: {name} of {number(x)} (in {dtype} it is infinite from {limit:.4g} on)"


def _pow(values, dtype, attributes):
    x, y = (*values, None, None)[:2]
    if x is None or y is None:
        return None
    if x == 0 and y < 0:
        return "division by zero", f"0 to the power {number(y)}, which divides by 0"
    if x < 0 and y != int(y):
        return "root of a negative number", f"{number(x)}, a negative number, to the power {number(y)}"
    return None


def _bounded(values, dtype, attributes, name="acos"):
    x = values[0]
    if x is None or not abs(x) > 1:
        return None
    return "outside of the domain", f"{name} of {number(x)}, outside of [−1, 1]"


def _atanh(values, dtype, attributes):
    x = values[0]
    if x is None or not abs(x) >= 1:
        return None
    return "outside of the domain", f"atanh of {number(x)}; it is finite within (−1, 1) only"


def _softmax(values, dtype, attributes):
    if values[0] is None or values[0] != -np.inf:
        return None
    return "nothing left by the mask", "softmax of a row in which all is −inf, as after a mask that leaves nothing"


def _difference(values, dtype, attributes):
    x, y = (*values, None, None)[:2]
    return ("inf - inf", "∞ − ∞") if x is not None and y is not None and np.isinf(x) and np.isinf(y) else None


def _product(values, dtype, attributes):
    pair = [v for v in values[:2] if v is not None]
    if len(pair) == 2 and 0 in pair and any(np.isinf(v) for v in pair):
        return "0 times infinity", "0 × ∞"
    return None


def _variance(values, dtype, attributes):
    return "variance of one element", (
        "the variance of a single element: it divides by n − 1 = 0; use correction=0, or more elements"
    )


SPECIAL = {
    "log": _log,
    "log2": lambda v, d, a: _log(v, d, a, name="log2"),
    "log10": lambda v, d, a: _log(v, d, a, name="log10"),
    "log1p": lambda v, d, a: _log(v, d, a, low=-1.0, name="log1p"),
    "div": _div,
    "sqrt": _sqrt,
    "rsqrt": _rsqrt,
    "reciprocal": _reciprocal,
    "exp": _exp,
    "exp2": lambda v, d, a: _exp(v, d, a, np.log2, "exp2"),
    "expm1": lambda v, d, a: _exp(v, d, a, np.log, "expm1"),
    "pow": _pow,
    "asin": lambda v, d, a: _bounded(v, d, a, "asin"),
    "acos": _bounded,
    "atanh": _atanh,
    "softmax": _softmax,
    "log_softmax": _softmax,
    "sub": _difference,
    "mul": _product,
    "var": _variance,
}
"""operation -> function(elements, dtype, attributes) that gives (keyword, text), or None if it cannot tell."""


# ---- backward

STEEP = {
    "sqrt": ("sqrt at 0", "the slope of √x at 0 is infinite"),
    "rsqrt": ("sqrt at 0", "the slope of 1/√x at 0 is infinite"),
    "log": ("log of 0", "the slope of log x at 0 is infinite"),
    "div": ("division by zero", "the slope of x / y at y = 0 is infinite"),
    "reciprocal": ("division by zero", "the slope of 1 / x at 0 is infinite"),
    "pow": ("power at 0", "the slope of a power below 1 at 0 is infinite"),
    "acos": ("outside of the domain", "the slope of acos at ±1 is infinite"),
    "asin": ("outside of the domain", "the slope of asin at ±1 is infinite"),
    "vector_norm": ("norm of 0", "the norm has no slope at 0"),
    "exp": ("overflow", "exp(x), its own slope, has overflowed"),
    "atan2": ("0/0", "the slope of atan2 at (0, 0) is 0 / 0"),
    "var": ("variance of one element", "the variance of a single element divides by n − 1 = 0"),
}
"""operation -> (keyword, why its rule gives infinity or NaN at ordinary operands)."""


def of_gradient(name, given, operands, parts):
    """(keyword, text) for the gradients `parts` that a rule made of the gradient `given` of its result."""
    array, index = first_bad(parts)
    parts = list(parts.values()) if isinstance(parts, dict) else list(parts)
    values = elements(operands, array.shape, index)
    (g,) = elements([given], array.shape, index) if not isinstance(given, (dict, tuple, list)) else (None,)
    keyword, reason = STEEP.get(name, ("not finite", ""))
    kind = "NaN" if np.isnan(array[index]) else "infinite"
    text = f"the gradient of `{name}` is {kind}"
    shown = [number(value) for value in values if value is not None]
    if 0 < len(shown) < 4:
        text += f" where its operand{'s are' if len(shown) > 1 else ' is'} {' and '.join(shown)}"
    text += f" {at(index)}".rstrip()
    if keyword == "not finite" and not isinstance(given, (dict, tuple, list)):
        top, limit = float(np.abs(np.asarray(array_of(given))).max(initial=0.0)), np.finfo(array.dtype).max
        if top > float(limit) ** 0.25:
            keyword = "overflow"
            reason = f"overflow: gradients of up to {number(top)} arrive there, and {array.dtype} ends at {limit:.3g}"
    if reason:
        text += f": {reason}"
    if g is not None and g == 0:
        text += ", and times the gradient 0 that arrives there it gives NaN" if kind == "NaN" else ""
    return keyword, text
