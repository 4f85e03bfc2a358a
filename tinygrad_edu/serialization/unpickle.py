"""A pickle reader that executes nothing: an interpreter of the instructions that plain data needs.

Python's own Unpickler calls whatever a file names, with the arguments that the file chooses. Restricting its
`find_class` is not enough to call it safe: the objects that it lets through are called with any arguments
(`bytearray(10**12)`), receive any state through `__setstate__` or `setattr`, and are hashed by recursion without a
limit, which crashes the interpreter. Here each instruction is a few lines that can be checked one by one:

* a name in the file (GLOBAL) is looked up in a table that the caller gives. It stands for a constant, or for a `Known`:
  a function of this package that checks its arguments. Nothing is imported, nothing is looked up in modules;
* REDUCE and NEWOBJ call Knowns only, BUILD is `build` of the caller, items are added to plain lists, dicts and sets;
* keys are checked before they are hashed, lengths before memory is asked for; and what calls work on is counted, for a
  file could hand one long text to a million of them.

Instructions: the documentation strings of Python's module `pickletools`.
"""

import struct
from collections import Counter, OrderedDict

from .errors import LoadError, RefusedError
from .plain import check_key


class Known:
    """What a name in a file stands for: `make(*arguments)` if it is called, else only itself."""

    def __init__(self, name, make=None):
        self.name, self.make = name, make

    def __repr__(self):
        return f"reference to {self.name}"


def read_pickle(data, find, persistent, build):
    """The object that the bytes `data` describe.

    find        find(full name): a constant, or a Known; raises RefusedError for all else
    persistent  persistent(id): what an id of the file stands for
    build       build(object, state): give an object its state
    """
    return Machine(data, find, persistent, build).run()


