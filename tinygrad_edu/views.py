"""Views: tensors that look into the memory of another one, their root.

A write into a root or a view shows in all of them, so their histories must change with it. A view therefore knows
its root and the steps (operation, attributes) that lead from it to the view, and the root knows its living views,
weakly. After a write `inplace` gives the root its new node and repeats the steps, which gives each view its new node
too.
"""

import weakref


def track_view(view, base, operation, attributes):
    """Remember that `view` is `operation(base, **attributes)` and shares memory with `base`."""
    step = (operation, attributes)
    if base._base is None:
        view._base, view._steps = base, (step,)
    else:
        view._base, view._steps = base._base, (*base._steps, step)
    views = views_of(view._base)
    if len(views) > 8 and len(views) & (len(views) - 1) == 0:  # forget the dead ones whenever a power of two is reached
        views[:] = [reference for reference in views if reference() is not None]
    views.append(weakref.ref(view))


def views_of(root):
    """The list of weak references to the views of `root`."""
    try:
        return root._views
    except AttributeError:
        root._views = []
        return root._views


def replay(steps, x):
    """Apply the steps of a view to `x`, a Tensor or an array."""
    for operation, attributes in steps:
        x = operation(x, **attributes)
    return x
