"""The part of an evidence file that is of a market online, as whoever knows its log gives it.

Markets online stand above settlement, so the rows come from the caller; here is how they are
written, and of which runs.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ledger.journal import STUDY
from settlement.evidence.log_part import Fact, LogPart
from settlement.evidence.rows import json_lines
from settlement.runs.pinned import pinned_periods
from settlement.runs.run import Run
from verifier.ledger import DIGEST
from verifier.own_bookings import OWN_BOOKINGS
from verifier.published import (
    BOOKING,
    LINK,
    OPENING,
    PUBLICATION,
    SEALED_STRETCHES,
    STRETCH,
    STRETCH_SOURCE,
    published_path,
)

__all__ = [
    "BOOKING",
    "OPENING",
    "PUBLICATION",
    "STRETCH_SOURCE",
    "OwnPart",
    "Part",
    "Row",
    "last_word",
    "own_files",
    "published_files",
]

Row = Mapping[str, Any]
Part = Callable[[Session, Run, LogPart], Mapping[str, bytes]]
"""Gives more files of the evidence of a run, by name: of what the checkpoint covers."""


OwnPart = Callable[
    [Session, str, str, Collection[int], LogPart], tuple[Mapping[str, bytes], Sequence[Fact]]
]
"""Gives more files of the evidence of a participant, and the facts that they rest on: of a market,
of a participant, of the bookings of these numbers."""


def last_word(session: Session, run: Run) -> dt.date | None:
    """Return the day from which on no reading moves a price of a run's days any more.

    None where nothing is published of them: of a study, and under law without the part `online`.
    """
    if run.kind == STUDY:
        return None
    ends = [
        period.last_day
        + dt.timedelta(days=1 + period.rules.market_rules.meter_data.late_after_days)
        for period in pinned_periods(session, run)
        if period.rules.market_rules.online is not None
    ]
    return max(ends, default=None)


def published_files(
    sealed: Iterable[Row], days: Iterable[tuple[dt.date, Iterable[Row]]]
) -> dict[str, bytes]:
    """Return the files of what a market published.

    Args:
        sealed: the stretches of its log that are leaves, in order.
        days: days by its clock, and of each the opening, then what was published and booked up to
            the next, in order; a column that a row has no value of is left out.
    """
    files = {SEALED_STRETCHES: json_lines(_with(row, [*STRETCH, *DIGEST]) for row in sealed)}
    for day, rows in days:
        files[published_path(day.isoformat())] = json_lines(_with(row, LINK) for row in rows)
    return files


def own_files(sealed: Iterable[Row], rows: Iterable[Row]) -> dict[str, bytes]:
    """Return the files of bookings that a participant's documents name.

    Args:
        sealed: the stretches of the market's log that seal them, in order.
        rows: of each, the chain from the first of them to its end; the first row of each names the
            digest before it.
    """
    return {
        SEALED_STRETCHES: json_lines(_with(row, [*STRETCH, *DIGEST]) for row in sealed),
        OWN_BOOKINGS: json_lines(_with(row, LINK) for row in rows),
    }


def _with(row: Row, columns: Iterable[str]) -> dict[str, Any]:
    return {name: row.get(name) for name in columns}
