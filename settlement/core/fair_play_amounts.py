"""What Fair Play moves in energy and money: over-take, and reliability that was missed.

Over-take is what a supply point took above its entitlement; it is charged at the price cap, beside
what metered energy costs otherwise. Reliability is contracted over a day: of what a point desired,
at least so many parts per million are delivered. What is missing to that is compensated at the
price the contract states. What over-take brings in beyond compensation goes into the equalisation
account, and what compensation costs beyond over-take comes out of it.
"""

from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Integers, largest_magnitude, require_int64
from settlement.core.rounding import apportion, energy_amounts_micro
from settlement.core.tightness import PPM


@dataclass(frozen=True, eq=False)
class Amounts:
    """Quantities and money of a day, each of shape (G, T), none negative.

    Attributes:
        over_take_wh: taken above entitlement.
        over_take_micro: + is owed to the market.
        missed_wh: missing to the contracted reliability.
        compensation_micro: + is owed to the supply point.
    """

    over_take_wh: Integers
    over_take_micro: Integers
    missed_wh: Integers
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


def over_take_w(entitlement_w: Integers, delivered_w: Integers) -> Integers:
    """Return what was taken above entitlement, any shape."""
    over_take: Integers = np.maximum(delivered_w - entitlement_w, 0)
    return over_take


def missed_w(reliability_ppm: Integers, desired_w: Integers, delivered_w: Integers) -> Integers:
    """Return what is missing to the contracted reliability of a day, shape (G, T).

    ``max(0, desired x reliability // 10**6 - delivered)`` over the day, where an interval's
    delivery counts up to what was desired in it. It is set out over the intervals by what was not
    delivered in each, by largest remainder, ties to the earliest.

    Example: 1,000 and 1,000 W desired at 990,000 ppm, 900 and 700 delivered: 1,980 - 1,600 = 380
    missed, set out as 100 to 300: 95 and 285.

    Args:
        reliability_ppm: shape (G,).
        desired_w, delivered_w: shape (G, T), not negative.
    """
    missed = np.zeros_like(desired_w)
    short_w = np.maximum(desired_w - delivered_w, 0)
    for point in np.flatnonzero(short_w.any(axis=1)).tolist():
        short = short_w[point].tolist()
        desired = sum(desired_w[point].tolist())
        allowed = desired - desired * int(reliability_ppm[point]) // PPM
        if sum(short) > allowed:
            missed[point] = apportion(sum(short) - allowed, short)
    return missed


def fair_play_amounts(
    reliability_ppm: Integers,
    entitlement_w: Integers,
    desired_w: Integers,
    delivered_w: Integers,
    interval_minutes: int,
    over_take_micro_per_mwh: int,
    compensation_micro_per_mwh: Integers | int,
    *,
    is_limited: bool = False,
) -> Amounts:
    """Return over-take and missed reliability of a day, with their money.

    Args:
        reliability_ppm: shape (G,).
        entitlement_w, desired_w, delivered_w: shape (G, T), over all priorities.
        interval_minutes: length of an interval.
        over_take_micro_per_mwh: the market's cap price.
        compensation_micro_per_mwh: as the contract states, an int or shape (G, 1).
        is_limited: whether a day's compensation is at most what its over-take is charged.

    Raises:
        OverflowError: quantities too large for exact sums.

    Money is rounded as `energy_amounts_micro` does: a day's amount is rounded down once. Where
    compensation is limited and exceeds what over-take is charged, that amount is split over all
    points and intervals by what each would get, by largest remainder.
    """
    over_take = energy_wh(over_take_w(entitlement_w, delivered_w), interval_minutes)
    missed = energy_wh(missed_w(reliability_ppm, desired_w, delivered_w), interval_minutes)
    over_take_micro = energy_amounts_micro(over_take, over_take_micro_per_mwh)
    compensation_micro = energy_amounts_micro(missed, compensation_micro_per_mwh)
    if is_limited:
        compensation_micro = _limited(compensation_micro, int(over_take_micro.sum()))
    return Amounts(over_take, over_take_micro, missed, compensation_micro)


def _limited(amounts_micro: Integers, most_micro: int) -> Integers:
    """Return amounts cut in proportion so that they sum to no more than the most.

    Example: amounts of 60 and 40 with 50 at most become 30 and 20.
    """
    flat = amounts_micro.ravel().tolist()
    if sum(flat) <= most_micro:
        return amounts_micro
    return np.array(apportion(most_micro, flat), dtype=np.int64).reshape(amounts_micro.shape)
