"""Room from maximum flows, for networks of too many nodes for their cuts; see `room`.

What progressive filling freezes is found from above, by *decomposition* (Fujishige, 1980;
Groenevelt, 1991): at the level that would share out all that a group of nodes can be brought, send
a flow.

* All is served: the group freezes at that level.
* Some is not: the smallest cut parts the group. The nodes on its side of demand freeze at lower
  levels, the others at higher ones; the lines from these to those are full, and none leads back.
  Each part is a group of its own.

So every flow either freezes a group or parts one, and no line between groups takes part any more.
Of smallest cuts that with the most nodes on the side of demand is taken, so that all that freezes
at one level stays in one group. The levels that lead to the lowest set are those of Newton's
method for the least ratio (Dinkelbach, 1967); they are fractions, and flows are exact
(`mixed_flow`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from settlement.core.arrays import Flags, Integers
from settlement.core.cuts import W_PER_KW
from settlement.core.grid import Grid
from settlement.core.mixed_flow import bring_one, send_all
from settlement.core.network import Arcs, arcs_of
from settlement.core.room import Claims, Frozen, Room, sums_at


@dataclass(frozen=True, eq=False)
class FlowRooms:
    """A network by its arcs, each rated in whole units."""

    arcs: Arcs

    @property
    def node_count(self) -> int:
        """N, the nodes of the network."""
        return len(self.arcs.first) - 1

    @cached_property
    def tail(self) -> Integers:
        """Shape (2 L,), the node that each arc leaves."""
        return self.arcs.head[self.arcs.back]

    @cached_property
    def most_brought(self) -> int:
        """What all lines could bring together."""
        return sum(self.arcs.rating.tolist())

    def given(self, supply: Integers) -> Room:
        """Return the room of the network with supply at its nodes, shape (N,), not negative."""
        return RoomByFlow(self, supply)

    def serve_all(self, supply: Integers, demand: Integers) -> Flags:
        """Return for each interval whether all of a demand can be served; see `Rooms`."""
        found = (
            self.given(brought).most(wanted) == wanted.sum()
            for brought, wanted in zip(supply.T, demand.T, strict=True)
        )
        return np.fromiter(found, np.bool_, supply.shape[1])


def rooms_by_flow(grid: Grid) -> FlowRooms:
    """Return a grid's rooms in W; each rating is rounded down to a kW, as in `Cuts`."""
    return FlowRooms(
        arcs_of(
            len(grid.nodes),
            grid.line_from,
            grid.line_to,
            grid.rating_w // W_PER_KW * W_PER_KW,
            grid.reverse_rating_w // W_PER_KW * W_PER_KW,
        )
    )


@dataclass(frozen=True, eq=False)
class RoomByFlow:
    """Room as a network with supply.

    Attributes:
        rooms: the network.
        supply: shape (N,), less what is served already: where it is negative, the network brings
            what is missing, before anything else.
    """

    rooms: FlowRooms
    supply: Integers

    @property
    def node_count(self) -> int:
        """N, the nodes of the network."""
        return self.rooms.node_count

    @property
    def largest(self) -> int:
        """All supply, and all that lines could bring."""
        supply: int = sum(map(abs, self.supply.tolist()))
        return self.rooms.most_brought + supply

    def most(self, demand: Integers) -> int:
        """Return the most of a demand, shape (N,), that can be served."""
        flow = self._flow(demand)
        return int(demand.sum()) - int(flow.wanted[:, 0].sum())

    def without(self, served: Integers) -> "RoomByFlow":
        """Return the room that is left, given what is served at the nodes, shape (N,)."""
        return RoomByFlow(self.rooms, self.supply - served)

    def spare(self, served: Integers) -> "SpareByFlow":
        """Return what could be served beyond what is served at the nodes, shape (N,)."""
        return SpareByFlow(self._flow(served))

    def _flow(self, demand: Integers) -> "_Flow":
        """Return the flow that serves all it can of a demand, shape (N,), as one group."""
        none = np.zeros(self.node_count, dtype=np.int64)
        return _Flow(self.rooms, self.supply, _whole(demand), none, none + 1)

    def frozen(self, claims: Claims) -> tuple[Frozen, ...]:
        """Return what progressive filling freezes, in order; see `Room`."""
        groups = [_Group(np.arange(self.node_count))]
        while not all(group.is_done for group in groups):
            groups = self._parted(groups, claims)
        frozen: list[Frozen] = []
        waiting: list[int] = []
        for group in groups:
            # A group that is served in full before others are frozen has all that can be brought to
            # it: the cut that parted it from them was as small without it.
            waiting += group.nodes.tolist()
            if group.pull:
                nodes = tuple(sorted(waiting))
                frozen.append(Frozen(nodes, group.rising, group.total, group.pull))
                waiting = []
        return tuple(frozen)

    def _parted(self, groups: list["_Group"], claims: Claims) -> list["_Group"]:
        """Return the groups, lowest first, after one flow: each is done, or is parted in two."""
        place = np.zeros(self.node_count, dtype=np.int64)
        is_open = np.zeros(self.node_count, dtype=np.bool_)
        for number, group in enumerate(groups):
            place[group.nodes], is_open[group.nodes] = number, not group.is_done
        supply = self._supply_inside(place)
        by_group = _by_group_and_weight(place[claims.node], claims.weight, len(groups))
        rises = np.ones(len(claims.node), dtype=np.bool_)
        for group, inside in zip(groups, by_group, strict=True):
            if not group.is_done:
                group.try_level(int(supply[group.nodes].sum()), inside, claims)
                rises[inside] = False
                rises[list(group.rising)] = True
        demand, base = _demand_at_levels(groups, claims, rises, self.node_count)
        demand[~is_open] = 0
        flow = _Flow(self.rooms, np.where(is_open, supply, 0), demand, place, base)
        parts: list[_Group] = []
        for group in groups:
            parts += [group] if group.is_done else group.after(flow)
        return parts

    def _supply_inside(self, place: Integers) -> Integers:
        """Return the supply of each node in its group, shape (N,), given each node's group.

        A line from a later group to an earlier one is full, and one from an earlier group to a
        later one is empty.
        """
        tail, arcs = self.rooms.tail, self.rooms.arcs
        is_full = place[tail] > place[arcs.head]
        supply = self.supply.copy()
        np.add.at(supply, arcs.head[is_full], arcs.rating[is_full])
        np.subtract.at(supply, tail[is_full], arcs.rating[is_full])
        return supply


