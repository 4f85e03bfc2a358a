"""The state of a module as a dictionary of tensors, and back: what is saved, and compared between libraries."""

from collections import OrderedDict, namedtuple

import numpy as np

from ..tensor import Size, Tensor, replace_values


class IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What load_state_dict returns: the names that were missing in the dictionary, and those that it had too many."""

    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()


def state_dict(self, *, destination=None, prefix="", keep_vars=False):
    """All parameters and persistent buffers by name. They share memory with the module's: clone() what should stay
    as it is.

    keep_vars  give the parameters themselves instead of tensors without history
    """
    destination = OrderedDict() if destination is None else destination
    for name, value in own_state(self):
        destination[prefix + name] = value if keep_vars else value.detach()
    for name, module in self._modules.items():
        if module is not None:
            module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    return destination


def own_state(module):
    """(name, tensor) of a module's own parameters and persistent buffers."""
    for name, value in module._parameters.items():
        if value is not None:
            yield name, value
    for name, value in module._buffers.items():
        if value is not None and name not in module._non_persistent:
            yield name, value


def load_state_dict(self, state_dict, strict=True, assign=False):
    """Copy the values of a dictionary, as state_dict() gives it, into the parameters and buffers of the same names.

    strict  raise if names are missing or unexpected; otherwise return them and load the others
    assign  take the memory, and dtype, of the given tensors instead of copying their values

    Values of the wrong shape raise in any case. Nothing is changed if there is an error.
    """
    if not hasattr(state_dict, "items"):
        raise TypeError(f"load_state_dict takes a dictionary of tensors, not a {type(state_dict).__name__}")
    own = {}
    for path, module in self.named_modules(remove_duplicate=False):
        own.update({f"{path}.{name}" if path else name: value for name, value in own_state(module)})
    missing = [name for name in own if name not in state_dict]
    unexpected = [name for name in state_dict if name not in own]
    values = {name: array_of(state_dict[name]) for name in own if name in state_dict}
    problems = []
    if strict and missing:
        problems.append("Missing key(s) in state_dict: " + ", ".join(f'"{name}"' for name in missing) + ". ")
    if strict and unexpected:
        problems.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{name}"' for name in unexpected) + ". ")
    for name, array in values.items():
        if array is not None and hasattr(own[name], "materialize"):
            own[name].materialize(array.shape)  # of a lazy layer
        if array is None:
            problems.append(
                f'While copying the parameter named "{name}", expected a Tensor or an array of numbers from checkpoint '
                f"but received {type(state_dict[name])}"
            )
        elif array.shape != own[name].array.shape:
            problems.append(
                f"size mismatch for {name}: copying a param with shape {Size(array.shape)} from checkpoint, "
                f"the shape in current model is {own[name].shape}."
            )
    if problems:
        raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
    for name, array in values.items():
        if assign:
            own[name].data = array
        else:
            replace_values(own[name], array, "load_state_dict")
    return IncompatibleKeys(missing, unexpected)


def array_of(value):
    """The array of a value of a state dictionary: a Tensor, an array, or a tensor of another library; None of
    others."""
    if isinstance(value, Tensor):
        return value.array
    if not isinstance(value, np.generic) and not hasattr(value, "__array__"):
        return None
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    return array if array.dtype.kind in "biufc" else None
