"""Figures of a trial, opened: what is asked for, who may, and what the worker makes of it.

A trial keeps no bulk, and readings are not the web process's to read. So a page asks as it asks for
explanations, with the same request: the worker settles the days again, and what it found stands for
an hour, for whoever asks the same with the same rights.
"""

import datetime as dt
import re
import uuid
from typing import NamedTuple

from pydantic import ConfigDict, TypeAdapter
from sqlalchemy.orm import Session

from common.refusals import Refused
from portal.access import Viewer
from portal.trials.opened_pages import (
    LinePage,
    NotOpened,
    Page,
    RowDayPage,
    RowsPage,
    TreesPage,
    line_page,
    row_day_page,
    rows_page,
    trees_page,
)
from settlement.runs.run import ENGINE_VERSION
from settlement.trials.opened import open_day, open_rows
from settlement.trials.records import Trial
from settlement.trials.rows import PARTICIPANT, ReportRow, report_rows, row_numbers
from settlement.trials.store import find_trial
from settlement.trials.trial import Transactions

_DOCUMENT = re.compile(r"trial ([0-9a-f-]{36}) ([0-9]{1,9})")
"""How a request names a row of a trial, where others name a document: no number has a space."""

_JSON = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")
_ROWS: TypeAdapter[Page] = TypeAdapter(RowsPage | NotOpened, config=_JSON)
_DAY: TypeAdapter[Page] = TypeAdapter(RowDayPage | NotOpened, config=_JSON)
_LINE: TypeAdapter[Page] = TypeAdapter(LinePage | NotOpened, config=_JSON)
_TREES: TypeAdapter[Page] = TypeAdapter(TreesPage | NotOpened, config=_JSON)


class Opened(NamedTuple):
    """What is opened: every row day by day, a day of a row, a line of that day, or one interval.

    Attributes:
        row, line, interval: from 1; 0 where all rows, or the whole day, are asked for.
    """

    trial_id: uuid.UUID
    row: int = 0
    day: dt.date | None = None
    line: int = 0
    interval: int = 0

    @property
    def document(self) -> str:
        """What a request calls it in place of a document."""
        return f"trial {self.trial_id} {self.row}"

    @property
    def pages(self) -> TypeAdapter[Page]:
        """What reads and writes the page that is kept of it."""
        if self.day is None:
            return _ROWS
        if not self.line:
            return _DAY
        return _TREES if self.interval else _LINE


def opened_of(document: str, line: int, day: dt.date | None, interval: int | None) -> Opened | None:
    """Return what a request opens of a trial; None of one that explains a document."""
    found = _DOCUMENT.fullmatch(document)
    if found is None:
        return None
    return Opened(uuid.UUID(found[1]), int(found[2]), day, line, interval or 0)


def may_open(viewer: Viewer, market: str, participant: str | None) -> bool:
    """Return whether figures of a participant in trials are open to a user, with all behind them.

    Args:
        viewer: the user.
        market: of the trial.
        participant: whose they are; None of a row in which several stand together.
    """
    return viewer.sees_studies


def participant_of(row: ReportRow) -> str | None:
    """Return whose figures a row has; None of one in which several stand together."""
    return row.name if row.dimension == PARTICIPANT else None


def open_rows_of(viewer: Viewer, trial: Trial) -> list[ReportRow]:
    """Return the rows of a trial that are open to a user."""
    return [
        row
        for row in report_rows(trial.report)
        if may_open(viewer, trial.market, participant_of(row))
    ]


def row_of(trial: Trial, number: int) -> ReportRow | None:
    """Return a row of a trial by its number; None where it has no such row."""
    rows = report_rows(trial.report)
    return rows[number - 1] if 1 <= number <= len(rows) else None


def may_open_part(session: Session, viewer: Viewer, opened: Opened) -> bool:
    """Return whether what is opened is there, and open to a user."""
    trial = find_trial(session, opened.trial_id)
    if trial is None:
        return False
    if not opened.row:
        return bool(open_rows_of(viewer, trial))
    row = row_of(trial, opened.row)
    return row is not None and may_open(viewer, trial.market, participant_of(row))


def make(
    transactions: Transactions, viewer: Viewer, opened: Opened, *, threads: int = 1
) -> Page | None:
    """Return what a page shows; None where the trial has nothing of the kind; the worker's part."""
    with transactions() as session:
        trial = find_trial(session, opened.trial_id)
    if trial is None:
        return None
    if trial.engine_version != ENGINE_VERSION:
        return NotOpened(
            (
                f"Version {trial.engine_version} of the engine computed this trial, and this is "
                f"version {ENGINE_VERSION}. Try the draft again, or open it with a release that "
                "has that version.",
            )
        )
    try:
        return _make(transactions, viewer, trial, opened, threads)
    except Refused as refused:
        return NotOpened(tuple(str(finding) for finding in refused.findings))


def _make(
    transactions: Transactions, viewer: Viewer, trial: Trial, opened: Opened, threads: int
) -> Page | None:
    if opened.day is None:
        rows = open_rows_of(viewer, trial)
        return rows_page(
            open_rows(transactions, trial, rows, threads=threads), row_numbers(trial.report)
        )
    row = row_of(trial, opened.row)
    if row is None or not trial.first_day <= opened.day <= trial.last_day:
        return None
    with transactions() as session:
        found = open_day(session, trial, opened.day)
    if not opened.line:
        return row_day_page(found, row)
    if not opened.interval:
        return line_page(found, row, opened.line)
    market, own = trial.market, participant_of(row)

    def may_see(owner: str) -> bool:
        return owner == own or may_open(viewer, market, owner)

    return trees_page(found, row, opened.line, opened.interval, may_see)
