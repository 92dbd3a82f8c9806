"""Winter values: what units add, averaged over the orders that keep each holon together.

Down the holarchy, the holons beside each other join in any order, and all units of one join
before the next one begins (Winter, 1989; with one level of holons this is Owen's value, 1977).
The game is the holarchy-tree game of `holarchy`, whose smallest cut is one sum up the tree. With
d the demand and x the supply at a holon itself::

    need(h) = d - x + sum over holons c inside of  clamp(need(c), -out(c), in(c))

is what h takes in, if positive, or could give. Down the tree, *use* is how much of one holon's
supply the rest of the grid still has a use for, or, if negative, how much the rest could send::

    use(root) = 0
    use(c)    = clamp(use(h) + need of all in h but c, -in(c), out(c))

A unit is like a holon that takes nothing in and sends out its availability, so what it adds is
``clamp(use + need, 0, availability)``, and its value is the mean of that over the orders.

At each holon the orders leave a list of (use, weight); every choice of those beside a holon inside
it extends the list, and equal uses are added up. The units of a holon then need only the list and
one table of their own choices, so the cost is bounded by how many stand beside each other, not by
how many units there are. Weights are integers over the product of ``lcm(1..n)`` down the
holarchy. Where a sum could pass int64 the work is done modulo several primes and put together
(Chinese remainders), with the same result.
"""

from operator import mul

import numpy as np

from settlement.core.arrays import Integers, integers, narrow
from settlement.core.holarchy import UNLIMITED_KW
from settlement.core.levels_kernel import EXACT_MODULUS, interval_gains
from settlement.core.levels_plan import LevelsPlan
from settlement.core.shapley import size_weights

PRIMES = tuple(2**31 - less for less in (1, 19, 61, 69, 85, 99, 105, 151, 159, 171, 225, 249))
"""Primes below 2**31: products of remainders stay below 2**62."""


def shapley_levels(
    plan: LevelsPlan, available_kw: Integers, demand_kw: Integers
) -> tuple[Integers, Integers]:
    """Return the Winter values of the holarchy-tree game of each interval.

    Args:
        plan: of the holarchy and the units.
        available_kw: shape (U, T), not negative.
        demand_kw: shape (N, T), by node, not negative.

    Returns:
        Numerators over ``plan.denominator``, shape (U, T), in kW, never negative: int64 where the
        denominator times all demand fits, else an array of Python ints; and the value of all
        units together in the tree, shape (T,), in kW.

    Raises:
        ValueError: a shape differs, or a quantity is negative or beyond `UNLIMITED_KW`.
        OverflowError: the holarchy is so deep and wide that the primes do not suffice.
        ArithmeticError: numerators do not sum to the value of all: a bug, never bad input.
    """
    units, intervals = len(plan.unit_order), np.shape(demand_kw)[1]
    available = integers(available_kw, (units, intervals), "available_kw")
    demand = integers(demand_kw, (len(plan.tree.node_holon), intervals), "demand_kw")
    if min(available.min(initial=0), demand.min(initial=0)) < 0:
        raise ValueError("available_kw and demand_kw must not be negative")
    largest = sum(int(row.max(initial=0)) for row in (*available, *demand))
    if largest > UNLIMITED_KW:
        raise ValueError(f"supply and demand of {largest} kW: the limit is {UNLIMITED_KW}")
    gains = _exact_gains(plan, largest, available, demand)
    weights = [size_weights(int(count)).tolist() for count in plan.players[plan.unit_holon]]
    numerators = np.empty((units, intervals), dtype=object)
    for unit, (weight, own) in enumerate(zip(weights, plan.unit_denominators, strict=True)):
        scale = plan.denominator // own
        numerators[unit] = [
            sum(map(mul, row, weight)) * scale for row in gains[:, unit, : len(weight)].tolist()
        ]
    value_all = _values_of_all(plan, available, demand)
    if np.any(numerators.sum(axis=0) != value_all.astype(object) * plan.denominator):
        raise ArithmeticError("Winter numerators do not sum to the value of all units")
    return narrow(numerators, plan.denominator * largest), value_all


def _exact_gains(
    plan: LevelsPlan, largest_kw: int, available_kw: Integers, demand_kw: Integers
) -> Integers:
    """Return shape (T, U, n): what each unit adds, by how many stand before it in its holon.

    Summed over the choices of those, and over the uses of the holon by weight; n is the most that
    stand beside each other. Python ints where int64 would not do.
    """
    supply = np.ascontiguousarray(available_kw[plan.unit_order].T)
    demand = np.ascontiguousarray(plan.tree.demand_kw(demand_kw).T)
    bound = max(
        order * largest_kw << players
        for order, players in zip(plan.orders, plan.players.tolist(), strict=True)
    )
    if bound < EXACT_MODULUS:
        return _gains(plan, supply, demand, EXACT_MODULUS)
    gains = np.zeros((len(supply), len(plan.unit_order), 1), dtype=object)
    product = 1
    for prime in PRIMES:
        if product > bound:
            return gains
        missing = (_gains(plan, supply, demand, prime) - gains) * pow(product, -1, prime) % prime
        gains = gains + missing * product
        product *= prime
    raise OverflowError(f"sums over orders may reach {bound}; use fewer holons beside each other")


def _gains(plan: LevelsPlan, supply_kw: Integers, demand_kw: Integers, modulus: int) -> Integers:
    """Return `_exact_gains` modulo a number, units in their own order."""
    intervals, units = supply_kw.shape
    gains = np.zeros((intervals, units, int(plan.players.max())), dtype=np.int64)
    weights = np.zeros((int(plan.players.max()) + 1,) * 2, dtype=np.int64)
    for players in range(1, len(weights)):
        weights[players, : players + 1] = size_weights(players) % modulus
    # The uses and weights of the holon last visited at each depth.
    uses = np.zeros((2, int(plan.depth.max()) + 1, plan.most_uses), dtype=np.int64)
    for interval in range(intervals):
        interval_gains(
            plan.tree.parent,
            plan.tree.out_kw,
            plan.tree.in_kw,
            plan.inside,
            plan.first_inside,
            plan.first_unit,
            plan.has_units,
            plan.visits,
            plan.depth,
            plan.players,
            supply_kw[interval],
            demand_kw[interval],
            weights,
            modulus,
            uses,
            gains[interval],
        )
    in_own_order = np.empty_like(gains)
    in_own_order[:, plan.unit_order] = gains
    return in_own_order


def _values_of_all(plan: LevelsPlan, available_kw: Integers, demand_kw: Integers) -> Integers:
    """Return shape (T,): the smallest cut of the tree, by what either side of a holon costs."""
    tree = plan.tree
    inside = tree.demand_kw(demand_kw)  # with the holon on the side of supply
    outside = np.zeros_like(inside)  # with the holon on the other side
    np.add.at(outside, plan.unit_holon, available_kw)
    for holon in range(len(tree.parent) - 1, 0, -1):
        around = tree.parent[holon]
        outside[around] += np.minimum(outside[holon], inside[holon] + tree.out_kw[holon])
        inside[around] += np.minimum(inside[holon], outside[holon] + tree.in_kw[holon])
    value_all: Integers = np.minimum(inside[0], outside[0])
    return value_all
