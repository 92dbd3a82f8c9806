"""Readings that came after the last run of their day, and which run takes them up: pure."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rulebook.documents.market_rules import CalendarRun
from settlement.calendar.due import ONE_DAY


class Arrival(NamedTuple):
    """Readings of a settlement day that one file brought after the day's last posted run.

    `corrected` counts day vectors that are a new revision, `first` those that are the first known.
    """

    day: dt.date
    file_id: uuid.UUID
    file: str
    received_on: dt.date
    first: int
    corrected: int
    posted_kind: str


@dataclass(frozen=True)
class LateReadings:
    """An arrival, judged by the rules of its day.

    Attributes:
        days_late: days after the deadline of the meter data; 0 or less is in time.
        next_kind: the run that takes it up; None when the calendar has none left.
        next_due_on: when that run is due.
    """

    arrival: Arrival
    days_late: int
    next_kind: str | None
    next_due_on: dt.date | None
    is_sealed: bool

    @property
    def is_late(self) -> bool:
        """Whether it came after the deadline."""
        return self.days_late > 0


@dataclass(frozen=True)
class DayTerms:
    """What the rules of a settlement day say of late readings, and whether it is sealed."""

    runs: Sequence[CalendarRun]
    late_after_days: int
    is_sealed: bool

    def run_after(self, kind: str) -> CalendarRun | None:
        """Return the run that comes after one that is posted; None where none is left."""
        if self.is_sealed:
            return None
        kinds = [run.run for run in self.runs]
        at = kinds.index(kind) + 1 if kind in kinds else len(kinds)
        return next(iter(self.runs[at:]), None)


def late_readings(
    arrivals: Iterable[Arrival], terms: Mapping[dt.date, DayTerms]
) -> list[LateReadings]:
    """Return what came after the last posted run of its day, earliest day first.

    Posted under II, a correction of a day waits for SF; after the last run of the calendar, or once
    the day is sealed, no run takes it up.
    """
    found = []
    for arrival in arrivals:
        of_day = terms[arrival.day]
        following = of_day.run_after(arrival.posted_kind)
        deadline = arrival.day + of_day.late_after_days * ONE_DAY
        found.append(
            LateReadings(
                arrival,
                (arrival.received_on - deadline).days,
                following.run if following else None,
                arrival.day + following.lag_days * ONE_DAY if following else None,
                of_day.is_sealed,
            )
        )
    return sorted(found, key=lambda reading: (reading.arrival.day, reading.arrival.received_on))
