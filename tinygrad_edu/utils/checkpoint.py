"""Less memory for more time: a part of a computation keeps nothing for the backward pass, and is done again there.

    y = checkpoint(layer, x, use_reentrant=False)

The part is recorded as usual. Then everything that its nodes keep is dropped, and each of them gets a stand-in for its
operation. When a backward pass comes to the first one, the part is computed a second time, with the same random
numbers, and each node gets back its operation and what the second run kept. The graph is therefore the true one:
`grad`, hooks, gradients of gradients and checkpoints within checkpoints work as without.

Source of the idea: Griewank & Walther 2000, "Algorithm 799: Revolve"; Chen et al. 2016, "Training Deep Nets with
Sublinear Memory Cost".
"""

import contextlib
import functools
import types

from .. import generator
from ..clock import owner_of, tick, writes
from ..errors import AutogradError, OverwrittenError
from ..grad_mode import enable_grad, is_grad_enabled
from ..nn.module import Module
from ..tensor import Tensor

__all__ = ["checkpoint", "checkpoint_sequential"]


def no_contexts():
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function,
    *args,
    use_reentrant=None,
    context_fn=no_contexts,
    determinism_check="default",
    debug=False,
    early_stop=True,
    preserve_rng_state=True,
    **kwargs,
):
    """function(*args, **kwargs), whose intermediate results are not kept but computed again in the backward pass.

    function            computes the same when it is called again, but for random numbers: see preserve_rng_state.
                        Tensors that it uses must not be changed in between: if an argument, a parameter of a module or
                        a tensor in its closure or among its global names is, the backward pass raises. What else it
                        does (running means, prints) it does twice
    preserve_rng_state  draw the same random numbers again, so that a Dropout drops the same
    context_fn          returns two context managers, for the first and for the second run
    determinism_check   "default": raise if the second run consists of other operations than the first; "none"
    use_reentrant       True, False or None: there is one way, which can do what PyTorch's two can. Nor have `debug` and
                        `early_stop` any effect

    It pays where the results of `function` are small and what it computes on the way is large.
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(f"checkpoint: determinism_check is 'default' or 'none', not {determinism_check!r}")
    first, second = context_fn()
    part = None
    if is_grad_enabled():
        part = Part(function, args, kwargs, second, preserve_rng_state, determinism_check == "default")
    with first:
        output = function(*args, **kwargs)
    if part is not None:
        part.drop(output)
    return output


def checkpoint_sequential(functions, segments, input, use_reentrant=None, *, preserve_rng_state=True):
    """A Sequential (or a list of functions) applied to `input` in `segments` parts, all but the last checkpointed."""
    functions = list(functions)
    if not 1 <= segments <= max(len(functions), 1):
        raise ValueError(f"checkpoint_sequential: {len(functions)} functions cannot form {segments} segments")
    size = len(functions) // segments
    for start in range(0, size * (segments - 1), size):
        part = functools.partial(in_turn, functions[start : start + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return in_turn(functions[size * (segments - 1) :], input)


def in_turn(functions, x):
    for function in functions:
        x = function(x)
    return x


class Part:
    """A part of a computation that can be run a second time."""

    def __init__(self, function, args, kwargs, context, preserve_rng_state, checks):
        self.function, self.args, self.kwargs = function, args, kwargs
        self.context, self.checks = context, checks
        self.draws = generator.get_rng_state() if preserve_rng_state else None
        self.start = tick()
        self.again = None  # the nodes of the second run, each until it has given what it kept

    def drop(self, output):
        """Forget what the nodes between the arguments and the output keep."""
        nodes = nodes_since(self.start, output)
        self.operations = outline(nodes)
        self.stop = tick()
        for index, node in enumerate(nodes):
            if node.op.keeps:
                node.op, node.kept = Dropped(node.op, self, index), ()

    def recovered(self, index):
        """(operation, kept values) of node number `index`, from the second run."""
        if self.again is None:
            self.again = self.run_again()
            self.function = self.args = self.kwargs = None
        node, self.again[index] = self.again[index], None
        if node.number < writes.latest:
            writes.check(node)
        return node.op, node.kept

    def run_again(self):
        if writes.latest > self.stop:
            self.check_unwritten()
        start, present = tick(), None
        if self.draws is not None:
            present = generator.get_rng_state()
            generator.set_rng_state(self.draws)
        try:
            with enable_grad(), self.context:
                output = self.function(*self.args, **self.kwargs)
        finally:
            if present is not None:
                generator.set_rng_state(present)
        nodes = nodes_since(start, output)
        operations = outline(nodes)
        if operations != self.operations and (self.checks or len(operations) != len(self.operations)):
            raise AutogradError(different(self.operations, operations))
        return nodes

    def check_unwritten(self):
        """Raise if a tensor from which the part starts has been changed: the second run would be another."""
        for x in tensors_in((self.function, self.args, self.kwargs), set()):
            write = writes.by_owner.get(id(owner_of(x.array)))
            if write is not None and write.time > self.stop:
                raise OverwrittenError(
                    "the backward pass has to compute a checkpointed part again, and a tensor of shape "
                    f"{tuple(x.shape)} that it starts from has been changed in place since, by `{write.operation}` at "
                    f"{write.place}. Change it after the backward pass, or give the part a clone()"
                )


class Dropped:
    """Stands in for the operation of a node whose kept values were dropped, until its gradient is asked for."""

    rules = joint = None  # the engine then asks `gradients`

    def __init__(self, op, part, index):
        self.op, self.part, self.index = op, part, index

    def __getattr__(self, name):  # name, label, ...: as the operation has them
        return getattr(self.op, name)

    def gradients(self, node, g, box, create_graph):
        node.op, node.kept = self.part.recovered(self.index)
        return node.op.gradients(node, g, box, create_graph)

    def kept_by_name(self, node):
        return ()


def nodes_since(start, output):
    """The nodes made after `start` from which the tensors in `output` were computed, in order of creation."""
    nodes = list(
        dict.fromkeys(x.node for x in tensors_in(output, set()) if x.node is not None and x.node.number > start)
    )
    seen = set(nodes)
    for node in nodes:  # grows while it is read
        for parent in node.parents:
            if parent is not None and parent.number > start and parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    return sorted(nodes, key=lambda node: node.number)


def outline(nodes):
    return [(node.op.name, node.shape) for node in nodes]


def different(first, second):
    for index, (before, now) in enumerate(zip(first, second)):
        if before != now:
            return (
                f"a checkpointed part was computed again for the backward pass, and is not the same: operation {index} "
                f"was `{before[0]}` with a result of shape {before[1]}, now it is `{now[0]}` with {now[1]}. Does it "
                "depend on something that has changed in between?"
            )
    return (
        "a checkpointed part was computed again for the backward pass, and is not the same: it consisted of "
        f"{len(first)} recorded operations, and now of {len(second)}. Does it depend on something that has changed in "
        "between?"
    )


def tensors_in(value, seen):
    """All tensors in containers, the parameters of modules, and what functions were made with."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        yield value
        return
    if isinstance(value, Module):  # not its buffers: running means are changed by the run of the part itself
        items = value.parameters()
    elif isinstance(value, dict):
        items = value.values()
    elif isinstance(value, (list, tuple, set)):
        items = value
    elif isinstance(value, functools.partial):
        items = (value.func, value.args, value.keywords)
    elif isinstance(value, types.MethodType):
        items = (value.__self__, value.__func__)
    elif isinstance(value, types.FunctionType):
        named = [value.__globals__.get(name) for name in value.__code__.co_names]
        items = [*contents(value.__closure__ or ()), value.__defaults__]
        items += [item for item in named if isinstance(item, (Tensor, Module))]
    else:
        return
    for item in items:
        yield from tensors_in(item, seen)


def contents(cells):
    for cell in cells:
        with contextlib.suppress(ValueError):  # a variable that has no value yet
            yield cell.cell_contents
