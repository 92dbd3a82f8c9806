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
    numerators = np.empty((units, intervals), dtype=np.int64)
    value_all = np.empty(intervals, dtype=np.int64)
    by_member = np.empty(units, dtype=np.int64)
    supply_kw = np.empty(units, dtype=np.int64)
    for interval in range(intervals):
        demand = demand_kw[interval]
        all_kw = 0
        for unit in range(units):
            # One that supplies all of the demand or more supplies it: no sum grows beyond its
            # bound.
            supply_kw[unit] = min(available_kw[unit, interval], demand)
            all_kw += supply_kw[unit]
        one, other = _choices_in_order(supply_kw[:first]), _choices_in_order(supply_kw[first:])
        by_one, everything = _sums_by_choice(one, other, demand, weights)
        by_other, _ = _sums_by_choice(other, one, demand, weights)
        add_up_by_member(by_one, by_member[:first])
        add_up_by_member(by_other, by_member[first:])
        for unit in range(units):
            numerators[unit, interval] = by_member[unit] - everything
        value_all[interval] = min(demand, all_kw)
    return numerators, value_all


@kernel
def _choices_in_order(supply_kw: Integers) -> tuple[Integers, Integers]:
    """Return shapes (2**K,): what each choice of K units supplies, rising, and the choices so."""
    sums_kw = np.zeros(1 << len(supply_kw), dtype=np.int64)
    choices = np.zeros(1 << len(supply_kw), dtype=np.int64)
    for unit in range(len(supply_kw)):
        # Those without this unit are in order, and so are the same with it: the two are merged,
        # from the end, where there is room. A sort would take seconds to compile.
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
def _sums_by_choice(
    own: tuple[Integers, Integers],
    other: tuple[Integers, Integers],
    demand_kw: int,
    weights: Integers,
) -> tuple[Integers, int]:
    """Visit every choice of one half of the units, with all choices of the other at once.

    Returns:
        By choice of the half, the sum of the values of its coalitions, each weighted as one that a
        member joined or would join; and the sum over all coalitions by the weight of their size.
    """
    own_kw, own_choices = own
    other_kw, other_choices = other
    places, other_units = len(other_kw), bit_count(len(other_kw) - 1)
    # Up to each place in that order, by size: how many choices, and what they supply.
    counts = np.zeros((places + 1, other_units + 1), dtype=np.int64)
    sums = np.zeros((places + 1, other_units + 1), dtype=np.int64)
    for place in range(places):
        for size in range(other_units + 1):
            counts[place + 1, size] = counts[place, size]
            sums[place + 1, size] = sums[place, size]
        size = bit_count(other_choices[place])
        counts[place + 1, size] += 1
        sums[place + 1, size] += other_kw[place]
    by_choice = np.empty(len(own_kw), dtype=np.int64)
    everything = 0
    short = places  # as many of the other half do not reach demand; fewer, the more there is
    for place in range(len(own_kw)):
        supply, choice = own_kw[place], own_choices[place]
        while short and other_kw[short - 1] + supply >= demand_kw:
            short -= 1
        own_size = bit_count(choice)
        total = 0
        for size in range(other_units + 1):
            count = counts[short, size]
            enough = counts[places, size] - count
            value = count * supply + sums[short, size] + enough * demand_kw
            total += both_weights(weights, own_size + size) * value
            everything += weights[own_size + size] * value
        by_choice[choice] = total
    return by_choice, everything
