"""What happened, before dispatch: availability and demand, day by day."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from settlement.datasets.market import MarketShape
from settlement.dispatch.least_cost import dispatch_day

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
    """Return the metered generation int64[U, T] in Wh of each day, by least-cost dispatch."""
    generation = []
    for done, day in enumerate(profile, start=1):
        node_demand = np.zeros((shape.dispatch.node_count, len(day.starts)), dtype=np.int64)
        np.add.at(node_demand, shape.supply_point_node, day.demand_wh)
        generation.append(dispatch_day(shape.dispatch, day.available_w, node_demand).generation_wh)
        progress(done, len(profile))
    return generation
