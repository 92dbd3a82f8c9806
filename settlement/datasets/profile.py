"""What happened, before dispatch: availability and demand, day by day."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from settlement.datasets.market import MarketShape
from settlement.dispatch.horizon import DayToDispatch, dispatch_days
from settlement.dispatch.losses import demand_with_losses_wh, with_losses

Integers = NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Told how many days are done, and of how many."""


@dataclass(frozen=True, eq=False)
class ProfileDay:
    """One settlement day of a market: U units, G supply points, T intervals.

    Attributes:
        day: the settlement day.
        starts: start of each interval in UTC.
        available_w: int64[U, T].
        demand_wh: int64[G, T], negative for net export.
        sub_metered_wh: int64[S, T] of the sub-meters; None where nothing is known of them.
    """

    day: dt.date
    starts: tuple[dt.datetime, ...]
    available_w: Integers
    demand_wh: Integers
    sub_metered_wh: Integers | None = None


def dispatch_profile(
    shape: MarketShape, profile: Sequence[ProfileDay], progress: Progress
) -> list[Integers]:
    """Return the metered generation int64[U, T] in Wh of each day, by least-cost dispatch.

    Losses are generated where the grid model states them. A day that does not follow the one
    before it begins as a first day does.
    """
    generation: list[Integers] = []
    for stretch in _stretches(profile):
        days = [DayToDispatch(day.available_w, demand_and_losses_wh(shape, day)) for day in stretch]
        for dispatched in dispatch_days(with_losses(shape.dispatch, shape.energy_areas), days):
            generation.append(dispatched.generation_wh)
            progress(len(generation), len(profile))
    return generation


def _stretches(profile: Sequence[ProfileDay]) -> Iterator[list[ProfileDay]]:
    """Yield the days in stretches without a gap."""
    stretch: list[ProfileDay] = []
    for day in profile:
        if stretch and day.day - stretch[-1].day != dt.timedelta(days=1):
            yield stretch
            stretch = []
        stretch.append(day)
    if stretch:
        yield stretch


def demand_and_losses_wh(shape: MarketShape, day: ProfileDay) -> Integers:
    """Return int64[N, T]: what the nodes ask for, and what is lost on its way."""
    demand_wh = np.zeros((shape.dispatch.node_count, len(day.starts)), dtype=np.int64)
    np.add.at(demand_wh, shape.supply_point_node, day.demand_wh)
    return demand_with_losses_wh(shape.energy_areas, demand_wh)
