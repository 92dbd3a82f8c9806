"""Grid and fleet as the dispatch takes them, and what a fleet carries from one day to the next."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from settlement.core.periods import MINUTES_PER_HOUR

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

MILLION = 1_000_000
GAP_PPM = 5_000
"""How much dearer than the least a choice of who is on may be, as a part of what energy costs.

To prove a fifth of it takes seconds of branching on one day of `gb12` in six; so near, none
branches.
"""


@dataclass(frozen=True)
class DispatchModel:
    """What stays the same from day to day: U units, N nodes, L lines.

    Attributes:
        node_count: N; nodes are 0 to N-1.
        line_from, line_to: int64[L], node where forward flow enters and leaves.
        rating_w, reverse_rating_w: int64[L], most power forward and backward.
        reactance_ppm: int64[L], per unit x 10^6; 0 where the line has none.
        unit_node: int64[U].
        offer_micro_per_mwh: int64[U].
        minimum_w: int64[U], least power at which a unit runs.
        ramp_w_per_h: int64[U], fastest change of a unit's power.
        loss_ppm: int64[U], part of a unit's power that is lost before it reaches its node.
        storage_wh: int64[U], 0 for a unit that stores nothing.
        round_trip_efficiency_ppm: int64[U], all of the loss taken on charging.
        unserved_micro_per_mwh: penalty for demand not served; above every offer.
        interval_minutes: length of an interval.
        gap_ppm: how much dearer than the least a choice of who is on may be (`GAP_PPM`).
    """

    node_count: int
    line_from: Integers
    line_to: Integers
    rating_w: Integers
    reverse_rating_w: Integers
    reactance_ppm: Integers
    unit_node: Integers
    offer_micro_per_mwh: Integers
    minimum_w: Integers
    ramp_w_per_h: Integers
    loss_ppm: Integers
    storage_wh: Integers
    round_trip_efficiency_ppm: Integers
    unserved_micro_per_mwh: int
    interval_minutes: int
    gap_ppm: int = GAP_PPM

    @property
    def hours(self) -> float:
        """Length of an interval in hours."""
        return self.interval_minutes / MINUTES_PER_HOUR


@dataclass(frozen=True, eq=False)
class FleetState:
    """What a fleet of U units carries into a day: at the end of the interval before it.

    Attributes:
        power_w: int64[U], less what a storage unit takes in; a unit at or below 0 does not run.
            None where power is not known: then no ramp limits how the first interval is reached.
        level_wh: int64[U], energy stored; 0 for a unit that stores nothing.
    """

    power_w: Integers | None
    level_wh: Integers
