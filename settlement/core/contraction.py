"""Nodes between which no limit can bind, contracted to one node of the location game.

With A the side of supply, a cut that holds u and not v is never the smallest, whichever units are
members, where it becomes no larger with v inside or with u outside. v brings its demand and the
lines out of it to others at most, u its supply and the lines into it from others, and either takes
the lines between u and v away. With `between` the ratings of these in both directions::

    between >= demand(v) + lines out of v     or     between >= supply(u) + lines into u

Where that holds, and as much with u and v in turns, u and v are on the same side of a smallest cut
of every coalition, so that they are one node of which all values are the same. Of a tree whose
lines carry what hangs on them a node is left, and so many units share a node that `coalition_sums`
visits few choices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.cuts import Cuts, subset_sums


@dataclass(frozen=True, eq=False)
class _Part:
    """Nodes that are one: their bits in a cut, and what they supply and take, shape (T,) each."""

    bits: int
    supply_kw: Integers
    demand_kw: Integers


def contract(
    cuts: Cuts, unit_node: Integers, available_kw: Integers, demand_kw: Integers
) -> tuple[Cuts, Integers, Integers]:
    """Return the cuts, the units' nodes and the demand of the game that some intervals leave.

    Args:
        cuts: the grid's cuts.
        unit_node: shape (U,), index of each unit's node.
        available_kw: shape (U, T), not negative.
        demand_kw: shape (N, T), not negative.

    In the grid's order, by each part's first node. The value of every coalition is as before.
    """
    parts = [
        _Part(1 << node, available_kw[unit_node == node].sum(axis=0), demand_kw[node])
        for node in range(cuts.node_count)
    ]
    while pair := _first_without_limit(cuts, parts):
        one, other = pair
        joined = _Part(
            one.bits | other.bits,
            one.supply_kw + other.supply_kw,
            one.demand_kw + other.demand_kw,
        )
        parts = [joined if part is one else part for part in parts if part is not other]
    place_of_node = np.zeros(cuts.node_count, dtype=np.int64)
    for place, part in enumerate(parts):
        for node in range(cuts.node_count):
            if part.bits >> node & 1:
                place_of_node[node] = place
    bits = np.array([part.bits for part in parts], dtype=np.int64)
    return (
        Cuts(len(parts), cuts.boundary_kw[subset_sums(bits)]),
        place_of_node[unit_node],
        np.array([part.demand_kw for part in parts], dtype=np.int64),
    )


def _first_without_limit(cuts: Cuts, parts: Sequence[_Part]) -> tuple[_Part, _Part] | None:
    for one, other in combinations(parts, 2):
        if _is_within(cuts, one, other) and _is_within(cuts, other, one):
            return one, other
    return None


def _is_within(cuts: Cuts, inside: _Part, outside: _Part) -> bool:
    """Return whether no cut need have one part inside and another outside; see the module."""
    boundary_kw, everywhere = cuts.boundary_kw, len(cuts.boundary_kw) - 1
    of_both = boundary_kw[inside.bits | outside.bits]
    between = boundary_kw[inside.bits] + boundary_kw[outside.bits] - of_both
    brought_in = outside.demand_kw.max(initial=0) + boundary_kw[outside.bits]
    left_out = inside.supply_kw.max(initial=0) + boundary_kw[everywhere ^ inside.bits]
    return bool(between >= brought_in or between >= left_out)
