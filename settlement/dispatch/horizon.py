"""Consecutive days on a rolling horizon: each is dispatched with the day after it in view.

What storage holds at the end of a day, and what units ran at, the next day begins with. To know
what stored energy will be worth, a day is dispatched in one window with the `DAYS_AHEAD` days after
it, as if demand and availability of these were known; only the day itself is kept, and the next is
dispatched again in its own window. Of the last day nothing is ahead, so it ends half full.

One day suffices for storage of hours: in January of gb12 it makes the month 1.4 % cheaper than days
alone, as 3.2 GWh less of demand is unserved, and a second day ahead another 0.02 %.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from settlement.dispatch.least_cost import DayDispatch, dispatch_day
from settlement.dispatch.model import DispatchModel, FleetState, Integers

DAYS_AHEAD = 1


@dataclass(frozen=True, eq=False)
class DayToDispatch:
    """What a day is dispatched from: available_w int64[U, T] and demand_wh int64[N, T]."""

    available_w: Integers
    demand_wh: Integers


def dispatch_in_view(
    model: DispatchModel,
    day: DayToDispatch,
    ahead: Sequence[DayToDispatch],
    before: FleetState | None,
) -> DayDispatch:
    """Return the dispatch of a day with the days after it in view; errors as in `dispatch_day`."""
    window = (day, *ahead)
    return dispatch_day(
        model,
        np.concatenate([each.available_w for each in window], axis=1),
        np.concatenate([each.demand_wh for each in window], axis=1),
        before,
        day.demand_wh.shape[1],
    )


def dispatch_days(model: DispatchModel, days: Sequence[DayToDispatch]) -> Iterator[DayDispatch]:
    """Yield the dispatch of consecutive days of one fleet; errors as in `dispatch_day`."""
    before: FleetState | None = None
    for number, day in enumerate(days):
        ahead = days[number + 1 : number + 1 + DAYS_AHEAD]
        dispatched = dispatch_in_view(model, day, ahead, before)
        before = dispatched.after
        yield dispatched