class Machine:
    """A stack, a memo, and the place in the data."""

    def __init__(self, data, find, persistent, build):
        self.data, self.position = data, 0
        self.find, self.persistent, self.build = find, persistent, build
        self.stack, self.outer, self.memo = [], [], {}
        self.work = 10_000 + 10 * len(data)  # items and bytes that calls may be given

    def run(self):
        data, size = self.data, len(self.data)
        while self.position < size:
            code = data[self.position]
            self.position += 1
            if code == STOP:
                if self.outer or len(self.stack) != 1:
                    raise LoadError("the pickle is damaged: it ends with a stack of other than one object")
                return self.stack[0]
            instruction = INSTRUCTIONS.get(code)
            if instruction is None:
                raise LoadError(f"the pickle has the instruction {bytes([code])!r}, which plain data does not need")
            instruction(self)
        raise LoadError("the pickle is cut off")

    # ---- reading

    def take(self, count):
        start = self.position
        if start + count > len(self.data):
            raise LoadError("the pickle is cut off")
        self.position = start + count
        return self.data[start : start + count]

    def number(self, form):
        """A number of a form of the module struct."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self):
        stop = self.data.find(b"\n", self.position)
        if stop < 0:
            raise LoadError("the pickle is cut off")
        return self.take(stop + 1 - self.position)[:-1].decode()

    def text(self, form):
        return self.take(self.number(form)).decode("utf-8", "surrogatepass")

    # ---- the stack

    def push(self, value):
        self.stack.append(value)

    def pop(self):
        if not self.stack:
            raise LoadError("the pickle is damaged: it takes more from the stack than there is")
        return self.stack.pop()

    def top(self, *kinds):
        """The last object, which must be of one of these types."""
        if not self.stack or type(self.stack[-1]) not in kinds:
            what = type(self.stack[-1]).__name__ if self.stack else "an empty stack"
            raise LoadError(f"the pickle is damaged: it adds items to {what}")
        return self.stack[-1]

    def mark(self):
        self.outer.append(self.stack)
        self.stack = []

    def items(self):
        """What was pushed since the last mark."""
        if not self.outer:
            raise LoadError("the pickle is damaged: it refers to a mark that is not there")
        items, self.stack = self.stack, self.outer.pop()
        return items

    def remember(self, key):
        if not self.stack:
            raise LoadError("the pickle is damaged: it remembers an object that is not there")
        self.memo[key] = self.stack[-1]

    def recall(self, key):
        if key not in self.memo:
            raise LoadError("the pickle is damaged: it recalls an object that it has not remembered")
        self.push(self.memo[key])

    def collect(self, count):
        """The last `count` objects as a tuple."""
        if len(self.stack) < count:
            raise LoadError("the pickle is damaged: it takes more from the stack than there is")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    # ---- containers

    def append(self, items):
        self.top(list).extend(items)

    def add(self, items):
        target = self.top(set)
        for item in items:
            check_key(item, "a set in the file", LoadError)
            target.add(item)

    def set_items(self, items):
        target = self.top(dict, OrderedDict, Counter)
        if len(items) % 2:
            raise LoadError("the pickle is damaged: a key without a value")
        for key, value in zip(items[::2], items[1::2]):
            check_key(key, "a dictionary in the file", LoadError)
            target[key] = value

    # ---- names and calls

    def name(self, module, name):
        if type(module) is not str or type(name) is not str:
            raise LoadError("the pickle is damaged: a name that is no text")
        self.push(self.find(f"{module}.{name}"))

    def call(self):
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Known) or type(arguments) is not tuple:
            raise LoadError(f"the pickle calls a {type(function).__name__}")
        if function.make is None:
            raise RefusedError(f"the file asks for a call of {function.name}, which is not made")
        self.spend(arguments)
        try:
            self.push(function.make(*arguments))
        except (TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, LoadError):
                raise
            raise LoadError(f"{function.name} in the file has arguments that it cannot have: {error}") from None

    def spend(self, values):
        self.work -= len(values)
        for value in values:
            if type(value) in (str, bytes, bytearray, list, tuple, set, dict, OrderedDict, Counter):
                self.work -= len(value)
        if self.work < 0:
            raise LoadError("the pickle would unfold to many times its size")

    def set_state(self):
        state = self.pop()
        if not self.stack:
            raise LoadError("the pickle is damaged: a state without an object")
        self.spend(state if type(state) is tuple else (state,))
        self.build(self.stack[-1], state)


def two(machine):
    second = machine.pop()
    return [machine.pop(), second]


def integer(data):
    return int.from_bytes(data, "little", signed=True)


STOP = ord(".")
INSTRUCTIONS = {ord(code): instruction for code, instruction in {
    "\x80": lambda m: m.take(1),  # the protocol
    "\x95": lambda m: m.take(8),  # the length of what follows
    "(": Machine.mark,
    "0": Machine.pop,
    "1": Machine.items,
    # constants
    "N": lambda m: m.push(None),
    "\x88": lambda m: m.push(True),
    "\x89": lambda m: m.push(False),
    "J": lambda m: m.push(m.number("<i")),
    "K": lambda m: m.push(m.number("<B")),
    "M": lambda m: m.push(m.number("<H")),
    "\x8a": lambda m: m.push(integer(m.take(m.number("<B")))),
    "\x8b": lambda m: m.push(integer(m.take(m.number("<I")))),
    "G": lambda m: m.push(m.number(">d")),
    "X": lambda m: m.push(m.text("<I")),
    "\x8c": lambda m: m.push(m.text("<B")),
    "\x8d": lambda m: m.push(m.text("<Q")),
    "B": lambda m: m.push(m.take(m.number("<I"))),
    "C": lambda m: m.push(m.take(m.number("<B"))),
    "\x8e": lambda m: m.push(m.take(m.number("<Q"))),
    "\x96": lambda m: m.push(bytearray(m.take(m.number("<Q")))),
    # containers
    "]": lambda m: m.push([]),
    "}": lambda m: m.push({}),
    "\x8f": lambda m: m.push(set()),
    ")": lambda m: m.push(()),
    "\x85": lambda m: m.collect(1),
    "\x86": lambda m: m.collect(2),
    "\x87": lambda m: m.collect(3),
    "t": lambda m: m.push(tuple(m.items())),
    "a": lambda m: m.append([m.pop()]),
    "e": lambda m: m.append(m.items()),
    "s": lambda m: m.set_items(two(m)),
    "u": lambda m: m.set_items(m.items()),
    "\x90": lambda m: m.add(m.items()),
    # the memo
    "q": lambda m: m.remember(m.number("<B")),
    "r": lambda m: m.remember(m.number("<I")),
    "\x94": lambda m: m.remember(len(m.memo)),
    "h": lambda m: m.recall(m.number("<B")),
    "j": lambda m: m.recall(m.number("<I")),
    # names and calls
    "c": lambda m: m.name(m.line(), m.line()),
    "\x93": lambda m: m.name(*two(m)),
    "R": Machine.call,
    "\x81": Machine.call,
    "b": Machine.set_state,
    "Q": lambda m: m.push(m.persistent(m.pop())),
}.items()}  # fmt: skip