def _by_group_and_weight(group: Integers, weight: Integers, groups: int) -> list[Integers]:
    """Return the claims of each group, heaviest first, given the group of each claim."""
    order = np.lexsort((-weight, group))
    return np.split(order, np.searchsorted(group[order], np.arange(1, groups)))


@dataclass(eq=False)
class _Group:
    """Nodes that no line joins to others any more, and the level that is tried in it.

    Attributes:
        nodes: ascending.
        rising: the claims that are not served in full at the level, ascending.
        total, pull: of these claims, as of `Frozen`; 0 where there are none.
        is_done: whether its level is final.
    """

    nodes: Integers
    rising: tuple[int, ...] = ()
    total: int = 0
    pull: int = 0
    is_done: bool = False

    def try_level(self, brought: int, inside: Integers, claims: Claims) -> None:
        """Try the level that shares out all that can be brought to the group.

        Args:
            inside: the group's claims, heaviest first: those that reach their cap first.
        """
        wanted, weight = claims.wanted[inside].tolist(), claims.weight[inside].tolist()
        total, pull = brought, sum(of * by for of, by in zip(wanted, weight, strict=True))
        capped = 0
        while capped < len(wanted) and total * weight[capped] >= pull:
            total -= wanted[capped]
            pull -= wanted[capped] * weight[capped]
            capped += 1
        rising = inside[capped:]
        self.rising = tuple(np.sort(rising[claims.wanted[rising] > 0]).tolist())
        self.total, self.pull = (total, pull) if pull else (0, 0)

    def after(self, flow: "_Flow") -> list["_Group"]:
        """Return the group, done, where a flow served all at its level, or else its two parts."""
        if not flow.wanted[self.nodes].any():
            self.is_done = True
            return [self]
        held = flow.depth[self.nodes] < 0
        return [_Group(self.nodes[held]), _Group(self.nodes[~held])]


def _demand_at_levels(
    groups: list[_Group], claims: Claims, rises: Flags, nodes: int
) -> tuple[Integers, Integers]:
    """Return demand at the level of each node's group, shape (N, 2), and its base, shape (N,)."""
    demand = np.zeros((nodes, 2), dtype=np.int64)
    base = np.ones(nodes, dtype=np.int64)
    demand[:, 0] = sums_at(nodes, claims.node[~rises], claims.wanted[~rises])
    pulls = sums_at(nodes, claims.node[rises], (claims.wanted * claims.weight)[rises])
    for group in groups:
        if group.pull and not group.is_done:
            base[group.nodes] = group.pull
            for node in group.nodes[pulls[group.nodes] > 0].tolist():
                whole, part = divmod(int(pulls[node]) * group.total, group.pull)
                demand[node, 0] += whole
                demand[node, 1] = part
    return demand, base


class _Flow:
    """A flow that serves all it can, and what it leaves.

    Attributes:
        wanted: shape (N, 2), demand that is not served; a negative supply counts as demand.
        depth: shape (N,), -1 at the nodes on the side of demand of the smallest cut.
    """

    def __init__(
        self, rooms: FlowRooms, supply: Integers, demand: Integers, group: Integers, base: Integers
    ) -> None:
        arcs = self.arcs = rooms.arcs
        self.room, self.left = _whole(arcs.rating), _whole(np.maximum(supply, 0))
        self.wanted = demand + _whole(np.maximum(-supply, 0))
        self.depth = np.zeros(len(supply), dtype=np.int64)
        self.way = np.zeros((3, len(supply)), dtype=np.int64)
        send_all(
            arcs.first,
            arcs.head,
            arcs.back,
            group,
            base,
            self.room,
            self.left,
            self.wanted,
            self.depth,
            self.way,
        )


def _whole(values: Integers) -> Integers:
    """Return mixed numbers without a part, shape (N, 2)."""
    mixed = np.zeros((len(values), 2), dtype=np.int64)
    mixed[:, 0] = values
    return mixed


class SpareByFlow:
    """What could be served beyond what a flow serves; the flow grows as more is."""

    def __init__(self, flow: _Flow) -> None:
        self._flow = flow

    def serve_one(self, node: int) -> bool:
        """Serve one unit more at a node to which supply that is left can still be brought."""
        flow = self._flow
        return bool(
            bring_one(
                flow.arcs.first,
                flow.arcs.head,
                flow.arcs.back,
                flow.room,
                flow.left,
                node,
                flow.depth,
                flow.way[0],
            )
        )
