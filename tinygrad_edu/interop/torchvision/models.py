"""torchvision's networks, which are not here: the module can be imported, and says so when one is asked for."""


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # no AttributeError, which `from torchvision.models import ...` would replace by its own, without the reason
    raise ImportError(
        f"torchvision.models.{name} is not part of tinygrad_edu, nor are weights of trained networks. Define the "
        "network with nn.Module, and give it weights from a file with model.load_state_dict(load(path))"
    )
