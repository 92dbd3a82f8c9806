"""What Fair Play moves in energy and money: over-take, and promises that were not kept.

Over-take is what a supply point took above its entitlement; it is charged at the price cap, beside
what metered energy costs otherwise. A promise is kept or not over a term: what its group lacks of
it when the term ends is compensated, in its last interval, to the group's members by what each
missed in the term, at the price that the law of the day stated on which it was missed. What
over-take brings in beyond compensation goes into the equalisation account, and what compensation
costs beyond over-take comes out of it.
"""

from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers, largest_magnitude, require_int64
from settlement.core.contract_state import DayState
from settlement.core.contracts import Contracts, Memory
from settlement.core.rounding import WH_PER_MWH, apportion, energy_amounts_micro
from settlement.core.tightness import PPM


@dataclass(frozen=True, eq=False)
class Amounts:
    """Quantities and money of a day, each of shape (G, T), none negative.

    Attributes:
        over_take_wh: taken above entitlement.
        over_take_micro: + is owed to the market.
        shortfall_wh: lacking of the promise where the term ends.
        compensation_micro: + is owed to the supply point.
    """

    over_take_wh: Integers
    over_take_micro: Integers
    shortfall_wh: Integers
    compensation_micro: Integers


def energy_wh(power_w: Integers, interval_minutes: int) -> Integers:
    """Return the energy of each interval of a day at constant power, shape (..., T), T >= 1.

    The running exact sum is rounded down and an interval gets its step, so a day is off by less
    than 1 Wh.

    Example: 1 W in three half-hours has running sums 0.5, 1.0, 1.5 Wh: the steps are 0, 1, 0.

    Raises:
        OverflowError: the sum could pass int64.
    """
    require_int64(2 * largest_magnitude(power_w) * power_w.size * interval_minutes, "energy")
    running = np.cumsum(power_w, axis=-1) * interval_minutes // 60
    energy: Integers = np.diff(running, axis=-1, prepend=0)
    return energy


def shortfalls_w(contracts: Contracts, memory: Memory, missed_w: Integers) -> Integers:
    """Return what each supply point lacks of its group's promise, shape (G,), in W x intervals.

    ``max(0, ceil(promised - delivered))`` of a group, set out over its members by what
    each missed, by largest remainder, ties to the first. What members missed that left the group
    before the term ended has its part too, and nobody gets that: who stays is compensated for
    what it missed itself.

    Example: 990,000 ppm of 2,000 matured were promised and 1,600 delivered: 380 are lacking. Two
    members missed 100 and 300 of it: 95 and 285. Had the second left, the first would lack 95.

    Args:
        memory: of the groups, where the term ends.
        missed_w: shape (G,), in the term.
    """
    shortfalls = np.zeros_like(missed_w)
    for group, deficit in enumerate(memory.deficits()):
        points = contracts.points_of[group]
        missed = missed_w[points].tolist()
        left = memory.matured[group] - memory.delivered[group] - sum(missed)
        if deficit > 0 and any(missed):
            shortfalls[points] = apportion(-(-deficit // PPM), [*missed, left])[:-1]
    return shortfalls


def fair_play_amounts(
    over_take_w: Integers,
    shortfall_w: Integers,
    interval_minutes: int,
    over_take_micro_per_mwh: int,
    ended: DayState,
    limited_to_micro: int | None = None,
) -> Amounts:
    """Return over-take and shortfalls of a day as energy, with their money.

    Args:
        over_take_w: shape (G, T), taken above entitlement.
        shortfall_w: shape (G, T), in W x intervals: 0 but where a term ends.
        interval_minutes: length of an interval.
        over_take_micro_per_mwh: the market's cap price.
        ended: the state in which the day ends.
        limited_to_micro: what over-take was charged in the term before the day, where compensation
            is at most what over-take is charged; None where it is not limited.

    Raises:
        OverflowError: quantities too large for exact sums.

    Money is rounded as `energy_amounts_micro` does: a day's amount is rounded down once. Where
    compensation is limited and exceeds what over-take is charged, that amount is split over all
    points and intervals by what each would get, by largest remainder.
    """
    over_take = energy_wh(over_take_w, interval_minutes)
    shortfall = energy_wh(shortfall_w, interval_minutes)
    over_take_micro = energy_amounts_micro(over_take, over_take_micro_per_mwh)
    compensation_micro = np.zeros_like(shortfall)
    compensation_micro[:, -1] = _compensation_micro(shortfall[:, -1], ended)
    if limited_to_micro is not None:
        compensation_micro = _limited(
            compensation_micro, limited_to_micro + sum(over_take_micro.ravel().tolist())
        )
    return Amounts(over_take, over_take_micro, shortfall, compensation_micro)


def _compensation_micro(shortfall_wh: Integers, ended: DayState) -> Integers:
    """Return what shortfalls are compensated with, shape (G,), each rounded down.

    What lacks of a promise is a part of all that was missed in the term, each Wh at the price of
    the day that missed it: so it has the mean of those prices, by what each day missed.

    Example: 100 Wh were missed at 90 micro per Wh, 300 later at 50. Of 380 Wh that lack, each has
    the mean of 60: 22,800 micro.
    """
    rows = zip(shortfall_wh.tolist(), ended.missed_worth, ended.missed_w.tolist(), strict=True)
    found = [wh * worth // (missed * WH_PER_MWH) if missed else 0 for wh, worth, missed in rows]
    require_int64(sum(found), "energy x price of a day")
    return np.array(found, dtype=np.int64)


def _limited(amounts_micro: Integers, most_micro: int) -> Integers:
    """Return amounts cut in proportion so that they sum to no more than the most.

    Example: amounts of 60 and 40 with 50 at most become 30 and 20.
    """
    flat = amounts_micro.ravel().tolist()
    if sum(flat) <= most_micro:
        return amounts_micro
    return np.array(apportion(most_micro, flat), dtype=np.int64).reshape(amounts_micro.shape)
