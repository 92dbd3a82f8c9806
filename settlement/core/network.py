"""The network of a game, in kW, and the most demand that supply can serve through it.

The most that can be served is a maximum flow (Ford and Fulkerson, 1956), found by shortest paths
that add to it (Edmonds and Karp, 1972), in integers. It serves grids with too many nodes for
their cuts to be enumerated, and orders in which units join one by one: a unit that joins only
adds to the flow there is.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from settlement.core.arrays import Flags, Integers, integers, kernel, require_int64
from settlement.core.cuts import W_PER_KW
from settlement.core.grid import Grid


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes joined by lines, each with a rating in either direction, in kW.

    Attributes:
        node_count: N.
        line_from, line_to: shape (L,), indices of the nodes at a line's ends.
        rating_kw: shape (L,), the most that a line carries from ``line_from`` to ``line_to``.
        reverse_rating_kw: shape (L,), the most that it carries the other way.
    """

    node_count: int
    line_from: Integers
    line_to: Integers
    rating_kw: Integers
    reverse_rating_kw: Integers

    def __post_init__(self) -> None:
        lines = (len(self.line_from),)
        for name in ("line_from", "line_to", "rating_kw", "reverse_rating_kw"):
            object.__setattr__(self, name, integers(getattr(self, name), lines, name))
        ends = np.concatenate([self.line_from, self.line_to])
        if self.node_count < 1 or not np.all((ends >= 0) & (ends < self.node_count)):
            raise ValueError("a line ends at a node that the network does not have")
        if np.any(self.rating_kw < 0) or np.any(self.reverse_rating_kw < 0):
            raise ValueError("a line has a negative rating; use 0 for a line out of service")
        # Nothing adds more than the ratings of all lines, each of which also carries the flow back.
        everything = sum(self.rating_kw.tolist()) + sum(self.reverse_rating_kw.tolist())
        require_int64(2 * everything, "ratings of all lines")

    @cached_property
    def arcs(self) -> "Arcs":
        """The lines as arcs, two a line, in the order the flow follows them."""
        return arcs_of(
            self.node_count, self.line_from, self.line_to, self.rating_kw, self.reverse_rating_kw
        )


@dataclass(frozen=True, eq=False)
class Arcs:
    """Both directions of every line, arranged by the node they leave.

    Attributes:
        first: shape (N + 1,), where each node's arcs begin.
        head: shape (2 L,), the node that an arc leads to.
        back: shape (2 L,), the position of the other direction of the same line.
        rating: shape (2 L,), in the unit of the lines' ratings.
    """

    first: Integers
    head: Integers
    back: Integers
    rating: Integers


def network_of(grid: Grid, rating_multiplier: int = 1) -> Network:
    """Return a grid's network; each rating is multiplied, then rounded down to a kW."""
    return Network(
        len(grid.nodes),
        grid.line_from,
        grid.line_to,
        grid.rating_w * rating_multiplier // W_PER_KW,
        grid.reverse_rating_w * rating_multiplier // W_PER_KW,
    )


def copperplate() -> Network:
    """Return the network of one node: supply and demand meet without a line between them."""
    none = np.zeros(0, dtype=np.int64)
    return Network(1, none, none, none, none)


def arcs_of(
    node_count: int,
    line_from: Integers,
    line_to: Integers,
    rating: Integers,
    reverse_rating: Integers,
) -> Arcs:
    """Return both directions of lines, each array of shape (L,), in whichever unit rates them."""
    lines = len(line_from)
    tail = np.concatenate([line_from, line_to])
    order = np.argsort(tail, kind="stable")
    position = np.empty(2 * lines, dtype=np.int64)
    position[order] = np.arange(2 * lines)
    count = np.bincount(tail, minlength=node_count)
    return Arcs(
        first=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        head=np.concatenate([line_to, line_from])[order],
        back=position[(order + lines) % max(1, 2 * lines)],
        rating=np.concatenate([rating, reverse_rating])[order],
    )


def smallest_cut(
    network: Network, supply_kw: Integers, demand_kw: Integers
) -> tuple[int, tuple[int, ...]]:
    """Return the most demand that supply can serve, in kW, and the nodes on the side of supply.

    The side is the nodes that supply left over can still reach: their demand is served in full, and
    the lines out of them are full (Ford and Fulkerson, 1956). No smallest cut has a smaller side.

    Args:
        supply_kw: shape (N,), not negative.
        demand_kw: shape (N,), not negative.
    """
    arcs = network.arcs
    served, shut = _serve(arcs.first, arcs.head, arcs.back, arcs.rating, supply_kw, demand_kw)
    return int(served), tuple(np.flatnonzero(shut).tolist())


def served_by_groups(network: Network, group_kw: Integers, demand_kw: Integers) -> Integers:
    """Return shape (2**K,): the most demand that every set of K groups of units can serve.

    Args:
        group_kw: shape (K, N), what each group supplies at each node, not negative.
        demand_kw: shape (N,), not negative.

    Set s holds group k where bit k of s is set.
    """
    arcs = network.arcs
    return _serve_by_groups(arcs.first, arcs.head, arcs.back, arcs.rating, group_kw, demand_kw)


