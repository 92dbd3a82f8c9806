"""Exact Shapley values of the location and adequacy games, over one common denominator.

A unit's Shapley value (Shapley, 1953) is its marginal contribution, averaged over all orders in
which units may join. Over n units, with v the value of a coalition::

    value(i) = sum over coalitions S without i of  |S|! (n - |S| - 1)! / n!  x  [v(S + i) - v(S)]

Each factor equals ``weight(|S|) / lcm(1..n)`` with an integer weight, so a value is an integer
numerator in kW over ``lcm(1..n)``, and the numerators sum to v(all) x lcm(1..n) exactly. Gathered
by coalition, unit i's numerator is ::

    sum over S with i of [weight(|S| - 1) + weight(|S|)] v(S)  -  sum over S of weight(|S|) v(S)

so each of the 2**n coalitions is visited once; `coalition_sums` says how it is valued.
"""

from math import comb, lcm

import numpy as np

from settlement.core.arrays import Integers, integers, require_int64
from settlement.core.coalition_sums import coalition_sums, plan_of
from settlement.core.contraction import contract
from settlement.core.cuts import Cuts, copperplate_cuts

MAXIMUM_UNITS = 24


def denominator(unit_count: int) -> int:
    """Return lcm(1..n), the common denominator of the Shapley values of n units."""
    return lcm(*range(1, unit_count + 1))


def size_weights(unit_count: int) -> Integers:
    """Return shape (n + 1,): the weight of joining a coalition of each size, 0 for the full one.

    ``weight(s) = lcm(1..n) / (n x C(n - 1, s))``; the division is exact for every s < n.
    """
    common = denominator(unit_count)
    return np.array(
        [common // (unit_count * comb(unit_count - 1, size)) for size in range(unit_count)] + [0],
        dtype=np.int64,
    )


def shapley_location(
    cuts: Cuts, unit_node: Integers, available_kw: Integers, demand_kw: Integers
) -> tuple[Integers, Integers]:
    """Return the exact Shapley values of the location game of each interval.

    Args:
        cuts: the grid's cuts.
        unit_node: shape (U,), index of each unit's node, 1 <= U <= 24.
        available_kw: shape (U, T), not negative.
        demand_kw: shape (N, T), not negative.

    Returns:
        Numerators over ``denominator(U)``, shape (U, T), in kW, never negative; and the value of
        all units together, shape (T,), in kW.

    Raises:
        ValueError: too many units, a shape differs, or a quantity is negative.
        OverflowError: quantities too large for exact int64 sums.
        ArithmeticError: numerators do not sum to the value of all: a bug, never bad input.
    """
    available, demand = _checked(available_kw, demand_kw, unit_node, cuts)
    weights = size_weights(len(available))
    cuts, unit_node, demand = contract(cuts, unit_node, available, demand)
    numerators, value_all = coalition_sums(plan_of(cuts, unit_node), weights, available, demand)
    if np.any(numerators.sum(axis=0) != value_all * denominator(len(numerators))):
        raise ArithmeticError("Shapley numerators do not sum to the value of all units")
    return numerators, value_all


def shapley_adequacy(available_kw: Integers, demand_kw: Integers) -> tuple[Integers, Integers]:
    """Return the exact Shapley values of the adequacy game, ``v(S) = min(supply of S, demand)``.

    It is the location game of one node.

    Args:
        available_kw: shape (U, T), not negative.
        demand_kw: shape (T,), all demand, not negative.

    Returns and raises as `shapley_location`.
    """
    one_node = np.zeros(len(available_kw), dtype=np.int64)
    return shapley_location(copperplate_cuts(), one_node, available_kw, demand_kw[np.newaxis])


def _checked(
    available_kw: Integers, demand_kw: Integers, unit_node: Integers, cuts: Cuts
) -> tuple[Integers, Integers]:
    """Return supply and demand of the shapes of a game whose sums fit int64."""
    units, intervals = len(unit_node), np.shape(demand_kw)[1]
    if not 1 <= units <= MAXIMUM_UNITS:
        raise ValueError(f"{units} units: the exact method takes 1 to {MAXIMUM_UNITS}")
    available = integers(available_kw, (units, intervals), "available_kw")
    demand = integers(demand_kw, (cuts.node_count, intervals), "demand_kw")
    if available.size and min(available.min(), demand.min(initial=0)) < 0:
        raise ValueError("available_kw and demand_kw must not be negative")
    # v <= total demand. Over all coalitions, the weights of one size before and at each size sum
    # to lcm x 2 (1 + 1/2 + ... + 1/n) < 8 lcm, which bounds every partial sum of the kernels.
    largest_value, largest_supply = _largest_sum(demand), _largest_sum(available)
    require_int64(8 * largest_value * denominator(units), "Shapley numerators")
    require_int64(largest_value + largest_supply + int(cuts.boundary_kw.max()), "cut values")
    return available, demand


def _largest_sum(values: Integers) -> int:
    """Return a bound of what an interval comes to: the sum of the largest of each row."""
    return sum(int(row.max()) for row in values) if values.shape[1] else 0
