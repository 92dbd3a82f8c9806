"""The weighted sum over all coalitions behind a Shapley value, without a flow per coalition.

A coalition's value is the smallest cut (see `cuts`). Units join one node after another. Once
every unit of a node has chosen, the node's side can be settled for good: the table of cuts is
folded to half by keeping the smaller of "node on the side of supply" and "node outside, plus what
its members supply". So, with the nodes that hold most units kept for last, only four cuts are
left for each choice of the *outer* units, and the *inner* units (at most eight, at the last two
nodes) add a few integers each. Folding also drops every cut that another one dominates.

Bit order: the node that is folded first is the highest bit of a cut; a choice of units is an
integer with the bit of unit k, in the plan's order, set where unit k is a member.
"""

from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers, kernel
from settlement.core.cuts import Cuts, subset_sums

INNER_NODES = 2
MAXIMUM_INNER_UNITS = 8


@dataclass(frozen=True, eq=False)
class Plan:
    """The order in which nodes fold and units join, fixed by the grid and the units' places.

    Attributes:
        node_order: shape (M,), M = max(N, 2); -1 is a stand-in without demand, lines or units.
        boundary_kw: shape (2**M,), with the first node of the order as the highest bit.
        unit_order: shape (U,), outer units first, in the order of their nodes.
        outer_units: shape (M,), how many outer units each node of the order has.
        inner_node: shape (U - outer,), for each inner unit 1 if at the first of the last two
            nodes of the order and 0 if at the last: its node's bit in a cut.
    """

    node_order: Integers
    boundary_kw: Integers
    unit_order: Integers
    outer_units: Integers
    inner_node: Integers


