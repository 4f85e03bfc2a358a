"""PyTorch's list of classes that a file may call, as names only.

In PyTorch a class that is registered here is called while a file is read. This library calls nothing that a file
names, whatever is registered: the functions exist so that programs which use them run, and change nothing.
"""

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

_registered = []


def add_safe_globals(safe_globals):
    """Remember classes. They are returned by `get_safe_globals`; `load` does not call them."""
    for item in safe_globals:
        if item not in _registered:
            _registered.append(item)


def get_safe_globals():
    """What was given to `add_safe_globals`."""
    return list(_registered)


def clear_safe_globals():
    """Forget what was given to `add_safe_globals`."""
    _registered.clear()


class safe_globals:
    """`add_safe_globals` for the time of a block."""

    def __init__(self, safe_globals):
        self.items = list(safe_globals)

    def __enter__(self):
        self.before = get_safe_globals()
        add_safe_globals(self.items)

    def __exit__(self, *error):
        _registered[:] = self.before


def is_registered(name):
    """Whether a class of this full name was registered."""
    for item in _registered:
        given = item[1] if isinstance(item, tuple) else f"{item.__module__}.{item.__qualname__}"
        if given == name:
            return True
    return False
