"""Drawing a leaf that is used in many far-off places several times.

Graphviz treats an edge across r ranks as r edges. A parameter that each of n steps uses has edges of n²/2 ranks in
total, and their layout takes time that grows faster still: minutes for a recurrent network of 100 steps. If the edges
of all leaves together are that long, each leaf is drawn again wherever it is needed at a distance.
"""

BUDGET = 1500  # up to this total length of the edges of leaves, in ranks, nothing is repeated: about a second of layout
REACH = 16  # ranks across which the users of one box may lie if leaves are repeated


def with_repeated_leaves(vertices):
    """The vertices; with copies of leaves, to which those that use them then point, if that is needed."""
    rank, users = {}, {}
    for vertex in vertices:
        rank[vertex] = 1 + max([rank[operand] for operand in vertex.operands], default=-1)
        for operand in dict.fromkeys(vertex.operands):
            if not operand.operands and operand.kind != "gap":
                users.setdefault(operand, []).append(vertex)
    spans = {leaf: [rank[user] for user in of_leaf] for leaf, of_leaf in users.items()}
    if sum(sum(ranks) - len(ranks) * min(ranks) for ranks in spans.values()) <= BUDGET:
        return vertices

    before = {}  # first user of a copy -> copies to be put in front of it
    for leaf, of_leaf in users.items():
        copy, start = leaf, min(spans[leaf])
        for user in sorted(of_leaf, key=rank.get):
            if rank[user] > start + REACH:
                start, copy = rank[user], leaf.repeated()
                before.setdefault(user, []).append(copy)
            if copy is not leaf:
                user.operands = [copy if operand is leaf else operand for operand in user.operands]
    return [each for vertex in vertices for each in (*before.get(vertex, ()), vertex)]
