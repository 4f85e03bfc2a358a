"""`torch.jit`: functions and modules run as they are written."""


def script(obj=None, *args, **named):
    """The function or module itself."""
    return obj


def trace(func, example_inputs=None, *args, **named):
    """The function or module itself, not a recording of one run."""
    return func


def ignore(fn=None, drop=False):
    """The function itself."""
    return fn if callable(fn) else lambda fn: fn


export = unused = script_method = script


def save(m, f):
    raise RuntimeError("there are no scripted modules to save; use tinygrad_edu.save(module.state_dict(), path)")


def load(f, map_location=None):
    raise RuntimeError(
        "scripted modules hold programs, which are never loaded here; save a state_dict() in PyTorch instead"
    )


def is_scripting():
    return False


is_tracing = is_scripting
