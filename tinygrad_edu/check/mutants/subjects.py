"""What faults are planted into: the gradient rules of operations, and `backward` of custom Functions, in one form.

A subject counts its gradients: number k is that of operand k. Its methods change one of them, or what it is computed
from, for good: in a process made for the purpose, or in a copy of an operation.
"""

import copy
import functools

import numpy as np

from ...autograd.function import Function, FunctionOp
from ...calls import (
    has_one_operand,
    is_simple,
    make_binary,
    make_general,
    make_unary,
    make_with_attributes,
)
from ...define import OPS
from ...operation import Op
from ...tensor import Tensor

IN_PLACE = "in place"
"""The "number" of the rule that adds a gradient to another in place (`adds`)."""

SQUARE, BROADCAST = "square", "broadcast"
"""What a gradient may be in some tests only, and a fault may need it to be: of two equal dimensions, the last ones; of
the shape of the result, while the operand has a smaller one."""

AXES = frozenset(("dim", "dims", "dim0", "dim1", "dim2", "axis", "axes"))
"""Attributes that say along which dimensions an operation works."""


class TableOperation:
    """An operation defined by `op`, whose gradients come from a rule each, or from a joint one."""

    def __init__(self, entry):
        self.entry = entry
        self.original = copy.copy(entry)
        self.name = entry.name
        self.module = entry.kernel.__module__

    @property
    def numbers(self):
        """The numbers of the operands that have gradients. (Of any number of operands the first two stand for all.)"""
        if self.entry.joint is not None:
            return list(range(len(self.entry.operands) or 2))
        return [number for number, rule in enumerate(self.entry.rules) if rule is not None]

    def has_gradients_beside(self, numbers):
        """Whether more gradients exist than those computed: a joint rule that has run has shown all that it gives."""
        return self.original.joint is None or not numbers

    @property
    def adds_in_place(self):
        return self.entry.adds is not None

    def operand(self, number):
        """What users call operand `number`."""
        if number == IN_PLACE:
            return f"{self.entry.operands[0]} {IN_PLACE}"
        return self.entry.operands[number] if self.entry.operands else f"operand {number}"

    @property
    def functions(self):
        """[(numbers of the gradients that it computes, number or None if it is for all, the function)]."""
        if self.original.joint is not None:
            return [(self.numbers, None, self.original.joint)]
        return [([number], number, self.original.rules[number]) for number in self.numbers]

    def values_named(self, wanted):
        """[(number, or None for all, name)]: what the rules ask for, if wanted(name)."""
        return [
            (None if self.entry.joint is not None else number, name)
            for number, names in enumerate(self.entry.names)
            for name in names
            if wanted(name)
        ]

    @property
    def kept(self):
        """[(number, or None for all, name)] of the arrays that rules find kept."""
        arrays = {*self.entry.operands, *self.entry.saves, "out", "operands"}
        return self.values_named(arrays.__contains__)

    @property
    def axes(self):
        """[(number, or None for all, name)] of the settings that are dimensions."""
        return self.values_named(AXES.__contains__)

    def replace(self, number, function):
        """Put another function in the place of rule `number`, or of the joint rule (None)."""
        if number is None:
            self.entry.joint = function
        else:
            self.entry.rules = (*self.entry.rules[:number], function, *self.entry.rules[number + 1 :])

    def change_result(self, number, change):
        """Have gradient `number`, d, replaced by change(d, g)."""
        entry = self.entry
        if number == IN_PLACE:
            adds = entry.adds

            def changed_adds(total, g, *values):
                d = np.zeros_like(total)
                adds(d, g, *values)
                np.add(total, change(d, g), out=total)

            entry.adds = changed_adds
        elif entry.joint is not None:
            joint = entry.joint
            self.replace(None, lambda g, *values: with_item(joint(g, *values), number, lambda d: change(d, g)))
        else:
            rule = entry.rules[number]
            self.replace(number, lambda g, *values: change(rule(g, *values), g))

    def change_value(self, number, name, change, note):
        """Have rule `number` (or the joint rule) given change(value) for the value that it calls `name`; note(right,
        wrong) is called with a function that gives the right result and with the wrong one."""
        entry = self.entry
        rule = entry.joint if number is None else entry.rules[number]
        place = entry.names[number or 0].index(name)

        def changed(g, *values):
            other = change(values[place])
            if other is None:
                return rule(g, *values)
            wrong = rule(g, *values[:place], other, *values[place + 1 :])
            note(lambda: rule(g, *values), wrong)
            return wrong

        self.replace(number, changed)

    def exchange(self, first, second, note):
        """Have two operands given each other's gradient."""
        entry = self.entry
        if entry.joint is not None:
            joint = entry.joint

            def exchanged(g, *values):
                right = list(joint(g, *values))
                wrong = list(right)
                wrong[first], wrong[second] = right[second], right[first]
                note(lambda: right, wrong)
                return wrong

            self.replace(None, exchanged)
            return
        # each of the two rules must find what either asks for, so that both can be computed and compared
        known = (*entry.operands, "out")
        names = {*entry.names[first], *entry.names[second]}
        union = tuple(sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name)))
        right = {number: picking(entry.rules[number], entry.names[number], union) for number in (first, second)}

        def given(rule, other):
            def exchanged(g, *values):
                wrong = other(g, *values)
                note(lambda: rule(g, *values), wrong)
                return wrong

            return exchanged

        self.replace(first, given(right[first], right[second]))
        self.replace(second, given(right[second], right[first]))
        entry.names = tuple([union if n in (first, second) else names for n, names in enumerate(entry.names)])
        self.rebind()

    def rebind(self):
        """Have the operation's function keep what the rules ask for now: it chose what to keep when it was made."""
        entry = self.entry
        if hasattr(entry, "call"):  # else it is being defined
            entry.call = refit(entry, maker_of(entry)(entry))


