"""The weighted sums behind a Shapley value where no network limits, in halves of the units.

A coalition is worth the smaller of its supply and the demand. So units are parted in two halves;
of each half every choice of units has a supply and a size. A choice of one half reaches demand
with those of the other that supply at least the rest, which are the last ones once they are in
order of supply: what all coalitions of a choice come to follows from counts and sums up to there,
kept by size, as the weight of a coalition depends on its size alone. Of 20 units, two times 1024
choices are visited, in place of a million coalitions.

A choice of units is an integer with the bit of unit k set where unit k is a member.
"""

import numpy as np

from settlement.core.arrays import Integers, kernel
from settlement.core.coalition_sums import add_up_by_member, bit_count, both_weights
from settlement.core.cuts import subset_sums


@kernel
def adequacy_sums(
    weights: Integers, available_kw: Integers, demand_kw: Integers
) -> tuple[Integers, Integers]:
    """Return the numerators, shape (U, T), and the value of all units, shape (T,), in kW.

    Args:
        weights: shape (U + 1,), by coalition size, 0 for the full one.
        available_kw: shape (U, T), not negative.
        demand_kw: shape (T,), not negative.

    The caller has checked that no sum can pass int64.
    """
    units, intervals = available_kw.shape
    first = units // 2
    numerators = np.empty_like(available_kw)
    value_all = np.empty(intervals, dtype=np.int64)
    by_member = np.empty(units, dtype=np.int64)
    for interval in range(intervals):
        demand = demand_kw[interval]
        # One that supplies all of the demand or more supplies it: no sum grows beyond its bound.
        supply = np.minimum(np.ascontiguousarray(available_kw[:, interval]), demand)
        one, other = subset_sums(supply[:first]), subset_sums(supply[first:])
        by_one, everything = _sums_by_choice(one, other, demand, weights)
        by_other, _ = _sums_by_choice(other, one, demand, weights)
        add_up_by_member(by_one, by_member[:first])
        add_up_by_member(by_other, by_member[first:])
        numerators[:, interval] = by_member - everything
        value_all[interval] = min(demand, supply.sum())
    return numerators, value_all


@kernel
def _sums_by_choice(
    own_kw: Integers, other_kw: Integers, demand_kw: int, weights: Integers
) -> tuple[Integers, int]:
    """Visit every choice of one half of the units, with all choices of the other at once.

    Returns:
        By choice of the half, the sum of the values of its coalitions, each weighted as one that a
        member joined or would join; and the sum over all coalitions by the weight of their size.
    """
    order = np.argsort(other_kw)
    sorted_kw = other_kw[order]
    other_units = bit_count(len(other_kw) - 1)
    # Up to each place in that order, by size: how many choices, and what they supply.
    counts = np.zeros((len(other_kw) + 1, other_units + 1), dtype=np.int64)
    sums = np.zeros((len(other_kw) + 1, other_units + 1), dtype=np.int64)
    for place in range(len(other_kw)):
        counts[place + 1], sums[place + 1] = counts[place], sums[place]
        size = bit_count(order[place])
        counts[place + 1, size] += 1
        sums[place + 1, size] += sorted_kw[place]
    by_choice = np.empty(len(own_kw), dtype=np.int64)
    everything = 0
    for choice in range(len(own_kw)):
        own = own_kw[choice]
        short = np.searchsorted(sorted_kw, demand_kw - own)  # those with less do not reach demand
        own_size = bit_count(choice)
        total = 0
        for size in range(other_units + 1):
            count = counts[short, size]
            enough = counts[-1, size] - count
            value = count * own + sums[short, size] + enough * demand_kw
            total += both_weights(weights, own_size + size) * value
            everything += weights[own_size + size] * value
        by_choice[choice] = total
    return by_choice, everything
