"""Hooks of modules: functions of the user's that run before or after a module's forward, or in the backward pass
through it.

Backward hooks are placed in the graph: the module's arguments and results pass through a `tap` node, which changes
nothing but, in the backward pass, calls a function with all their gradients at once.
"""

import numpy as np

from ..autograd.hooks import RemovableHandle
from ..clock import tick
from ..operation import SelectOp, results
from ..engine import Node
from ..modes import state
from ..tensor import Tensor, of_array


class Hooks:
    """The hooks of one module, by number and in order: (hook, with_kwargs)."""

    def __init__(self):
        self.before, self.after, self.backward = {}, {}, {}


def register(module, kind, hook, prepend, with_kwargs):
    """Add a hook to a module; returns its handle."""
    if module._hooks is None:
        module._hooks = Hooks()
    hooks = getattr(module._hooks, kind)
    handle = RemovableHandle(hooks, (hook, with_kwargs))
    if prepend:
        for number in [n for n in hooks if n != handle.number]:
            hooks[number] = hooks.pop(number)
    return handle


def call_with_hooks(module, args, kwargs):
    """What module(*args, **kwargs) does if the module has, or had, hooks."""
    hooks = module._hooks
    for hook, with_kwargs in tuple(hooks.before.values()):
        answer = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if answer is None:
            continue
        if with_kwargs:
            args, kwargs = answer
        else:
            args = answer if isinstance(answer, tuple) else (answer,)
    start = tick()
    backward = BackwardHooks(module, tuple(hooks.backward.values())) if hooks.backward and state.grad_enabled else None
    if backward is not None:
        args = backward.watch_inputs(args)
    result = module.forward(*args, **kwargs)
    for hook, with_kwargs in tuple(hooks.after.values()):
        answer = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if answer is not None:
            result = answer
    if backward is not None:
        result = backward.watch_outputs(result)
    if state.grad_enabled:
        module._calls.append((start, tick()))
    return result


def call_observed(module, args, kwargs):
    """What module(*args, **kwargs) does while somebody looks on."""
    observer, result = state.mode.observer, None
    observer.module_starts(module, args)
    start = tick()
    try:
        result = module.forward(*args, **kwargs) if module._hooks is None else call_with_hooks(module, args, kwargs)
    finally:
        observer.module_ends(module, result)
    if module._hooks is None and state.mode.grad_enabled:
        module._calls.append((start, tick()))
    return result


class TapOp(SelectOp):
    """Passes several tensors on as they are. In the backward pass it calls the function `call` in the node's attributes
    with their gradients as a tuple, and passes on what that returns. No entry of the table: it computes nothing.
    """

    name = label = "tap"
    passes_on = True

    def gradients(self, node, g, box, create_graph):
        return node.attributes["call"](g.filled(node, box if create_graph else None))


TAP = TapOp()


def tap(tensors, call):
    """The tensors again, with `call` in the way of their gradients."""
    arrays = tuple([x.array[...] for x in tensors])
    attributes = {"call": call, "shapes": tuple([(array.shape, array.dtype) for array in arrays])}
    return results(arrays, Node(TAP, tuple([x.node for x in tensors]), ((),), attributes, None, None, tick()))


class BackwardHooks:
    """The backward hooks of one call of a module: collects both tuples of gradients, then calls the hooks."""

    def __init__(self, module, hooks):
        self.module, self.hooks = module, hooks
        self.inputs = self.grad_output = None

    def watch_inputs(self, args):
        self.positions = positions(args)
        self.size = len(args)
        if not self.positions:
            return args
        self.inputs = self.positions
        return replaced(args, self.positions, tap([args[i] for i in self.positions], self.on_grad_input))

    def watch_outputs(self, result):
        outputs = result if isinstance(result, tuple) else (result,)
        self.output_positions, self.output_size = positions(outputs), len(outputs)
        if not self.output_positions:
            return result
        tapped = tap([outputs[i] for i in self.output_positions], self.on_grad_output)
        outputs = replaced(outputs, self.output_positions, tapped)
        return outputs if isinstance(result, tuple) else outputs[0]

    def on_grad_output(self, gradients):
        self.grad_output = spread(gradients, self.output_positions, self.output_size)
        if self.inputs is None:  # no argument needs a gradient, so on_grad_input will not be called
            self.call((None,) * self.size)
        return gradients

    def on_grad_input(self, gradients):
        answer = self.call(spread(gradients, self.inputs, self.size))
        if answer is None:
            return gradients
        chosen = [answer[i] for i in self.inputs]
        if isinstance(gradients[0], Tensor):
            return chosen
        return [None if g is None else g.array for g in chosen]

    def call(self, grad_input):
        changed = None
        for hook, _ in self.hooks:
            answer = hook(self.module, grad_input, self.grad_output)
            if answer is not None:
                answer = answer if isinstance(answer, tuple) else (answer,)
                if len(answer) != len(grad_input):
                    raise RuntimeError(
                        f"a backward hook of {type(self.module).__name__} returned {len(answer)} gradients, but the "
                        "module has "
                        f"{len(grad_input)} positional arguments"
                    )
                grad_input = changed = answer
        return changed


def positions(values):
    """Which of the values are tensors that need gradients."""
    return [i for i, value in enumerate(values) if isinstance(value, Tensor) and value.node is not None]


def replaced(values, where, new):
    values = list(values)
    for i, value in zip(where, new):
        values[i] = value
    return tuple(values)


def spread(gradients, where, size):
    """Gradients, as Tensors, at their positions among `size` values; None elsewhere."""
    tensors = [g if isinstance(g, Tensor) else of_array(np.asarray(g), None) for g in gradients]
    return replaced((None,) * size, where, tensors)
