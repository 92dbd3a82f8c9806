"""The energy that a day of a run settled, summed: what its journal moves in energy.

It is stored beside the day's results, so that posting does not read the meters again. A total sums
the readings as the day used them, measured or estimated by rule; of a supply point, what it takes,
where its contract did not serve all that it wished for, or served what was owed. Each has a digest
of its own; a replay compares it, and `verify` sums again what the run is pinned to.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ledger.chain import encode
from ledger.tree import leaf_hash
from settlement.meters.quality import UsedReadings
from settlement.meters.register import DEMAND, GENERATION

DAY_TOTAL_TAG = "tallystick.day-total.1"

METERED_ENERGY = (DEMAND, GENERATION)
"""The measures of energy that journals state; others, such as what was desired, move nothing."""


@dataclass(frozen=True)
class DayTotal:
    """The energy of one measure and entity over a day, in Wh; net export is negative demand."""

    day: dt.date
    measure: str
    entity: str
    total_wh: int

    @cached_property
    def digest(self) -> bytes:
        """The RFC 6962 leaf hash of the tag and every field; without the run, as of a result."""
        fields = (self.day, self.measure, self.entity, self.total_wh)
        return leaf_hash(encode(DAY_TOTAL_TAG, fields))


def day_totals(
    day: dt.date,
    used: Mapping[str, UsedReadings],
    taken_wh: Mapping[str, NDArray[np.int64]] | None = None,
) -> list[DayTotal]:
    """Return the totals of a day's energy, ordered by measure and entity.

    Sums are exact: a day vector of int64 is summed in Python's integers.

    Args:
        used: the readings of the day.
        taken_wh: by supply point, what it takes where that is not what was metered.
    """
    taken = taken_wh or {}
    return [
        DayTotal(day, measure, entity, sum(values.tolist()))
        for measure in METERED_ENERGY
        for entity, metered in zip(used[measure].entities, used[measure].values, strict=True)
        for values in [taken.get(entity, metered) if measure == DEMAND else metered]
    ]
