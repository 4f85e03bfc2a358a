"""Modules that hold modules, in a row, a list or a dictionary."""

from collections import OrderedDict

from .module import Module, indented


class ModuleSequence(Module):
    """What Sequential and ModuleList have in common: numbered submodules, used like a list."""

    def _fill(self, modules):
        """Hold these modules, numbered from 0, and no others."""
        modules = list(modules)
        for name in list(self._modules):
            delattr(self, name)
        for number, module in enumerate(modules):
            self.add_module(str(number), module)

    def _place(self, index):
        """`index`, counted from the front."""
        size = len(self._modules)
        index = index.__index__()
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of range for {type(self).__name__} of {size} modules")
        return index % size

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._slice(index)
        return list(self._modules.values())[self._place(index)]

    def __setitem__(self, index, module):
        name = list(self._modules)[self._place(index)]
        if not isinstance(module, Module):
            raise TypeError(f"a {type(self).__name__} holds modules, not a {type(module).__name__}")
        setattr(self, name, module)

    def __delitem__(self, index):
        modules = list(self)
        del modules[index if isinstance(index, slice) else self._place(index)]
        self._fill(modules)

    def append(self, module):
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Add several modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index, module):
        """Add a module before number `index`."""
        modules = list(self)
        modules.insert(index, module)
        self._fill(modules)
        return self

    def pop(self, index=-1):
        """Remove module number `index` and return it."""
        module = self[index]
        del self[index]
        return module

    def __iadd__(self, modules):
        return self.extend(modules)


class Sequential(ModuleSequence):
    """Modules called one after the other, each with the result of the one before.

    Sequential(a, b, c), or with names Sequential(OrderedDict(first=a, second=b)).
    """

    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for number, module in enumerate(args):
                if not isinstance(module, Module):
                    raise TypeError(
                        f"argument {number} of Sequential must be a Module, not a {type(module).__name__}"
                        + ("; write Sequential(*layers)" if isinstance(module, (list, tuple, dict)) else "")
                        + ("; use the module of that name, for example nn.ReLU()" if callable(module) else "")
                    )
                self.add_module(str(number), module)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input

    def _slice(self, index):
        return type(self)(OrderedDict(list(self._modules.items())[index]))

    def __add__(self, other):
        if not isinstance(other, Sequential):
            return NotImplemented
        return Sequential(*self, *other)


class ModuleList(ModuleSequence):
    """A list of modules that are found by parameters() and all else; what calls them is up to you."""

    def __init__(self, modules=None):
        super().__init__()
        self.extend(() if modules is None else modules)

    def _slice(self, index):
        return type(self)(list(self)[index])

    def __add__(self, other):
        return ModuleList([*self, *other])

    def __repr__(self):
        """As that of other modules, but equal neighbours are counted: (0-2): 3 x Linear(...)."""
        groups = []  # (first number, last number, text)
        for number, text in enumerate(map(repr, self)):
            if groups and groups[-1][2] == text:
                groups[-1] = (groups[-1][0], number, text)
            else:
                groups.append((number, number, text))
        lines = [
            f"({first}): {indented(text)}"
            if first == last
            else f"({first}-{last}): {last - first + 1} x {indented(text)}"
            for first, last, text in groups
        ]
        body = "\n  ".join(lines)
        return f"{self._get_name()}(\n  {body}\n)" if lines else f"{self._get_name()}()"


class ModuleDict(Module):
    """A dictionary of modules that are found by parameters() and all else."""

    def __init__(self, modules=None):
        super().__init__()
        self.update({} if modules is None else modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        if key not in self._modules:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        """Remove all modules."""
        for key in list(self):
            del self[key]

    def pop(self, key):
        """Remove the module of this name and return it."""
        module = self[key]
        del self[key]
        return module

    def keys(self):
        """The names."""
        return self._modules.keys()

    def values(self):
        """The modules."""
        return self._modules.values()

    def items(self):
        """(name, module)."""
        return self._modules.items()

    def update(self, modules):
        """Add modules from a dictionary or from (name, module) pairs."""
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module
