"""The weighted sum over all coalitions behind a Shapley value, without a flow per coalition.

A coalition's value is the smallest cut (see `cuts`). Units join one node after another. Once
every unit of a node has chosen, the node's side can be settled for good: the table of cuts is
folded to half by keeping the smaller of "node on the side of supply" and "node outside, plus what
its members supply". So two cuts are left for each choice of the *outer* units, the last node
outside and inside.

The *inner* units, all at the last node, which holds most of them, add to the one outside alone::

    v = min(outside + supply of the inner members, inside)

In order of supply, the inner choices that are smaller by `outside` come first. So what all
coalitions of an outer choice come to follows from one place in that order and from sums up to
there, kept by size, as the weight of a coalition depends on its size alone. Of 20 units at one
node, two times 1024 choices are visited, in place of a million coalitions.

Bit order: the node that is folded first is the highest bit of a cut; a choice of units is an
integer with the bit of unit k, in the plan's order, set where unit k is a member.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from settlement.core.arrays import Integers, kernel
from settlement.core.cuts import Cuts, subset_sums

Sizes = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Plan:
    """The order in which nodes fold and units join, fixed by the grid and the units' places.

    Attributes:
        node_order: shape (N,).
        boundary_kw: shape (2**N,), with the first node of the order as the highest bit.
        unit_order: shape (U,), outer units first, in the order of their nodes.
        outer_units: shape (N,), how many outer units each node of the order has; all units that
            are left are inner ones, at the last node.
    """

    node_order: Integers
    boundary_kw: Integers
    unit_order: Integers
    outer_units: Integers


def plan_of(cuts: Cuts, unit_node: Integers) -> Plan:
    """Return the plan whose last node holds most units, of which at most half of all are inner."""
    units_at = np.bincount(unit_node, minlength=cuts.node_count)
    order = np.argsort(units_at, kind="stable")
    place = np.argsort(order)
    outer_units = units_at[order].astype(np.int64)
    outer_units[-1] -= min(outer_units[-1], len(unit_node) // 2)
    bits = np.array([1 << node for node in order[::-1].tolist()], dtype=np.int64)
    return Plan(
        node_order=order.astype(np.int64),
        boundary_kw=cuts.boundary_kw[subset_sums(bits)],
        unit_order=np.argsort(place[unit_node], kind="stable").astype(np.int64),
        outer_units=outer_units,
    )


def coalition_sums(
    plan: Plan, weights: Integers, available_kw: Integers, demand_kw: Integers
) -> tuple[Integers, Integers]:
    """Return the numerators, shape (U, T), and the value of all units, shape (T,), in kW.

    Args:
        plan: of the grid and the units.
        weights: shape (U + 1,), by coalition size, 0 for the full one.
        available_kw: shape (U, T).
        demand_kw: shape (N, T).

    The caller has checked that no sum can pass int64.
    """
    outer, inner = int(plan.outer_units.sum()), len(plan.unit_order) - int(plan.outer_units.sum())
    sizes = np.bitwise_count(np.arange(1 << max(outer, inner))).astype(np.int8)
    # weight(size - 1) + weight(size): what a coalition of that size counts for.
    both = weights + np.concatenate([[0], weights[:-1]])
    tables = _room_to_fold(plan)
    demand = np.ascontiguousarray(demand_kw[plan.node_order[::-1]].T)
    supply = np.ascontiguousarray(available_kw[plan.unit_order].T)
    numerators = np.empty_like(available_kw)
    value_all = np.empty(available_kw.shape[1], dtype=np.int64)
    by_member = np.empty(len(plan.unit_order), dtype=np.int64)
    by_outer = np.empty(1 << outer, dtype=np.int64)
    for interval, supply_kw in enumerate(supply):
        cut_kw = plan.boundary_kw + subset_sums(demand[interval])
        table, joined = _fold_nodes(cut_kw, supply_kw, plan.outer_units, tables)
        inner_kw, choices = _choices_in_order(supply_kw[outer:])
        by_place = _weigh_places(inner_kw, choices, sizes, both, outer + 1)
        last = supply_kw[joined:outer]
        cells, value = _sum_by_outer(table, last, inner_kw, by_place, sizes, by_outer)
        by_inner, everything = _sum_by_inner(cells, inner_kw, choices, sizes, weights, both)
        add_up_by_member(by_outer, by_member[:outer])
        add_up_by_member(by_inner, by_member[outer:])
        numerators[plan.unit_order, interval] = by_member - everything
        value_all[interval] = value
    return numerators, value_all


def _room_to_fold(plan: Plan) -> Integers:
    """Return two tables in which any of the tables of `_fold_nodes` has room, to use in turns."""
    folded = np.cumsum(plan.outer_units[:-1]) - np.arange(1, len(plan.outer_units))
    return np.empty((2, len(plan.boundary_kw) << int(folded.max(initial=0))), dtype=np.int64)


# What a fresh machine waits for is how long numba compiles. A kernel that calls another is compiled
# with all of it again, so these call one after the other from Python; each expression of whole
# arrays takes a second and more, as does a sort, so they are written in loops.


@kernel
def _fold_nodes(
    cut_kw: Integers, supply_kw: Integers, outer_units: Integers, tables: Integers
) -> tuple[Integers, int]:
    """Fold all nodes but the last.

    Returns:
        First what the cuts with the last node outside come to, for each choice of the units of
        the others, then those with it inside; and how many units these are.
    """
    whole, folded = tables[0], tables[1]
    for cut in range(len(cut_kw)):
        whole[cut] = cut_kw[cut]
    cuts, choices, first_unit = len(cut_kw), 1, 0
    for position in range(len(outer_units) - 1):
        unit_count = outer_units[position]
        cuts >>= 1
        grown = choices << unit_count
        for members in range(1 << unit_count):
            supply = 0
            for unit in range(unit_count):
                if members >> unit & 1:
                    supply += supply_kw[first_unit + unit]
            for cut in range(cuts):
                outside, inside = cut * choices, (cut + cuts) * choices
                place = cut * grown + members * choices
                for choice in range(choices):
                    folded[place + choice] = min(
                        whole[outside + choice] + supply, whole[inside + choice]
                    )
        whole, folded = folded, whole
        choices = grown
        first_unit += unit_count
    return whole[: 2 * choices], first_unit


@kernel
def _choices_in_order(supply_kw: Integers) -> tuple[Integers, Integers]:
    """Return shapes (2**K,): what each choice of K units supplies, rising, and the choices so."""
    sums_kw = np.zeros(1 << len(supply_kw), dtype=np.int64)
    choices = np.zeros(1 << len(supply_kw), dtype=np.int64)
    for unit in range(len(supply_kw)):
        # Those without this unit are in order, and so are the same with it: the two are merged,
        # from the end, where there is room.
        bit = 1 << unit
        joined = left = bit - 1
        while joined >= 0:
            place = joined + left + 1
            joined_kw = sums_kw[joined] + supply_kw[unit]
            if joined_kw >= sums_kw[left]:
                sums_kw[place], choices[place] = joined_kw, choices[joined] + bit
                joined -= 1
            else:
                sums_kw[place], choices[place] = sums_kw[left], choices[left]
                left -= 1
    return sums_kw, choices


@kernel
def _sum_by_outer(
    table: Integers,
    last_kw: Integers,
    inner_kw: Integers,
    by_place: Integers,
    sizes: Sizes,
    by_outer: Integers,
) -> tuple[Integers, int]:
    """Visit every outer choice, with all inner ones at once.

    Args:
        table, inner_kw, by_place: as `_fold_nodes`, `_choices_in_order`, `_weigh_places` return.
        last_kw: shape (L,), supply of the outer units at the last node.
        by_outer: takes, by outer choice, the sum of the values of its coalitions, each weighted as
            one that a member joined or would join.

    Returns:
        By outer size and place in the order of inner choices, how many outer choices there are and
        what they come to outside and inside; and the value of all units.
    """
    choices, places, one = len(table) >> 1, len(inner_kw), np.uintp(1)
    cells = np.zeros((len(by_place), places + 1, 3), dtype=np.int64)
    outside_kw, inside_kw = table[:choices], table[choices:]
    supplies = np.zeros(1 << len(last_kw), dtype=np.int64)
    for unit in range(len(last_kw)):
        for members in range(1 << unit):
            supplies[members + (1 << unit)] = supplies[members] + last_kw[unit]
    for members in range(len(supplies)):
        supply = supplies[members]
        written = by_outer[members * choices : (members + 1) * choices]
        size_of = sizes[members * choices : (members + 1) * choices]
        for choice in range(choices):
            outside, inside = outside_kw[choice] + supply, inside_kw[choice]
            room = inside - outside
            # So many inner choices leave the cut outside the smaller one. Chosen and not branched
            # to, as no processor foresees the way; and without a sign, as numba looks at each
            # index that has one whether it counts backwards.
            place, step = np.uintp(0), np.uintp(places >> 1)
            while step:
                place = place + step if inner_kw[place + step - one] < room else place
                step >>= one
            place += np.uintp(inner_kw[place] < room)
            size = np.uintp(size_of[choice])
            weight, cell = by_place[size, place], cells[size, place]
            written[choice] = weight[0] * outside + weight[1] + weight[2] * inside
            cell[0] += 1
            cell[1] += outside
            cell[2] += inside
    value = min(table[choices - 1] + supply + inner_kw[places - 1], table[2 * choices - 1])
    return cells, value


@kernel
def _weigh_places(
    inner_kw: Integers, inner_choices: Integers, sizes: Sizes, both: Integers, outer_sizes: int
) -> Integers:
    """Return shape (outer sizes, places + 1, 3): what inner choices count for at each place.

    Those before the place by the cut outside, and what they supply themselves; then those from
    the place on by the cut inside.
    """
    places = len(inner_kw)
    by_place = np.empty((outer_sizes, places + 1, 3), dtype=np.int64)
    size_of = np.empty(places, dtype=np.uintp)
    for place in range(places):
        size_of[place] = sizes[inner_choices[place]]
    for size in range(outer_sizes):
        of_size, left = both[size:], np.int64(0)
        for place in range(places):
            left += of_size[size_of[place]]
        before, supplied = np.int64(0), np.int64(0)
        for place in range(places):
            cell, weight = by_place[size, place], of_size[size_of[place]]
            cell[0], cell[1], cell[2] = before, supplied, left
            before += weight
            supplied += weight * inner_kw[place]
            left -= weight
        cell = by_place[size, places]
        cell[0], cell[1], cell[2] = before, supplied, left
    return by_place


@kernel
def _sum_by_inner(
    cells: Integers,
    inner_kw: Integers,
    inner_choices: Integers,
    sizes: Sizes,
    weights: Integers,
    both: Integers,
) -> tuple[Integers, int]:
    """Return what the coalitions of each inner choice come to, and all by the weight of their size.

    Args:
        cells, inner_kw, inner_choices: as `_sum_by_outer` and `_choices_in_order` return them.
        weights, both: by coalition size, once and as one that a member joined or would join.
    """
    places = len(inner_kw)
    by_place, by_inner = np.zeros(places, dtype=np.int64), np.empty(places, dtype=np.int64)
    everything = 0
    size_of = np.empty(places, dtype=np.uintp)
    for place in range(places):
        size_of[place] = sizes[inner_choices[place]]
    for size in range(len(cells)):
        of_size, joined = weights[size:], both[size:]
        # Of outer choices whose place is above an inner one's, the cut outside is the smaller.
        count, outside, inside = 0, 0, 0
        for place in range(1, places + 1):
            count += cells[size, place, 0]
            outside += cells[size, place, 1]
        for place in range(places):
            inside += cells[size, place, 2]
            total = outside + count * inner_kw[place] + inside
            count -= cells[size, place + 1, 0]
            outside -= cells[size, place + 1, 1]
            by_place[place] += joined[size_of[place]] * total
            everything += of_size[size_of[place]] * total
    for place in range(places):
        by_inner[inner_choices[place]] = by_place[place]
    return by_inner, everything


@kernel
def add_up_by_member(sums: Integers, by_member: Integers) -> None:
    """Write to by_member, shape (K,), the sum over all choices that hold each member.

    `sums`, shape (2**K,), is by choice and is used up.
    """
    for member in range(len(by_member) - 1, -1, -1):
        bit = 1 << member
        total = 0
        for choice in range(bit):
            total += sums[choice + bit]
            sums[choice] += sums[choice + bit]
        by_member[member] = total