def plan_of(cuts: Cuts, unit_node: Integers) -> Plan:
    """Return the plan that leaves the most units to the last two nodes."""
    units_at = np.bincount(unit_node, minlength=cuts.node_count)
    stand_ins = max(0, INNER_NODES - cuts.node_count)
    order = [-1] * stand_ins + np.argsort(units_at, kind="stable").tolist()
    place = np.zeros(cuts.node_count, dtype=np.int64)
    for position, node in enumerate(order):
        if node >= 0:
            place[node] = position
    unit_order = np.argsort(place[unit_node], kind="stable")
    places = place[unit_node][unit_order]
    inner = min(MAXIMUM_INNER_UNITS, int((places >= len(order) - INNER_NODES).sum()))
    outer_places, inner_places = np.split(places, [len(places) - inner])
    bits = [0 if node < 0 else 1 << node for node in reversed(order)]
    return Plan(
        node_order=np.array(order, dtype=np.int64),
        boundary_kw=cuts.boundary_kw[subset_sums(np.array(bits, dtype=np.int64))],
        unit_order=unit_order.astype(np.int64),
        outer_units=np.bincount(outer_places, minlength=len(order)).astype(np.int64),
        inner_node=len(order) - 1 - inner_places,
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
    ordered_demand = np.where(plan.node_order[:, None] >= 0, demand_kw[plan.node_order], 0)
    numerators = np.empty_like(available_kw)
    value_all = np.empty(available_kw.shape[1], dtype=np.int64)
    backwards = np.ascontiguousarray(ordered_demand[::-1].T)
    ordered_supply = np.ascontiguousarray(available_kw[plan.unit_order].T)
    for interval, supply_kw in enumerate(ordered_supply):
        cut_kw = plan.boundary_kw + subset_sums(backwards[interval])
        result, value = _interval_sums(
            cut_kw, supply_kw, plan.outer_units, plan.inner_node, weights
        )
        numerators[plan.unit_order, interval] = result
        value_all[interval] = value
    return numerators, value_all


@kernel
def _interval_sums(
    cut_kw: Integers,
    supply_kw: Integers,
    outer_units: Integers,
    inner_node: Integers,
    weights: Integers,
) -> tuple[Integers, int]:
    """Return one interval's numerators, shape (U,) in the plan's order, and the value of all."""
    units, inner = len(supply_kw), len(inner_node)
    outer = units - inner
    table = _fold_nodes(cut_kw, supply_kw, outer_units)
    inner_kw = _inner_supply(supply_kw[outer:], inner_node)
    by_size, by_outer, value_all = _sum_coalitions(table, inner_kw, outer, inner, weights)

    by_inner = np.zeros(1 << inner, dtype=np.int64)
    everything = 0
    for members in range(1 << inner):
        size = bit_count(members)
        for outer_size in range(outer + 1):
            total = by_size[outer_size, members]
            everything += weights[outer_size + size] * total
            by_inner[members] += both_weights(weights, outer_size + size) * total
    numerators = np.empty(units, dtype=np.int64)
    add_up_by_member(by_outer, numerators[:outer])
    add_up_by_member(by_inner, numerators[outer:])
    for unit in range(units):
        numerators[unit] -= everything
    return numerators, value_all


@kernel
def _fold_nodes(cut_kw: Integers, supply_kw: Integers, outer_units: Integers) -> Integers:
    """Return shape (4, 2**outer): the cuts left for each choice of the outer units."""
    table = cut_kw.reshape((len(cut_kw), 1))
    first_unit = 0
    for position in range(len(outer_units)):
        choices, unit_count = table.shape[1], outer_units[position]
        grown = np.empty((len(table), choices << unit_count), dtype=np.int64)
        bit = 1 << (len(outer_units) - 1 - position)
        for members in range(1 << unit_count):
            supply = 0
            for unit in range(unit_count):
                if members >> unit & 1:
                    supply += supply_kw[first_unit + unit]
            for cut in range(len(table)):
                outside_kw = 0 if cut & bit else supply
                for choice in range(choices):
                    grown[cut, members * choices + choice] = table[cut, choice] + outside_kw
        if position < len(outer_units) - 2:
            for cut in range(bit):
                for choice in range(grown.shape[1]):
                    grown[cut, choice] = min(grown[cut, choice], grown[cut + bit, choice])
            table = grown[:bit]
        else:
            table = grown
        first_unit += unit_count
    return table


@kernel
def _inner_supply(supply_kw: Integers, inner_node: Integers) -> Integers:
    """Return shape (4, 2**inner): what each choice of inner units supplies outside each cut."""
    inner = len(supply_kw)
    inner_kw = np.zeros((4, 1 << inner), dtype=np.int64)
    for cut in range(4):
        for members in range(1 << inner):
            for unit in range(inner):
                if members >> unit & 1 and not cut >> inner_node[unit] & 1:
                    inner_kw[cut, members] += supply_kw[unit]
    return inner_kw


@kernel
def _sum_coalitions(
    table: Integers, inner_kw: Integers, outer: int, inner: int, weights: Integers
) -> tuple[Integers, Integers, int]:
    """Visit every coalition once.

    Returns:
        Sums of values by size of the outer choice and by inner choice, shape
        (outer + 1, 2**inner); sums of weighted values by outer choice, shape (2**outer,); and
        the value of all units.
    """
    choices = 1 << inner
    by_size = np.zeros((outer + 1, choices), dtype=np.int64)
    by_outer = np.zeros(1 << outer, dtype=np.int64)
    both = np.zeros((outer + 1, choices), dtype=np.int64)
    for outer_size in range(outer + 1):
        for members in range(choices):
            both[outer_size, members] = both_weights(weights, outer_size + bit_count(members))
    value = 0
    for choice in range(1 << outer):
        outer_size = bit_count(choice)
        cut_0, cut_1 = table[0, choice], table[1, choice]
        cut_2, cut_3 = table[2, choice], table[3, choice]
        weighted = 0
        for members in range(choices):
            value = min(
                cut_0 + inner_kw[0, members],
                cut_1 + inner_kw[1, members],
                cut_2 + inner_kw[2, members],
                cut_3,
            )
            by_size[outer_size, members] += value
            weighted += both[outer_size, members] * value
        by_outer[choice] = weighted
    return by_size, by_outer, value


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


@kernel
def both_weights(weights: Integers, size: int) -> int:
    """Return weight(size - 1) + weight(size), what a coalition of that size counts for."""
    return int(weights[size]) + (int(weights[size - 1]) if size else 0)


@kernel
def bit_count(choice: int) -> int:
    """Return how many units a choice holds."""
    count = 0
    while choice:
        choice &= choice - 1
        count += 1
    return count
