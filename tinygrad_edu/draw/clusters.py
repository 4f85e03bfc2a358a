"""Which call of which module an operation belongs to.

A module notes for each of its calls the ticks of the clock at the start and at the stop. Nodes are numbered by the
same clock, so an operation belongs to the calls with start < number < stop; the innermost of them started last.
"""

from operator import itemgetter


class Cluster:
    """One call of one module.

    path, kind  where the module is in the model ("encoder.0"; "" for the model itself), and the name of its class
    call, calls  the how-manieth of how many calls of this module in the graph
    around      the cluster of the call from within which it was called, or None
    """

    __slots__ = ("stop", "path", "kind", "around", "depth", "call", "calls")

    def __init__(self, stop, path, kind, around):
        self.stop, self.path, self.kind, self.around = stop, path, kind, around
        self.depth = 0 if around is None else around.depth + 1
        self.call = self.calls = 1

    @property
    def title(self):
        name = f"{self.path}: {self.kind}" if self.path else self.kind
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
            current = Cluster(stop, path, kind, left(current, start))
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


def common(clusters):
    """The innermost cluster around all of these (None: there is none)."""
    clusters = iter(clusters)
    found = next(clusters)
    for other in clusters:
        while found is not other:
            if found is None or other is None:
                return None
            if found.depth >= other.depth:
                found = found.around
            else:
                other = other.around
    return found
