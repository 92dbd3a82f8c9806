"""What a verification keeps of the runs whose rows it hashed, so that it reads them once."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from settlement.billing.posting import MOVING_MEASURES
from settlement.runs.day_totals import DayTotal
from settlement.runs.results import ResultVector, VectorKey


@dataclass(frozen=True)
class HeldDay:
    """A day of a run whose results and day totals give their digests.

    Attributes:
        digest: over the day's results.
        totals: of every metered vector, in Wh, and of every result that moves something.
    """

    digest: bytes
    totals: Mapping[VectorKey, int]


HeldDays = Mapping[dt.date, HeldDay]
HeldRuns = dict[uuid.UUID, HeldDays]
"""The days of each run whose rows were all hashed, and found as they are stored."""


def held_day(digest: bytes, vectors: Iterable[ResultVector], totals: Iterable[DayTotal]) -> HeldDay:
    """Return what is kept of a day, from its stored results and the energy that it metered."""
    return HeldDay(
        digest,
        moving_totals(vectors) | {(each.measure, each.entity): each.total_wh for each in totals},
    )


def moving_totals(vectors: Iterable[ResultVector]) -> dict[VectorKey, int]:
    """Return the total of every result that moves something."""
    return {
        (vector.measure, vector.entity): sum(vector.values.tolist())
        for vector in vectors
        if vector.measure.endswith(MOVING_MEASURES)
    }