def maker_of(entry):
    """Which of the functions in `calls` makes the function of an operation: as `define.op` decides."""
    if is_simple(entry):
        return make_unary if len(entry.operands) == 1 else make_binary
    return make_with_attributes if has_one_operand(entry) else make_general


def refit(entry, made):
    """Have an operation's function, which modules all over hold, do as `made`, a function of the same source, does."""
    call = entry.call
    if call.op is not entry:  # a copy of an operation: it gets a function of its own
        return made
    for cell, other in zip(call.__closure__, made.__closure__):
        if other.cell_contents is not made:
            cell.cell_contents = other.cell_contents
    return call


def picking(rule, names, union):
    """The rule as a function of the values named by `union`."""
    places = [union.index(name) for name in names]
    return lambda g, *values: rule(g, *[values[place] for place in places])


def with_item(items, number, change):
    """The items, item `number` replaced by change(item), if there is one and it is not None."""
    items = list(items)
    if number < len(items) and items[number] is not None:
        items[number] = change(items[number])
    return items


class CustomFunction:
    """A subclass of autograd.Function, whose gradients come from its `backward`."""

    adds_in_place = False

    def __init__(self, cls, numbers=()):
        self.cls = cls
        self.original = cls.backward
        self.name = f"{cls.__module__}.{cls.__qualname__}".replace(".<locals>", "")
        self.module = cls.__module__
        self.numbers = list(numbers)  # found by running it: of which arguments it returns gradients

    def has_gradients_beside(self, numbers):
        """Whether more gradients exist than those computed: nobody knows but by running backward."""
        return False

    def operand(self, number):
        code = getattr(self.cls.forward, "__code__", None)
        names = () if code is None else code.co_varnames[: code.co_argcount]
        if self.cls.setup_context is Function.setup_context:
            names = names[1:]
        return names[number] if number < len(names) else f"argument {number}"

    @property
    def functions(self):
        return [(self.numbers, None, self.original)]

    kept = ((None, "saved tensors"),)
    axes = ((None, "ctx.dim"),)

    def replace(self, number, function):
        functools.update_wrapper(function, self.cls.backward)
        self.cls.backward = staticmethod(function)

    def change_result(self, number, change):
        right = self.cls.backward

        def backward(ctx, *gs):
            answer = right(ctx, *gs)
            items = answer if isinstance(answer, (tuple, list)) else (answer,)
            g = next((g for g in gs if g is not None), None)
            return tuple(with_item(items, number, lambda d: change(d, g)))

        self.replace(None, backward)

    def change_value(self, number, name, change, note):
        right = self.cls.backward

        def backward(ctx, *gs):
            other = copy.copy(ctx)
            changed = {}
            if name == "ctx.dim":
                changed = {key: change(value) for key, value in vars(ctx).items() if key in AXES}
            else:
                other._saved = change(ctx._saved)
                if other._saved is None:
                    other._saved = ctx._saved
                    changed = {key: change(value) for key, value in vars(ctx).items()}
            changed = {key: value for key, value in changed.items() if value is not None}
            vars(other).update(changed)
            if not changed and other._saved is ctx._saved:
                return right(ctx, *gs)
            wrong = right(other, *gs)
            note(lambda: right(ctx, *gs), wrong)
            return wrong

        self.replace(None, backward)

    def exchange(self, first, second, note):
        right = self.cls.backward

        def backward(ctx, *gs):
            answer = list(right(ctx, *gs))
            wrong = list(answer)
            wrong[first], wrong[second] = answer[second], answer[first]
            note(lambda: answer, wrong)
            return tuple(wrong)

        self.replace(None, backward)


