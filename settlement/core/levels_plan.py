"""Who stands beside whom in the orders of the levels method, worked out once a holarchy."""

from dataclasses import dataclass
from functools import cached_property
from math import lcm

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.holarchy import HolarchyTree
from settlement.core.shapley import denominator

MAXIMUM_BESIDE = 20
"""The most units and holons with units that may stand directly inside one holon."""
MAXIMUM_USES = 1 << 20
"""The most (use, weight) pairs that the choices around one holon may make."""


@dataclass(frozen=True, eq=False)
class LevelsPlan:
    """The holarchy as the method visits it.

    Attributes:
        tree: the holarchy.
        unit_holon: shape (U,), the innermost holon of each unit.
        unit_order: shape (U,), units by holon.
        first_unit: shape (H + 1,), where each holon's units begin in that order.
        inside: shape (H - 1,), holons by the holon around them.
        first_inside: shape (H + 1,), where the holons inside each begin in that order.
        has_units: shape (H,), 1 where a unit is inside, at any depth.
        visits: the holons with units, each right after the one around it or after one inside a
            holon beside it, with all that is inside.
        depth: shape (H,), 0 for the root.
        players: shape (H,), how many units and holons with units are directly inside.
        orders: for each holon the common denominator of the weights of its uses.
        most_uses: the most uses that a holon may have.
    """

    tree: HolarchyTree
    unit_holon: Integers
    unit_order: Integers
    first_unit: Integers
    inside: Integers
    first_inside: Integers
    has_units: Integers
    visits: Integers
    depth: Integers
    players: Integers
    orders: tuple[int, ...]
    most_uses: int

    @cached_property
    def unit_denominators(self) -> tuple[int, ...]:
        """For each unit, the product of ``lcm(1..n)`` over the holons around it."""
        return tuple(
            self.orders[holon] * denominator(int(self.players[holon]))
            for holon in self.unit_holon.tolist()
        )

    @cached_property
    def denominator(self) -> int:
        """The common denominator of the values of all units."""
        return lcm(*self.unit_denominators)


def levels_plan(tree: HolarchyTree, unit_node: Integers) -> LevelsPlan:
    """Return the plan of units placed in a holarchy.

    Raises:
        ValueError: no unit, or too many units or holons directly inside one holon.
    """
    if not len(unit_node):
        raise ValueError("no unit: the levels method needs at least one")
    holons, parent = len(tree.parent), tree.parent.tolist()
    unit_holon = tree.node_holon[unit_node]
    has_units = np.zeros(holons, dtype=np.int64)
    has_units[unit_holon] = 1
    players = np.bincount(unit_holon, minlength=holons).astype(np.int64)
    for holon in range(holons - 1, 0, -1):
        has_units[parent[holon]] |= has_units[holon]
        players[parent[holon]] += has_units[holon]
    depth = np.zeros(holons, dtype=np.int64)
    for holon in range(1, holons):
        depth[holon] = depth[parent[holon]] + 1
    inside = 1 + np.argsort(tree.parent[1:], kind="stable")
    first_inside = np.searchsorted(tree.parent[inside], np.arange(holons + 1))
    orders, most_uses = _orders(tree, players, has_units)
    return LevelsPlan(
        tree=tree,
        unit_holon=unit_holon,
        unit_order=np.argsort(unit_holon, kind="stable").astype(np.int64),
        first_unit=np.searchsorted(np.sort(unit_holon), np.arange(holons + 1)).astype(np.int64),
        inside=inside.astype(np.int64),
        first_inside=first_inside.astype(np.int64),
        has_units=has_units,
        visits=_visits(inside.tolist(), first_inside.tolist(), has_units.tolist()),
        depth=depth,
        players=players,
        orders=tuple(orders),
        most_uses=most_uses,
    )


def _orders(tree: HolarchyTree, players: Integers, has_units: Integers) -> tuple[list[int], int]:
    """Return each holon's denominator and the most uses of one; refuse too many choices."""
    most = int(players.max())
    if most > MAXIMUM_BESIDE:
        raise ValueError(
            f"{most} units or holons directly inside one holon: the levels method takes "
            f"{MAXIMUM_BESIDE}; put holons between them or use the sampled method"
        )
    orders, uses = [1] * len(players), [1] * len(players)
    for holon in np.flatnonzero(has_units[1:]) + 1:
        around = int(tree.parent[holon])
        orders[holon] = orders[around] * denominator(int(players[around]))
        uses[holon] = uses[around] << (int(players[around]) - 1)
    if max(uses) > MAXIMUM_USES:
        raise ValueError(
            f"{max(uses)} choices around one holon: the levels method takes {MAXIMUM_USES}; "
            "use a holarchy with fewer holons beside each other or the sampled method"
        )
    return orders, max(uses)


def _visits(inside: list[int], first_inside: list[int], has_units: list[int]) -> Integers:
    """Return the holons with units, depth first."""
    visits, waiting = [], [0]
    while waiting:
        holon = waiting.pop()
        visits.append(holon)
        within = inside[first_inside[holon] : first_inside[holon + 1]]
        waiting += [inner for inner in reversed(within) if has_units[inner]]
    return np.array(visits, dtype=np.int64)
