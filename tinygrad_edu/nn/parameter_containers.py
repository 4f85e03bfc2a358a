"""Modules that hold parameters, in a list or a dictionary."""

from ..tensor import Tensor
from .module import Module
from .parameter import Parameter


def as_parameter(value):
    return value if isinstance(value, Parameter) or not isinstance(value, Tensor) else Parameter(value)


def described(parameter):
    """'Parameter containing: [float32 of size 2x3]'."""
    return f"Parameter containing: [{parameter.dtype} of size {'x'.join(map(str, parameter.shape))}]"


class ParameterContainer(Module):
    """What both have in common."""

    def __len__(self):
        return len(self._parameters)

    def __call__(self, *args, **kwargs):
        raise RuntimeError(f"a {type(self).__name__} holds parameters and cannot be called")

    def extra_repr(self):
        return "\n".join(f"  ({name}): {described(parameter)}" for name, parameter in self._parameters.items())

    def __repr__(self):
        return f"{self._get_name()}(\n{self.extra_repr()}\n)" if len(self) else f"{self._get_name()}()"


class ParameterList(ParameterContainer):
    """A list of parameters that are found by parameters() and all else; tensors become parameters."""

    def __init__(self, values=None):
        super().__init__()
        self.extend(() if values is None else values)

    def __getitem__(self, index):
        values = list(self)[index]
        return type(self)(values) if isinstance(index, slice) else values

    def __setitem__(self, index, value):
        names = list(self._parameters)
        setattr(self, names[index], as_parameter(value))

    def __iter__(self):
        return iter(self._parameters.values())

    def append(self, value):
        """Add a parameter at the end."""
        self.register_parameter(str(len(self)), as_parameter(value))
        return self

    def extend(self, values):
        """Add several parameters at the end."""
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values):
        return self.extend(values)


class ParameterDict(ParameterContainer):
    """A dictionary of parameters that are found by parameters() and all else; tensors become parameters."""

    def __init__(self, parameters=None):
        super().__init__()
        self.update({} if parameters is None else parameters)

    def __getitem__(self, key):
        return self._parameters[key]

    def __setitem__(self, key, value):
        self.register_parameter(key, as_parameter(value))

    def __delitem__(self, key):
        if key not in self._parameters:
            raise KeyError(key)
        delattr(self, key)

    def __iter__(self):
        return iter(self._parameters)

    def __contains__(self, key):
        return key in self._parameters

    def keys(self):
        """The names."""
        return self._parameters.keys()

    def values(self):
        """The parameters."""
        return self._parameters.values()

    def items(self):
        """(name, parameter)."""
        return self._parameters.items()

    def pop(self, key):
        """Remove the parameter of this name and return it."""
        value = self[key]
        del self[key]
        return value

    def update(self, parameters):
        """Add parameters from a dictionary or from (name, parameter) pairs."""
        for key, value in parameters.items() if hasattr(parameters, "items") else parameters:
            self[key] = value
