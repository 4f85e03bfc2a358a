"""Drawing what is repeated once, with its count: twelve equal blocks of a transformer, the steps of an unrolled RNN.

Within each cluster, and outside of all, operations and inner clusters form a sequence of *items*. A repetition is a
stretch of it that consists of `count` equal parts of `period` items, one after another, where

* corresponding items are equal: same operations, settings but for numbers in them, shapes, inner edges;
* corresponding operands are the same vertex (shared weights), or leaves of equal shape that belong to one part alone
  (each block has its own), or results of items that lie equally far back: in the same part or in the one before.

The first part stays, the others become its copies. Clusters are searched from the innermost outwards and short periods
before long ones, so that repetitions of repetitions are found as well. Nothing recurses.
"""

import re

import numpy as np

from .clusters import Cluster, chain
from .vertex import LEAVES

LONGEST = 500
"""Periods up to this number of items are searched for."""
WORTH = 4
"""At least so many operations must be saved."""

NUMBER = re.compile(r"\d+")


def rolled(vertices):
    """(vertices, loops, saved): the vertices without repetitions; [(vertex, user of its result in the next round)]; how
    many operations are not drawn."""
    sequences = {None: []}  # cluster -> its items
    for vertex in vertices:
        if vertex.kind not in LEAVES and vertex.kind != "output":
            around = None
            for cluster in chain(vertex.cluster):
                if cluster not in sequences:
                    sequences[cluster] = []
                    sequences[around].append(cluster)
                around = cluster
            sequences[around].append(vertex)
    rolling = Rolling(vertices, sequences)
    for cluster in sorted(sequences, key=lambda cluster: -1 if cluster is None else cluster.depth, reverse=True):
        rolling.search(cluster)
    return rolling.result()