class Watch:
    """Calls visit(subject) for every operation and Function that there is, and for each that is defined later.

    A test may define its own, in its body: then there is nothing to plant a fault into before it runs.
    """

    def __init__(self, visit):
        self.visit = visit

    def start(self):
        for entry in list(OPS.values()):
            self._operation(entry)
        for cls in subclasses(Function):
            if "_operation" in vars(cls):
                self.visit(CustomFunction(cls))
        make_op, make_function_op = Op.__init__, FunctionOp.__init__

        def op_made(entry, *args, **facts):
            make_op(entry, *args, **facts)
            self._operation(entry)

        def function_op_made(operation, function):
            make_function_op(operation, function)
            self.visit(CustomFunction(function))

        Op.__init__, FunctionOp.__init__ = op_made, function_op_made

    def _operation(self, entry):
        if entry.differentiable:
            self.visit(TableOperation(entry))


def subclasses(cls):
    """All classes derived from one, at any distance."""
    found = list(cls.__subclasses__())
    for other in found:  # grows while it is read
        found.extend(x for x in other.__subclasses__() if x not in found)
    return found


def record_runs(subject, note):
    """Have note(number, d) called whenever d, the gradient of that operand, has been computed."""
    if isinstance(subject, CustomFunction):
        right = subject.cls.backward

        def backward(ctx, *gs):
            answer = right(ctx, *gs)
            for number, d in enumerate(answer if isinstance(answer, (tuple, list)) else (answer,)):
                if d is not None:
                    note(number, d)
            return answer

        subject.replace(None, backward)
        return
    entry = subject.entry

    def noting(number):
        def change(d, g):
            if d is not None:
                note(number, d)
            return d

        return change

    if entry.joint is not None:
        joint = entry.joint

        def recorded(g, *values):
            ds = joint(g, *values)
            for number, d in enumerate(ds):
                if d is not None:
                    note(number, d)
            return ds

        subject.replace(None, recorded)
        return
    for number in subject.numbers:
        subject.change_result(number, noting(number))
    if entry.adds is not None:
        adds = entry.adds

        def recorded_adds(total, g, *values):
            note(IN_PLACE, total)
            adds(total, g, *values)

        entry.adds = recorded_adds


def is_square(d):
    """Whether a gradient's last two dimensions are equal, and more than 1."""
    return d.ndim > 1 and d.shape[-1] == d.shape[-2] > 1


def same(a, b):
    """Whether two gradients (or lists of them) are equal up to rounding."""
    if isinstance(a, (tuple, list)) or isinstance(b, (tuple, list)):
        a, b = (x if isinstance(x, (tuple, list)) else [x] for x in (a, b))
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if a is None or b is None:
        return a is b
    a, b = (np.asarray(x.array if isinstance(x, Tensor) else x) for x in (a, b))
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=1e-300, equal_nan=True)