@kernel
def _serve_by_groups(
    first: Integers,
    head: Integers,
    back: Integers,
    rating_kw: Integers,
    group_kw: Integers,
    demand_kw: Integers,
) -> Integers:
    groups, nodes = group_kw.shape
    served = np.zeros(1 << groups, dtype=np.int64)
    # A set is the set without its lowest group, which was met last among those with as many
    # groups, and that group's supply added to the flow.
    room_kw = np.empty((groups + 1, len(rating_kw)), dtype=np.int64)
    unserved_kw = np.empty((groups + 1, nodes), dtype=np.int64)
    shut = np.zeros((groups + 1, nodes), dtype=np.bool_)
    way = np.empty((2, nodes), dtype=np.int64)
    # Rows are copied by loops here: numba takes five seconds to compile one assigned to another.
    for arc in range(len(rating_kw)):
        room_kw[0, arc] = rating_kw[arc]
    for node in range(nodes):
        unserved_kw[0, node] = demand_kw[node]
    for chosen in range(1, 1 << groups):
        without = chosen & (chosen - 1)
        size, group, rest = 0, 0, without
        while rest:
            rest &= rest - 1
            size += 1
        while not (chosen - without) >> group & 1:
            group += 1
        for arc in range(len(rating_kw)):
            room_kw[size + 1, arc] = room_kw[size, arc]
        for node in range(nodes):
            unserved_kw[size + 1, node] = unserved_kw[size, node]
            shut[size + 1, node] = shut[size, node]
        served[chosen] = served[without]
        for node in range(nodes):
            if group_kw[group, node]:
                served[chosen] += add_supply(
                    first,
                    head,
                    back,
                    room_kw[size + 1],
                    unserved_kw[size + 1],
                    shut[size + 1],
                    way,
                    node,
                    group_kw[group, node],
                )
    return served


@kernel
def _serve(
    first: Integers,
    head: Integers,
    back: Integers,
    rating_kw: Integers,
    supply_kw: Integers,
    demand_kw: Integers,
) -> tuple[int, Flags]:
    """Return what is served, and the nodes from which no unserved demand can be reached."""
    room_kw, unserved_kw = rating_kw.copy(), demand_kw.copy()
    shut = np.zeros(len(demand_kw), dtype=np.bool_)
    way = np.empty((2, len(demand_kw)), dtype=np.int64)
    served = 0
    for node in range(len(supply_kw)):
        served += add_supply(
            first, head, back, room_kw, unserved_kw, shut, way, node, supply_kw[node]
        )
    return served, shut


@kernel
def add_supply(
    first: Integers,
    head: Integers,
    back: Integers,
    room_kw: Integers,
    unserved_kw: Integers,
    shut: Flags,
    way: Integers,
    node: int,
    supply_kw: int,
) -> int:
    """Send supply that joins at a node to demand not yet served; return what is served by it.

    Changes `room_kw`, what each arc can still carry; `unserved_kw`, by node; and `shut`, the
    nodes from which no unserved demand can be reached. Supply that joins later cannot open such a
    node again: its way to demand would have been one from there. `way`, shape (2, N), is scratch.
    """
    left = supply_kw
    queue, arc_into = way
    while left > 0 and not shut[node]:
        found = _nearest_unserved(first, head, room_kw, unserved_kw, shut, node, queue, arc_into)
        if found < 0:
            break
        sent = min(left, unserved_kw[found])
        at = found
        while at != node:
            sent = min(sent, room_kw[arc_into[at]])
            at = head[back[arc_into[at]]]
        at = found
        while at != node:
            room_kw[arc_into[at]] -= sent
            room_kw[back[arc_into[at]]] += sent
            at = head[back[arc_into[at]]]
        unserved_kw[found] -= sent
        left -= sent
    return supply_kw - left


@kernel
def _nearest_unserved(
    first: Integers,
    head: Integers,
    room_kw: Integers,
    unserved_kw: Integers,
    shut: Flags,
    node: int,
    queue: Integers,
    arc_into: Integers,
) -> int:
    """Return a node with unserved demand the fewest lines away, or -1 and shut what was reached.

    `arc_into` is left with the last arc of the way to each node that was reached.
    """
    if unserved_kw[node] > 0:
        return node
    arc_into[:] = -1
    queue[0] = node
    reached, looked_at = 1, 0
    while looked_at < reached:
        here = queue[looked_at]
        looked_at += 1
        for arc in range(first[here], first[here + 1]):
            there = head[arc]
            if room_kw[arc] <= 0 or there == node or arc_into[there] >= 0 or shut[there]:
                continue
            arc_into[there] = arc
            if unserved_kw[there] > 0:
                return int(there)
            queue[reached] = there
            reached += 1
    for place in range(reached):
        shut[queue[place]] = True
    return -1
