"""Prices of days whose places and bounds may differ, as the law of each day has them. Pure."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from settlement.baselines.day import PricedDay
from settlement.core.arrays import Integers
from settlement.fairness.price_figures import PriceFigures, price_figures, side_by_side

HUNDREDTHS = 100


def figures_of_days(days: Sequence[PricedDay]) -> PriceFigures:
    """Return the figures of consecutive days, each interval held to the bounds of its own day.

    A step is from one interval to the next at a place; where the law has other places from a day
    on, none leads from the day before.
    """
    stretches = [
        list(alike)
        for _, alike in groupby(
            days, lambda day: (day.nodes, day.floor_micro_per_mwh, day.cap_micro_per_mwh)
        )
    ]
    found = [
        price_figures(
            side_by_side([day.prices_micro_per_mwh for day in stretch]),
            stretch[0].floor_micro_per_mwh,
            stretch[0].cap_micro_per_mwh,
        )
        for stretch in stretches
    ]
    if len(found) == 1:
        return found[0]
    every = every_price(days)
    # Bounds are each day's own, counted above: these are of no matter here.
    whole = price_figures(every[np.newaxis], int(every.min()), int(every.max()))
    return PriceFigures(
        whole.lowest_micro_per_mwh,
        whole.highest_micro_per_mwh,
        whole.mean_micro_per_mwh,
        whole.volatility_ppm,
        max(_steps(days), default=0),
        sum(each.intervals for each in found),
        sum(each.intervals_at_cap for each in found),
        sum(each.intervals_at_floor for each in found),
        all(each.within_bounds for each in found),
    )


def intervals_at_bounds(days: Sequence[PricedDay]) -> int:
    """Return in how many intervals any place is at the floor or the cap of its day.

    One with a place at each counts once.
    """
    at_bounds = (
        (day.prices_micro_per_mwh <= day.floor_micro_per_mwh)
        | (day.prices_micro_per_mwh >= day.cap_micro_per_mwh)
        for day in days
    )
    return sum(int(places.any(axis=0).sum()) for places in at_bounds)


def _steps(days: Sequence[PricedDay]) -> list[int]:
    """Return the largest step of each stretch of days with the same places."""
    return [
        int(np.abs(np.diff(side_by_side([d.prices_micro_per_mwh for d in alike]), axis=1)).max())
        for _, alike in groupby(days, lambda day: day.nodes)
    ]


def every_price(days: Sequence[PricedDay]) -> Integers:
    """Return the prices of all places and intervals, one after the other."""
    return np.concatenate([day.prices_micro_per_mwh.ravel() for day in days])


def duration_micro_per_mwh(prices_micro_per_mwh: Integers) -> list[int]:
    """Return 101 prices: the highest, then that which 1, 2, ... 100 % of all reach or exceed.

    >>> duration_micro_per_mwh(np.array([30, 10, 20, 40]))[::25]
    [40, 40, 30, 20, 10]
    """
    ordered = np.sort(prices_micro_per_mwh)[::-1]
    places = [max(-(-part * len(ordered) // HUNDREDTHS) - 1, 0) for part in range(101)]
    return [int(ordered[place]) for place in places]
