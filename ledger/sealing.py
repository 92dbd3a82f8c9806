"""Sealing settlement days, which are sealed, and whether their seals hold."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Date, exists, func, insert, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding, refuse_any
from ledger import store, tables
from ledger.cause_verification import hold_to_causes
from ledger.causes import CauseSource
from ledger.posting import post, require_zone
from ledger.rules import LedgerRule
from ledger.seal import (
    Seal,
    SealRequest,
    SealRow,
    anchor_draft,
    check_request,
    seal_digest,
)
from ledger.store import Head
from ledger.verification import CHAIN, DIGEST, FOREIGN

Span = tuple[dt.datetime, dt.datetime]
"""The instants between which a sealed day lies; the second is the first of the next day."""


class LaterRow(NamedTuple):
    """A journal that came to a day after its seal."""

    market: str
    settlement_day: dt.date
    number: int


def seal_days(session: Session, request: SealRequest, now: dt.datetime) -> list[Seal]:
    """Seal settlement days, all or nothing; a day that is sealed already keeps its seal.

    Raises:
        Refused: nobody or no reason is named, or nothing was posted to a day.
    """
    require_zone(now)
    refuse_any(check_request(request))
    store.lock(session)
    wanted = [each.day for each in request.days]
    known = {seal.row.settlement_day: seal for seal in seals_of(session, request.market, wanted)}
    # Read under the lock: a journal that came after this would make the seal's last journal a lie.
    heads = _last_journals(session, request.market, wanted)
    new = [each for each in request.days if each.day not in known]
    refuse_any(
        LedgerRule.SEAL_IS_UNFOUNDED.finding(
            f"seal of {request.market} {each.day}",
            "no journal is posted to the day",
        )
        for each in new
        if each.day not in heads
    )
    number = store.journal_head(session).number + 1
    rows = [
        SealRow(
            market=request.market,
            settlement_day=each.day,
            journal_number=number,
            begins_at=each.begins_at,
            ends_at=each.ends_at,
            sealed_by=request.sealed_by.strip(),
            reason=request.reason.strip(),
            sealed_at=now,
            last_journal_number=heads[each.day].number,
            last_journal_digest=heads[each.day].digest,
        )
        for each in new
    ]
    if rows:
        stored = [{**row._asdict(), "digest": seal_digest(row)} for row in rows]
        with store.constraints_as_refusals():
            session.execute(insert(tables.Seal), stored)
        # It brings the root of the seals into the chain, so that a seal whose row is removed is
        # missed there too.
        post(session, anchor_draft(rows), now)
    made = {row.settlement_day: Seal(row, seal_digest(row), is_repeat=False) for row in rows}
    return [(known | made)[day] for day in wanted]


def seals_of(
    session: Session, market: str | None = None, days: Sequence[dt.date] | None = None
) -> list[Seal]:
    """Return the seals of a market, or of all, in the order of markets and days.

    Args:
        session: the caller's session.
        market: of this market where it is named.
        days: of these days where they are named.
    """
    seal = tables.Seal
    statement = select(*_columns(), seal.digest).order_by(seal.market, seal.settlement_day)
    if market is not None:
        statement = statement.where(seal.market == market)
    if days is not None:
        chosen = sql_cast(list(days), ARRAY(Date))
        statement = statement.where(seal.settlement_day == func.any(chosen))
    return [Seal(SealRow(*row[:-1]), row[-1], is_repeat=True) for row in session.execute(statement)]


def sealed_spans(session: Session) -> Mapping[str, Sequence[Span]]:
    """Return the instants of every sealed day by market: law for them no longer changes."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for seal in seals_of(session):
        spans[seal.row.market].append((seal.row.begins_at, seal.row.ends_at))
    return dict(spans)


def verify_seals(session: Session) -> Iterator[Finding]:
    """Hash every seal again, and hold it to its anchor and to the journals of its day."""
    anchored: defaultdict[int, list[SealRow]] = defaultdict(list)
    seen: set[tuple[str, dt.date]] = set()
    for seal in seals_of(session):
        row = seal.row
        key = f"{row.market} {row.settlement_day}"
        if (row.market, row.settlement_day) in seen:
            yield damage(FOREIGN, f"ledger.seal {key}", "the row stands twice")
        seen.add((row.market, row.settlement_day))
        anchored[row.journal_number].append(row)
        if seal_digest(row) != seal.digest:
            value = "its columns do not give the digest stored with it"
            yield damage(DIGEST, f"ledger.seal {key}", value)
    for market, day in _loose_seals(session):
        value = "the last journal it names is not one of the day with the digest it names"
        yield damage(CHAIN, f"ledger.seal {market} {day}", value)
    # Of one request, so all of a market, in the order of their days, as they were anchored.
    anchors = {number: anchor_draft(rows) for number, rows in anchored.items()}
    yield from hold_to_causes(session, CauseSource.SEAL, anchors)
    for later in _later_journals(session):
        value = f"it came to {later.market} {later.settlement_day} after the day was sealed"
        yield damage(FOREIGN, f"ledger.journal {later.number}", value)


def _last_journals(session: Session, market: str, days: Sequence[dt.date]) -> dict[dt.date, Head]:
    journal = tables.Journal
    statement = (
        select(journal.settlement_day, journal.number, journal.digest)
        .where(
            journal.market == market,
            journal.settlement_day == func.any(sql_cast(list(days), ARRAY(Date))),
        )
        .order_by(journal.number)
    )
    return {day: Head(number, digest) for day, number, digest in session.execute(statement) if day}


def _loose_seals(session: Session) -> list[tuple[str, dt.date]]:
    journal, seal = tables.Journal, tables.Seal
    named = exists().where(
        journal.number == seal.last_journal_number,
        journal.digest == seal.last_journal_digest,
        journal.market == seal.market,
        journal.settlement_day == seal.settlement_day,
    )
    rows = session.execute(select(seal.market, seal.settlement_day).where(~named))
    return [(market, day) for market, day in rows]


def _later_journals(session: Session) -> list[LaterRow]:
    journal, seal = tables.Journal, tables.Seal
    statement = (
        select(seal.market, seal.settlement_day, journal.number)
        .join(
            journal,
            (journal.market == seal.market) & (journal.settlement_day == seal.settlement_day),
        )
        .where(journal.number > seal.last_journal_number)
        .order_by(journal.number)
    )
    return [LaterRow(*row) for row in session.execute(statement)]


def _columns() -> list[ColumnElement[Any]]:
    return [tables.Seal.__table__.columns[name] for name in SealRow._fields]
