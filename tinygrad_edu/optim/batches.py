"""Batches: parameters of one group that take a step together, and how their arrays are laid out for it.

An optimizer that works element by element need not care which element belongs to which parameter. So the small
parameters of a batch, for which the calls of NumPy cost more than the arithmetic, are joined into one array; large ones
are cut into blocks that stay in the second-level cache while the kernel passes over them; and very many elements are
shared out between threads. What an optimizer remembers of small parameters lives in joined arrays all the time, and
`Optimizer.state` holds views of them.
"""

import numpy as np

from .. import blocks
from ..clock import calling_line, owner_of, tick, writes
from ..modes import state as thread
from ..threads import at_once, get_num_threads

JOINED = 1 << 12
"""Parameters of at most so many elements are joined."""

CUT = 1 << 17
"""Parameters of more elements are cut into blocks."""

BLOCK = 1 << 15
"""Elements of a block: the four to six arrays of a kernel fit into half a megabyte."""

SHARE = 1 << 17
"""Elements of a block, and that a thread takes at a time, where threads share the work. With fewer they would meet at
the interpreter's lock too often, which costs more than the cache gives."""


def apply(operation, name, params, *arguments):
    """Run `operation` of the table on lists of arrays, the first of which it overwrites, and note the writes as
    `name`."""
    thread.quiet(operation.op.kernel, params, *arguments)
    note(params, name)


def note(arrays, name):
    """Say that an optimizer's method `name` has written into the arrays of parameters.

    All optimizers do, so that whoever wants to see all updates has one place to look, and a graph that needs an old
    value says so.
    """
    place = calling_line()
    for array in arrays:
        writes.note(array, name, place)


