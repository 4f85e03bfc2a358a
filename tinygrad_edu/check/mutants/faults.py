"""The faults: ways for a gradient to be wrong, each a class. `faults_of` makes all that an operation can have.

A fault says whether the place was ever `reached`, and whether it `fired`, that is, changed a gradient: one that never
did is no fault that any test could notice with the values that it uses.
"""

import numpy as np

from ... import engine
from ...tensor import Tensor
from . import rewriting
from .subjects import BROADCAST, IN_PLACE, SQUARE, TableOperation, is_square, same


class Fault:
    """One fault in one gradient of one operation.

    name     says which, for the operation: "scale x"
    numbers  of the gradients that it spoils: tests in which none of them is computed cannot notice it
    about    the same in words
    """

    kind = None
    about = ""
    trait = None  # what the gradient must be for the fault to change anything
    counts_unreached = False  # whether never to be reached is the tests' fault

    def __init__(self, numbers, name):
        self.numbers = tuple(numbers)
        self.name = name
        self.fired = self.reached = False

    def note(self, right, wrong):
        """Compare a wrong result with the one that right() gives, unless it is known already that they differ."""
        self.reached = True
        if not self.fired:
            self.fired = not same(right(), wrong)

    def plant(self, subject):
        raise NotImplementedError

    @property
    def keys(self):
        """What a test must have computed to notice the fault: one of these, as the baseline notes them."""
        return [number if self.trait is None else f"{number} {self.trait}" for number in self.numbers]

    def remove(self):
        """Undo what `plant` did outside of the subject."""

    def __repr__(self):
        return f"<fault {self.name}>"


# ---- faults of the result


class ResultFault(Fault):
    """The gradient is computed, and then changed."""

    def __init__(self, subject, number):
        super().__init__((number,), f"{self.kind} {subject.operand(number)}")
        self.number = number

    def plant(self, subject):
        subject.change_result(self.number, self.spoiled)

    def spoiled(self, d, g):
        if d is None:
            return None
        wrong = self.wrong(d, g)
        self.note(lambda: d, wrong)
        return wrong

    @staticmethod
    def wrong(d, g):
        """What becomes of the gradient d; g is the gradient of the result."""
        raise NotImplementedError


class Scale(ResultFault):
    """One percent too large: a wrong constant."""

    kind = "scale"
    about = "the gradient is 1.01 times what it should be"

    @staticmethod
    def wrong(d, g):
        return d * 1.01


class Sign(ResultFault):
    """The wrong sign."""

    kind = "sign"
    about = "the gradient has the wrong sign"

    @staticmethod
    def wrong(d, g):
        return -d


class Zero(ResultFault):
    """No gradient at all: a forgotten path."""

    kind = "zero"
    about = "the gradient is 0"

    @staticmethod
    def wrong(d, g):
        return d * 0


class Transpose(ResultFault):
    """Rows for columns, where the gradient is square, so that shapes do not tell."""

    kind, trait = "transpose", SQUARE
    about = "rows and columns of a square gradient are exchanged"

    @staticmethod
    def wrong(d, g):
        if not is_square(d):
            return d
        return d.swapaxes(-1, -2) if isinstance(d, np.ndarray) else d.transpose(-1, -2)


class Offset(ResultFault):
    """Too large by a constant times the incoming gradient's sum: right wherever one looks at differences only."""

    kind = "offset"
    about = "every element of the gradient is too large by the same amount"

    @staticmethod
    def wrong(d, g):
        return d + 0.01 * (1.0 if g is None or isinstance(g, tuple) else g.sum())


# ---- faults of what a rule is given


class Stale(Fault):
    """The rule finds other values in an array that was kept for it: somebody has written into it since."""

    kind = "stale"

    def __init__(self, subject, number, name):
        operand = "" if number is None or subject.operand(number) == name else f" for {subject.operand(number)}"
        super().__init__(subject.numbers if number is None else (number,), f"stale {name}{operand}")
        self.number, self.value = number, name
        self.about = f"the rule finds other values in `{name}`, which was kept for it"

    def plant(self, subject):
        subject.change_value(self.number, self.value, aged, self.note)


def aged(value):
    """Other floating values of the same form; None if there are none. Of a tuple the first such item is changed."""
    if isinstance(value, tuple):
        for place, item in enumerate(value):
            other = aged(item)
            if other is not None:
                return (*value[:place], other, *value[place + 1 :])
        return None
    array = value.array if isinstance(value, Tensor) else value
    if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind == "f" and array.size:
        return 0.5 - value
    return None


