"""vmap: a function of one example, applied to each example of a batch."""

import functools

from ..generator import present_default
from ..ops.joining import stack
from ..ops.shape import movedim
from ..tensor import Tensor

__all__ = ["stack_module_state", "vmap"]


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """A function that applies `func` to each example of its arguments and stacks the results.

    in_dims     the dimension of the arguments along which the examples lie; None for an argument that all share. One
                for all, or a tuple with one for each argument, which may follow the form of the argument. Named
                arguments are shared
    out_dims    the dimension of the results along which the examples shall lie; or a tuple, one for each result
    randomness  "error": random draws in `func` raise; "different": each example draws its own numbers; "same": all
                draw the same
    chunk_size  accepted, and not needed

    The examples are computed one after the other, so that any function of Tensors can be mapped, with branches and
    loops that depend on values; PyTorch computes them at once, which is faster for many small ones. Gradients pass
    through, and vmap, grad and the rest can be nested in any order.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"vmap: randomness is 'error', 'different' or 'same', not {randomness!r}")

    @functools.wraps(func)
    def mapping(*args, **kwargs):
        dims = _dims_of(list(args), _spread(in_dims, args))
        values = leaves(args)
        sizes = {_size(x, dim) for x, dim in zip(values, dims) if dim is not None and isinstance(x, Tensor)}
        if len(sizes) != 1:
            what = f"and have sizes {sorted(sizes)}" if sizes else "and none is mapped over"
            raise ValueError(f"vmap: the mapped dimensions of the arguments must have one common size, {what}")
        results = []
        generator = present_default()
        before = None if randomness == "different" else generator.get_state()
        for i in range(sizes.pop()):
            if randomness == "same":
                generator.set_state(before)
            example = [
                x if dim is None or not isinstance(x, Tensor) else x.select(dim, i) for x, dim in zip(values, dims)
            ]
            results.append(func(*rebuilt(args, iter(example)), **kwargs))
            if randomness == "error" and i == 0 and (generator.get_state().array != before.array).any():
                raise RuntimeError(
                    "vmap: the function draws random numbers; say whether each example draws its own, "
                    "randomness='different', or all the same, randomness='same'"
                )
        if not results:
            raise ValueError("vmap: there are no examples, so that the form of the results is unknown")
        return _stacked(results, out_dims)

    return mapping


def leaves(tree):
    """What stands in nested tuples, lists and dicts: tensors, and anything else."""
    if isinstance(tree, (tuple, list)):
        return [x for item in tree for x in leaves(item)]
    if isinstance(tree, dict):
        return [x for item in tree.values() for x in leaves(item)]
    return [tree]


def rebuilt(tree, values):
    """The tree with its leaves replaced by the next of `values`, an iterator."""
    if isinstance(tree, dict):
        return {key: rebuilt(item, values) for key, item in tree.items()}
    if isinstance(tree, (tuple, list)):
        items = [rebuilt(item, values) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return next(values)


def _spread(in_dims, args):
    if isinstance(in_dims, (tuple, list)):
        if len(in_dims) != len(args):
            raise ValueError(f"vmap: in_dims has {len(in_dims)} entries for {len(args)} arguments")
        return list(in_dims)
    return [in_dims] * len(args)


def _dims_of(tree, dims):
    """The mapped dimension of each leaf of `tree`; `dims` is one for all, or has the form of the tree."""
    if isinstance(dims, (list, tuple)) and isinstance(tree, (list, tuple)):
        return [d for part, dim in zip(tree, dims, strict=True) for d in _dims_of(part, dim)]
    if isinstance(dims, dict) and isinstance(tree, dict):
        return [d for key in tree for d in _dims_of(tree[key], dims[key])]
    return [dims] * len(leaves(tree))


def _size(x, dim):
    if not -x.ndim <= dim < x.ndim:
        raise ValueError(f"vmap: an argument of shape {tuple(x.shape)} has no dimension {dim} to map over")
    return x.shape[dim]


def _stacked(results, out_dims):
    first = results[0]
    if isinstance(out_dims, (tuple, list)):
        if not isinstance(first, (tuple, list)) or len(out_dims) != len(first):
            raise ValueError(
                f"vmap: out_dims has {len(out_dims)} entries, and the function does not return that many results"
            )
        dims = [d for part, dim in zip(first, out_dims) for d in [dim] * len(leaves(part))]
    else:
        dims = [out_dims] * len(leaves(first))
    rows = [leaves(result) for result in results]
    for x in rows[0]:
        if not isinstance(x, Tensor):
            raise ValueError(f"vmap: the function must return Tensors, not {type(x).__name__}")
    columns = [movedim(stack(column), 0, dim) for column, dim in zip(zip(*rows), dims)]
    return rebuilt(first, iter(columns))


def stack_module_state(models):
    """(parameters, buffers) of modules of one architecture, each stacked along a new first dimension, for `vmap`."""
    if not models:
        raise RuntimeError("stack_module_state: there are no modules")
    states = [[dict(m.named_parameters()) for m in models], [dict(m.named_buffers()) for m in models]]
    stacked = [{name: stack([s[name].detach() for s in group]) for name in group[0]} for group in states]
    return {name: x.requires_grad_() for name, x in stacked[0].items()}, stacked[1]
