"""Fairness reports as the database lets a reader read them: whole, or what everybody may know."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.log.store import find_leaf
from settlement.fairness.records import PostedDay, pin_from_json, runs_of
from settlement.fairness.store import find_report

TABLE = "settlement.fairness_report"
_SUPERSEDED = (
    "EXISTS (SELECT FROM jsonb_to_recordset(seen.pins) AS pin (day date, run uuid) "
    "CROSS JOIN LATERAL (SELECT journal.run_id FROM ledger.journal "
    "WHERE journal.market = seen.market AND journal.run_id IS NOT NULL "
    "AND journal.settlement_day = pin.day ORDER BY journal.number DESC LIMIT 1) AS posted "
    "WHERE posted.run_id <> pin.run)"
)
"""Whether a later run of a day is posted than that which a report rests on."""

SUPERSEDED = text(f"SELECT {_SUPERSEDED} FROM settlement.public_fairness(:report_id) AS seen")
LISTED = text(
    "SELECT DISTINCT ON (listed.market, listed.first_day, listed.last_day) listed.id, "
    "listed.market, listed.first_day, listed.last_day, listed.created_at, listed.digest, "
    "(SELECT jsonb_build_object("
    "'promises', seen.public -> 'promises', 'promises_kept', seen.public -> 'promises_kept', "
    f"'findings', seen.public -> 'findings', 'is_superseded', {_SUPERSEDED}, "
    "'is_compared', jsonb_path_exists(seen.public, '$.designs.*.figures')) "
    "FROM settlement.public_fairness(listed.id) AS seen) AS said "
    "FROM settlement.fairness_reports(NULL) AS listed "
    "ORDER BY listed.market, listed.first_day, listed.last_day, listed.created_at DESC, listed.id"
)
VERSIONS = text(
    "SELECT id, created_at, digest FROM settlement.fairness_reports(:market) "
    "WHERE first_day = :first_day AND last_day = :last_day ORDER BY created_at DESC, id"
)
PUBLIC = text("SELECT pins, public FROM settlement.public_fairness(:report_id)")
OWN = text(
    "SELECT participant, units, supply_points FROM settlement.own_fairness(:report_id) "
    'ORDER BY participant COLLATE "C"'
)
POSTED_MONTHS = text(
    "SELECT market, date_trunc('month', settlement_day)::date, count(DISTINCT settlement_day) "
    "FROM ledger.journal WHERE run_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
)


class Listed(NamedTuple):
    """The latest report of a period, and what its headline is made of."""

    id: uuid.UUID
    market: str
    first_day: dt.date
    last_day: dt.date
    created_at: dt.datetime
    digest: bytes
    said: Mapping[str, Any]


class Version(NamedTuple):
    """One of the reports of a period."""

    id: uuid.UUID
    created_at: dt.datetime
    digest: bytes


class Own(NamedTuple):
    """What a report says of one participant that the reader acts for."""

    participant: str
    units: Sequence[Mapping[str, Any]]
    supply_points: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class ReadReport:
    """A report as its reader may read it.

    Attributes:
        content: whole, or what everybody may know of it.
        runs: whose results it rests on, of consecutive days each.
        own: what it says of the participants that the reader acts for.
        leaf: its place in the signed log.
        is_superseded: whether a later run of one of its days was posted since.
    """

    version: Version
    content: Mapping[str, Any]
    runs: Sequence[Mapping[str, str]]
    own: Sequence[Own]
    leaf: int | None
    is_whole: bool
    is_superseded: bool


def latest_reports(session: Session) -> list[Listed]:
    """Return the latest report of each period."""
    return [Listed(*row) for row in session.execute(LISTED)]


def posted_months(session: Session) -> list[tuple[str, dt.date, int]]:
    """Return by market each month of which any day is posted, and how many are."""
    return [(market, month, days) for market, month, days in session.execute(POSTED_MONTHS)]


def versions_of(session: Session, market: str, days: tuple[dt.date, dt.date]) -> list[Version]:
    """Return the reports of a period, latest first."""
    named = {"market": market, "first_day": days[0], "last_day": days[1]}
    return [Version(*row) for row in session.execute(VERSIONS, named)]


def read_report(session: Session, version: Version, *, is_whole: bool) -> ReadReport | None:
    """Return a report; None where the database shows it to nobody of the reader's rights.

    Args:
        is_whole: whether the reader oversees the market; others are told their own part.
    """
    is_superseded = bool(session.scalar(SUPERSEDED, {"report_id": version.id}))
    leaf = find_leaf(session, TABLE, str(version.id))
    place = None if leaf is None else leaf.index
    if is_whole:
        found = find_report(session, version.id)
        if found is None:
            return None
        return ReadReport(
            version, found.report, runs_of(found.pins), (), place, is_whole, is_superseded
        )
    row = session.execute(PUBLIC, {"report_id": version.id}).one_or_none()
    if row is None:
        return None
    pins: list[PostedDay] = [pin_from_json(pin) for pin in row.pins]
    own = [Own(*each) for each in session.execute(OWN, {"report_id": version.id})]
    return ReadReport(version, row.public, runs_of(pins), own, place, is_whole, is_superseded)
