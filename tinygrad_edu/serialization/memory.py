"""Which arrays share memory: each piece of memory is written once, and the arrays that look into it say where.

Sharing is kept between arrays of one dtype whose memory really overlaps: tied weights, a matrix and its rows. One that
shares with no other is written alone and contiguously, however it lies in memory: a column of a large matrix does
not bring the matrix along.
"""

from math import prod

import numpy as np

from .errors import LoadError

MANY = 32
"""Above this many views of one piece of memory they are no longer compared pair by pair."""


class Place:
    """Where the values of an array are: `offset` and `stride`, in elements, within storage number `storage`.

    whole  whether it is all of the storage, in order
    """

    __slots__ = ("offset", "shape", "storage", "stride", "whole")

    def __init__(self, storage, offset, shape, stride, whole):
        self.storage, self.offset, self.shape, self.stride, self.whole = storage, offset, shape, stride, whole


def places(arrays):
    """(storages, places): contiguous arrays, each the memory of one or more of `arrays`, and a Place for each of these.

    A storage has the shape of the array that covers all of it, if there is one; else one dimension.
    """
    storages, found = [], [None] * len(arrays)
    for group in groups(arrays):
        members = [arrays[index] for index in group]
        first = members[0]
        number = len(storages)
        if all(layout(array) == layout(first) for array in members):
            storages.append(first if first.flags.c_contiguous else np.array(first, order="C"))
            for index in group:
                found[index] = Place(number, 0, first.shape, contiguous_stride(first.shape), True)
            continue
        start, stop = min(map(address, members)), max(map(end, members))
        cover = next((a for a in members if a.flags.c_contiguous and (address(a), end(a)) == (start, stop)), None)
        storages.append(gathered(members, start, stop) if cover is None else cover)
        for index, array in zip(group, members):
            offset = (address(array) - start) // array.itemsize
            stride = tuple(step // array.itemsize for step in array.strides)
            whole = cover is not None and layout(array) == layout(cover)
            found[index] = Place(number, offset, array.shape, stride, whole)
    return storages, found


def groups(arrays):
    """The numbers of the arrays, in lists of those that share memory; in the order of the first of each."""
    alone, by_kind = [], {}
    for index, array in enumerate(arrays):
        if array.size and all(step >= 0 and step % array.itemsize == 0 for step in array.strides):
            by_kind.setdefault((array.dtype, address(array) % array.itemsize), []).append(index)
        else:
            alone.append([index])
    found = alone
    for indices in by_kind.values():
        indices.sort(key=lambda index: address(arrays[index]))
        group, stop = [], 0
        for index in indices:
            if group and address(arrays[index]) >= stop:
                found += overlapping(group, arrays)
                group = []
            group.append(index)
            stop = max(stop, end(arrays[index])) if len(group) > 1 else end(arrays[index])
        found += overlapping(group, arrays)
    return sorted((sorted(group) for group in found), key=lambda group: group[0])


def overlapping(group, arrays):
    """Arrays whose extents overlap, in lists of those that share elements: two columns of a matrix do not."""
    if len(group) > MANY or all(arrays[index].flags.c_contiguous for index in group):
        return [group]
    parts = []
    for index in group:
        joined, others = [index], []
        for part in parts:
            (joined.extend if any(share(arrays[index], arrays[other]) for other in part) else others.append)(part)
        parts = [*others, joined]
    return parts


def share(a, b):
    try:
        return np.shares_memory(a, b, max_work=1000)
    except np.exceptions.TooHardError:
        return True


def gathered(members, start, stop):
    """One-dimensional memory that holds the values of all members at the distances that they have. Gaps are zeros:
    what lies in memory between them is nobody's business."""
    dtype = members[0].dtype
    memory = np.zeros((stop - start) // dtype.itemsize, dtype)
    for array in members:
        np.ndarray(array.shape, dtype, memory, address(array) - start, array.strides)[...] = array
    return memory


def view(storage, offset, shape, stride, what):
    """The array that a Place describes, in the memory of `storage`; checked, since it comes from a file."""
    numbers = (offset, *shape, *stride)
    if len(shape) != len(stride) or any(type(n) is not int or n < 0 for n in numbers):
        raise LoadError(f"{what}: offset {offset}, shape {shape} and stride {stride} describe no array")
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride))
    if prod(shape) and last >= storage.size:
        raise LoadError(
            f"{what}: offset {offset}, shape {shape} and stride {stride} reach to element {last} of a storage of "
            f"{storage.size} elements"
        )
    try:
        if 0 in shape:
            return np.empty(shape, storage.dtype)
        if offset == 0 and tuple(stride) == contiguous_stride(shape) and prod(shape) == storage.size:
            return storage.reshape(shape)
        steps = tuple(step * storage.itemsize for step in stride)
        return np.ndarray(shape, storage.dtype, storage, offset * storage.itemsize, steps)
    except (ValueError, OverflowError) as error:
        raise LoadError(f"{what}: no array can have shape {shape}: {error}") from None


def widened(bits):
    """float32 numbers from the bits of bfloat16, which are their upper halves."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def contiguous_stride(shape):
    """The stride, in elements, of a contiguous array."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def address(array):
    """Where the first element lies."""
    return array.__array_interface__["data"][0]


def end(array):
    """Where the memory ends that an array without negative strides looks into."""
    return address(array) + sum((size - 1) * step for size, step in zip(array.shape, array.strides)) + array.itemsize


def layout(array):
    return address(array), array.shape, array.strides
