"""The audit trail: what was done in the portal, and by commands what left rows of its own.

Settling, ingesting, publishing and issuing are read off their rows, so that nobody can forget to
leave an entry; what a command did as an account is a deed of it, and the portal's own entries are
kept in a table that refuses to change.
"""

import datetime as dt
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.people.tables import Deed
from ledger.tables import Invoice
from portal.models import AuditEntry
from rulebook.tables import VersionRow
from settlement.tables import ReadingFileRow, RunRow

BY_COMMAND = "by command"


@dataclass(frozen=True)
class TrailEntry:
    """One thing that was done: when, by whom, what, to what and why."""

    at: dt.datetime
    who: str
    what: str
    subject: str
    why: str = ""


class Trail:
    """Every entry, latest first, as a sequence that is read a page at a time."""

    def __init__(self, session: Session) -> None:
        self.facts = sorted(_facts(session), key=lambda entry: entry.at, reverse=True)
        self.kept = AuditEntry.objects.all()

    def __len__(self) -> int:
        return len(self.facts) + self.kept.count()

    def __iter__(self) -> Iterator[TrailEntry]:
        return iter(self[: len(self)])

    def __getitem__(self, part: slice) -> list[TrailEntry]:
        """Return a slice; no more of the portal's own entries are read than it can hold."""
        own = map(_of_portal, self.kept[: part.stop])
        merged = heapq.merge(self.facts, own, key=lambda entry: entry.at, reverse=True)
        return list(islice(merged, part.start, part.stop))


def _of_portal(entry: AuditEntry) -> TrailEntry:
    who = entry.account or "nobody known"
    return TrailEntry(entry.at, who, entry.get_action_display(), entry.subject, entry.reason)


def _facts(session: Session) -> Iterator[TrailEntry]:
    yield from _settled(session)
    yield from _ingested(session)
    yield from _published(session)
    yield from _issued(session)
    yield from _done(session)


def _done(session: Session) -> Iterator[TrailEntry]:
    for row in session.execute(select(Deed.at, Deed.account, Deed.command, Deed.words)):
        yield TrailEntry(row.at, row.account, f"Ran {row.command}", row.words)


def _settled(session: Session) -> Iterator[TrailEntry]:
    run = RunRow
    for row in session.execute(
        select(run.created_at, run.market, run.kind, run.first_day, run.last_day)
    ):
        subject = f"{row.market} {row.kind} {row.first_day} to {row.last_day}"
        yield TrailEntry(row.created_at, BY_COMMAND, "Settled", subject)


def _ingested(session: Session) -> Iterator[TrailEntry]:
    file = ReadingFileRow
    for row in session.execute(select(file.received_at, file.market, file.name)):
        yield TrailEntry(
            row.received_at, BY_COMMAND, "Ingested readings", f"{row.market} {row.name}"
        )


def _published(session: Session) -> Iterator[TrailEntry]:
    # Publishing records again what remains of an earlier version: the first record is the deed.
    version = VersionRow
    at = func.min(func.lower(version.recorded))
    for row in session.execute(
        select(
            version.instrument, version.author, version.approver, version.reason, at.label("at")
        ).group_by(
            version.instrument, version.digest, version.author, version.approver, version.reason
        )
    ):
        who = f"{row.author}, approved by {row.approver}"
        yield TrailEntry(row.at, who, "Published", row.instrument, row.reason)


def _issued(session: Session) -> Iterator[TrailEntry]:
    invoice = Invoice
    key = (invoice.issued_at, invoice.market, invoice.billing_month)
    for row in session.execute(select(*key, func.count().label("documents")).group_by(*key)):
        plural = "" if row.documents == 1 else "s"
        subject = f"{row.market}, {row.billing_month:%B %Y}: {row.documents} document{plural}"
        yield TrailEntry(row.issued_at, BY_COMMAND, "Issued", subject)
