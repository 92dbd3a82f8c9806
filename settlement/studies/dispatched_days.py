"""The days of a study, dispatched one after the other on a rolling horizon, asked for by threads.

What storage holds, and what units ran at, goes from each day to the next; so a day can be
dispatched only when those before it were, on one thread at a time. All else of a day is made by
whichever thread asks for it.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np

from settlement.dispatch.horizon import DAYS_AHEAD, DayToDispatch, dispatch_in_view
from settlement.dispatch.least_cost import DayDispatch
from settlement.dispatch.model import DispatchModel, FleetState


class Fleet(NamedTuple):
    """Units by name, in the order of their model."""

    units: tuple[str, ...]
    model: DispatchModel


class DispatchedDays:
    """The dispatch of consecutive days; the same whatever the order in which they are asked for."""

    def __init__(
        self,
        days: Sequence[dt.date],
        fleet_of: Callable[[dt.date], Fleet],
        demand_of: Callable[[dt.date], DayToDispatch],
    ) -> None:
        """Take the days in order, the fleet of each, and what each is dispatched from."""
        self._days, self._fleet_of, self._demand_of = days, fleet_of, demand_of
        self._lock = Lock()
        self._done: list[DayDispatch] = []

    def of(self, day: dt.date) -> DayDispatch:
        """Return the dispatch of a day, after those before it.

        Raises:
            DispatchError: HiGHS found no optimum.
        """
        number = self._days.index(day)
        with self._lock:
            while len(self._done) <= number:
                self._done.append(self._next())
        return self._done[number]

    def _next(self) -> DayDispatch:
        number = len(self._done)
        day = self._days[number]
        fleet = self._fleet_of(day)
        before = None
        if number:
            before = carried(
                self._done[-1].after, self._fleet_of(self._days[number - 1]).units, fleet
            )
        ahead = [
            self._demand_of(later)
            for later in self._days[number + 1 : number + 1 + DAYS_AHEAD]
            # Another law may have other units: what it will want of these cannot be said.
            if self._fleet_of(later) is fleet
        ]
        return dispatch_in_view(fleet.model, self._demand_of(day), ahead, before)


def carried(state: FleetState, units: Sequence[str], fleet: Fleet) -> FleetState:
    """Return what a fleet carries where the law changes: a unit that is new did not run before.

    What is new and stores is half full, and no unit holds more than it can.
    """
    place = {unit: number for number, unit in enumerate(units)}
    power_w = np.zeros(len(fleet.units), dtype=np.int64)
    level_wh = fleet.model.storage_wh // 2
    for number, unit in enumerate(fleet.units):
        if unit in place:
            level_wh[number] = state.level_wh[place[unit]]
            if state.power_w is not None:
                power_w[number] = state.power_w[place[unit]]
    return FleetState(power_w, np.minimum(level_wh, fleet.model.storage_wh))
