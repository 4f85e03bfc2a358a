"""Functions that turn functions into their derivatives, as in torch.func (and JAX).

    gradient = func.grad(f)             # a function of the same arguments as f
    second = func.grad(func.grad(f))

`argnums` says with respect to which arguments: a number, or a tuple of them (then a tuple is returned). Such an
argument is a tensor, or tensors in tuples, lists and dicts; its derivative comes in the same form. With `has_aux` the
function returns (result, anything else), and the latter is passed through. The tensors given need not require
gradients; if they do, or if the function uses others that do, results are recorded and can be differentiated further.
"""

import functools

from ..autograd.functional import fresh_leaf, jacobian_columns, jacobian_rows, pull_back, push_forward
from ..engine import reachable
from ..grad_mode import enable_grad, is_grad_enabled
from ..tensor import Tensor

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp"]


def grad(func, argnums=0, has_aux=False):
    """The gradient of a function that returns a 0-dimensional tensor; with `has_aux`, (gradient, aux)."""

    @functools.wraps(func)
    def gradient(*args, **kwargs):
        found, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func, argnums=0, has_aux=False):
    """Like `grad`, but the function also returns the value: (gradient, value), or (gradient, (value, aux))."""

    @functools.wraps(func)
    def gradient_and_value(*args, **kwargs):
        call = _Call(func, argnums, args, kwargs, has_aux)
        y = call.output
        if not isinstance(y, Tensor) or y.array.ndim != 0:
            given = f"shape {tuple(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
            raise ValueError(
                f"grad: the function must return a 0-dimensional tensor, not {given}; use jacrev for others"
            )
        with enable_grad():
            found = call.in_form_of_args(pull_back([y], call.xs, [None], call.recorded))
        return found, (call.outside(y), call.aux) if has_aux else call.outside(y)

    return gradient_and_value


def vjp(func, *primals, has_aux=False):
    """(func(*primals), pull): pull(v), to be called any number of times, is vᵀJ, a tuple with an entry per primal."""
    call = _Call(func, tuple(range(len(primals))), primals, {}, has_aux)
    ys = leaves(call.output)

    def pull(cotangents):
        vs = _like_leaves(cotangents, ys, "the outputs")
        with enable_grad():
            recorded = call.recorded or any(v.node is not None for v in vs)
            return call.in_form_of_args(pull_back(ys, call.xs, vs, recorded, retain_graph=True))

    result = rebuilt(call.output, iter([call.outside(y) for y in ys]))
    return (result, pull, call.aux) if has_aux else (result, pull)


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """(func(*primals), J · tangents), as autograd.functional.jvp computes it; both arguments are tuples, alike."""
    call = _Call(func, tuple(range(len(primals))), tuple(primals), {}, has_aux)
    vs, ys = _like_leaves(tuple(tangents), call.xs, "the primals"), leaves(call.output)
    with enable_grad():
        recorded = call.recorded or (call.outer and any(v.node is not None for v in vs))
        pushed = push_forward(ys, call.xs, vs, recorded, strict=strict)
    result = rebuilt(call.output, iter([call.outside(y) for y in ys])), rebuilt(call.output, iter(pushed))
    return (*result, call.aux) if has_aux else result


def jacrev(func, argnums=0, *, has_aux=False):
    """The Jacobian, row by row by backward passes: best where there are fewer outputs than inputs.

    Each tensor of the result is replaced by its derivatives, in the form of the arguments: shape output.shape +
    input.shape.
    """
    return _jacobian(func, argnums, has_aux, jacobian_rows)


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """As `jacrev`, but column by column by forward products: best where there are fewer inputs than outputs."""
    return _jacobian(func, argnums, has_aux, jacobian_columns)


def hessian(func, argnums=0):
    """The matrix of second derivatives, as the Jacobian of the Jacobian; with several arguments result[i][j]."""
    return jacrev(jacrev(func, argnums), argnums)


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """module(*args, **kwargs) with the tensors of a dict (or several) as its parameters and buffers of those names.

    args         a tuple of arguments, or a single one
    tie_weights  a tensor that the module has under several names is replaced under all of them
    strict       all parameters and buffers must be given
    The module itself is unchanged afterwards.
    """
    given = parameter_and_buffer_dicts
    given = dict(given) if isinstance(given, dict) else {name: x for part in given for name, x in part.items()}
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    own = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    unknown, missing = [name for name in given if name not in own], [name for name in own if name not in given]
    if unknown or (strict and missing):
        raise KeyError(
            f"functional_call: the module has no {unknown}" if unknown else f"functional_call: no value for {missing}"
        )
    if tie_weights:
        by_tensor = {id(own[name]): x for name, x in given.items()}
        given = {
            name: by_tensor[id(x)] if name not in given else given[name]
            for name, x in own.items()
            if id(x) in by_tensor
        }
    places = []
    for name in given:
        path, _, attribute = name.rpartition(".")
        holder = functools.reduce(getattr, path.split("."), module) if path else module
        places.append(
            (vars(holder), holder._parameters if attribute in holder._parameters else holder._buffers, attribute, name)
        )
    try:
        for attributes, tensors, attribute, name in places:
            attributes[attribute] = tensors[attribute] = given[name]
        return module(*args, **(kwargs or {}))
    finally:
        for attributes, tensors, attribute, name in places:
            attributes[attribute] = tensors[attribute] = own[name]


