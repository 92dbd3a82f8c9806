"""Figures of a trial, opened: what is asked for, who may, and what the worker makes of it.

A trial keeps no bulk, and readings are not the web process's to read. So a page asks as it asks for
explanations, with the same request: the worker settles the days again, and what it found stands for
an hour, for whoever asks the same with the same rights.
"""

import datetime as dt
import re
import uuid
from dataclasses import replace
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
from settlement.runs.settle import Progress, no_progress
from settlement.trials.opened import open_day, open_rows
from settlement.trials.records import Trial
from settlement.trials.rows import PARTICIPANT, ReportRow, report_rows, row_numbers
from settlement.trials.seen import find_public_trial
from settlement.trials.store import find_trial
from settlement.trials.trial import Transactions

_DOCUMENT = re.compile(r"trial ([0-9a-f-]{36}) (?:([0-9]{1,9})|own ([a-z0-9-]{1,48}))")
"""How a request names a row of a trial, where others name a document: no number has a space."""

OWN_NUMBER = 1
"""Of the only row that a request for a participant's own has."""
MOVED = "What this trial was computed from is not there as it was; tell the operator."

_JSON = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")
_ROWS: TypeAdapter[Page] = TypeAdapter(RowsPage | NotOpened, config=_JSON)
_DAY: TypeAdapter[Page] = TypeAdapter(RowDayPage | NotOpened, config=_JSON)
_LINE: TypeAdapter[Page] = TypeAdapter(LinePage | NotOpened, config=_JSON)
_TREES: TypeAdapter[Page] = TypeAdapter(TreesPage | NotOpened, config=_JSON)


class Opened(NamedTuple):
    """What is opened: every row day by day, a day of a row, a line of that day, or one interval.

    Attributes:
        row, line, interval: from 1; 0 where all rows, or the whole day, are asked for.
        own: the participant whose row is opened for whoever acts for it; it has no number then,
            as the report that numbers rows is hidden from them.
    """

    trial_id: uuid.UUID
    row: int = 0
    day: dt.date | None = None
    line: int = 0
    interval: int = 0
    own: str = ""

    @property
    def document(self) -> str:
        """What a request calls it in place of a document."""
        named = f"own {self.own}" if self.own else str(self.row)
        return f"trial {self.trial_id} {named}"

    @property
    def is_long(self) -> bool:
        """Whether all days are settled again, and not one."""
        return self.day is None

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
    identity, row, own = found.groups()
    return Opened(uuid.UUID(identity), int(row or 0), day, line, interval or 0, own or "")


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


def may_open_own(session: Session, viewer: Viewer, opened: Opened) -> bool:
    """Return whether a participant's own row is open to a user: of a trial that all may know of."""
    found = find_public_trial(session, opened.trial_id)
    is_told = found is not None and found.public is not None
    return is_told and found is not None and (found.market, opened.own) in viewer.acts_for


def open_rows_of(viewer: Viewer, trial: Trial) -> list[ReportRow]:
    """Return the rows of a trial that are open to a user."""
    return [
        row
        for row in report_rows(trial.report)
        if may_open(viewer, trial.market, participant_of(row))
    ]


def opened_row(trial: Trial, opened: Opened) -> ReportRow | None:
    """Return the row of a trial that is opened; None where it has no such row."""
    if not opened.own:
        return row_of(trial, opened.row)
    key = (PARTICIPANT, opened.own)
    return next((row for row in report_rows(trial.report) if row.key == key), None)


def row_of(trial: Trial, number: int) -> ReportRow | None:
    """Return a row of a trial by its number; None where it has no such row."""
    rows = report_rows(trial.report)
    return rows[number - 1] if 1 <= number <= len(rows) else None


def may_open_part(session: Session, viewer: Viewer, opened: Opened) -> bool:
    """Return whether what is opened is there, and open to a user."""
    trial = find_trial(session, opened.trial_id)
    if trial is None:
        return False
    if opened.own:
        return may_open_own(session, viewer, opened) and opened_row(trial, opened) is not None
    if not opened.row:
        return bool(open_rows_of(viewer, trial))
    row = row_of(trial, opened.row)
    return row is not None and may_open(viewer, trial.market, participant_of(row))


def make(
    transactions: Transactions,
    viewer: Viewer,
    opened: Opened,
    *,
    threads: int = 1,
    progress: Progress = no_progress,
) -> Page | None:
    """Return what a page shows; None where the trial has nothing of the kind; the worker's part.

    Whoever calls it has asked `may_open_part`.
    """
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
        return _make(transactions, viewer, trial, opened, threads, progress)
    except Refused as refused:
        if opened.own:  # what is missing may be another's
            return NotOpened((MOVED,))
        return NotOpened(tuple(str(finding) for finding in refused.findings))


def _make(
    transactions: Transactions,
    viewer: Viewer,
    trial: Trial,
    opened: Opened,
    threads: int,
    progress: Progress,
) -> Page | None:
    if opened.day is None:
        return _rows(transactions, viewer, trial, opened, threads, progress)
    row = opened_row(trial, opened)
    if row is None or not trial.first_day <= opened.day <= trial.last_day:
        return None
    with transactions() as session:
        found = open_day(session, trial, opened.day)
    if not opened.line:
        return row_day_page(found, row)
    if not opened.interval:
        return line_page(found, row, opened.line)
    market, subject = trial.market, participant_of(row)

    def may_see(owner: str) -> bool:
        if opened.own:  # whatever else its reader oversees: that is read, and kept, elsewhere
            return (market, owner) in viewer.acts_for
        return owner == subject or may_open(viewer, market, owner)

    published = frozenset(pin.digest for pin in trial.pins)
    return trees_page(found, row, opened.line, opened.interval, may_see, published)


def _rows(
    transactions: Transactions,
    viewer: Viewer,
    trial: Trial,
    opened: Opened,
    threads: int,
    progress: Progress,
) -> RowsPage | None:
    """Settle all days; of a participant's own, for its row alone."""
    own = opened_row(trial, opened) if opened.own else None
    if opened.own and own is None:
        return None
    rows = open_rows_of(viewer, trial) if own is None else [own]
    found = open_rows(transactions, trial, rows, threads=threads, progress=progress)
    if own is None:
        return rows_page(found, row_numbers(trial.report))
    # Prices of the whole grid are no part of one row.
    return rows_page(replace(found, prices=()), {own.key: OWN_NUMBER})
