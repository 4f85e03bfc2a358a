"""Reverse-mode automatic differentiation, on one page.

Every differentiable operation leaves a `Node` behind: which operation it was, the nodes of its operands (its
parents) and the few arrays that its gradient rules asked for. Nodes are numbered in order of creation, and an
operation is created after its operands, so that descending numbers are a topological order: `sweep` collects
the nodes below the results, sorts them by number and hands each node's gradient to its parents,

    d loss / d parent  +=  rule(d loss / d node, kept values)

which is the chain rule, read backwards (Linnainmaa 1976; Griewank & Walther 2008, Evaluating Derivatives,
section 3.2). Nothing recurses, hence a graph may be a million nodes deep; nothing points from a node to a Tensor
or from a parent to its children, hence reference counting frees a graph as soon as its result is gone.

Rules run on plain arrays. With `create_graph` the same rules run on Tensors instead and are thereby recorded,
which is all that gradients of gradients need.
"""

import math
import sys
from operator import attrgetter

import numpy as np

from .blocks import LARGE, in_blocks, simplified, unchanged
from .clock import writes
from .errors import GraphFreedError
from .modes import call, state


class Node:
    """One recorded operation; or a leaf: a tensor that its maker gave `requires_grad`.

    op          entry of the table of operations; None for a leaf
    parents     node of each operand, None where the operand needs no gradient
    kept        for each operand, the values that its rule asked for; None once freed
    attributes  the operation's settings (`dim`, ...) by name, or None
    shape, dtype  of the result, and therefore of its gradient; shape is None where one node has several results
    number      time of creation; 0 for a leaf
    extras      gradient and hooks; None for most inner nodes
    """

    __slots__ = ("op", "parents", "kept", "attributes", "shape", "dtype", "number", "extras", "__weakref__")

    def __init__(self, op, parents, kept, attributes, shape, dtype, number):
        self.op = op
        self.parents = parents
        self.kept = kept
        self.attributes = attributes
        self.shape = shape
        self.dtype = dtype
        self.number = number
        self.extras = None

    @property
    def name(self):
        return "leaf" if self.op is None else self.op.name

    def __repr__(self):
        return f"<{self.name} node of shape {self.shape}>"


class Extras:
    """What few nodes have: the gradient (of leaves, and of nodes asked to retain it) and hooks by number."""

    __slots__ = ("grad", "retains", "hooks")

    def __init__(self, retains=False):
        self.grad = None
        self.retains = retains
        self.hooks = {}


def leaf(shape, dtype):
    """The node of a tensor that collects a gradient."""
    node = Node(None, (), (), None, shape, dtype, 0)
    node.extras = Extras(retains=True)
    return node


def extras_of(node):
    if node.extras is None:
        node.extras = Extras()
    return node.extras


def reachable(roots):
    """All nodes from which the roots were computed, and the roots; latest first."""
    nodes = list(dict.fromkeys(roots))
    seen = set(nodes)
    for node in nodes:  # grows while it is read
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    nodes.sort(key=attrgetter("number"), reverse=True)
    return nodes


def leading_to(wanted, nodes):
    """Those of `nodes` (latest first) on a path from a wanted node: only their gradients have to be known."""
    needed = set(wanted)
    for node in reversed(nodes):
        if not needed.isdisjoint(node.parents):
            needed.add(node)
    return needed


def sweep(seeds, box, *, wanted=None, retain_graph=False, create_graph=False):
    """Propagate gradients from results to what they were computed from.

    seeds         [(node, gradient)]; gradients are arrays, or Tensors if `create_graph`
    box           makes a Tensor from (array, node)
    wanted        nodes whose gradients are returned, in that order, None for one to which no path leads.
                  If `wanted` is None, each leaf's gradient is added to what the leaf has already
    retain_graph  keep what a second sweep over the same nodes needs
    """
    mode = state.mode
    quiet, mode.quiet = mode.quiet, call
    grad_enabled, mode.grad_enabled = mode.grad_enabled, create_graph
    try:
        return quiet(quiet_sweep, seeds, box, wanted, retain_graph, create_graph)
    finally:
        mode.quiet, mode.grad_enabled = quiet, grad_enabled
        if mode.observer is not None:
            mode.observer.backward_ends()


def quiet_sweep(seeds, box, wanted, retain_graph, create_graph):
    order = reachable([node for node, _ in seeds])
    needed = None if wanted is None else leading_to(wanted, order)
    targets = frozenset(wanted or ())
    latest_write, observer = writes.latest, state.mode.observer
    thorough = create_graph or observer is not None
    pending, found = {}, {}
    for node, gradient in seeds:
        pending[node] = pending[node] + gradient if node in pending else gradient

    for node in order:
        g = pending.pop(node, None)
        if g is None or (needed is not None and node not in needed):
            continue
        if node.extras is not None:
            g = visit(node, g, box, create_graph, wanted is None)
            latest_write = writes.latest  # hooks may have written
        if needed is not None and node in targets:
            found[node] = g
        op = node.op
        if op is None or (needed is not None and needed.isdisjoint(node.parents)):
            if observer is not None:
                observer.arrived(node, g, wanted is None)
            continue
        kept = node.kept
        if kept is None:
            raise GraphFreedError(op.name)
        if node.number < latest_write:
            writes.check(node)

        if thorough or op.rules is None:
            parts = op.gradients(node, g, box, create_graph)
            if observer is not None:
                observer.gradients(node, g, parts)
            for number, (parent, d) in enumerate(zip(node.parents, parts)):
                if parent is None or d is None or (needed is not None and parent not in needed):
                    continue
                if parent.shape is not None:
                    d = fitted(d, parent)
                pending[parent] = so_far = pending[parent] + d if parent in pending else d
                if observer is not None:
                    observer.contributed(node, number, d, so_far)
            latest_write = writes.latest  # a custom Function may have written
        else:  # the usual case: one rule per operand, on arrays
            large = g.size > LARGE and op.elementwise
            for parent, rule, values in zip(node.parents, op.rules, kept):
                if parent is None or (needed is not None and parent not in needed):
                    continue
                if op.adds is not None and parent in pending:
                    so_far = unshared(pending, parent)
                    if so_far is not None and so_far.ndim and so_far.dtype == g.dtype:  # numbers cannot be written into
                        op.adds(so_far, g, *values)
                        continue
                if large:
                    d = large_gradient(rule, g, values, parent, pending)
                    if d is None:
                        continue
                else:
                    d = rule(g, values[0]) if len(values) == 1 else rule(g, *values)  # unpacking costs 60 ns
                if d.shape != parent.shape or d.dtype is not parent.dtype:
                    d = fitted(d, parent)
                previous = pending.pop(parent, None)
                pending[parent] = d if previous is None else total(previous, d) if d.size > SMALL else previous + d
        if op.keeps and not retain_graph:
            node.kept = None
        kept = values = d = g = previous = so_far = None  # hold nothing longer than needed; see `references`
    return None if wanted is None else [found.get(node) for node in wanted]


