"""Other libraries' functions that compute the same as an operation: what the generated tests compare with."""

import inspect

import numpy as np

try:
    import torch
except ImportError:
    torch = None

NUMPY_NAMES = {
    "dim": ("axis",), "dims": ("axis", "axes"), "keepdim": ("keepdims",), "correction": ("ddof",), "diagonal": ("k",),
    "dim0": ("axis1",), "dim1": ("axis2",), "dim2": ("axis2",), "shifts": ("shift",), "size": ("shape",),
    "min": ("a_min",), "max": ("a_max",),
}  # fmt: skip
"""NumPy's names for attributes, the first that a function has."""


def numpy_value(entry, operands, attributes):
    """What NumPy computes, or None if the entry names no function of NumPy that does the same."""
    if entry.oracle is not None:
        return entry.oracle(*operands, **attributes)
    if entry.ufunc is not None and not attributes and all(x is not None for x in operands):
        return entry.ufunc(*operands)
    given = {**{name: value for name, value in entry.defaults.items() if name in entry.attributes}, **attributes}
    for function in entry.numpy:
        try:
            names = inspect.signature(function).parameters
        except ValueError:  # a function of NumPy's in C that does not tell
            continue
        translated, possible = {}, True
        for name, value in given.items():
            others = NUMPY_NAMES.get(name, ()) if name != "dim1" or "dim0" in given else ("axis1",)
            found = [n for n in (name, *others) if n in names and n not in translated]
            if found:
                translated[found[0]] = value
            elif value is not None and value != entry.defaults.get(name):
                possible = False
        if possible:
            try:
                return function(*operands, **translated)
            except (TypeError, ValueError):
                pass  # NumPy's function is stricter: no -1 in broadcast_to, only sizes of 1 in squeeze
    return None


def _repeated(function):
    """A function of torch's that reduces one dimension, for several."""

    def reduce(x, dim=None, keepdim=False):
        if dim is None:
            result = function(x)
            return result.reshape((1,) * x.ndim) if keepdim else result
        for d in sorted(dim if isinstance(dim, tuple) else (dim,), reverse=True):
            x = function(x, d, keepdim)
        return x

    return reduce


def _index(index):
    """An index for torch: lists and arrays in it become tensors."""
    if isinstance(index, tuple):
        return tuple([_index(i) for i in index])
    return torch.from_numpy(index) if isinstance(index, np.ndarray) else index


def _write(x, index, value, accumulate):
    index = index if isinstance(index, tuple) else (index,)
    return torch.index_put(x, index, value, accumulate)


def _overwrite(x, value, steps):
    result = x.clone()
    part = result
    for operation, attributes in steps:
        part = torch_function(operation.op)(part, **attributes)
    part.copy_(value)
    return result


def _pads(pads):
    return [n for pair in reversed(pads) for n in pair]


TORCH = {
    "binary_cross_entropy_with_logits": lambda x, y, weight=None, pos_weight=None, reduction="mean": (
        torch.nn.functional.binary_cross_entropy_with_logits(x, y, weight, pos_weight=pos_weight, reduction=reduction)
    ),
    "cast": lambda x, dtype: x.to(getattr(torch, np.dtype(dtype).name)),
    "concatenate": lambda *xs, dim=0: torch.cat(xs, dim),
    "contiguous": lambda x: x.contiguous(),
    "diagonal_scatter": lambda x, shape, offset=0, dim1=0, dim2=1: torch.diagonal_scatter(
        torch.zeros(shape, dtype=x.dtype), x, offset, dim1, dim2
    ),
    "expand": lambda x, size: x.expand(size),
    "getitem": lambda x, index: x[index],
    "index_put": lambda x, value, index, accumulate=False: _write(x, index, value, accumulate),
    "layer_norm": lambda x, weight, bias, normalized_shape, eps: torch.nn.functional.layer_norm(
        x, normalized_shape, weight, bias, eps
    ),
    "linear": lambda x, weight, bias=None: torch.nn.functional.linear(x, weight, bias),
    "overwrite": _overwrite,
    "pad_zeros": lambda x, pads, value=0: torch.nn.functional.pad(x, _pads(pads), value=value),
    "prod": lambda x, dim=None, keepdim=False: _repeated(torch.prod)(x, dim, keepdim),
    "put": lambda x, shape, index: _write(
        torch.zeros(shape, dtype=x.dtype), index if not isinstance(index, int) else torch.tensor([index]), x, True
    ),
    "put_along": lambda x, shape, dim, index: torch.zeros(shape, dtype=x.dtype).scatter_add(dim, index, x),
    "repeat": lambda x, repeats: x.repeat(repeats),
    "rms_norm": lambda x, weight, normalized_shape, eps: torch.nn.functional.rms_norm(x, normalized_shape, weight, eps),
    "scatter_add_values": lambda x, value, dim, index: x.scatter_add(dim, index, value),
    "scatter_values": lambda x, value, dim, index: x.scatter(dim, index, value.expand(index.shape)),
    "stack_all": lambda *xs, dim=0: torch.stack(xs, dim),
    "sparse_cross_entropy": lambda x, target, weight=None, **settings: torch.nn.functional.cross_entropy(
        x, target, weight, **settings
    ),
    "squeeze": lambda x, dim=None: torch.squeeze(x) if dim is None else torch.squeeze(x, dim),
    "sum_to_size": lambda x, size: x.sum_to_size(size),
    "unpad": lambda x, pads: torch.nn.functional.pad(x, [-n for n in _pads(pads)]),
    "vector_norm": lambda x, p=2.0, dim=None, keepdim=False: torch.linalg.vector_norm(x, p, dim, keepdim),
}
"""Where torch has no function of the operation's name with its parameters."""


SIGNS_ARE_FREE = ("svd", "eigh")
"""Results that are determined only up to signs, so that two right ones may differ."""


def torch_function(entry):
    """torch's function of an operation's name, or None."""
    name = entry.name
    if name in TORCH:
        return TORCH[name]
    modules = [torch.nn.functional, torch, torch.linalg, torch.special]
    if entry.kernel.__module__.endswith(
        ("linalg", "factorizations")
    ):  # torch still has old, removed functions of these names
        modules.reverse()
    for module in () if name in SIGNS_ARE_FREE else modules:
        function = getattr(module, name, None)
        if callable(function):
            return function
    return None


def torch_value(entry, operands, attributes, requires_grad=False):
    """(inputs, result) of torch's function of the same name; (None, None) if there is none or it refuses."""
    function = torch_function(entry)
    if function is None:
        return None, None
    inputs = [to_torch(x, requires_grad) for x in operands]
    given = {name: _index(value) for name, value in attributes.items()}
    if any(isinstance(value, slice) and (value.step or 1) < 0 for value in given.values()):
        return None, None  # torch has no negative steps
    try:
        return inputs, function(*inputs, **given)
    except RuntimeError as error:
        if "not differentiable with respect to" in str(error):
            return None, None
        raise


def to_torch(x, requires_grad=False):
    """The same values as a torch tensor; what is no array stays as it is."""
    if not isinstance(x, np.ndarray):
        return x
    tensor = torch.tensor(x)
    return tensor.requires_grad_() if requires_grad and x.dtype.kind == "f" else tensor
