"""The module that `import torch` gives, and the finder that maps PyTorch's modules to those of tinygrad_edu."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types

import tinygrad_edu

from ...text import namespace
from .names import COMPAT, FILE_OF, MODULES, VERSION, backward_name


class Facade(types.ModuleType):
    """The module `torch`: everything in tinygrad_edu, under PyTorch's name and version."""

    __version__ = VERSION
    __path__ = ()

    def __getattr__(self, name):
        try:
            value = getattr(tinygrad_edu, name)
        except AttributeError:
            raise AttributeError(f"torch.{name} is not part of tinygrad_edu; docs/pytorch.md tells what is") from None
        return importlib.import_module(f"torch.{name}") if isinstance(value, types.ModuleType) else value

    def __dir__(self):
        return dir(tinygrad_edu)


class File(types.ModuleType):
    """A file of torch.nn.modules, or the package itself: what this library has there, and then all that is in `nn`,
    because some classes are in other files here."""

    __path__ = ()

    def __init__(self, name, module):
        super().__init__(name, module.__doc__)
        self.module = module
        self.__all__ = getattr(module, "__all__", None) or [key for key in vars(module) if not key.startswith("_")]

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        full = f"{self.__name__}.{name}"
        if self.__name__ == "torch.nn.modules" and place_of(full):
            return importlib.import_module(full)
        for place in (self.module, tinygrad_edu.nn):
            if hasattr(place, name):
                return getattr(place, name)
        raise AttributeError(f"{full} is not part of tinygrad_edu; docs/pytorch.md tells what is")


class Function(types.ModuleType):
    """A module that is also called, because PyTorch has a function of its name: torch.autograd.gradcheck."""

    def __init__(self, name, module):
        super().__init__(name, module.__doc__)
        self.__dict__.update({key: value for key, value in vars(module).items() if not key.startswith("_")})

    def __call__(self, *args, **named):
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **named)


class Alias(importlib.abc.Loader):
    """Gives a module of PyTorch's name: the facade, or a module of tinygrad_edu as it is."""

    def __init__(self, target):
        self.target = target

    def create_module(self, spec):
        if spec.name == "torch":
            return Facade("torch", tinygrad_edu.__doc__)
        module = importlib.import_module(self.target)
        note_parent(spec.name)
        rename_classes(module)
        if spec.name == "torch.autograd.gradcheck":
            return Function(spec.name, module)
        if spec.name.startswith(("torch.nn.modules", "torch.nn.parameter")):
            return File(spec.name, module)
        self.spec = module.__spec__  # importlib will replace it by the alias's
        return module

    def exec_module(self, module):
        if isinstance(module, Facade):
            module.__all__ = [name for name in dir(tinygrad_edu) if not name.startswith("_")]
        elif not isinstance(module, (File, Function)):
            name, module.__spec__ = module.__spec__.name, self.spec
            if not hasattr(module, "__path__"):
                module.__path__ = []  # PyTorch has packages where this library has single files
            for inner in MODULES:
                if inner.rpartition(".")[0] == name:  # parts that PyTorch has imported once it has this one
                    importlib.import_module(inner)


class Finder(importlib.abc.MetaPathFinder):
    """Finds `torch`, `torchvision` and their submodules in tinygrad_edu."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] not in ("torch", "torchvision"):
            return None
        place = place_of(fullname)
        if place is None:
            raise ModuleNotFoundError(
                f"{fullname} is not part of tinygrad_edu; docs/pytorch.md tells what is", name=fullname
            )
        return importlib.machinery.ModuleSpec(fullname, Alias(place), is_package=True)


def place_of(fullname):
    """The module of tinygrad_edu that has the names of a module of PyTorch, or None."""
    if fullname in MODULES:
        return ".".join(["tinygrad_edu", MODULES[fullname]]).rstrip(".")
    root, _, rest = fullname.partition(".")
    if callable(getattr(tinygrad_edu, rest, None)):
        return None  # torch.tensor is a function, though there is a file of that name
    if root == "torchvision":
        place = "tinygrad_edu.interop." + fullname
    elif rest.partition(".")[0] in COMPAT:
        place = "tinygrad_edu.compat." + rest
    elif rest.startswith("nn.modules."):
        place = "tinygrad_edu.nn." + rest.removeprefix("nn.modules.")
    else:
        place = ("tinygrad_edu." + rest).rstrip(".")
    try:
        found = importlib.util.find_spec(place)
    except ModuleNotFoundError:
        found = None
    if found is None and rest.startswith(("backends.", "cuda.", "distributed.")):
        return "tinygrad_edu.compat." + rest.partition(".")[0]
    return place if found else None


def rename_classes(module):
    """Give the classes of a module PyTorch's full names, as programs print them: <class 'torch.Tensor'>."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__.startswith("tinygrad_edu."):
            renamed.setdefault(value, value.__module__)
            path = value.__module__.split(".")[1:]
            if value.__name__ in FILE_OF and path[0] in ("nn", "optim"):
                value.__module__ = "torch." + FILE_OF[value.__name__]
            elif path[0] in ("tensor", "dtypes", "devices", "generator", "legacy"):
                value.__module__ = "torch"
            elif path[0] == "nn" and len(path) == 2:
                value.__module__ = "torch.nn." + ("" if path[1] == "parameter" else "modules.") + path[1]
            elif path[0] in ("optim", "autograd"):
                value.__module__ = ".".join(["torch", *path[: 2 if path[1] == "lr_scheduler" else None]])
            elif path[0] == "data":
                value.__module__ = "torch.utils." + ".".join(
                    "dataloader" if part == "loader" else part for part in path
                )


def note_parent(fullname):
    """Remember what the module above has under the last name, which importlib is going to replace by a module."""
    above, _, name = fullname.rpartition(".")
    if above:
        attributes = vars(sys.modules[above])
        replaced.append((attributes, name, attributes.get(name)))


finder = Finder()
renamed = {}
"""Classes that have PyTorch's full names for the time being, with their own."""
replaced = []
"""(attributes of a module, name, what it was or None), for all that has been replaced by a module."""


def install():
    """From now on `import torch` gives tinygrad_edu, and tensors are written as PyTorch writes them."""
    if finder in sys.meta_path:
        return
    present = [name for name in sys.modules if name.partition(".")[0] in ("torch", "torchvision")]
    if present:
        raise RuntimeError(
            f"{present[0]} is imported already, and parts of the program may hold it; install() has to come first"
        )
    sys.meta_path.insert(0, finder)
    namespace.update(prefix="torch.", node=backward_name)
    importlib.import_module("torch")
    rename_classes(tinygrad_edu)


def uninstall():
    """`import torch` means PyTorch again."""
    if finder in sys.meta_path:
        sys.meta_path.remove(finder)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "torchvision")]:
        del sys.modules[name]
    for cls, own in renamed.items():
        cls.__module__ = own
    renamed.clear()
    for attributes, name, value in reversed(replaced):
        if value is None:
            attributes.pop(name, None)
        else:
            attributes[name] = value
    replaced.clear()
    namespace.update(prefix="", node=lambda node: node.name)