def large_gradient(rule, g, values, parent, pending):
    """rule(g, *values) in blocks; None if it could be added to the parent's pending gradient on the way."""
    function = simplified(rule, 1 + len(values))
    previous = unshared(pending, parent)
    if previous is not None and previous.shape == g.shape and previous.dtype == g.dtype:
        in_blocks(function, (g, *values), onto=previous)
        return None
    return g if function is unchanged else in_blocks(function, (g, *values))


def unshared(pending, parent):
    """The parent's pending gradient if there is one that nobody else holds, so that it may be added to in place; else
    None."""
    previous = pending.get(parent)
    if previous is not None and previous.base is None and references(previous) <= REFERENCES_IN_PENDING:
        return previous
    return None


def fitted(d, node):
    """Undo broadcasting and promotion: give the gradient `d` the shape and dtype of the node's result."""
    if d.shape != node.shape:
        d = array_sum_to(d, node.shape) if isinstance(d, (np.ndarray, np.generic)) else d.sum_to_size(node.shape)
    if d.dtype != node.dtype:
        d = d.astype(node.dtype) if isinstance(d, (np.ndarray, np.generic)) else d.to(node.dtype)
    return d


def array_sum_to(array, shape):
    """Sum `array` over the axes along which an array of `shape` was repeated when it was broadcast."""
    extra = array.ndim - len(shape)
    if extra and array.shape[extra:] == shape:  # the usual case: a bias
        if array.size > SMALL and array.dtype.itemsize > 2 and array.dtype.kind == "f" and array.flags.c_contiguous:
            rows = array.reshape(-1, math.prod(shape))  # BLAS adds up rows many times faster
            return np.ones(len(rows), array.dtype).dot(rows).reshape(shape)
        return np.add.reduce(array, 0 if extra == 1 else tuple(range(extra)))
    axes = tuple(range(extra)) + tuple(
        extra + axis for axis, size in enumerate(shape) if size == 1 and array.shape[extra + axis] != 1
    )
    return np.add.reduce(array, axes, keepdims=True).reshape(shape) if axes else array.reshape(shape)


def total(a, b):
    """a + b, two large arrays; into `a` where nobody else can see it."""
    if a.base is None and references(a) <= REFERENCES_IN_TOTAL:
        return np.add(a, b, out=a)
    return np.add(a, b)


def visit(node, g, box, create_graph, accumulate):
    """Call the node's hooks with its gradient, keep the gradient if the node is to, and return it."""
    extras = node.extras
    if extras.hooks:
        tensor = g if create_graph else box(np.asarray(g), None)
        for hook in tuple(extras.hooks.values()):
            answer = hook(tensor)
            if answer is not None:
                tensor = answer
        g = tensor if create_graph else tensor.array
    if extras.retains and accumulate:
        old = extras.grad
        if create_graph:
            extras.grad = g.clone() if old is None or node.op is not None else old + g  # its own: see `owned`
        elif old is None or node.op is not None:
            extras.grad = box(owned(g), None)
        elif old.node is not None:
            extras.grad = box(old.array + g, None)
        else:
            old.array += g
            writes.note(old.array, "backward")
    return g


def owned(g):
    """`g` as an array that nobody else holds or looks into, in C order: what a leaf may keep and add to."""
    if type(g) is np.ndarray and g.base is None and g.flags.c_contiguous and references(g) <= REFERENCES_IN_OWNED:
        return g
    return np.array(g, order="C")


def references(array):
    """How many places hold `array`, those of the interpreter and of the functions on the way here included."""
    return sys.getrefcount(array)


def _references_if_unshared():
    """What `references` returns in `unshared`, `total` and `owned` for an array that only `sweep` holds: measured by
    functions that get at the array as those do, because it depends on the version of the interpreter."""

    def unshared(pending):
        previous = pending.get(0)
        return references(previous)

    def total(array, _):
        return references(array)

    def visit(_, array):
        return owned(array)

    def owned(array):
        return references(array)

    array = np.empty(1)
    return unshared({0: np.empty(1)}), total(array, 0), visit(0, array)


REFERENCES_IN_PENDING, REFERENCES_IN_TOTAL, REFERENCES_IN_OWNED = _references_if_unshared()
SMALL = 4096
"""Elements up to which looking for memory to reuse costs more than new memory."""
