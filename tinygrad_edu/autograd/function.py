"""Custom operations: a `Function` has its own forward and its own backward, in PyTorch's form.

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * g * x**2

    y = Cube.apply(x)

A recorded Function is a node like any other; what its `op` must offer the engine is written in `FunctionOp`. With
`create_graph`, backward runs on Tensors that carry the history of what was saved, so that gradients of gradients need
no further code. There is one trap: forward runs unrecorded, hence something that it computed on the way has no history,
and a second derivative that uses it would silently be wrong. `saving.py` finds such values, and the derivative raises
instead.
"""

import contextlib

import numpy as np

from ..clock import owner_of, tick, writes
from ..engine import Node
from ..errors import AutogradError
from ..grad_mode import no_grad, set_grad_enabled
from ..modes import state
from ..observing import Observer, observing
from ..operation import SELECT, SELECTED
from ..ops.inplace import assign, check_leaf
from ..tensor import Tensor, of_array
from .refusal import refusing
from .saving import Packing

__all__ = ["Function", "once_differentiable"]


class FunctionCtx:
    """What forward hands to backward: saved tensors, and any attribute that forward sets."""

    __slots__ = ("__dict__", "_constants", "_dirty", "_materialize", "_recording", "_saved", "needs_input_grad")

    def __init__(self, needs_input_grad):
        self.needs_input_grad = needs_input_grad  # of each argument of apply: is it a tensor that needs a gradient?
        self._recording = state.grad_enabled and True in needs_input_grad
        self._saved = ()
        self._dirty = ()
        self._constants = ()
        self._materialize = True

    def save_for_backward(self, *tensors):
        """Keep tensors (or None) for backward. Arguments and results of forward keep their history there."""
        for index, x in enumerate(tensors):
            if x is not None and not isinstance(x, Tensor):
                raise TypeError(
                    f"save_for_backward takes tensors, and number {index} is of type {type(x).__name__}; "
                    "keep other values as attributes: ctx.name = value"
                )
        self._saved = tensors

    @property
    def saved_tensors(self):
        """The tensors given to save_for_backward. An error if one of them has been changed in place since."""
        return self._saved

    def mark_dirty(self, *tensors):
        """Say which arguments forward changes in place. Each of them must be among the results."""
        for x in tensors:
            if self._recording:
                check_leaf(x, "mark_dirty")
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Say which results have no gradient. (Results of integer or boolean dtype never have one.)"""
        self._constants = tensors

    def set_materialize_grads(self, value):
        """Whether backward gets zeros (True, the default) or None for a result on which the loss does not depend."""
        self._materialize = bool(value)


class Function:
    """An operation with a gradient of its own: subclass it, and call `Subclass.apply(*args)`.

    forward(ctx, *args)  computes the result, a Tensor or a tuple of them, unrecorded; `ctx` passes values on to
                         backward. It may be split in two: forward(*args) and setup_context(ctx, inputs, output).
    backward(ctx, *gs)   is given d(loss)/d(result) for each result and returns d(loss)/d(argument) for each argument
                         of apply, None for those without gradient.

    A result that would share memory with an argument is copied, unless the argument was marked as dirty. Tensors inside
    lists or dicts are not followed; one that requires gradients there is an error. Source of the interface: PyTorch,
    "Extending torch.autograd".
    """

    @staticmethod
    def forward(*args):
        raise NotImplementedError("a Function must define the static method forward(ctx, *args)")

    @staticmethod
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context(ctx, inputs, output)")

    @staticmethod
    def backward(ctx, *gradients):
        raise NotImplementedError(
            "a Function must define the static method backward(ctx, *gradients) to be differentiated"
        )

    @classmethod
    def apply(cls, *args):
        """Compute forward(*args), and record it if an argument requires gradients."""
        ctx = FunctionCtx(tuple([isinstance(x, Tensor) and x.node is not None for x in args]))
        start, mode = writes.latest, state.mode
        observer, mode.observer = mode.observer, None  # it is told of the Function, not of what that calls
        try:
            with no_grad():
                if cls.setup_context is Function.setup_context:
                    output = cls.forward(ctx, *args)
                else:
                    output = cls.forward(*args)
                    cls.setup_context(ctx, args, output)
        except Exception as error:
            if observer is not None:
                observer.failed(operation_of(cls), args, {}, error)
            raise
        finally:
            mode.observer = observer
        several = isinstance(output, (tuple, list))
        outputs = tuple(output) if several else (output,)
        for x in ctx._dirty:
            if not any(x is out for out in outputs):
                raise AutogradError(
                    f"{cls.__name__}: a tensor given to mark_dirty must be among the results of forward"
                )
        if writes.latest > start:
            _check_unmarked_writes(cls, ctx, args, start)
        results = _own_memory(cls, ctx, args, outputs)
        if ctx._recording:
            _check_nested(cls, args)
            results = _record(cls, ctx, args, outputs, results, several)
        result = results if several else results[0]
        if observer is not None:
            observer.operation(operation_of(cls), cls.apply, args, {}, result)
        return result


class Cuts(Observer):
    """Notes how values leave the graph."""

    def __init__(self):
        self.ways = []

    def left_graph(self, tensor, how, result):
        self.ways.append(how)


def once_differentiable(backward):
    """Decorator of a `Function.backward` that cannot itself be differentiated, for example one written in NumPy.

    It runs unrecorded, and a derivative of the gradients that it returns raises an error.
    """
    backward.once_differentiable = True
    return backward


def _check_unmarked_writes(cls, ctx, args, start):
    for index, x in enumerate(args):
        if isinstance(x, Tensor) and x.node is not None and not any(x is y for y in ctx._dirty):
            write = writes.by_owner.get(id(owner_of(x.array)))
            if write is not None and write.time > start:
                raise AutogradError(
                    f"{cls.__name__}.forward has changed {_argument(cls, index)} in place (`{write.operation}` at "
                    f"{write.place}) without saying so. Work on a clone(), or call ctx.mark_dirty(x) and return x"
                )


def _check_nested(cls, args):
    for index, value in enumerate(args):
        items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
        if any(isinstance(x, Tensor) and x.node is not None for x in items):
            raise AutogradError(
                f"{cls.__name__}: {_argument(cls, index)} is a {type(value).__name__} with tensors that require "
                "gradients in it, but only tensors that are arguments themselves get gradients. Write apply(*tensors)"
            )


def _own_memory(cls, ctx, args, outputs):
    """The results as new Tensors (marked ones as they are), copied if they share memory with others."""
    owners = {id(owner_of(x.array)) for x in args if isinstance(x, Tensor)}
    results = []
    for index, out in enumerate(outputs):
        if isinstance(out, np.ndarray):
            raise TypeError(f"{cls.__name__}.forward returns an array as result {index}; return as_tensor(array)")
        if isinstance(out, Tensor) and not any(out is x for x in ctx._dirty):
            owner = id(owner_of(out.array))
            out = of_array(out.array.copy() if owner in owners else out.array, None)
            owners.add(owner)
        results.append(out)
    return tuple(results)


def _record(cls, ctx, args, outputs, results, several):
    """Give the results their node."""
    differentiable = [
        isinstance(out, Tensor) and out.array.dtype.kind in "fc" and not any(out is x for x in ctx._constants)
        for out in outputs
    ]
    if True not in differentiable:
        return results
    packing = Packing(ctx, args, outputs, results, differentiable)
    parents = tuple([x.node if isinstance(x, Tensor) else None for x in args])
    shapes = tuple([(x.array.shape, x.array.dtype) if isinstance(x, Tensor) else None for x in results])
    shape, dtype = (None, None) if several else shapes[0]
    node = Node(
        operation_of(cls), parents, (tuple(packing.arrays), (packing.saved,)), {"shapes": shapes}, shape, dtype, tick()
    )
    recorded = []
    for index, (out, differs) in enumerate(zip(results, differentiable)):
        if differs:
            made = of_array(out.array, select(node, index) if several else node)
            out = assign(out, made, cls.__name__) if any(out is x for x in ctx._dirty) else made
        recorded.append(out)
    return tuple(recorded)


def select(node, index):
    """The node of result number `index` of a node with several: the same one as long as somebody holds it."""
    selected = SELECTED.get((node.number, index))
    if selected is None:
        shape, dtype = node.attributes["shapes"][index]
        selected = SELECTED[node.number, index] = Node(SELECT, (node,), ((),), {"index": index}, shape, dtype, tick())
    return selected


def operation_of(cls):
    """The FunctionOp of a Function: one for each class, made when first needed."""
    if "_operation" not in cls.__dict__:
        cls._operation = FunctionOp(cls)
    return cls._operation


def _argument(cls, index):
    """'argument `x`' for argument number `index` of apply."""
    code = getattr(cls.forward, "__code__", None)
    names = () if code is None else code.co_varnames[: code.co_argcount]
    if cls.setup_context is Function.setup_context:
        names = names[1:]
    return f"argument `{names[index]}`" if index < len(names) else f"argument {index}"


class FunctionOp:
    """How a Function looks to the engine. Its nodes keep (arrays, (saved,)), with a `saving.Saved` as the second."""

    rules = joint = definition = None
    keeps = differentiable = True
    elementwise = view = False

    def __init__(self, function):
        self.function = function
        self.name = self.label = function.__name__

    def __repr__(self):
        return f"<Function {self.name}>"

    def kept_by_name(self, node):
        arrays, (saved,) = node.kept
        return zip(saved.names, arrays)

    def gradients(self, node, g, box, create_graph):
        """The gradient of each argument, as an array (a Tensor with `create_graph`) or None."""
        cls, saved = self.function, node.kept[1][0]
        gradients = self._given(node, g, saved, create_graph)
        ctx = saved.context(FunctionCtx, node, select)
        once = getattr(cls.backward, "once_differentiable", False)
        start = writes.latest
        cuts = Cuts()
        with observing(cuts) if create_graph else contextlib.nullcontext():
            with set_grad_enabled(create_graph and not once):
                answer = cls.backward(ctx, *gradients)
        taken = cuts.ways
        if writes.latest > start:
            self._check_unchanged(gradients, start)
        answer = self._checked(node, answer)
        if not create_graph:
            return [None if d is None else d.array for d in answer]
        nodes = [parent for parent in node.parents if parent is not None]
        if once or taken:
            nodes += [g.node for g in gradients if g is not None and g.node is not None]
        reason = self._reason_to_refuse(saved, once, taken)
        return answer if reason is None else [None if d is None else refusing(d, nodes, reason) for d in answer]

    def _given(self, node, g, saved, create_graph):
        """The Tensors that backward is called with: one for each result."""
        if node.shape is not None:
            return [g if create_graph else of_array(np.asarray(g), None)]
        given = []
        for index, about in enumerate(node.attributes["shapes"]):
            d = g.get(index)
            if d is None and saved.materialize and about is not None:
                given.append(of_array(np.zeros(*about), None))
            else:
                given.append(d if d is None or create_graph else of_array(np.asarray(d), None))
        return given

    def _check_unchanged(self, gradients, start):
        for g in gradients:
            write = None if g is None else writes.by_owner.get(id(owner_of(g.array)))
            if write is not None and write.time > start:
                raise AutogradError(
                    f"{self.name}.backward has changed the gradient that it was given in place (`{write.operation}` at "
                    f"{write.place}); others may still need it. Work on a copy: g = g.clone()"
                )

    def _checked(self, node, answer):
        """What backward returned, checked: one Tensor or None for each argument."""
        answer = list(answer) if isinstance(answer, (tuple, list)) else [answer]
        count = len(node.parents)
        if len(answer) < count or any(d is not None for d in answer[count:]):
            raise AutogradError(
                f"{self.name}.backward returned {len(answer)} gradients, but forward has {count} arguments: return one "
                "for each, None where there is no gradient"
            )
        is_tensor, shapes = zip(*node.kept[1][0].arguments)
        for index, d in enumerate(answer[:count]):
            if d is None:
                continue
            argument = _argument(self.function, index)
            if not isinstance(d, Tensor):
                raise TypeError(
                    f"{self.name}.backward returned a {type(d).__name__} for {argument}; return a Tensor or None"
                )
            if not is_tensor[index]:
                raise AutogradError(
                    f"{self.name}.backward returned a gradient for {argument}, which is no tensor; return None"
                )
            if d.array.shape != shapes[index] and not _sums_to(d.array.shape, shapes[index]):
                raise AutogradError(
                    f"{self.name}.backward returned a gradient of shape {d.array.shape} for {argument}, "
                    f"whose shape is {shapes[index]}; they must be equal"
                )
        return answer[:count]

    def _reason_to_refuse(self, saved, once, taken):
        """Why the gradients of this Function must not be differentiated, or None."""
        if once:
            reason = "its backward is marked with @once_differentiable"
        elif taken:
            reason = (
                f"its backward takes values out of the graph (by {', '.join(dict.fromkeys(taken))}), hence what it "
                "computes from them is not recorded. Compute with tensors, or mark it @once_differentiable"
            )
        elif saved.intermediates:
            reason = (
                f"its forward saves {' and '.join(saved.intermediates)} neither an argument nor a result. Backward "
                "would treat it as a constant, and a second derivative would silently be wrong. Save arguments and "
                "results only, and compute it again in backward; or return it as a further result; or, if it does not "
                "depend on the arguments, pass it to apply as an argument"
            )
        else:
            return None
        return f"the gradients of `{self.name}` cannot be differentiated again: {reason}"


def _sums_to(given, wanted):
    """Whether a gradient of shape `given` is one of shape `wanted` that was broadcast."""
    extra = len(given) - len(wanted)
    return extra >= 0 and all(size in (1, big) for big, size in zip(given[extra:], wanted))