class Rolling:
    """Finds repetitions and notes which vertex stands for which."""

    def __init__(self, vertices, sequences):
        self.vertices, self.sequences = vertices, sequences
        self.instead = {}  # vertex -> the one that is drawn in its place
        self.loops, self.saved = {}, 0
        self.label_numbers, self.users = {}, {}
        for vertex in vertices:
            for operand in vertex.operands:
                if operand.kind in LEAVES:
                    self.users.setdefault(operand, set()).add(vertex)

    def drawn(self, vertex):
        """The vertex that is drawn for this one."""
        while vertex in self.instead:
            vertex = self.instead[vertex]
        return vertex

    def search(self, level):
        """Roll up what is repeated in the sequence of one cluster."""
        items = [Item(thing, self) for thing in self.sequences[level]]
        slots, period = Slots(items, self.label_numbers), 1
        while period <= min(len(items) // 2, LONGEST):
            shift = done = 0
            for starts, stop in slots.candidates(period):
                for start in dict.fromkeys([max(start, done) for start in starts]):
                    count, begin = (stop - start) // period, start - shift
                    rounds = [items[begin + round * period : begin + (round + 1) * period] for round in range(count)]
                    if count > 1 and self.consistent(rounds):
                        items[begin : begin + period * count] = [self.roll(rounds, level)]
                        shift += period * count - 1
                        done = start + period * count
                        break
            if shift:
                items = [Item(item.thing, self) for item in items]
                slots = Slots(items, self.label_numbers)
            period += 1
        self.sequences[level] = [item.thing for item in items]

    def consistent(self, rounds):
        """Whether each round does the same with corresponding operands."""
        places = [{vertex: i for i, vertex in enumerate(vertices_of(part))} for part in rounds]
        size = len(places[0])
        if (len(rounds) - 1) * size < WORTH or len(rounds) == 2 and size <= WORTH:
            return False
        known = {}  # a leaf of any round -> those that correspond to it
        for operands in zip(*[operands_of(part) for part in rounds]):
            operands = [self.drawn(operand) for operand in operands]
            here = {place.get(operand) for place, operand in zip(places, operands)}
            before = {place.get(operand) for place, operand in zip(places, operands[1:])}
            if None not in here and len(here) == 1 or len(set(operands)) == 1:
                continue
            if None not in before and len(before) == 1 and operands[0] not in places[0]:
                continue
            if not all(
                operand.kind in LEAVES and all(self.drawn(user) in place for user in self.users[operand])
                for place, operand in zip(places, operands)
            ) or any(known.setdefault(operand, operands) != operands for operand in operands):
                return False
        return True

    def roll(self, rounds, level):
        """Let the first round stand for all; as one Item."""
        flat = [vertices_of(part) for part in rounds]
        taken = [operands_of(part) for part in rounds]
        first = set(flat[0])
        for user, operand in zip([taker for item in rounds[0] for taker in item.takers], taken[1]):
            if operand in first:
                self.loops[operand, user] = None
        for same in zip(*taken):
            if all(operand.kind in LEAVES for operand in same):
                self.merge(same)
        self.name_clusters(flat[0], flat[-1])
        for same in zip(*flat):
            self.merge(same)
        self.saved += (len(rounds) - 1) * len(flat[0])
        whole = rounds[0][0].thing
        if len(rounds[0]) > 1:
            whole = Cluster("", "", level)
            self.sequences[whole] = [item.thing for item in rounds[0]]
            for thing in self.sequences[whole]:
                setattr(thing, "around" if isinstance(thing, Cluster) else "cluster", whole)
        whole.times *= len(rounds)
        return Item(whole, self)

    def merge(self, same):
        """Let the first of these vertices stand for all."""
        first, *others = dict.fromkeys([self.drawn(vertex) for vertex in same])
        for other in others:
            self.instead[other] = first
            first.members += other.members
        if others:
            first.label = span(first.label, others[-1].label)
            first.settings = span(first.settings, others[-1].settings)
            if first.name is not None:
                first.name = span(first.name, others[-1].name)

    def name_clusters(self, first, last):
        """Give the clusters of the first round names that tell of all."""
        seen = set()
        for one, other in zip(first, last):
            for cluster, end in zip(chain(one.cluster)[::-1], chain(other.cluster)[::-1]):
                if cluster is end:
                    break
                if cluster not in seen:
                    seen.add(cluster)
                    cluster.path, cluster.calls = span(cluster.path, end.path), 1

    def result(self):
        ends = {}  # what is the output of each round is one output
        for vertex in self.vertices:
            if vertex.kind == "output":
                key = self.drawn(vertex.operands[0]), vertex.picks[0]
                ends.setdefault(key, []).append(vertex)
        for (operand, _), same in ends.items():
            if same[0].operands[0] is operand and len({vertex.operands[0] for vertex in same}) == len(same):
                self.merge(same)
        shown = [vertex for vertex in self.vertices if vertex not in self.instead]
        drawn = {vertex: self.drawn(vertex) for vertex in self.instead}
        for vertex in shown:
            vertex.redirect(drawn)
        loops = {(drawn.get(source, source), drawn.get(user, user)): None for source, user in self.loops}
        return shown, list(loops), self.saved


class Item:
    """A vertex, or a cluster with all that is in it.

    inside   its vertices, in order;  size  how many
    takers, outside  the edges from elsewhere: the vertex inside, and the operand
    label    equal for items that do the same
    """

    def __init__(self, thing, rolling):
        self.thing = thing
        self.inside, waiting, nesting = [], [thing], []
        while waiting:
            each = waiting.pop()
            if isinstance(each, Cluster):
                nesting.append((len(self.inside), each.kind, each.times))
                waiting += reversed(rolling.sequences[each])
            else:
                self.inside.append(each)
        self.size = len(self.inside)
        place = {vertex: position for position, vertex in enumerate(self.inside)}
        self.takers, self.outside, inner = [], [], []
        for vertex in self.inside:
            for operand in vertex.operands:
                operand = rolling.drawn(operand)
                if operand not in place:
                    self.takers.append(vertex)
                    self.outside.append(operand)
                inner.append(place.get(operand))
        self.label = (tuple(nesting), tuple([kind_of(vertex) for vertex in self.inside]), tuple(inner))


class Slots:
    """The items of a sequence as arrays, in which repetitions of one period after the other are searched for.

    labels   a number for the label of each item
    what     for each operand from elsewhere: how far back its item is, or what kind of leaf it is, as a number
    which    for each of them, the operand itself as a number
    owner    for each of them, the number of its item;  first  for each item, where its own start
    """

    def __init__(self, items, numbers):
        self.labels = np.array([numbers.setdefault(item.label, len(numbers)) for item in items])
        place = {vertex: (i, offset) for i, item in enumerate(items) for offset, vertex in enumerate(item.inside)}
        codes, what, which, owner, first = {}, [], [], [], []
        for number, item in enumerate(items):
            first.append(len(what))
            for operand in item.outside:
                if operand.kind in LEAVES:
                    key = (operand.kind, operand.shape, operand.traced, operand.kind == "constant" and operand.label)
                elif operand in place:
                    key = (number - place[operand][0], place[operand][1])
                else:
                    key = operand
                what.append(codes.setdefault(key, len(codes)))
                which.append(codes.setdefault(id(operand), len(codes)))
                owner.append(number)
        self.what, self.which, self.owner, self.first = (np.array(x, int) for x in (what, which, owner, first))

    def candidates(self, period):
        """(where it may start, where it stops) of stretches that look like repetitions of this period."""
        alike = self.labels[period:] == self.labels[:-period]
        likely = [(start, stop) for start, stop in stretches(alike) if stop - start >= period]
        if not likely:
            return
        here = np.flatnonzero(self.owner < len(alike))
        here = here[alike[self.owner[here]]]
        rows = self.owner[here]
        there = here - self.first[rows] + self.first[rows + period]
        equal = alike.copy()
        equal[rows[(self.what[here] != self.what[there]) & (self.which[here] != self.which[there])]] = False
        for start, stop in likely:
            inner = stretches(equal[start:stop])
            if stop - start < 2 * period and not any(b - a >= period for a, b in inner):
                inner = [(0, stop - start)]  # two rounds: what the second takes from the first is not seen again
            for a, b in inner:
                # what the first round takes from elsewhere is taken from the round before by the others
                yield (max(start, start + a - period), start + a), start + b + period


def vertices_of(items):
    return [vertex for item in items for vertex in item.inside]


def operands_of(items):
    return [operand for item in items for operand in item.outside]


def kind_of(vertex):
    """What two operations must have in common."""
    label, settings = NUMBER.sub("0", vertex.label), NUMBER.sub("0", vertex.settings)
    count = len(vertex.operands)
    return vertex.kind, vertex.operation, label, settings, vertex.shape, vertex.times, count, vertex.traced


def stretches(flags):
    """(start, stop) of the stretches in which flags are true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def span(first, last):
    """'blocks.0.weight', 'blocks.11.weight' -> 'blocks.0…11.weight'"""
    if first == last or first is None or last is None:
        return first
    parts, others = NUMBER.split(first), NUMBER.split(last)
    if parts != others:
        return first
    pairs = zip(NUMBER.findall(first), NUMBER.findall(last))
    numbers = [a if a == b else f"{a}…{b}" for a, b in pairs]
    return "".join([text for pair in zip(parts, [*numbers, ""]) for text in pair])