class Axis(Fault):
    """The rule works along the dimension next to the right one."""

    kind = "axis"

    def __init__(self, subject, number, name):
        operand = "" if number is None else f" for {subject.operand(number)}"
        super().__init__(subject.numbers if number is None else (number,), f"axis {name}{operand}")
        self.number, self.value = number, name
        self.about = f"the rule takes the dimension next to `{name}`"

    def plant(self, subject):
        subject.change_value(self.number, self.value, neighbour, self.note)


def neighbour(dim):
    """The dimension next to a dimension; of several, one is replaced. None where none is named."""
    if isinstance(dim, (tuple, list)) and dim and all(isinstance(d, int) for d in dim):
        moved = (neighbour(dim[0]), *dim[1:])
        return moved if len(set(moved)) == len(dim) else (*dim[1:], dim[0])
    if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
        return None
    return {0: 1, -1: -2}.get(dim, dim - 1 if dim > 0 else dim + 1)


class Exchange(Fault):
    """Two operands get each other's gradient."""

    kind = "exchange"

    def __init__(self, subject, first, second):
        names = subject.operand(first), subject.operand(second)
        super().__init__((first, second), "exchange {} and {}".format(*names))
        self.pair = first, second
        self.about = "`{}` gets the gradient of `{}`, and the other way round".format(*names)

    def plant(self, subject):
        subject.exchange(*self.pair, self.note)


class Drop(Fault):
    """A factor of a product in the rule's source is missing."""

    kind = "drop"
    counts_unreached = True

    def __init__(self, numbers, number, operand, part, place, text):
        super().__init__(numbers, f"{operand}: {text}" if operand else text)
        self.number, self.part, self.place = number, part, place
        self.about = "a factor is missing in the rule"

    def plant(self, subject):
        ((*_, rule),) = (function for function in subject.functions if function[1] == self.number)
        subject.replace(self.number, rewriting.without_factor(rule, self.part, self.place, self.dropped, self.ignored))

    def dropped(self, left, right, stays, quotient):
        wrong = (left, right)[stays]
        self.note(lambda: left / right if quotient else left * right, wrong)
        return wrong

    def ignored(self, factor):
        self.note(lambda: factor, np.ones_like(factor.array if isinstance(factor, Tensor) else factor))
        return 1


class Unsummed(Fault):
    """The gradient of an operand that was broadcast is not summed: one of the terms is taken instead."""

    kind, trait = "unbroadcast", BROADCAST

    def __init__(self, subject, number):
        super().__init__((number,), f"unbroadcast {subject.operand(number)}")
        self.number = number
        self.about = "where the operand was broadcast, the gradient is one of the terms instead of their sum"

    def plant(self, subject):
        latest = []  # what the rule has just returned: the engine sums it next
        right = self.right = engine.fitted

        def remember(d, g):
            latest[:] = [d]
            return d

        def fitted(d, node):
            if latest and latest[0] is d and d.shape != node.shape:
                latest.clear()
                wrong = first_slice(d, node.shape)
                self.note(lambda: right(d, node), wrong)
                d = wrong
            return right(d, node)

        subject.change_result(self.number, remember)
        engine.fitted = fitted

    def remove(self):
        engine.fitted = self.right


def first_slice(d, shape):
    """What a forgotten sum over broadcast dimensions looks like: one of the terms."""
    d = d[(0,) * (d.ndim - len(shape))]
    d = d[tuple([slice(size) for size in shape])]
    return np.array(d) if isinstance(d, np.ndarray) else d


RESULT_FAULTS = (Scale, Sign, Zero, Transpose, Offset)
KINDS = tuple([kind.kind for kind in (*RESULT_FAULTS, Stale, Axis, Exchange, Drop, Unsummed)])


def faults_of(subject, kinds=None):
    """All faults of an operation: of some kinds only, if `kinds` names them."""
    faults = list(_faults_of(subject))
    seen = {}
    for fault in faults:  # the same change may be possible in two places
        seen[fault.name] = count = seen.get(fault.name, 0) + 1
        if count > 1:
            fault.name += f" ({count})"
    return [fault for fault in faults if kinds is None or fault.kind in kinds]


def _faults_of(subject):
    numbers = subject.numbers
    for number in numbers:
        for kind in RESULT_FAULTS:
            yield kind(subject, number)
    if subject.adds_in_place:
        for kind in RESULT_FAULTS:
            yield kind(subject, IN_PLACE)
    for number, name in subject.kept:
        yield Stale(subject, number, name)
    for number, name in subject.axes:
        yield Axis(subject, number, name)
    for first, second in zip(numbers, numbers[1:]):
        yield Exchange(subject, first, second)
    for computed, number, rule in subject.functions:
        operand = "" if number is None else subject.operand(number)
        for part, place, text in rewriting.factors_of(rule):
            yield Drop(computed, number, operand, part, place, text)
    if isinstance(subject, TableOperation) and len(numbers) > 1:
        for number in numbers:
            yield Unsummed(subject, number)
