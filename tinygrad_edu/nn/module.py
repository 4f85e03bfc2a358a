"""Module: the base class of everything that has parameters.

A module's parameters, buffers and submodules are ordinary attributes; assigning one also enters it in one of three
dictionaries, from which `parameters()`, `state_dict()` and the like are computed. What a call costs beyond `forward`
is a look at whether there are hooks and two numbers that say when it ran, from which graphs are drawn by module.
"""

import warnings
from collections import deque

import numpy as np

from .. import lately
from ..clock import tick
from ..modes import state
from ..tensor import Tensor, of_array
from .hooks import call_observed, call_with_hooks, register
from .parameter import Buffer, Parameter
from .state import load_state_dict, state_dict

REGISTRIES = ("_parameters", "_buffers", "_modules")


class Module:
    """The base class of layers and models.

    A subclass calls super().__init__(), assigns parameters and submodules to attributes, and defines `forward`:

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(2, 1)

            def forward(self, x):
                return self.layer(x).sigmoid()

    model(x) runs forward(x).
    """

    def __init__(self):
        set_plainly = object.__setattr__
        set_plainly(self, "training", True)
        for registry in REGISTRIES:
            set_plainly(self, registry, {})
        set_plainly(self, "_non_persistent", set())
        set_plainly(self, "_hooks", None)  # hooks.Hooks once there is one
        # (start, stop) of the latest calls, on the clock that numbers nodes
        set_plainly(self, "_calls", deque(maxlen=64))

    def forward(self, *args, **kwargs):
        raise NotImplementedError(
            f"{type(self).__name__} does not define forward(self, ...), which says what a call computes"
        )

    def __call__(self, *args, **kwargs):
        mode = state.mode
        if mode.observer is not None:
            return call_observed(self, args, kwargs)
        if self._hooks is not None:
            return call_with_hooks(self, args, kwargs)
        if not mode.grad_enabled:
            self.__dict__["_unrecorded"] = tick()
            return self.forward(*args, **kwargs)
        start = tick()
        result = self.forward(*args, **kwargs)
        self._calls.append((start, tick()))
        return result

    # ---- attributes

    def __setattr__(self, name, value):
        registry = registry_of(value)
        attributes = self.__dict__
        if registry is None:
            if "_parameters" in attributes:
                if name in self._parameters or name in self._modules:
                    self._replace(name, value)
                elif name in self._buffers:
                    self._replace_buffer(name, value)
                elif isinstance(value, (list, tuple, dict)) and value:
                    warn_of_plain_container(self, name, value)
        else:
            if "_parameters" not in attributes:
                kind = {"_parameters": "parameter", "_buffers": "buffer", "_modules": "module"}[registry]
                raise AttributeError(
                    f"cannot assign {kind} `{name}` before Module.__init__() has run; in "
                    f"{type(self).__name__}.__init__ write "
                    "super().__init__() first"
                )
            self._forget(name, keep=registry)
            getattr(self, registry)[name] = value
            if registry == "_buffers" and not value.persistent:
                self._non_persistent.add(name)
        object.__setattr__(self, name, value)

    def _replace(self, name, value):
        """Check what is assigned where there was a parameter or a module: None empties the place, but keeps it."""
        if value is not None:
            kind, wanted = ("parameter", "Parameter") if name in self._parameters else ("child module", "Module")
            raise TypeError(
                f"cannot assign a {type(value).__name__} as {kind} `{name}` of {type(self).__name__}, only an "
                f"nn.{wanted} or None; "
                "to change its values, write `with no_grad(): parameter.copy_(values)`; to replace it by something "
                "else, del it first"
            )
        (self._parameters if name in self._parameters else self._modules)[name] = None

    def _replace_buffer(self, name, value):
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign a {type(value).__name__} as buffer `{name}` of {type(self).__name__}, only a Tensor "
                "or None"
            )
        self._buffers[name] = value

    def _forget(self, name, keep=None):
        for registry in REGISTRIES:
            if registry != keep:
                getattr(self, registry).pop(name, None)
        if keep != "_buffers":
            self._non_persistent.discard(name)

    def __delattr__(self, name):
        self._forget(name)
        object.__delattr__(self, name)

    def __getattr__(self, name):  # called only for names that are nowhere
        kind = type(self).__name__
        message = f"'{kind}' object has no attribute '{name}'"
        if "_parameters" not in self.__dict__:
            message += f". Has {kind}.__init__ called super().__init__()?"
        elif not name.startswith("__"):
            from difflib import get_close_matches

            close = get_close_matches(name, dir(self), 3)
            if close:
                message += ". Did you mean " + " or ".join(f"'{other}'" for other in close) + "?"
        # obj=None: the interpreter shall not add its own suggestions
        raise AttributeError(message, name=name, obj=None)

    def register_parameter(self, name, param):
        """Make `param`, a Parameter or None (a place for one, and no entry in state_dict), the attribute `name`."""
        self._check_name(name, self._parameters, param, Parameter)
        self._parameters[name] = param
        object.__setattr__(self, name, param)

    def register_buffer(self, name, tensor, persistent=True):
        """Make `tensor`, a Tensor or None, the attribute `name`: no parameter, but part of the module's state.

        persistent  whether it is part of state_dict
        """
        self._check_name(name, self._buffers, tensor, Tensor)
        self._buffers[name] = tensor
        (self._non_persistent.discard if persistent else self._non_persistent.add)(name)
        object.__setattr__(self, name, tensor)

    def register_module(self, name, module):
        """Make `module`, a Module or None, the attribute `name`."""
        self._check_name(name, self._modules, module, Module)
        self._modules[name] = module
        object.__setattr__(self, name, module)

    add_module = register_module

    def _check_name(self, name, registry, value, wanted):
        if "_parameters" not in self.__dict__:
            raise AttributeError(
                f"super().__init__() must run before `{name}` is registered in a {type(self).__name__}"
            )
        if not isinstance(name, str):
            raise TypeError(f"the name of an attribute must be a string, not {name!r}")
        if name == "" or "." in name:
            raise KeyError(f"the name of an attribute cannot be empty or contain a dot: {name!r}")
        if (name in self.__dict__ or hasattr(type(self), name)) and name not in registry:
            raise KeyError(f"attribute '{name}' already exists in {type(self).__name__}")
        if value is not None and not isinstance(value, wanted):
            raise TypeError(f"`{name}` must be a {wanted.__name__} or None, not {type(value).__name__}")

    # ---- walking through the tree

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """(name, module) of this module, named `prefix`, and of all below it; shared ones once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self):
        """This module and all below it; shared ones once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self):
        """(name, module) of the modules directly in this one; shared ones once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """The modules directly in this one; shared ones once."""
        for _, module in self.named_children():
            yield module

    def _named_members(self, registry, prefix, recurse, remove_duplicate):
        seen = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in getattr(module, registry).items():
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield (f"{path}.{name}" if path else name), value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """(name, parameter) of the parameters of this module and, with `recurse`, of all below it; shared ones once."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """The parameters of this module and, with `recurse`, of all below it; shared ones once. Give them to an
        optimizer.
        """
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """(name, buffer) of the buffers of this module and, with `recurse`, of all below it; shared ones once."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """The buffers of this module and, with `recurse`, of all below it; shared ones once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target):
        """The module with the dotted name `target`; this one for ""."""
        module = self
        for name in target.split(".") if target else ():
            if name not in module._modules:
                raise AttributeError(f"{type(module).__name__} has no submodule `{name}` (looking for `{target}`)")
            module = module._modules[name]
        return module

    def get_parameter(self, target):
        """The parameter with the dotted name `target`."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._parameters:
            raise AttributeError(f"{type(module).__name__} has no parameter `{name}`")
        return module._parameters[name]

    # ---- doing something to all

    def apply(self, fn):
        """Call fn(module) for every module below this one and then for this one, for example to initialise them."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode=True):
        """Put this module and all below it into training mode (or out of it): it matters to Dropout and the like."""
        if not isinstance(mode, bool):
            raise ValueError(f"the training mode must be True or False, not {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        """Put this module and all below it into evaluation mode: train(False)."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Set requires_grad of all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters, or (set_to_none=False) make them zero."""
        lately.resets.append(lately.noted("zero_grad()", self))
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else parameter.grad.detach() * 0

    def _convert(self, dtype):
        """Convert floating parameters, their gradients, and floating buffers to a dtype."""
        for module in self.modules():
            for parameter in module._parameters.values():
                if parameter is not None and parameter.array.dtype.kind == "f" and parameter.dtype != dtype:
                    grad = parameter.grad
                    parameter.data = parameter.detach().to(dtype)
                    parameter.grad = None if grad is None else grad.detach().to(dtype)
            for name, buffer in module._buffers.items():
                if buffer is not None and buffer.array.dtype.kind == "f":
                    buffer.array = buffer.detach().to(dtype).array
        return self

    def to(self, *args, **kwargs):
        """Convert all floating parameters and buffers, in place: to(dtype), to(tensor); to("cpu") does nothing."""
        probe = of_array(np.zeros((), np.bool_), None)
        # Tensor.to knows all ways to name a dtype; bool means that none was named
        dtype = probe.to(*args, **kwargs).dtype
        if dtype.kind not in "fb":
            raise TypeError(f"a module can be converted to floating dtypes only, not to {dtype}")
        return self if dtype == np.bool_ else self._convert(dtype)

    def float(self):
        """Convert all floating parameters and buffers to float32."""
        return self.to("float32")

    def double(self):
        """Convert all floating parameters and buffers to float64."""
        return self.to("float64")

    def half(self):
        """Convert all floating parameters and buffers to float16."""
        return self.to("float16")

    def cpu(self):
        """Does nothing: there is no other device."""
        return self

    # ---- state, hooks

    state_dict = state_dict
    load_state_dict = load_state_dict

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call hook(module, args) before each forward; what it returns, if not None, takes the place of args.

        With `with_kwargs` it is hook(module, args, kwargs), and returns (args, kwargs). The handle returned has
        remove().
        """
        return register(self, "before", hook, prepend, with_kwargs)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call hook(module, args, output) after each forward; what it returns, if not None, takes the place of output.

        With `with_kwargs` it is hook(module, args, kwargs, output). The handle returned has remove().
        """
        return register(self, "after", hook, prepend, with_kwargs)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call hook(module, grad_input, grad_output) in each backward pass through a call of the module.

        Both are tuples of gradients (None where there is none): of the positional arguments and of the results. A
        tuple that the hook returns takes the place of grad_input. The handle returned has remove().
        """
        return register(self, "backward", hook, prepend, False)

    # ---- copies

    def __getstate__(self):
        attributes = self.__dict__.copy()
        attributes.pop("_calls", None)
        attributes.pop("_unrecorded", None)
        return attributes

    def __setstate__(self, attributes):
        self.__dict__.update(attributes)
        self.__dict__["_calls"] = deque(maxlen=64)

    # ---- text

    def extra_repr(self):
        """What repr shows between the parentheses, besides the submodules."""
        return ""

    def _get_name(self):
        return type(self).__name__

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({extra})"
        body = "\n  ".join(lines + children)
        return f"{self._get_name()}(\n  {body}\n)" if body else f"{self._get_name()}()"


def registry_of(value):
    """In which of a module's dictionaries a value belongs; None if in none."""
    if isinstance(value, Parameter):
        return "_parameters"
    if isinstance(value, Module):
        return "_modules"
    return "_buffers" if isinstance(value, Buffer) else None


def warn_of_plain_container(module, name, value):
    """A list of layers as a plain attribute is the classical mistake: its parameters would not be found."""
    items = value.values() if isinstance(value, dict) else value
    found = next((item for item in items if isinstance(item, (Module, Parameter))), None)
    if found is None:
        return
    what, family = ("parameters", "Parameter") if isinstance(found, Parameter) else ("modules", "Module")
    container = f"nn.{family}{'Dict' if isinstance(value, dict) else 'List'}"
    warnings.warn(
        f"`{name}` of {type(module).__name__} is a plain {type(value).__name__} of {what}: their parameters will not "
        "be listed by "
        f"parameters() and not be trained, saved or converted. Use {container}: self.{name} = {container}(...)",
        UserWarning,
        stacklevel=3,
    )


def indented(text):
    """All lines but the first moved right by two."""
    return text.replace("\n", "\n  ")