class Batch:
    """Parameters of equal dtype that have taken equally many steps.

    members  (parameter, state) pairs; the arrays in the states must have the shapes of their parameters
    names    which entries of the states are arrays
    numbers  which entries are numbers, equal in all states: 0-dimensional tensors, as PyTorch has them
    first    whether the batch has not taken a step yet
    joins    from how many small parameters on it pays to join them
    """

    def __init__(self, members, names, numbers, first, joins):
        self.states = [state for _, state in members]
        self.arrays = [p.array for p, _ in members]
        self.first, self.writes = first, None
        self._lay_out(joins)
        self.lists = {name: self._state_pieces(name) for name in names}
        self.numbers, self._values = {}, {}
        for name in numbers:
            self.numbers[name] = self._joined_numbers(name)
            self._values[name] = self.numbers[name].tobytes()

    def _lay_out(self, joins):
        """Decide which parameters are joined, which are cut, and which are left alone."""
        overlapping = overlaps(self.arrays)
        self.small, self.large, self.alone = [], [], []
        for i, array in enumerate(self.arrays):
            if i in overlapping or not array.flags.c_contiguous:
                self.alone.append(i)
            else:
                (self.small if array.size <= JOINED else self.large).append(i)
        if len(self.small) < joins:
            self.large, self.small = sorted(self.large + self.small), []
        self.joined, self.joined_grad, self.back, self.pieces = None, None, [], []
        if self.small:
            dtype, ends = self.arrays[0].dtype, np.cumsum([self.arrays[i].size for i in self.small]).tolist()
            self.joined, self.joined_grad = np.empty(ends[-1], dtype), np.empty(ends[-1], dtype)
            self.places = [(i, slice(start, end)) for i, start, end in zip(self.small, [0, *ends], ends)]
            self.flat = [self.arrays[i].reshape(-1) for i in self.small]
            self.back = [(self.arrays[i], self.joined[place].reshape(self.arrays[i].shape)) for i, place in self.places]
            self.pieces.append(self.joined)
        total = sum(array.size for array in self.arrays)
        shared = total > blocks.LARGE and get_num_threads() > 1 and not self.alone
        self.cuts = [cuts(self.arrays[i].size, SHARE if shared else BLOCK) for i in self.large]
        self.pieces += self._cut([self.arrays[i] for i in self.large]) + [self.arrays[i] for i in self.alone]
        self.ranges = shares(self.pieces) if shared else None

    def _cut(self, arrays):
        pieces = []
        for array, slices in zip(arrays, self.cuts):
            if slices is None:
                pieces.append(array)
            else:
                flat = array.reshape(-1)
                pieces += [flat[part] for part in slices]
        return pieces

    def _state_pieces(self, name):
        """The pieces of an entry of the states. The arrays of small parameters move into a joined one, and the tensors
        in the states become views of it."""
        pieces = []
        if self.small:
            joined = np.concatenate([self.states[i][name].array.reshape(-1) for i in self.small])
            for i, place in self.places:
                self.states[i][name].array = joined[place].reshape(self.arrays[i].shape)
            pieces.append(joined)
        for i in self.large:
            tensor = self.states[i][name]
            if not tensor.array.flags.c_contiguous:
                tensor.array = np.ascontiguousarray(tensor.array)
        pieces += self._cut([self.states[i][name].array for i in self.large])
        return pieces + [self.states[i][name].array for i in self.alone]

    def _joined_numbers(self, name):
        first = self.states[0][name].array
        joined = np.full(len(self.states), first, first.dtype)
        for i, state in enumerate(self.states):
            state[name].array = joined[i : i + 1].reshape(())
        return joined

    def intact(self):
        """Whether nobody has changed the numbers of the states since the last step."""
        return all(joined.tobytes() == self._values[name] for name, joined in self.numbers.items())

    def get(self, name):
        """The number `name` of the states, for example "step"."""
        return self.numbers[name].item(0)

    def set(self, name, value):
        """Set the number `name` in all states; returns what it has become in the dtype of the states."""
        joined = self.numbers[name]
        joined.fill(value)
        self._values[name] = joined.tobytes()
        return joined.item(0)

    def count(self):
        """Add one to the number of steps, and return it."""
        return self.set("step", self.get("step") + 1)

    def apply(self, operation, name, grads, states, *settings):
        """Run operation(params, grads, *states, *settings) on the batch, where `states` names entries of the states
        (or is None where a list may be missing), and note the writes as `name`."""
        pieces = []
        if self.small:
            np.concatenate(self.flat, out=self.joined)
            np.concatenate([grads[i].reshape(-1) for i in self.small], out=self.joined_grad)
            pieces.append(self.joined_grad)
        if self.large:
            pieces += self._cut([grads[i] for i in self.large])
        pieces += [grads[i] for i in self.alone]
        lists = [self.pieces, pieces, *(None if entry is None else self.lists[entry] for entry in states)]
        if self.ranges is None:
            thread.quiet(operation.op.kernel, *lists, *settings)
        else:
            self._share_out(operation.op.kernel, lists, settings)
        for array, piece in self.back:
            np.copyto(array, piece)
        self._note(name)
        self.first = False

    def _note(self, name):
        """`note` for the arrays of the batch; after the first time without looking for the owners of their memory."""
        if self.writes is None:
            note(self.arrays, name)
            self.writes = [writes.by_owner[id(owner_of(array))] for array in self.arrays]
        else:
            writes.latest = time = tick()
            place = calling_line()
            for write in self.writes:
                write.time, write.operation, write.place = time, name, place

    def _share_out(self, kernel, lists, settings):
        ranges = iter(self.ranges)

        def work():
            for part in ranges:  # the threads take turns at the same iterator
                kernel(*[pieces if pieces is None else pieces[part] for pieces in lists], *settings)

        thread.quiet(at_once, work)


def cuts(size, block):
    """The slices into which an array of so many elements is cut, each of `block` elements; None if it stays whole."""
    return None if size <= CUT else [slice(k, k + block) for k in range(0, size, block)]


def shares(pieces):
    """Slices of a list of arrays, each of `SHARE` elements or a few more."""
    ranges, start, size = [], 0, 0
    for i, piece in enumerate(pieces):
        size += piece.size
        if size >= SHARE:
            ranges.append(slice(start, i + 1))
            start, size = i + 1, 0
    return [*ranges, slice(start, len(pieces))] if start < len(pieces) else ranges


def overlaps(arrays):
    """The numbers of arrays that may share memory with another one of the list: parameters tied through their
    memory."""
    found, bounds = set(), sorted((*extent(array), i) for i, array in enumerate(arrays) if array.size)
    reach = last = -1
    for start, end, i in bounds:
        if start < reach:
            found |= {i, last}
        if end > reach:
            reach, last = end, i
    return found


def extent(array):
    """The addresses of the first byte of an array, and of the first one behind it."""
    start = array.__array_interface__["data"][0]
    steps = [(n - 1) * step for n, step in zip(array.shape, array.strides)]
    before, behind = sum(step for step in steps if step < 0), sum(step for step in steps if step > 0)
    return start + before, start + behind + array.itemsize
