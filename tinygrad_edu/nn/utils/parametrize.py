"""Parametrizations: parameters that are computed from others, such as an orthogonal weight from an unconstrained one.

A module with parametrizations gets a class derived from its own, in which the name of a parametrized tensor means what
the parametrization computes. The tensors from which it is computed, the originals, are parameters of
`module.parametrizations.<name>`, under the names `original`, or `original0`, `original1`, ...
"""

import functools
from collections import deque
from collections.abc import Sequence
from contextlib import contextmanager
from copy import deepcopy

from ...grad_mode import no_grad
from ...tensor import Tensor, replace_values
from ..containers import ModuleDict, ModuleList
from ..parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip


class _Cache:
    """What parametrizations computed, while `cached` is active: (module, name) -> tensor."""

    depth, values = 0, {}


@contextmanager
def cached():
    """Within it each parametrized tensor is computed once, when first asked for, and then remembered:

    with parametrize.cached():
        y = rnn(x)
    """
    _Cache.depth += 1
    try:
        yield
    finally:
        _Cache.depth -= 1
        if not _Cache.depth:
            _Cache.values = {}


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, called one after the other, and the originals that the first one is called
    with.

    modules   the parametrizations, at least one
    original  the tensor that was there before: a Parameter or a buffer
    unsafe    let them change shape and dtype
    """

    def __init__(self, modules, original, unsafe=False):
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules")
        super().__init__(modules)
        self.unsafe = unsafe
        with no_grad():
            new = original
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:  # then it counts as the identity
                        pass
        self.is_tensor = isinstance(new, Tensor)
        if not self.is_tensor and not isinstance(new, Sequence):
            raise ValueError(f"'right_inverse' must return a tensor or a sequence of tensors, not {type(new).__name__}")
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if new.dtype != original.dtype:
                raise ValueError(
                    f"a 'right_inverse' that returns one tensor may not change the dtype, here from {original.dtype} "
                    f"to {new.dtype}"
                )
            shape, dtype = tuple(original.shape), original.dtype
            if new is not original:
                original.data = new.detach().clone()
            _register(self, "original", original)
        else:
            shape, dtype = tuple(original.shape), original.dtype
            for number, one in enumerate(new):
                if not isinstance(one, Tensor):
                    raise ValueError(f"'right_inverse' must return tensors; number {number} is a {type(one).__name__}")
                if isinstance(original, Parameter):
                    one = Parameter(one.detach(), original.requires_grad)
                else:
                    one = one.detach().requires_grad_(original.requires_grad)
                _register(self, f"original{number}", one)
        if not unsafe:
            _check_alike(self(), shape, dtype)

    def originals(self):
        """The tensors with which the first parametrization is called."""
        if self.is_tensor:
            return (self.original,)
        return tuple([getattr(self, f"original{number}") for number in range(self.ntensors)])

    def right_inverse(self, value):
        """Set the originals to what the parametrizations, backwards, make of a value."""
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"the parametrization {type(module).__name__} does not implement right_inverse, so that the "
                        "tensor cannot be set"
                    )
                value = module.right_inverse(value)
            values = (value,) if isinstance(value, Tensor) else tuple(value)
            if len(values) != self.ntensors:
                raise ValueError(f"'right_inverse' must return {self.ntensors} tensors, not {len(values)}")
            for original, one in zip(self.originals(), values):
                if one.dtype != original.dtype:
                    raise ValueError(f"'right_inverse' returned {one.dtype}, but the original is {original.dtype}")
                if one.shape == original.shape:
                    replace_values(original, one.array, "right_inverse")
                else:
                    original.data = one.detach().clone()

    def forward(self):
        first, *others = self
        x = first(*self.originals())
        for module in others:
            x = module(x)
        return x


def _register(module, name, tensor):
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_alike(result, shape, dtype):
    if not isinstance(result, Tensor):
        raise ValueError(f"a parametrization must return a tensor, not {type(result).__name__}")
    if result.dtype != dtype or tuple(result.shape) != shape:
        raise ValueError(
            f"a parametrization may not change dtype or shape of the tensor, here from {dtype} {shape} to "
            f"{result.dtype} {tuple(result.shape)}; if that is wanted, pass unsafe=True"
        )


class _Parametrized:
    """What is different in the class of a module that has parametrizations."""

    def __getattr__(self, name):  # called only for names that are nowhere else
        parametrizations = self.__dict__.get("_modules", {}).get("parametrizations", ())
        if name not in parametrizations:
            return super().__getattr__(name)
        if not _Cache.depth:
            return parametrizations[name]()
        key = (id(self), name)
        if key not in _Cache.values:
            _Cache.values[key] = parametrizations[name]()
        return _Cache.values[key]

    def __setattr__(self, name, value):
        if is_parametrized(self, name):
            self.parametrizations[name].right_inverse(value)
        else:
            super().__setattr__(name, value)

    def __deepcopy__(self, memo):
        copied = memo[id(self)] = type(self).__new__(type(self))
        copied.__dict__.update(deepcopy(self.__getstate__(), memo), _calls=deque(maxlen=64))
        return copied

    def __reduce_ex__(self, protocol):
        return _unpickled, (type_before_parametrizations(self),), self.__getstate__()


@functools.cache
def _parametrized(kind):
    """The class of modules of this kind that have parametrizations."""
    return type(f"Parametrized{kind.__name__}", (_Parametrized, kind), {"__module__": kind.__module__})


def _unpickled(kind):
    kind = _parametrized(kind)
    return kind.__new__(kind)


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Let `module.<tensor_name>` be what the module `parametrization` computes from it, and return the module.

    parametrization  a module called with the tensor; further ones are called with the result of those before. If it has
                     a method right_inverse(value), that gives the original, or a tuple of several, from which the first
                     parametrization is to compute `value`; it also makes `module.<tensor_name> = value` possible.
                     Otherwise the original is the tensor as it is
    unsafe           let it change shape and dtype, and do not check what it returns

        class Symmetric(nn.Module):
            def forward(self, x):
                return x.triu() + x.triu(1).mT

        register_parametrization(layer, "weight", Symmetric())
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            before = getattr(module, tensor_name)
            after = parametrization(before)
            _check_alike(after, tuple(before.shape), before.dtype)
            if hasattr(parametrization, "right_inverse"):
                try:
                    _check_alike(parametrization.right_inverse(after), tuple(before.shape), before.dtype)
                except NotImplementedError:
                    pass
        module.parametrizations[tensor_name].append(parametrization)
        module.parametrizations[tensor_name].unsafe |= unsafe
        return module
    original = module._parameters.get(tensor_name)
    original = module._buffers.get(tensor_name) if original is None else original
    if original is None:
        raise ValueError(
            f"{type(module).__name__} has no parameter, buffer or parametrized tensor `{tensor_name}` to parametrize"
        )
    parametrizations = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.__class__ = _parametrized(type(module))
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = parametrizations
    return module


def is_parametrized(module, tensor_name=None):
    """Whether a module has parametrizations; or whether the tensor of this name has."""
    parametrizations = module.__dict__.get("_modules", {}).get("parametrizations")
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Make `module.<tensor_name>` an ordinary parameter or buffer again, and return the module.

    leave_parametrized  with the value that the parametrizations give; otherwise with that of the original
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{type(module).__name__} has no parametrization of `{tensor_name}`")
    parametrizations = module.parametrizations[tensor_name]
    original = parametrizations.originals()[0]
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name)
        if parametrizations.is_tensor:
            original.data = value.detach().clone()
        else:
            wanted = any(x.requires_grad for x in parametrizations.originals())
            original = Parameter(value.detach(), wanted) if isinstance(original, Parameter) else value.detach()
    elif not parametrizations.is_tensor:
        raise ValueError(
            f"leave_parametrized=False: `{tensor_name}` is computed from several tensors, none of which could take "
            "its place"
        )
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type_before_parametrizations(module)
    _register(module, tensor_name, original)
    return module


def type_before_parametrizations(module):
    """The class of a module, without what parametrizations add to it."""
    kind = type(module)
    return kind.__mro__[2] if kind.__mro__[1] is _Parametrized else kind


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Give `to_module` copies of the parametrizations of `from_module`, with their originals, and return it.

    tensor_name  those of one tensor only
    """
    if not is_parametrized(from_module):
        raise ValueError(f"{type(from_module).__name__} has no parametrizations to transfer")
    for name in list(from_module.parametrizations) if tensor_name is None else (tensor_name,):
        if not hasattr(to_module, name):
            _register(to_module, name, _copy_of(getattr(from_module, name)))
        for parametrization in from_module.parametrizations[name]:
            register_parametrization(to_module, name, deepcopy(parametrization), unsafe=True)
        for source, target in zip(
            from_module.parametrizations[name].originals(), to_module.parametrizations[name].originals()
        ):
            target.data = source.detach().clone()
    return to_module


def _copy_of(tensor):
    return Parameter(tensor.detach().clone()) if tensor.requires_grad else tensor.detach().clone()