def _jacobian(func, argnums, has_aux, of_tensor):
    @functools.wraps(func)
    def jacobian(*args, **kwargs):
        call = _Call(func, argnums, args, kwargs, has_aux)
        with enable_grad():
            blocks = [call.in_form_of_args(of_tensor(y, call.xs, call.recorded)) for y in leaves(call.output)]
        result = rebuilt(call.output, iter(blocks))
        return (result, call.aux) if has_aux else result

    return jacobian


class _Call:
    """A call of a function whose arguments `argnums` are replaced by tensors of its own, `xs`.

    recorded  whether derivatives must be recorded: the arguments, or other tensors that the function uses, require
              gradients. That is also how nested derivatives find each other: the tensors of the outer one are arguments
              of the inner one.
    """

    def __init__(self, func, argnums, args, kwargs, has_aux):
        self.outer = is_grad_enabled()
        self.single = isinstance(argnums, int)
        numbers = (argnums,) if self.single else tuple(argnums)
        for number in numbers:
            if not -len(args) <= number < len(args):
                raise IndexError(f"argnums {argnums}: there are {len(args)} positional arguments")
        numbers = [number % len(args) for number in numbers]
        self.chosen = [args[number] for number in numbers]
        args = list(args)
        self.xs = []
        with enable_grad():
            for number in numbers:
                mine = [self._own(x) for x in leaves(args[number])]
                self.xs += mine
                args[number] = rebuilt(args[number], iter(mine))
            self.output = func(*args, **kwargs)
        self.aux = None
        if has_aux:
            if not isinstance(self.output, tuple) or len(self.output) != 2:
                raise TypeError("with has_aux=True the function must return a tuple (result, aux)")
            self.output, self.aux = self.output
        mine = {x.node for x in self.xs}
        nodes = reachable([y.node for y in leaves(self.output) if y.node is not None])
        self.recorded = self.outer and any(node.op is None and node not in mine for node in nodes)
        if has_aux:
            self.aux = mapped(self.aux, self.outside)

    def _own(self, x):
        return x.clone() if self.outer and x.node is not None else fresh_leaf(x.array)

    def outside(self, y):
        """A tensor computed within, for outside: without history if nothing there can differentiate it."""
        return y if self.recorded else y.detach()

    def in_form_of_args(self, values):
        values = iter(values)
        trees = [rebuilt(tree, values) for tree in self.chosen]
        return trees[0] if self.single else tuple(trees)


# ---- tensors in tuples, lists and dicts


def leaves(tree):
    """The tensors of a tree, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, (tuple, list)):
        return [x for item in tree for x in leaves(item)]
    if isinstance(tree, dict):
        return [x for item in tree.values() for x in leaves(item)]
    raise TypeError(f"expected a tensor, or tensors in tuples, lists and dicts, not {type(tree).__name__}")


def rebuilt(tree, values):
    """The tree with its tensors replaced by the next of `values`, an iterator."""
    if isinstance(tree, Tensor):
        return next(values)
    if isinstance(tree, dict):
        return {key: rebuilt(item, values) for key, item in tree.items()}
    items = [rebuilt(item, values) for item in tree]
    return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)


def mapped(tree, function):
    """The tree with `function` applied to its tensors; other things in it are left alone."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, dict):
        return {key: mapped(item, function) for key, item in tree.items()}
    if isinstance(tree, (tuple, list)) and not hasattr(tree, "_fields"):
        return type(tree)(mapped(item, function) for item in tree)
    return tree


def _like_leaves(tree, like, what):
    values = leaves(tree)
    given, wanted = [tuple(x.shape) for x in values], [tuple(x.shape) for x in like]
    if given != wanted:
        raise ValueError(f"the shapes must be those of {what}, {wanted}, not {given}")
    return values
