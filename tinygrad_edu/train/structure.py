"""Batches: which part of one is the model's input, and which the target."""

from ..tensor import Tensor, of_array

__all__ = ["batch_size_of", "detached", "mapped", "split"]


def mapped(function, values):
    """The function applied to every item of tuples, lists and dicts within each other; lists become tuples."""
    if isinstance(values, dict):
        return {key: mapped(function, value) for key, value in values.items()}
    if isinstance(values, (tuple, list)):
        items = [mapped(function, value) for value in values]
        return type(values)(*items) if hasattr(values, "_fields") else tuple(items)
    return function(values)


def detached(values):
    """Tensors, also within tuples and dicts, without their graph."""
    if isinstance(values, Tensor):
        return of_array(values.array, None)
    if isinstance(values, (tuple, list, dict)):
        return mapped(detached, values)
    return values


def split(batch):
    """(the arguments of the model, the target) of a batch: (inputs, target), (inputs,) or one Tensor.

    Inputs that are a tuple or a list are several arguments. Without a target the inputs are the target.
    """
    kind = type(batch)
    if kind is list or kind is tuple or isinstance(batch, (tuple, list)):
        if len(batch) == 2:
            inputs, target = batch
        elif len(batch) == 1:
            inputs = target = batch[0]
        else:
            raise ValueError(
                f"a batch is (inputs, target) or (inputs,), and this one has {len(batch)} parts; several inputs belong "
                "into a tuple of their own, ((a, b), target), and so do several targets"
            )
    elif isinstance(batch, dict):
        raise TypeError(
            f"a batch is (inputs, target), and this one is a dict with {list(batch)}; give the DataLoader a collate_fn "
            "that returns such a pair"
        )
    else:
        inputs = target = batch
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,), target


def batch_size_of(inputs):
    """How many samples a batch has: the first size of the first array in it."""
    for value in inputs:
        if isinstance(value, Tensor):
            if value.array.ndim:
                return value.array.shape[0]
        elif isinstance(value, (tuple, list, dict)):
            return batch_size_of(value.values() if isinstance(value, dict) else value)
        elif hasattr(value, "__len__"):
            return len(value)
    raise ValueError("the batch has no input with a first dimension, which counts the samples")
