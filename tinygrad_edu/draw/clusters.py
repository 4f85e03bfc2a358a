"""Which call of which module an operation belongs to.

A module notes for each of its calls the ticks of the clock at the start and at the stop. Nodes are numbered by the
same clock, so an operation belongs to the calls with start < number < stop; the innermost of them started last.
"""

from operator import itemgetter


class Cluster:
    """One call of one module; or something that is repeated.

    path, kind  where the module is in the model ("encoder.0"; "" for the model itself), and the name of its class
    call, calls  the how-manieth of how many calls of this module in the graph
    times       how many equal things, one after another, it stands for
    around      the cluster of the call from within which it was called, or None
    stop        the time at which the call stopped, where that is needed
    """

    __slots__ = ("around", "call", "calls", "kind", "path", "stop", "times")

    def __init__(self, path, kind, around, stop=None):
        self.stop, self.path, self.kind, self.around = stop, path, kind, around
        self.call = self.calls = self.times = 1

    @property
    def depth(self):
        """How many clusters lie around it."""
        return sum(1 for _ in self.chain()) - 1

    @property
    def title(self):
        name = f"{self.path}: {self.kind}" if self.path and self.kind else self.path or self.kind
        if self.times > 1:
            return f"{name} ×{self.times:,}".lstrip()
        return name if self.calls == 1 else f"{name} (call {self.call})"

    def chain(self):
        """This cluster and those around it, innermost first."""
        cluster = self
        while cluster is not None:
            yield cluster
            cluster = cluster.around


def clusters_of_calls(calls, order):
    """node -> Cluster for those of the nodes (operations by number) that were computed within a call.

    calls  [(start, stop, path, class name)]
    """
    waiting = sorted(calls, key=itemgetter(0), reverse=True)
    current, cluster_of = None, {}
    for node in order:
        if node.op is None:
            continue
        while waiting and waiting[-1][0] < node.number:
            start, stop, path, kind = waiting.pop()
            current = Cluster(path, kind, left(current, start), stop)
        current = left(current, node.number)
        if current is not None:
            cluster_of[node] = current
    count_calls(cluster_of.values())
    return cluster_of


def left(cluster, time):
    """`cluster`, or the innermost one around it that has not stopped at this time."""
    while cluster is not None and cluster.stop < time:
        cluster = cluster.around
    return cluster


def count_calls(clusters):
    """Number the calls of each module, in the order of these clusters."""
    of_path, seen = {}, set()
    for cluster in dict.fromkeys(clusters):
        fresh = [around for around in cluster.chain() if around not in seen]
        seen.update(fresh)
        for around in fresh:
            of_path.setdefault(around.path, []).append(around)
    for same in of_path.values():
        for call, cluster in enumerate(same, 1):
            cluster.call, cluster.calls = call, len(same)


def place_leaves(vertices, owners):
    """Put parameters into the cluster of the module that owns them, numbers next to the operations with them.

    owners  name of a parameter or buffer -> path of its module
    """
    calls = {}
    for cluster in dict.fromkeys([vertex.cluster for vertex in vertices if vertex.cluster is not None]):
        for around in cluster.chain():
            calls.setdefault(around.path, {})[around] = None
    users = {}
    for vertex in vertices:
        for operand in vertex.operands:
            users.setdefault(operand, []).append(vertex)
    for vertex, using in users.items():
        constant = vertex.kind == "constant" and not vertex.name
        if vertex.operands or not (constant or vertex.kind == "parameter" or vertex.label in owners):
            continue
        of_owner = calls.get(owners.get(vertex.label), ())
        cluster = common(list(of_owner) if len(of_owner) == 1 else [user.cluster for user in using])
        if constant and vertex.shape is not None and len(vertex.members) < 2:
            # one array for all rounds, or for the first, comes from outside of what is repeated
            repeated = [around for around in chain(cluster) if around.times > 1]
            cluster = repeated[0].around if repeated else cluster
        vertex.cluster = cluster


def chain(cluster):
    """A cluster (None: none) and those around it, outermost first."""
    return [] if cluster is None else list(cluster.chain())[::-1]


def common(clusters):
    """The innermost cluster around all of these (None: there is none)."""
    clusters = iter(clusters)
    found = next(clusters)
    for other in clusters:
        around = set() if other is None else set(other.chain())
        while found is not None and found not in around:
            found = found.around
    return found
