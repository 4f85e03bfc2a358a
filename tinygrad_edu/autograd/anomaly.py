"""Looking for NaN and infinity: `detect_anomaly` and `set_detect_anomaly`."""

import linecache
import weakref

import numpy as np

from ..clock import calling_line
from ..engine import reachable
from ..errors import AutogradError
from ..modes import state
from ..observing import Observer, together, without
from ..tensor import Tensor
from .nonfinite import bad, of_gradient, of_result, statement_about

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch the search on or off, in this thread; as a context manager, until its end.

    While it is on, AutogradError is raised

    * by a backward pass that starts from a tensor that is not finite (PyTorch lets a NaN loss pass), which says where
      in the computation the first such value arose, and how: "log of 0 at element (3, 1)";
    * as soon as a gradient rule makes a gradient that is not finite from one that is;
    * by an optimizer whose step makes a parameter NaN or infinite.

    The error names the operation, its operands and the line. Infinities on the way are no mistake by themselves: masks
    are made of them. Values are looked at only while the search is on, so the computation must lie within the block.
    It costs time: leave it off where nothing is wrong.
    """

    def __init__(self, mode, check_nan=True):
        self.before = state.mode.observer
        others = without(self.before, Watch)
        state.mode.observer = together(others, Watch()) if mode and check_nan else others

    def __enter__(self):
        pass

    def __exit__(self, *error):
        state.mode.observer = self.before


class detect_anomaly(set_detect_anomaly):
    """`with detect_anomaly():` is `with set_detect_anomaly(True):`."""

    def __init__(self, check_nan=True):
        super().__init__(True, check_nan)


class Origin:
    """Where a value that is not finite came from: the texts of the first such operation, and of the first that made NaN
    of infinity."""

    __slots__ = ("has_nan", "texts")

    def __init__(self, texts, has_nan):
        self.texts, self.has_nan = texts, has_nan

    def __str__(self):
        return "\nthen: ".join(self.texts)


class Watch(Observer):
    """Remembers where values that are not finite arose, and raises when they matter."""

    def __init__(self):
        self.origins = {}  # id of a Tensor -> (weak reference to it, Origin)
        self.made_at = weakref.WeakKeyDictionary()  # node -> line
        self.roots = []
        self.parameters = []

    # ---- forward

    def operation(self, entry, call, operands, attributes, result):
        results = result if isinstance(result, (tuple, list)) else (result,)
        place = None
        for tensor in results:
            if isinstance(tensor, Tensor) and tensor.node is not None:
                place = place or calling_line()
                self.made_at[tensor.node] = place
        if not bad(results):
            return
        texts, had_nan = self.before(entry, operands)
        has_nan = any(np.isnan(x.array).any() for x in results if isinstance(x, Tensor) and x.array.dtype.kind in "fc")
        if not texts or (has_nan and not had_nan):
            _, text = of_result(entry.name, operands, attributes, results)
            texts = [*texts, text + located(place or calling_line())]
        for tensor in results:
            if isinstance(tensor, Tensor):
                self.remember(tensor, Origin(texts, has_nan))

    def before(self, entry, operands):
        """The texts about the operands that are not finite already, and whether one holds NaN."""
        texts, nan = [], False
        for x in flat(operands):
            if bad(x):
                origin = self.origin(x)
                texts = texts or (origin.texts if origin is not None else given_so(entry, x))
                nan = nan or bool(np.isnan(x.array if isinstance(x, Tensor) else x).any())
        return list(texts), nan

    def origin(self, x):
        reference, origin = self.origins.get(id(x), (None, None))
        return origin if reference is not None and reference() is x else None

    def remember(self, tensor, origin):
        key, forget = id(tensor), self.origins.pop
        self.origins[key] = (weakref.ref(tensor, lambda _: forget(key, None)), origin)

    def written(self, target, result, name):
        origin = self.origin(result)
        if origin is not None:
            self.remember(target, origin)

    # ---- backward

    def backward_starts(self, tensor):
        self.roots.append(tensor.node)
        if bad(tensor):
            message = f"backward from a tensor of shape {tuple(tensor.shape)} that is not finite"
            origin = self.origin(tensor)
            first = f". It began here: {origin}" if origin is not None else begun_before(tensor)
            raise AutogradError(message + first)

    def gradients(self, node, g, parts):
        if not bad(parts) or bad(g):
            return
        kept = [(name, value) for name, value in node.op.kept_by_name(node) if isinstance(value, np.ndarray)]
        _, text = of_gradient(node.name, g, self.operands(node, kept), [p for p in parts if p is not None])
        texts = [text + located(self.made_at.get(node)), "The gradient of its result is finite"]
        texts += [f"Its {name} is not: {statement_about(value)}" for name, value in kept if bad(value)]
        choice = self.choice_after(node)
        if choice is not None:
            texts.append(
                f"`where`{located(self.made_at.get(choice))} does not choose that element, but 0 times infinity is "
                "NaN. Make the operand harmless before the operation: f(where(condition, x, 1)) instead of f(x)"
            )
        raise AutogradError(". ".join(texts))

    def operands(self, node, kept):
        """What is known of the operands: those that were kept; for `sqrt` and its like, from the result."""
        named = dict(kept)
        operands = [named[f"operand `{name}`"] for name in node.op.operands if f"operand `{name}`" in named]
        if not operands and node.name == "sqrt" and "result" in named:
            operands = [np.square(named["result"])]
        return operands

    def choice_after(self, node):
        """A `where` that chooses among values computed from this node, if there is one."""
        after = {node}
        for other in reversed(reachable(self.roots)):
            if not after.isdisjoint(other.parents):
                after.add(other)
                if other.name == "where":
                    return other
        return None

    def backward_ends(self):
        self.roots.clear()

    # ---- updates

    def optimizer_starts(self, optimizer):
        self.parameters = [p for group in optimizer.param_groups for p in group["params"] if not bad(p)]

    def optimizer_ends(self, optimizer):
        for p in self.parameters:
            if bad(p) and not bad(p.grad):
                top = 0.0 if p.grad is None else float(np.abs(p.grad.array).max(initial=0.0))
                raise AutogradError(
                    f"the step of {type(optimizer).__name__} has made a parameter of shape {tuple(p.shape)} not finite "
                    f"({statement_about(p)}), from gradients of up to {top:.6g} and lr="
                    f"{optimizer.param_groups[0].get('lr')}{located(calling_line())}. Is the learning rate too large?"
                )
        self.parameters = []


def flat(operands):
    for x in operands:
        if isinstance(x, (tuple, list)):
            yield from flat(x)
        elif isinstance(x, (Tensor, np.ndarray, np.floating)):
            yield x


def given_so(entry, x):
    """The texts for an operand that no operation seen here has made. Infinite ones are masks and limits: the texts
    begin where they do harm."""
    if not np.isnan(x.array if isinstance(x, Tensor) else x).any():
        return ()
    what = "a leaf that requires gradients" if isinstance(x, Tensor) and x.node is not None else "data"
    return (
        f"{what} of shape {tuple(x.shape)} holds NaN when `{entry.name}` is given it ({statement_about(x)})"
        f"{located(calling_line())}",
    )


def located(place):
    """', at file:line: the text of that line'"""
    if place is None:
        return ""
    file, _, line = place.rpartition(":")
    source = linecache.getline(file, int(line)).strip() if line.isdigit() else ""
    return f", at {place}" + (f": {source}" if source else "")


def begun_before(tensor):
    """For a graph that was made before the search began: the first kept value that is not finite."""
    for node in reversed(reachable([tensor.node])):
        for name, value in node.op.kept_by_name(node) if node.op is not None and node.kept is not None else ():
            if bad(value):
                return f": of the values that operations kept, the first such is the {name} of `{node.op.name}`"
    return f": no operation kept such a value, so one of the last ones made it (`{tensor.node.name}`?)"
