"""Lets a demo run on PyTorch as it stands: `tinygrad_edu` becomes a package of PyTorch's names.

tinygrad_edu has the names, the meanings and the random numbers of PyTorch, so that a program on its public interface is
one for PyTorch, too, if `import tinygrad_edu as tg` gives PyTorch. After `substitute()` it does, in this process:

* what PyTorch has is PyTorch's: tensors, functions, gradients, nn, optim, and of `data` loaders and samplers;
* what it has not, data sets, `train` and `plots`, is this library's source, which then imports PyTorch's names as well;
* all other modules are refused, so that nothing computes by this library unseen.
"""

import contextlib
import importlib
import importlib.abc
import importlib.util
import os
import sys
import types

OURS = "data", "files", "interop.torchvision.ops", "plots", "train"
"""The parts of tinygrad_edu whose source runs on PyTorch."""

BARE = "interop", "interop.torchvision"
"""Packages around them, of which nothing else is needed."""

NAMESAKES = {
    "autograd": "torch.autograd", "func": "torch.func", "linalg": "torch.linalg",
    "nn": "torch.nn", "nn.functional": "torch.nn.functional", "nn.init": "torch.nn.init",
    "nn.loss": "torch.nn.modules.loss", "nn.utils": "torch.nn.utils",
    "optim": "torch.optim", "optim.lr_scheduler": "torch.optim.lr_scheduler",
    "data.collate": "torch.utils.data", "data.dataset": "torch.utils.data", "data.loader": "torch.utils.data",
    "data.sampler": "torch.utils.data", "ops.resampling_grid": "torch.nn.functional",
}  # fmt: skip
"""Modules of tinygrad_edu, and those of PyTorch that have their names."""

CORE = "dtypes", "generator", "grad_mode", "ops", "ops.joining", "ops.random", "serialization", "tensor"
"""Modules whose names are those of `torch` itself."""


def substitute():
    """Put PyTorch in the place of tinygrad_edu, which must not have been imported in this process."""
    if "tinygrad_edu" in sys.modules:
        raise RuntimeError("substitute() comes too late: this process has imported tinygrad_edu; start another one")
    import torch

    folders = importlib.util.find_spec("tinygrad_edu").submodule_search_locations
    package = new_package("tinygrad_edu", folders)
    package.__getattr__ = lambda name: getattr(torch, name)
    vars(package).update(only_here(torch))
    for name in BARE:
        new_package(f"tinygrad_edu.{name}", [os.path.join(folder, *name.split(".")) for folder in folders])
    for name in CORE:
        sys.modules[f"tinygrad_edu.{name}"] = package
    for name, namesake in NAMESAKES.items():
        sys.modules[f"tinygrad_edu.{name}"] = importlib.import_module(namesake)
    sys.meta_path.insert(0, Guard())
    # what this library's sources ask of a Tensor, beside PyTorch's names
    torch.Tensor.array = property(lambda x: x.detach().numpy())
    torch.Tensor.node = property(lambda x: x if x.requires_grad else None)


def new_package(name, folders):
    """An empty package, with its modules in these folders."""
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = list(folders)
    return package


class Guard(importlib.abc.MetaPathFinder):
    """Refuses the modules of tinygrad_edu that PyTorch stands in for."""

    def find_spec(self, fullname, path=None, target=None):
        package, _, rest = fullname.partition(".")
        if package == "tinygrad_edu" and not any(f"{rest}.".startswith(f"{name}.") for name in OURS):
            raise ModuleNotFoundError(f"{fullname} is not there on PyTorch; see {__name__}", name=fullname)
        return None  # as any other module


def only_here(torch):
    """Functions that this library has and PyTorch has not: {name: the same on PyTorch}."""

    def of_array(array, node):
        return torch.from_numpy(array)

    def default_float():
        return torch.empty(0).numpy().dtype

    def l2_penalty(tensors):
        return sum(x.square().sum() for x in tensors)

    @contextlib.contextmanager
    def as_default(choose):
        generator, before = choose(), torch.get_rng_state()
        torch.set_rng_state(generator.get_state())
        try:
            yield
        finally:
            generator.set_state(torch.get_rng_state())
            torch.set_rng_state(before)

    return {
        "LoadError": ValueError, "as_default": as_default, "default_float": default_float, "l2_penalty": l2_penalty,
        "of_array": of_array, "present_default": lambda: torch.default_generator,
    }  # fmt: skip
